package main

import (
	"context"

	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/runbook"
	"stet/runbook/apply"
	"stet/runbook/plan"
)

// runFlags are those of run.
type runFlags struct {
	choice
	yes     bool
	approve string
	step    bool
	answers string
	noWrite bool
}

func runCmd(c *cli) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Show the plan, ask, run it, prove it, or undo it",
		Long: `Show the plan, ask, and run it. A group whose checks hold is confirmed: stet.
When something fails, the group is undone, and, as on-failure says, the groups
before it. The document becomes the report.

Without a terminal nothing is asked: --yes or --approve is needed.

Targets that cannot be reached are left out where max-failures allows it; otherwise
nothing is changed anywhere.

Ctrl-C ends in order, undoing what was begun; twice, at once: guards on the
targets then go back by themselves.`,
		Example: `  stet run change.md
  stet run --yes --answers answers.yaml change.md
  stet run --approve 3c9d… change.md           # only this plan
  stet run --only uplink change.md             # only the group of this step
  stet run --step change.md                    # ask before each step`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, files []string) (err error) {
			d, err := c.load(files[0], f.choice)
			if err != nil {
				return err
			}
			if !f.yes && f.approve == "" && !c.terminal() {
				return refused("nobody can be asked: there is no terminal", "run with --yes, or with --approve and a plan's hash")
			}
			given, err := answers(f.answers)
			if err != nil {
				return err
			}
			o, err := c.beginWith(cmd.Context(), d, harmless(d))
			if err != nil {
				return err
			}
			defer o.end(&err)
			return o.run(cmd.Context(), f, given)
		},
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "run as planned, without asking")
	cmd.Flags().StringVar(&f.approve, "approve", "", "run only the plan of this `hash`, without asking")
	cmd.Flags().BoolVar(&f.step, "step", false, "ask before each step")
	cmd.Flags().StringVar(&f.answers, "answers", "", "`file` of answers to manual steps (YAML)")
	cmd.Flags().BoolVar(&f.noWrite, "no-write", false, "leave the document as it is")
	jsonFlag(c, cmd, jsonEvents)
	f.addVars(cmd)
	f.addSteps(cmd)
	_ = cmd.MarkFlagFilename("answers", "yaml", "yml")
	return cmd
}

func (o *operation) run(ctx context.Context, f runFlags, given map[string]apply.Answer) error {
	given, err := byName(o.d, given)
	if err != nil {
		return err
	}
	if ds := plan.Lint(o.d); ds.Faults() {
		return o.c.invalid(o.d, ds)
	}
	options, err := o.options()
	if err != nil {
		return err
	}
	if err := apply.Free(ctx, o.d, options); err != nil {
		return err
	}
	p, err := o.plan(ctx, f.choice)
	if err != nil {
		return err
	}
	if err := o.possible(p); err != nil {
		return err
	}
	if o.c.json {
		o.show(p, view.AsDiff)
	} else {
		o.c.msg().Print(view.Plan(p, o.d, view.AsDiff) + "\n")
	}
	if err := o.consent(ctx, p, f); err != nil {
		return err
	}
	if f.approve == "" || f.approve == p.Hash { // else it is refused
		if o.secrets, err = o.c.secrets(ctx, o.d, o.secrets, all); err != nil {
			return err
		}
	}
	options.Secrets = o.secrets
	options.Answers = given
	options.Step = f.step
	options.Only, options.From = f.only, f.from
	options.Approve = f.approve
	options.ReadOnly = f.noWrite
	op, err := apply.Run(ctx, o.d, p, options)
	return o.conclude(op, err)
}

// consent asks for the operator's word, unless it was given on the command
// line, or nothing would change.
func (o *operation) consent(ctx context.Context, p *runbook.Plan, f runFlags) error {
	if f.yes || f.approve != "" || p.Empty() {
		return nil
	}
	yes, err := o.person.agree(ctx, "run this plan?")
	if err != nil {
		return err
	}
	if !yes {
		return refused("not run: you did not say yes", "")
	}
	return nil
}
