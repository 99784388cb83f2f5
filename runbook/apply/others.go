package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stet/executors/netstate"
	"stet/runbook"
)

// othersChanged says which objects are no longer as the confirmed steps left
// them, before they are put back to what they were before. What one step made
// and a later one changed is as the later one left it.
func (x *operation) othersChanged(ctx context.Context, acts []*act) {
	made := map[string]*netstate.Change{}
	var targets []string
	for _, a := range acts {
		if a.kind != runbook.Netconfig || a.change.Empty() || !a.confirmed {
			continue
		}
		if made[a.target] == nil {
			made[a.target] = &netstate.Change{}
			targets = append(targets, a.target)
		}
		made[a.target].Edits = append(made[a.target].Edits, a.change.Edits...)
	}
	for _, target := range targets {
		x.othersOn(ctx, target, made)
	}
}

// othersOn looks at one target; all is what each of them was changed by.
func (x *operation) othersOn(ctx context.Context, target string, all map[string]*netstate.Change) {
	const most = 10 // of each sort are told
	made := all[target]
	sess, err := x.session(target)
	if err != nil {
		return // undoing says so
	}
	g := newGoing(made)
	for _, t := range x.p.Targets {
		if there := all[t.Name]; there != nil && t.Name != target {
			g.own(t.Name, there)
			g.own(strings.TrimPrefix(t.Address, "netns://"), there)
		}
	}
	q := made.Query()
	q.Going = g.names()
	now, err := sess.Observe(ctx, q)
	if err != nil {
		return // undoing looks itself
	}
	for i, m := range netstate.Verify(made, now) {
		if i == most {
			x.tell("… and more on %s.", target)
			break
		}
		x.tell("After the operation somebody changed %s on %s: it is %q, it was %q.", strings.TrimSpace(m.Object+" "+m.Key), target, m.Got, m.Want)
	}
	for i, text := range g.others(now) {
		if i == most {
			x.tell("… and more of others on %s goes with it.", target)
			break
		}
		x.tell("On %s, %s, which the operation did not make; it goes with what is undone.", target, text)
	}
}

// spot is an interface, or what is on one, in a namespace; "" is the target's
// own.
type spot struct{ netns, what string }

// going are the interfaces that undoing removes, with their far ends in other
// namespaces, and what the operation itself has made on them: the kernel takes
// all of it away with them, what others made, too.
type going struct{ links, made map[spot]bool }

func newGoing(c *netstate.Change) *going {
	g := &going{links: map[spot]bool{}, made: map[spot]bool{}}
	for i := range c.Edits {
		e := &c.Edits[i]
		b, a := e.Before.Link, e.After.Link
		switch {
		case a == nil:
		case e.Op == netstate.Add:
			g.links[spot{e.Netns + a.Netns, a.Name}] = true
		case b != nil && b.Netns != a.Netns && g.links[spot{b.Netns, b.Name}]: // moved
			g.links[spot{a.Netns, a.Name}] = true
		}
	}
	g.own("", c)
	return g
}

// own notes what a change has made in a namespace.
func (g *going) own(netns string, c *netstate.Change) {
	for i := range c.Edits {
		e := &c.Edits[i]
		in := e.Netns
		if in == "" {
			in = netns
		}
		switch a := e.After; {
		case a.Link != nil && a.Link.Netns != "":
			g.made[spot{a.Link.Netns, a.Link.Name}] = true
		case a.Link != nil:
			g.made[spot{in, a.Link.Name}] = true
		case a.Address != nil:
			g.made[spot{in, a.Address.Device + " " + a.Address.Prefix.String()}] = true
		case a.Route != nil:
			g.made[spot{in, routeWords(a.Route)}] = true
		}
	}
}

// names are the interfaces of the target itself that go.
func (g *going) names() []string {
	var list []string
	for p := range g.links {
		if p.netns == "" {
			list = append(list, p.what)
		}
	}
	slices.Sort(list)
	return list
}

// others tells what others made on what goes.
func (g *going) others(now *netstate.State) []string {
	out := g.othersIn("", now)
	for _, netns := range slices.Sorted(maps.Keys(now.Elsewhere)) {
		for _, text := range g.othersIn(netns, now.Elsewhere[netns]) {
			out = append(out, text+" in "+netns)
		}
	}
	return out
}

func (g *going) othersIn(netns string, s *netstate.State) []string {
	var out []string
	in := func(what string) spot { return spot{netns, what} }
	for _, l := range s.Interfaces {
		if l.Netns != "" {
			continue
		}
		if over := l.Attrs["controller"]; g.links[in(over)] && !g.made[in(l.Name)] {
			out = append(out, over+" has the port "+l.Name)
		}
		for _, a := range l.Addresses {
			if g.links[in(l.Name)] && !g.made[in(l.Name+" "+a.Prefix.String())] && !a.Prefix.Addr().IsLinkLocalUnicast() {
				out = append(out, l.Name+" has the address "+a.Prefix.String())
			}
		}
	}
	for i := range s.Routes {
		r := &s.Routes[i]
		const kernel, advertised = 2, 9 // RTPROT_KERNEL, RTPROT_RA
		if len(r.NextHops) == 1 && g.links[in(r.NextHops[0].Device)] && r.Protocol != kernel && r.Protocol != advertised && !g.made[in(routeWords(r))] {
			out = append(out, r.NextHops[0].Device+" has the "+routeWords(r))
		}
	}
	return out
}

// routeWords tell a route from others.
func routeWords(r *netstate.Route) string {
	return fmt.Sprintf("route to %s (table %d, metric %d)", r.Destination, r.Table, r.Metric)
}
