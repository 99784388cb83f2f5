package apply

import (
	"context"
	"fmt"
	"slices"

	"stet/executors"
	"stet/internal/names"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// meet opens targets before anything is begun. The groups given may do without
// some of them (plan.Absent): those are returned, to be left out. Otherwise
// nothing must be begun, which is a *plan.AbsentError.
func (x *operation) meet(ctx context.Context, targets []executors.Target, groups []runbook.Group) ([]leftOutData, error) {
	if err := x.open(ctx, targets); err != nil {
		return nil, err
	}
	missing := x.absent(targets)
	charged, err := plan.Absent(groups, append(x.counted(groups), missing...))
	if err != nil {
		return nil, err
	}
	var out []leftOutData
	for _, m := range missing {
		if at, ok := charged[m.Target]; ok {
			out = append(out, leftOutData{
				Group: at.Group, Step: at.Step, Target: m.Target, Error: x.red.String(m.Error), Remedy: x.red.String(m.Remedy),
				Absent: !x.h.ran(m.Target), Resumed: x.h.begun,
			})
		}
	}
	return out, nil
}

// counted are the targets that were left out before and count in these groups.
func (x *operation) counted(groups []runbook.Group) []runbook.Missing {
	var out []runbook.Missing
	for _, d := range x.h.left {
		if slices.ContainsFunc(groups, func(g runbook.Group) bool { return g.Name == d.Group }) {
			out = append(out, runbook.Missing{Target: d.Target, Error: d.Error, Remedy: d.Remedy})
		}
	}
	return out
}

// absent are those of the targets that are missing, in their order, and not
// left out already.
func (x *operation) absent(targets []executors.Target) []runbook.Missing {
	var out []runbook.Missing
	for _, t := range targets {
		if x.h.left[t.Name] != nil {
			continue
		}
		i := slices.IndexFunc(x.p.Missing, func(m runbook.Missing) bool { return m.Target == t.Name })
		if i >= 0 {
			out = append(out, x.p.Missing[i])
		} else if err := x.missing[t.Name]; err != nil {
			out = append(out, plan.Lost(t.Name, err))
		}
	}
	return out
}

// leaveOut journals without which targets the operation goes on.
func (x *operation) leaveOut(left []leftOutData) error {
	for i := range left {
		if err := x.record(journal.LeftOut, &left[i]); err != nil {
			return err
		}
	}
	x.left = left
	return nil
}

// tellStart tells that the operation starts, and without which targets.
func (x *operation) tellStart() {
	x.emit(runbook.Event{Kind: runbook.EventStart, Operation: x.operation()})
	by := map[string][]runbook.Missing{}
	var order []string
	for i := range x.left {
		d := &x.left[i]
		if by[d.Step] == nil {
			order = append(order, d.Step)
		}
		by[d.Step] = append(by[d.Step], runbook.Missing{Target: d.Target, Error: d.Error})
	}
	for _, step := range order {
		why := "the groups that need it fail"
		if _, s := x.planStep(step); s != nil {
			why = fmt.Sprintf("%s has max-failures=%s", step, s.Block.MaxFailures)
		}
		x.hint("left out: %s (%s)\n%s", targetsOf(by[step]), why, plan.Reasons(by[step], "    "))
	}
	x.tellClocks()
	x.sweep()
}

func targetsOf(missing []runbook.Missing) string {
	all := make([]string, len(missing))
	for i, m := range missing {
		all[i] = m.Target
	}
	if len(all) < 3 {
		return names.Short(all, 20)
	}
	return targets(len(all)) + ", " + names.Short(all, 20)
}

// whole is the error of a group that cannot do without targets which were
// missing from the beginning: it fails before it touches anything.
func (x *operation) whole(g *runbook.Group) error {
	if g.Change < 0 {
		return nil
	}
	at := func(name string) int {
		return slices.IndexFunc(x.p.Groups, func(o runbook.Group) bool { return o.Name == name })
	}
	f := &failures{}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range g.Steps {
		s := &g.Steps[i]
		f.total = max(f.total, len(s.Targets))
		for _, t := range s.Targets {
			d := x.h.left[t.Target]
			if d == nil || !d.Absent && !d.Resumed || s.Kind == runbook.RollbackBlock || f.errs[t.Target] != nil {
				continue
			}
			if d.Group == "" || at(d.Group) > at(g.Name) {
				f.add(t.Target, remedied{fmt.Errorf("%s needs %s: %s: %w", s.Name, t.Target, d.Error, errUntouched), d.Remedy})
			}
		}
	}
	if f.count() == 0 {
		return nil
	}
	return f
}

// lostErr is the operation's error when it went well but for the targets that it
// left out.
func lostErr(h *history) string {
	if len(h.op.LeftOut) == 0 {
		return ""
	}
	all := make([]string, len(h.op.LeftOut))
	for i, l := range h.op.LeftOut {
		all[i] = l.Target
	}
	if len(all) == 1 {
		return fmt.Sprintf(": it went on without %s: %s", all[0], h.op.LeftOut[0].Error)
	}
	return fmt.Sprintf(": it went on without %d targets (%s)", len(all), names.Short(all, 12))
}
