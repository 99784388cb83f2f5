package linux

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// routeTypes are RTN_* in ip-route(8)'s words.
var routeTypes = []netstate.RouteType{
	"unspec", "unicast", "local", "broadcast", "anycast", "multicast",
	"blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve",
}

// routeMetrics are RTAX_* in ip-route(8)'s words, that hold numbers: not the
// congestion control algorithm.
var routeMetrics = []string{
	1: "lock", 2: "mtu", 3: "window", 4: "rtt", 5: "rttvar", 6: "ssthresh", 7: "cwnd", 8: "advmss",
	9: "reordering", 10: "hoplimit", 11: "initcwnd", 12: "features", 13: "rto_min", 14: "initrwnd",
	15: "quickack", 17: "fastopen_no_cookie",
}

// What rtnetlink.h has and x/sys has not: RTAX_CC_ALGO, RTA_EXPIRES, RTA_NH_ID.
const (
	rtaExpires     = 23
	rtaxCongestion = 16
	rtaNexthopID   = 30
)

// routeReader decodes routes. Next hops come from an arena: a table of a
// million routes has a million of them.
type routeReader struct {
	l     *links
	arena []netstate.NextHop
	// wrapping and wrapped are the type and the payload of an encapsulation
	// that was read and not yet understood.
	wrapping uint16
	wrapped  []byte
	// labels is set where labels are the destinations; byLink where a way of
	// such a route leads to a hardware address.
	labels, byLink bool
	// passed counts routes that netstate has no words for.
	passed int
}

// observeRoutes fills in the routes of all tables.
func (n *Namespace) observeRoutes(ctx context.Context, s *netstate.State, l *links) error {
	var all []netstate.Route
	passed := 0
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		reader := routeReader{l: l}
		start := len(all)
		err := n.dumpRoutes(ctx, family, func() { all, reader.passed = all[:start], 0 }, func(r reply) {
			if route, ok := reader.decode(r.body); r.typ == unix.RTM_NEWROUTE && ok {
				all = append(all, route)
			}
		})
		if err != nil {
			return err
		}
		passed += reader.passed
	}
	s.Routes = all
	if all == nil {
		s.Routes = []netstate.Route{}
	}
	s.UnreadRoutes = passed
	return nil
}

// dumpRoutes asks for the routes of a family, of all tables.
func (n *Namespace) dumpRoutes(ctx context.Context, family uint8, reset func(), take func(reply)) error {
	return n.dump(ctx, unix.RTM_GETROUTE, func(m *message) {
		m.raw(family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}, reset, take)
}

// zeroAddress is the address of zeros of a family, or the invalid one.
func zeroAddress(family uint8) netip.Addr {
	switch family {
	case unix.AF_INET:
		return netip.IPv4Unspecified()
	case unix.AF_INET6:
		return netip.IPv6Unspecified()
	}
	return netip.Addr{}
}

// decode reads struct rtmsg and its attributes. ok is false for what is not a
// route of a table (a cached one), and for what cannot be expressed.
func (d *routeReader) decode(b []byte) (r netstate.Route, ok bool) {
	if len(b) < unix.SizeofRtMsg || u32(b[8:])&unix.RTM_F_CLONED != 0 {
		return r, false
	}
	if b[0] != unix.AF_INET && b[0] != unix.AF_INET6 {
		return r, false
	}
	r.TOS, r.Table, r.Protocol, r.Scope = b[3], uint32(b[4]), b[5], b[6]
	if int(b[7]) < len(routeTypes) {
		r.Type = routeTypes[b[7]]
	}
	dst := zeroAddress(b[0])
	hop := netstate.NextHop{OnLink: u32(b[8:])&unix.RTNH_F_ONLINK != 0}
	status(&r, u32(b[8:]))
	// A route from a source prefix has no words here.
	expressible := b[2] == 0
	var multipath []byte
	for typ, p := range attributes(b[unix.SizeofRtMsg:]) {
		switch typ {
		case unix.RTA_DST:
			dst = address(p)
		case unix.RTA_TABLE:
			r.Table = u32(p)
		case unix.RTA_PRIORITY:
			r.Metric = u32(p)
		case unix.RTA_PREFSRC:
			r.Source = address(p)
		case unix.RTA_METRICS:
			decodeMetrics(&r, p)
		case unix.RTA_PREF:
			if n := u8(p); n != 0 {
				setMetric(&r, netstate.Preference, uint32(n))
			}
		case unix.RTA_FLOW:
			setMetric(&r, netstate.Realm, u32(p))
		case unix.RTA_CACHEINFO: // struct rta_cacheinfo: rta_expires is the third, in USER_HZ
			if len(p) >= 12 && int32(u32(p[8:])) > 0 {
				r.Expires = (u32(p[8:]) + 99) / 100
			}
		case unix.RTA_MULTIPATH:
			multipath = p
		case rtaNexthopID:
			r.NexthopID = u32(p)
		case unix.RTA_NEWDST:
			expressible = false
		default:
			d.hopAttr(&hop, typ, p)
		}
	}
	if d.wrapped != nil {
		expressible = d.encap(&hop) && expressible
	}
	r.Destination = prefix(dst, int(b[1]))
	if r.NexthopID != 0 {
		// What the kernel shows besides is what the object says: that it
		// is a blackhole, too.
		if r.Type == "blackhole" {
			r.Type = "unicast"
		}
		return r, expressible && r.Destination.IsValid()
	}
	switch r.Type {
	case "blackhole", "unreachable", "prohibit", "throw":
	default:
		expressible = d.hops(&r, hop, multipath) && expressible
	}
	if !expressible {
		d.passed++
	}
	return r, expressible && r.Destination.IsValid()
}

// hopAttr reads an attribute that a route and a hop of a multipath route share.
func (d *routeReader) hopAttr(h *netstate.NextHop, typ uint16, p []byte) {
	switch typ {
	case unix.RTA_OIF:
		h.Device = d.l.name(int(u32(p)))
	case unix.RTA_GATEWAY:
		h.Via = address(p)
	case unix.RTA_ENCAP_TYPE:
		d.wrapping = u16(p)
	case unix.RTA_ENCAP:
		d.wrapped = p
	case unix.RTA_VIA: // struct rtvia: family and address
		if len(p) > 2 {
			h.Via = address(p[2:])
			d.byLink = d.byLink || u16(p) == unix.AF_PACKET
		}
	case unix.RTA_NEWDST:
		h.Encap = netstate.FormatLabels(labelStack(p))
	}
}

// encap gives a hop the encapsulation that was read last; false if netstate has
// no words for it.
func (d *routeReader) encap(h *netstate.NextHop) (ok bool) {
	h.Encap, ok = decodeEncap(d.wrapping, d.wrapped, d.l)
	d.wrapping, d.wrapped = 0, nil
	return ok
}

// hops gives the route its next hops; false if one of them
// cannot be expressed.
func (d *routeReader) hops(r *netstate.Route, single netstate.NextHop, multipath []byte) bool {
	if multipath == nil {
		if single.Device == "" && !single.Via.IsValid() {
			return true
		}
		if len(d.arena) == 0 {
			d.arena = make([]netstate.NextHop, 256)
		}
		d.arena[0] = single
		r.NextHops, d.arena = d.arena[:1:1], d.arena[1:]
		return true
	}
	plain := true
	// struct rtnexthop: length, flags, hops, interface; then attributes.
	for b := multipath; len(b) >= unix.SizeofRtNexthop; {
		size := int(u16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		h := netstate.NextHop{Device: d.l.name(int(u32(b[4:]))), Weight: uint16(b[3]) + 1, OnLink: b[2]&unix.RTNH_F_ONLINK != 0}
		status(r, uint32(b[2]))
		for typ, p := range attributes(b[unix.SizeofRtNexthop:size]) {
			plain = plain && (d.labels || typ != unix.RTA_NEWDST) && typ != unix.RTA_FLOW
			d.hopAttr(&h, typ, p)
		}
		if d.wrapped != nil {
			plain = d.encap(&h) && plain
		}
		r.NextHops = append(r.NextHops, h)
		b = b[min((size+3)&^3, len(b)):]
	}
	return plain
}

// status notes the flags RTNH_F_* that can only be read.
func status(r *netstate.Route, flags uint32) {
	for _, f := range []flagName{
		{unix.RTNH_F_DEAD, "dead"}, {unix.RTNH_F_LINKDOWN, "linkdown"}, {unix.RTNH_F_OFFLOAD, "offload"}, {unix.RTNH_F_TRAP, "trap"},
	} {
		if flags&f.bit != 0 && !slices.Contains(r.Status, f.name) {
			r.Status = append(r.Status, f.name)
		}
	}
}

// decodeMetrics reads the nested RTAX_*.
func decodeMetrics(r *netstate.Route, b []byte) {
	for typ, p := range attributes(b) {
		if typ == rtaxCongestion {
			r.Congestion = text(p)
		} else if len(p) >= 4 {
			setMetric(r, metricName(typ), u32(p))
		}
	}
}

func setMetric(r *netstate.Route, key string, value uint32) {
	if r.Metrics == nil {
		r.Metrics = map[string]uint32{}
	}
	r.Metrics[key] = value
}

func metricName(typ uint16) string {
	if int(typ) < len(routeMetrics) && routeMetrics[typ] != "" {
		return routeMetrics[typ]
	}
	return strconv.Itoa(int(typ))
}

// flags32 is a number of four bytes in native order.
func flags32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

// native16 is two bytes in native order.
func native16(v uint16) []byte { return binary.NativeEndian.AppendUint16(nil, v) }
