package netyaml

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// Encode writes a state as a netconfig block: what somebody set, without what
// the kernel makes by itself (routes of addresses, link-local addresses,
// learned entries), without what is as every kind has it by default, and
// without the devices that drivers bring along. Decoded and simulated on the
// state it is no change.
func Encode(s *netstate.State) string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	_ = Write(&b, s) // a Builder takes everything
	return b.String()
}

// encodeRest is what follows the interfaces and routes.
func encodeRest(s *netstate.State) *mapping {
	m := &mapping{}
	encodeDNS(m, s)
	m.config("mpls-routes", encodeEach(s.MPLS, encodeMPLS))
	m.config("route-rules", encodeEach(s.Rules, encodeRule))
	m.config("neighbors", encodeEach(s.Neighbors, encodeNeighbor))
	m.config("fdb", encodeEach(s.FDB, encodeFDB))
	m.config("mdb", encodeEach(s.MDB, encodeMDB))
	if x := encodeXfrm(s); len(x.Pairs) > 0 {
		m.add("ipsec-xfrm", x)
	}
	if x := encodeMPTCP(s); len(x.Pairs) > 0 {
		m.add("mptcp", x)
	}
	if len(s.Sysctls) > 0 {
		own := &mapping{}
		for _, key := range slices.Sorted(maps.Keys(s.Sysctls)) {
			if strings.HasPrefix(key, "net.") && plainKey(key) {
				own.text(key, strings.Join(strings.Fields(s.Sysctls[key]), " "))
			}
		}
		m.add("sysctl", own.node())
	}
	return m
}

// mapping is a mapping in the making.
type mapping struct{ pairs []yaml.Pair }

func (m *mapping) node() *yaml.Node { return &yaml.Node{Kind: yaml.Mapping, Pairs: m.pairs} }

func (m *mapping) add(key string, value *yaml.Node) {
	m.pairs = append(m.pairs, yaml.Pair{Key: word(key), Value: value})
}

func (m *mapping) list(key string, items []*yaml.Node) {
	if len(items) > 0 {
		m.add(key, &yaml.Node{Kind: yaml.Sequence, Items: items})
	}
}

func (m *mapping) config(key string, items []*yaml.Node) {
	if len(items) > 0 {
		c := &mapping{}
		c.list("config", items)
		m.add(key, c.node())
	}
}

func word(s string) *yaml.Node { return &yaml.Node{Kind: yaml.Scalar, Tag: "!!str", Value: s} }

// text adds a value, as a number where it is one; "" is left out.
func (m *mapping) text(key, value string) {
	if value == "" {
		return
	}
	n := word(value)
	if _, err := strconv.ParseUint(value, 10, 63); err == nil && (value == "0" || value[0] != '0') {
		n.Tag = "!!int"
	}
	m.add(key, n)
}

func (m *mapping) number(key string, value uint64) {
	if value != 0 {
		m.text(key, strconv.FormatUint(value, 10))
	}
}

func (m *mapping) truth(key string, value bool) {
	if value {
		m.add(key, &yaml.Node{Kind: yaml.Scalar, Tag: "!!bool", Value: "true"})
	}
}

func (m *mapping) addr(key string, a netip.Addr) {
	if a.IsValid() {
		m.add(key, word(a.String()))
	}
}

// path adds a value at a dotted path, with the mappings on the way.
func (m *mapping) path(key string, value *yaml.Node) {
	head, rest, nested := strings.Cut(key, ".")
	if !nested {
		m.add(key, value)
		return
	}
	for _, p := range m.pairs {
		if p.Key.Value == head {
			inner := &mapping{pairs: p.Value.Pairs}
			inner.path(rest, value)
			p.Value.Pairs = inner.pairs
			return
		}
	}
	inner := &mapping{}
	inner.path(rest, value)
	m.add(head, inner.node())
}

func encodeEach[T any](list []T, encode func(*T) *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	for i := range list {
		if n := encode(&list[i]); n != nil {
			out = append(out, n)
		}
	}
	return out
}

func encodeRoute(r *netstate.Route) *yaml.Node {
	const localTable = 255
	if r.Protocol == 1 || r.Protocol == 2 || r.Protocol == 9 || r.Table == localTable || !slices.Contains(routeTypes, typeName(r)) {
		return nil
	}
	m := &mapping{}
	m.add("destination", word(r.Destination.String()))
	nowhere := slices.Contains([]netstate.RouteType{"blackhole", "unreachable", "prohibit", "throw"}, r.Type)
	switch {
	case nowhere:
	case r.NexthopID != 0:
		m.number("nexthop-id", uint64(r.NexthopID))
	case len(r.NextHops) == 0:
		return nil
	case len(r.NextHops) == 1:
		encodeHop(m, &r.NextHops[0])
	default:
		m.list("next-hops", encodeEach(r.NextHops, func(h *netstate.NextHop) *yaml.Node {
			hop := &mapping{}
			encodeHop(hop, h)
			hop.number("weight", uint64(max(h.Weight, 1)))
			return hop.node()
		}))
	}
	if typeName(r) != "unicast" {
		m.text("route-type", typeName(r))
	}
	m.number("metric", uint64(r.Metric))
	if r.Table != 254 {
		m.number("table-id", uint64(r.Table))
	}
	m.number("tos", uint64(r.TOS))
	m.addr("source", r.Source)
	if r.Protocol != 0 {
		m.text("protocol", protocolName(r.Protocol))
	}
	if r.Destination.Addr().Is4() && r.Scope != 0 {
		m.text("scope", scopeName(r.Scope))
	}
	for _, key := range routeMetrics {
		if v, ok := r.Metrics[key]; ok {
			m.text(key, strconv.FormatUint(uint64(v), 10))
		}
	}
	if bits := r.Metrics[netstate.Features]; bits != 0 {
		var items []*yaml.Node
		for _, name := range netstate.FeatureNames(bits) {
			items = append(items, word(name))
		}
		m.list(netstate.Features, items)
	}
	m.text(netstate.Congctl, r.Congestion)
	if n := r.Metrics[netstate.Preference]; n != 0 {
		m.text(netstate.Preference, netstate.PreferenceName(n))
	}
	if n := r.Metrics[netstate.Realm]; n != 0 {
		m.text(netstate.Realm, netstate.FormatRealm(n))
	}
	if locked := r.LockedMetrics(); !slices.Equal(locked, r.IdleUnlocked()) {
		items := make([]*yaml.Node, 0, len(locked))
		for _, key := range locked {
			items = append(items, word(key))
		}
		m.add("lock", &yaml.Node{Kind: yaml.Sequence, Items: items})
	}
	return m.node()
}

func typeName(r *netstate.Route) string {
	if r.Type == "" {
		return "unicast"
	}
	return string(r.Type)
}

func protocolName(p uint8) string {
	for _, name := range slices.Sorted(maps.Keys(protocols)) {
		if protocols[name] == p {
			return name
		}
	}
	return strconv.Itoa(int(p))
}

func encodeHop(m *mapping, h *netstate.NextHop) {
	m.text("next-hop-interface", h.Device)
	m.addr("next-hop-address", h.Via)
	m.truth("onlink", h.OnLink)
	m.text("encap", h.Encap)
}

func encodeRule(r *netstate.Rule) *yaml.Node {
	if r.Priority == 0 || r.Priority == 32766 || r.Priority == 32767 {
		return nil // the kernel's own
	}
	m := &mapping{}
	m.text("family", "ipv"+strconv.Itoa(r.Family))
	if r.From.IsValid() {
		m.add("ip-from", word(r.From.String()))
	}
	if r.To.IsValid() {
		m.add("ip-to", word(r.To.String()))
	}
	m.number("priority", uint64(r.Priority))
	if r.Action != "" && r.Action != "lookup" {
		m.text("action", r.Action)
	}
	m.number("route-table", uint64(r.Table))
	m.number("goto", uint64(r.Goto))
	m.number("fwmark", uint64(r.FwMark))
	if r.FwMark != 0 && r.FwMask != 0xffffffff {
		m.number("fwmask", uint64(r.FwMask))
	}
	m.text("iif", r.IIF)
	m.text("oif", r.OIF)
	m.number("tos", uint64(r.TOS))
	m.truth("not", r.Not)
	m.truth("l3mdev", r.L3MDev)
	m.number("ip-proto", uint64(r.IPProto))
	m.text("source-ports", r.SourcePorts)
	m.text("destination-ports", r.DestinationPorts)
	m.text("uid-range", r.UIDRange)
	if r.SuppressPrefixLength != nil {
		m.text("suppress-prefix-length", strconv.Itoa(*r.SuppressPrefixLength))
	}
	if r.SuppressGroup != nil {
		m.text("suppress-group", strconv.Itoa(*r.SuppressGroup))
	}
	if p := r.Protocol; p != 0 && p != 1 && p != 2 && p != 9 {
		m.text("protocol", protocolName(p))
	}
	return m.node()
}

func encodeNeighbor(n *netstate.Neighbor) *yaml.Node {
	managed := n.State == netstate.Managed
	if !n.Proxy && !managed && (n.State != "permanent" || n.MAC == "") {
		return nil // the kernel's cache
	}
	m := &mapping{}
	m.text("device", n.Device)
	m.addr("ip", n.IP)
	if n.Proxy {
		m.truth("proxy", true)
	} else {
		if managed {
			m.text("state", netstate.Managed)
		} else {
			m.add("mac-address", word(n.MAC))
		}
		m.truth("extern-learn", n.Learned)
	}
	m.truth("router", n.Router)
	return m.node()
}

func encodeFDB(e *netstate.FDBEntry) *yaml.Node {
	multicast := strings.HasPrefix(e.MAC, "33:33:") || strings.HasPrefix(e.MAC, "01:00:5e:")
	if e.Kernel || (e.State != "permanent" && e.State != "static") || (multicast && !e.Dst.IsValid()) {
		return nil // learned, or the kernel's own
	}
	m := &mapping{}
	m.text("device", e.Device)
	m.add("mac-address", word(e.MAC))
	m.number("vlan", uint64(e.VLAN))
	m.addr("remote", e.Dst)
	m.number("port", uint64(e.Port))
	m.number("vni", uint64(e.VNI))
	m.number("source-vni", uint64(e.SourceVNI))
	m.number("nexthop-id", uint64(e.NexthopID))
	m.text("via", e.Via)
	m.text("owner", e.Owner)
	m.text("state", e.State)
	m.truth("sticky", e.Sticky)
	m.truth("extern-learn", e.Learned)
	return m.node()
}
