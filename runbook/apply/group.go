package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// groups runs the plan's groups from the one at index from, until one fails
// and its policy does not go on.
func (x *operation) groups(ctx context.Context, from int) {
	x.over = plan.Over(x.p)
	for i := from; i < len(x.p.Groups); i++ {
		g := &x.p.Groups[i]
		err := x.group(ctx, g)
		if err == nil {
			x.written(i + 1)
			continue
		}
		x.writer.flush()
		goOn := x.fail(ctx, g, err)
		x.writer.flush()
		if !goOn {
			return
		}
	}
}

// written has the results of a group that went well brought into the document. The
// next one, at index next, waits for that if something of it runs on this host, where
// the document is; after the last one, all is written anyway.
func (x *operation) written(next int) {
	switch {
	case next == len(x.p.Groups):
	case x.away(&x.p.Groups[next]):
		x.writer.beside()
	default:
		x.writer.soon()
	}
}

// away reports whether all of a group is done on other hosts, without a person.
func (x *operation) away(g *runbook.Group) bool {
	return !slices.ContainsFunc(g.Steps, func(s runbook.Step) bool {
		return s.Kind == runbook.Manual || len(s.Targets) == 0 || slices.ContainsFunc(s.Targets, func(p runbook.StepPlan) bool {
			t, ok := find(x.p.Targets, p.Target)
			return !ok || t.Machine() == ""
		})
	})
}

// allowed asks before a step when that was wanted.
func (x *operation) allowed(ctx context.Context, s *runbook.Step) (bool, error) {
	if !x.o.Step {
		return true, nil
	}
	a, err := x.o.Ask(ctx, Question{
		Kind: AskStep, Step: s.Name, Choices: []string{"run", "skip", "abort"},
		Text: fmt.Sprintf("Run this %s step?", s.Kind),
	})
	if err != nil {
		return false, fmt.Errorf("asking before %s: %w", s.Name, err)
	}
	switch a.Choice {
	case "run":
		return true, nil
	case "skip":
		return false, nil
	}
	x.aborted = true
	return false, fmt.Errorf("the operator ended the operation before %s", s.Name)
}

// ended journals how a step ended, tells it, and has it written into the
// document.
func (x *operation) ended(ctx context.Context, g *runbook.Group, s *runbook.Step, o runbook.Outcome, cause error) error {
	data := &outcomeData{Group: g.Name}
	if cause != nil {
		o.Error = runbook.Told(ctx, cause)
		o.Remedy = remedy(cause, o.Error)
		if o.Status == "" || o.Status == runbook.OK {
			o.Status = runbook.Failed
		}
		if errors.Is(cause, context.Canceled) {
			o.Status = runbook.Aborted
		}
		data.Untouched, data.Astray = errors.Is(cause, errUntouched), errors.Is(cause, errAstray)
	}
	data.Untouched = data.Untouched || o.Status == runbook.Skipped
	if o.Status == "" {
		o.Status = runbook.OK
	}
	x.redact(&o)
	x.mu.Lock()
	o.Untouched = x.h.untouched(&o, data.Untouched)
	shown := o
	a := x.h.act(place{o.Step, o.Target})
	if a != nil && !a.ended {
		data.Untouched = data.Untouched || o.Result != nil && o.Result.Undone && len(o.Result.Remains) == 0
		o.Change = nil // the intent has it
	}
	x.mu.Unlock()
	data.Outcome = o
	record := x.record
	if x.plainly(s, o) {
		record = x.recordWith
	}
	err := record(journal.Outcome, data)
	if err != nil {
		x.note(journal.Outcome, data)
	}
	if a != nil && a.untouched {
		x.disarm(ctx, a)
	}
	x.emit(runbook.Event{Kind: runbook.EventOutcome, Group: g.Name, Step: s.Name, Target: o.Target, Outcome: &shown})
	x.writer.put(s)
	return err
}

// plainly reports whether a command ended as it should have, on a target that is not
// left with that. Until it is on disk that it did, whoever takes the operation up asks
// what became of it, as if stet had died a moment sooner.
func (x *operation) plainly(s *runbook.Step, o runbook.Outcome) bool {
	return s.Kind == runbook.Run && s.Block.Confirm == 0 && o.Status == runbook.OK && x.over[o.Target] != s.Name
}

// do runs one step on one target. What it returns beside an error is what is
// known of the step all the same.
func (x *operation) do(ctx context.Context, g *runbook.Group, s *runbook.Step, t *runbook.StepPlan) (runbook.Outcome, error) {
	switch s.Kind {
	case runbook.Netconfig:
		return x.netconfig(ctx, g, s, t)
	case runbook.Run:
		return x.command(ctx, g, s, t)
	}
	in := &intentData{Group: g.Name, Step: s.Name, Target: t.Target, Kind: s.Kind}
	if s.Kind == runbook.Manual {
		ways, err := x.waysBack(g, s, t.Target)
		if err != nil {
			return runbook.Outcome{}, err
		}
		for _, w := range ways {
			in.Rollback = append(in.Rollback, w.rollbackData)
		}
	}
	if err := x.record(journal.Intent, in); err != nil {
		return runbook.Outcome{}, err
	}
	switch s.Kind {
	case runbook.Check:
		return x.check(ctx, g, s, t)
	case runbook.Snapshot:
		return x.snapshot(ctx, s, t)
	case runbook.Manual:
		return x.manual(ctx, s)
	}
	return runbook.Outcome{}, fmt.Errorf("running %s: blocks of kind %s cannot be run", s.Name, s.Kind)
}

// planStep finds a step of the plan by name.
func (x *operation) planStep(name string) (*runbook.Group, *runbook.Step) {
	for gi := range x.p.Groups {
		for si := range x.p.Groups[gi].Steps {
			if s := &x.p.Groups[gi].Steps[si]; s.Name == name {
				return &x.p.Groups[gi], s
			}
		}
	}
	return nil, nil
}

// bounded limits ctx to a block's timeout.
func bounded(ctx context.Context, b *runbook.Block) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, plan.Timeout(b), timedOut(b))
}

func timedOut(b *runbook.Block) error { return timeoutError{plan.Timeout(b)} }

// timeoutError is the error of a step whose time was up.
type timeoutError struct{ after time.Duration }

// Error implements error.
func (e timeoutError) Error() string { return fmt.Sprintf("timed out after %s", e.after) }

// cutShort is late for a command, which has processes.
func cutShort(ctx context.Context, err error) error {
	err = late(ctx, err)
	if up := (timeoutError{}); errors.As(err, &up) {
		return fmt.Errorf("%w; all processes of the step were ended", err)
	}
	return err
}

// late makes a timeout's error say which one it was, and keeps what helps.
func late(ctx context.Context, err error) error {
	if at, ok := ctx.Deadline(); ok && errors.Is(err, context.DeadlineExceeded) && time.Until(at) < time.Second {
		<-ctx.Done() // the other machine was the first to see the time come
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		if r := executors.Remedy(err); r != "" {
			return remedied{context.Cause(ctx), r}
		}
		return context.Cause(ctx)
	}
	return err
}

// remedy says what to do about err, unless what is said of it does.
func remedy(err error, said string) string {
	if r := executors.Remedy(err); !strings.Contains(said, r) {
		return r
	}
	return ""
}

// code is an executor error's code, or "".
func code(err error) string {
	var e *executors.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
