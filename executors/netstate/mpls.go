package netstate

import (
	"slices"
	"strconv"
	"strings"
)

// A route of a label (family AF_MPLS, net/mpls/af_mpls.c, ip-route(8)) is a Route
// that has a Label instead of a destination. Encap of its next hops are the
// labels that take its place, the outermost first: "200/300"; "" takes it off. Of
// Metrics it may have "ttl-propagate", 0 or 1: whether the label's TTL becomes
// that of what is in it when it is taken off.

// mplsLabels is the number of labels that a namespace takes: those below it.
const mplsLabels = "net.mpls.platform_labels"

func mplsOf(o Object) *Route { return o.MPLS }

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func ipMPLS(e *Edit) string {
	r := e.object().MPLS
	w := []string{"ip", "-f", "mpls", "route", map[Op]string{Add: "add", Modify: "replace", Delete: "del"}[e.Op], decimal(r.Label)}
	if e.Op == Delete {
		return words(w...)
	}
	w = append(w, "proto", protocolName(r.Protocol))
	if n, ok := r.Metrics["ttl-propagate"]; ok {
		w = append(w, "ttl-propagate", map[uint32]string{0: "disabled", 1: "enabled"}[n])
	}
	for i := range r.NextHops {
		h := &r.NextHops[i]
		if len(r.NextHops) > 1 {
			w = append(w, "nexthop")
		}
		if h.Encap != "" {
			w = append(w, "as", h.Encap)
		}
		switch {
		case h.Via.Is4():
			w = append(w, "via", "inet", h.Via.String())
		case h.Via.Is6():
			w = append(w, "via", "inet6", h.Via.String())
		}
		w = append(w, "dev", h.Device)
	}
	return words(w...)
}

// mpls removes and adds routes of labels.
func (m *simulation) mpls(list []RouteConfig) {
	places := map[uint32]Pos{}
	for i := range list {
		c := &list[i]
		_, twice := places[c.Route.Label]
		_, loaded := m.from.Sysctls[mplsLabels]
		places[c.Route.Label] = c.Pos
		switch {
		case twice:
			m.problem(c.Pos, "contradiction", "the label "+decimal(c.Route.Label)+" stands twice", "Put all its ways into one entry's `next-hops`.")
		case !loaded && !c.Absent:
			m.problem(c.Pos, "kernel-lacks", "there is no "+mplsLabels+": the module mpls_router (CONFIG_MPLS_ROUTING) is not loaded",
				"Load it with modprobe(8) before: the kernel never does it by itself.")
			return
		default:
			m.mplsRoute(c)
		}
	}
	sortBy(m.to.MPLS, CompareRoutes)
	m.mplsStays(places)
}

func (m *simulation) mplsRoute(c *RouteConfig) {
	r := c.Route.clone()
	m.to.MPLS = slices.DeleteFunc(m.to.MPLS, func(o Route) bool { return o.Label == r.Label })
	if c.Absent {
		return
	}
	for n := range r.NextHops {
		m.nextHop(c, &r.NextHops[n])
	}
	if r.Protocol == 0 {
		r.Protocol = protocolStatic
	}
	m.to.MPLS = append(m.to.MPLS, r)
	m.kept.MPLS = append(m.kept.MPLS, r)
}

// mplsStays refuses labels that the kernel has no room for, and to take one of
// several ways from under a route: the kernel would keep it, dead and without a
// name.
func (m *simulation) mplsStays(places map[uint32]Pos) {
	limit, limited := mplsLimit(m.to)
	for i := range m.to.MPLS {
		r := &m.to.MPLS[i]
		if pos, ok := places[r.Label]; limited && r.Label >= limit {
			for _, s := range m.sysctlsGiven {
				if !ok && s.Key == mplsLabels {
					pos = s.Pos
				}
			}
			m.problem(pos, "bad-value", routeName(r)+" is beyond the labels that the namespace has: "+mplsLabels+" is "+m.to.Sysctls[mplsLabels],
				"Set it to "+decimal(r.Label+1)+" or more with `sysctl` in the same block.")
		}
		gone, stay := "", false
		for _, h := range r.NextHops {
			if m.from.Interface(h.Device) != nil && m.to.Interface(h.Device) == nil {
				gone = h.Device
			} else {
				stay = true
			}
		}
		if gone != "" && stay {
			m.problem(m.configOf(&Interface{Name: gone}).Pos, "in-use", routeName(r)+" goes by "+gone+", among others", "Change or remove it in the same block.")
		}
	}
}

func mplsLimit(s *State) (limit uint32, known bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s.Sysctls[mplsLabels]), 10, 32)
	return uint32(n), err == nil
}

// mpls tells when the kernel removes a route of a label: with the last of its
// interfaces (mpls_ifdown), or when there is no room for its label any more
// (resize_platform_label_table). dead is true of one that stays, and loses a way.
func (l *losses) mpls(r *Route) (when moment, dead bool) {
	if limit, known := mplsLimit(l.to); known && r.Label >= limit {
		return early, false
	}
	stays := false
	for i := range r.NextHops {
		gone := l.trans[r.NextHops[i].Device].gone
		stays, when = stays || gone == never, max(when, gone)
	}
	if stays {
		return never, when != never
	}
	return when, false
}

// mpls finds the edits of routes of labels.
func (d *differ) mpls() {
	eachPair(d.from.MPLS, d.to.MPLS, CompareRoutes, equalRoutes, func(p pair[Route]) {
		when, dead := never, false
		if p.before != nil {
			when, dead = d.losses.mpls(p.before)
		}
		same := p.before != nil && p.after != nil && equalRoutes(p.before, p.after)
		d.entry(Object{MPLS: p.before}, Object{MPLS: p.after}, p.before != nil, p.after != nil, same && !dead, when)
	})
}
