package plan

import (
	"slices"

	"stet/executors"
	"stet/runbook"
)

// DefaultParallel is how many hosts a step runs on at once that says nothing
// else. Namespaces of one host come one after another: they may be linked, so
// that a change in one is seen by the next.
const DefaultParallel = 32

// Wave is a part of a group's targets that goes through all of its steps before
// the next part begins.
type Wave struct {
	// Number counts from 1; Of is how many waves the group has.
	Number, Of int
	// Targets are those of the changing step that are in the wave; nil is all.
	Targets []string
}

// setWaves gives the targets of a group their waves, as its changing step's
// batch says. What the change goes over wave by wave is looked at wave by wave.
// Elsewhere, checks prove every wave; a snapshot is taken with the first one,
// and a person is asked with the last.
//
// What is missing has no wave: a canary that is not there would prove nothing.
func setWaves(g *runbook.Group, missing func(target string) bool) {
	if g.Change < 0 || len(g.Steps[g.Change].Block.Batch) == 0 {
		return
	}
	s := &g.Steps[g.Change]
	var there []string
	for _, t := range s.Targets {
		if !missing(t.Target) {
			there = append(there, t.Target)
		}
	}
	of := map[string]int{}
	last := 0
	for at := 0; at < len(there); {
		share := s.Block.Batch[min(last, len(s.Block.Batch)-1)]
		last++
		for n := max(1, share.Of(len(there))); n > 0 && at < len(there); n-- {
			of[there[at]] = last
			at++
		}
	}
	for si := range g.Steps {
		other := &g.Steps[si]
		for ti := range other.Targets {
			t := &other.Targets[ti]
			switch n, changed := of[t.Target]; {
			case changed:
				t.Wave = n
			case other.Kind == runbook.Snapshot:
				t.Wave = 1
			case other.Kind == runbook.Manual:
				t.Wave = last
			}
		}
	}
}

// Waves are the waves of a group: one with everything, unless its changing step
// has several.
func Waves(g *runbook.Group) []Wave {
	var waves []Wave
	if g.Change >= 0 {
		targets := g.Steps[g.Change].Targets
		for _, t := range targets {
			for len(waves) < min(t.Wave, len(targets)) {
				waves = append(waves, Wave{Number: len(waves) + 1})
			}
			if t.Wave > 0 && t.Wave <= len(waves) {
				w := &waves[t.Wave-1]
				w.Targets = append(w.Targets, t.Target)
			}
		}
	}
	if len(waves) == 0 {
		return []Wave{{Number: 1, Of: 1}}
	}
	for i := range waves {
		waves[i].Of = len(waves)
	}
	return waves
}

// Has reports whether a step runs on a target in this wave.
func (w *Wave) Has(t *runbook.StepPlan) bool {
	return w.Of <= 1 || t.Wave == 0 || t.Wave == w.Number
}

// Parallel is on how many targets a step runs at once: as many as it says, else
// as many as its group's change does.
func Parallel(g *runbook.Group, s *runbook.Step, targets []executors.Target) int {
	if s.Block.Parallel > 0 {
		return s.Block.Parallel
	}
	if g.Change >= 0 && g.Steps[g.Change].Block.Parallel > 0 {
		return g.Steps[g.Change].Block.Parallel
	}
	own := make(map[string]bool, len(s.Targets))
	for _, t := range s.Targets {
		own[t.Target] = true
	}
	if slices.ContainsFunc(targets, func(t executors.Target) bool { return own[t.Name] && t.Scheme() != "ssh" }) {
		return 1
	}
	return DefaultParallel
}

// rounds counts how often a step runs one after another: on so many targets at
// once, wave by wave.
func rounds(p *runbook.Plan, g *runbook.Group, s *runbook.Step) int {
	at, total := Parallel(g, s, p.Targets), 0
	waves := Waves(g)
	for i := range waves {
		n := 0
		for ti := range s.Targets {
			if waves[i].Has(&s.Targets[ti]) {
				n++
			}
		}
		total += (n + at - 1) / at
	}
	return total
}
