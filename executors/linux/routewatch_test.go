//go:build linux

package linux

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// TestRouteWatch reads a large table once as long as nothing changes, and sees
// each change: also those that take routes away without telling so.
func TestRouteWatch(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll([]string{veth, "ip link set low0 up", "ip link set low1 up", "ip addr add 198.51.100.1/24 dev low0", "ip addr add 2001:db8:1::1/64 dev low0 nodad"})
	count := func() int {
		n := 0
		s := ns.observe(withSets)
		for i := range s.RouteSets {
			n += s.RouteSets[i].Prefixes.Len()
		}
		return n
	}
	if count(); ns.watch.state != nil {
		t.Error("a small table is kept")
	}
	set := someSet(watchLeast+100, false)
	ns.edit(netstate.Edit{Op: netstate.Add, After: netstate.Object{Routes: set}})
	if n := count(); n != watchLeast+100 || ns.watch.state == nil {
		t.Fatalf("%d routes are read, and not watched", n)
	}
	for _, change := range [][]string{
		{"ip", "route", "del", "20.0.0.0/24"},
		{"ip", "route", "add", "20.0.0.0/24", "via", "198.51.100.2", "proto", "static"},
		{"ip", "route", "replace", "20.0.1.0/24", "via", "198.51.100.2", "proto", "static", "mtu", "1400"},
		{"ip", "-6", "route", "add", "2001:db8:77::/64", "via", "2001:db8:1::2"},
		{"ip", "nexthop", "add", "id", "7", "via", "198.51.100.2", "dev", "low0"},
		{"ip", "route", "add", "20.77.0.0/16", "nhid", "7"},
		{"ip", "nexthop", "del", "id", "7"},
		{"ip", "link", "set", "low0", "alias", "changed"},
		{"ip", "route", "add", "blackhole", "21.0.0.0/8"},
		{"ip", "link", "set", "low0", "down"},
	} {
		first := ns.quietly()
		ns.run(change...)
		if ns.observe(withSets); ns.watch.state == first {
			t.Errorf("after %v the table was not read again", change)
		}
	}
	if n := count(); n >= watchLeast {
		t.Errorf("%d routes are there without their interface", n)
	}
}

// quietly waits until a table is not read again because nothing changes, and
// compares it with what who has not read it before sees.
func (ns *namespace) quietly() *netstate.State {
	ns.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		ns.observe(withSets)
		kept := ns.watch.state
		seen, fresh := ns.observe(withSets), ns.afresh(withSets)
		if ns.observe(withSets); kept == nil || ns.watch.state != kept {
			continue // an interface that comes up tells so a little later
		}
		if d := netstate.Diff(fresh, seen); !d.Empty() {
			ns.t.Fatalf("the table that was kept differs:\n%s", netstate.Text(d))
		}
		return kept
	}
	ns.t.Fatal("the table is read each time")
	return nil
}

// afresh observes through a way in of its own.
func (ns *namespace) afresh(q netstate.Query) *netstate.State {
	ns.t.Helper()
	fd, err := openNamed(ns.name)
	if err != nil {
		ns.t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	n, err := Open(Options{NS: fd})
	if err != nil {
		ns.t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	s, err := n.Observe(ns.t.Context(), q)
	if err != nil {
		ns.t.Fatal(err)
	}
	return s
}
