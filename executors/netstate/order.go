package netstate

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Objects are kept sorted by key, so that two states are compared by walking
// both once. Each compare function orders by key first and ends there: objects
// with the same key compare as 0, whatever else differs.

// CompareInterfaces orders interfaces by namespace, then name.
func CompareInterfaces(a, b *Interface) int {
	if c := strings.Compare(a.Netns, b.Netns); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// CompareRoutes orders routes by what the kernel tells them apart by: table,
// destination, type of service and metric; those of labels by these.
func CompareRoutes(a, b *Route) int {
	if a.Table != b.Table {
		return cmp.Compare(a.Table, b.Table)
	}
	if c := comparePrefixes(a.Destination, b.Destination); c != 0 {
		return c
	}
	if a.TOS != b.TOS {
		return cmp.Compare(a.TOS, b.TOS)
	}
	return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Label, b.Label))
}

// CompareRules orders rules by family, priority and then everything else: a
// rule has no key but itself.
func CompareRules(a, b *Rule) int {
	return cmp.Or(
		cmp.Compare(a.Family, b.Family), cmp.Compare(a.Priority, b.Priority),
		comparePrefixes(a.From, b.From), comparePrefixes(a.To, b.To),
		strings.Compare(a.IIF, b.IIF), strings.Compare(a.OIF, b.OIF),
		cmp.Compare(a.FwMark, b.FwMark), cmp.Compare(ruleMask(a), ruleMask(b)),
		cmp.Compare(a.TOS, b.TOS), compareBools(a.Not, b.Not),
		strings.Compare(ruleAction(a), ruleAction(b)),
		cmp.Compare(a.Table, b.Table), cmp.Compare(a.Goto, b.Goto),
		comparePointers(a.SuppressPrefixLength, b.SuppressPrefixLength),
		comparePointers(a.SuppressGroup, b.SuppressGroup),
		cmp.Compare(a.IPProto, b.IPProto),
		strings.Compare(a.SourcePorts, b.SourcePorts),
		strings.Compare(a.DestinationPorts, b.DestinationPorts),
		strings.Compare(a.UIDRange, b.UIDRange), compareBools(a.L3MDev, b.L3MDev),
	)
}

// ruleMask is the mask of the mark; the kernel takes all bits if none is given.
func ruleMask(r *Rule) uint32 {
	if r.FwMark != 0 && r.FwMask == 0 {
		return 0xffffffff
	}
	return r.FwMask
}

func ruleAction(r *Rule) string {
	if r.Action == "" {
		return "lookup"
	}
	return r.Action
}

// CompareNeighbors orders neighbours by device, address and whether they are
// proxy entries.
func CompareNeighbors(a, b *Neighbor) int {
	return cmp.Or(strings.Compare(a.Device, b.Device), a.IP.Compare(b.IP), compareBools(a.Proxy, b.Proxy))
}

// CompareFDB orders entries of forwarding databases by device, address, owner,
// VLAN and, of a VXLAN, by where they lead: a group, and all zeros, may lead to
// several places; another address leads to one.
func CompareFDB(a, b *FDBEntry) int {
	order := cmp.Or(
		strings.Compare(a.Device, b.Device), strings.Compare(a.MAC, b.MAC),
		strings.Compare(fdbOwner(a), fdbOwner(b)), cmp.Compare(a.VLAN, b.VLAN), cmp.Compare(a.SourceVNI, b.SourceVNI),
	)
	if order != 0 || a.OneRemote() && b.OneRemote() {
		return order
	}
	return cmp.Or(
		a.Dst.Compare(b.Dst), cmp.Compare(a.Port, b.Port),
		cmp.Compare(a.VNI, b.VNI), strings.Compare(a.Via, b.Via),
	)
}

// OneRemote tells that an entry leads to a host, and can lead to no other beside
// it (vxlan_fdb_update_existing).
func (e *FDBEntry) OneRemote() bool {
	if !e.Dst.IsValid() || fdbOwner(e) != "self" || len(e.MAC) < 2 || e.MAC == "00:00:00:00:00:00" {
		return false
	}
	first, err := strconv.ParseUint(e.MAC[:2], 16, 8)
	return err == nil && first&1 == 0
}

func fdbOwner(e *FDBEntry) string {
	switch {
	case e.Owner != "":
		return e.Owner
	case e.Dst.IsValid(), e.NexthopID != 0:
		return "self"
	}
	return "master"
}

// compareAddresses orders addresses by what tells them apart on one interface:
// address, prefix length and peer. It is not the order of Interface.Addresses.
func compareAddresses(a, b *Address) int {
	return cmp.Or(comparePrefixes(a.Prefix, b.Prefix), comparePrefixes(a.Peer, b.Peer))
}

func comparePrefixes(a, b netip.Prefix) int {
	if a.IsValid() != b.IsValid() {
		return compareBools(a.IsValid(), b.IsValid())
	}
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return cmp.Compare(a.Bits(), b.Bits())
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func comparePointers(a, b *int) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

// Sort puts the objects of s into the order that a State has. Observers call
// it; addresses keep the order that the kernel gives them.
func (s *State) Sort() {
	sortBy(s.Interfaces, CompareInterfaces)
	sortBy(s.Routes, CompareRoutes)
	sortBy(s.RouteSets, compareSets)
	sortBy(s.Nexthops, CompareNexthops)
	sortBy(s.MPLS, CompareRoutes)
	sortBy(s.Rules, CompareRules)
	sortBy(s.Neighbors, CompareNeighbors)
	sortBy(s.FDB, CompareFDB)
	sortBy(s.MDB, CompareMDB)
	sortBy(s.TrafficControl, CompareTrafficControl)
	s.Xfrm = sortXfrm(s.Xfrm)
}

// ordered is s with its objects in that order. It shares with s what is in it
// already, and is not to be changed.
func (s *State) ordered() *State {
	if s == nil {
		return &State{}
	}
	c := *s
	c.Interfaces = sorted(s.Interfaces, CompareInterfaces)
	c.Routes = sorted(s.Routes, CompareRoutes)
	c.RouteSets = sorted(s.RouteSets, compareSets)
	c.Nexthops = sorted(s.Nexthops, CompareNexthops)
	c.MPLS = sorted(s.MPLS, CompareRoutes)
	c.Rules = sorted(s.Rules, CompareRules)
	c.Neighbors = sorted(s.Neighbors, CompareNeighbors)
	c.FDB = sorted(s.FDB, CompareFDB)
	c.MDB = sorted(s.MDB, CompareMDB)
	c.TrafficControl = sorted(s.TrafficControl, CompareTrafficControl)
	c.Xfrm = sortXfrm(s.Xfrm)
	return &c
}

// sortBy sorts in place and is stable; sorted input costs one pass.
func sortBy[T any](list []T, compare func(a, b *T) int) {
	for i := 1; i < len(list); i++ {
		if compare(&list[i-1], &list[i]) > 0 {
			sortStable(list, compare)
			return
		}
	}
}

// sorted returns list itself if it is sorted, else a sorted copy.
func sorted[T any](list []T, compare func(a, b *T) int) []T {
	for i := 1; i < len(list); i++ {
		if compare(&list[i-1], &list[i]) > 0 {
			c := slices.Clone(list)
			sortBy(c, compare)
			return c
		}
	}
	return list
}

// sortStable sorts a list by way of its places: one body of code for all types,
// and each object is moved once.
func sortStable[T any](list []T, compare func(a, b *T) int) {
	unsorted := append([]T(nil), list...)
	for i, place := range sortedPlaces(len(list), func(a, b int) int { return compare(&unsorted[a], &unsorted[b]) }) {
		list[i] = unsorted[place]
	}
}

func sortedPlaces(n int, compare func(a, b int) int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, compare)
	return places
}

// sortShort sorts a list of few, or one that is seldom out of order. sort.Slice has one body for all types, where
// slices.SortFunc has one for each: agents are sent to hosts, and shall be small.
func sortShort[T any](list []T, compare func(a, b T) int) {
	sort.Slice(list, func(i, j int) bool { return compare(list[i], list[j]) < 0 })
}
