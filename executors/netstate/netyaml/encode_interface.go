package netyaml

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// driverDevices are interfaces that a driver makes in every namespace as soon
// as it is loaded. They are left out as long as nobody uses them.
var driverDevices = []string{
	"bond0", "dummy0", "erspan0", "gre0", "gretap0", "ifb0", "ifb1", "ip6_vti0", "ip6gre0", "ip6tnl0", "ip_vti0", "sit0", "tunl0", "teql0",
}

// quiet are values that every interface has unless somebody changed them, of
// attributes without a default that holds for all kinds.
var quiet = map[string]string{"txqueuelen": "1000", "arp": "true", "multicast": "true", "controller": "", "alias": "",
	"bridge.options.group-addr": "01:80:c2:00:00:00",
	"ipv6.accept-ra":            "1", "ipv6.autoconf": "true", "ipv6.use-tempaddr": "0", "ipv6.addr-gen-mode": "eui64"}

// unsaid are attributes that are no wish of anybody: they come with the
// hardware, or with the number of processors.
var unsaid = []string{"state", "netns", "num-tx-queues", "num-rx-queues", "link-aggregation.options.active_slave"}

func encodeInterfaces(s *netstate.State) []*yaml.Node {
	var out []*yaml.Node
	for i := range s.Interfaces {
		v := &s.Interfaces[i]
		idle := slices.Contains(driverDevices, v.Name) && v.Attrs["state"] != "up" && len(v.Addresses) == 0
		if v.Netns != "" || idle || netstate.CheckName(v.Name) != nil {
			continue
		}
		out = append(out, encodeInterface(s, v))
	}
	return out
}

func encodeInterface(s *netstate.State, v *netstate.Interface) *yaml.Node {
	m := &mapping{}
	m.add("name", word(v.Name))
	if netstate.KindByName(v.Type) != nil {
		m.text("type", v.Type)
	}
	m.text("state", v.Attrs["state"])
	controller := controllerOf(s, v)
	listed := controller != nil
	for _, key := range slices.SortedFunc(maps.Keys(v.Attrs), byPlace) {
		if netstate.IsInet6(key) || (listed && (key == "controller" || netstate.IsPortKey(key))) || leaveOut(s, v, key) {
			continue
		}
		m.path(key, value(netstate.AttrByKey(key), v.Attrs[key]))
	}
	if k := netstate.KindByName(v.Type); k.TakesPorts() {
		encodePorts(m, s, v.Name, k)
	}
	encodeTraffic(m, s, v.Name)
	for _, family := range []string{"ipv4", "ipv6"} {
		var list []*yaml.Node
		for n := range v.Addresses {
			a := &v.Addresses[n]
			if a.Prefix.Addr().Is6() == (family == "ipv6") && !ownAddress(a) {
				list = append(list, encodeAddress(v.Name, a))
			}
		}
		ip := &mapping{}
		if len(list) > 0 && family == "ipv4" {
			ip.truth("enabled", true)
		}
		if family == "ipv6" {
			encodeInet6(ip, v)
		}
		ip.list("address", list)
		if len(ip.pairs) > 0 {
			m.add(family, ip.node())
		}
	}
	return m.node()
}

// encodeInet6 writes what the interface's IPv6 does otherwise than usual.
func encodeInet6(m *mapping, v *netstate.Interface) {
	for _, a := range netstate.LinkAttrs() {
		text, known := v.Attrs[a.Key]
		key, own := strings.CutPrefix(a.Key, "ipv6.")
		if own && known && text != netstate.UsualInet6(v, a.Key) {
			m.add(key, value(&a, text))
		}
	}
}

// byPlace puts an interface's own attributes before those of its kind.
func byPlace(a, b string) int {
	return cmp.Or(strings.Count(a, ".")-strings.Count(b, "."), strings.Compare(a, b))
}

// leaveOut tells that an attribute need not be said.
func leaveOut(s *netstate.State, v *netstate.Interface, key string) bool {
	a := netstate.AttrByKey(key)
	text := v.Attrs[key]
	if key == "bridge.options.vlan-filtering" && text == "false" && saysVLANs(s, v) {
		return false // saying VLANs would switch it on
	}
	if a == nil || !v.Applies(key) || a.Set == netstate.ReadOnly || slices.Contains(unsaid, key) || text == a.Default {
		return true
	}
	if netstate.IsEthtool(key) {
		return v.UsualEthtool(key) || v.Negotiated(key) || key == netstate.FECMode && (v.Attrs[netstate.FECAuto] == "true" || strings.Contains(text, ",")) || checkFeature(key[strings.LastIndex(key, ".")+1:]) != nil ||
			v.Type == "veth" && strings.HasPrefix(key, "ethtool.channels.") && text == "1"
	}
	if section, _, nested := strings.Cut(key, "."); nested && !netstate.IsPortKey(key) {
		if k := netstate.KindByName(v.Type); k == nil || k.Section != section {
			return true
		}
	}
	if a.Type == netstate.VLANList {
		bridge := v
		if key == "bridge-port.vlan" {
			bridge = controllerOf(s, v)
		}
		return bridge == nil || beginningVLANs(bridge, text)
	}
	if key == "mac-address" && v.Type == "linux-bridge" {
		// As long as it follows a port, let it.
		for i := range s.Interfaces {
			if p := &s.Interfaces[i]; p.Attrs["controller"] == v.Name && p.Attrs["mac-address"] == text {
				return true
			}
		}
	}
	if c := controllerOf(s, v); c != nil && c.Type == "bond" && (key == "mac-address" || key == "mtu") && c.Attrs[key] == text {
		return true // the bond gives it
	}
	if key == "mac-address" && (v.Type == "loopback" || text == "") {
		return true
	}
	said, known := quiet[key]
	return known && said == text || text == "" && a.Type != netstate.MACList
}

func value(a *netstate.Attr, text string) *yaml.Node {
	n := word(text)
	if a.Key == "team.runner.tx-hash" {
		return listNode(text)
	}
	switch a.Type {
	case netstate.Bool, netstate.Bool32, netstate.Flag, netstate.BoolOpt, netstate.FlagBit, netstate.IFFlag:
		if text == "true" || text == "false" {
			n.Tag = "!!bool"
		}
	case netstate.MACList, netstate.CIDRs, netstate.QoSMap, netstate.VNIList, netstate.VLANTunnels, netstate.Ranges:
		return listNode(text)
	case netstate.List:
		return tableNode(a, text)
	case netstate.VLANList:
		return encodeVLAN(text)
	case netstate.String, netstate.LinkRef, netstate.MAC, netstate.Enum, netstate.Key64, netstate.PubKey64, netstate.KeyHex, netstate.HexID, netstate.Hex32, netstate.CIDR, netstate.IPProto, netstate.Endpoint, netstate.IPAddress, netstate.IPv4, netstate.IPv6, netstate.PortRange:
	default:
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			n.Tag = "!!int"
		} else if _, err := strconv.ParseFloat(text, 64); err == nil {
			n.Tag = "!!float"
		}
	}
	return n
}

// controllerOf is the interface of the state whose list has v as a port, or
// nil.
func controllerOf(s *netstate.State, v *netstate.Interface) *netstate.Interface {
	controller := v.Attrs["controller"]
	if controller == "" {
		return nil
	}
	for i := range s.Interfaces {
		if c := &s.Interfaces[i]; c.Netns == "" && c.Name == controller && netstate.KindByName(c.Type).TakesPorts() {
			return c
		}
	}
	return nil
}

// encodePorts writes the list of ports; where that has names alone, what they
// have as ports in a list of its own.
func encodePorts(m *mapping, s *netstate.State, controller string, k *netstate.Kind) {
	names, entries := &yaml.Node{Kind: yaml.Sequence}, &yaml.Node{Kind: yaml.Sequence}
	for i := range s.Interfaces {
		v := &s.Interfaces[i]
		if v.Netns != "" || v.Attrs["controller"] != controller || netstate.CheckName(v.Name) != nil {
			continue
		}
		names.Items = append(names.Items, word(v.Name))
		if e := encodePort(s, v, k); k.PortConfig == "" || len(e.Pairs) > 1 {
			entries.Items = append(entries.Items, e)
		}
	}
	switch {
	case k.PortSection == "":
		m.path(k.PortList, names)
	case k.PortConfig == "":
		m.path(k.PortList, entries)
	default:
		m.path(k.PortList, names)
		if len(entries.Items) > 0 {
			m.path(k.PortConfig, entries)
		}
	}
}

func encodePort(s *netstate.State, v *netstate.Interface, k *netstate.Kind) *yaml.Node {
	m := &mapping{}
	m.add("name", word(v.Name))
	for _, key := range slices.Sorted(maps.Keys(v.Attrs)) {
		rest, isPort := strings.CutPrefix(key, k.PortSection+".")
		if isPort && !leaveOut(s, v, key) {
			m.add(rest, value(netstate.AttrByKey(key), v.Attrs[key]))
		}
	}
	return m.node()
}

// ownAddress tells that the kernel made the address.
func ownAddress(a *netstate.Address) bool {
	return a.Kernel || a.Prefix.String() == "127.0.0.1/8" || a.Prefix.String() == "::1/128"
}

func encodeAddress(device string, a *netstate.Address) *yaml.Node {
	m := &mapping{}
	m.addr("ip", a.Prefix.Addr())
	m.text("prefix-length", strconv.Itoa(a.Prefix.Bits()))
	if a.Peer.IsValid() {
		m.add("peer", word(a.Peer.String()))
	}
	m.addr("broadcast", a.Broadcast)
	if a.Scope != "" && a.Scope != "global" && a.Prefix.Addr().Is4() {
		m.text("scope", a.Scope)
	}
	if a.Label != device && strings.HasPrefix(a.Label, device) { // another program's word is left alone
		m.text("label", a.Label)
	}
	m.number("metric", uint64(a.Metric))
	var flags []*yaml.Node
	for _, f := range a.Flags {
		flags = append(flags, word(f))
	}
	m.list("flags", flags)
	if a.ValidLifetime != 0 {
		m.text("valid-life-time", strconv.FormatUint(uint64(a.ValidLifetime), 10)+"sec")
	}
	switch {
	case a.Deprecated:
		m.text("preferred-life-time", "0sec")
	case a.PreferredLifetime != 0 && a.PreferredLifetime != a.ValidLifetime:
		m.text("preferred-life-time", strconv.FormatUint(uint64(a.PreferredLifetime), 10)+"sec")
	}
	return m.node()
}
