package netstate

import "slices"

// Diff returns the edits that lead from one state to another, in the order in
// which they are safe: what others need is made first, what is replaced goes
// only after its replacement is there, and what is made by the kernel itself
// (routes of protocol kernel, link-local addresses, learned entries) is left to
// it. Both states must be of the same extent (the same Query); their objects
// are best sorted, see State.Sort.
//
// What the kernel removes by itself on the way is in the change as implied
// edits; where it has to be there in the end, an edit that brings it back
// follows.
func Diff(from, to *State) *Change {
	from, to = orEmpty(from), orEmpty(to)
	l := newLosses(from, to)
	if len(l.trans)+len(l.lastV4)+len(l.unowned) > 0 {
		// What becomes of each route is a question of its own.
		from, to = from.Expanded(), to.Expanded()
	}
	d := &differ{from: from, to: to, losses: l}
	d.namespaces()
	d.links()
	d.addresses()
	d.neighbors()
	d.fdb()
	d.traffic()
	d.mdb()
	d.nexthops()
	d.mpls()
	d.routes()
	d.rules()
	d.sysctls()
	d.dns()
	d.xfrm()
	d.abroad()
	return &Change{Edits: d.assemble(), Secrets: to.Secrets}
}

// orEmpty makes sure that there is a state, and that interfaces can be looked
// up in it.
func orEmpty(s *State) *State {
	if s == nil {
		return &State{}
	}
	list := sorted(s.Interfaces, CompareInterfaces)
	if len(list) == 0 || &list[0] == &s.Interfaces[0] {
		return s
	}
	c := *s
	c.Interfaces = list
	return &c
}

// differ collects the edits by when they happen.
type differ struct {
	from, to *State
	*losses

	namespacesEarly []Edit
	namespacesLate  []Edit
	sysctlsFirst    []Edit                // that do not belong to an interface
	sysctlsDragged  []Edit                // that others drag along, and are set after them
	linksEarly      []Edit                // made and changed
	freed           map[string]*Interface // ports that left their bond before it was changed
	taken           []Edit                // hardware addresses that bridges take from ports
	sysctlsLinks    []Edit                // that belong to an interface
	addressEarly    []Edit                // added, changed
	entries         []Edit                // neighbours and forwarding entries: added, changed
	trafficChanged  []Edit
	nexthopsAdded   []Edit // and changed
	nexthopsGone    []Edit
	routesDirect    []Edit // added, changed: without gateway, so that gateways are in reach
	routesGateway   []Edit
	rulesAdded      []Edit
	rulesDeleted    []Edit
	names           []Edit // name servers
	routesDeleted   []Edit
	entriesGone     []Edit
	addressLate     []Edit
	sysctlsLate     []Edit // that take addresses away
	linksLate       []Edit // taken down, moved away, deleted
	xfrmAdded       []Edit // and changed
	xfrmGone        []Edit
	lost            []Edit // implied by what is late
	post            []Edit // what was lost late and has to be there
	elsewhere       []Edit // in other namespaces: what goes, and what comes back
}

func (d *differ) assemble() []Edit {
	parts := [][]Edit{
		d.namespacesEarly, d.sysctlsFirst, d.sysctlsDragged, d.linksEarly, d.sysctlsLinks, d.addressEarly, d.nexthopsAdded, d.entries, d.trafficChanged,
		d.routesDirect, d.routesGateway, d.rulesAdded, d.rulesDeleted, d.xfrmAdded, d.xfrmGone, d.names,
		d.routesDeleted, d.entriesGone, d.nexthopsGone, d.addressLate, d.sysctlsLate,
		d.linksLate, d.lost, d.post, d.elsewhere, d.namespacesLate,
	}
	parts = slices.DeleteFunc(parts, func(p []Edit) bool { return len(p) == 0 })
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if len(parts) == 0 {
		return nil
	}
	if len(parts) == 1 {
		return parts[0] // there may be very many: no second copy
	}
	edits := make([]Edit, 0, n)
	for _, p := range parts {
		edits = append(edits, p...)
	}
	return edits
}

// pair is one object in both states; either side may be nil.
type pair[T any] struct{ before, after *T }

// eachPair walks two sorted lists once and calls yield for each key with the
// objects of both sides. Objects that share a key are paired in two steps:
// equal ones first, then the others in their order.
func eachPair[T any](from, to []T, compare func(a, b *T) int, equal func(a, b *T) bool, yield func(pair[T])) {
	from, to = sorted(from, compare), sorted(to, compare)
	f, t := 0, 0
	for f < len(from) || t < len(to) {
		var c int
		switch {
		case f == len(from):
			c = 1
		case t == len(to):
			c = -1
		default:
			c = compare(&from[f], &to[t])
		}
		switch {
		case c < 0:
			yield(pair[T]{before: &from[f]})
			f++
		case c > 0:
			yield(pair[T]{after: &to[t]})
			t++
		default:
			fEnd, tEnd := groupEnd(from, f, compare), groupEnd(to, t, compare)
			if fEnd == f+1 && tEnd == t+1 {
				yield(pair[T]{&from[f], &to[t]})
			} else {
				pairGroup(from[f:fEnd], to[t:tEnd], equal, yield)
			}
			f, t = fEnd, tEnd
		}
	}
}

func groupEnd[T any](list []T, start int, compare func(a, b *T) int) int {
	end := start + 1
	for end < len(list) && compare(&list[start], &list[end]) == 0 {
		end++
	}
	return end
}

func pairGroup[T any](from, to []T, equal func(a, b *T) bool, yield func(pair[T])) {
	pairPlaces(len(from), len(to), func(f, t int) bool { return equal(&from[f], &to[t]) }, func(f, t int) {
		var p pair[T]
		if f >= 0 {
			p.before = &from[f]
		}
		if t >= 0 {
			p.after = &to[t]
		}
		yield(p)
	})
}

// pairPlaces pairs places in two lists; -1 is the place of none.
func pairPlaces(from, to int, equal func(f, t int) bool, yield func(f, t int)) {
	usedF, usedT := make([]bool, from), make([]bool, to)
	first := 0 // that may not be used yet: most are in the same order
	for t := range to {
		for first < from && usedF[first] {
			first++
		}
		for f := first; f < from; f++ {
			if !usedF[f] && equal(f, t) {
				usedF[f], usedT[t] = true, true
				yield(f, t)
				break
			}
		}
	}
	f := 0
	for t := range to {
		if usedT[t] {
			continue
		}
		for f < from && usedF[f] {
			f++
		}
		if f < from {
			usedF[f] = true
			yield(f, t)
			continue
		}
		yield(-1, t)
	}
	for f := range from {
		if !usedF[f] {
			yield(f, -1)
		}
	}
}
