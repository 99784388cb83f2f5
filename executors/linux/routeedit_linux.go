package linux

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// encodeRoute appends the message that adds, replaces or deletes a route.
func encodeRoute(m *message, seq uint32, op netstate.Op, r *netstate.Route, l *links) error {
	if !r.Destination.IsValid() {
		return fmt.Errorf("the destination is not valid")
	}
	typ := slices.Index(routeTypes, r.Type)
	if r.Type == "" {
		typ = unix.RTN_UNICAST
	}
	if typ < 0 {
		return fmt.Errorf("unknown route type %q", r.Type)
	}
	flags, scope := uint32(0), r.Scope
	if len(r.NextHops) == 1 && r.NextHops[0].OnLink {
		flags = unix.RTNH_F_ONLINK
	}
	if op == netstate.Delete {
		scope = unix.RT_SCOPE_NOWHERE // it is not part of what is asked to go
	}
	m.beginEdit(op, unix.RTM_NEWROUTE, seq)
	table := r.Table
	if table > 255 {
		table = unix.RT_TABLE_UNSPEC
	}
	dst := r.Destination.Addr()
	m.raw(family(dst), uint8(r.Destination.Bits()), 0, r.TOS, uint8(table), r.Protocol, scope, uint8(typ))
	m.raw(numberPayload(netstate.Uint32, uint64(flags))...)
	m.addr(unix.RTA_DST, dst)
	m.u32(unix.RTA_TABLE, r.Table)
	if r.Metric != 0 {
		m.u32(unix.RTA_PRIORITY, r.Metric)
	}
	if op != netstate.Delete {
		if err := encodeRouteDetails(m, r); err != nil {
			return err
		}
	}
	if r.NexthopID != 0 {
		m.u32(rtaNexthopID, r.NexthopID)
	}
	if err := encodeHops(m, r.NextHops, dst, l); err != nil {
		return err
	}
	m.end()
	return nil
}

// encodeRouteDetails appends what a route has besides its key and its hops.
func encodeRouteDetails(m *message, r *netstate.Route) error {
	if r.Source.IsValid() {
		m.addr(unix.RTA_PREFSRC, r.Source)
	}
	if r.Expires != 0 {
		m.u32(rtaExpires, r.Expires)
	}
	if n, ok := r.Metrics[netstate.Preference]; ok {
		m.u8(unix.RTA_PREF, uint8(n))
	}
	if n, ok := r.Metrics[netstate.Realm]; ok {
		m.u32(unix.RTA_FLOW, n)
	}
	if len(r.Metrics) == 0 && r.Congestion == "" {
		return nil
	}
	at := m.nest(unix.RTA_METRICS)
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		typ := slices.Index(routeMetrics, name)
		if name == netstate.Preference || name == netstate.Realm {
			continue // beside them
		}
		if typ < 0 {
			n, err := strconv.ParseUint(name, 10, 8)
			if err != nil {
				return fmt.Errorf("unknown route metric %q", name)
			}
			typ = int(n)
		}
		m.u32(uint16(typ), r.Metrics[name])
	}
	if r.Congestion != "" {
		m.str(rtaxCongestion, r.Congestion)
	}
	m.endNest(at)
	return nil
}

func encodeHops(m *message, hops []netstate.NextHop, dst netip.Addr, l *links) error {
	if len(hops) == 0 {
		return nil
	}
	if len(hops) == 1 {
		h := &hops[0]
		if h.Device != "" {
			index, err := l.index(h.Device)
			if err != nil {
				return err
			}
			m.u32(unix.RTA_OIF, uint32(index))
		}
		m.via(h.Via, dst)
		return m.encap(h.Encap, unix.RTA_ENCAP_TYPE, unix.RTA_ENCAP, l)
	}
	at := m.nest(unix.RTA_MULTIPATH)
	for i := range hops {
		if err := m.hop(&hops[i], dst, l); err != nil {
			return err
		}
	}
	m.endNest(at)
	return nil
}

// hop appends a struct rtnexthop with its attributes.
func (m *message) hop(h *netstate.NextHop, dst netip.Addr, l *links) error {
	index := 0
	if h.Device != "" {
		var err error
		if index, err = l.index(h.Device); err != nil {
			return err
		}
	}
	if h.Weight > 256 {
		return fmt.Errorf("the weight %d is above 256", h.Weight)
	}
	at := len(m.b)
	flags := uint8(0)
	if h.OnLink {
		flags = unix.RTNH_F_ONLINK
	}
	m.raw(0, 0, flags, uint8(max(h.Weight, 1)-1))
	m.raw(numberPayload(netstate.Uint32, uint64(index))...)
	m.via(h.Via, dst)
	if err := m.encap(h.Encap, unix.RTA_ENCAP_TYPE, unix.RTA_ENCAP, l); err != nil {
		return err
	}
	binary.NativeEndian.PutUint16(m.b[at:], uint16(len(m.b)-at))
	return nil
}

// via appends a gateway: of the destination's family, or of the other one.
func (m *message) via(gateway, dst netip.Addr) {
	switch {
	case !gateway.IsValid():
	case dst.IsValid() && gateway.Is4() == dst.Is4():
		m.addr(unix.RTA_GATEWAY, gateway)
	default:
		m.attr(unix.RTA_VIA, append(native16(uint16(family(gateway))), gateway.AsSlice()...))
	}
}
