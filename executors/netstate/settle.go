package netstate

import (
	"maps"
	"slices"
)

// settle takes out of to what the kernel removes on the way from from, except
// what is in kept (sorted): that is wanted again in the end.
func settle(from, to, kept *State) {
	settleLinks(from, to)
	settleAddresses(from, to, kept)
	l := newLosses(from, to)
	if len(l.trans)+len(l.lastV4)+len(l.unowned) == 0 {
		return
	}
	// What is lost early is brought back: its interface is there in the end.
	to.Routes = slices.DeleteFunc(to.Routes, func(r Route) bool {
		return !kernelRoute(&r) && l.route(&r) == late && !has(kept.Routes, &r, CompareRoutes)
	})
	to.Nexthops = slices.DeleteFunc(to.Nexthops, func(n Nexthop) bool {
		return l.nexthop(&n) == late && !has(kept.Nexthops, &n, CompareNexthops)
	})
	to.MPLS = slices.DeleteFunc(to.MPLS, func(r Route) bool {
		when, _ := l.mpls(&r)
		return when == late && !has(kept.MPLS, &r, CompareRoutes)
	})
	to.Neighbors = slices.DeleteFunc(to.Neighbors, func(n Neighbor) bool {
		// A new address is no reason either.
		return l.neighbor(&n) == late && l.trans[n.Device].newMAC == never && !has(kept.Neighbors, &n, CompareNeighbors)
	})
	to.MDB = slices.DeleteFunc(to.MDB, func(e MDBEntry) bool {
		return l.mdb(&e) != never && !to.hasPort(&e) && !has(kept.MDB, &e, CompareMDB)
	})
	to.FDB = slices.DeleteFunc(to.FDB, func(e FDBEntry) bool {
		forgotten := l.fdb(&e) != never && l.trans[e.Device].gone != early && !l.comesBack(&e)
		return forgotten && !has(kept.FDB, &e, CompareFDB)
	})
	to.TrafficControl = slices.DeleteFunc(to.TrafficControl, func(t TrafficControl) bool { return to.Interface(t.Device) == nil })
	for key := range to.Sysctls {
		if l.parameter(key) == late {
			delete(to.Sysctls, key)
		}
	}
}

// comesBack tells that an entry's port is in the same bridge in the end.
func (l *losses) comesBack(e *FDBEntry) bool {
	before, after := l.from.Interface(e.Device), l.to.Interface(e.Device)
	return before != nil && after != nil && attrOf(before, "controller") == attrOf(after, "controller")
}

func has[T any](list []T, key *T, compare func(a, b *T) int) bool {
	_, ok := slices.BinarySearchFunc(list, *key, func(a, b T) int { return compare(&a, &b) })
	return ok
}

// settleLinks removes what vanishes with another interface, and frees the ports
// of controllers that are gone.
func settleLinks(from, to *State) {
	gone := func(name string) bool {
		return name != "" && from.Interface(name) != nil && to.Interface(name) == nil && !movedAway(from, to, name)
	}
	follows := func(v *Interface) bool {
		return (v.Netns == "" && gone(peer(v)) || (v.Netns == "" || v.LowerHere) && gone(lower(v))) && from.interfaceIn(v.Netns, v.Name) != nil
	}
	for to.removeLinks(follows) {
		// What lies on these follows.
	}
	for i := range to.Interfaces {
		v := &to.Interfaces[i]
		if v.Netns != "" || !gone(attrOf(v, "controller")) {
			continue
		}
		if bonded(from, from.Interface(v.Name)) {
			// It stays up if it was: nobody asked for anything else.
			v.Attrs = withState(bondFreed(v), attrOf(v, "state")).Attrs
			continue
		}
		v.Attrs = maps.Clone(v.Attrs)
		v.Attrs["controller"] = ""
		for key := range v.Attrs {
			if IsPortKey(key) {
				delete(v.Attrs, key)
			}
		}
	}
}

// movedAway tells that an interface of the observed namespace is in another
// one now.
func movedAway(from, to *State, name string) bool {
	return slices.ContainsFunc(to.Interfaces, func(i Interface) bool {
		return i.Name == name && i.Netns != "" && from.interfaceIn(i.Netns, name) == nil
	})
}

// settleAddresses removes the IPv6 addresses of interfaces that go down or lose
// IPv6, when they were there before.
func settleAddresses(from, to, kept *State) {
	l := &losses{from: from, to: to, trans: transitions(from, to)}
	for i := range to.Interfaces {
		after := &to.Interfaces[i]
		before := from.Interface(after.Name)
		if after.Netns != "" || before == nil || l.trans[after.Name].gone != never {
			continue
		}
		wanted := kept.Interface(after.Name)
		after.Addresses = slices.DeleteFunc(slices.Clone(after.Addresses), func(a Address) bool {
			return l.address(after.Name, &a) == late && findAddress(before.Addresses, &a) != nil &&
				(wanted == nil || findAddress(wanted.Addresses, &a) == nil)
		})
	}
}
