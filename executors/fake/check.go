package fake

import (
	"slices"
	"syscall"

	"stet/executors/netstate"
)

// check refuses what a kernel refuses for the objects' being there or not.
func (m *Machine) check(e *netstate.Edit) syscall.Errno {
	there := m.has(&e.Before)
	switch e.Op {
	case netstate.Add:
		if o := e.After; o.Link != nil && m.has(&o) || o.Route != nil && m.has(&o) || o.Rule != nil && m.has(&o) || o.Address != nil && m.has(&o) || o.Namespace != nil && m.has(&o) {
			return syscall.EEXIST
		}
		if device := deviceOf(&e.After); device != "" && m.state.Interface(device) == nil {
			return syscall.ENODEV
		}
	case netstate.Delete:
		switch {
		case there:
		case e.Before.Route != nil:
			return syscall.ESRCH
		case e.Before.Address != nil:
			return syscall.EADDRNOTAVAIL
		case e.Before.Link != nil:
			return syscall.ENODEV
		default:
			return syscall.ENOENT
		}
	case netstate.Modify:
		if e.Before.Link != nil && !there {
			return syscall.ENODEV
		}
	}
	return 0
}

// deviceOf is the interface that an object belongs to, or "".
func deviceOf(o *netstate.Object) string {
	switch {
	case o.Address != nil:
		return o.Address.Device
	case o.Neighbor != nil:
		return o.Neighbor.Device
	case o.FDB != nil:
		return o.FDB.Device
	case o.Traffic != nil:
		return o.Traffic.Device
	case o.MDB != nil:
		return o.MDB.Device
	case o.MPLS != nil && len(o.MPLS.NextHops) > 0:
		return o.MPLS.NextHops[0].Device
	case o.Route != nil && len(o.Route.NextHops) > 0:
		return o.Route.NextHops[0].Device
	}
	return ""
}

// has tells whether an object of the same key is there.
func (m *Machine) has(o *netstate.Object) bool {
	s := m.state
	switch {
	case o.Link != nil:
		return slices.ContainsFunc(s.Interfaces, func(i netstate.Interface) bool { return netstate.CompareInterfaces(&i, o.Link) == 0 })
	case o.Address != nil:
		i := s.Interface(o.Address.Device)
		return i != nil && slices.ContainsFunc(i.Addresses, func(a netstate.Address) bool {
			return a.Prefix == o.Address.Prefix && a.Peer == o.Address.Peer
		})
	case o.Route != nil:
		_, ok := slices.BinarySearchFunc(s.Routes, *o.Route, func(a, b netstate.Route) int { return netstate.CompareRoutes(&a, &b) })
		return ok
	case o.Rule != nil:
		_, ok := slices.BinarySearchFunc(s.Rules, *o.Rule, func(a, b netstate.Rule) int { return netstate.CompareRules(&a, &b) })
		return ok
	case o.Neighbor != nil:
		_, ok := slices.BinarySearchFunc(s.Neighbors, *o.Neighbor, func(a, b netstate.Neighbor) int { return netstate.CompareNeighbors(&a, &b) })
		return ok
	case o.FDB != nil:
		_, ok := slices.BinarySearchFunc(s.FDB, *o.FDB, func(a, b netstate.FDBEntry) int { return netstate.CompareFDB(&a, &b) })
		return ok
	case o.Namespace != nil:
		return slices.ContainsFunc(s.Namespaces, func(n netstate.Namespace) bool { return n.Name == o.Namespace.Name })
	case o.Traffic != nil:
		return slices.ContainsFunc(s.TrafficControl, func(t netstate.TrafficControl) bool { return t.Device == o.Traffic.Device })
	case o.MDB != nil:
		_, ok := slices.BinarySearchFunc(s.MDB, *o.MDB, func(a, b netstate.MDBEntry) int { return netstate.CompareMDB(&a, &b) })
		return ok
	case o.MPLS != nil:
		return slices.ContainsFunc(s.MPLS, func(r netstate.Route) bool { return r.Label == o.MPLS.Label })
	case o.Sysctl != nil:
		_, ok := s.Sysctls[o.Sysctl.Key]
		return ok
	case o.DNS != nil:
		return slices.ContainsFunc(s.DNS, func(d netstate.DNS) bool { return d.Device == o.DNS.Device })
	}
	return false
}
