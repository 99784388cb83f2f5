package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/runbook"
	"stet/runbook/apply"
	"stet/runbook/markdown"
)

// again makes a verb that goes on with an operation from its journal.
func again(c *cli, act func(context.Context, *runbook.Document, apply.Options) (*runbook.Operation, error), cmd *cobra.Command, question string) *cobra.Command {
	var yes, noWrite bool
	var answerFile, runID string
	cmd.Args = args(cobra.ExactArgs(1))
	cmd.ValidArgsFunction = completeDocuments
	cmd.RunE = func(cmd *cobra.Command, files []string) (err error) {
		d, err := c.loadAgain(files[0])
		if err != nil {
			return err
		}
		if !yes && !c.terminal() {
			return refused("nobody can be asked: there is no terminal", "run with --yes")
		}
		given, err := answers(answerFile)
		if err != nil {
			return err
		}
		o, err := c.beginWith(cmd.Context(), d, all)
		if err != nil {
			return err
		}
		defer o.end(&err)
		options, err := o.options()
		if err != nil {
			return err
		}
		if !yes {
			options.Agree = func(ctx context.Context, op *runbook.Operation) (bool, error) {
				c.msg().Print(view.Headline(op) + view.Steps(op))
				return o.person.agree(ctx, question)
			}
		}
		options.Answers, err = byName(o.d, given)
		if err != nil {
			return err
		}
		options.RunID = runID
		options.ReadOnly = noWrite
		op, err := act(cmd.Context(), o.d, options)
		if errors.Is(err, apply.ErrNothing) {
			c.msg().Print("stet: " + err.Error() + "\n")
			return nil
		}
		return o.conclude(op, elsewhere(err))
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it without asking")
	cmd.Flags().StringVar(&runID, "run", "", "the operation of this run `ID`, not the latest")
	cmd.Flags().StringVar(&answerFile, "answers", "", "`file` of answers to manual steps (YAML)")
	cmd.Flags().BoolVar(&noWrite, "no-write", false, "leave the document as it is")
	jsonFlag(c, cmd, jsonEvents)
	return cmd
}

// loadAgain is load for an operation that there was. The document may be gone by
// now: then its copy in the journal's folder stands for it.
func (c *cli) loadAgain(path string) (*runbook.Document, error) {
	d, err := c.load(path, choice{})
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	dir, nothing := c.latest(path)
	if nothing != nil {
		return nil, err
	}
	src, gone := os.ReadFile(filepath.Join(dir, apply.SourceFile))
	if gone != nil {
		return nil, err
	}
	c.msg().Print("note: " + path + " is gone; what it was when it ran stands for it\n")
	return markdown.Parse(path, src), nil
}

// beginAgain is begin for an operation that there was.
func (c *cli) beginAgain(ctx context.Context, path string) (*operation, error) {
	d, err := c.loadAgain(path)
	if err != nil {
		return nil, err
	}
	return c.beginWith(ctx, d, all)
}

// elsewhere says of an operation that is not known here where to look.
func elsewhere(err error) error {
	var unknown *apply.UnknownError
	if errors.As(err, &unknown) {
		return hinted{err, "nothing was done. If it was run elsewhere, or under another name: do it there, or give --state-dir"}
	}
	return err
}
