//go:build linux

package linux

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/netstate"
)

var withSets = netstate.Query{Links: true, Routes: true, RouteSets: true}

// someSet is n routes of a family over low0.
func someSet(n int, six bool) *netstate.RouteSet {
	var l netstate.PrefixList
	for i := range n {
		if six {
			l.Add(netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 9, byte(i >> 8), byte(i)}), 56))
		} else {
			l.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 0}), 24))
		}
	}
	s := &netstate.RouteSet{Route: netstate.Route{Table: 254, Protocol: 4, Type: "unicast", NextHops: []netstate.NextHop{{Device: "low0"}}}}
	four, other := l.Sets()
	s.Prefixes = four
	s.Route.NextHops[0].Via = ip("198.51.100.2")
	if six {
		s.Prefixes, s.Route.Metric, s.Route.NextHops[0].Via = other, 1024, ip("2001:db8:1::2")
	}
	return s
}

// TestRouteSets makes, changes and removes sets of routes, reads them back as
// sets and one by one, and asks iproute2.
func TestRouteSets(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	for _, six := range []bool{false, true} {
		const count = 1000
		before := ns.observe(withSets)
		set := someSet(count, six)
		ns.edit(netstate.Edit{Op: netstate.Add, After: netstate.Object{Routes: set}})
		command := []string{"ip", "-4", "route", "show", "proto", "static"}
		if six {
			command[1] = "-6"
		}
		if n := strings.Count(ns.run(command...), "\n"); n != count {
			t.Fatalf("ip shows %d routes, want %d", n, count)
		}
		now := ns.observe(withSets)
		if len(now.RouteSets) != len(before.RouteSets)+1 {
			t.Fatalf("%d sets are read back", len(now.RouteSets)-len(before.RouteSets))
		}
		singly := ns.observe(netstate.Query{Links: true, Routes: true})
		if d := netstate.Diff(now.Expanded(), singly); !d.Empty() {
			t.Fatalf("in sets it is something else:\n%s", netstate.Text(d))
		}
		change := netstate.Diff(before, now)
		if change.Count() != count {
			t.Errorf("%d routes differ, want %d", change.Count(), count)
		}
		other := *set
		other.Route.Metrics = map[string]uint32{"mtu": 1300}
		ns.edit(netstate.Edit{Op: netstate.Modify, Before: netstate.Object{Routes: set}, After: netstate.Object{Routes: &other}})
		if n := strings.Count(ns.run(command...), "mtu 1300"); n != count {
			t.Errorf("ip shows %d changed routes, want %d", n, count)
		}
		ns.edit(netstate.Edit{Op: netstate.Delete, Before: netstate.Object{Routes: &other}})
		if d := netstate.Diff(before, ns.observe(withSets)); !d.Empty() {
			t.Errorf("removing left\n%s", netstate.Text(d))
		}
	}
}

// TestRefusedOfSet names the one route of a set that the kernel refuses.
func TestRefusedOfSet(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	ns.run("ip", "route", "add", "blackhole", "20.2.9.0/24")
	set := someSet(1000, false)
	edits := []netstate.Edit{{Op: netstate.Add, After: netstate.Object{Routes: set}}}
	_, err := ns.Edit(context.Background(), edits)
	var refused *executors.EditError
	if !errors.As(err, &refused) || refused.Index != 0 || refused.Member != 2*256+9 || unix.Errno(refused.Errno) != unix.EEXIST || !strings.Contains(refused.Edit, "20.2.9.0/24") {
		t.Errorf("got %#v (%v)", refused, err)
	}
}
