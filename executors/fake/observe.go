package fake

import (
	"context"
	"maps"
	"slices"
	"strings"

	"stet/executors/netstate"
)

// Observe gives the parts of the state that q asks for, and only those.
func (m *Machine) Observe(ctx context.Context, q netstate.Query) (*netstate.State, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s := m.State()
	if q.Links {
		s.Interfaces = slices.DeleteFunc(s.Interfaces, func(i netstate.Interface) bool {
			return i.Netns != "" && !slices.Contains(q.Namespaces, i.Netns)
		})
	} else {
		s.Interfaces = nil
	}
	if !q.Routes {
		s.Routes, s.MPLS = nil, nil
	}
	if !q.Rules {
		s.Rules = nil
	}
	if !q.Neighbors {
		s.Neighbors = nil
	}
	if !q.FDB {
		s.FDB, s.MDB = nil, nil
	}
	if !q.DNS {
		s.DNS = nil
	}
	s.Namespaces = slices.DeleteFunc(s.Namespaces, func(n netstate.Namespace) bool {
		return !slices.Contains(q.Netns, n.Name) && !slices.Contains(q.Netns, "*")
	})
	s.Xfrm = slices.DeleteFunc(s.Xfrm, func(x netstate.Xfrm) bool { return x.MPTCP() && !q.MPTCP || !x.MPTCP() && !q.Xfrm })
	if !q.TrafficControl {
		s.TrafficControl = nil
	}
	if len(q.Sysctls) == 0 {
		s.Sysctls = nil
	}
	maps.DeleteFunc(s.Sysctls, func(key, _ string) bool {
		return !slices.ContainsFunc(q.Sysctls, func(pattern string) bool { return matches(pattern, key) })
	})
	return s, nil
}

// matches tells whether a key is what a pattern asks for: "*" is any one part.
func matches(pattern, key string) bool {
	p, k := strings.Split(pattern, "."), strings.Split(key, ".")
	return slices.EqualFunc(p, k, func(part, name string) bool { return part == "*" || part == name })
}
