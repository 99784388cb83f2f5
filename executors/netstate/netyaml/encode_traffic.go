package netyaml

import (
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// encodeTraffic writes the traffic control of an interface. What there are no
// words for is left out, with what hangs on it.
func encodeTraffic(m *mapping, s *netstate.State, device string) {
	for i := range s.TrafficControl {
		t := &s.TrafficControl[i]
		if t.Device != device {
			continue
		}
		section := &mapping{}
		for _, object := range []string{netstate.TCQdisc, netstate.TCClass, netstate.TCFilter} {
			var list []*yaml.Node
			whole := true
			for k := range t.Entries {
				e := &t.Entries[k]
				if e.Object != object {
					continue
				}
				whole = whole && e.Unread == ""
				list = append(list, encodeTrafficEntry(e))
			}
			if !whole {
				break // a list without it would ask for its removal
			}
			section.list(listKeys[object], list)
		}
		if len(section.pairs) > 0 {
			m.add("traffic-control", section.node())
		}
	}
}

func encodeTrafficEntry(e *netstate.TCEntry) *yaml.Node {
	m := &mapping{}
	m.add("kind", word(e.Kind))
	switch e.Object {
	case netstate.TCQdisc:
		if e.Parent != "ingress" {
			m.add("handle", word(e.Handle))
			m.add("parent", word(e.Parent))
		}
	case netstate.TCClass:
		m.add("classid", word(e.Handle))
		m.add("parent", word(e.Parent))
	default:
		m.add("parent", word(e.Parent))
		m.text("protocol", e.Protocol)
		m.number("prio", uint64(e.Priority))
		m.number("chain", uint64(e.Chain))
		m.add("handle", word(e.Handle))
	}
	encodeOptions(m, netstate.TCKindOf(e.Object, e.Kind), e.Options)
	var actions []*yaml.Node
	for i := range e.Actions {
		a := &e.Actions[i]
		k := netstate.TCKindOf("action", a.Kind)
		if k == nil || len(k.Attrs) == 0 {
			actions = append(actions, word(a.Kind))
			continue
		}
		one := &mapping{}
		one.add("kind", word(a.Kind))
		encodeOptions(one, k, a.Options)
		actions = append(actions, one.node())
	}
	m.list("actions", actions)
	return m.node()
}

func encodeOptions(m *mapping, k *netstate.TCKind, o netstate.Attrs) {
	if k == nil {
		return
	}
	for i := range k.Attrs {
		a := &k.Attrs[i]
		v := o[a.Key]
		if v == "" || v == a.Default {
			continue
		}
		switch {
		case a.Key == "match":
			var list []*yaml.Node
			for match := range strings.SplitSeq(v, "; ") {
				list = append(list, word(match))
			}
			m.list("match", list)
		case a.Type == netstate.CIDRs, a.Type == netstate.String, a.Type == netstate.Hexadecimal:
			m.add(a.Key, word(v))
		default:
			m.add(a.Key, value(a, v))
		}
	}
}
