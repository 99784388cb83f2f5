package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// guard is the promise to go back that a step with confirm= is made under; nil
// when it has none, or there is no way back to promise.
func (x *operation) guard(s *runbook.Step, in *intentData, change *netstate.Change, ways []wayBack) *executors.Guard {
	if s.Block.Confirm <= 0 {
		return nil
	}
	var commands []executors.Command
	for _, w := range ways {
		if w.Target == in.Target && w.block.Lang != "netconfig" && !w.late {
			c := x.shell(w.block, w.body, w.Target)
			c.Title = w.Body
			commands = append(commands, c)
		}
	}
	late := false
	for _, w := range ways {
		late = late || w.late
	}
	if change.Empty() && len(commands) == 0 && !late {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if t, ok := find(x.p.Targets, in.Target); ok && s.Kind == runbook.Run && len(commands) > 0 {
		commands = append(x.endAlone(s.Name, t), commands...)
	}
	run := x.h.op.Run
	return &executors.Guard{
		ID:  fmt.Sprintf("%s.%02d.%s.%s", run, len(x.h.acts)+1, plain(s.Name), x.unique(in.Target)),
		Run: run, Step: s.Name, Document: x.h.op.Document, Operator: x.o.Operator,
		Timeout: s.Block.Confirm, Change: change, Commands: commands,
	}
}

// unique is a target's name as plain has it, told apart from others that look
// the same there: steps on both may be in flight at once.
func (x *operation) unique(target string) string {
	name := plain(target)
	if name == target {
		return name
	}
	i := slices.IndexFunc(x.p.Targets, func(t executors.Target) bool { return t.Name == target })
	return fmt.Sprintf("%s-%d", name, i+1)
}

// plain keeps of a name what any file system takes.
func plain(name string) string {
	s := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, name)
	return s[:min(len(s), 40)]
}

// arm arms a guard and journals its deadline.
func (x *operation) arm(ctx context.Context, sess executors.Session, g *runbook.Group, s *runbook.Step, target string, guard *executors.Guard) error {
	armed := x.now()
	footing, err := sess.Arm(ctx, *guard)
	if err != nil {
		return fmt.Errorf("%w: arming the guard on %s: %w", errUntouched, target, err)
	}
	st := executors.GuardState{
		ID: guard.ID, Run: guard.Run, Step: s.Name, Document: guard.Document, Operator: guard.Operator,
		Phase: executors.Armed, Armed: armed, Deadline: armed.Add(guard.Timeout), Footing: footing,
	}
	if err := x.record(journal.Guarded, &guardData{Step: s.Name, Target: target, State: st}); err != nil {
		return errors.Join(fmt.Errorf("%w: %w", errUntouched, err), sess.Confirm(ctx, guard.ID))
	}
	x.emit(runbook.Event{
		Kind: runbook.EventGuard, Group: g.Name, Step: s.Name, Target: target, Deadline: st.Deadline, Footing: &footing,
		Text: fmt.Sprintf("unless confirmed by %s, %s goes back by itself", st.Deadline.Format("15:04:05Z"), target),
	})
	return nil
}

// disarm ends the guard of a step that left nothing to go back from. Left
// armed it would put back, at its deadline, what somebody else changed since.
func (x *operation) disarm(ctx context.Context, a *act) {
	sess, err := x.session(a.target)
	if a.guard == "" || a.confirmed || err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := sess.Confirm(ctx, a.guard); err != nil && code(err) != "not-found" && code(err) != "reverted" {
		x.tell("The guard of %s on %s could not be ended (%v); it reverts at its deadline.", a.step, a.target, err)
	}
	x.look(ctx, a)
}

// guarded are the acts of a group whose guards wait.
func (x *operation) guarded(group string) []*act {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []*act
	for _, a := range x.h.acts {
		if a.group == group && a.guard != "" && a.standing() && !a.confirmed {
			out = append(out, a)
		}
	}
	return out
}

// deadline is when the first guard of a group reverts; zero if it has none.
func (x *operation) deadline(group string) time.Time {
	var first time.Time
	for _, a := range x.guarded(group) {
		x.mu.Lock()
		o := x.h.outcomes[a.place]
		x.mu.Unlock()
		if o == nil || o.Guard == nil {
			continue
		}
		if first.IsZero() || o.Guard.Deadline.Before(first) {
			first = o.Guard.Deadline
		}
	}
	return first
}

// confirm makes a wave of a group final, now that everything in it held: stet.
func (x *operation) confirm(ctx context.Context, g *runbook.Group, w *plan.Wave) error {
	if err := x.word(ctx, g, w); err != nil {
		if ctx.Err() == nil {
			x.tell("%s was not confirmed: %v.", g.Name, err)
		}
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	waiting := x.guarded(g.Name)
	if len(waiting) > 0 {
		if err := x.record(journal.Confirming, &groupData{Group: g.Name}); err != nil {
			return err
		}
	}
	return x.confirmAll(ctx, g, w, waiting)
}

// confirmAll ends the guards. It is not interrupted midway: a wave is confirmed
// on all its targets, or its group failed.
func (x *operation) confirmAll(ctx context.Context, g *runbook.Group, w *plan.Wave, waiting []*act) error {
	if err := x.endGuards(context.WithoutCancel(ctx), g, waiting); err != nil {
		return err
	}
	d := &groupData{Group: g.Name, At: x.now()}
	if w.Of > 1 {
		d.Wave, d.Of = w.Number, w.Of
	}
	record := x.record
	if g.Change >= 0 && g.Steps[g.Change].Kind == runbook.Run && len(waiting) == 0 && w.Of <= 1 {
		record = x.recordWith // nothing was waiting for it
	}
	if err := record(journal.Confirm, d); err != nil {
		return err
	}
	for i := range g.Steps {
		if g.Steps[i].Kind.Changing() {
			x.writer.put(&g.Steps[i])
		}
	}
	if g.Change >= 0 {
		e := runbook.Event{Kind: runbook.EventConfirm, Group: g.Name, Step: g.Steps[g.Change].Name}
		if w.Of > 1 {
			e.Text = fmt.Sprintf("wave %d of %d", w.Number, w.Of)
			e.Wave = &runbook.Wave{Number: w.Number, Of: w.Of, Targets: w.Targets}
		}
		x.emit(e)
	}
	return nil
}

// endGuards confirms guards where they wait, and asks what became of them.
func (x *operation) endGuards(ctx context.Context, g *runbook.Group, waiting []*act) error {
	if len(waiting) == 0 {
		return nil
	}
	at := x.at(g, &g.Steps[g.Change])
	f := &failures{total: len(waiting)}
	fan(at, len(waiting), func() bool { return f.count() == 0 }, func(i int) {
		a := waiting[i]
		if err := x.endGuard(ctx, a); err != nil {
			f.add(a.target, fmt.Errorf("confirming %s on %s: %w", a.step, a.target, err))
		}
	})
	if f.count() > 0 {
		return f
	}
	limited, cancel := context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	fan(at, len(waiting), always, func(i int) { x.look(limited, waiting[i]) })
	return nil
}

// look journals what a target says of an act's guard, if it knows it.
func (x *operation) look(ctx context.Context, a *act) *executors.GuardState {
	st, err := x.guardState(ctx, a)
	if err != nil {
		return nil
	}
	return st
}

// guardState is look that tells a target that does not answer from one that does not know
// the guard, of which there is no state then.
func (x *operation) guardState(ctx context.Context, a *act) (*executors.GuardState, error) {
	sess, err := x.session(a.target)
	if err != nil {
		return nil, err
	}
	all, err := sess.Guards(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == a.guard {
			x.saw(a, all[i])
			return &all[i], nil
		}
	}
	return nil, nil
}

// saw journals what was learnt of an act's guard, if it is news.
func (x *operation) saw(a *act, st executors.GuardState) {
	x.mu.Lock()
	o := x.h.outcomes[a.place]
	known := o != nil && o.Guard != nil && o.Guard.ID == st.ID && o.Guard.Phase == st.Phase
	x.mu.Unlock()
	if known {
		return
	}
	st.Output = x.red.String(st.Output)
	x.note(journal.Guarded, &guardData{Step: a.step, Target: a.target, State: st})
}

// word waits for the operator's, when a step of the group is confirmed by
// hand: at the terminal, or from another one with stet confirm.
func (x *operation) word(ctx context.Context, g *runbook.Group, w *plan.Wave) error {
	if g.Change < 0 || g.Steps[g.Change].Block.ConfirmBy != "manual" {
		return nil
	}
	waiting := x.guarded(g.Name)
	deadline := x.deadline(g.Name)
	if len(waiting) == 0 && x.o.Ask == nil {
		return nil // nothing was changed: nothing to confirm
	}
	text := "the checks held; waiting for the operator's confirmation"
	if x.o.Ask == nil {
		text += ": stet confirm " + x.o.StateFlag + x.d.Path
	}
	x.emit(runbook.Event{Kind: runbook.EventGuard, Group: g.Name, Step: g.Name, Deadline: deadline, Text: text})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if len(waiting) > 0 {
		go x.watchGuards(ctx, waiting, cancel)
	}
	if x.o.Ask == nil {
		<-ctx.Done()
		return wordFrom(ctx, ctx.Err())
	}
	a, err := x.o.Ask(ctx, Question{
		Kind: AskConfirm, Step: g.Name, Deadline: deadline, Choices: []string{"confirm", "revert"},
		Text: fmt.Sprintf("The checks of %s held. Confirm it?", g.Name+waveText(w)),
	})
	if err != nil {
		return wordFrom(ctx, err)
	}
	if a.Choice != "confirm" {
		return errors.New("the operator chose to revert")
	}
	return nil
}

// errConfirmedElsewhere ends the wait for the operator's word, happily.
var errConfirmedElsewhere = errors.New("confirmed from another terminal")

func wordFrom(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errConfirmedElsewhere):
		return nil
	case cause != nil:
		return cause
	}
	return fmt.Errorf("asking for confirmation: %w", err)
}

// halfway is what must be said beside that a guard took something back, where that is
// not all, or not yet.
func halfway(st *executors.GuardState) string {
	switch st.Phase {
	case executors.Incomplete:
		return ", but not everything is as before"
	case executors.Reverting:
		return ", which goes on"
	}
	return ""
}

// watchGuards ends the wait when all guards are confirmed elsewhere, or one cannot be
// any more: it is no longer armed, or its target does not know it, or did not answer
// until long after the deadline.
func (x *operation) watchGuards(ctx context.Context, waiting []*act, end context.CancelCauseFunc) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	silent := map[*act]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		confirmed := 0
		for _, a := range waiting {
			limited, cancel := context.WithTimeout(ctx, answerWithin)
			st, err := x.guardState(limited, a)
			cancel()
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				deadline, armed := x.reverts(a.place)
				switch {
				case !armed:
					confirmed++ // it said so before
				case x.now().After(deadline.Add(revertWithin)):
					end(fmt.Errorf("nobody confirmed %s before its deadline, as far as can be told: %s does not answer: %w", a.step, a.target, err))
					return
				case !silent[a]:
					silent[a] = true
					x.hint("%s cannot be asked for the guard of %s (%v); unless it is confirmed there, it goes back at %s.",
						a.target, a.step, err, deadline.UTC().Format("15:04:05Z"))
				}
			case st == nil:
				end(fmt.Errorf("%s does not know the guard of %s any more: "+startedAnew, a.target, a.step))
				return
			case st.Phase == executors.Armed:
			case st.Phase == executors.Confirmed:
				confirmed++
			case st.Phase == executors.Lost:
				end(fmt.Errorf("the guard of %s on %s was killed, and took nothing back", a.step, a.target))
				return
			default:
				end(fmt.Errorf("nobody confirmed %s in time, and %s went back by itself%s", a.step, a.target, halfway(st)))
				return
			}
		}
		if confirmed == len(waiting) {
			end(errConfirmedElsewhere)
			return
		}
	}
}
