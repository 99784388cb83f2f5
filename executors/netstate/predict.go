package netstate

import (
	"maps"
	"slices"
)

// Predict returns the state that from becomes by a change: each edit done in
// its order, implied ones included. from is not changed.
func Predict(from *State, c *Change) *State {
	s := from.Clone()
	s.Sort()
	if c.Empty() {
		return s
	}
	c, there, _ := c.Singly().apart()
	s = s.Expanded()
	for netns, far := range there {
		s.Elsewhere = maps.Clone(s.Elsewhere) // states share it
		if was := s.Elsewhere[netns]; was != nil {
			s.Elsewhere[netns] = Predict(was, far)
		}
	}
	for _, e := range c.Edits {
		s.apply(e)
	}
	s.Routes = replay(s.Routes, c.Edits, routeOf, CompareRoutes, equalRoutes)
	s.Nexthops = replay(s.Nexthops, c.Edits, nexthopOf, CompareNexthops, equalNexthops)
	s.MPLS = replay(s.MPLS, c.Edits, mplsOf, CompareRoutes, equalRoutes)
	s.Rules = replay(s.Rules, c.Edits, ruleOf, CompareRules, equalRules)
	s.Neighbors = replay(s.Neighbors, c.Edits, neighborOf, CompareNeighbors, equalNeighbors)
	s.FDB = replay(s.FDB, c.Edits, fdbOf, CompareFDB, equalFDB)
	s.MDB = replay(s.MDB, c.Edits, mdbOf, CompareMDB, equalMDB)
	s.TrafficControl = replay(s.TrafficControl, c.Edits, trafficOf, CompareTrafficControl, equalTrafficControl)
	s.applyXfrm(c)
	return s
}

// apply does an edit of a link, an address or a parameter; the others are
// replayed in one pass, because there may be very many.
func (s *State) apply(e Edit) {
	switch o := e.object(); {
	case o.Link != nil:
		s.applyLink(e)
	case o.Address != nil:
		s.applyAddress(e)
	case o.Sysctl != nil:
		s.applySysctl(e)
	case e.Op == Modify && o.DNS != nil:
		s.applyDNS(o.DNS)
	case o.Namespace != nil:
		s.setNamespace(o.Namespace.Name, e.After.Namespace)
	}
}

func routeOf(o Object) *Route       { return o.Route }
func ruleOf(o Object) *Rule         { return o.Rule }
func neighborOf(o Object) *Neighbor { return o.Neighbor }
func fdbOf(o Object) *FDBEntry      { return o.FDB }
func linkOf(o Object) *Interface    { return o.Link }
func sysctlOf(o Object) *Sysctl     { return o.Sysctl }
func addressOf(o Object) *InterfaceAddress {
	return o.Address
}

// object is the side of the edit that says what it is about.
func (e Edit) object() Object {
	if e.After != (Object{}) {
		return e.After
	}
	return e.Before
}

func (s *State) applyLink(e Edit) {
	var kept []Address
	var status Attrs
	if b := e.Before.Link; b != nil {
		if i := s.interfaceIn(b.Netns, b.Name); i != nil {
			kept, status = i.Addresses, i.Status
		}
		s.remove(b.Netns, b.Name)
	}
	if a := e.After.Link; a != nil {
		i := a.clone()
		if i.Netns == "" {
			i.Addresses = kept
		}
		if i.Status == nil && !e.Replaces {
			i.Status = status
		}
		s.put(i)
	}
}

func (s *State) applyAddress(e Edit) {
	i := s.Interface(e.object().Address.Device)
	if i == nil {
		return
	}
	if b := e.Before.Address; b != nil {
		for n := range i.Addresses {
			if compareAddresses(&i.Addresses[n], &b.Address) == 0 {
				if a := e.After.Address; a != nil {
					i.Addresses[n] = a.clone()
				} else {
					i.Addresses = slices.Delete(i.Addresses, n, n+1)
				}
				return
			}
		}
	}
	if a := e.After.Address; a != nil {
		i.Addresses = append(i.Addresses, a.clone())
	}
}

func (s *State) applySysctl(e Edit) {
	if s.Sysctls == nil {
		s.Sysctls = map[string]string{}
	}
	if a := e.After.Sysctl; a != nil && !a.Missing {
		s.Sysctls[a.Key] = a.Value
		s.inet6Parameter(a)
		return
	}
	delete(s.Sysctls, e.object().Sysctl.Key)
}

// replay does edits of one kind of object on a sorted list, in one pass:
// edits are brought into the list's order, those of one key stay in theirs.
func replay[T any](list []T, edits []Edit, of func(Object) *T, compare func(a, b *T) int, equal func(a, b *T) bool) []T {
	key := func(e *Edit) *T { return of(e.object()) }
	var steps []Edit
	for i := range edits {
		if key(&edits[i]) != nil {
			steps = append(steps, edits[i])
		}
	}
	if len(steps) == 0 {
		return list
	}
	sortStable(steps, func(a, b *Edit) int { return compare(key(a), key(b)) })
	out := make([]T, 0, len(list)+len(steps))
	n := 0
	for i := 0; i < len(steps); {
		k := key(&steps[i])
		for n < len(list) && compare(&list[n], k) < 0 {
			out = append(out, list[n])
			n++
		}
		start := len(out)
		for n < len(list) && compare(&list[n], k) == 0 {
			out = append(out, list[n])
			n++
		}
		for ; i < len(steps) && compare(key(&steps[i]), k) == 0; i++ {
			out = step(out, start, of(steps[i].Before), of(steps[i].After), equal)
		}
	}
	return append(out, list[n:]...)
}

// step does one edit on the objects of one key, which are the end of list from
// start on.
func step[T any](list []T, start int, before, after *T, equal func(a, b *T) bool) []T {
	at := -1
	if before != nil {
		for i := start; i < len(list) && at < 0; i++ {
			if equal(&list[i], before) {
				at = i
			}
		}
		if at < 0 && start < len(list) {
			at = start
		}
	}
	switch {
	case at >= 0 && after != nil:
		list[at] = *after
	case at >= 0:
		list = slices.Delete(list, at, at+1)
	case after != nil:
		list = append(list, *after)
	}
	return list
}
