package linux

import (
	"context"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// Numbers of linux/nexthop.h and linux/rtnetlink.h that x/sys has not.
const (
	rtmNewNexthop = 104
	rtmGetNexthop = 106

	nhaID        = 1
	nhaGroup     = 2
	nhaGroupType = 3
	nhaBlackhole = 4
	nhaOIF       = 5
	nhaGateway   = 6
	nhaEncapType = 7
	nhaEncap     = 8
	nhaFDB       = 11
	nhaResGroup  = 12

	// NHA_RES_GROUP_*: u16, and u32 in hundredths of a second.
	resBuckets     = 1
	resIdle        = 2
	resUnbalanced  = 3
	groupResilient = 1 // NEXTHOP_GRP_TYPE_RES

	sizeofNhmsg = 8
)

// observeNexthops fills in the nexthop objects. A kernel without them has none.
func (n *Namespace) observeNexthops(ctx context.Context, s *netstate.State, l *links) error {
	var list []netstate.Nexthop
	err := n.dump(ctx, rtmGetNexthop, func(m *message) { m.raw(make([]byte, sizeofNhmsg)...) },
		func() { list = nil },
		func(r reply) {
			if one, ok := decodeNexthop(r.body, l); ok && r.typ == rtmNewNexthop {
				list = append(list, one)
			}
		})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	s.Nexthops = list
	return err
}

// decodeNexthop reads struct nhmsg and its attributes. ok is false for what
// netstate has no words for.
func decodeNexthop(b []byte, l *links) (n netstate.Nexthop, ok bool) {
	if len(b) < sizeofNhmsg {
		return n, false
	}
	n.Protocol, n.OnLink = b[2], u32(b[4:])&unix.RTNH_F_ONLINK != 0
	switch b[0] {
	case unix.AF_INET:
		n.Family = 4
	case unix.AF_INET6:
		n.Family = 6
	}
	ok = true
	var wrapping uint16
	var wrapped []byte
	for typ, p := range attributes(b[sizeofNhmsg:]) {
		switch typ {
		case nhaID:
			n.ID = u32(p)
		case nhaGroup:
			for ; len(p) >= 8; p = p[8:] { // struct nexthop_grp
				n.Group = append(n.Group, netstate.NexthopMember{ID: u32(p), Weight: uint16(p[4]) + uint16(p[5])<<8 + 1})
			}
		case nhaGroupType:
			ok = ok && u16(p) <= groupResilient
		case nhaBlackhole:
			n.Blackhole = true
		case nhaOIF:
			n.Device = l.name(int(u32(p)))
		case nhaGateway:
			n.Via = address(p)
		case nhaEncap:
			wrapped = p
		case nhaEncapType:
			wrapping = u16(p)
		case nhaResGroup:
			n.Resilient, ok = decodeResilient(p), ok && wholeSeconds(p)
		case nhaFDB:
			n.FDB = true
		}
	}
	if wrapped != nil {
		text, known := decodeEncap(wrapping, wrapped, l)
		n.Encap, ok = text, ok && known
	}
	if n.Blackhole {
		n.Device = "" // the kernel shows the loopback interface
	}
	return n, ok && n.ID != 0
}

// decodeResilient reads NHA_RES_GROUP.
func decodeResilient(b []byte) *netstate.Resilient {
	r := &netstate.Resilient{}
	for typ, p := range attributes(b) {
		switch typ {
		case resBuckets:
			r.Buckets = u16(p)
		case resIdle:
			r.IdleTimer = u32(p) / 100
		case resUnbalanced:
			r.UnbalancedTimer = u32(p) / 100
		}
	}
	return r
}

// wholeSeconds tells that the timers of a group have no fractions, which have no
// words.
func wholeSeconds(b []byte) bool {
	for typ, p := range attributes(b) {
		if (typ == resIdle || typ == resUnbalanced) && u32(p)%100 != 0 {
			return false
		}
	}
	return true
}

// encodeNexthop appends the message that adds, replaces or deletes an object.
func encodeNexthop(m *message, seq uint32, op netstate.Op, n *netstate.Nexthop, l *links) error {
	m.beginEdit(op, rtmNewNexthop, seq)
	if op == netstate.Delete {
		m.raw(make([]byte, sizeofNhmsg)...)
		m.u32(nhaID, n.ID)
		m.end()
		return nil
	}
	var header [sizeofNhmsg]byte
	switch {
	case n.Family == 6 && len(n.Group) == 0:
		header[0] = unix.AF_INET6
	case len(n.Group) == 0:
		header[0] = unix.AF_INET
	}
	header[2] = n.Protocol
	if n.OnLink {
		binary.NativeEndian.PutUint32(header[4:], unix.RTNH_F_ONLINK)
	}
	m.raw(header[:]...)
	m.u32(nhaID, n.ID)
	if len(n.Group) > 0 {
		var group []byte
		for _, member := range n.Group {
			weight := max(member.Weight, 1) - 1
			group = append(binary.NativeEndian.AppendUint32(group, member.ID), byte(weight), byte(weight>>8), 0, 0)
		}
		m.attr(nhaGroup, group)
		if r := n.Resilient; r != nil {
			m.u16(nhaGroupType, groupResilient)
			at := m.nest(nhaResGroup)
			m.u16(resBuckets, r.Buckets)
			m.u32(resIdle, r.IdleTimer*100)
			m.u32(resUnbalanced, r.UnbalancedTimer*100)
			m.endNest(at)
		}
	}
	if n.Blackhole {
		m.attr(nhaBlackhole, nil)
	}
	if n.FDB {
		m.attr(nhaFDB, nil)
	}
	if n.Device != "" {
		index, err := l.index(n.Device)
		if err != nil {
			return err
		}
		m.u32(nhaOIF, uint32(index))
	}
	if n.Via.IsValid() {
		m.addr(nhaGateway, n.Via)
	}
	if err := m.encap(n.Encap, nhaEncapType, nhaEncap, l); err != nil {
		return err
	}
	m.end()
	return nil
}
