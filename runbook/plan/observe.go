package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"stet/executors"
	"stet/executors/netstate"
)

// observe reads each target once, for all that its blocks touch: many at once,
// since each is a round trip to a host.
func (b *builder) observe(ctx context.Context, observers map[string]executors.Observer) error {
	queries := map[string]netstate.Query{}
	for key, w := range b.wanted {
		if w.config != nil {
			queries[key[1]] = Union(queries[key[1]], w.config.Query())
		}
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
		return fmt.Errorf("observing the targets: %w", err)
	}
	return nil
}
