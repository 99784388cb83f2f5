package netstate

import "strings"

// View is the part of s that q asks for: what somebody would see who observed
// s with it. It shares everything with s.
func (s *State) View(q Query) *State {
	v := &State{UnreadRoutes: s.UnreadRoutes}
	if q.Links {
		v.Interfaces, v.Elsewhere = s.seen(q.Namespaces), s.Elsewhere
	}
	if q.Routes {
		v.Routes, v.RouteSets, v.Nexthops, v.MPLS = s.Routes, s.RouteSets, s.Nexthops, s.MPLS
	}
	if q.Rules {
		v.Rules = s.Rules
	}
	if q.Neighbors {
		v.Neighbors = s.Neighbors
	}
	if q.Xfrm || q.MPTCP { // they are few
		v.Xfrm, v.UnreadXfrm = s.Xfrm, s.UnreadXfrm
	}
	if q.FDB {
		v.FDB, v.MDB = s.FDB, s.MDB
	}
	if q.DNS {
		v.DNS = s.DNS
	}
	if len(q.Kinds) > 0 {
		v.Lacks = s.Lacks
	}
	if len(q.Netns) > 0 {
		v.Namespaces = s.Namespaces
	}
	if q.TrafficControl {
		v.TrafficControl = s.TrafficControl
	}
	if len(q.Sysctls) == 0 {
		return v
	}
	v.Sysctls = s.Sysctls
	keys := newKeys(q.Sysctls)
	if q.Lost {
		for _, key := range OwnSysctls("*") {
			keys.patterns[key] = true
		}
	}
	for key := range s.Sysctls {
		if !keys.match(key) {
			v.Sysctls = keys.of(s.Sysctls)
			break
		}
	}
	if v.Sysctls == nil {
		v.Sysctls = map[string]string{}
	}
	return v
}

// seen are the interfaces of the observed namespace and of those named.
func (s *State) seen(namespaces []string) []Interface {
	names := map[string]bool{"": true}
	for n := range s.Elsewhere {
		names[n] = true
	}
	for _, n := range namespaces {
		names[n] = true
	}
	all := true
	for i := range s.Interfaces {
		all = all && names[s.Interfaces[i].Netns]
	}
	if all {
		return s.Interfaces
	}
	var list []Interface
	for i := range s.Interfaces {
		if names[s.Interfaces[i].Netns] {
			list = append(list, s.Interfaces[i])
		}
	}
	return list
}

// keys are names of kernel parameters, some with a "*" for one part.
type keys struct {
	exact    map[string]bool
	patterns map[string]bool // with the fourth part replaced by "*"
}

func newKeys(list []string) keys {
	k := keys{exact: map[string]bool{}, patterns: map[string]bool{}}
	for _, key := range list {
		if strings.Contains(key, "*") {
			k.patterns[key] = true
			continue
		}
		k.exact[key] = true
	}
	return k
}

func (k keys) match(key string) bool {
	if k.exact[key] {
		return true
	}
	before, _, after, ok := cutDevice(key)
	return ok && len(k.patterns) > 0 && k.patterns[before+"*"+after]
}

// of are the parameters that match.
func (k keys) of(all map[string]string) map[string]string {
	m := map[string]string{}
	for key, value := range all {
		if k.match(key) {
			m[key] = value
		}
	}
	return m
}
