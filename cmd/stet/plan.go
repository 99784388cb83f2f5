package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/runbook"
	"stet/runbook/plan"
)

func planCmd(c *cli) *cobra.Command {
	var f choice
	var detailed bool
	as := formFlag(view.AsDiff)
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Show what a runbook would do, touching nothing",
		Long: `Show what a runbook would do, step by step and target by target, each step
simulated upon the ones before it. Targets are read, nothing is written.

Targets that cannot be reached are named, and the plan is that of the others.

The hash at the end names the plan: stet run --approve HASH runs it only as
long as it is still this one.`,
		Example: `  stet plan change.md
  stet plan --as ip change.md                  # the equivalent iproute2 commands
  stet plan --detailed-exitcode change.md      # 2 when something would change`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, files []string) (err error) {
			d, err := c.load(files[0], f)
			if err != nil {
				return planError(err, detailed)
			}
			o, err := c.beginWith(cmd.Context(), d, harmless(d))
			if err != nil {
				return planError(err, detailed)
			}
			defer o.end(&err)
			o.sessions.passing = true
			p, err := o.plan(cmd.Context(), f)
			if err != nil {
				return planError(err, detailed)
			}
			absent := o.possible(p)
			if absent == nil || len(p.Missing) < len(p.Targets) {
				o.show(p, view.Form(as))
			}
			if absent != nil {
				return planError(absent, detailed)
			}
			if detailed && !p.Empty() {
				if err := c.written(); err != nil {
					return err
				}
				return shown(2)
			}
			return nil
		},
	}
	cmd.Flags().Var(&as, "as", "how changes are written")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit 0: nothing to do, 1: error, 2: changes")
	jsonFlag(c, cmd, "the plan as JSON, on one line of stdout")
	f.addVars(cmd)
	f.addSteps(cmd)
	return cmd
}

// planError keeps code 2 for changes where --detailed-exitcode gives it that
// meaning.
func planError(err error, detailed bool) error {
	if detailed {
		return codeError{exitFailed, err}
	}
	return err
}

// plan makes the plan. Faults of the document are shown.
func (o *operation) plan(ctx context.Context, f choice) (*runbook.Plan, error) {
	options := plan.Options{Now: time.Now(), Secrets: o.secrets, Only: f.only, From: f.from}
	if ds := plan.Lint(o.d); ds.Faults() {
		return nil, o.c.invalid(o.d, ds)
	}
	targets := plan.Targets(o.d, options)
	answered, stop := o.tellWaiting(len(targets))
	observers, missing, err := o.sessions.Observers(ctx, targets, answered)
	stop()
	if err != nil {
		return nil, err
	}
	options.Missing = missing
	p, ds, err := plan.Build(ctx, o.d, observers, options)
	if err != nil {
		return nil, err
	}
	if err := o.valid(ds); err != nil {
		return nil, err
	}
	o.c.diagnose(o.d, ds)
	return p, nil
}

// Whoever waits for many hosts is told how many have answered, once it takes long.
const (
	firstWord = 3 * time.Second
	nextWord  = 10 * time.Second
)

// tellWaiting says from time to time how many of so many targets have answered,
// until stop is called.
func (o *operation) tellWaiting(of int) (answered, stop func()) {
	var n atomic.Int64
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		for wait := firstWord; ; wait = nextWord {
			select {
			case <-done:
				return
			case <-time.After(wait):
				o.c.msg().Print(fmt.Sprintf("waiting for the targets: %d of %d have answered\n", n.Load(), of))
			}
		}
	})
	return func() { n.Add(1) }, func() { close(done); ended.Wait() }
}

// possible is the error of a plan that cannot do without what is missing. A
// document that asks for targets which this machine can never have is invalid.
func (o *operation) possible(p *runbook.Plan) error {
	_, err := plan.Absent(p.Groups, p.Missing)
	var absent *plan.AbsentError
	if !errors.As(err, &absent) {
		return err
	}
	for _, m := range absent.Missing {
		if t, ok := target(o.d, m.Target); !ok || t.Scheme() == "ssh" || m.Code != "unsupported" {
			return err
		}
	}
	return codeError{exitUsage, err}
}

// show is the verb's result.
func (o *operation) show(p *runbook.Plan, as view.Form) {
	if o.c.json {
		o.c.view().Event(runbook.Event{Kind: runbook.EventPlan, Time: p.Made, Plan: p})
		return
	}
	o.c.out().Print(view.Plan(p, o.d, as))
}
