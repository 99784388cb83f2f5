package apply

import (
	"fmt"

	"stet/runbook"
)

// of are the outcomes of one step, in the order of its targets. Once its group
// is over, the targets that it did not reach are in it, too, if it reached any.
func (h *history) of(s *runbook.Step) []runbook.Outcome {
	had := h.had(s)
	g := h.groupOf(s)
	if len(had) == 0 || len(had) == len(s.Targets) || g == nil || s.Kind == runbook.RollbackBlock {
		return had
	}
	over := h.ended || h.gaveUp[g.Name] || h.failing != nil && h.failing.Group == g.Name
	if !over && !h.done[g.Name] {
		return had
	}
	return h.all(g, s)
}

// had are the outcomes that a step has.
func (h *history) had(s *runbook.Step) []runbook.Outcome {
	var out []runbook.Outcome
	for _, t := range s.Targets {
		if o := h.outcomes[place{s.Name, t.Target}]; o != nil {
			out = append(out, *o)
		}
	}
	return out
}

// all are the outcomes of a step on all of its targets; those that it did not
// reach are skipped ones, with the reason where there is more to say than that
// the operation ended before.
func (h *history) all(g *runbook.Group, s *runbook.Step) []runbook.Outcome {
	begun := h.begunWave(g)
	out := make([]runbook.Outcome, 0, len(s.Targets))
	for i := range s.Targets {
		t := &s.Targets[i]
		if o := h.outcomes[place{s.Name, t.Target}]; o != nil {
			out = append(out, *o)
			continue
		}
		out = append(out, runbook.Outcome{
			Step: s.Name, Kind: s.Kind, Target: t.Target, Status: runbook.Skipped, Wave: t.Wave, Error: h.why(s, t, begun),
		})
	}
	return out
}

// why says why a step did not reach a target.
func (h *history) why(s *runbook.Step, t *runbook.StepPlan, begun int) string {
	never := ""
	if s.Kind.Changing() {
		never = "never touched: "
	}
	left := h.left[t.Target]
	switch {
	case left != nil && (left.Absent || left.Resumed):
		return "left out: " + left.Error
	case left != nil && left.Step != "" && left.Step != left.Group:
		return "left out after " + left.Step + " failed on it"
	case left != nil:
		return "left out after " + left.Group + " failed on it"
	case begun > 0 && t.Wave > begun:
		return fmt.Sprintf("%swave %d was not begun", never, t.Wave)
	case begun > 0 && t.Wave > 0:
		return fmt.Sprintf("%swave %d had failed before", never, t.Wave)
	}
	return ""
}

// begunWave is the latest wave of a group that reached a target; 0 if none did.
func (h *history) begunWave(g *runbook.Group) int {
	last := 0
	for _, s := range g.Steps {
		for _, t := range s.Targets {
			if t.Wave > last && h.outcomes[place{s.Name, t.Target}] != nil {
				last = t.Wave
			}
		}
	}
	return last
}

// groupOf is the group of a step of the plan.
func (h *history) groupOf(s *runbook.Step) *runbook.Group {
	if h.plan == nil {
		return nil
	}
	for gi := range h.plan.Groups {
		for si := range h.plan.Groups[gi].Steps {
			if h.plan.Groups[gi].Steps[si].Name == s.Name {
				return &h.plan.Groups[gi]
			}
		}
	}
	return nil
}
