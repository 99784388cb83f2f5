package netstate

import (
	"container/heap"
	"iter"
)

// InOrder yields the routes of s in the order of CompareRoutes, those of sets
// among the others. own is -1 for a route of s.Routes, else the index of its
// set: what is said of one of its routes is true of all but the destination.
// The route is overwritten by the next one. s must be sorted.
func (s *State) InOrder() iter.Seq2[int, *Route] {
	return func(yield func(int, *Route) bool) {
		h := make(cursors, 0, len(s.RouteSets)+1)
		if len(s.Routes) > 0 {
			h = append(h, &routeCursor{own: -1, list: s.Routes, route: s.Routes[0]})
		}
		for i := range s.RouteSets {
			if set := &s.RouteSets[i]; set.Prefixes.Len() > 0 {
				h = append(h, &routeCursor{own: i, set: set, route: set.At(0)})
			}
		}
		heap.Init(&h)
		for len(h) > 0 {
			c := h[0]
			if !yield(c.own, &c.route) {
				return
			}
			if c.next() {
				heap.Fix(&h, 0)
			} else {
				heap.Pop(&h)
			}
		}
	}
}

// routeCursor is a place in a list or a set of routes.
type routeCursor struct {
	own   int
	at    int
	list  []Route
	set   *RouteSet
	route Route
}

func (c *routeCursor) next() bool {
	c.at++
	if c.set == nil {
		if c.at < len(c.list) {
			c.route = c.list[c.at]
		}
		return c.at < len(c.list)
	}
	if c.at == c.set.Prefixes.Len() {
		return false
	}
	c.route.Destination = c.set.Prefixes.At(c.at)
	return true
}

// cursors is a heap of them, the first route on top.
type cursors []*routeCursor

func (h cursors) Len() int           { return len(h) }
func (h cursors) Less(i, j int) bool { return CompareRoutes(&h[i].route, &h[j].route) < 0 }
func (h cursors) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *cursors) Push(x any)        { *h = append(*h, x.(*routeCursor)) }

func (h *cursors) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
