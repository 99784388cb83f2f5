package netstate_test

import (
	"net/netip"
	"testing"

	"stet/executors/netstate"
)

// TestDiffSetsAndRoutes: sets of routes are in the change, too, where there are
// more single routes than before.
func TestDiffSetsAndRoutes(t *testing.T) {
	var l netstate.PrefixList
	for i := range 1000 {
		l.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 0}), 24))
	}
	four, _ := l.Sets()
	way := netstate.Route{Table: 254, Protocol: 4, Type: "unicast", NextHops: []netstate.NextHop{{Device: "v0", Via: netip.MustParseAddr("192.0.2.2")}}}
	single := way
	single.Destination, single.Metric = netip.MustParsePrefix("10.0.0.0/8"), 7
	from := &netstate.State{}
	to := &netstate.State{Routes: []netstate.Route{single}, RouteSets: []netstate.RouteSet{{Route: way, Prefixes: four}}}
	if n := netstate.Diff(from, to).Count(); n != 1001 {
		t.Errorf("%d routes differ, want 1001", n)
	}
}
