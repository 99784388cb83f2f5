package apply

import (
	"context"
	"slices"

	"stet/internal/names"
	"stet/runbook"
	"stet/runbook/journal"
)

// counts is the step that says on how many targets s may fail: the changing one
// of its group; a pre-check speaks for itself.
func counts(g *runbook.Group, s *runbook.Step) *runbook.Step {
	if g.Change >= 0 {
		return &g.Steps[g.Change]
	}
	return s
}

// tolerance is on how many more targets a step may fail without its group having
// failed.
func (x *operation) tolerance(g *runbook.Group, s *runbook.Step) int {
	s = counts(g, s)
	x.mu.Lock()
	defer x.mu.Unlock()
	left := 0
	for _, d := range x.h.left {
		if d.Group == g.Name && (g.Change >= 0 || d.Step == s.Name) {
			left++
		}
	}
	return max(0, s.Block.MaxFailures.Of(len(s.Targets))-left)
}

// tolerate leaves the targets out on which a step failed, if they are no more
// than may: what was done on them is undone, and the operation goes on with the
// others. Otherwise, and where undoing does not lead back, all of the group has
// failed.
func (x *operation) tolerate(ctx context.Context, g *runbook.Group, s *runbook.Step, f *failures, may int) error {
	if c := counts(g, s); len(f.targets) > may && may < c.Block.MaxFailures.Of(len(c.Targets)) {
		all := c.Block.MaxFailures.Of(len(c.Targets))
		x.tell("%s failed on %s; of the %d that may fail (max-failures=%s) %d had been left out before.",
			s.Name, names.Short(f.targets, 20), all, c.Block.MaxFailures, all-may)
	}
	if len(f.targets) > may || ctx.Err() != nil || !x.journalWorks() || g.Change >= 0 && !x.changes(g, f.targets) {
		return f
	}
	failed := s.Name
	s = counts(g, s)
	back := make([]bool, len(f.targets))
	free := context.WithoutCancel(ctx)
	var acts []*act
	for _, a := range x.unconfirmed(g.Name) {
		if a.step == s.Name && slices.Contains(f.targets, a.target) {
			acts = append(acts, a)
		}
	}
	x.emitUndo(acts, x.at(g, s))
	fan(x.at(g, s), len(f.targets), always, func(i int) {
		back[i] = true
		for _, a := range x.unconfirmed(g.Name) {
			if a.target == f.targets[i] {
				back[i] = x.undoAct(free, a) && back[i]
			}
		}
	})
	for i, t := range f.targets {
		if !back[i] {
			return f
		}
		d := &leftOutData{Group: g.Name, Step: s.Name, Target: t, Error: x.red.String(f.errs[t].Error())}
		d.Remedy = x.red.String(remedy(f.errs[t], d.Error))
		if err := x.record(journal.LeftOut, d); err != nil {
			return err
		}
	}
	if g.Change >= 0 {
		failed = g.Name
	}
	x.tell("%s failed on %s, which the operation goes on without (max-failures=%s).", failed, names.Short(f.targets, 20), s.Block.MaxFailures)
	x.writer.put(s)
	return nil
}

// changes reports whether a group's change is made on all of these targets: a
// failure elsewhere, a monitor's say, is no single host's.
func (x *operation) changes(g *runbook.Group, targets []string) bool {
	own := map[string]bool{}
	for _, t := range g.Steps[g.Change].Targets {
		own[t.Target] = true
	}
	for _, t := range targets {
		if !own[t] {
			return false
		}
	}
	return true
}

// unconfirmed are the acts of a group that may have left something and are not
// confirmed, the last first.
func (x *operation) unconfirmed(group string) []*act {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []*act
	for i := len(x.h.acts) - 1; i >= 0; i-- {
		if a := x.h.acts[i]; a.group == group && a.standing() && !a.confirmed {
			out = append(out, a)
		}
	}
	return out
}
