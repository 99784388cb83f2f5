package netstate

import (
	"maps"
	"slices"
	"strings"
)

// equalAddresses compares what can be set. A lifetime that runs down is equal
// to the one that was given, until it has run out; scopes of IPv6 addresses
// follow from the address.
func equalAddresses(before, after *Address) bool {
	return sameForm(before, after) && sameFlags(before, after) && sameTimes(before, after)
}

// changeable tells whether the kernel takes the difference on an address that
// exists (inet_rtm_newaddr, inet6_addr_modify): lifetimes and metric, of IPv6
// also flags.
func changeable(before, after *Address) bool {
	if before.Prefix != after.Prefix || !sameForm(before, after) {
		return false
	}
	if before.Prefix.Addr().Is4() {
		return sameFlags(before, after)
	}
	if before.Metric != 0 && after.Metric == 0 {
		return false // inet6_addr_modify takes no metric for "as it was"
	}
	return slices.Contains(before.Flags, "autojoin") == slices.Contains(after.Flags, "autojoin")
}

func sameForm(a, b *Address) bool {
	if a.Prefix != b.Prefix || a.Peer != b.Peer {
		return false
	}
	if !a.Prefix.Addr().Is4() {
		return true
	}
	return a.Broadcast == b.Broadcast && scopeOf(a) == scopeOf(b) && a.Label == b.Label
}

func scopeOf(a *Address) string {
	if a.Scope == "" {
		return "global"
	}
	return a.Scope
}

func sameFlags(a, b *Address) bool {
	return slices.Equal(slices.Sorted(slices.Values(a.Flags)), slices.Sorted(slices.Values(b.Flags)))
}

func sameTimes(before, after *Address) bool {
	return before.Metric == after.Metric && before.Deprecated == after.Deprecated &&
		sameLifetime(before.ValidLifetime, after.ValidLifetime) &&
		sameLifetime(before.PreferredLifetime, after.PreferredLifetime)
}

// sameLifetime allows for a lifetime that runs down; 0 is forever.
func sameLifetime(before, after uint32) bool {
	if before == 0 || after == 0 {
		return before == after
	}
	return before <= after
}

// equalRoutes compares what can be set.
func equalRoutes(a, b *Route) bool {
	if a.Destination != b.Destination || a.Table != b.Table || a.Metric != b.Metric || a.TOS != b.TOS ||
		a.Protocol != b.Protocol || a.Congestion != b.Congestion || a.NexthopID != b.NexthopID || a.Source != b.Source || typeOf(a) != typeOf(b) {
		return false
	}
	if isV4(a) && a.Scope != b.Scope {
		return false
	}
	return (nowhere(a.Type) || sameNextHops(a.NextHops, b.NextHops)) && maps.Equal(a.Metrics, b.Metrics)
}

func typeOf(r *Route) RouteType {
	if r.Type == "" {
		return "unicast"
	}
	return r.Type
}

// sameNextHops compares ways whose order means nothing. An ordinary route has
// one, whose weight means nothing; in multipath no weight is 1.
func sameNextHops(a, b []NextHop) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 1 {
		return a[0].Device == b[0].Device && a[0].Via == b[0].Via && a[0].OnLink == b[0].OnLink && a[0].Encap == b[0].Encap
	}
	x, y := weighed(a), weighed(b)
	return slices.Equal(x, y)
}

func weighed(hops []NextHop) []NextHop {
	c := slices.Clone(hops)
	for i := range c {
		c[i].Weight = max(c[i].Weight, 1)
	}
	sortShort(c, func(a, b NextHop) int {
		if c := a.Via.Compare(b.Via); c != 0 {
			return c
		}
		if a.Device != b.Device {
			if a.Device < b.Device {
				return -1
			}
			return 1
		}
		if a.Encap != b.Encap {
			return strings.Compare(a.Encap, b.Encap)
		}
		return int(a.Weight) - int(b.Weight)
	})
	return c
}

// equalNeighbors compares what can be declared.
func equalNeighbors(a, b *Neighbor) bool {
	return a.Router == b.Router && a.Learned == b.Learned && (a.Proxy || (a.MAC == b.MAC && a.State == b.State))
}

// equalFDB compares what can be declared.
func equalFDB(a, b *FDBEntry) bool {
	return a.State == b.State && a.Sticky == b.Sticky && a.Learned == b.Learned && a.NexthopID == b.NexthopID && sameRemote(a, b)
}

func sameRemote(a, b *FDBEntry) bool {
	return a.Dst == b.Dst && a.Port == b.Port && a.VNI == b.VNI && a.Via == b.Via
}

// equalRules compares rules that have everything but the protocol in common.
func equalRules(a, b *Rule) bool { return a.Protocol == b.Protocol }
