package netstate

import (
	"net/netip"
	"slices"
)

// namedMost is how many routes that differ are named one by one.
const namedMost = 100

// singlesMost is how many single routes a change may have beside sets to be
// handled with them: each is looked up by itself.
const singlesMost = 256

// whole parts what is done with sets as such from what needs each route by
// itself: that comes back as a change and a state without sets.
func whole(c *Change, s *State) (sets bool, change *Change, state *State) {
	singles, others := 0, false
	for i := range c.Edits {
		switch o := c.Edits[i].object(); {
		case o.Routes != nil:
			sets = true
		case o.Route != nil && !c.Edits[i].Implied:
			singles++
		default:
			others = true
		}
	}
	if sets && !others && singles <= singlesMost {
		return true, c, s
	}
	return false, c.Singly(), s.Expanded()
}

// keys are the destinations of an edit of routes, with their class.
func (e *Edit) keys() (class, Prefixes) {
	o := e.object()
	if o.Routes != nil {
		return o.Routes.class(), o.Routes.Prefixes
	}
	return classOf(o.Route), prefixes(o.Route.Destination)
}

// way is what the routes of one side have in common; nil if there are none.
func (o Object) way() *Route {
	if o.Routes != nil {
		return &o.Routes.Route
	}
	return o.Route
}

// undoSets is Undo for a change of nothing but routes.
func undoSets(c *Change, now *State) *Change {
	now = now.Clone()
	now.Sort()
	to := now.Clone()
	for i := len(c.Edits) - 1; i >= 0; i-- {
		e := &c.Edits[i]
		of, keys := e.keys()
		to.dropKeys(of, keys)
		switch {
		case e.Before.Routes != nil:
			to.RouteSets = append(to.RouteSets, *e.Before.Routes)
		case e.Before.Route != nil:
			to.Routes = append(to.Routes, *e.Before.Route)
		}
	}
	to.Sort()
	return Diff(now, to)
}

// sets compares a change of nothing but routes with what is there; undone
// exchanges the sides.
func (v *verifier) sets(c *Change, undone bool) {
	edits := slices.Clone(c.Edits)
	if !undone {
		slices.Reverse(edits) // what is done last counts
	}
	sets := make([]RouteSet, len(edits))
	for i := range edits {
		of, keys := edits[i].keys()
		sets[i] = RouteSet{Route{Table: of.table, Metric: of.metric, TOS: of.tos}, keys}
	}
	claimed, once := map[class]Prefixes{}, setsOnce(sets)
	for i := range edits {
		of, keys := edits[i].keys()
		left := keys
		if !once {
			_, left = keys.split(claimed[of])
			claimed[of] = claimed[of].join(left)
		}
		want, other := edits[i].After.way(), edits[i].Before.way()
		if undone {
			want, other = other, want
		}
		switch {
		case left.Len() == 0:
		case want != nil:
			_, left = left.split(v.there(of, left, want))
			v.routes(left, want, "")
		case other != nil:
			v.routes(v.there(of, left, other), other, absent)
		}
	}
}

// there are those of the destinations that have a route like the one given.
func (v *verifier) there(c class, keys Prefixes, like *Route) Prefixes {
	var found Prefixes
	matches := func(r *Route, at netip.Prefix) bool {
		x, y := *r, *like
		x.Destination, y.Destination = at, at
		return matchesRoute(&x, &y)
	}
	for i := range v.now.RouteSets {
		s := &v.now.RouteSets[i]
		if s.class() != c || s.Prefixes.Len() == 0 || !matches(&s.Route, s.Prefixes.At(0)) {
			continue
		}
		if s.Prefixes.same(keys) {
			return keys
		}
		both, _ := keys.split(s.Prefixes)
		found = found.join(both)
	}
	var singles PrefixList
	for i := range v.now.Routes {
		if r := &v.now.Routes[i]; classOf(r) == c && keys.Contains(r.Destination) && matches(r, r.Destination) {
			singles.Add(r.Destination)
		}
	}
	four, six := singles.Sets()
	return found.join(four.join(six))
}

// routes notes routes that differ; want is absent, or "" for the way itself.
func (v *verifier) routes(at Prefixes, way *Route, want string) {
	for i := range at.Len() {
		r := routeTo(way, at, i)
		if i == namedMost {
			v.differs(routeSetName(&RouteSet{Route: *way, Prefixes: at}), "", "as planned", "different, as the first "+number(uint32(namedMost))+" of them")
			return
		}
		if want == absent {
			v.differs(routeName(r), "", absent, routeText(r))
			continue
		}
		v.differs(routeName(r), "", routeText(r), v.routeAt(r))
	}
}

// routeAt is the text of what is there instead of a route.
func (v *verifier) routeAt(r *Route) string {
	for i := range v.now.RouteSets {
		if s := &v.now.RouteSets[i]; s.class() == classOf(r) && s.Prefixes.Contains(r.Destination) {
			return routeText(&s.Route)
		}
	}
	for i := range v.now.Routes {
		if o := &v.now.Routes[i]; CompareRoutes(o, r) == 0 {
			return routeText(o)
		}
	}
	return absent
}
