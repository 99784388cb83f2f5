package netstate

import (
	"cmp"
	"slices"
	"strconv"
)

// RouteSet is many routes that have everything but their destinations in
// common: a full table is a few of them, one a next hop, in a hundredth of the
// memory. It means exactly the routes that Each yields.
type RouteSet struct {
	// Route is what they have in common; its Destination is not valid.
	Route    Route    `json:"route"`
	Prefixes Prefixes `json:"prefixes"`
}

// setLeast is how many routes are worth a set: fewer are shown one by one.
const setLeast = 16

// At is the route at an index from 0. It shares next hops and metrics with the
// others.
func (s *RouteSet) At(i int) Route {
	r := s.Route
	r.Destination = s.Prefixes.At(i)
	return r
}

// class is what routes of one table compete by, but for the destination: of
// two with the same destination and class there can be only one.
type class struct {
	table, metric uint32
	tos           uint8
	six           bool
}

func (s *RouteSet) class() class {
	return class{s.Route.Table, s.Route.Metric, s.Route.TOS, !s.Prefixes.Is4()}
}

func classOf(r *Route) class { return class{r.Table, r.Metric, r.TOS, !isV4(r)} }

// compareSets orders sets by class, then by their first destination.
func compareSets(a, b *RouteSet) int {
	if c := cmp.Or(cmp.Compare(a.Route.Table, b.Route.Table), compareBools(!a.Prefixes.Is4(), !b.Prefixes.Is4()),
		cmp.Compare(a.Route.TOS, b.Route.TOS), cmp.Compare(a.Route.Metric, b.Route.Metric)); c != 0 {
		return c
	}
	if a.Prefixes.Len() == 0 || b.Prefixes.Len() == 0 {
		return cmp.Compare(a.Prefixes.Len(), b.Prefixes.Len())
	}
	return comparePrefixes(a.Prefixes.At(0), b.Prefixes.At(0))
}

// Expanded is s with every route by itself: what is asked about links, or by
// who does not know sets, needs that. s is not changed, and is returned where
// it has no sets.
func (s *State) Expanded() *State {
	if s == nil || len(s.RouteSets) == 0 {
		return s
	}
	c := *s
	n := len(s.Routes)
	for i := range s.RouteSets {
		n += s.RouteSets[i].Prefixes.Len()
	}
	c.Routes = append(make([]Route, 0, n), s.Routes...)
	for i := range s.RouteSets {
		set := &s.RouteSets[i]
		for k := range set.Prefixes.Len() {
			c.Routes = append(c.Routes, set.At(k))
		}
	}
	sortBy(c.Routes, CompareRoutes)
	c.RouteSets = nil
	return &c
}

// Singly is c with an edit for each route. c is not changed, and is returned
// where it has no sets.
func (c *Change) Singly() *Change {
	if c == nil || !slices.ContainsFunc(c.Edits, func(e Edit) bool { return e.object().Routes != nil }) {
		return c
	}
	out := &Change{}
	for i := range c.Edits {
		out.Edits = append(out.Edits, c.Edits[i].Singly()...)
	}
	return out
}

// Singly is the edit itself or, of a set of routes, an edit for each of them.
func (e *Edit) Singly() []Edit {
	set := e.object().Routes
	if set == nil {
		return []Edit{*e}
	}
	out := make([]Edit, set.Prefixes.Len())
	for i := range out {
		out[i] = *e
		out[i].Before, out[i].After = e.Before.single(i), e.After.single(i)
	}
	return out
}

func (o Object) single(i int) Object {
	if o.Routes == nil {
		return o
	}
	r := o.Routes.At(i)
	return Object{Route: &r}
}

// Rest is the edit for the routes of its set from an index on; none if there are
// no more.
func (e *Edit) Rest(from int) []Edit {
	if from >= e.Objects() {
		return nil
	}
	part := func(o Object) Object {
		if o.Routes == nil {
			return o
		}
		s := *o.Routes
		if s.Prefixes.Is4() {
			s.Prefixes.four = s.Prefixes.four[from:]
		} else {
			s.Prefixes.six = s.Prefixes.six[from:]
		}
		return Object{Routes: &s}
	}
	out := *e
	out.Before, out.After = part(e.Before), part(e.After)
	return []Edit{out}
}

// Objects is how many objects the edit is about: more than one of a set of
// routes.
func (e *Edit) Objects() int {
	if set := e.object().Routes; set != nil {
		return set.Prefixes.Len()
	}
	return 1
}

// Count is how many objects c changes, without what follows by itself.
func (c *Change) Count() int {
	if c == nil {
		return 0
	}
	n := 0
	for i := range c.Edits {
		if !c.Edits[i].Implied {
			n += c.Edits[i].Objects()
		}
	}
	return n
}

// single takes out of the sets the routes of the same keys as those given, and
// puts them among the others, where what is about single routes looks.
func (s *State) single(routes []*Route) {
	if len(s.RouteSets) == 0 || len(routes) == 0 {
		return
	}
	lists := map[class]*PrefixList{}
	for _, r := range routes {
		c := classOf(r)
		if lists[c] == nil {
			lists[c] = &PrefixList{}
		}
		lists[c].Add(r.Destination)
	}
	s.RouteSets, s.Routes = slices.Clone(s.RouteSets), slices.Clone(s.Routes)
	for c, list := range lists {
		four, six := list.Sets()
		keys := four.join(six)
		for i := range s.RouteSets {
			set := &s.RouteSets[i]
			if set.class() != c {
				continue
			}
			both, rest := set.Prefixes.split(keys)
			set.Prefixes = rest
			taken := RouteSet{Route: set.Route, Prefixes: both}
			for k := range both.Len() {
				s.Routes = append(s.Routes, taken.At(k))
			}
		}
	}
	s.dropEmpty()
	sortBy(s.Routes, CompareRoutes)
}

func (s *State) dropEmpty() {
	s.RouteSets = slices.DeleteFunc(s.RouteSets, func(set RouteSet) bool { return set.Prefixes.Len() == 0 })
}

// dropKeys takes out all routes of a class to these destinations.
func (s *State) dropKeys(c class, keys Prefixes) {
	for i := range s.RouteSets {
		if set := &s.RouteSets[i]; set.class() == c {
			_, set.Prefixes = set.Prefixes.split(keys)
		}
	}
	s.dropEmpty()
	s.Routes = slices.DeleteFunc(s.Routes, func(r Route) bool { return classOf(&r) == c && keys.Contains(r.Destination) })
}

func routeSetName(s *RouteSet) string {
	n := s.Prefixes.Len()
	if n == 0 {
		return "route none"
	}
	words := "route "
	if t := s.Route.Type; t != "" && t != "unicast" {
		words += string(t) + " "
	}
	return words + s.Prefixes.At(0).String() + " … " + s.Prefixes.At(n-1).String() + " (" + strconv.Itoa(n) + " destinations)"
}
