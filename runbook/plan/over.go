package plan

import (
	"stet/executors"
	"stet/runbook"
)

// Over tells after which step of a plan each target is over: nothing that comes
// later, and nothing that may be taken back, can need it again. Those that are
// needed until the end are not in it.
//
// That is so for a host on which only commands run that stand once they have ended:
// without a check, a rollback block or a snapshot in their groups, a guard, waves, or
// a number of failures that is allowed. A host that shares its connection with
// another target is needed as long as that one.
func Over(p *runbook.Plan) map[string]string {
	last, needed, on := map[string]string{}, map[string]bool{}, map[string]int{}
	for gi := range p.Groups {
		g := &p.Groups[gi]
		for si := range g.Steps {
			s := &g.Steps[si]
			for i := range s.Targets {
				name := s.Targets[i].Target
				last[name] = s.Name
				needed[name] = needed[name] || len(g.Steps) > 1 || !stands(s)
			}
		}
	}
	for _, t := range p.Targets {
		on[t.Machine()]++
	}
	over := map[string]string{}
	for _, t := range p.Targets {
		if step := last[t.Name]; step != "" && !needed[t.Name] && alone(t, on) {
			over[t.Name] = step
		}
	}
	return over
}

// stands reports whether a step is a command about which nothing is decided after
// it has ended.
func stands(s *runbook.Step) bool {
	b := &s.Block
	return s.Kind == runbook.Run && b.Confirm == 0 && b.ConfirmBy == "" && len(b.Batch) == 0 && b.MaxFailures == (runbook.Share{})
}

func alone(t executors.Target, on map[string]int) bool {
	return t.Scheme() == "ssh" && t.At == "" && on[t.Machine()] == 1
}
