package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// undo undoes groups in the order given, each one's steps in reverse, and then
// looks at the pre-checks again if nothing of the operation is left. It is not
// interrupted with the operation. It reports whether all of it led back.
func (x *operation) undo(ctx context.Context, groups []string) bool {
	ctx = context.WithoutCancel(ctx)
	back := true
	for _, name := range groups {
		back = x.undoActs(ctx, x.toUndo(name)) && back
		x.wavesUndone(name)
		x.writer.flush()
	}
	x.mu.Lock()
	again := x.h.acted() && len(x.h.standing()) == 0
	x.mu.Unlock()
	if again {
		back = x.prove(ctx) && back
	}
	return back
}

// undoActs undoes acts of a group in the order given: those of one step on as
// many targets at once as it ran on, then those of the step before.
func (x *operation) undoActs(ctx context.Context, acts []*act) bool {
	var failed atomic.Bool
	for len(acts) > 0 {
		n := 1
		for n < len(acts) && acts[n].step == acts[0].step {
			n++
		}
		at := 1
		if g, s := x.planStep(acts[0].step); s != nil {
			at = x.at(g, s)
		}
		x.emitUndo(acts[:n], at)
		fan(at, n, always, func(i int) {
			if !x.undoAct(ctx, acts[i]) {
				failed.Store(true)
			}
		})
		acts = acts[n:]
	}
	return !failed.Load()
}

// emitUndo tells on which targets a step is about to be undone, when there are
// several.
func (x *operation) emitUndo(acts []*act, at int) {
	if len(acts) < 2 {
		return
	}
	wave := &runbook.Wave{Parallel: min(at, len(acts))}
	for _, a := range acts {
		wave.Targets = append(wave.Targets, a.target)
	}
	x.emit(runbook.Event{Kind: runbook.EventWave, Group: acts[0].group, Step: acts[0].step, Text: runbook.WaveUndo, Wave: wave})
}

// toUndo are the acts of a group that may have left something, the last first.
func (x *operation) toUndo(group string) []*act {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []*act
	for _, a := range slices.Backward(x.h.acts) {
		if a.group == group && a.standing() {
			out = append(out, a)
		}
	}
	return out
}

// undoAct undoes one step on one target. A journal that cannot be written does
// not stop it: going back is always better than staying halfway.
func (x *operation) undoAct(ctx context.Context, a *act) bool {
	g, s := x.planStep(a.step)
	if s == nil {
		x.tell("%s on %s cannot be undone: the plan has no such step.", a.step, a.target)
		return false
	}
	x.awaitWayIn(ctx, a)
	ctx, cancel := context.WithTimeout(ctx, 2*plan.Timeout(&s.Block)+time.Duration(len(a.rollback))*plan.Timeout(&s.Block))
	defer cancel()
	quiet := x.quiet(ctx, a)
	x.note(journal.UndoIntent, &undoData{Group: a.group, Step: a.step, Target: a.target})
	x.emit(runbook.Event{Kind: runbook.EventUndo, Group: a.group, Step: a.step, Target: a.target})
	start := x.now()
	u, blocks, err := x.wayBack(ctx, g, a)
	err = errors.Join(quiet, err)
	u.Step, u.Kind, u.Target, u.Start, u.End = a.step, a.kind, a.target, start, x.now()
	switch {
	case err != nil:
		u.Status, u.Error = runbook.Incomplete, err.Error()
		u.Remedy = remedy(err, u.Error)
	case u.Status == "":
		u.Status = runbook.RolledBack
	}
	x.redact(&u)
	for i := range blocks {
		x.redact(&blocks[i])
	}
	x.note(journal.UndoOutcome, &undoData{Group: a.group, Step: a.step, Target: a.target, Undo: &u, Blocks: blocks})
	x.mu.Lock()
	shown := *x.h.outcomes[a.place]
	x.mu.Unlock()
	x.emit(runbook.Event{Kind: runbook.EventUndone, Group: a.group, Step: a.step, Target: a.target, Outcome: &shown, Text: u.Error})
	x.writer.put(s)
	for _, b := range blocks {
		if _, rs := x.planStep(b.Step); rs != nil {
			x.writer.put(rs)
		}
	}
	return err == nil
}

// wayBack leads back: through the guard when one waits, else through the
// rollback blocks; then, for network state, by converging on the record of
// what was there, which also proves it.
func (x *operation) wayBack(ctx context.Context, g *runbook.Group, a *act) (u runbook.Outcome, blocks []runbook.Outcome, err error) {
	if x.doneWith(a.target) { // what ran there stands
		u.Status, u.Error = runbook.Skipped, noWayBack
		return u, nil, nil
	}
	sess, err := x.session(a.target)
	if err != nil {
		return u, nil, err
	}
	var errs []error
	by, gerr := x.revert(ctx, sess, a, &u)
	if gerr != nil {
		errs = append(errs, gerr)
	}
	for _, r := range a.rollback {
		_, rs := x.planStep(r.Step)
		if rs == nil {
			errs = append(errs, fmt.Errorf("the plan has no rollback block %s", r.Step))
			continue
		}
		if by && r.Target == a.target && rs.Block.Lang != "netconfig" {
			continue // the guard ran it
		}
		o, err := x.runRollback(ctx, g, rs, r)
		blocks = append(blocks, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Step, err))
		}
	}
	switch {
	case a.kind == runbook.Netconfig:
		u.Result, err = sess.Undo(ctx, a.change)
		if err == nil && (!u.Result.OK() || len(u.Result.Remains) > 0) {
			err = resultError(u.Result)
		}
		errs = append(errs, err)
	case len(a.rollback) == 0 && !by:
		u.Status, u.Error = runbook.Skipped, noWayBack
	}
	return u, blocks, errors.Join(errs...)
}

// startedAnew is why a host does not know a guard that was armed on it.
const startedAnew = "it was started anew, or its /run/stet was emptied"

// noWayBack is said of a command that stands.
const noWayBack = "there is no rollback block for it"

// revert makes a waiting guard revert now. by tells that the guard did it, now
// or before, and ran its commands; if it cannot, the caller does all of it.
func (x *operation) revert(ctx context.Context, sess executors.Session, a *act, u *runbook.Outcome) (by bool, err error) {
	if a.guard == "" || a.confirmed {
		return false, nil
	}
	st, err := sess.Revert(ctx, a.guard)
	if err != nil && code(err) == "reverted" || st == nil && err == nil {
		st, err = x.look(ctx, a), nil
	}
	if code(err) == "not-found" {
		x.tell("%s does not know the guard of %s any more: "+startedAnew+". It is undone without it.", a.target, a.step)
		return false, nil
	}
	if code(err) == "changed" { // the answer to that was lost, or it was done elsewhere
		x.look(ctx, a)
		x.tell("%s on %s had been confirmed there; it is undone without its guard.", a.step, a.target)
		return false, nil
	}
	deadline, armed := x.reverts(a.place)
	if a.unheard && cut(err) && armed {
		x.tell("%s was told that %s stands, and nobody knows whether it heard that (%v). Either the change stands, or its guard went back by itself at %s; stet status tells which, once %s answers.",
			a.target, a.step, err, deadline.UTC().Format("15:04:05Z"), a.target)
		return false, nil
	}
	if cut(err) && armed {
		x.tell("The guard of %s on %s could not be asked (%v). It was to go back by itself at %s; stet status tells whether it did, once %s answers.",
			a.step, a.target, err, deadline.UTC().Format("15:04:05Z"), a.target)
		return false, nil
	}
	if err != nil {
		x.tell("The guard of %s on %s could not revert (%v); it is undone without it.", a.step, a.target, err)
		return false, nil
	}
	if st == nil {
		return false, nil
	}
	x.saw(a, *st)
	u.Guard = st
	switch st.Phase {
	case executors.Reverted:
		return true, nil
	case executors.Incomplete:
		if st.Result.OK() && a.kind == runbook.Run {
			return true, fmt.Errorf("the guard's commands failed: %s", st.Output)
		}
		if len(a.rollback) > 0 && a.kind == runbook.Run {
			return true, errors.New("the guard could not lead all the way back")
		}
		return true, nil // what differs is undone, or reported, by converging
	}
	return false, nil
}

// runRollback runs one rollback block.
func (x *operation) runRollback(ctx context.Context, g *runbook.Group, s *runbook.Step, r rollbackData) (o runbook.Outcome, err error) {
	start := x.now()
	x.emit(runbook.Event{Kind: runbook.EventStep, Group: g.Name, Step: s.Name, Target: r.Target, Text: string(s.Kind)})
	ctx, cancel := bounded(ctx, &s.Block)
	defer cancel()
	o, err = x.rollbackBody(ctx, s, r)
	o.Step, o.Kind, o.Target, o.Start, o.End, o.Status = s.Name, s.Kind, r.Target, start, x.now(), runbook.OK
	if err != nil {
		o.Status, o.Error = runbook.Failed, x.red.String(err.Error())
		o.Remedy = remedy(err, o.Error)
	}
	shown := o
	x.redact(&shown)
	x.emit(runbook.Event{Kind: runbook.EventOutcome, Group: g.Name, Step: s.Name, Target: r.Target, Outcome: &shown})
	return o, err
}

func (x *operation) rollbackBody(ctx context.Context, s *runbook.Step, r rollbackData) (runbook.Outcome, error) {
	sess, err := x.session(r.Target)
	if err != nil {
		return runbook.Outcome{}, err
	}
	body := r.Body
	if r.Redacted {
		if body, err = x.expand(s.Block.Body, r.Target); err != nil {
			return runbook.Outcome{}, err
		}
	}
	if s.Block.Lang == "netconfig" {
		return x.restore(ctx, sess, s, r.Target)
	}
	b, err := x.filled(&s.Block, r.Target)
	if err != nil {
		return runbook.Outcome{}, err
	}
	o, _, err := x.execute(ctx, sess, b, body, r.Target, x.errand(b.Name, r.Target))
	return o, err
}

// restore applies a rollback block of network state.
func (x *operation) restore(ctx context.Context, sess executors.Session, s *runbook.Step, target string) (runbook.Outcome, error) {
	var o runbook.Outcome
	change, _, err := x.wanted(ctx, sess, s.Block.Body, target)
	if err != nil || change.Empty() {
		return o, err
	}
	o.Change = change
	o.Result, err = sess.Apply(ctx, change)
	if err == nil && !o.Result.OK() {
		err = resultError(o.Result)
	}
	return o, late(ctx, err)
}

// lost tells that a target is a sandbox that ended with the process that made it.
func (x *operation) lost(target string) bool {
	t, ok := find(x.p.Targets, target)
	return x.gone && ok && t.Scheme() == "sandbox"
}

// prove runs the pre-checks that held before once more, now that everything is
// undone: a way back is only proven when they hold again.
func (x *operation) prove(ctx context.Context) bool {
	var again, failed, unasked atomic.Int64
	for gi := range x.p.Groups {
		g := &x.p.Groups[gi]
		if g.Change >= 0 {
			break
		}
		for si := range g.Steps {
			s := &g.Steps[si]
			if s.Kind != runbook.Check {
				continue
			}
			fan(x.at(g, s), len(s.Targets), always, func(i int) {
				target := s.Targets[i].Target
				x.mu.Lock()
				o := x.h.outcomes[place{s.Name, target}]
				x.mu.Unlock()
				if o == nil || o.Status != runbook.OK || x.lost(target) {
					return
				}
				if err := x.missing[target]; err != nil {
					unasked.Add(1)
					x.tell("After the rollback the pre-check %s could not be asked of %s: %v.", s.Name, target, err)
					return
				}
				again.Add(1)
				if _, err := x.assertions(ctx, s, target); err != nil {
					failed.Add(1)
					x.tell("After the rollback the pre-check %s on %s failed: %v.", s.Name, target, err)
				}
			})
		}
	}
	switch {
	case again.Load() == 0:
		return true
	case failed.Load() == 0 && unasked.Load() > 0:
		x.tell("After the rollback the pre-checks that could be asked hold again (%d of %d).", again.Load(), again.Load()+unasked.Load())
		return true
	case failed.Load() == 0:
		x.tell("After the rollback all pre-checks hold again (%d).", again.Load())
		return true
	}
	x.unproven = true
	return false
}
