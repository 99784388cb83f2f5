package plan

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

// foresee observes the targets and simulates the steps upon them. Mostly all
// holds already, which takes less to tell than a change takes to plan: the
// targets of this host are asked for the rest only when something is to be done.
// Over a network a second question costs more than a long answer.
func (b *builder) foresee(ctx context.Context, observers map[string]executors.Observer, groups []runbook.Group) error {
	kept := len(b.diags)
	brief, err := b.observe(ctx, observers, true)
	if err != nil {
		return err
	}
	if brief && b.lacking() {
		if _, err := b.observe(ctx, observers, false); err != nil {
			return err
		}
		brief = false
	}
	b.simulate(groups)
	if !brief || b.holds(groups, kept) {
		return nil
	}
	b.takeBack(groups, kept)
	if _, err := b.observe(ctx, observers, false); err != nil {
		return err
	}
	b.simulate(groups)
	return nil
}

// lacking tells that an interface is not there that is to be: something is to be
// done for certain.
func (b *builder) lacking() bool {
	for key, w := range b.wanted {
		s := b.states[key[1]]
		if w.config == nil || s == nil {
			continue
		}
		for i := range w.config.Interfaces {
			c := &w.config.Interfaces[i]
			if c.State != "absent" && c.State != "ignore" && s.Interface(c.Name) == nil {
				return true
			}
		}
	}
	return false
}

// holds tells that no step would change anything, and that there is nothing to
// be said: kept are the diagnostics from before the steps were simulated.
func (b *builder) holds(groups []runbook.Group, kept int) bool {
	if len(b.unfit) > 0 || len(b.diags) > kept {
		return false
	}
	for t := range simulated(groups) {
		if !t.Change.Empty() {
			return false
		}
	}
	return true
}

// takeBack takes back what simulating filled in.
func (b *builder) takeBack(groups []runbook.Group, kept int) {
	b.diags = b.diags[:kept]
	clear(b.unfit)
	for t := range simulated(groups) {
		t.Change, t.WayIn = nil, nil
	}
}

// simulated are the targets of all netconfig steps.
func simulated(groups []runbook.Group) iter.Seq[*runbook.StepPlan] {
	return func(yield func(*runbook.StepPlan) bool) {
		for gi := range groups {
			for si := range groups[gi].Steps {
				s := &groups[gi].Steps[si]
				for ti := range s.Targets {
					if s.Kind == runbook.Netconfig && !yield(&s.Targets[ti]) {
						return
					}
				}
			}
		}
	}
}

// observe reads each target once, for all that its blocks touch: many at once,
// since each is a round trip to a host. Where brief is set, targets of this host
// are asked only for what tells whether the blocks hold; it returns whether that
// was less.
func (b *builder) observe(ctx context.Context, observers map[string]executors.Observer, brief bool) (less bool, err error) {
	queries := map[string]netstate.Query{}
	for key, w := range b.wanted {
		if w.config == nil {
			continue
		}
		q := w.config.Query()
		if t, ok := Target(b.d, key[1]); brief && ok && t.Machine() == "" {
			held := w.config.QueryHeld()
			less = less || len(held.Going) < len(q.Going)
			q = held
		}
		queries[key[1]] = Union(queries[key[1]], q)
	}
	names := slices.Sorted(maps.Keys(queries))
	states, ways, faults := make([]*netstate.State, len(names)), make([]*executors.Way, len(names)), make([]error, len(names))
	room := make(chan struct{}, DefaultParallel)
	var all sync.WaitGroup
	for i, name := range names {
		o, ok := observers[name]
		if _, gone := b.missing[name]; gone {
			continue
		}
		if !ok {
			faults[i] = fmt.Errorf("observing %s: it was not opened", name)
			continue
		}
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			way, query, err := wayIn(ctx, o, queries[name])
			ways[i] = way
			if err == nil {
				states[i], err = o.Observe(ctx, query)
			}
			if err != nil {
				faults[i] = fmt.Errorf("observing %s: %w", name, err)
			}
		})
	}
	all.Wait()
	for i, name := range names {
		switch {
		case faults[i] != nil:
			b.missing[name] = Lost(name, faults[i])
		case states[i] != nil:
			b.states[name] = states[i]
			b.ways[name] = ways[i]
		}
	}
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("observing the targets: %w", err)
	}
	return less, nil
}
