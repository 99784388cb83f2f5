package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"stet/runbook"
	"stet/runbook/apply"
	"stet/runbook/journal"
	"stet/runbook/markdown"
)

func verifyCmd(c *cli) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check the journal of a runbook and the report made from it",
		Long: `Check that the journal of a runbook's latest operation holds together: each
record carries the hash of the one before it, so that one that was changed,
removed or inserted shows. Then check that the results in the document are
those that stet wrote.`,
		Example: `  stet verify change.md
  stet verify --all change.md`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDocuments,
		RunE: func(_ *cobra.Command, files []string) error {
			return c.verify(files[0], all)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "the journals of all operations, not only the latest")
	return cmd
}

func (c *cli) verify(file string, all bool) error {
	src, err := c.read(file)
	if err != nil {
		return err
	}
	state, err := c.state()
	if err != nil {
		return err
	}
	dirs, err := journal.List(state, file)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		return codeError{exitFailed, hinted{fmt.Errorf("verifying %s: it has no operation in %s", file, state), "if it was run elsewhere, verify it there, or give --state-dir"}}
	}
	if !all {
		dirs = dirs[:1]
	}
	sound := true
	for _, dir := range dirs {
		sound = c.verifyJournal(dir) && sound
	}
	latest, err := c.latest(file)
	if err != nil && !sound {
		return shown(exitFailed) // said already: its journal is broken
	}
	if err != nil {
		return err
	}
	sound = c.verifyDocument(markdown.Parse(file, src), latest) && sound
	if !sound {
		return shown(exitFailed)
	}
	return nil
}

func (c *cli) verifyJournal(dir string) bool {
	run := filepath.Base(dir)
	records, head, err := journal.Verify(dir)
	if err != nil {
		c.out().Print(fmt.Sprintf("journal %s: broken: %v\n", run, err))
		return false
	}
	c.out().Print(fmt.Sprintf("journal %s: sound, %d records, head %s\n", run, records, head))
	return true
}

// verifyDocument looks at every region that stet wrote into the document.
func (c *cli) verifyDocument(d *runbook.Document, latest string) bool {
	if d.Report == nil {
		c.out().Print("report: none in the document\n")
		return true
	}
	edited := 0
	say := func(r *runbook.Region, what string) {
		if r == nil || !r.Edited {
			return
		}
		edited++
		c.out().Print(fmt.Sprintf("%s:%d:%d: %s was changed after stet wrote it\n", d.Path, r.Start.Line, r.Start.Column, what))
	}
	say(d.Report, "the report")
	for i := range d.Blocks {
		say(d.Blocks[i].Result, "the result of "+d.Blocks[i].Name)
	}
	for i := range d.Orphans {
		say(&d.Orphans[i], "a result whose block is gone")
	}
	if edited > 0 {
		return false
	}
	run := filepath.Base(latest)
	if !strings.Contains(d.Report.Body, run) {
		c.out().Print(fmt.Sprintf("report: not of the latest operation, %s (stet report %s writes that)\n", run, d.Path))
		return false
	}
	c.out().Print("report: as stet wrote it, of run " + run + "\n")
	return true
}

// latest is the folder of a document's latest operation.
func (c *cli) latest(file string) (string, error) {
	state, err := c.state()
	if err != nil {
		return "", err
	}
	dir, _, err := apply.Latest(state, file)
	if err == nil && dir == "" {
		err = errNoOperation
	}
	return dir, err
}

// errNoOperation says that a document was never run from here.
var errNoOperation = errors.New("no operation yet")
