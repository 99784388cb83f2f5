package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/executors"
	"stet/internal/version"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/redact"
)

// cli is what all verbs share: the streams and the flags of the root.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	noColor  bool
	stateDir string
	json     bool

	// hide takes secrets out of error messages; nil when there are none.
	hide *redact.Redactor

	// begun is set while an operation acts on a target, or may have something to undo.
	begun atomic.Bool

	results, messages *view.Page
	events            view.View
}

// out is where results go.
func (c *cli) out() *view.Page {
	if c.results == nil {
		c.results = view.NewPage(c.stdout, os.Environ(), c.noColor)
	}
	return c.results
}

// msg is where progress, questions and errors go.
func (c *cli) msg() *view.Page {
	if c.messages == nil {
		c.messages = view.NewPage(c.stderr, os.Environ(), c.noColor)
	}
	return c.messages
}

// view is how events are shown: JSON on stdout; else lines on stderr, with a
// status line where stderr is a terminal.
func (c *cli) view() view.View {
	if c.events != nil {
		return c.events
	}
	f, isFile := c.stderr.(*os.File)
	switch {
	case c.json:
		c.events = view.JSON(c.out())
	case isFile && view.Interactive(f, os.Getenv):
		c.events = view.Live(c.msg(), f)
	default:
		c.events = view.Plain(c.msg())
	}
	return c.events
}

// follow takes note of whether something has been begun.
func (c *cli) follow(e runbook.Event) {
	switch e.Kind {
	case runbook.EventStep:
		if runbook.BlockKind(e.Text).Changing() {
			c.begun.Store(true)
		}
	case runbook.EventUndo:
		c.begun.Store(true)
	case runbook.EventEnd:
		c.begun.Store(false)
	}
}

// close takes the status line away, if there is one.
func (c *cli) close() {
	if c.events != nil {
		c.events.Close()
		c.events = nil
	}
}

// terminal reports whether somebody can be asked: both ends of a question are
// terminals.
func (c *cli) terminal() bool {
	return view.Terminal(c.stdin) && view.Terminal(c.stderr) && os.Getenv("CI") == ""
}

// state is the folder of journals and locks.
func (c *cli) state() (string, error) {
	if c.stateDir != "" {
		return c.stateDir, nil
	}
	return journal.DefaultDir()
}

// written is the error of writing results, if there was one: a report on a full
// disk must not look like success. A reader that went away is none.
func (c *cli) written() error {
	if c.results == nil {
		return nil
	}
	if err := c.results.Err(); err != nil && !errors.Is(err, syscall.EPIPE) {
		return codeError{exitFailed, err}
	}
	return nil
}

// complain prints err and, on a line of its own, what can be done about it.
func (c *cli) complain(err error) {
	c.close()
	if err == nil || errors.Is(err, errShown) {
		return
	}
	text := err.Error()
	if c.hide != nil {
		text = c.hide.String(text)
	}
	if text != "" {
		c.msg().Print("stet: " + strings.TrimRight(text, "\n") + "\n")
	}
	hint := hintOf(err)
	if c.hide != nil {
		hint = c.hide.String(hint)
	}
	if hint != "" {
		c.msg().Print("hint: " + hint + "\n")
	}
}

func hintOf(err error) string {
	var h interface{ Remedy() string } // its own word, which may be none
	if errors.As(err, &h) {
		return h.Remedy()
	}
	return executors.Remedy(err)
}

// hinted is an error with a remedy apart from it.
type hinted struct {
	error
	hint string
}

// Unwrap returns the error without its remedy.
func (h hinted) Unwrap() error { return h.error }

// Remedy says what can be done about it.
func (h hinted) Remedy() string { return h.hint }

func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:   "stet",
		Short: "Run runbooks that plan, prove, undo and report a network change",
		Long: `Stet runs a Markdown document: its netconfig, check, rollback and run blocks
are planned, run, proven, undone when they fail, and the document becomes its
own report.

A change is provisional until its checks hold. Then it stands. Otherwise it is
undone.`,
		Example: `  stet new change change.md     # start a runbook
  stet lint change.md           # find what is wrong with it
  stet plan change.md           # see what it would do, touching nothing
  stet run change.md            # see it, be asked, run it
  stet status change.md         # see how it went, and what to do next`,
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().BoolVar(&c.noColor, "no-color", false, "no colours, also on a terminal (as NO_COLOR does)")
	root.PersistentFlags().StringVar(&c.stateDir, "state-dir", "", "folder of journals and locks (default $XDG_STATE_HOME/stet)")
	root.SetVersionTemplate("stet {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(err, "see "+cmd.CommandPath()+" --help")
	})
	root.SuggestionsMinimumDistance = 2
	cobra.EnableCommandSorting = false
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(verbs(c)...)
	return root
}

// verbs in the order of the help: that of a change's life.
func verbs(c *cli) []*cobra.Command {
	return []*cobra.Command{
		newCmd(c), lintCmd(c), fmtCmd(c), watchCmd(c),
		planCmd(c), runCmd(c), checkCmd(c), confirmCmd(c), rollbackCmd(c), resumeCmd(c), statusCmd(c), reportCmd(c), verifyCmd(c),
		factsCmd(c), completionCmd(), versionCmd(c), manCmd(), agentCmd(c),
	}
}

// knownVerb refuses what is no verb, naming those that look like it.
func knownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see stet --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(errors.New("there is no verb "+args[0]), hint)
}
