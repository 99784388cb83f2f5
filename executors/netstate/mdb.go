package netstate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// MDBEntry is an entry of the multicast database of a bridge or VXLAN (struct
// br_mdb_entry of linux/if_bridge.h, bridge(8)): a group that a port, or the
// bridge itself, listens to; or a group that a VXLAN sends to Dst.
type MDBEntry struct {
	Device string `json:"device"` // the bridge, or the VXLAN
	Port   string `json:"port"`   // one of its ports, or itself
	// Group is an IPv4 or IPv6 address, or a hardware address.
	Group string `json:"group"`
	VLAN  uint16 `json:"vlan,omitempty"`
	// Source is the only sender that is listened to; invalid for any.
	Source netip.Addr `json:"source,omitzero"`
	// Sources are the senders that are not listened to, or with Include the only
	// ones that are: in the order of their texts, with commas. The kernel makes an
	// entry of each by itself, which is none of its own here.
	Sources string `json:"sources,omitempty"`
	Include bool   `json:"include,omitempty"`
	// State is "permanent" or "temp", which runs out.
	State string `json:"state,omitempty"`
	// Protocol is RTPROT_*: 4 if nobody says otherwise, 2 of what the bridge
	// learned, which Diff leaves alone.
	Protocol uint8 `json:"protocol,omitempty"`
	// Dst and what follows belong to VXLAN, which has several entries of a group,
	// one a remote. 0 of DstPort and VNI is the VXLAN's own; SourceVNI is that of
	// the packets, of one that is external.
	Dst       netip.Addr `json:"dst,omitzero"`
	DstPort   uint16     `json:"dst-port,omitempty"`
	VNI       uint32     `json:"vni,omitempty"`
	SourceVNI uint32     `json:"source-vni,omitempty"`
	Via       string     `json:"via,omitempty"`
}

// What Query.Kinds asks of the kernel for entries: remotes are of VXLANs since
// Linux 6.4, lists and protocols are there since 6.2.
const (
	MDBRemotes = "mdb remote"
	MDBSources = "mdb source-list"
)

// lacking is what an entry is nothing without.
func (c *MDBConfig) lacking() (list []string) {
	if c.Entry.Dst.IsValid() {
		return []string{MDBRemotes}
	}
	if !c.Entry.Plain() {
		return []string{MDBSources}
	}
	return nil
}

// MDBConfig is one entry of mdb (an extension).
type MDBConfig struct {
	Pos    Pos
	Absent bool
	Entry  MDBEntry
}

// CompareMDB orders entries by bridge, port, VLAN, group and source, and those of
// a VXLAN by where they lead.
func CompareMDB(a, b *MDBEntry) int {
	return cmp.Or(strings.Compare(a.Device, b.Device), strings.Compare(a.Port, b.Port), cmp.Compare(a.VLAN, b.VLAN),
		strings.Compare(a.Group, b.Group), a.Source.Compare(b.Source), cmp.Compare(a.SourceVNI, b.SourceVNI), a.Dst.Compare(b.Dst))
}

func equalMDB(a, b *MDBEntry) bool { return *a == *b }

func mdbOf(o Object) *MDBEntry { return o.MDB }

func mdbName(e *MDBEntry) string { return "mdb " + e.Group }

func mdbText(e *MDBEntry) string {
	return strings.Join(append([]string{"dev", e.Device, "port", e.Port}, e.words(false)...), " ")
}

// words are those of bridge(8) for an entry, but for its place and group; with
// key, only those that tell entries apart.
func (e *MDBEntry) words(key bool) []string {
	var w []string
	add := func(word, value string, more bool) {
		if value != "" && (!key || !more) {
			w = append(w, word, value)
		}
	}
	add("vid", number(e.VLAN), false)
	add("src", spelled(e.Source), false)
	if e.State != "" && !key {
		w = append(w, e.State)
	}
	if e.Sources != "" {
		add("filter_mode", e.mode(), true)
	}
	add("source_list", e.Sources, true)
	if e.Protocol != protocolStatic {
		add("proto", protocolName(e.Protocol), true)
	}
	add("dst", spelled(e.Dst), false)
	add("src_vni", number(e.SourceVNI), false)
	add("dst_port", number(e.DstPort), true)
	add("vni", number(e.VNI), true)
	add("via", e.Via, true)
	return w
}

// spelled is an address, "" if there is none.
func spelled(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// mode is what the sources are for, in bridge(8)'s word.
func (e *MDBEntry) mode() string {
	if e.Include {
		return "include"
	}
	return "exclude"
}

// Plain tells that every kernel has words for an entry: those before Linux 6.2
// cannot replace one, and bridge(8) of their time has no verb for it.
func (e *MDBEntry) Plain() bool {
	return !e.Dst.IsValid() && e.Sources == "" && (e.Protocol == 0 || e.Protocol == protocolStatic)
}

func ipMDB(e *Edit) []string {
	command := func(verb string, g *MDBEntry) string {
		w := []string{"bridge", "mdb", verb, "dev", g.Device, "port", g.Port, "grp", g.Group}
		return words(append(w, g.words(verb == "del")...)...)
	}
	before, after := e.Before.MDB, e.After.MDB
	switch {
	case e.Op == Delete:
		return []string{command("del", before)}
	case !after.Plain() || e.Op == Modify && !before.Plain():
		return []string{command("replace", after)}
	case e.Op == Modify:
		return []string{command("del", before), command("add", after)}
	}
	return []string{command("add", after)}
}

// Lists tells that o is the entry that the kernel makes for one of e's sources.
func (e *MDBEntry) Lists(o *MDBEntry) bool {
	if e.Sources == "" || !o.Source.IsValid() {
		return false
	}
	star := *o
	star.Source = netip.Addr{}
	return CompareMDB(e, &star) == 0 && strings.Contains(","+e.Sources+",", ","+o.Source.String()+",")
}

// mdb removes and adds entries.
func (m *simulation) mdb(list []MDBConfig) {
	for i := range list {
		c := &list[i]
		e := c.Entry
		if e.State == "" {
			e.State = "permanent"
			if e.Port == e.Device && !e.Dst.IsValid() {
				e.State = "temp" // as the kernel has it; it does not run out
			}
		}
		if !c.Absent && !m.listens(c) {
			continue
		}
		if e.Protocol == 0 {
			e.Protocol = protocolStatic
		}
		m.vxlanOwn(&e)
		m.to.MDB = slices.DeleteFunc(m.to.MDB, func(o MDBEntry) bool { return CompareMDB(&o, &e) == 0 })
		if !c.Absent {
			m.to.MDB = append(m.to.MDB, e)
			m.kept.MDB = append(m.kept.MDB, e)
		}
	}
	sortBy(m.to.MDB, CompareMDB)
	for i := range list {
		m.listed(&list[i])
	}
}

// listed refuses an entry of a source that a list has, too: it would be the
// list's.
func (m *simulation) listed(c *MDBConfig) {
	e := &c.Entry
	if c.Absent || e.Sources == "" && !e.Source.IsValid() {
		return
	}
	for i := range m.to.MDB {
		if o := &m.to.MDB[i]; o.Protocol != protocolKernel && (e.Lists(o) || o.Lists(e)) {
			m.problem(c.Pos, "contradiction", e.Port+" has the group "+e.Group+" with an entry for a source and with a list that has it", "Leave the source out of the list, or remove its entry with `state: absent`.")
		}
	}
}

// vxlanOwn leaves out what a VXLAN has for all its packets: so does the kernel.
func (m *simulation) vxlanOwn(e *MDBEntry) {
	v := m.to.Interface(e.Device)
	if v == nil || !e.Dst.IsValid() {
		return
	}
	if number(e.VNI) == v.Attrs["vxlan.id"] {
		e.VNI = 0
	}
	if number(e.DstPort) == v.Attrs["vxlan.destination-port"] {
		e.DstPort = 0
	}
}

// listens checks that the bridge of an entry takes it (br_mdb_add).
func (m *simulation) listens(c *MDBConfig) bool {
	e := &c.Entry
	fault := func(code, summary, detail string) bool {
		m.problem(c.Pos, code, summary, detail)
		return false
	}
	if !m.device(c.Pos, e.Device, "the group "+e.Group) || !m.device(c.Pos, e.Port, "the group "+e.Group) {
		return false
	}
	bridge := m.to.Interface(e.Device)
	for _, what := range c.lacking() {
		if reason := m.from.Lacks[what]; reason != "" {
			return fault("kernel-lacks", "the group "+e.Group+" cannot be had: "+reason, "Leave it out, or run a kernel that has it.")
		}
	}
	switch {
	case e.Dst.IsValid() && bridge.Type != "vxlan":
		return fault("contradiction", e.Device+" is of type "+bridge.Type+", not a VXLAN, so that it has no remotes", "Name a VXLAN as `device`, or leave `remote` out.")
	case e.Dst.IsValid() && e.SourceVNI != 0 && attrOf(bridge, "vxlan.external") != "true":
		return fault("contradiction", e.Device+" has one identifier for all packets, so that it takes no `source-vni`", "Leave it out, or make the VXLAN `external`.")
	case e.Dst.IsValid():
		return e.Via == "" || m.device(c.Pos, e.Via, "the group "+e.Group)
	case bridge.Type == "vxlan":
		return fault("missing-key", "a VXLAN sends the group "+e.Group+" nowhere", "Add `remote:`, the address of the host that listens.")
	case bridge.Type != "linux-bridge":
		return fault("contradiction", e.Device+" is of type "+bridge.Type+", not a bridge", "Name a bridge as `device`, and its port as `port`.")
	case !m.to.hasPort(e):
		return fault("not-a-port", e.Port+" is no port of "+e.Device, "Make it one, or name another port.")
	case attrOf(bridge, "state") == "down":
		return fault("interface-down", e.Device+" is down, so that the kernel takes no groups", "Add the bridge with `state: up`.")
	case attrOf(bridge, "bridge.options.multicast-snooping") == "false":
		return fault("contradiction", e.Device+" does no multicast snooping, so that it has no groups", "Set `multicast-snooping: true`.")
	case attrOf(bridge, filtering) == "true" && e.VLAN == 0:
		return fault("missing-key", e.Device+" keeps VLANs apart, and the group "+e.Group+" has none", "Add `vlan:`.")
	}
	// Else the kernel takes lists, and neither uses them nor tells of them, and
	// looks no entry of a source up (br_mdb_get).
	if key, version, tells := e.tellsSenders(bridge); !tells && (e.Sources != "" || e.Source.IsValid() && !m.idle(e)) {
		return fault("contradiction", e.Device+" does not tell the senders of "+e.Group+" apart, so that the entry would have no effect",
			"Set `"+key+": "+version+"` among the bridge's options.")
	}
	return true
}

// tellsSenders tells that a bridge tells apart who sends to the group of an entry,
// and which option says so. Where each VLAN does its own snooping that is not
// seen, and is taken to be so of an entry for one sender.
func (e *MDBEntry) tellsSenders(bridge *Interface) (key, version string, yes bool) {
	key, version = "multicast-igmp-version", "3"
	if strings.Contains(e.Group, ":") {
		key, version = "multicast-mld-version", "2"
	}
	own := e.Sources == "" && attrOf(bridge, "bridge.options.multicast-vlan-snooping") == "true"
	return key, version, own || attrOf(bridge, "bridge.options."+key) == version
}

// idle tells that an entry is there and has no effect: nothing is made worse when
// it is told again.
func (m *simulation) idle(e *MDBEntry) bool {
	_, _, tells := e.tellsSenders(m.from.Interface(e.Device))
	return !tells && slices.ContainsFunc(m.from.MDB, func(o MDBEntry) bool { return CompareMDB(&o, e) == 0 })
}

// hasPort tells that the port of an entry is in its bridge.
func (s *State) hasPort(e *MDBEntry) bool {
	port := s.Interface(e.Port)
	return s.Interface(e.Device) != nil && port != nil && (e.Port == e.Device || attrOf(port, "controller") == e.Device)
}

// mdb tells when the kernel forgets an entry: with its bridge, and when its port
// leaves.
func (l *losses) mdb(e *MDBEntry) moment {
	if gone := l.trans[e.Device].gone; gone != never {
		return gone
	}
	t := l.trans[e.Port]
	if t.gone != never {
		return t.gone
	}
	if t.released && e.Port != e.Device {
		return early
	}
	return never
}

// mdb finds the edits of multicast databases. What bridges learned is their own.
func (d *differ) mdb() {
	learned := func(e *MDBEntry) bool { return e == nil || e.Protocol == protocolKernel }
	eachPair(d.from.MDB, d.to.MDB, CompareMDB, equalMDB, func(p pair[MDBEntry]) {
		before, after := p.before, p.after
		if learned(before) {
			before = nil
		}
		if learned(after) {
			after = nil
		}
		if before == nil && after == nil {
			return
		}
		when := never
		if before != nil {
			when = d.losses.mdb(before)
		}
		if when == never && after == nil && slices.ContainsFunc(d.to.MDB, func(e MDBEntry) bool { return e.Lists(before) || before.Lists(&e) }) {
			// A list would take the entry of its source along, whoever made it.
			d.addressEarly = append(d.addressEarly, Edit{Op: Delete, Before: Object{MDB: before}})
			return
		}
		d.entry(Object{MDB: before}, Object{MDB: after}, before != nil, after != nil,
			before != nil && after != nil && equalMDB(before, after), when)
	})
}

// protocolKernel is RTPROT_KERNEL.
const protocolKernel = 2
