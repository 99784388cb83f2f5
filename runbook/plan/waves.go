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

	in, changed map[string]bool
}

// Waves are the waves of a group: one with everything, unless its changing step
// has a batch.
func Waves(g *runbook.Group) []Wave {
	if g.Change < 0 || len(g.Steps[g.Change].Block.Batch) == 0 {
		return []Wave{{Number: 1, Of: 1}}
	}
	s := &g.Steps[g.Change]
	changed := map[string]bool{}
	targets := make([]string, len(s.Targets))
	for i, t := range s.Targets {
		targets[i] = t.Target
		changed[t.Target] = true
	}
	var waves []Wave
	for rest := targets; len(rest) > 0; {
		share := s.Block.Batch[min(len(waves), len(s.Block.Batch)-1)]
		n := min(max(1, share.Of(len(targets))), len(rest))
		w := Wave{Number: len(waves) + 1, Targets: rest[:n:n], in: map[string]bool{}, changed: changed}
		for _, t := range w.Targets {
			w.in[t] = true
		}
		waves, rest = append(waves, w), rest[n:]
	}
	for i := range waves {
		waves[i].Of = len(waves)
	}
	return waves
}

// Has reports whether a step runs on a target in this wave. What the change
// goes over wave by wave is checked wave by wave. Elsewhere, checks prove every
// wave; a snapshot is taken with the first one, and a person is asked with the
// last.
func (w *Wave) Has(s *runbook.Step, target string) bool {
	switch {
	case w.Of <= 1:
		return true
	case w.changed[target]:
		return w.in[target]
	case s.Kind == runbook.Check:
		return true
	case s.Kind == runbook.Snapshot:
		return w.Number == 1
	}
	return w.Number == w.Of
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
		for _, t := range s.Targets {
			if waves[i].Has(s, t.Target) {
				n++
			}
		}
		total += (n + at - 1) / at
	}
	return total
}
