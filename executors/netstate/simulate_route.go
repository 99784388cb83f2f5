package netstate

import (
	"net/netip"
	"slices"
)

// routes removes and adds routes.
func (m *simulation) routes(list []RouteConfig) {
	var gone []*RouteConfig
	var wanted, sets []RouteConfig
	for i := range list {
		if list[i].Absent {
			gone = append(gone, &list[i])
			continue
		}
		if list[i].Prefixes.Len() > 0 {
			sets = append(sets, list[i])
			continue
		}
		wanted = append(wanted, list[i])
	}
	if len(gone) > 0 {
		m.removeRoutes(gone)
	}
	if len(wanted) > 0 {
		m.wantRoutes(wanted)
	}
	m.wantSets(sets, wanted)
}

// wantRoutes adds routes.
func (m *simulation) wantRoutes(wanted []RouteConfig) {
	keys := make([]*Route, len(wanted))
	for i := range wanted {
		m.route(&wanted[i])
		keys[i] = &wanted[i].Route
	}
	m.to.single(keys)
	sortStable(wanted, func(a, b *RouteConfig) int { return CompareRoutes(&a.Route, &b.Route) })
	m.kept.Routes = m.mergeRoutes(wanted)
	m.to.Routes = overlay(m.to.Routes, m.kept.Routes)
}

// leadsTo tells whether an entry with `state: absent` means the destination of
// the route.
func (c *RouteConfig) leadsTo(r *Route) bool {
	if c.Prefixes.Len() > 0 {
		return c.Prefixes.Contains(r.Destination)
	}
	return !c.Has["destination"] || c.Route.Destination == r.Destination
}

// matches tells whether an entry with `state: absent` means the route, whatever
// its destination; what it does not name matches anything.
func (c *RouteConfig) matches(r *Route) bool {
	w := &c.Route
	hop := func(ok func(h *NextHop) bool) bool {
		for i := range r.NextHops {
			if ok(&r.NextHops[i]) {
				return true
			}
		}
		return false
	}
	switch {
	case c.Has["table-id"] && w.Table != r.Table,
		!c.Has["table-id"] && r.Table == 255,
		c.Has["metric"] && w.Metric != r.Metric,
		c.Has["source"] && w.Source != r.Source,
		c.Has["type"] && typeOf(w) != typeOf(r),
		c.Has["nexthop-id"] && w.NexthopID != r.NexthopID,
		c.Has["tos"] && w.TOS != r.TOS,
		c.Has["scope"] && w.Scope != r.Scope,
		c.Has["congctl"] && w.Congestion != r.Congestion,
		c.Has["next-hops"] && !sameNextHops(w.NextHops, r.NextHops),
		c.Has["protocol"] && w.Protocol != r.Protocol:
		return false
	}
	for key, value := range w.Metrics {
		if c.Has[key] && r.Metrics[key] != value {
			return false
		}
	}
	for i := range w.NextHops {
		h := &w.NextHops[i]
		if c.Has["next-hop-interface"] && !hop(func(o *NextHop) bool { return o.Device == h.Device }) {
			return false
		}
		if c.Has["onlink"] && !hop(func(o *NextHop) bool { return o.OnLink == h.OnLink }) {
			return false
		}
		if c.Has["encap"] && !hop(func(o *NextHop) bool { return o.Encap == h.Encap }) {
			return false
		}
		if c.Has["next-hop-address"] && !hop(func(o *NextHop) bool { return o.Via == h.Via }) {
			return false
		}
	}
	return true
}

// route fills in what the kernel and iproute2 take when it is not given, and
// checks the interfaces.
func (m *simulation) route(c *RouteConfig) {
	r := &c.Route
	*r = r.clone()
	if r.Table == 0 {
		r.Table = mainTable
	}
	if r.Metric == 0 && !isV4(r) {
		r.Metric = 1024 // IP6_RT_PRIO_USER
	}
	if r.Protocol == 0 {
		r.Protocol = protocolStatic
	}
	for i := range r.NextHops {
		m.nextHop(c, &r.NextHops[i])
	}
	if r.NexthopID != 0 && m.to.nexthop(r.NexthopID) == nil {
		m.problem(c.Pos, "unknown-nexthop", "there is no nexthop "+number(r.NexthopID)+" for the route to "+r.Destination.String(),
			"Check `nexthop-id`, or make the object with `nexthops` in the same block.")
	}
	if isV4(r) && !c.Has["scope"] {
		r.Scope = scopeFor(r)
	}
}

// scopeFor is the scope that ip(8) gives an IPv4 route without one.
func scopeFor(r *Route) uint8 {
	const link, host = 253, 254 // RT_SCOPE_*
	switch typeOf(r) {
	case "local", "nat":
		return host
	case "broadcast", "multicast", "anycast":
		return link
	case "unicast":
		if len(r.NextHops) == 1 && !r.NextHops[0].Via.IsValid() {
			return link
		}
	}
	return 0
}

// named is what a route is called in what is said of its entry.
func (c *RouteConfig) named() string {
	if c.Route.Label != 0 {
		return routeName(&c.Route)
	}
	return "the route to " + c.Route.Destination.String()
}

func (m *simulation) nextHop(c *RouteConfig, h *NextHop) {
	if h.Device == "" && h.Via.IsValid() {
		if m.reach == nil {
			m.reach = newReach(m.to)
		}
		h.Device = m.reach.device(h.Via)
		if h.Device == "" {
			m.problem(c.Pos, "unreachable-gateway", "no interface reaches the gateway "+h.Via.String(),
				"Give `next-hop-interface`, or an address in the gateway's network to an interface.")
			return
		}
	}
	if h.Device == "" {
		return
	}
	v := m.to.Interface(h.Device)
	switch {
	case v == nil:
		m.unknown(c.Pos, "unknown-interface", h.Device, " for "+c.named(),
			"Check `next-hop-interface`, or make the interface in the same block.")
	case c.Route.Label == 0 && attrOf(v, "state") == "down":
		m.problem(c.Pos, "interface-down", h.Device+" is down, so the kernel refuses the route to "+c.Route.Destination.String(),
			"Add the interface with `state: up`.")
	}
}

// mergeRoutes joins entries of one key: with weights they are one multipath
// route, equal ones are one, others contradict each other.
func (m *simulation) mergeRoutes(wanted []RouteConfig) []Route {
	out := make([]Route, 0, len(wanted))
	for i := 0; i < len(wanted); {
		end := i + 1
		for end < len(wanted) && CompareRoutes(&wanted[i].Route, &wanted[end].Route) == 0 {
			end++
		}
		r := wanted[i].Route
		for n := i + 1; n < end; n++ {
			other := &wanted[n]
			switch {
			case wanted[i].Has["weight"] && other.Has["weight"]:
				r.NextHops = append(r.NextHops, other.Route.NextHops...)
				r.Scope = 0
			case !equalRoutes(&r, &other.Route):
				m.problem(other.Pos, "contradiction", "two routes to "+r.Destination.String()+" with the same metric and table",
					"Give them different metrics, or `weight` to both for one multipath route.")
			}
		}
		if existing := m.routeAt(&r); existing != nil {
			r = keepRoute(r, existing, &wanted[i])
		}
		out = append(out, r)
		i = end
	}
	return out
}

// routeAt is the route of the same key that is there.
func (m *simulation) routeAt(r *Route) *Route {
	n, ok := slices.BinarySearchFunc(m.to.Routes, *r, func(a, b Route) int { return CompareRoutes(&a, &b) })
	if !ok || kernelRoute(&m.to.Routes[n]) {
		return nil
	}
	return &m.to.Routes[n]
}

// keepRoute takes from a route that leads the same way what is not asked.
func keepRoute(r Route, old *Route, c *RouteConfig) Route {
	if typeOf(&r) != typeOf(old) || r.NexthopID != old.NexthopID || (!nowhere(r.Type) && !sameNextHops(r.NextHops, old.NextHops)) {
		return r
	}
	if !c.Has["protocol"] {
		r.Protocol = old.Protocol
	}
	if !c.Has["source"] {
		r.Source = old.Source
	}
	if !c.Has["scope"] {
		r.Scope = old.Scope
	}
	if r.Metrics == nil && r.Congestion == "" {
		r.Metrics, r.Congestion = old.Metrics, old.Congestion
	}
	r.Status = old.Status
	return r
}

// overlay puts routes over those of the same key; both lists are sorted.
func overlay(list, over []Route) []Route {
	out := make([]Route, 0, len(list)+len(over))
	n := 0
	for i := range over {
		for n < len(list) && CompareRoutes(&list[n], &over[i]) < 0 {
			out = append(out, list[n])
			n++
		}
		for n < len(list) && CompareRoutes(&list[n], &over[i]) == 0 {
			if kernelRoute(&list[n]) {
				out = append(out, list[n])
			}
			n++
		}
		out = append(out, over[i])
	}
	return append(out, list[n:]...)
}

// reach finds the interface behind which a gateway is, as the kernel does:
// by the longest network that an interface has an address in, or a route to
// without gateway.
type reach struct {
	networks map[netip.Prefix]string
	bits     [2][]int // prefix lengths in use, of IPv4 and IPv6, longest first
}

func newReach(s *State) *reach {
	r := &reach{networks: map[netip.Prefix]string{}}
	used := [2]map[int]bool{{}, {}}
	add := func(p netip.Prefix, device string) {
		p = p.Masked()
		if _, ok := r.networks[p]; !ok {
			r.networks[p] = device
			used[familyIndex(p.Addr())][p.Bits()] = true
		}
	}
	for i := range s.Interfaces {
		v := &s.Interfaces[i]
		for n := range v.Addresses {
			if v.Netns != "" || attrOf(v, "state") == "down" {
				break
			}
			a := &v.Addresses[n]
			if a.Peer.IsValid() {
				add(a.Peer, v.Name)
			} else if !slices.Contains(a.Flags, "noprefixroute") && !a.Prefix.Addr().IsLinkLocalUnicast() {
				add(a.Prefix, v.Name)
			}
		}
	}
	for i := range s.Routes {
		o := &s.Routes[i]
		if o.Table == mainTable && len(o.NextHops) == 1 && !o.NextHops[0].Via.IsValid() && typeOf(o) == "unicast" && o.Protocol != 2 {
			add(o.Destination, o.NextHops[0].Device)
		}
	}
	for f := range used {
		for b := range used[f] {
			r.bits[f] = append(r.bits[f], b)
		}
		slices.Sort(r.bits[f])
		slices.Reverse(r.bits[f])
	}
	return r
}

func familyIndex(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

func (r *reach) device(gateway netip.Addr) string {
	for _, b := range r.bits[familyIndex(gateway)] {
		if device, ok := r.networks[netip.PrefixFrom(gateway, b).Masked()]; ok {
			return device
		}
	}
	return ""
}
