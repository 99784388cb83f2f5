package netstate

import (
	"net/netip"
	"strings"
)

// losses knows what the kernel removes by itself between two states.
type losses struct {
	from, to *State
	trans    map[string]transition
	// lastV4 has the devices that lose their last IPv4 address: the kernel
	// then flushes all their IPv4 routes (fib_disable_ip).
	lastV4 map[string]moment
	// unowned has local addresses that no interface has any more: routes that
	// prefer them as source go too (fib_sync_down_addr).
	unowned map[netip.Addr]moment
}

func newLosses(from, to *State) *losses {
	l := &losses{from: from, to: to, trans: transitions(from, to), lastV4: map[string]moment{}, unowned: map[netip.Addr]moment{}}
	stay := map[netip.Addr]bool{}
	for i := range to.Interfaces {
		for n := range to.Interfaces[i].Addresses {
			if to.Interfaces[i].Netns == "" {
				stay[to.Interfaces[i].Addresses[n].Prefix.Addr()] = true
			}
		}
	}
	for i := range from.Interfaces {
		before := &from.Interfaces[i]
		if before.Netns != "" {
			continue
		}
		for n := range before.Addresses {
			if addr := before.Addresses[n].Prefix.Addr(); addr.Is4() && !stay[addr] {
				l.unowned[addr] = late
			}
		}
		if after := to.Interface(before.Name); after != nil && countV4(before) > 0 && countV4(after) == 0 {
			l.lastV4[before.Name] = late
		}
	}
	return l
}

func countV4(i *Interface) int {
	n := 0
	for a := range i.Addresses {
		if i.Addresses[a].Prefix.Addr().Is4() {
			n++
		}
	}
	return n
}

// address tells when the kernel removes an address with its interface's
// transition; edits of the address itself are not looked at.
func (l *losses) address(device string, a *Address) moment {
	t := l.trans[device]
	if t.gone != never {
		return t.gone
	}
	if a.Prefix.Addr().Is4() {
		return never
	}
	if t.cycled && !t.v6off && !keepsV6(l.from, device) {
		return early
	}
	if t.v6off || (t.down && !keepsV6(l.from, device)) {
		return late
	}
	return never
}

// route tells when the kernel removes a route of from.
func (l *losses) route(r *Route) moment {
	if n := l.from.nexthop(r.NexthopID); r.NexthopID != 0 && n != nil {
		if when := l.nexthop(n); when != never {
			return when
		}
	}
	if nowhere(r.Type) || len(r.NextHops) == 0 {
		return l.source(r)
	}
	flushed := 0
	when := never
	for n := range r.NextHops {
		device := r.NextHops[n].Device
		t, last := l.trans[device], l.lastV4[device]
		switch {
		case t.gone != never:
			// One hop over a vanished device takes the whole route along.
			return t.gone
		case t.down, t.cycled, t.v6off && !isV4(r):
			flushed++
			when = late
		case isV4(r) && last != never:
			flushed++
			when = max(when, last)
		}
	}
	if flushed == len(r.NextHops) {
		return when
	}
	return l.source(r)
}

// source tells when a route goes because its preferred source does.
func (l *losses) source(r *Route) moment {
	if !r.Source.Is4() || r.Table != mainTable {
		return never
	}
	return l.unowned[r.Source]
}

// mainTable is RT_TABLE_MAIN.
const mainTable = 254

// neighbor tells when the kernel forgets an entry.
func (l *losses) neighbor(n *Neighbor) moment {
	t := l.trans[n.Device]
	switch {
	case t.gone != never:
		return t.gone
	case t.cycled && !n.Proxy:
		return early
	case t.newMAC != never && !n.Proxy:
		return t.newMAC
	case t.down, t.v6off && n.IP.Is6():
		return late
	case n.IP.Is4():
		return l.lastV4[n.Device]
	}
	return never
}

// parameter tells when a parameter vanishes: with its interface, and those of
// IPv6 also when the MTU becomes too small for it.
func (l *losses) parameter(key string) moment {
	device := sysctlDevice(key)
	if device == "" {
		return never
	}
	t := l.trans[device]
	if t.gone == never && t.small && strings.HasPrefix(key, "net.ipv6.conf.") {
		return late
	}
	return t.gone
}

// fdb tells when the kernel forgets an entry.
func (l *losses) fdb(e *FDBEntry) moment {
	t := l.trans[e.Device]
	if t.gone != never {
		return t.gone
	}
	if fdbOwner(e) != "master" {
		return never
	}
	controller := ""
	if i := l.from.Interface(e.Device); i != nil {
		controller = attrOf(i, "controller")
	}
	if gone := l.trans[controller].gone; controller != "" && gone != never {
		return gone
	}
	if t.released {
		return early
	}
	return never
}
