package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"stet/runbook"
	"stet/runbook/apply"
)

// again makes a verb that goes on with an operation from its journal.
func again(c *cli, act func(context.Context, *runbook.Document, apply.Options) (*runbook.Operation, error), cmd *cobra.Command, question string) *cobra.Command {
	var yes, noWrite bool
	var answerFile, runID string
	cmd.Args = args(cobra.ExactArgs(1))
	cmd.ValidArgsFunction = completeDocuments
	cmd.RunE = func(cmd *cobra.Command, files []string) (err error) {
		if !yes && !c.terminal() {
			return refused("nobody can be asked: there is no terminal", "run with --yes")
		}
		given, err := answers(answerFile)
		if err != nil {
			return err
		}
		o, err := c.begin(cmd.Context(), files[0], choice{})
		if err != nil {
			return err
		}
		defer o.end(&err)
		if !yes {
			agreed, err := o.person.agree(cmd.Context(), question)
			if err != nil {
				return err
			}
			if !agreed {
				return refused("not done: you did not say yes", "")
			}
		}
		options, err := o.options()
		if err != nil {
			return err
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
		return o.conclude(op, err)
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it without asking")
	cmd.Flags().StringVar(&runID, "run", "", "the operation of this run `ID`, not the latest")
	cmd.Flags().StringVar(&answerFile, "answers", "", "`file` of answers to manual steps (YAML)")
	cmd.Flags().BoolVar(&noWrite, "no-write", false, "leave the document as it is")
	jsonFlag(c, cmd, jsonEvents)
	return cmd
}
