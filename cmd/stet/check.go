package main

import (
	"errors"

	"github.com/spf13/cobra"

	"stet/runbook/apply"
	"stet/runbook/plan"
)

func checkCmd(c *cli) *cobra.Command {
	var f choice
	var noWrite bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Run the check blocks of a runbook, changing nothing on any target",
		Long: `Run the check blocks of a runbook, changing nothing on any target. The results
are written into the document.`,
		Example: `  stet check change.md
  stet check --on r1 --no-write change.md`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, files []string) (err error) {
			o, err := c.begin(cmd.Context(), files[0], f)
			if err != nil {
				return err
			}
			defer o.end(&err)
			_, unknown := plan.Selected(o.d, plan.Options{Only: f.only, From: f.from})
			if err := o.valid(append(plan.Lint(o.d), unknown...)); err != nil {
				return err
			}
			options, err := o.options()
			if err != nil {
				return err
			}
			options.Only, options.From = f.only, f.from
			options.ReadOnly = noWrite
			op, err := apply.Check(cmd.Context(), o.d, options)
			if errors.Is(err, apply.ErrNothing) && f.narrows() {
				return usage(errors.New("selecting checks: none is left"), "look at --on, --only and --from: stet check without them runs all checks")
			}
			return o.conclude(op, err)
		},
	}
	cmd.Flags().BoolVar(&noWrite, "no-write", false, "leave the document as it is")
	jsonFlag(c, cmd, jsonEvents)
	f.addVars(cmd)
	f.addSteps(cmd)
	return cmd
}
