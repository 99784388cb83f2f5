package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"stet/internal/names"
	"stet/runbook"
	"stet/runbook/plan"
)

// fan calls do with 0 to count-1, at most at of them at once, each begun in its
// order, as long as more allows it. One at a time is done by the caller's own
// goroutine. It returns how many were begun, when all of them have ended; a
// panic in one of them is then the caller's.
func fan(at, count int, more func() bool, do func(i int)) (begun int) {
	if at <= 1 || count <= 1 {
		for ; begun < count && more(); begun++ {
			do(begun)
		}
		return begun
	}
	var all sync.WaitGroup
	room := make(chan struct{}, at)
	fallen := make(chan any, count)
	for ; begun < count; begun++ {
		room <- struct{}{}
		if len(fallen) > 0 || !more() {
			break
		}
		i := begun
		all.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					fallen <- r
				}
				<-room
			}()
			do(i)
		})
	}
	all.Wait()
	select {
	case r := <-fallen:
		panic(r)
	default:
	}
	return begun
}

func always() bool { return true }

// at is on how many targets a step runs at once.
func (x *operation) at(g *runbook.Group, s *runbook.Step) int {
	return plan.Parallel(g, s, x.p.Targets)
}

// failures are the targets on which a step failed.
type failures struct {
	mu      sync.Mutex
	total   int
	targets []string
	errs    map[string]error
}

func (f *failures) add(target string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.errs == nil {
		f.errs = map[string]error{}
	}
	f.targets = append(f.targets, target)
	f.errs[target] = err
}

func (f *failures) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.targets)
}

// in puts the targets into the order of a step's.
func (f *failures) in(targets []*runbook.StepPlan) {
	at := map[string]int{}
	for i, t := range targets {
		at[t.Target] = i
	}
	slices.SortFunc(f.targets, func(a, b string) int { return at[a] - at[b] })
}

// Error tells of each when there are few, and else which failed and why one
// did.
func (f *failures) Error() string {
	if len(f.targets) > 3 {
		return fmt.Sprintf("it failed on %d of %d targets (%s); on %s: %v",
			len(f.targets), f.total, names.Short(f.targets, 10), f.targets[0], f.errs[f.targets[0]])
	}
	return errors.Join(f.Unwrap()...).Error()
}

// Unwrap returns the error of each target.
func (f *failures) Unwrap() []error {
	out := make([]error, len(f.targets))
	for i, t := range f.targets {
		out[i] = f.errs[t]
	}
	return out
}

// step runs a step on all of its targets.
func (x *operation) step(ctx context.Context, g *runbook.Group, s *runbook.Step) error {
	return x.stepIn(ctx, g, s, &plan.Wave{Number: 1, Of: 1})
}

// stepIn runs a step on its targets in a wave: as many at once as it may, begun
// in the document's order. A check looks at all of them; anything else begins
// on no other target when more have failed than may.
func (x *operation) stepIn(ctx context.Context, g *runbook.Group, s *runbook.Step, w *plan.Wave) error {
	targets := x.due(g, s, w)
	if len(targets) == 0 {
		return nil
	}
	at := x.at(g, s)
	x.emitWave(g, s, w, targets, at)
	f := &failures{total: len(targets)}
	may := x.tolerance(g, s)
	begun := fan(at, len(targets), func() bool {
		return ctx.Err() == nil && (s.Kind == runbook.Check || f.count() <= may)
	}, func(i int) {
		if err := x.on(ctx, g, s, targets[i], w); err != nil {
			f.add(targets[i].Target, err)
			return
		}
		x.free(ctx, s, targets[i].Target)
	})
	f.in(targets)
	switch {
	case f.count() > 0:
		return x.tolerate(ctx, g, s, f, may)
	case begun < len(targets):
		return ctx.Err()
	}
	return nil
}

// emitWave tells which targets a step starts on, when there are several.
func (x *operation) emitWave(g *runbook.Group, s *runbook.Step, w *plan.Wave, targets []*runbook.StepPlan, at int) {
	if len(targets) < 2 && w.Of <= 1 || len(targets) == 0 {
		return
	}
	wave := &runbook.Wave{Parallel: min(at, len(targets))}
	if w.Of > 1 {
		wave.Number, wave.Of = w.Number, w.Of
	}
	for _, t := range targets {
		wave.Targets = append(wave.Targets, t.Target)
	}
	x.emit(runbook.Event{Kind: runbook.EventWave, Group: g.Name, Step: s.Name, Text: string(s.Kind), Wave: wave})
}

// due are the targets of a step in a wave, without those that were left out.
// What is confirmed on a target already, from before stet died, is not done
// again, nor is a command that had ended well.
func (x *operation) due(g *runbook.Group, s *runbook.Step, w *plan.Wave) []*runbook.StepPlan {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []*runbook.StepPlan
	for i := range s.Targets {
		t := &s.Targets[i]
		if !w.Has(t) || x.h.left[t.Target] != nil {
			continue
		}
		if a := x.h.act(place{s.Name, t.Target}); s.Kind.Changing() && a != nil && a.group == g.Name && a.standing() && (a.confirmed || a.ended && x.taken[a]) {
			continue
		}
		out = append(out, t)
	}
	return out
}

// on runs a step on one target.
func (x *operation) on(ctx context.Context, g *runbook.Group, s *runbook.Step, t *runbook.StepPlan, w *plan.Wave) error {
	x.emit(runbook.Event{Kind: runbook.EventStep, Group: g.Name, Step: s.Name, Target: t.Target, Text: string(s.Kind)})
	start := x.now()
	o, err := x.do(ctx, g, s, t)
	o.Step, o.Kind, o.Target = s.Name, s.Kind, t.Target
	if o.Start.IsZero() {
		o.Start, o.End = start, x.now()
	}
	if w.Of > 1 {
		o.Wave = w.Number
	}
	return errors.Join(err, x.ended(ctx, g, s, o, err))
}

// loosen notes that something ran whose effects no plan can foresee.
func (x *operation) loosen() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.loose = true
}

func (x *operation) loosened() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.loose
}
