package netstate

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// attributes sets what the configuration names.
func (m *simulation) attributes(i *InterfaceConfig, v *Interface) {
	v.Attrs = cloneOrNew(v.Attrs)
	if i.State == "up" || i.State == "down" {
		v.Attrs["state"] = i.State
	}
	for key, value := range i.Attrs {
		attr := AttrByKey(key)
		if attr == nil || attr.Set == ReadOnly || key == "netns" || key == "state" || IsSRIOV(key) {
			continue
		}
		if key == AltNames {
			value = m.altNames(i, v, value)
		}
		if attr.Unreported && !m.made[i.Name] {
			continue // it is as it was made
		}
		if was, known := attr.value(v.Attrs); known && !m.made[i.Name] && attr.equal(was, value) {
			continue
		}
		v.Attrs[key] = value
		v.asked(key)
	}
	if was := m.from.Interface(i.Name); was != nil {
		m.leave(i, was, v)
	}
	m.followSizes(i, v)
	m.pairing(i, v)
	m.followBond(i, v)
	m.check(i, v)
}

// leave drops what the kernel chose for an interface in one mode and what cannot
// be in another.
func (m *simulation) leave(i *InterfaceConfig, was, v *Interface) {
	if v.Type == "tun" && was.Attrs["tun.mode"] != v.Attrs["tun.mode"] {
		for _, key := range []string{"mac-address", "arp", "multicast", "txqueuelen"} {
			if !given(i, key) {
				delete(v.Attrs, key)
				v.asked(key)
			}
		}
	}
	for _, key := range []string{"mac-vlan.mode", "mac-vtap.mode"} {
		left := was.Attrs[key] == "passthru" && v.Attrs[key] != "passthru"
		if left && !given(i, "mac-address") && attrOf(m.from.Interface(lower(was)), "mac-address") == v.Attrs["mac-address"] {
			delete(v.Attrs, "mac-address") // the lower interface's, which only passthru can share
		}
	}
}

func cloneOrNew(a Attrs) Attrs {
	c := make(Attrs, len(a)+4)
	for k, v := range a {
		c[k] = v
	}
	return c
}

// pairing decides whether one of a pair that is there has the peer that is asked for.
// Where the far end could not be seen, an interface of that name in the peer's
// place is taken to be it.
func (m *simulation) pairing(i *InterfaceConfig, v *Interface) {
	was := m.from.Interface(i.Name)
	name, target := i.peer(v.Type)
	if was == nil || name == "" {
		return
	}
	known, knownTarget := was.Peer()
	far := m.from.interfaceIn(target, name)
	same := known == name && knownTarget == target
	if known == "" || (known == name && knownTarget == "") {
		same = far != nil && far.Type == v.Type
		if same {
			back, _ := far.Peer()
			same = back == "" || back == i.Name
		}
	}
	k := kindOf(v)
	if same {
		for _, key := range []string{k.PeerKey(), k.PeerTargetKey()} {
			v.Attrs[key] = was.Attrs[key]
			if _, ok := was.Attrs[key]; !ok {
				delete(v.Attrs, key)
			}
		}
		return
	}
	v.Attrs[k.PeerKey()], v.Attrs[k.PeerTargetKey()] = name, target
	switch old := peer(was); {
	case knownTarget != "":
		m.foreign = append(m.foreign, Foreign{Target: knownTarget, Interface: Interface{Name: known, Type: v.Type}, Gone: true})
		m.to.remove(knownTarget, known)
	case old != "" && m.to.Interface(old) != nil && m.config[old] == nil:
		m.to.remove("", old)
	}
	m.makePeer(i)
}

// check finds contradictions within one interface.
func (m *simulation) check(i *InterfaceConfig, v *Interface) {
	fault := func(key, summary, detail string) {
		m.problem(i.at(key), "contradiction", i.Name+": "+summary, detail)
	}
	if check := checkOf(v.Type); check != nil {
		check(m, i, v, fault)
	}
	m.checkPort(i, fault)
	checkSizes(i, v, fault)
	m.checkTunnelEncap(i, v)
	checkMaddr(i, fault)
	m.sriov(i, v)
	m.ethtool(i, v)
	m.tooOld(i)
	for _, key := range []string{portVLANs, selfVLANs, tunnelInfos, filtering} {
		if reason := m.from.Lacks[filtering]; reason != "" && given(i, key) && i.Attrs[key] != "false" {
			m.problem(i.at(key), "kernel-lacks", i.Name+" cannot have VLANs of a bridge: "+reason, "Run a kernel that has it, or make a bridge for each VLAN.")
		}
	}
	if mtu, err := strconv.ParseUint(i.Attrs["mtu"], 10, 32); err == nil {
		least, _ := strconv.ParseUint(v.Status["min-mtu"], 10, 32)
		most, _ := strconv.ParseUint(v.Status["max-mtu"], 10, 32)
		if mtu < least || (most != 0 && mtu > most) {
			fault("mtu", "mtu "+i.Attrs["mtu"]+" is not within "+v.Status["min-mtu"]+" to "+v.Status["max-mtu"], "The driver does not take another one.")
		}
	}
}

// tooOld refuses what the running kernel would take and pass over.
func (m *simulation) tooOld(i *InterfaceConfig) {
	for _, key := range slices.Sorted(maps.Keys(i.Attrs)) {
		a := AttrByKey(key)
		if reason := m.from.Lacks[key]; reason != "" && a.late(i.Attrs[key]) {
			m.problem(i.at(key), "kernel-lacks", i.Name+" cannot have "+key[strings.LastIndexByte(key, '.')+1:]+": "+reason, "Leave it out, or run a kernel that has it.")
		}
	}
}

// checkMacVlan looks at what belongs to one mode.
func checkMacVlan(_ *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	section := kindOf(v).Section
	mode := v.Attrs[section+".mode"]
	if i.Attrs[section+".promiscuous"] == "false" && mode != "passthru" {
		fault(section+".promiscuous", "`promiscuous: false` is for mode passthru only", "Leave it out.")
	}
	if i.Attrs[section+".source-mac-addresses"] != "" && mode != "source" {
		fault(section+".source-mac-addresses", "a list of source addresses is for mode source only", "Set `mode: source`, or leave the list out.")
	}
}

func checkBridge(_ *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	const delay = "bridge.options.stp.forward-delay"
	if d := hundredths(v.Attrs[delay]); v.Attrs["bridge.options.stp.enabled"] == "true" && v.Attrs[delay] != "" && d < 200 {
		fault(delay, "with STP the forward delay is 2 to 30 seconds, not "+v.Attrs[delay], "Give `forward-delay: 2` or more, or switch STP off.")
	}
	checkForwardMask(i, "bridge.options.group-fwd-mask", 7, fault)
	const snooping, group = "bridge.options.multicast-vlan-snooping", "bridge.options.group-addr"
	if i.Attrs[snooping] == "true" && v.Attrs[filtering] != "true" {
		fault(snooping, "snooping for each VLAN needs `vlan-filtering: true`", "Set it, or leave the snooping out.")
	}
	if mac := i.Attrs[group]; mac != "" && (!strings.HasPrefix(mac, "01:80:c2:00:00:0") || strings.ContainsAny(mac[len(mac)-1:], "123")) {
		fault(group, mac+" is no destination that spanning tree packets may have", "It is 01:80:c2:00:00:0X, where X is neither 1, 2 nor 3.")
	}
}

// checkPort looks at what an interface is given as a port.
func (m *simulation) checkPort(i *InterfaceConfig, fault func(key, summary, detail string)) {
	checkForwardMask(i, "bridge-port.group-fwd-mask", 2, fault)
}

// checkForwardMask looks at bits that the kernel refuses: of STP, pause frames and
// LACP for a bridge, of pause frames for a port.
func checkForwardMask(i *InterfaceConfig, key string, never uint64, fault func(key, summary, detail string)) {
	if mask, err := strconv.ParseUint(i.Attrs[key], 10, 16); err == nil && mask&never != 0 {
		fault(key, "group-fwd-mask has bits that cannot be set", "A bridge never forwards pause frames (2), nor, but for single ports, STP (1) and LACP (4).")
	}
}

func checkVXLAN(_ *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	remote, _ := netip.ParseAddr(v.Attrs["vxlan.remote"])
	local, _ := netip.ParseAddr(v.Attrs["vxlan.local"])
	if remote.IsValid() && local.IsValid() && remote.Is4() != local.Is4() {
		fault("vxlan.remote", "local and remote are of different families", "Give both as IPv4 or both as IPv6.")
	}
	if remote.IsMulticast() && v.Attrs["vxlan.base-iface"] == "" {
		fault("vxlan.remote", "a multicast group needs a `base-iface`", "Name the interface that packets leave by.")
	}
	if i.Attrs["vxlan.vnis"] != "" && v.Attrs["vxlan.vni-filter"] != "true" {
		fault("vxlan.vnis", "entries of a filter need `vni-filter: true`", "Set it, or leave the entries out.")
	}
	if i.Attrs["vxlan.vni-filter"] == "true" && v.Attrs["vxlan.external"] != "true" {
		fault("vxlan.vni-filter", "a VNI filter needs `external: true`", "Set it, or leave the filter out.")
	}
	if i.Attrs["vxlan.generic-protocol"] == "true" && v.Attrs["vxlan.external"] != "true" {
		fault("vxlan.generic-protocol", "the generic protocol extension needs `external: true`", "Set it, or leave the extension out.")
	}
	labelled(i, v, "vxlan", fault, "remote", "local")
}

// ports makes the given list the whole list of a controller's ports.
func (m *simulation) ports(i *InterfaceConfig) {
	m.ownController(i)
	if i.Ports == nil {
		return
	}
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		if v.Netns == "" && attrOf(v, "controller") == i.Name && !slices.Contains(*i.Ports, v.Name) {
			if c := m.config[v.Name]; c != nil && c.Attrs["controller"] == i.Name {
				m.problem(c.at("controller"), "contradiction", v.Name+" names "+i.Name+" as controller, but is not in its list of ports",
					"Add it to the list, or leave `controller` out.")
				continue
			}
			v.Attrs = m.releasedHere(v).Attrs
		}
	}
	for _, name := range *i.Ports {
		m.port(i, name)
	}
}

// port makes one interface a port.
func (m *simulation) port(bridge *InterfaceConfig, name string) {
	v := m.to.Interface(name)
	pos := bridge.at("port." + name)
	own := m.config[name]
	switch {
	case name == bridge.Name:
		m.problem(pos, "circular", name+" cannot be a port of itself", "Take it out of the list.")
		return
	case v == nil:
		m.unknown(pos, "unknown-port", name, " to be a port of "+bridge.Name,
			"Check the name, or make the interface in the same block.")
		return
	case own != nil && own.State != "absent" && own.State != "ignore" && given(own, "controller") && own.Attrs["controller"] != bridge.Name:
		m.problem(own.at("controller"), "contradiction", name+" is in the list of ports of "+bridge.Name+", but names controller "+orNone(own.Attrs["controller"]),
			"Leave one of the two out.")
		return
	}
	for _, other := range m.config {
		if other != bridge && other.Ports != nil && slices.Contains(*other.Ports, name) && other.Name > bridge.Name {
			m.problem(pos, "port-in-two", name+" is in the lists of ports of "+bridge.Name+" and of "+other.Name,
				"A port has one controller: take it out of one list.")
			return
		}
	}
	m.enslave(v, bridge.Name, own)
}

// releasedHere is a port as its controller leaves it. A bond gives its ports
// their own address and MTU back, which nobody knows here.
func (m *simulation) releasedHere(v *Interface) *Interface {
	freed := released(v)
	if bonded(m.from, m.from.Interface(v.Name)) && attrOf(v, "controller") == attrOf(m.from.Interface(v.Name), "controller") {
		c := m.configOf(v)
		for _, key := range []string{"mac-address", "mtu"} {
			if !given(c, key) {
				delete(freed.Attrs, key)
			}
		}
	}
	return freed
}

func given(i *InterfaceConfig, key string) bool {
	_, ok := i.Attrs[key]
	return ok
}

// enslave sets a controller; attributes of the old one's port are gone.
func (m *simulation) enslave(v *Interface, controller string, own *InterfaceConfig) {
	if attrOf(v, "controller") != controller {
		v.Attrs = m.releasedHere(v).Attrs
		v.Attrs = cloneOrNew(v.Attrs)
		if m.to.Interface(controller) != nil && m.to.Interface(controller).Type == "bond" {
			// It gets the bond's.
			for _, key := range []string{"mac-address", "mtu"} {
				if own == nil || !given(own, key) {
					delete(v.Attrs, key)
					v.asked(key)
				}
			}
		}
	}
	v.Attrs = cloneOrNew(v.Attrs)
	v.Attrs["controller"] = controller
	if own == nil {
		return
	}
	for key, value := range own.Attrs {
		if IsPortKey(key) {
			v.Attrs[key] = value
		}
	}
}

// ownController handles `controller` and the attributes of a port on the
// interface itself.
func (m *simulation) ownController(i *InterfaceConfig) {
	v := m.to.Interface(i.Name)
	if v == nil {
		return
	}
	was := m.from.Interface(i.Name)
	if c, ok := i.Attrs["controller"]; ok && (was == nil || attrOf(was, "controller") != c) {
		delete(v.Attrs, "controller")
		if c == "" {
			if was != nil {
				v.Attrs["controller"] = attrOf(was, "controller")
			}
			v.Attrs = m.releasedHere(v).Attrs
		} else {
			m.enslave(v, c, i)
		}
	}
}

// shrinkUppers lets the MTU of what lies on an interface follow it down, as the
// kernel does (macvlan_device_event).
func (m *simulation) shrinkUppers() {
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		if v.Netns != "" || !followsDown(v) {
			continue
		}
		base := m.to.Interface(lower(v))
		if base == nil {
			continue
		}
		least, err := strconv.ParseUint(attrOf(base, "mtu"), 10, 32)
		own, errOwn := strconv.ParseUint(attrOf(v, "mtu"), 10, 32)
		if err != nil || errOwn != nil || own <= least {
			continue
		}
		if c := m.config[v.Name]; c != nil && given(c, "mtu") {
			m.problem(c.at("mtu"), "contradiction", v.Name+": mtu "+attrOf(v, "mtu")+" is more than "+base.Name+"'s "+attrOf(base, "mtu"),
				"An interface cannot carry more than the one that it lies on.")
			continue
		}
		v.Attrs = cloneOrNew(v.Attrs)
		v.Attrs["mtu"] = attrOf(base, "mtu")
		v.asked("mtu")
	}
}

// followsDown tells that an interface's MTU follows that of the one below it
// when that becomes less (macvlan_device_event, vlan_device_event).
func followsDown(i *Interface) bool {
	return i.Type == "mac-vlan" || i.Type == "mac-vtap" || i.Type == "vlan"
}

// dragDown refuses ports that would take a bridge's IPv6 addresses: its MTU
// follows theirs unless one was set, which cannot be seen, and below 1280 it has
// no IPv6.
func (m *simulation) dragDown(c *Config) {
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		if v.Netns != "" || v.Type != "linux-bridge" {
			continue
		}
		now := portsMTU(m.to, v.Name)
		least, err := strconv.Atoi(now)
		if err != nil || least >= leastV6MTU || now == portsMTU(m.from, v.Name) {
			continue
		}
		own := m.config[v.Name]
		has6 := slices.ContainsFunc(v.Addresses, func(a Address) bool { return a.Prefix.Addr().Is6() && !a.Prefix.Addr().IsLinkLocalUnicast() })
		if !has6 || small(v) || own != nil && given(own, "mtu") {
			continue
		}
		pos := c.Interfaces[0].Pos
		for i := range c.Interfaces {
			if p := m.to.Interface(c.Interfaces[i].Name); p != nil && attrOf(p, "controller") == v.Name && attrOf(p, "mtu") == now {
				pos = c.Interfaces[i].at("mtu")
				break
			}
		}
		m.problem(pos, "ipv6-disabled", v.Name+" would follow its ports to an MTU of "+now+", and lose its IPv6 addresses, which need 1280",
			"Give "+v.Name+" an `mtu` of its own, or its ports a larger one.")
	}
}

// firstPorts predicts the hardware address of a bridge that gets its first
// ports: it takes the lowest of theirs (br_stp_recalculate_bridge_id), and does
// not get its own back when they leave.
func (m *simulation) firstPorts() {
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		was := m.from.Interface(v.Name)
		if v.Netns != "" || !takesMAC(v) || was == nil || v.Attrs["mac-address"] != was.Attrs["mac-address"] {
			continue
		}
		if c := m.config[v.Name]; c != nil && given(c, "mac-address") {
			continue
		}
		if mac, gains := firstPortsMAC(m.from, m.to, v.Name); gains {
			v.Attrs = withMAC(v, mac).Attrs
		}
	}
}

// takesMAC tells that an interface without a hardware address of its own takes
// one from its ports.
func takesMAC(i *Interface) bool { return i.Type == "linux-bridge" || i.Type == "bond" }

// firstPortsMAC is the hardware address that a bridge or bond without ports
// takes from those that it gets, "" where that is unknown, and whether it gets
// any: the lowest for a bridge, that of the first for a bond (bond_enslave).
func firstPortsMAC(from, to *State, bridge string) (mac string, gains bool) {
	for i := range from.Interfaces {
		if from.Interfaces[i].Netns == "" && attrOf(&from.Interfaces[i], "controller") == bridge {
			return "", false
		}
	}
	unknown := false
	for i := range to.Interfaces {
		port := &to.Interfaces[i]
		if port.Netns != "" || attrOf(port, "controller") != bridge {
			continue
		}
		own := attrOf(port, "mac-address")
		if v := to.Interface(bridge); v != nil && v.Type == "bond" {
			if was := from.Interface(port.Name); own == "" && was != nil {
				own = attrOf(was, "mac-address")
			}
			return own, true
		}
		gains = true
		unknown = unknown || own == ""
		if mac == "" || own < mac {
			mac = own
		}
	}
	if unknown {
		mac = ""
	}
	return mac, gains
}

// references checks that every interface that is named is there in the end.
func (m *simulation) references(c *Config) {
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		if i.State == "absent" || i.State == "ignore" {
			continue
		}
		v := m.to.Interface(i.Name)
		if v == nil {
			continue
		}
		for _, key := range unionKeys(i.Attrs, nil) {
			m.reference(i, v, key)
		}
		m.portWithAddress(i, v)
		m.withoutIP(i, v)
	}
	m.circles(c)
	m.enslavedWithAddress()
}

func (m *simulation) reference(i *InterfaceConfig, v *Interface, key string) {
	m.ofPrimary(i, v, key)
	attr := AttrByKey(key)
	value := i.Attrs[key]
	if section, _, _ := strings.Cut(key, "."); IsPortKey(key) && kindOf(m.to.Interface(attrOf(v, "controller"))).PortSection != section {
		m.problem(i.at(key), "not-a-port", i.Name+" is no port of a "+strings.TrimSuffix(section, "-port")+", so it has no `"+key+"`",
			"Add it to the list of ports of one, or set `controller`.")
		return
	}
	if attr == nil || attr.Type != LinkRef || value == "" {
		return
	}
	other := m.to.Interface(value)
	switch {
	case other == nil:
		m.unknown(i.at(key), "unknown-interface", value, ", which "+i.Name+" names as its `"+key+"`",
			"Check the name, or make the interface in the same block.")
	case key == "controller" && !kindOf(other).TakesPorts() && KindByName(other.Type) != nil && attrOf(m.from.Interface(i.Name), key) != value:
		m.problem(i.at(key), "not-a-controller", value+" is of type "+other.Type+" and takes no ports", "Name a bridge, or another interface that takes ports.")
	}
}

// circles finds interfaces that lie on themselves, over others.
func (m *simulation) circles(c *Config) {
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		at, seen := m.to.Interface(i.Name), map[string]bool{}
		queue := []*Interface{at}
		for len(queue) > 0 {
			at, queue = queue[0], queue[1:]
			if at == nil || seen[at.Name] {
				continue
			}
			seen[at.Name] = true
			for _, key := range []string{"controller", kindOf(at).Below} {
				name := attrOf(at, key)
				if name == i.Name && (given(i, key) || at.Name != i.Name) {
					m.problem(i.Pos, "circular", i.Name+" lies on itself, by way of "+at.Name, "Take it out of the circle.")
					queue = nil
					break
				}
				if name != "" {
					queue = append(queue, m.to.Interface(name))
				}
			}
		}
	}
}

// portWithAddress refuses addresses on a port of a bridge: packets for them
// would never arrive.
func (m *simulation) portWithAddress(i *InterfaceConfig, v *Interface) {
	controller := m.to.Interface(attrOf(v, "controller"))
	if !kindOf(controller).NoAddresses || len(i.addresses()) == 0 {
		return
	}
	ip := i.IPv4
	if ip == nil || ip.Addresses == nil || len(*ip.Addresses) == 0 {
		ip = i.IPv6
	}
	m.problem(ip.Pos, "address-on-port", i.Name+" is a port of "+controller.Name+" and cannot have addresses",
		"Give the addresses to "+controller.Name+".")
}

// enslavedWithAddress refuses to make a port of an interface that keeps its
// addresses: the way in over them would be cut, and nothing said so.
func (m *simulation) enslavedWithAddress() {
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		was, bridge := m.from.Interface(v.Name), m.to.Interface(attrOf(v, "controller"))
		if v.Netns != "" || was == nil || !kindOf(bridge).NoAddresses || attrOf(was, "controller") == bridge.Name {
			continue
		}
		for a := range v.Addresses {
			if v.Addresses[a].Kernel {
				continue
			}
			c := m.config[bridge.Name]
			if c == nil || c.Ports == nil {
				c = m.config[v.Name]
			}
			if own := m.config[v.Name]; own == nil || len(own.addresses()) == 0 {
				m.problem(c.at("port."+v.Name), "address-on-port",
					v.Name+" becomes a port of "+bridge.Name+" and still has "+v.Addresses[a].Prefix.String(),
					"Give the address to "+bridge.Name+", and write `ipv4: {address: []}` (or ipv6) for "+v.Name+".")
			}
			break
		}
	}
}
