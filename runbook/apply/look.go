package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// Check runs the check blocks and changes nothing on any target. What the
// document's latest operation recorded (snapshots, registers) is there for
// them. Results are written unless ReadOnly is set.
func Check(ctx context.Context, d *runbook.Document, o Options) (*runbook.Operation, error) {
	x, err := prepare(d, o)
	if err != nil {
		return nil, err
	}
	x.remember()
	x.p = &runbook.Plan{Document: d.Path, SourceHash: plan.SourceHash(d.Source), Made: x.now()}
	groups, unknown := plan.Selected(d, plan.Options{Only: o.Only, From: o.From})
	if unknown.Faults() {
		return nil, fmt.Errorf("selecting checks: %s", unknown[0].Summary)
	}
	for _, g := range groups {
		for _, s := range g.Steps {
			if s.Kind == runbook.Check {
				x.p.Groups = append(x.p.Groups, runbook.Group{Name: s.Name, Change: -1, Steps: []runbook.Step{s}})
			}
		}
	}
	if len(x.p.Groups) == 0 {
		return nil, fmt.Errorf("%w: there is no check block", ErrNothing)
	}
	kept := x.h
	x.h = newHistory()
	x.h.snapshots, x.h.registers = kept.snapshots, kept.registers
	x.log = nowhere{}
	err = x.h.take(journal.Start, &startData{
		Run: journal.NewRun(x.now()), Document: d.Path, Title: d.Meta.Title, Ticket: d.Meta.Ticket,
		Operator: o.Operator, Host: o.Host, Tool: o.Tool, Plan: x.p,
	}, x.now())
	if err != nil {
		return nil, err
	}
	return x.lookAround(ctx)
}

// lookAround runs a plan of checks alone, without locks: looking is free.
func (x *operation) lookAround(ctx context.Context) (*runbook.Operation, error) {
	if err := x.openUnlocked(ctx); err != nil {
		return nil, err
	}
	observers := make(map[string]executors.Observer, len(x.sessions))
	for name, s := range x.sessions {
		observers[name] = s
	}
	facts, faults := plan.Facts(ctx, x.d, x.p.Groups, observers)
	x.p.Facts = facts
	for name, err := range faults {
		if x.missing[name] == nil {
			x.missing[name] = err
		}
		delete(x.sessions, name)
	}
	w := newWriter(x)
	w.headless = true
	x.writer = w
	x.emit(runbook.Event{Kind: runbook.EventStart, Operation: x.operation()})
	failed := 0
	for i := range x.p.Groups {
		g := &x.p.Groups[i]
		if err := x.step(ctx, g, &g.Steps[0]); err != nil {
			failed++
		}
		if ctx.Err() != nil {
			break
		}
	}
	status, err := runbook.OK, error(nil)
	switch {
	case ctx.Err() != nil:
		by := runbook.InterruptedBy(ctx)
		x.h.op.InterruptedBy = by
		status, err = runbook.Aborted, interruptedError(by, "")
	case failed > 0:
		status, err = runbook.Failed, fmt.Errorf("%w: %d of %d checks do not hold", ErrFailed, failed, len(x.p.Groups))
	}
	x.note(journal.End, &endData{Status: status, At: x.now()})
	return x.conclude(x.writer.close(), err)
}

// remember takes snapshots and registers over from the document's latest
// operation. There may be none, or one that cannot be read: then checks that
// need them say so.
func (x *operation) remember() {
	_, log, err := Latest(x.o.StateDir, x.d.Path)
	if err != nil || log == nil {
		return
	}
	if h, err := replay(log); err == nil {
		x.h = h
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// Load rebuilds an operation from the journal in dir, for status and reports.
// One that did not end, and that nobody works on, is Unfinished. A broken chain
// is a *journal.BrokenError.
func Load(dir string) (*runbook.Operation, error) {
	log, err := journal.Replay(dir)
	if err != nil {
		return nil, err
	}
	h, err := replay(log)
	if err != nil {
		return nil, err
	}
	if !h.begun {
		return nil, fmt.Errorf("%w: the journal in %s has no record", ErrNothing, dir)
	}
	if !h.ended {
		held, err := journal.Held(dir)
		if err != nil {
			return nil, err
		}
		if !held {
			h.op.Status = runbook.Unfinished
		}
	}
	return h.operation(), nil
}

// Pending is a guard that waits on a target.
type Pending struct {
	Target executors.Target
	Guard  executors.GuardState
	// Unseen tells that a step of its group was begun, and that nobody has seen it
	// end: stet works on it, or died with it. The operator has no word on that yet.
	Unseen bool
}

// Guards asks the targets of the document's latest operation for its guards,
// pending ones and outcomes.
func Guards(ctx context.Context, d *runbook.Document, o Options) ([]Pending, error) {
	x, err := prepare(d, o)
	if err != nil {
		return nil, err
	}
	x.remember()
	return x.guards(ctx)
}

// guards is Guards of the operation that was remembered.
func (x *operation) guards(ctx context.Context) ([]Pending, error) {
	if x.h.plan == nil {
		return nil, nil
	}
	var errs []error
	var asked []executors.Target
	wanted := map[string][]string{}
	for _, t := range x.h.plan.Targets {
		var ids []string
		for _, a := range x.h.acts {
			if a.target == t.Name && a.guard != "" {
				ids = append(ids, a.guard)
			}
		}
		if len(ids) == 0 {
			continue
		}
		if t.Scheme() == "sandbox" {
			if x.waits(t.Name) {
				errs = append(errs, &executors.Error{Code: "unsupported", Op: "asking " + t.Name + " for its guards",
					Message: "a sandbox is known only to the stet that made it, and ends with it",
					Remedy:  "answer in the terminal where it runs"})
			}
			continue
		}
		asked = append(asked, t)
		wanted[t.Name] = ids
	}
	found, answered := make([][]executors.GuardState, len(asked)), make([]bool, len(asked))
	errs = append(errs, each(asked, true, func(i int) (err error) {
		if found[i], err = x.guardsOf(ctx, asked[i]); err != nil {
			err = fmt.Errorf("asking %s for its guards: %w", asked[i].Name, err)
		}
		answered[i] = err == nil
		return err
	}))
	var out []Pending
	for i, t := range asked {
		for _, st := range found[i] {
			if contains(wanted[t.Name], st.ID) {
				out = append(out, Pending{Target: t, Guard: st, Unseen: x.unseen(st.ID)})
			}
		}
		if answered[i] {
			errs = append(errs, x.forgotten(t.Name, found[i]))
		}
	}
	return out, errors.Join(errs...)
}

// unseen tells whether a step of a guard's group was begun and not seen to end.
func (x *operation) unseen(guard string) bool {
	groups := map[string]bool{}
	for _, a := range x.h.acts {
		if !a.ended {
			groups[a.group] = true
		}
	}
	return slices.ContainsFunc(x.h.acts, func(a *act) bool { return a.guard == guard && groups[a.group] })
}

// forgotten is the error of a guard that was armed on a target and waits, as far as
// the journal knows, and of which the target knows nothing.
func (x *operation) forgotten(target string, found []executors.GuardState) error {
	for _, a := range x.h.acts {
		o := x.h.outcomes[a.place]
		if a.target != target || a.guard == "" || !a.standing() || a.confirmed || x.h.ended ||
			o == nil || o.Guard == nil || o.Guard.ID != a.guard || o.Guard.Phase != executors.Armed {
			continue
		}
		if !slices.ContainsFunc(found, func(st executors.GuardState) bool { return st.ID == a.guard }) {
			return &executors.Error{Code: "lost", Op: "asking " + target + " for its guards",
				Message: "it does not know that of " + a.step + " any more: " + startedAnew,
				Remedy:  "take the operation up or undo it, once nobody works on it any more: stet resume, stet rollback"}
		}
	}
	return nil
}

// waits reports whether a guard of the operation still waits on a target, as
// far as the journal knows.
func (x *operation) waits(target string) bool {
	for _, a := range x.h.acts {
		if a.target == target && a.guard != "" && a.standing() && !a.confirmed && !x.h.ended {
			return true
		}
	}
	return false
}

func (x *operation) guardsOf(ctx context.Context, t executors.Target) ([]executors.GuardState, error) {
	s, err := x.o.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	return s.Guards(ctx)
}

// Confirm confirms the guards of the document's latest operation that are still
// armed, which is the operator's word (confirm=manual). The operation itself, if it
// runs elsewhere, notices; else Resume does. While a step of a group has not been
// seen to end, that is an *executors.Error of code "unseen": Resume would undo it.
// When none is armed because they have reverted, that is an *executors.Error of code
// "reverted"; when they are confirmed already, or the operation ended well,
// ErrNothing; when there is no operation, an *UnknownError.
func Confirm(ctx context.Context, d *runbook.Document, o Options) ([]Pending, error) {
	x, err := prepare(d, o)
	if err != nil {
		return nil, err
	}
	x.remember()
	if x.h.plan == nil {
		dir, log, err := Latest(o.StateDir, d.Path)
		switch {
		case err != nil:
			return nil, err
		case dir == "":
			return nil, &UnknownError{Document: d.Path, StateDir: o.StateDir}
		}
		if _, err := replay(log); err != nil {
			return nil, fmt.Errorf("reading the journal in %s: %w", dir, err)
		}
		return nil, &UnknownError{Document: d.Path, StateDir: o.StateDir} // it got its first record just now
	}
	all, err := x.guards(ctx)
	if err != nil && len(all) == 0 {
		return nil, err
	}
	errs := []error{err} // of hosts that cannot be asked; the others stand all the same
	var armed []Pending
	var targets []executors.Target
	var late error
	stands := x.h.ended && x.h.op.Status == runbook.OK
	for _, p := range all {
		switch p.Guard.Phase {
		case executors.Armed:
			if p.Unseen {
				return nil, &executors.Error{Code: "unseen", Op: "confirming " + p.Guard.Step + " on " + p.Target.Name,
					Message: "a step of its group was begun, and nobody has seen it end: nothing was confirmed",
					Remedy:  "wait for it; if stet has died, take the operation up or undo it: stet resume, stet rollback"}
			}
		case executors.Reverting, executors.Reverted, executors.Incomplete:
			late = &executors.Error{Code: "reverted", Op: "confirming " + p.Guard.Step + " on " + p.Target.Name,
				Message: "it is too late: the change has been taken back", Remedy: "look at what became of it: stet status " + o.StateFlag + d.Path}
			continue
		default:
			stands = stands || p.Guard.Phase == executors.Confirmed
			continue
		}
		armed = append(armed, p)
		targets = append(targets, p.Target)
	}
	errs = append(errs, each(targets, true, func(i int) error {
		p := &armed[i]
		s, err := o.Open(ctx, p.Target)
		if err == nil {
			err = s.Confirm(ctx, p.Guard.ID)
		}
		if err != nil {
			return fmt.Errorf("confirming %s on %s: %w", p.Guard.Step, p.Target.Name, err)
		}
		p.Guard.Phase = executors.Confirmed
		return nil
	}))
	done := slices.DeleteFunc(armed, func(p Pending) bool { return p.Guard.Phase != executors.Confirmed })
	err = errors.Join(errs...)
	switch {
	case len(done) > 0 || err != nil:
		return done, err
	case late != nil:
		return nil, late
	case !stands:
		return nil, &executors.Error{Code: "not-waiting", Op: "confirming " + d.Path,
			Message: "none of its guards waits for confirmation, and none is confirmed: nothing was done",
			Remedy:  "see how it stands: stet status " + o.StateFlag + d.Path}
	}
	return nil, fmt.Errorf("%w: no guard waits for confirmation", ErrNothing)
}
