package netstate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// WayIn names the edits of c that touch the way by which a target is reached,
// one line an edit: s is the target's state before it (links and routes), local
// its own address on the connection, peer the one at the other end. That an
// edit is named does not mean that it cuts the way, only that it carries it.
// What follows by itself is not named: the edit that it follows from is.
func WayIn(s *State, c *Change, local, peer netip.Addr) []string {
	if s == nil || c.Empty() || !local.IsValid() || !peer.IsValid() {
		return nil
	}
	w := newWay(s.Expanded(), local.Unmap(), peer.Unmap())
	return append(w.lines(c, func(e *Edit) *Edit {
		if e.Implied || e.Netns != "" {
			return nil
		}
		return e
	}), WayInElsewhere(s, c, local, peer)...)
}

// WayInElsewhere is WayIn for what c does in other namespaces, those excepted
// that the connection does not lead through.
func WayInElsewhere(s *State, c *Change, local, peer netip.Addr) []string {
	if s == nil || c.Empty() || !local.IsValid() || !peer.IsValid() {
		return nil
	}
	var lines []string
	for _, netns := range namesOf(s.Elsewhere) {
		far := orEmpty(s.Elsewhere[netns])
		if !far.owns(local.Unmap()) {
			continue
		}
		w := newWay(far.Expanded(), local.Unmap(), peer.Unmap())
		lines = append(lines, w.lines(c, func(e *Edit) *Edit { return e.within(netns) })...)
	}
	return lines
}

// owns tells that one of the interfaces has an address.
func (s *State) owns(a netip.Addr) bool {
	return slices.ContainsFunc(s.Interfaces, func(i Interface) bool {
		return i.Netns == "" && slices.ContainsFunc(i.Addresses, func(own Address) bool { return own.Prefix.Addr().Unmap() == a })
	})
}

// lines are the edits that touch the way, as they are seen from where it leads;
// nil is one that is not.
func (w *way) lines(c *Change, seen func(*Edit) *Edit) []string {
	var lines []string
	for i := range c.Edits {
		e := &c.Edits[i]
		as := seen(e)
		if as == nil {
			continue
		}
		if why := w.touched(as); why != "" {
			first, _, _ := strings.Cut(e.String(), "\n")
			lines = append(lines, first+" ("+why+")")
		}
	}
	return lines
}

// way is what carries a connection.
type way struct {
	local, peer netip.Addr
	gateway     netip.Addr   // towards peer; invalid if peer is on a link
	carriers    []string     // interfaces, those above and below included
	routes      []*Route     // the best ones to peer and to the gateway
	nexthop     uint32       // object that the best route leads by
	best        netip.Prefix // the destination of the best route to peer
}

func newWay(s *State, local, peer netip.Addr) *way {
	w := &way{local: local, peer: peer}
	for i := range s.Interfaces {
		n := &s.Interfaces[i]
		if n.Netns == "" && slices.ContainsFunc(n.Addresses, func(a Address) bool { return a.Prefix.Addr().Unmap() == local }) {
			w.carry(n.Name)
		}
	}
	if r := bestRoute(s, peer); r != nil {
		w.follow(r)
		for _, device := range s.devices(r.NexthopID) {
			w.carry(device)
		}
		w.nexthop = r.NexthopID
		w.best = r.Destination
		for _, h := range r.NextHops {
			if h.Via.IsValid() {
				w.gateway = h.Via.Unmap()
			}
		}
		if g := bestRoute(s, w.gateway); w.gateway.IsValid() && g != nil {
			w.follow(g)
		}
	}
	w.relatives(s)
	return w
}

func (w *way) carry(name string) {
	if name != "" && !slices.Contains(w.carriers, name) {
		w.carriers = append(w.carriers, name)
	}
}

func (w *way) follow(r *Route) {
	w.routes = append(w.routes, r)
	for _, h := range r.NextHops {
		w.carry(h.Device)
	}
}

// relatives adds what the carriers are ports of, and what they stand on.
func (w *way) relatives(s *State) {
	for i := 0; i < len(w.carriers); i++ { // it grows meanwhile
		for j := range s.Interfaces {
			n := &s.Interfaces[j]
			if n.Netns != "" {
				continue
			}
			if n.Name == w.carriers[i] {
				w.carry(n.Attrs["controller"])
				for key, base := range n.Attrs {
					if strings.HasSuffix(key, ".base-iface") {
						w.carry(base)
					}
				}
			}
			if n.Attrs["controller"] == w.carriers[i] || slices.Contains(n.vfInterfaces(), w.carriers[i]) {
				w.carry(n.Name)
			}
		}
	}
}

// bestRoute is the route of the main table that the kernel takes to an address.
func bestRoute(s *State, to netip.Addr) *Route {
	var best *Route
	for i := range s.Routes {
		r := &s.Routes[i]
		if r.Table != 254 || !r.Destination.Contains(to) {
			continue
		}
		if best == nil || r.Destination.Bits() > best.Destination.Bits() ||
			r.Destination.Bits() == best.Destination.Bits() && r.Metric < best.Metric {
			best = r
		}
	}
	return best
}

// touched says in which way an edit touches the way in; "" if it does not.
func (w *way) touched(e *Edit) string {
	for _, o := range []*Object{&e.Before, &e.After} {
		why := ""
		switch {
		case o.Link != nil:
			why = w.link(e, o.Link)
		case o.Address != nil:
			why = w.address(o.Address)
		case o.Route != nil:
			why = w.route(o.Route)
		case o.Routes != nil:
			why = w.routeSet(o.Routes)
		case o.Nexthop != nil && w.nexthop != 0 && o.Nexthop.ID == w.nexthop:
			why = fmt.Sprintf("the route to %s leads by it", w.peer)
		case o.MPLS != nil && e.Op != Add && slices.ContainsFunc(o.MPLS.NextHops, func(h NextHop) bool { return h.Device == "lo" || slices.Contains(w.carriers, h.Device) }):
			why = fmt.Sprintf("packets from or to %s may have its label", w.peer)
		case o.Rule != nil:
			why = w.rule(o.Rule)
		case o.Neighbor != nil && slices.Contains(w.carriers, o.Neighbor.Device):
			if ip := o.Neighbor.IP.Unmap(); ip == w.peer || ip == w.gateway {
				why = fmt.Sprintf("%s is on the way to %s", ip, w.peer)
			}
		case o.Xfrm != nil:
			why = w.xfrm(e, o.Xfrm)
		case o.Traffic != nil && slices.Contains(w.carriers, o.Traffic.Device):
			why = fmt.Sprintf("%s carries the connection with %s", o.Traffic.Device, w.peer)
		case o.Sysctl != nil:
			why = w.sysctl(o.Sysctl.Key)
		}
		if why != "" {
			return why
		}
	}
	return ""
}

// harmless are attributes of an interface that no packet minds.
var harmless = []string{"alias", "txqueuelen"}

func (w *way) link(e *Edit, l *Interface) string {
	if l.Netns != "" {
		return ""
	}
	carries := slices.Contains(w.carriers, l.Name)
	if e.Op == Add || !carries {
		return ""
	}
	if e.Op == Modify && !e.Replaces && e.Before.Link != nil && e.After.Link != nil {
		differs := false
		for _, side := range []Attrs{e.Before.Link.Attrs, e.After.Link.Attrs} {
			for key := range side {
				differs = differs || e.Before.Link.Attrs[key] != e.After.Link.Attrs[key] && !slices.Contains(harmless, key)
			}
		}
		if !differs {
			return ""
		}
	}
	return fmt.Sprintf("%s carries the connection with %s", l.Name, w.peer)
}

func (w *way) address(a *InterfaceAddress) string {
	switch ip := a.Prefix.Addr().Unmap(); {
	case ip == w.local:
		return "it is the address that is connected to"
	case ip == w.peer:
		return "it is the address that the connection comes from"
	case a.Prefix.Masked().Contains(w.peer) && a.Prefix.Bits() >= w.best.Bits():
		return fmt.Sprintf("it makes a route to %s", w.peer)
	case w.gateway.IsValid() && a.Prefix.Masked().Contains(w.gateway):
		return fmt.Sprintf("it makes a route to the gateway %s", w.gateway)
	}
	return ""
}

func (w *way) route(r *Route) string {
	switch {
	case r.Destination.Contains(w.peer) && r.Destination.Bits() >= w.best.Bits():
		return fmt.Sprintf("it leads to %s, where the connection comes from", w.peer)
	case w.gateway.IsValid() && r.Destination.Contains(w.gateway) && r.Destination.Bits() > 0:
		return fmt.Sprintf("it leads to the gateway %s", w.gateway)
	case r.Type == "local" && r.Destination.Contains(w.local):
		return "it is the address that is connected to"
	}
	return ""
}

func (w *way) routeSet(s *RouteSet) string {
	for i := range s.Prefixes.Len() {
		r := s.At(i)
		if why := w.route(&r); why != "" {
			return r.Destination.String() + ": " + why
		}
	}
	return ""
}

func (w *way) rule(r *Rule) string {
	is4 := w.peer.Is4()
	if r.Family == 4 != is4 {
		return ""
	}
	matches := (!r.To.IsValid() || r.To.Contains(w.peer)) && (!r.From.IsValid() || r.From.Contains(w.local) || r.From.Contains(w.peer))
	if matches == r.Not {
		return ""
	}
	return fmt.Sprintf("it decides on packets to or from %s", w.peer)
}

// sysctl knows the parameters that make an interface drop what it took before.
func (w *way) sysctl(key string) string {
	parts := strings.Split(key, ".")
	if len(parts) < 5 || parts[2] != "conf" {
		return ""
	}
	name := strings.Join(parts[3:len(parts)-1], ".")
	last := parts[len(parts)-1]
	drops := slices.Contains([]string{"rp_filter", "disable_ipv6", "arp_ignore", "arp_filter", "accept_local", "disable_policy"}, last)
	if drops && (name == "all" || slices.Contains(w.carriers, name)) {
		return fmt.Sprintf("it decides which packets from %s are taken", w.peer)
	}
	return ""
}

// xfrm knows policies that are for the connection, and states that may carry
// it: which ones do is not known without the policies that are there.
func (w *way) xfrm(e *Edit, x *Xfrm) string {
	ends := []netip.Addr{w.local, w.peer}
	within := func(key string) bool {
		p, err := netip.ParsePrefix(x.Attrs[key])
		return err != nil || slices.ContainsFunc(ends, p.Contains)
	}
	switch {
	case x.Sort == XfrmState && (e.Op != Add || x.Attrs["src"] == w.local.String() || x.Attrs["dst"] == w.local.String()):
		return fmt.Sprintf("packets to and from %s may be protected by it", w.peer)
	case x.Sort == XfrmPolicy && within("src") && within("dst"):
		return fmt.Sprintf("it decides on packets to or from %s", w.peer)
	case x.Sort == MPTCPEndpoint && e.Op != Add && x.Attrs["address"] == w.local.String():
		return fmt.Sprintf("if the connection with %s is one of Multipath TCP, it may be on it", w.peer)
	case x.Sort == XfrmDefault:
		return "it decides on packets that no policy is for"
	}
	return ""
}
