package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"stet/executors"
	"stet/internal/names"
	"stet/runbook"
)

// Lost is a target that could not be opened or read, with what its error says.
func Lost(target string, err error) runbook.Missing {
	m := runbook.Missing{Target: target, Error: err.Error()}
	var e *executors.Error
	if errors.As(err, &e) {
		m.Code, m.Error, m.Remedy = e.Code, e.Error(), e.Remedy
	}
	return m
}

// Charge is the step whose max-failures allows that a target is missing.
type Charge struct{ Group, Step string }

// Absent decides what groups do without the targets that are missing. Each one
// counts as a failure of the first step that would run on it: of the group's
// changing step, with its max-failures, or of a pre-check that has a
// max-failures of its own. A pre-check that has none leaves it to the changes.
//
// The result has where each of them is charged that a step would run on. A target that nobody allows has
// an empty charge where the groups that need it may fail by themselves (policy
// continue); else the error, an *AbsentError, says which step cannot do without
// what: nothing must be begun.
func Absent(groups []runbook.Group, missing []runbook.Missing) (map[string]Charge, error) {
	c := &count{missing: map[string]bool{}, charged: map[string]Charge{}, all: missing}
	for _, m := range missing {
		c.missing[m.Target] = true
	}
	for i := range groups {
		g := &groups[i]
		var err error
		if g.Change < 0 {
			err = c.look(g, groups[i+1:])
		} else {
			err = c.change(g)
		}
		if err != nil {
			return nil, err
		}
	}
	for name := range c.missing {
		if slices.ContainsFunc(groups, func(g runbook.Group) bool { return runs(&g, name) }) {
			c.charged[name] = Charge{}
		}
	}
	return c.charged, nil
}

// count is what is missing and not charged yet.
type count struct {
	missing map[string]bool
	charged map[string]Charge
	all     []runbook.Missing
}

func (c *count) of(s *runbook.Step) []string {
	var out []string
	for _, t := range s.Targets {
		if c.missing[t.Target] {
			out = append(out, t.Target)
		}
	}
	return out
}

func (c *count) charge(g *runbook.Group, s *runbook.Step, targets []string) {
	for _, t := range targets {
		delete(c.missing, t)
		c.charged[t] = Charge{g.Name, s.Name}
	}
}

// look counts for a group without a change.
func (c *count) look(g *runbook.Group, later []runbook.Group) error {
	for i := range g.Steps {
		s := &g.Steps[i]
		if s.Kind == runbook.RollbackBlock {
			continue
		}
		gone := c.of(s)
		if may := s.Block.MaxFailures; may.N > 0 && len(gone) > 0 {
			if len(gone) > may.Of(len(s.Targets)) {
				return c.refuse(s, gone)
			}
			c.charge(g, s, gone)
			continue
		}
		gone = slices.DeleteFunc(gone, func(t string) bool { return changed(later, t) })
		if len(gone) > 0 {
			return c.refuse(s, gone)
		}
	}
	return nil
}

// changed reports whether a group changes a target.
func changed(groups []runbook.Group, target string) bool {
	return slices.ContainsFunc(groups, func(g runbook.Group) bool { return Changes(&g, target) })
}

// Changes reports whether the group's changing step runs on a target.
func Changes(g *runbook.Group, target string) bool {
	return g.Change >= 0 && slices.ContainsFunc(g.Steps[g.Change].Targets, func(t runbook.StepPlan) bool { return t.Target == target })
}

// runs reports whether a step of the group runs on a target.
func runs(g *runbook.Group, target string) bool {
	return slices.ContainsFunc(g.Steps, func(s runbook.Step) bool {
		return s.Kind != runbook.RollbackBlock && slices.ContainsFunc(s.Targets, func(t runbook.StepPlan) bool { return t.Target == target })
	})
}

// change counts for a group with a change.
func (c *count) change(g *runbook.Group) error {
	s := &g.Steps[g.Change]
	gone := c.of(s)
	if len(gone) > s.Block.MaxFailures.Of(len(s.Targets)) {
		if g.Policy == runbook.Continue {
			return nil
		}
		return c.refuse(s, gone)
	}
	for i := range g.Steps {
		other := &g.Steps[i]
		elsewhere := slices.DeleteFunc(c.of(other), func(t string) bool { return Changes(g, t) })
		if len(elsewhere) == 0 || other.Kind == runbook.RollbackBlock {
			continue
		}
		if g.Policy == runbook.Continue {
			return nil
		}
		return c.refuse(other, elsewhere)
	}
	c.charge(g, s, gone)
	return nil
}

func (c *count) refuse(s *runbook.Step, targets []string) error {
	e := &AbsentError{Step: s.Name, Of: len(s.Targets), Allowed: s.Block.MaxFailures}
	for _, m := range c.all {
		if slices.Contains(targets, m.Target) {
			e.Missing = append(e.Missing, m)
		}
	}
	return e
}

// AbsentError says that an operation was not begun because a step cannot do
// without targets that are missing.
type AbsentError struct {
	Step    string
	Of      int // targets of the step
	Allowed runbook.Share
	Missing []runbook.Missing
}

// mostReasons is how many reasons an error tells.
const mostReasons = 8

// Error names the targets and why each of them is missing.
func (e *AbsentError) Error() string {
	if len(e.Missing) == 1 && e.Allowed.N == 0 {
		m := e.Missing[0]
		return fmt.Sprintf("%s needs %s, which cannot be used; nothing was changed: %s", e.Step, m.Target, m.Error)
	}
	all := make([]string, len(e.Missing))
	for i, m := range e.Missing {
		all[i] = m.Target
	}
	allows := "and it has no max-failures"
	if e.Allowed.N > 0 {
		allows = fmt.Sprintf("and it may do without %d (max-failures=%s)", e.Allowed.Of(e.Of), e.Allowed)
	}
	return fmt.Sprintf("%d of the %d targets of %s cannot be used (%s), %s; nothing was changed\n%s",
		len(e.Missing), e.Of, e.Step, names.Short(all, 12), allows, Reasons(e.Missing, "    "))
}

// Remedy is what to do about it: that of the first target that has one, and the
// allowance.
func (e *AbsentError) Remedy() string {
	remedy := ""
	for _, m := range e.Missing {
		if remedy = m.Remedy; remedy != "" {
			break
		}
	}
	if len(e.Missing) >= e.Of { // there are no others
		return remedy
	}
	if remedy != "" {
		remedy += "; or "
	}
	return remedy + "let the others go on without it: max-failures=" + fmt.Sprint(len(e.Missing))
}

// Reasons lists missing targets with why, a line each, those with one reason
// together.
func Reasons(missing []runbook.Missing, prefix string) string {
	var order []string
	by := map[string][]string{}
	for _, m := range missing {
		why := reason(m)
		if by[why] == nil {
			order = append(order, why)
		}
		by[why] = append(by[why], m.Target)
	}
	var b strings.Builder
	for i, why := range order {
		if i == mostReasons {
			fmt.Fprintf(&b, "%sand %d more reasons\n", prefix, len(order)-i)
			break
		}
		fmt.Fprintf(&b, "%s%s: %s\n", prefix, names.Short(by[why], 12), why)
	}
	return strings.TrimRight(b.String(), "\n")
}

// reason is an error without the beginning that names its target, so that those
// of many hosts are alike. A jump host stays named.
func reason(m runbook.Missing) string {
	text := strings.ReplaceAll(strings.TrimSpace(m.Error), "\n", "; ")
	op, why, ok := strings.Cut(text, ": ")
	if !ok || !strings.Contains(op, m.Target) && !strings.HasPrefix(op, "connecting to ") {
		return text
	}
	if _, jump, ok := strings.Cut(op, " through "); ok {
		return "through " + jump + ": " + why
	}
	return why
}

// spare makes missing targets of those that a step does not fit, where the
// groups may do without them. Else it is a fault of the document.
func (b *builder) spare(groups []runbook.Group) {
	if len(b.unfit) == 0 {
		return
	}
	missing := make([]runbook.Missing, 0, len(b.missing)+len(b.unfit))
	for _, t := range b.d.Meta.Targets {
		if m, ok := b.missing[t.Name]; ok {
			missing = append(missing, m)
		} else if ds := b.unfit[t.Name]; ds != nil {
			missing = append(missing, runbook.Missing{
				Target: t.Name, Code: "unfit", Remedy: ds[0].Detail,
				Error: fmt.Sprintf("line %d does not fit %s: %s", ds[0].Start.Line, t.Name, ds[0].Summary),
			})
		}
	}
	_, err := Absent(groups, missing)
	for _, m := range missing {
		ds := b.unfit[m.Target]
		if ds == nil {
			continue
		}
		if err == nil {
			b.missing[m.Target] = m
		}
		for i := range ds {
			if err == nil {
				ds[i].Severity = runbook.Warning
			}
		}
		b.diags = append(b.diags, ds...)
	}
	b.forget(groups)
}

// forget takes what was simulated on missing targets out of the plan.
func (b *builder) forget(groups []runbook.Group) {
	for gi := range groups {
		for si := range groups[gi].Steps {
			targets := groups[gi].Steps[si].Targets
			for ti := range targets {
				if _, gone := b.missing[targets[ti].Target]; gone {
					targets[ti].Change, targets[ti].WayIn = nil, nil
				}
			}
		}
	}
}
