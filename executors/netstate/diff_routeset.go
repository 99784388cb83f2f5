package netstate

import (
	"cmp"
	"net/netip"
	"slices"
)

// routeSets finds the edits of the classes of routes of which either side has
// sets, and returns the routes of all others.
func (d *differ) routeSets() (from, to []Route) {
	var classes []class
	for _, s := range [][]RouteSet{d.from.RouteSets, d.to.RouteSets} {
		for i := range s {
			if c := s[i].class(); !slices.Contains(classes, c) {
				classes = append(classes, c)
			}
		}
	}
	for _, c := range classes {
		if c.six {
			diffSets(d, c, func(p Prefixes) []prefix6 { return p.six }, func(l []prefix6) Prefixes { return Prefixes{six: l} })
		} else {
			diffSets(d, c, func(p Prefixes) []prefix4 { return p.four }, func(l []prefix4) Prefixes { return Prefixes{four: l} })
		}
	}
	others := func(list []Route) []Route {
		return slices.DeleteFunc(slices.Clone(list), func(r Route) bool { return slices.Contains(classes, classOf(&r)) })
	}
	return others(d.from.Routes), others(d.to.Routes)
}

// cell is one route of a table that is compared: its destination, and which of
// the table's ways it has.
type cell[P any] struct {
	at  P
	way int32
}

// packedTable are the routes of one class.
type packedTable[P packed[P]] struct {
	ways  []*Route
	cells []cell[P]
}

func (t *packedTable[P]) add(r *Route, list []P) {
	way := int32(len(t.ways))
	t.ways = append(t.ways, r)
	for _, p := range list {
		t.cells = append(t.cells, cell[P]{p, way})
	}
}

func (t *packedTable[P]) sort() {
	by := func(a, b cell[P]) int { return a.at.compare(b.at) }
	if !slices.IsSortedFunc(t.cells, by) {
		sortShort(t.cells, func(a, b cell[P]) int { return cmp.Or(by(a, b), int(a.way-b.way)) })
	}
}

// diffSets finds the edits of one class. Sets that are the same on both sides
// are not looked at; of a class that one side has nothing of, the sets of the
// other are taken as they are.
func diffSets[P packed[P]](d *differ, c class, list func(Prefixes) []P, set func([]P) Prefixes) {
	fromSets, toSets := ofClass(d.from.RouteSets, c), ofClass(d.to.RouteSets, c)
	fromRoutes, toRoutes := routesOfClass(d.from.Routes, c), routesOfClass(d.to.Routes, c)
	unchanged := func(a, b *RouteSet) bool {
		return a.Prefixes.same(b.Prefixes) && sameWay(&a.Route, &b.Route, a.Prefixes.At(0))
	}
	same := map[*RouteSet]bool{}
	for _, a := range fromSets {
		for _, b := range toSets {
			if !same[a] && !same[b] && unchanged(a, b) {
				same[a], same[b] = true, true
			}
		}
	}
	isSame := func(s *RouteSet) bool { return same[s] }
	fromSets, toSets = slices.DeleteFunc(fromSets, isSame), slices.DeleteFunc(toSets, isSame)
	if !anyIn(fromRoutes, toSets) && !anyIn(toRoutes, fromSets) {
		// The single routes are about other destinations than the sets.
		eachPair(values(fromRoutes), values(toRoutes), CompareRoutes, equalRoutes, d.route)
		fromRoutes, toRoutes = nil, nil
	}
	if len(fromSets)+len(fromRoutes) == 0 || len(toSets)+len(toRoutes) == 0 {
		for _, s := range fromSets {
			d.putSet(&s.Route, nil, s.Prefixes)
		}
		for _, s := range toSets {
			d.putSet(nil, &s.Route, s.Prefixes)
		}
		return
	}
	var from, to packedTable[P]
	fill := func(t *packedTable[P], sets []*RouteSet, routes []*Route) {
		for _, s := range sets {
			t.add(&s.Route, list(s.Prefixes))
		}
		for _, r := range routes {
			t.add(r, list(prefixes(r.Destination)))
		}
		t.sort()
	}
	fill(&from, fromSets, fromRoutes)
	fill(&to, toSets, toRoutes)
	m := merger[P]{from: &from, to: &to, found: map[[2]int32][]P{}, equal: map[[2]int32]bool{}}
	m.merge()
	for _, ways := range m.order {
		var before, after *Route
		if ways[0] >= 0 {
			before = from.ways[ways[0]]
		}
		if ways[1] >= 0 {
			after = to.ways[ways[1]]
		}
		d.putSet(before, after, set(m.found[ways]))
	}
}

func ofClass(sets []RouteSet, c class) []*RouteSet {
	var out []*RouteSet
	for i := range sets {
		if sets[i].class() == c {
			out = append(out, &sets[i])
		}
	}
	return out
}

func routesOfClass(routes []Route, c class) []*Route {
	var out []*Route
	for i := range routes {
		if classOf(&routes[i]) == c {
			out = append(out, &routes[i])
		}
	}
	return out
}

// anyIn tells that a route's destination is in one of the sets, which are of its
// class.
func anyIn(routes []*Route, sets []*RouteSet) bool {
	return slices.ContainsFunc(routes, func(r *Route) bool {
		return slices.ContainsFunc(sets, func(s *RouteSet) bool { return s.Prefixes.Contains(r.Destination) })
	})
}

func values(routes []*Route) []Route {
	out := make([]Route, len(routes))
	for i, r := range routes {
		out[i] = *r
	}
	return out
}

// merger walks two tables at once and gathers what differs, by the ways that a
// route has before and after; -1 is none.
type merger[P packed[P]] struct {
	from, to *packedTable[P]
	order    [][2]int32
	found    map[[2]int32][]P
	equal    map[[2]int32]bool
}

func (m *merger[P]) put(at P, before, after int32) {
	ways := [2]int32{before, after}
	if before >= 0 && after >= 0 {
		equal, known := m.equal[ways]
		if !known {
			equal = sameWay(m.from.ways[before], m.to.ways[after], at.prefix())
			m.equal[ways] = equal
		}
		if equal {
			return
		}
	}
	if _, known := m.found[ways]; !known {
		m.order = append(m.order, ways)
	}
	m.found[ways] = append(m.found[ways], at)
}

func (m *merger[P]) merge() {
	f, t := m.from.cells, m.to.cells
	for len(f) > 0 || len(t) > 0 {
		var c int
		switch {
		case len(f) == 0:
			c = 1
		case len(t) == 0:
			c = -1
		default:
			c = f[0].at.compare(t[0].at)
		}
		switch {
		case c < 0:
			m.put(f[0].at, f[0].way, -1)
			f = f[1:]
		case c > 0:
			m.put(t[0].at, -1, t[0].way)
			t = t[1:]
		default:
			nf, nt := run(f), run(t)
			m.group(f[:nf], t[:nt])
			f, t = f[nf:], t[nt:]
		}
	}
}

// run is how many cells at the beginning have one destination.
func run[P packed[P]](cells []cell[P]) int {
	n := 1
	for n < len(cells) && cells[n].at == cells[0].at {
		n++
	}
	return n
}

// group pairs the routes of one destination: equal ones first, then the others
// in their order.
func (m *merger[P]) group(f, t []cell[P]) {
	if len(f) == 1 && len(t) == 1 {
		m.put(f[0].at, f[0].way, t[0].way)
		return
	}
	same := func(a, b *cell[P]) bool { return sameWay(m.from.ways[a.way], m.to.ways[b.way], a.at.prefix()) }
	pairGroup(f, t, same, func(p pair[cell[P]]) {
		switch {
		case p.before == nil:
			m.put(p.after.at, -1, p.after.way)
		case p.after == nil:
			m.put(p.before.at, p.before.way, -1)
		default:
			m.put(p.before.at, p.before.way, p.after.way)
		}
	})
}

// putSet makes edits of routes that have the same ways before and after: one
// by one where they are few.
func (d *differ) putSet(before, after *Route, at Prefixes) {
	if before != nil && kernelRoute(before) {
		before = nil
	}
	if after != nil && kernelRoute(after) {
		after = nil
	}
	if before == nil && after == nil || at.Len() == 0 {
		return
	}
	if at.Len() < setLeast {
		for i := range at.Len() {
			d.route(pair[Route]{routeTo(before, at, i), routeTo(after, at, i)})
		}
		return
	}
	e := Edit{Before: setOf(before, at), After: setOf(after, at)}
	switch {
	case after == nil:
		e.Op = Delete
		d.routesDeleted = append(d.routesDeleted, e)
	case before == nil:
		e.Op = Add
		d.putRoute(e, after)
	default:
		e.Op = Modify
		d.putRoute(e, after)
	}
}

func routeTo(way *Route, at Prefixes, i int) *Route {
	if way == nil {
		return nil
	}
	r := *way
	r.Destination = at.At(i)
	return &r
}

func setOf(way *Route, at Prefixes) Object {
	if way == nil {
		return Object{}
	}
	s := &RouteSet{Route: *way, Prefixes: at}
	s.Route.Destination = netip.Prefix{} // of a route that was by itself
	return Object{Routes: s}
}
