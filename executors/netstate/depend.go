package netstate

import "slices"

// parents are the interfaces that must be there before i can be made as it is:
// its controller, its lower interface, its backup port.
func parents(i *Interface) []string {
	var names []string
	for key, value := range i.Attrs {
		attr := AttrByKey(key)
		if attr != nil && attr.Type == LinkRef && !attr.Late && value != "" && value != i.Name {
			names = append(names, value)
		}
	}
	if secondary(i) {
		names = append(names, i.Attrs["netkit.peer"])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// lower is the interface that i lies on and vanishes with, or "".
func lower(i *Interface) string {
	return attrOf(i, kindOf(i).Below)
}

// peer is the other end of a pair in the same namespace, or "".
func peer(i *Interface) string {
	name, target := i.Peer()
	if target != i.Netns {
		return ""
	}
	return name
}

// farEnds are the ends of pairs that lie in other namespaces, by namespace and
// name, with the end that lies in the observed one. Either end may know of the
// other: the near one does not where nobody could tell it the name of the far
// namespace.
func farEnds(s *State) map[[2]string]*Interface {
	m := map[[2]string]*Interface{}
	for i := range s.Interfaces {
		v := &s.Interfaces[i]
		name, target := v.Peer()
		switch {
		case name == "":
		case v.Netns == "" && target != "":
			m[[2]string{target, name}] = v
		case v.Netns != "" && target == "":
			if near := s.Interface(name); near != nil && near.Type == v.Type {
				m[[2]string{v.Netns, v.Name}] = near
			}
		}
	}
	return m
}

// byDependency orders interfaces so that parents come first; those without
// relation keep their order, and a circle is cut anywhere.
func byDependency(list []*Interface) []*Interface {
	byName := map[string]*Interface{}
	for _, i := range list {
		if i.Netns == "" {
			byName[i.Name] = i
		}
	}
	out := make([]*Interface, 0, len(list))
	seen := map[*Interface]bool{}
	var visit func(i *Interface)
	visit = func(i *Interface) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, name := range parents(i) {
			if p := byName[name]; p != nil {
				visit(p)
			}
		}
		out = append(out, i)
	}
	for _, i := range list {
		visit(i)
	}
	return out
}
