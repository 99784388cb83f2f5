package netstate

import "slices"

// Carriers are the interfaces of the observed namespace without which c cannot be
// undone: what c changed or removed was on them. They are in order, each once.
func (c *Change) Carriers() (names []string) {
	for i := range c.Edits {
		if c.Edits[i].Netns == "" {
			names = append(names, c.Edits[i].Before.Carriers()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Carriers are the interfaces that an object is on, or that lead its packets on.
// An interface is not on itself.
func (o Object) Carriers() (names []string) {
	way := o.way()
	switch {
	case o.Nexthop != nil:
		way = &Route{NextHops: []NextHop{{Device: o.Nexthop.Device}}}
	case o.MPLS != nil:
		way = o.MPLS
	case o.Address != nil:
		names = append(names, o.Address.Device)
	case o.Neighbor != nil:
		names = append(names, o.Neighbor.Device)
	case o.FDB != nil:
		names = append(names, o.FDB.Device)
	case o.MDB != nil:
		names = append(names, o.MDB.Device, o.MDB.Port)
	case o.Traffic != nil:
		names = append(names, o.Traffic.Device)
		for i := range o.Traffic.Entries {
			for n := range o.Traffic.Entries[i].Actions {
				names = append(names, o.Traffic.Entries[i].Actions[n].Options["dev"])
			}
		}
	case o.Xfrm != nil && o.Xfrm.MPTCP() && NumberedLink(o.Xfrm.Attrs["dev"]) == 0:
		names = append(names, o.Xfrm.Attrs["dev"])
	case o.Sysctl != nil:
		names = append(names, sysctlDevice(o.Sysctl.Key))
	}
	if way != nil {
		for i := range way.NextHops {
			names = append(names, way.NextHops[i].Device)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}
