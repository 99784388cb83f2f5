package linux

import (
	"context"
	"net/netip"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

const (
	rtaTTLPropagate = 26 // of linux/rtnetlink.h
	firstLabel      = 16 // MPLS_LABEL_FIRST_UNRESERVED of linux/mpls.h
	mplsLabels      = "net/mpls/platform_labels"
)

// observeMPLS fills in the routes of labels. Without room for labels there are
// none, and a kernel without MPLS would answer with the routes of all other
// families.
func (n *Namespace) observeMPLS(ctx context.Context, s *netstate.State, l *links) error {
	room := map[string]string{}
	if err := n.within(func() error { return readSysctl(room, "", mplsLabels) }); err != nil || room[""] == "" || room[""] == "0" {
		return err
	}
	passed := 0
	err := n.dumpRoutes(ctx, unix.AF_MPLS, func() { s.MPLS, passed = nil, 0 }, func(r reply) {
		if r.typ != unix.RTM_NEWROUTE || len(r.body) < unix.SizeofRtMsg || r.body[0] != unix.AF_MPLS {
			return
		}
		reader := routeReader{l: l}
		switch route, ok := reader.mpls(r.body); {
		case !ok:
			passed++
		case route.Label >= firstLabel: // those below are the kernel's own
			s.MPLS = append(s.MPLS, route)
		}
	})
	s.UnreadRoutes += passed
	return err
}

// mpls reads struct rtmsg and its attributes; ok is false for what netstate has
// no words for: a way by an interface that is gone, or by a hardware address.
func (d *routeReader) mpls(b []byte) (r netstate.Route, ok bool) {
	d.labels, r.Protocol = true, b[5]
	var hop netstate.NextHop
	var multipath []byte
	for typ, p := range attributes(b[unix.SizeofRtMsg:]) {
		switch typ {
		case unix.RTA_DST:
			for _, r.Label = range labelStack(p) {
			}
		case rtaTTLPropagate:
			r.Metrics = map[string]uint32{"ttl-propagate": uint32(u8(p))}
		case unix.RTA_MULTIPATH:
			multipath = p
		default:
			d.hopAttr(&hop, typ, p)
		}
	}
	ok = d.hops(&r, hop, multipath)
	for i := range r.NextHops {
		ok = ok && r.NextHops[i].Device != ""
	}
	r.Status = nil // a way that is down is no less there
	return r, ok && !d.byLink
}

// encodeMPLS appends the message that adds, replaces or deletes a route of a
// label.
func encodeMPLS(m *message, seq uint32, op netstate.Op, r *netstate.Route, l *links) error {
	m.beginEdit(op, unix.RTM_NEWROUTE, seq)
	m.raw(unix.AF_MPLS, 20, 0, 0, unix.RT_TABLE_MAIN, r.Protocol, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, 0, 0, 0, 0)
	m.attr(unix.RTA_DST, labelEntries([]uint32{r.Label}))
	var err error
	if op != netstate.Delete {
		if n, ok := r.Metrics["ttl-propagate"]; ok {
			m.u8(rtaTTLPropagate, uint8(n))
		}
		err = encodeHops(m, r.NextHops, netip.Addr{}, l)
	}
	m.end()
	return err
}
