package plan

import (
	"time"

	"stet/runbook"
)

// DefaultTimeout bounds a step that says nothing else.
const DefaultTimeout = 60 * time.Second

// Timeout is what bounds one try of a block.
func Timeout(b *runbook.Block) time.Duration {
	if b.Timeout > 0 {
		return b.Timeout
	}
	return DefaultTimeout
}

// Bound is the longest that a block may take on one target.
func Bound(b *runbook.Block) time.Duration {
	if b.Kind == runbook.Check {
		return max(b.Within, Timeout(b)) + b.Hold
	}
	return Timeout(b)
}

// duration bounds the whole operation: each step on all of its targets, as many
// at once as it may, the wait for the operator's word, and then undoing all of
// it and looking at the pre-checks again.
func duration(p *runbook.Plan) time.Duration {
	var total time.Duration
	for gi := range p.Groups {
		g := &p.Groups[gi]
		for _, s := range g.Steps {
			n := time.Duration(rounds(p, g, &s))
			bound := Bound(&s.Block) * n
			switch {
			case s.Kind == runbook.RollbackBlock:
				total += bound
			case s.Kind == runbook.Netconfig:
				total += 2 * bound // doing and undoing
			case s.Kind == runbook.Check && g.Change < 0:
				total += 2 * bound // before, and after undoing
			default:
				total += bound
			}
			if s.Kind.Changing() && s.Block.ConfirmBy == "manual" {
				total += s.Block.Confirm * time.Duration(len(Waves(g)))
			}
		}
	}
	return total
}
