package netstate

import (
	"maps"
	"slices"
)

// Clone returns a copy of s that shares nothing that could be changed.
func (s *State) Clone() *State {
	if s == nil {
		return &State{}
	}
	c := &State{
		Interfaces: slices.Clone(s.Interfaces),
		Routes:     slices.Clone(s.Routes),
		Rules:      slices.Clone(s.Rules),
		Neighbors:  slices.Clone(s.Neighbors),
		FDB:        slices.Clone(s.FDB),
		MDB:        slices.Clone(s.MDB),
		Sysctls:    maps.Clone(s.Sysctls),
		MPLS:       slices.Clone(s.MPLS),      // hops are never changed in place
		Nexthops:   slices.Clone(s.Nexthops),  // groups are never changed in place
		RouteSets:  slices.Clone(s.RouteSets), // what is in them is never changed
		DNS:        slices.Clone(s.DNS),       // nor are lists and files
		Namespaces: s.Namespaces,              // setNamespace makes a new list
		Xfrm:       slices.Clone(s.Xfrm),      // attributes are never changed in place
		Secrets:    maps.Clone(s.Secrets),
		Lacks:      s.Lacks,     // never changed
		Elsewhere:  s.Elsewhere, // nor is this
	}
	for i := range s.TrafficControl {
		c.TrafficControl = append(c.TrafficControl, s.TrafficControl[i].clone())
	}
	for i := range c.Interfaces {
		c.Interfaces[i] = c.Interfaces[i].clone()
	}
	for i := range c.Routes {
		c.Routes[i] = c.Routes[i].clone()
	}
	for i := range c.Rules {
		c.Rules[i].SuppressPrefixLength = clonePointer(c.Rules[i].SuppressPrefixLength)
		c.Rules[i].SuppressGroup = clonePointer(c.Rules[i].SuppressGroup)
	}
	return c
}

// clone copies what is changed in place; Status never is.
func (i Interface) clone() Interface {
	i.Attrs = maps.Clone(i.Attrs)
	i.Assumed = slices.Clone(i.Assumed)
	i.Addresses = slices.Clone(i.Addresses)
	for n := range i.Addresses {
		i.Addresses[n] = i.Addresses[n].clone()
	}
	return i
}

func (a Address) clone() Address {
	a.Flags = slices.Clone(a.Flags)
	a.Status = slices.Clone(a.Status)
	return a
}

func (r Route) clone() Route {
	r.NextHops = slices.Clone(r.NextHops)
	r.Metrics = maps.Clone(r.Metrics)
	r.Status = slices.Clone(r.Status)
	return r
}

func clonePointer(p *int) *int {
	if p == nil {
		return nil
	}
	n := *p
	return &n
}
