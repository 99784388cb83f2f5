package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/runbook/apply"
)

func reportCmd(c *cli) *cobra.Command {
	var runID string
	cmd := &cobra.Command{
		Use:   "report FILE",
		Short: "Write the results of an operation from its journal into the runbook",
		Long: `Write the report and the results of a runbook's latest operation from its
journal into the document: when it could not be written while the operation ran
(a full disk, a read-only folder), or its results were lost. Nothing is asked of
any target, and nothing but the document is changed.

With --run the operation may be one of another document: the one that this was
copied or renamed from.`,
		Example: `  stet report change.md
  stet report --run 01JD3… renamed.md`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, files []string) error {
			return c.report(cmd.Context(), files[0], runID)
		},
	}
	cmd.Flags().StringVar(&runID, "run", "", "the operation of this run `ID`, not the latest")
	return cmd
}

func (c *cli) report(ctx context.Context, file, runID string) error {
	if file == "-" {
		return usage(errors.New("writing a report: stdin is no document to write into"), "give the path of a Markdown file")
	}
	d, err := c.load(file, choice{})
	if err != nil {
		return err
	}
	state, err := c.state()
	if err != nil {
		return err
	}
	op, lost, kept, err := apply.Report(ctx, d, apply.Options{StateDir: state, Operator: operator(), RunID: runID})
	var unwritten *apply.UnwrittenError
	switch {
	case errors.As(err, &unwritten):
		return codeError{exitFailed, hinted{unwritten, c.writeLater(unwritten)}}
	case errors.Is(err, apply.ErrNothing):
		return codeError{exitFailed, hinted{err, "if it was run elsewhere, or under another name: give --state-dir, or --run"}}
	case err != nil:
		return err
	}
	c.out().Print(view.Headline(op))
	for _, note := range kept {
		c.msg().Print("note: " + note + "\n")
	}
	for _, step := range lost {
		c.msg().Print("note: the document has no place for the result of " + step + "; it is in the journal\n")
	}
	c.msg().Print("wrote " + file + "\n")
	return nil
}

// writeLater is what to type to have the results written after all.
func (c *cli) writeLater(lost *apply.UnwrittenError) string {
	if lost.Dir == "" {
		return "make the document writable, or use --no-write"
	}
	again := "stet report " + c.stateFlag() + quoted(lost.Document)
	if errors.Is(lost.Err, fs.ErrNotExist) {
		return "cp " + quoted(filepath.Join(lost.Dir, apply.SourceFile)) + " " + quoted(lost.Document) + " && " + again
	}
	return "when it can be written again: " + again
}

// stateFlag is what a command that is to be typed needs to find what was done here.
func (c *cli) stateFlag() string {
	if c.stateDir == "" {
		return ""
	}
	return "--state-dir " + quoted(c.stateDir) + " "
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
