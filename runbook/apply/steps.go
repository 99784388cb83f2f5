package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stet/runbook"
	"stet/runbook/check"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// check runs a check block on a target. While a guard waits, it has until the
// guard's deadline: what is not proven by then will not be confirmed.
func (x *operation) check(ctx context.Context, g *runbook.Group, s *runbook.Step, t *runbook.StepPlan) (runbook.Outcome, error) {
	if at := x.deadline(g.Name); !at.IsZero() {
		left := at.Sub(x.now())
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, left, errors.New("the guard's deadline came before this was proven"))
		defer cancel()
	}
	return x.assertions(ctx, s, t.Target)
}

func (x *operation) assertions(ctx context.Context, s *runbook.Step, target string) (runbook.Outcome, error) {
	var o runbook.Outcome
	sess, err := x.session(target)
	if err != nil {
		return o, err
	}
	env := x.env(target)
	program, problems := check.Compile(s.Block.Body, env.Names())
	if len(problems) > 0 {
		return o, fmt.Errorf("line %d: %s", s.Line+problems[0].Line, problems[0].Summary)
	}
	o.Checks, err = program.Run(ctx, sess, env, check.Options{
		Within: s.Block.Within, Every: s.Block.Every, Hold: s.Block.Hold, Timeout: plan.Timeout(&s.Block),
		Redact: x.red.String, Env: func() []string { return x.environment(&s.Block, target) },
		Retry: func(a runbook.Assertion) {
			x.emit(runbook.Event{Kind: runbook.EventRetry, Step: s.Name, Target: target, Text: x.red.String(a.Text)})
		},
	})
	for i := range o.Checks {
		if n := o.Checks[i].Line; n >= 1 && n <= len(s.Block.Lines) {
			o.Checks[i].Line = s.Line + n // from the body's lines to the document's
		}
	}
	var failed []*runbook.Assertion
	for i := range o.Checks {
		if !o.Checks[i].OK {
			failed = append(failed, &o.Checks[i])
		}
	}
	if err != nil {
		return o, unproven(ctx, late(ctx, err), target, failed)
	}
	switch len(failed) {
	case 0:
		return o, nil
	case 1:
		return o, errors.New(unmet(failed[0], "does not hold: "))
	}
	return o, fmt.Errorf("%d of %d assertions do not hold, the first: %s", len(failed), len(o.Checks), unmet(failed[0], ""))
}

// unmet is an assertion that does not hold, after that word, or of which nobody
// knows, with the reason.
func unmet(a *runbook.Assertion, word string) string {
	if a.Error == "" || strings.HasPrefix(a.Error, check.HeldFor) {
		return word + a.Text
	}
	return "could not be evaluated: " + a.Error
}

// unproven is the error of a check whose time was up, err, with what kept it.
func unproven(ctx context.Context, err error, target string, failed []*runbook.Assertion) error {
	if len(failed) == 0 || failed[0].Tries == 0 || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	a := failed[0]
	if what, waited := strings.CutSuffix(a.Error, ": "+err.Error()); waited {
		return fmt.Errorf("%w; it still waited for %s then: %s", err, target, what)
	}
	return fmt.Errorf("%w: %s", err, unmet(a, "does not hold: "))
}

// snapshot records facts of a target for later checks.
func (x *operation) snapshot(ctx context.Context, s *runbook.Step, t *runbook.StepPlan) (runbook.Outcome, error) {
	var o runbook.Outcome
	ctx, cancel := bounded(ctx, &s.Block)
	defer cancel()
	sess, err := x.session(t.Target)
	if err != nil {
		return o, err
	}
	snap, err := check.Take(ctx, sess, s.Block.Body, func() []string { return x.environment(&s.Block, t.Target) })
	if err != nil {
		return o, late(ctx, err)
	}
	o.Facts = snap.Counts()
	for i := range snap.Outputs {
		r := &snap.Outputs[i]
		r.Out, r.Err, r.Command = x.red.String(r.Out), x.red.String(r.Err), x.red.String(r.Command)
	}
	return o, x.record(journal.Fact, &factData{Name: s.Name, Target: t.Target, Snapshot: snap})
}

var manualChoices = []string{"done", "skip", "fail"}

// manual asks a person to do something, or takes the answer given beforehand.
func (x *operation) manual(ctx context.Context, s *runbook.Step) (runbook.Outcome, error) {
	var o runbook.Outcome
	a, ok := x.o.Answers[s.Name]
	if !ok {
		if x.o.Ask == nil {
			return o, fmt.Errorf("nobody is there to do %q", s.Name)
		}
		var err error
		a, err = x.o.Ask(ctx, Question{Kind: AskManual, Step: s.Name, Text: strings.TrimSpace(s.Block.Body), Choices: manualChoices})
		if err != nil {
			return o, fmt.Errorf("asking for %s: %w", s.Name, err)
		}
	}
	if !slices.Contains(manualChoices, a.Choice) {
		return o, fmt.Errorf("the answer %q is none of %s", a.Choice, strings.Join(manualChoices, ", "))
	}
	by := a.By
	if by == "" {
		by = x.o.Operator
	}
	o.Answer = &runbook.Answer{Done: a.Choice == "done", By: by, At: x.now().Truncate(time.Second), Note: a.Note}
	switch a.Choice {
	case "skip":
		o.Status = runbook.Skipped
	case "fail":
		return o, fmt.Errorf("%s says that it could not be done", by)
	}
	return o, nil
}
