package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// What rtnetlink.h and if_bridge.h have and x/sys has not.
const (
	rtmNewMDB = 84
	rtmDelMDB = 85
	rtmGetMDB = 86

	sizeofPortMsg  = 8  // struct br_port_msg: family, number of the bridge
	sizeofMDBEntry = 28 // struct br_mdb_entry

	mdbaMDB           = 1
	mdbaEntry         = 1
	mdbaInfo          = 1
	mdbaInfoSources   = 2 // as MDBE_ATTR_SRC_LIST
	mdbaInfoMode      = 3 // as MDBE_ATTR_GROUP_MODE
	mdbaInfoSource    = 4
	mdbaInfoProtocol  = 5
	mdbaSetEntry      = 1
	mdbaSetAttributes = 2
	mdbaSetSource     = 1

	// MDBA_MDB_SRCLIST_ENTRY and its attributes.
	mdbaSourceEntry   = 1
	mdbaSourceAddress = 1
	mdbaSourceTimer   = 2

	// MDBA_MDB_EATTR_* and MDBE_ATTR_* of a VXLAN's remotes; the latter are one
	// less each, as that of the protocol.
	mdbaInfoDst       = 6
	mdbaInfoDstPort   = 7
	mdbaInfoVNI       = 8
	mdbaInfoIndex     = 9
	mdbaInfoSourceVNI = 10

	mcastInclude    = 1      // MCAST_INCLUDE of linux/in.h
	mdbStarExcluded = 1 << 2 // MDB_FLAGS_STAR_EXCL: the kernel's own
	mdbBlocked      = 1 << 3 // MDB_FLAGS_BLOCKED
)

// observeMDB fills in the multicast databases of bridges and VXLANs. A kernel
// without them has none.
func (n *Namespace) observeMDB(ctx context.Context, s *netstate.State, raw []rawLink, l *links) error {
	if !slices.ContainsFunc(raw, func(r rawLink) bool { return r.kind == "bridge" || r.kind == "vxlan" }) {
		return nil
	}
	return n.dumpMDB(ctx, s, l)
}

func (n *Namespace) dumpMDB(ctx context.Context, s *netstate.State, l *links) error {
	err := n.dump(ctx, rtmGetMDB, func(m *message) { m.portMsg(0) }, func() { s.MDB = nil }, func(r reply) {
		if len(r.body) >= sizeofPortMsg && l.byIndex[int(u32(r.body[4:]))] != "" {
			s.MDB = append(s.MDB, decodeMDB(r.body, l)...)
		}
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	var lists []netstate.MDBEntry
	for i := range s.MDB {
		if s.MDB[i].Sources != "" {
			lists = append(lists, s.MDB[i])
		}
	}
	s.MDB = slices.DeleteFunc(s.MDB, func(e netstate.MDBEntry) bool {
		return slices.ContainsFunc(lists, func(list netstate.MDBEntry) bool { return list.Lists(&e) })
	})
	return err
}

// decodeMDB reads struct br_port_msg and the entries of one bridge.
func decodeMDB(b []byte, l *links) []netstate.MDBEntry {
	var list []netstate.MDBEntry
	bridge := l.name(int(u32(b[4:])))
	for typ, all := range attributes(b[sizeofPortMsg:]) {
		if typ != mdbaMDB {
			continue
		}
		for typ, group := range attributes(all) {
			if typ != mdbaEntry {
				continue
			}
			for typ, p := range attributes(group) {
				if e, ok := decodeMDBEntry(p, l); typ == mdbaInfo && ok {
					e.Device = bridge
					if e.Port == bridge && linkLocalGroup(e.Group) {
						e.Protocol = unix.RTPROT_KERNEL // of a bridge's own groups it is not told
					}
					list = append(list, e)
				}
			}
		}
	}
	return list
}

// linkLocalGroup tells that a group is one of those that the host itself joins
// for each of its addresses.
func linkLocalGroup(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.IsLinkLocalMulticast()
}

// decodeMDBEntry reads struct br_mdb_entry and its attributes. The kernel's own
// copies for sources that are excluded are passed over.
func decodeMDBEntry(b []byte, l *links) (e netstate.MDBEntry, ok bool) {
	if len(b) < sizeofMDBEntry || b[5]&(mdbStarExcluded|mdbBlocked) != 0 {
		return e, false
	}
	e.Port, e.VLAN, e.State, e.Protocol = l.name(int(u32(b))), u16(b[6:]), "temp", unix.RTPROT_STATIC
	if b[4] == 1 {
		e.State = "permanent"
	}
	switch be16(b[24:]) {
	case unix.ETH_P_IP:
		e.Group = address(b[8:12]).String()
	case unix.ETH_P_IPV6:
		e.Group = address(b[8:24]).String()
	default:
		e.Group = net.HardwareAddr(b[8:14]).String()
	}
	mode := uint8(0)
	for typ, p := range attributes(b[sizeofMDBEntry:]) {
		switch typ {
		case mdbaInfoSources:
			e.Sources = sourcesText(p, e.State)
		case mdbaInfoMode:
			mode = u8(p)
		case mdbaInfoSource:
			e.Source = address(p)
		case mdbaInfoProtocol:
			e.Protocol = u8(p)
		case mdbaInfoDst:
			e.Dst = address(p)
		case mdbaInfoDstPort:
			e.DstPort = u16(p)
		case mdbaInfoVNI:
			e.VNI = u32(p)
		case mdbaInfoIndex:
			e.Via = l.name(int(u32(p)))
		case mdbaInfoSourceVNI:
			e.SourceVNI = u32(p)
		}
	}
	e.Include = mode == mcastInclude && !e.Source.IsValid()
	return e, true
}

// sourcesText reads the sources of a group. Of a group that stays, those that
// run out are not its own: the bridge learned them.
func sourcesText(b []byte, state string) string {
	var list []string
	for _, p := range attributes(b) {
		if a := address(attribute(p, mdbaSourceAddress)); a.IsValid() && (state == "temp" || u32(attribute(p, mdbaSourceTimer)) == 0) {
			list = append(list, a.String())
		}
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// encodeMDB appends the message that adds, changes or deletes an entry. Adding
// replaces one that was learned, as a declared one must.
func encodeMDB(m *message, seq uint32, op netstate.Op, e *netstate.MDBEntry, l *links) error {
	bridge, err := l.index(e.Device)
	if err != nil {
		return err
	}
	port, err := l.index(e.Port)
	if err != nil {
		return err
	}
	group, protocol, err := groupBytes(e.Group)
	if err != nil {
		return err
	}
	switch {
	case op == netstate.Delete:
		m.begin(rtmDelMDB, 0, seq)
	case e.Port == e.Device && !e.Dst.IsValid():
		m.begin(rtmNewMDB, unix.NLM_F_CREATE|unix.NLM_F_EXCL, seq)
	default:
		m.begin(rtmNewMDB, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, seq)
	}
	m.portMsg(bridge)
	m.mdbEntry(port, e, group, protocol)
	at := m.nest(mdbaSetAttributes)
	if e.Source.IsValid() {
		m.addr(mdbaSetSource, e.Source)
	}
	if op != netstate.Delete {
		err = m.mdbSources(e)
	}
	if e.Dst.IsValid() {
		err = errors.Join(err, m.mdbRemote(e, l))
	}
	m.endNest(at)
	m.end()
	return err
}

// portMsg appends struct br_port_msg.
func (m *message) portMsg(bridge int) {
	m.raw(unix.AF_BRIDGE, 0, 0, 0)
	m.raw(binary.NativeEndian.AppendUint32(nil, uint32(bridge))...)
}

// mdbEntry appends struct br_mdb_entry.
func (m *message) mdbEntry(port int, e *netstate.MDBEntry, group []byte, protocol uint16) {
	permanent := uint8(0)
	if e.State == "permanent" {
		permanent = 1
	}
	entry := append(binary.NativeEndian.AppendUint32(nil, uint32(port)), permanent, 0)
	entry = append(binary.NativeEndian.AppendUint16(entry, e.VLAN), group...)
	m.attr(mdbaSetEntry, append(binary.BigEndian.AppendUint16(entry, protocol), 0, 0))
}

// mdbSources appends whom a group is listened to from, and who says so, where
// that is not what the kernel takes it to be: before Linux 6.2 it has no words
// for it.
func (m *message) mdbSources(e *netstate.MDBEntry) error {
	if e.Protocol > unix.RTPROT_STATIC {
		m.u8(mdbaInfoProtocol-1, e.Protocol)
	}
	if e.Sources == "" {
		return nil
	}
	mode := uint8(0)
	if e.Include {
		mode = mcastInclude
	}
	m.u8(mdbaInfoMode, mode)
	at := m.nest(mdbaInfoSources)
	defer m.endNest(at)
	for source := range strings.SplitSeq(e.Sources, ",") {
		a, err := netip.ParseAddr(source)
		if err != nil {
			return err
		}
		one := m.nest(mdbaSourceEntry)
		m.addr(mdbaSourceAddress, a)
		m.endNest(one)
	}
	return nil
}

// mdbRemote appends where a VXLAN sends a group.
func (m *message) mdbRemote(e *netstate.MDBEntry, l *links) error {
	m.addr(mdbaInfoDst-1, e.Dst)
	if e.DstPort != 0 {
		m.u16(mdbaInfoDstPort-1, e.DstPort)
	}
	for typ, n := range map[uint16]uint32{mdbaInfoVNI: e.VNI, mdbaInfoSourceVNI: e.SourceVNI} {
		if n != 0 {
			m.u32(typ-1, n)
		}
	}
	if e.Via == "" {
		return nil
	}
	index, err := l.index(e.Via)
	m.u32(mdbaInfoIndex-1, uint32(index))
	return err
}

// groupBytes are the 16 bytes of a group and the protocol that it is of.
func groupBytes(text string) ([]byte, uint16, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		if a.Is4() {
			return append(a.AsSlice(), make([]byte, 12)...), unix.ETH_P_IP, nil
		}
		return a.AsSlice(), unix.ETH_P_IPV6, nil
	}
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 {
		return nil, 0, fmt.Errorf("%q is neither an address nor a hardware address", text)
	}
	return append(slices.Clone(mac), make([]byte, 10)...), 0, nil
}
