package netstate

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Born fills into to what the kernel gives by itself to the interfaces that
// from does not have: attributes that follow from their kind, and kernel
// parameters, which are those of "default". It is for simulating one step upon
// another: a later one then knows what it changes. It is no part of the change
// that makes the interface, and what it takes for granted is told apart from
// what was asked for (Interface.Assumed). What differs from machine to machine
// (hardware addresses, numbers of queues) stays unknown.
//
// Bridges that follow the MTU of their ports are followed, too.
func Born(from, to *State) {
	to.Sort()
	list := make([]*Interface, 0, len(to.Interfaces))
	for i := range to.Interfaces {
		list = append(list, &to.Interfaces[i])
	}
	defaults := defaultsOf(to)
	isNew := func(v *Interface) bool { return from.interfaceIn(v.Netns, v.Name) == nil }
	for _, v := range byDependency(list) {
		if isNew(v) {
			v.birth(to)
		}
	}
	for _, v := range list {
		if v.Netns != "" {
			continue
		}
		v.join(from, to)
		if isNew(v) {
			v.parameters(to, defaults)
		}
	}
}

// join fills in what follows from ports.
func (i *Interface) join(from, to *State) {
	was := from.Interface(i.Name)
	switch {
	case i.Type == "linux-bridge":
		i.followPorts(was, from, to)
	case bornInto(i, was, to) != "":
		i.Attrs = cloneOrNew(i.Attrs)
		i.Attrs["mtu"] = bornInto(i, was, to)
	case i.Type == "veth" && attrOf(i, "controller") != "" && attrOf(was, "controller") != attrOf(i, "controller"):
		i.assume("bridge-port.stp-path-cost", "2") // of 10 Gbit/s, which every veth says it has
	}
}

// bornInto is the MTU that a port takes over from the team that it joins
// (team_port_add), "" for others.
func bornInto(i, was *Interface, s *State) string {
	name := attrOf(i, "controller")
	if c := s.Interface(name); c != nil && c.Type == team.Name && attrOf(was, "controller") != name {
		return attrOf(c, "mtu")
	}
	return ""
}

// assume sets an attribute that is not known.
func (i *Interface) assume(key, value string) {
	if _, known := i.Attrs[key]; known || value == "" {
		return
	}
	i.Attrs = cloneOrNew(i.Attrs) // edits share them
	i.Attrs[key] = value
	i.Assumed = append(slices.Clone(i.Assumed), key)
}

// asked takes a key out of what is only assumed.
func (i *Interface) asked(key string) {
	if slices.Contains(i.Assumed, key) {
		i.Assumed = slices.DeleteFunc(slices.Clone(i.Assumed), func(k string) bool { return k == key })
	}
}

// birth fills in what an interface has by its kind.
func (i *Interface) birth(s *State) {
	own := kindAttrs(i)
	for _, key := range unionKeys(own, nil) {
		i.assume(key, own[key])
	}
	i.assume("mtu", birthMTU(i, s))
	if near := s.interfaceIn("", attrOf(i, "netkit.peer")); secondary(i) && near != nil {
		i.assume("arp", kindAttrs(near)["arp"])
	}
	i.birthInet6(s)
	for key, value := range kindOf(i).Born {
		if value == below && key != "mtu" {
			i.assume(key, attrOf(s.interfaceIn(i.Netns, lower(i)), key))
		}
	}
}

// defaultsOf are the parameters that interfaces begin with, in parts.
func defaultsOf(s *State) map[string][]string {
	m := map[string][]string{}
	for key := range s.Sysctls {
		if parts := strings.Split(key, "."); len(parts) >= 5 && parts[3] == "default" {
			m[key] = parts
		}
	}
	return m
}

// parameters fills in the kernel parameters that an interface begins with.
func (i *Interface) parameters(s *State, defaults map[string][]string) {
	name := sysctlName(i.Name)
	for key, parts := range defaults {
		if !inherited(i, parts) {
			continue
		}
		before, _, after, _ := cutDevice(key)
		own := before + name + after
		if !hasKey(s.Sysctls, own) {
			s.Sysctls[own] = s.Sysctls[key]
		}
	}
}

func hasKey(m map[string]string, key string) bool {
	_, ok := m[key]
	return ok
}

// inherited tells that an interface begins with the default of a parameter
// (devinet.c, addrconf_add_dev, ipv6_add_dev); the exceptions depend on more.
func inherited(i *Interface, key []string) bool {
	if small(i) && key[1] == "ipv6" {
		return false
	}
	switch key[len(key)-1] {
	case "mtu", "stable_secret":
		return false
	case "accept_dad", "use_tempaddr", "addr_gen_mode":
		return i.Attrs["arp"] == "true"
	}
	return key[2] == "conf" || key[2] == "neigh"
}

// kindAttrs are the attributes that each kind sets up its interfaces with.
func kindAttrs(i *Interface) Attrs {
	ethernet := func(queue string) Attrs { return Attrs{"arp": "true", "multicast": "true", "txqueuelen": queue} }
	switch i.Type {
	case "linux-bridge":
		own := ethernet("1000")
		own["bridge.options.group-addr"] = "01:80:c2:00:00:00"
		if i.Attrs["bridge.options.vlan-protocol"] == "802.1ad" {
			own["bridge.options.group-addr"] = "01:80:c2:00:00:08" // br_vlan_set_proto
		}
		return own
	case "veth", "mac-vlan":
		return ethernet("1000")
	case "vxlan":
		if i.Attrs["vxlan.generic-protocol"] == "true" {
			return Attrs{"arp": "false", "multicast": "true", "txqueuelen": "1000"}
		}
		return ethernet("1000")
	case "mac-vtap":
		return ethernet("500") // TUN_READQ_SIZE
	case "ifb":
		return Attrs{"arp": "false", "multicast": "false", "txqueuelen": "32"}
	case "tun":
		if i.Attrs["tun.mode"] == "tap" {
			return ethernet("1000")
		}
		return Attrs{"arp": "false", "multicast": "true", "txqueuelen": "500"}
	}
	own := cloneOrNew(kindOf(i).Born) // of a kind that only another version knows it is nil
	delete(own, "mtu")
	maps.DeleteFunc(own, func(_, value string) bool { return value == below })
	if i.Attrs["team.mode"] == "loadbalance" { // lb_init
		own["team.stats-refresh-interval"], own["team.tx-method"] = "0", "hash"
	}
	if mode := i.Attrs["netkit.mode"]; mode != "" {
		own["arp"] = strconv.FormatBool(mode == "l2") // netkit_new_link
	}
	if strings.HasPrefix(i.Type, "ipv") { // ipvlan, ipvtap: ipvlan_set_port_mode
		mode := i.Attrs[i.Type+".mode"]
		own["arp"] = strconv.FormatBool(mode == "l2")
	}
	return own
}

// What several kinds set up their interfaces with; shared, and never changed.
var (
	bornEthernet = Attrs{"arp": "true", "multicast": "true", "txqueuelen": "1000"}
	bornTunnel   = Attrs{"arp": "false", "multicast": "false", "txqueuelen": "1000"}
)

// ethernetMTU is ETH_DATA_LEN.
const ethernetMTU = "1500"

// birthMTU is the MTU that an interface comes into being with, "" if that is
// not known.
func birthMTU(i *Interface, s *State) string {
	switch i.Type {
	case "veth", "linux-bridge", "ifb", "tun":
		return ethernetMTU
	case "mac-vlan", "mac-vtap":
		return attrOf(s.interfaceIn(i.Netns, lower(i)), "mtu")
	case "vxlan":
		if lower(i) == "" {
			return ethernetMTU
		}
		below, err := strconv.Atoi(attrOf(s.interfaceIn(i.Netns, lower(i)), "mtu"))
		if err != nil {
			return ""
		}
		return strconv.Itoa(below - vxlanHeadroom(i))
	}
	if own := kindOf(i).Born["mtu"]; own != below {
		return own
	}
	return attrOf(s.interfaceIn(i.Netns, lower(i)), "mtu")
}

// vxlanHeadroom is what the outer headers take (vxlan_headroom): IP, UDP, VXLAN
// and, but for the generic protocol extension, Ethernet.
func vxlanHeadroom(i *Interface) int {
	const ip4, ip6, udp, vxlan, ethernet = 20, 40, 8, 8, 14
	n := ip4 + udp + vxlan
	if vxlanFamily(i) == 6 {
		n = ip6 + udp + vxlan
	}
	if i.Attrs["vxlan.generic-protocol"] != "true" {
		n += ethernet
	}
	return n
}

// followPorts gives a bridge without an MTU of its own the least of its ports'
// (br_mtu_auto_adjust).
func (i *Interface) followPorts(was *Interface, from, to *State) {
	now, own := portsMTU(to, i.Name), attrOf(i, "mtu")
	switch {
	case slices.Contains(i.Assumed, "mtu"):
	case was == nil, own != attrOf(was, "mtu"), own != portsMTU(from, i.Name), own == now:
		return // it was given one, or nothing changes
	}
	if own == now {
		return
	}
	i.Attrs = cloneOrNew(i.Attrs)
	delete(i.Attrs, "mtu")
	i.asked("mtu")
	i.assume("mtu", now)
}

// portsMTU is the least MTU of a bridge's ports, "" where one is unknown.
func portsMTU(s *State, bridge string) string {
	least := 0
	for n := range s.Interfaces {
		port := &s.Interfaces[n]
		if port.Netns != "" || attrOf(port, "controller") != bridge {
			continue
		}
		mtu, err := strconv.Atoi(attrOf(port, "mtu"))
		if err != nil {
			return ""
		}
		if least == 0 || mtu < least {
			least = mtu
		}
	}
	if least == 0 {
		return ethernetMTU
	}
	return strconv.Itoa(least)
}
