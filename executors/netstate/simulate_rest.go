package netstate

import (
	"cmp"
	"slices"
	"strings"
)

// defaultPriority is the priority of a rule that has none, as in nmstate.
const defaultPriority = 30000

// rules removes and adds rules.
func (m *simulation) rules(list []RuleConfig) {
	for i := range list {
		c := &list[i]
		if c.Absent {
			m.to.Rules = slices.DeleteFunc(m.to.Rules, func(r Rule) bool { return c.matches(&r) })
		}
	}
	for i := range list {
		if !list[i].Absent {
			m.rule(&list[i])
		}
	}
	sortBy(m.to.Rules, CompareRules)
}

func (m *simulation) rule(c *RuleConfig) {
	r := c.Rule
	if ruleAction(&r) == "lookup" && r.Table == 0 && !r.L3MDev {
		r.Table = mainTable
	}
	same := func(o Rule) bool {
		w := r
		if !c.Has["priority"] {
			w.Priority = o.Priority
		}
		return CompareRules(&o, &w) == 0 && (r.Protocol == 0 || o.Protocol == r.Protocol)
	}
	if slices.ContainsFunc(m.to.Rules, same) {
		return
	}
	if !c.Has["priority"] {
		r.Priority = defaultPriority
	}
	if r.Protocol == 0 {
		r.Protocol = protocolStatic
	}
	m.to.Rules = append(m.to.Rules, r)
}

// matches tells whether an entry with `state: absent` means the rule. The three
// rules that the kernel begins with are meant only when their priority is given.
func (c *RuleConfig) matches(r *Rule) bool {
	w := &c.Rule
	if !c.Has["priority"] && (r.Priority == 0 || r.Priority == 32766 || r.Priority == 32767) {
		return false
	}
	differ := map[string]bool{
		"family": w.Family != r.Family, "priority": w.Priority != r.Priority,
		"ip-from": w.From != r.From, "ip-to": w.To != r.To, "iif": w.IIF != r.IIF, "oif": w.OIF != r.OIF,
		"fwmark": w.FwMark != r.FwMark, "fwmask": w.FwMask != r.FwMask, "tos": w.TOS != r.TOS, "not": w.Not != r.Not,
		"action": ruleAction(w) != ruleAction(r), "route-table": w.Table != r.Table, "goto": w.Goto != r.Goto,
		"suppress-prefix-length": comparePointers(w.SuppressPrefixLength, r.SuppressPrefixLength) != 0,
		"suppress-group":         comparePointers(w.SuppressGroup, r.SuppressGroup) != 0,
		"ip-proto":               w.IPProto != r.IPProto, "source-ports": w.SourcePorts != r.SourcePorts,
		"destination-ports": w.DestinationPorts != r.DestinationPorts, "uid-range": w.UIDRange != r.UIDRange,
		"l3mdev": w.L3MDev != r.L3MDev, "protocol": w.Protocol != r.Protocol,
	}
	for key := range c.Has {
		if differ[key] {
			return false
		}
	}
	return true
}

// neighbors removes and adds entries.
func (m *simulation) neighbors(list []NeighborConfig) {
	for i := range list {
		c := &list[i]
		n := c.Neighbor
		m.to.Neighbors = slices.DeleteFunc(m.to.Neighbors, func(o Neighbor) bool { return CompareNeighbors(&o, &n) == 0 })
		if c.Absent {
			continue
		}
		if n.State == "" && !n.Proxy {
			n.State = "permanent"
		}
		n.MAC = strings.ToLower(n.MAC)
		if m.device(c.Pos, n.Device, "the neighbour "+n.IP.String()) {
			m.to.Neighbors = append(m.to.Neighbors, n)
			m.kept.Neighbors = append(m.kept.Neighbors, n)
		}
	}
	sortBy(m.to.Neighbors, CompareNeighbors)
}

// device checks that an interface that something hangs on is there.
func (m *simulation) device(pos Pos, name, what string) bool {
	if m.to.Interface(name) != nil {
		return true
	}
	m.unknown(pos, "unknown-interface", name, " for "+what, "Check the name, or make the interface in the same block.")
	return false
}

// fdb removes and adds forwarding entries.
func (m *simulation) fdb(list []FDBConfig) {
	for i := range list {
		e := m.fillFDB(list[i].Entry)
		m.fdbInVLANs(&e, list[i].Absent)
	}
	for i := range list {
		c := &list[i]
		e := m.fillFDB(c.Entry)
		m.to.FDB = slices.DeleteFunc(m.to.FDB, func(o FDBEntry) bool {
			return !o.Kernel && CompareFDB(&o, &e) == 0 && (!c.Absent || sameRemote(&o, &e))
		})
		if c.Absent {
			continue
		}
		other := func(o FDBEntry) bool { return CompareFDB(&o, &e) == 0 && !sameRemote(&o, &e) }
		if n := slices.IndexFunc(m.kept.FDB, other); n >= 0 {
			m.problem(c.Pos, "contradiction", e.MAC+" of "+e.Device+" would lead to "+m.kept.FDB[n].Dst.String()+" and to "+e.Dst.String(),
				"A VXLAN sends packets for one host to one remote: leave one of the two out.")
		}
		if m.device(c.Pos, e.Device, "the forwarding entry "+e.MAC) && m.ownerThere(c, &e) && m.leadsSomewhere(c, &e) {
			m.to.FDB = append(m.to.FDB, e)
			m.kept.FDB = append(m.kept.FDB, e)
		}
	}
	sortBy(m.to.FDB, CompareFDB)
}

// fillFDB decides whose table an entry is in, and what state it has, when it
// does not say so.
func (m *simulation) fillFDB(e FDBEntry) FDBEntry {
	e.MAC = strings.ToLower(e.MAC)
	v := m.to.Interface(e.Device)
	if v != nil && v.Type == "vxlan" {
		if port := number(e.Port); port == cmp.Or(v.Attrs["vxlan.destination-port"], "8472") {
			e.Port = 0
		}
		if number(e.VNI) == v.Attrs["vxlan.id"] {
			e.VNI = 0
		}
	}
	if e.Owner == "" {
		e.Owner = fdbOwner(&e)
		if v != nil && attrOf(v, "controller") == "" {
			e.Owner = "self"
		}
	}
	if e.State == "" {
		e.State = "permanent"
		if e.Owner == "master" {
			e.State = "static"
		}
	}
	return e
}

func (m *simulation) ownerThere(c *FDBConfig, e *FDBEntry) bool {
	v := m.to.Interface(e.Device)
	if e.Owner == "master" && attrOf(v, "controller") == "" && v.Type != "linux-bridge" {
		m.problem(c.Pos, "not-a-port", e.Device+" is no port of a bridge, so that there is no bridge to keep the entry "+e.MAC,
			"Make it a port, or write `owner: self`.")
		return false
	}
	if e.Owner == "self" && e.State == "static" && v.Type != "vxlan" && v.Type != "linux-bridge" {
		m.problem(c.Pos, "contradiction", "the table of "+e.Device+" itself has permanent entries only", "Write `state: permanent`, or leave it out.")
		return false
	}
	return true
}

// leadsSomewhere refuses what only a VXLAN has elsewhere, a source VNI where all
// packets have one, and a nexthop object that is not there or not for entries.
func (m *simulation) leadsSomewhere(c *FDBConfig, e *FDBEntry) bool {
	v := m.to.Interface(e.Device)
	nexthop := m.to.nexthop(e.NexthopID)
	before := findFDB(m.from.FDB, e)
	switch {
	case e.NexthopID == 0 && e.SourceVNI == 0:
		return true
	case v.Type != "vxlan":
		m.problem(c.Pos, "contradiction", e.Device+" is no VXLAN, so that its entries have neither `nexthop-id` nor `source-vni`", "Leave them out.")
	case e.SourceVNI != 0 && attrOf(v, "vxlan.external") != "true":
		m.problem(c.Pos, "contradiction", e.Device+" has one identifier for all packets, so that it takes no `source-vni`", "Leave it out, or make the VXLAN `external`.")
	case e.NexthopID == 0:
		return true
	case nexthop == nil:
		m.problem(c.Pos, "unknown-nexthop", "there is no nexthop "+number(e.NexthopID)+" for the forwarding entry "+e.MAC,
			"Check `nexthop-id`, or make the object with `nexthops` in the same block.")
	case !nexthop.FDB || len(nexthop.Group) == 0:
		m.problem(c.Pos, "contradiction", nexthopName(nexthop)+" is no group with `fdb: true`, which the kernel wants for a forwarding entry",
			"Make one, of objects with `fdb: true`; the group may have one member.")
	case before != nil && before.NexthopID == 0:
		m.problem(c.Pos, "contradiction", "the forwarding entry "+e.MAC+" leads elsewhere without a nexthop object, and the kernel does not change that",
			"Remove the entry in a block before this one.")
	default:
		return true
	}
	return false
}

// sysctls sets kernel parameters, with those that they drag along.
func (m *simulation) sysctls(c *Config) {
	var own []SysctlConfig
	for i := range c.Interfaces {
		if s := c.Interfaces[i].State; s != "absent" && s != "ignore" {
			own = append(own, c.Interfaces[i].Sysctls...)
		}
	}
	seen := map[string]string{}
	for _, s := range c.Sysctls {
		m.sysctlConfig(s, seen)
	}
	for key, value := range impliedSysctls(m.from, m.to) {
		if _, ok := seen[key]; !ok {
			m.setSysctl(key, value)
		}
	}
	for _, s := range own {
		m.sysctlConfig(s, seen)
	}
	m.disabledByAll()
}

func (m *simulation) sysctlConfig(s SysctlConfig, seen map[string]string) {
	if other, ok := seen[s.Key]; ok && !sameSysctl(other, s.Value) {
		m.problem(s.Pos, "contradiction", "sysctl "+s.Key+" stands twice, with different values", "Leave one of the two out.")
		return
	}
	seen[s.Key] = s.Value
	device := sysctlDevice(s.Key)
	was, known := m.from.Sysctls[s.Key]
	switch {
	case device != "" && m.to.Interface(device) == nil:
		m.unknown(s.Pos, "unknown-interface", device, " for sysctl "+s.Key, "Check the name, or make the interface in the same block.")
		return
	case device == "" && !known:
		m.problem(s.Pos, "unknown-sysctl", "there is no sysctl "+s.Key, "Check the name; `sysctl -a` lists what the target's kernel has.")
		return
	case device != "" && strings.HasPrefix(s.Key, "net.ipv6.conf.") && small(m.to.Interface(device)):
		m.problem(s.Pos, "ipv6-disabled", device+" has an MTU below 1280, so that it has no IPv6, and no "+s.Key, "Give it a larger `mtu`, or leave the parameter out.")
		return
	case known && sameSysctl(was, s.Value):
		m.setSysctl(s.Key, was)
		return
	}
	m.setSysctl(s.Key, s.Value)
}

// sameSysctl compares values, whatever the white space between their fields.
func sameSysctl(a, b string) bool {
	return a == b || slices.Equal(strings.Fields(a), strings.Fields(b))
}

func (m *simulation) setSysctl(key, value string) {
	if m.to.Sysctls == nil {
		m.to.Sysctls = map[string]string{}
	}
	if fields := strings.Fields(value); len(fields) > 1 {
		value = strings.Join(fields, "\t") // as the kernel shows it
	}
	m.to.Sysctls[key] = value
}

// disabledByAll takes the IPv6 addresses away that go with disable_ipv6, which
// settle sees only for each interface by itself.
func (m *simulation) disabledByAll() {
	key := "net.ipv6.conf.all.disable_ipv6"
	if m.to.Sysctls[key] != "1" || m.from.Sysctls[key] == "1" {
		return
	}
	for i := range m.to.Interfaces {
		if v := &m.to.Interfaces[i]; v.Netns == "" {
			m.setSysctl("net.ipv6.conf."+sysctlName(v.Name)+".disable_ipv6", "1")
		}
	}
}
