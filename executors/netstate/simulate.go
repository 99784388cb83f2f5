package netstate

// Simulate returns the state that s becomes when c is asked for, without what
// cannot be known before (addresses that the kernel makes up), the effects on
// other targets, and the faults of c against s. With faults the state is of no
// use. s is not changed.
func Simulate(s *State, c *Config) (*State, []Foreign, []Problem) {
	from := s.ordered()
	if c != nil && !c.setsApart() {
		from, c = from.Expanded(), c.expanded()
	}
	m := &simulation{from: from, to: from.Clone(), kept: &State{}, config: map[string]*InterfaceConfig{}, made: map[string]bool{}}
	if c == nil {
		return m.to, nil, nil
	}
	m.to.Secrets = c.Secrets
	m.namespaces(c.Namespaces)
	m.sysctlsGiven = c.Sysctls
	m.interfaces(c)
	m.sysctls(c)
	m.inet6All(c)
	if len(m.problems) == 0 {
		settleLinks(m.from, m.to)
		m.vanished(c)
		m.unseen()
		m.references(c)
		m.receivers(c)
		m.ipVlanSiblings(c)
		m.tunnelTwins(c)
	}
	m.namespacesGone(c.Namespaces)
	m.encaps(c)
	m.nexthops(c.Nexthops)
	m.routes(c.Routes)
	m.mpls(c.MPLS)
	m.rules(c.Rules)
	m.neighbors(c.Neighbors)
	m.fdb(c.FDB)
	m.unusedNexthops()
	m.mdb(c.MDB)
	m.dns(c.DNS)
	m.xfrm(c.Xfrm)
	m.mptcp(c.MPTCP)
	m.trafficControl(c)
	m.kept.Sort()
	settle(m.from, m.to, m.kept)
	m.to.Sort()
	sortStable(m.problems, func(a, b *Problem) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Column - b.Pos.Column
	})
	return m.to, m.foreign, m.problems
}

// simulation is one run of Simulate.
type simulation struct {
	from, to *State
	// kept is what the configuration declares: it is there in the end even if
	// the kernel drops it on the way.
	kept     *State
	config   map[string]*InterfaceConfig
	gone     []*NexthopConfig // nexthop objects that are removed
	made     map[string]bool  // interfaces that the configuration makes
	foreign  []Foreign
	problems []Problem
	reach    *reach
	// byAltName is which interface has an alternative name in a namespace.
	byAltName map[[2]string]string

	sysctlsGiven []SysctlConfig
}

func (m *simulation) problem(pos Pos, code, summary, detail string) {
	m.problems = append(m.problems, Problem{Pos: pos, Code: code, Summary: summary, Detail: detail})
}

// at is the place of an attribute, or of its interface.
func (i *InterfaceConfig) at(key string) Pos {
	if p, ok := i.AttrPos[key]; ok {
		return p
	}
	return i.Pos
}

// interfaces makes, removes and changes interfaces: first all that go, then all
// that come, then what they are to be like.
func (m *simulation) interfaces(c *Config) {
	var live []*InterfaceConfig
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		if m.config[i.Name] != nil {
			m.problem(i.Pos, "duplicate-interface", "interface "+i.Name+" stands twice", "Put everything about it into one entry.")
			continue
		}
		m.config[i.Name] = i
		switch i.State {
		case "ignore":
		case "absent":
			m.drop(i)
		default:
			m.elsewhere(i)
			live = append(live, i)
		}
	}
	for _, i := range live {
		m.make(i)
	}
	for _, i := range live {
		if v := m.present(i); v != nil {
			m.attributes(i, v)
		}
	}
	for _, i := range live {
		m.ports(i)
	}
	m.filterVLANs()
	m.movePVIDs()
	m.vlanTunnels()
	m.mst()
	for _, i := range live {
		m.addresses(i)
	}
	for _, i := range live {
		if target := i.Attrs["netns"]; target != "" {
			m.move(i, target)
		}
	}
	m.runnersPorts()
	m.ofDaemons()
	m.dragUppers()
	m.shrinkUppers()
	m.dragDown(c)
	m.firstPorts()
}

// drop removes an interface and what the kernel removes with it.
func (m *simulation) drop(i *InterfaceConfig) {
	v := m.to.Interface(i.Name)
	if v == nil {
		m.namedOtherwise(i.Pos, "", i.Name)
		return
	}
	if i.Type != "" && !sameType(i.Type, v.Type) {
		m.problem(i.Pos, "type-mismatch", i.Name+" is of type "+v.Type+", not "+i.Type, "Write the type that it has, or leave the type out.")
		return
	}
	if k := KindByName(v.Type); k != nil && !k.Creatable {
		m.problem(i.Pos, "not-removable", i.Name+" cannot be removed: it is no virtual interface", "Use `state: down`, or empty address lists.")
		return
	}
	if name, t := v.Peer(); t != "" {
		m.foreign = append(m.foreign, Foreign{Target: t, Interface: Interface{Name: name, Type: v.Type}, Gone: true})
		m.to.remove(t, name)
	}
	if p := peer(v); p != "" && m.to.Interface(p) != nil {
		m.to.remove("", p)
	}
	m.to.remove("", i.Name)
}

// vanished refuses what is said of interfaces that go with others.
func (m *simulation) vanished(c *Config) {
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		if i.State != "absent" && i.State != "ignore" && m.config[i.Name] == i && m.present(i) == nil {
			m.problem(i.Pos, "contradiction", i.Name+" vanishes with an interface that is removed: the one that it lies on, or its peer",
				"Write `state: absent` for it, too, or leave the other one.")
		}
	}
}

// sameType compares a type that is asked for with the one that is there; as in
// nmstate a veth may be called ethernet.
func sameType(asked, there string) bool {
	return asked == there || (asked == "ethernet" && there == "veth")
}

// present is the interface of a configuration, in this namespace or in the one
// that it has been moved to.
func (m *simulation) present(i *InterfaceConfig) *Interface {
	if v := m.to.Interface(i.Name); v != nil {
		return v
	}
	if target := i.Attrs["netns"]; target != "" {
		return m.to.interfaceIn(target, i.Name)
	}
	return nil
}

// make puts an interface that is not there, and the far end of a veth.
func (m *simulation) make(i *InterfaceConfig) {
	if v := m.present(i); v != nil {
		if i.Type != "" && !sameType(i.Type, v.Type) && !m.made[i.Name] {
			m.problem(i.at("type"), "type-mismatch", i.Name+" is there and is of type "+v.Type+", not "+i.Type,
				"Choose another name, or remove the interface first, with `state: absent` in a block before this one.")
		}
		return
	}
	kind := KindByName(i.Type)
	switch {
	case m.namedOtherwise(i.Pos, i.Attrs["netns"], i.Name):
		return
	case m.peerDeclared(i):
		return // made together with its other end
	case i.Type == "":
		m.problem(i.Pos, "unknown-interface", "there is no interface "+i.Name, "Check the name, or give it a `type` to make it.")
		return
	case kind == nil || !kind.Creatable:
		m.problem(i.Pos, "unknown-interface", "there is no interface "+i.Name+", and type "+i.Type+" cannot be made",
			"Check the name. `ip link` lists the interfaces of the target.")
		return
	}
	if reason := m.from.Lacks[kind.Name]; reason != "" {
		m.problem(i.at("type"), "kernel-lacks", i.Name+" cannot be made: "+reason,
			"Install or load the module, or run a kernel that has it. `modprobe "+kind.Module+"` tells more.")
		return
	}
	m.require(i, kind)
	v := Interface{Name: i.Name, Type: i.Type, Attrs: Attrs{"state": "up"}}
	m.made[i.Name] = true
	if kind.Pair {
		m.makePeer(i)
		v.Attrs[kind.PeerKey()] = i.Attrs[kind.PeerKey()]
		if t := i.Attrs[kind.PeerTargetKey()]; t != "" {
			v.Attrs[kind.PeerTargetKey()] = t
		}
	}
	if kind == &netkit {
		v.Attrs["netkit.mode"] = "l3" // what tells the primary end
	}
	if kind == &vxlan && i.Attrs["vxlan.external"] == "true" {
		v.Attrs["vxlan.learning"] = "false" // as ip(8): each packet says where it goes
	}
	m.to.put(v)
}

// peerDeclared tells that one of a pair without peer of its own is the peer of
// another one in the configuration.
func (m *simulation) peerDeclared(i *InterfaceConfig) bool {
	if name, _ := i.peer(i.Type); name != "" || (!paired(i.Type) && i.Type != "ethernet" && i.Type != "") {
		return false
	}
	for _, other := range m.config {
		name, target := other.peer(other.Type)
		if name == i.Name && target == "" && other.State != "absent" && other.State != "ignore" && m.from.Interface(other.Name) == nil {
			return true
		}
	}
	return false
}

// peer is the other end that a configuration names for an interface of a type.
func (i *InterfaceConfig) peer(typ string) (name, target string) {
	k := KindByName(typ)
	return i.Attrs[k.PeerKey()], i.Attrs[k.PeerTargetKey()]
}

// makePeer puts the other end of a new pair.
func (m *simulation) makePeer(i *InterfaceConfig) {
	typ := i.Type
	if !paired(typ) {
		typ = "veth" // also called ethernet
	}
	name, target := i.peer(typ)
	key := KindByName(typ).PeerKey()
	if name == "" {
		return
	}
	if name == i.Name && target == "" {
		m.problem(i.at(key), "circular", i.Name+" cannot be its own peer", "Name the other end differently.")
		return
	}
	if m.to.interfaceIn(target, name) != nil {
		m.problem(i.at(key), "peer-exists", "the peer "+name+" is there already, without "+i.Name,
			"Choose another name for the peer, or remove it first.")
		return
	}
	if m.namedOtherwise(i.at(key), target, name) {
		return
	}
	far := Interface{Name: name, Type: typ, Netns: target, Attrs: Attrs{"state": "up", key: i.Name}}
	if typ == netkit.Name {
		far.Status = Attrs{"netkit.primary": "false"}
	}
	if target != "" {
		abroad := far.clone()
		abroad.Netns = ""
		m.foreign = append(m.foreign, Foreign{Target: target, Interface: abroad})
	} else {
		m.made[name] = true
	}
	m.to.put(far)
}

// require checks that a new interface has what its kind cannot be without.
func (m *simulation) require(i *InterfaceConfig, kind *Kind) {
	for _, key := range kind.Needs {
		if i.Attrs[key] == "" && i.Attrs[kind.Section+".external"] != "true" {
			m.problem(i.Pos, "missing-key", i.Name+" needs `"+key+"`", "Type "+kind.Name+" cannot be made without it.")
		}
	}
}

// move puts an interface into another namespace. What was on it is lost.
func (m *simulation) move(i *InterfaceConfig, target string) {
	v := m.to.Interface(i.Name)
	if v == nil {
		return // it is there already
	}
	if m.to.interfaceIn(target, i.Name) != nil {
		m.problem(i.at("netns"), "type-mismatch", target+" has an interface "+i.Name+" already", "Rename or remove one of the two.")
		return
	}
	if len(i.addresses()) > 0 {
		m.problem(i.Pos, "contradiction", i.Name+" is moved to "+target+" and cannot be given addresses here",
			"Give it addresses in a block on "+target+".")
	}
	moved := *withoutInet6(v, func(key string) bool { return given(i, key) })
	if !given(i, multicastMACs) {
		delete(moved.Attrs, multicastMACs)
	}
	moved.Addresses = nil
	moved.Netns = target
	moved.LowerHere = m.to.Interface(lower(&moved)) != nil
	if moved.Attrs["controller"] != "" {
		moved = *released(&moved)
		moved.Netns = target
	}
	m.to.remove("", i.Name)
	m.to.put(moved)
	abroad := moved.clone()
	abroad.Netns = ""
	m.foreign = append(m.foreign, Foreign{Target: target, Interface: abroad})
}

// addresses are those of both families that the configuration gives.
func (i *InterfaceConfig) addresses() []Address {
	var list []Address
	for _, ip := range []*IPConfig{i.IPv4, i.IPv6} {
		if ip != nil && ip.Addresses != nil {
			list = append(list, *ip.Addresses...)
		}
	}
	return list
}
