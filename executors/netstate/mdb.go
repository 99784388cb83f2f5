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
	// State is "permanent" or "temp", which runs out.
	State string `json:"state,omitempty"`
	// Protocol is RTPROT_*: 2 of what the bridge learned, which Diff leaves
	// alone.
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

func equalMDB(a, b *MDBEntry) bool {
	return a.State == b.State && a.DstPort == b.DstPort && a.VNI == b.VNI && a.Via == b.Via && (a.Protocol == protocolKernel) == (b.Protocol == protocolKernel)
}

func mdbOf(o Object) *MDBEntry { return o.MDB }

func mdbName(e *MDBEntry) string { return "mdb " + e.Group }

func mdbText(e *MDBEntry) string {
	w := []string{"dev", e.Device, "port", e.Port}
	if e.VLAN != 0 {
		w = append(w, "vid", number(e.VLAN))
	}
	if e.Source.IsValid() {
		w = append(w, "src", e.Source.String())
	}
	if e.State != "" {
		w = append(w, e.State)
	}
	return strings.Join(append(w, e.remote(false)...), " ")
}

// remote are the words of bridge(8) for where a VXLAN sends a group; with key,
// only those that tell entries apart.
func (e *MDBEntry) remote(key bool) []string {
	if !e.Dst.IsValid() {
		return nil
	}
	w := []string{"dst", e.Dst.String()}
	add := func(word, value string) {
		if value != "" {
			w = append(w, word, value)
		}
	}
	add("src_vni", number(e.SourceVNI))
	if !key {
		add("dst_port", number(e.DstPort))
		add("vni", number(e.VNI))
		add("via", e.Via)
	}
	return w
}

func ipMDB(e *Edit) string {
	g := e.object().MDB
	w := []string{"bridge", "mdb", map[Op]string{Add: "replace", Modify: "replace", Delete: "del"}[e.Op], "dev", g.Device, "port", g.Port, "grp", g.Group}
	if g.Source.IsValid() {
		w = append(w, "src", g.Source.String())
	}
	if e.Op != Delete && (g.Port != g.Device || g.Dst.IsValid()) {
		w = append(w, g.State)
	}
	w = append(w, g.remote(e.Op == Delete)...)
	if g.VLAN != 0 {
		w = append(w, "vid", number(g.VLAN))
	}
	return words(w...)
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
		e.Protocol = protocolStatic
		m.vxlanOwn(&e)
		m.to.MDB = slices.DeleteFunc(m.to.MDB, func(o MDBEntry) bool { return CompareMDB(&o, &e) == 0 })
		if !c.Absent {
			m.to.MDB = append(m.to.MDB, e)
			m.kept.MDB = append(m.kept.MDB, e)
		}
	}
	sortBy(m.to.MDB, CompareMDB)
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
	return true
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
		d.entry(Object{MDB: before}, Object{MDB: after}, before != nil, after != nil,
			before != nil && after != nil && equalMDB(before, after), when)
	})
}

// protocolKernel is RTPROT_KERNEL.
const protocolKernel = 2
