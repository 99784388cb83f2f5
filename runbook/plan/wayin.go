package plan

import (
	"context"
	"fmt"
	"strings"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

// wayIn asks a target how it is reached, if that is over a network, and what
// must be observed besides q to find what carries that way.
func wayIn(ctx context.Context, o executors.Observer, q netstate.Query) (*executors.Way, netstate.Query, error) {
	r, ok := o.(executors.Reached)
	if !ok {
		return nil, q, nil
	}
	way, err := r.Way(ctx)
	return way, Union(q, netstate.Query{Links: true, Routes: true}), err
}

// WayIn names the edits of c that touch the way by which a target is reached: s
// is the target's state before it.
func WayIn(s *netstate.State, c *netstate.Change, way *executors.Way) []string {
	if way.Elsewhere {
		return netstate.WayInElsewhere(s, c, way.Local, way.Peer)
	}
	return netstate.WayIn(s, c, way.Local, way.Peer)
}

// unseen warns of what goes with a step's change and cannot come back.
func (b *builder) unseen(s *runbook.Step, t *runbook.StepPlan, was *netstate.State) {
	for _, line := range netstate.Unseen(was, t.Change) {
		b.warn(s, "unseen", fmt.Sprintf("%s on %s: %s", s.Name, t.Target, line),
			"It could not be looked at, and undoing cannot make the pair again. Give the namespace a name in /run/netns first.")
	}
}

func (b *builder) warn(s *runbook.Step, code, summary, detail string) {
	l := &linter{d: b.d}
	l.add(s.Block.Start, code, summary, detail)
	for i := range l.diags {
		l.diags[i].Severity = runbook.Warning
	}
	b.diags = append(b.diags, l.diags...)
}

// touches fills in what of a step's change the operator's way in depends on, and
// says so: it is done under a guard, or refused.
func (b *builder) touches(s *runbook.Step, t *runbook.StepPlan, was *netstate.State) {
	way := b.ways[t.Target]
	if way == nil {
		return
	}
	t.WayIn = WayIn(was, t.Change, way)
	if len(t.WayIn) == 0 {
		return
	}
	detail := fmt.Sprintf("If it cuts the way in, %s goes back by itself after %s.", t.Target, s.Block.Confirm)
	if s.Block.Confirm <= 0 {
		detail = "It has no guard to take it back, so run refuses it. Give it confirm=120s, or leave out confirm=no."
	}
	b.warn(s, "way-in", fmt.Sprintf("%s touches the way in to %s: %s", s.Name, t.Target, strings.Join(t.WayIn, "; ")), detail)
}
