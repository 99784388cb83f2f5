package linux

import (
	"context"
	"net"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// What neighbour.h has and x/sys has not.
const (
	ntfSticky = 0x40
	ndaNHID   = 13
)

// observeFDB fills in the forwarding entries of bridges and VXLANs.
func (n *Namespace) observeFDB(ctx context.Context, s *netstate.State, raw []rawLink, l *links) error {
	own := ownAddresses(raw, l)
	if err := own.readFilters(ctx, n, raw); err != nil {
		return err
	}
	return n.dump(ctx, unix.RTM_GETNEIGH, func(m *message) {
		m.neigh(unix.AF_BRIDGE, 0, 0, 0)
	}, func() { s.FDB = []netstate.FDBEntry{} }, func(r reply) {
		if e, ok := decodeFDB(r.body, l); r.typ == unix.RTM_NEWNEIGH && ok {
			e.Kernel = own.kernel(&e)
			s.FDB = append(s.FDB, e)
		}
	})
}

// decodeFDB reads struct ndmsg of family AF_BRIDGE and its attributes.
func decodeFDB(b []byte, l *links) (e netstate.FDBEntry, ok bool) {
	if len(b) < unix.SizeofNdMsg || b[0] != unix.AF_BRIDGE {
		return e, false
	}
	e.Device = l.name(int(u32(b[4:])))
	state, flags := u16(b[8:]), b[10]
	switch {
	case state&unix.NUD_PERMANENT != 0:
		e.State = "permanent"
	case state&unix.NUD_NOARP != 0:
		e.State = "static"
	default:
		e.State = "dynamic"
	}
	switch {
	case flags&unix.NTF_SELF != 0:
		e.Owner = "self"
	default:
		e.Owner = "master"
	}
	e.Sticky, e.Learned = flags&ntfSticky != 0, flags&unix.NTF_EXT_LEARNED != 0
	for typ, p := range attributes(b[unix.SizeofNdMsg:]) {
		switch typ {
		case unix.NDA_LLADDR:
			e.MAC = net.HardwareAddr(p).String()
		case unix.NDA_VLAN:
			e.VLAN = u16(p)
		case unix.NDA_DST:
			e.Dst = address(p)
		case unix.NDA_PORT:
			e.Port = be16(p)
		case unix.NDA_VNI: // told where it differs from the interface's
			e.VNI = u32(p)
		case unix.NDA_SRC_VNI: // of a VXLAN with external addresses
			e.SourceVNI = u32(p)
		case ndaNHID:
			e.NexthopID = u32(p)
		case unix.NDA_IFINDEX:
			e.Via = l.name(int(u32(p)))
		}
	}
	return e, e.MAC != ""
}

// owned knows the addresses for which the kernel itself makes entries.
type owned struct {
	macs    map[string]bool
	remotes map[string]string // of VXLANs, by interface
	filters map[string][]netstate.VNIRange
}

// defaultOf is where a VXLAN sends what it knows nothing better for: with a
// filter, each identifier may have a place of its own.
func (o owned) defaultOf(e *netstate.FDBEntry) string {
	filter, filtered := o.filters[e.Device]
	for _, r := range filter {
		if e.VNI >= r.Min && e.VNI <= r.Max && r.Group.IsValid() {
			return r.Group.String()
		}
	}
	if !filtered && (e.VNI != 0 || e.SourceVNI != 0) {
		return ""
	}
	return o.remotes[e.Device]
}

func ownAddresses(raw []rawLink, l *links) owned {
	o := owned{macs: map[string]bool{}, remotes: map[string]string{}}
	for i := range raw {
		r := &raw[i]
		if b := r.attrs.get(unix.IFLA_ADDRESS); len(b) == 6 {
			o.macs[net.HardwareAddr(b).String()] = true
		}
		if r.kind == "vxlan" {
			o.remotes[r.name()] = interfaceOf(r, l).Attrs["vxlan.remote"]
		}
	}
	return o
}

// readFilters fills in the filters of VXLANs that have one.
func (o *owned) readFilters(ctx context.Context, n *Namespace, raw []rawLink) error {
	var all map[int][]netstate.VNIRange
	for i := range raw {
		r := &raw[i]
		if r.kind != "vxlan" || u8(r.data.get(unix.IFLA_VXLAN_VNIFILTER)) == 0 {
			continue
		}
		if all == nil {
			var err error
			if all, err = n.vnis(ctx); err != nil {
				return err
			}
			o.filters = map[string][]netstate.VNIRange{}
		}
		o.filters[r.name()] = all[r.index]
	}
	return nil
}

// kernel tells whether the kernel made the entry: for an interface's own
// address, for the multicast groups that it listens to, for a VXLAN's default
// remote.
func (o owned) kernel(e *netstate.FDBEntry) bool {
	_, vxlan := o.remotes[e.Device]
	switch {
	case e.State != "permanent":
		return false
	case vxlan && e.Owner == "self":
		return e.MAC == "00:00:00:00:00:00" && e.Dst.IsValid() && e.Dst.String() == o.defaultOf(e) && e.Port == 0
	case e.Owner == "self" && (strings.HasPrefix(e.MAC, "33:33:") || strings.HasPrefix(e.MAC, "01:00:5e:")):
		return true
	case e.Owner == "self" && multicastMAC(e.MAC):
		// 01:80:c2:… of a bridge port, and others that drivers listen to.
		return strings.HasPrefix(e.MAC, "01:80:c2:")
	}
	return o.macs[e.MAC]
}

func multicastMAC(s string) bool {
	mac, err := net.ParseMAC(s)
	return err == nil && mac[0]&1 == 1
}

// encodeFDB appends the message that sets or deletes a forwarding entry.
func encodeFDB(m *message, seq uint32, op netstate.Op, e *netstate.FDBEntry, l *links) error {
	index, err := l.index(e.Device)
	if err != nil {
		return err
	}
	mac, err := net.ParseMAC(e.MAC)
	if err != nil {
		return err
	}
	state := uint16(unix.NUD_PERMANENT)
	switch e.State {
	case "static":
		state = unix.NUD_NOARP | unix.NUD_REACHABLE // a VXLAN refuses the first alone
	case "dynamic":
		state = unix.NUD_REACHABLE
	}
	flags := fdbFlags(e)
	switch {
	case op == netstate.Delete:
		m.begin(unix.RTM_DELNEIGH, 0, seq)
	case op == netstate.Modify:
		m.begin(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, seq)
	case e.Dst.IsValid() && !e.OneRemote():
		// One address may lead to several remotes of a VXLAN: appended, so
		// that it does not replace the ones that are there.
		m.begin(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_APPEND, seq)
	default:
		// A learned entry for the address gives way to a declared one.
		m.begin(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, seq)
	}
	m.neigh(unix.AF_BRIDGE, index, state, flags)
	m.attr(unix.NDA_LLADDR, mac)
	if err := encodeFDBPlace(m, e, l); err != nil {
		return err
	}
	m.end()
	return nil
}

func fdbFlags(e *netstate.FDBEntry) (flags uint8) {
	switch {
	case e.Owner == "self", e.Owner == "" && (e.Dst.IsValid() || e.NexthopID != 0):
		flags = unix.NTF_SELF
	default:
		flags = unix.NTF_MASTER
	}
	if e.Sticky {
		flags |= ntfSticky
	}
	if e.Learned {
		flags |= unix.NTF_EXT_LEARNED
	}
	return flags
}

// encodeFDBPlace appends where an entry leads.
func encodeFDBPlace(m *message, e *netstate.FDBEntry, l *links) error {
	if e.VLAN != 0 {
		m.u16(unix.NDA_VLAN, e.VLAN)
	}
	if e.Dst.IsValid() {
		m.addr(unix.NDA_DST, e.Dst)
	}
	if e.Port != 0 {
		m.attr(unix.NDA_PORT, numberPayload(netstate.Uint16BE, uint64(e.Port)))
	}
	if e.VNI != 0 {
		m.u32(unix.NDA_VNI, e.VNI)
	}
	if e.SourceVNI != 0 {
		m.u32(unix.NDA_SRC_VNI, e.SourceVNI)
	}
	if e.NexthopID != 0 {
		m.u32(ndaNHID, e.NexthopID)
	}
	if e.Via != "" {
		via, err := l.index(e.Via)
		if err != nil {
			return err
		}
		m.u32(unix.NDA_IFINDEX, uint32(via))
	}
	return nil
}
