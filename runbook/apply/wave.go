package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stet/executors"
	"stet/internal/names"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// group runs one group wave by wave. A wave is confirmed before the next one
// begins: what the first hosts proved is not taken back by a guard while the
// others are still being changed. When a wave fails, the group has failed, and
// with it the waves before.
func (x *operation) group(ctx context.Context, g *runbook.Group) error {
	if err := x.whole(g); err != nil {
		return err
	}
	waves := plan.Waves(g)
	for i := range waves {
		if x.past(g, &waves[i]) {
			continue
		}
		err := x.wave(ctx, g, &waves[i])
		switch {
		case errors.Is(err, errClosed) && i > 0:
			x.waveFailed(g, waves, i-1, err)
		case errors.Is(err, errClosed):
			x.tell("The window closed at %s. %s was not begun.", x.until.Format(form), g.Name)
		case err != nil && len(waves) > 1:
			x.waveFailed(g, waves, i, err)
		}
		if err != nil {
			return err
		}
		if len(waves) > 1 {
			x.writer.flush()
		}
	}
	return nil
}

// past reports whether a wave was confirmed before stet died.
func (x *operation) past(g *runbook.Group, w *plan.Wave) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return w.Of > 1 && w.Number <= x.h.waves[g.Name]
}

// wave runs one wave of a group through the group's steps and confirms it. The
// window may close before it, and while the operator is asked whether to begin it.
func (x *operation) wave(ctx context.Context, g *runbook.Group, w *plan.Wave) error {
	if err := x.closed(g, w); err != nil {
		return err
	}
	for i := range g.Steps {
		s := &g.Steps[i]
		if s.Kind == runbook.RollbackBlock || len(x.due(g, s, w)) == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		run, err := x.allowed(ctx, s)
		if err != nil {
			return err
		}
		if run && i == g.Change {
			if err := x.closed(g, w); err != nil {
				return err
			}
		}
		if run {
			if err := x.stepIn(ctx, g, s, w); err != nil {
				return err
			}
			continue
		}
		if i == g.Change {
			x.tell("%s was skipped by the operator, and with it what belongs to it.", s.Name)
			return x.skip(g, w)
		}
		x.tell("%s was skipped by the operator.", s.Name)
	}
	return x.confirm(ctx, g, w)
}

// skip ends a wave whose change was not made: there is nothing to confirm, and
// nothing to be taken up.
func (x *operation) skip(g *runbook.Group, w *plan.Wave) error {
	d := &groupData{Group: g.Name, At: x.now()}
	if w.Of > 1 {
		d.Wave, d.Of = w.Number, w.Of
	}
	return x.record(journal.Confirm, d)
}

// waveFailed says which wave failed, or was the last before the window closed, and
// what was never begun because of it.
func (x *operation) waveFailed(g *runbook.Group, waves []plan.Wave, i int, cause error) {
	w := waves[i]
	text := fmt.Sprintf("Wave %d of %d of %s failed", w.Number, w.Of, g.Name)
	var f *failures
	if errors.Is(cause, errClosed) {
		text = fmt.Sprintf("The window closed at %s, after wave %d of %d of %s", x.until.Format(form), w.Number, w.Of, g.Name)
	}
	if errors.As(cause, &f) {
		text += fmt.Sprintf(" on %d of %s (%s)", len(f.targets), targets(len(w.Targets)), names.Short(f.targets, 20))
	}
	var rest []string
	for _, later := range waves[i+1:] {
		rest = append(rest, later.Targets...)
	}
	switch {
	case len(rest) == 0:
		x.tell("%s.", text)
	case i+2 == len(waves):
		x.tell("%s. Wave %d was not begun: %s never touched (%s).", text, w.Number+1, wereTargets(len(rest)), names.Short(rest, 20))
	default:
		x.tell("%s. Waves %d to %d were not begun: %s never touched (%s).", text, w.Number+1, w.Of, wereTargets(len(rest)), names.Short(rest, 20))
	}
}

// waveText names a wave and its targets, for a question about a group.
func waveText(w *plan.Wave) string {
	if w.Of <= 1 {
		return ""
	}
	return fmt.Sprintf(" on wave %d of %d (%s)", w.Number, w.Of, names.Short(w.Targets, 10))
}

func targets(n int) string {
	if n == 1 {
		return "1 target"
	}
	return fmt.Sprintf("%d targets", n)
}

func wereTargets(n int) string {
	if n == 1 {
		return "1 target was"
	}
	return fmt.Sprintf("%d targets were", n)
}

// wavesUndone says which targets of a group with waves were rolled back.
func (x *operation) wavesUndone(name string) {
	i := slices.IndexFunc(x.p.Groups, func(g runbook.Group) bool { return g.Name == name })
	if i < 0 || x.p.Groups[i].Change < 0 || len(plan.Waves(&x.p.Groups[i])) < 2 {
		return
	}
	g := &x.p.Groups[i]
	s := &g.Steps[g.Change]
	var back []string
	first, last := 0, 0
	x.mu.Lock()
	for _, t := range s.Targets {
		o := x.h.outcomes[place{s.Name, t.Target}]
		if o == nil || o.Status != runbook.RolledBack || x.h.left[t.Target] != nil {
			continue
		}
		back = append(back, t.Target)
		if first == 0 {
			first = t.Wave
		}
		last = max(last, t.Wave)
	}
	x.mu.Unlock()
	if len(back) == 0 {
		return
	}
	which := fmt.Sprintf("Waves %d to %d of %s were", first, last, g.Name)
	switch last - first {
	case 0:
		which = fmt.Sprintf("Wave %d of %s was", first, g.Name)
	case 1:
		which = fmt.Sprintf("Waves %d and %d of %s were", first, last, g.Name)
	}
	x.tell("%s rolled back: %s (%s).", which, targets(len(back)), names.Short(back, 20))
}

// current is the wave that was not confirmed when stet died.
func (x *operation) current(g *runbook.Group) *plan.Wave {
	waves := plan.Waves(g)
	for i := range waves {
		if !x.past(g, &waves[i]) {
			return &waves[i]
		}
	}
	return &waves[len(waves)-1]
}

// finished reports whether all waves of a group are confirmed.
func (x *operation) finished(g *runbook.Group) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.h.done[g.Name]
}

// elsewhere takes the operator's own confirmation (stet confirm) for the checks,
// each target by itself: what was confirmed there stays. A guard that ended
// before its step is known to have been done proves nothing. It reports whether
// that was all of the wave, so that nothing of it is left to do.
func (x *operation) elsewhere(ctx context.Context, g *runbook.Group) bool {
	var confirmed []string
	rest := 0
	for _, a := range x.unconfirmed(g.Name) {
		st := (*executors.GuardState)(nil)
		if a.guard != "" && x.succeeded(a) {
			st = x.look(ctx, a)
		}
		if st != nil && st.Phase == executors.Confirmed {
			confirmed = append(confirmed, a.target)
		} else {
			rest++
		}
	}
	w := x.current(g)
	switch {
	case len(confirmed) == 0:
		return false
	case rest == 0 && x.reached(g, w):
		x.tell("%s was confirmed by the operator while stet was not running; its checks may not have been finished.", g.Name)
		return x.confirmAll(ctx, g, w, nil) == nil
	}
	x.note(journal.Confirm, &groupData{Group: g.Name, At: x.now(), Targets: confirmed})
	x.tell("%s was confirmed on %s by the operator while stet was not running; it stays there.", g.Name, names.Short(confirmed, 20))
	return false
}

// succeeded reports whether the journal knows that a step was done on a target.
func (x *operation) succeeded(a *act) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	o := x.h.outcomes[a.place]
	return a.ended && o != nil && o.Status == runbook.OK
}

// reached reports whether a group's change had been looked at on all targets of
// a wave.
func (x *operation) reached(g *runbook.Group, w *plan.Wave) bool {
	if g.Change < 0 {
		return true
	}
	s := &g.Steps[g.Change]
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range s.Targets {
		t := &s.Targets[i]
		if w.Has(t) && x.h.left[t.Target] == nil && x.h.outcomes[place{s.Name, t.Target}] == nil {
			return false
		}
	}
	return true
}
