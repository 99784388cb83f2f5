package netstate

import (
	"net/netip"
	"slices"
)

// hasSets tells that an entry stands for many routes.
func (c *Config) hasSets() bool {
	return slices.ContainsFunc(c.Routes, func(r RouteConfig) bool { return r.Prefixes.Len() > 0 })
}

// expanded is c with an entry for each route. c is not changed.
func (c *Config) expanded() *Config {
	if c == nil || !c.hasSets() {
		return c
	}
	out := *c
	out.Routes = nil
	for i := range c.Routes {
		entry := c.Routes[i]
		if entry.Prefixes.Len() == 0 {
			out.Routes = append(out.Routes, entry)
			continue
		}
		for k := range entry.Prefixes.Len() {
			one := entry
			one.Prefixes, one.Route.Destination = Prefixes{}, entry.Prefixes.At(k)
			out.Routes = append(out.Routes, one)
		}
	}
	return &out
}

// setsApart tells that sets of routes can be handled as such: nothing is said
// that makes the kernel remove routes by itself.
func (c *Config) setsApart() bool {
	return len(c.Interfaces) == 0 && len(c.Sysctls) == 0 && len(c.Nexthops) == 0
}

// removeRoutes takes out what entries with `state: absent` mean.
func (m *simulation) removeRoutes(gone []*RouteConfig) {
	m.to.Routes = slices.DeleteFunc(m.to.Routes, func(r Route) bool {
		return !kernelRoute(&r) && slices.ContainsFunc(gone, func(c *RouteConfig) bool { return c.leadsTo(&r) && c.matches(&r) })
	})
	for i := range m.to.RouteSets {
		set := &m.to.RouteSets[i]
		if kernelRoute(&set.Route) {
			continue
		}
		for _, c := range gone {
			if set.Prefixes.Len() == 0 || !c.matches(&set.Route) {
				continue
			}
			switch {
			case c.Prefixes.Len() > 0:
				_, set.Prefixes = set.Prefixes.split(c.Prefixes)
			case c.Has["destination"]:
				_, set.Prefixes = set.Prefixes.split(prefixes(c.Route.Destination))
			default:
				set.Prefixes = Prefixes{}
			}
		}
	}
	m.to.dropEmpty()
}

// prefixes is a set of one network.
func prefixes(p netip.Prefix) Prefixes {
	var l PrefixList
	l.Add(p)
	four, six := l.Sets()
	return four.join(six)
}

// wantSets adds the routes of entries that stand for many; others are the
// entries that stand for one.
func (m *simulation) wantSets(list, others []RouteConfig) {
	wanted := make([]RouteSet, len(list))
	for i := range list {
		c := &list[i]
		c.Route.Destination = c.Prefixes.At(0)
		m.route(c)
		c.Route.Destination = netip.Prefix{}
		wanted[i] = RouteSet{Route: c.Route, Prefixes: c.Prefixes}
	}
	there := len(m.to.RouteSets)
	once := setsOnce(wanted)
	for i := range list {
		c, set := &list[i], &wanted[i]
		if !once {
			for k := range i {
				m.unclaimed(c, set, &wanted[k])
			}
		}
		for k := range others {
			if r := &others[k].Route; classOf(r) == set.class() && set.Prefixes.Contains(r.Destination) {
				m.unclaimed(c, set, &RouteSet{Route: *r, Prefixes: prefixes(r.Destination)})
			}
		}
		m.overlaySet(c, *set, there)
	}
	m.to.dropEmpty()
}

// setsOnce tells that no route is in two of the sets.
func setsOnce(sets []RouteSet) bool {
	byClass := map[class][]Prefixes{}
	for i := range sets {
		c := sets[i].class()
		byClass[c] = append(byClass[c], sets[i].Prefixes)
	}
	for _, list := range byClass {
		if !disjoint(list) {
			return false
		}
	}
	return true
}

// unclaimed takes out of a set what an entry before it asks for, too: equal
// routes are one, others contradict each other.
func (m *simulation) unclaimed(c *RouteConfig, set, before *RouteSet) {
	if set.class() != before.class() {
		return
	}
	both, rest := set.Prefixes.split(before.Prefixes)
	if both.Len() == 0 {
		return
	}
	if !sameWay(&set.Route, &before.Route, both.At(0)) {
		m.problem(c.Pos, "contradiction", "two routes to "+both.At(0).String()+" with the same metric and table",
			"Give them different metrics, or leave one of the two out.")
	}
	set.Prefixes = rest
}

// sameWay compares routes as if both led to a destination.
func sameWay(a, b *Route, to netip.Prefix) bool {
	x, y := *a, *b
	x.Destination, y.Destination = to, to
	return equalRoutes(&x, &y)
}

// holds tells that a set is there as it is wanted.
func (m *simulation) holds(c *RouteConfig, set *RouteSet, there int) bool {
	return slices.ContainsFunc(m.to.RouteSets[:there], func(old RouteSet) bool {
		if old.class() != set.class() || kernelRoute(&old.Route) || !old.Prefixes.same(set.Prefixes) {
			return false
		}
		r := keepRoute(set.Route, &old.Route, c)
		return sameWay(&r, &old.Route, set.Prefixes.At(0))
	})
}

// overlaySet puts a set of routes over those of the same keys. The first there
// of the simulation's sets are those that were there before any was wanted.
func (m *simulation) overlaySet(c *RouteConfig, set RouteSet, there int) {
	of, left := set.class(), set.Prefixes
	if left.Len() == 0 || m.holds(c, &set, there) {
		return
	}
	for i := range there {
		old := &m.to.RouteSets[i]
		if old.class() != of || kernelRoute(&old.Route) {
			continue
		}
		both, rest := old.Prefixes.split(left)
		if both.Len() == 0 {
			continue
		}
		_, left = left.split(both)
		if r := keepRoute(set.Route, &old.Route, c); !sameWay(&r, &old.Route, both.At(0)) {
			old.Prefixes = rest
			m.to.RouteSets = append(m.to.RouteSets, RouteSet{Route: r, Prefixes: both})
		}
	}
	var taken PrefixList
	for i := range m.to.Routes {
		old := &m.to.Routes[i]
		if classOf(old) != of || kernelRoute(old) || !left.Contains(old.Destination) {
			continue
		}
		taken.Add(old.Destination)
		r := keepRoute(set.Route, old, c)
		r.Destination = old.Destination
		*old = r
	}
	four, six := taken.Sets()
	if _, left = left.split(four.join(six)); left.Len() > 0 {
		m.to.RouteSets = append(m.to.RouteSets, RouteSet{Route: set.Route, Prefixes: left})
	}
}
