//go:build linux

package linux

import (
	"context"
	"errors"
	"slices"
	"testing"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/transaction"
)

// world is a namespace with something of everything, that a change can spoil.
var world = append(slices.Clone(place0),
	"ip link add doomed0 address 02:00:00:00:00:50 type veth peer name doomed1 address 02:00:00:00:00:51",
	`ip link set doomed0 alias "the old one" up`, "ip link set doomed1 mtu 1400 up",
	"ip addr add 172.16.0.1/24 brd + dev doomed0", "ip addr add 172.16.0.2/24 dev doomed0", "ip -6 addr add 2001:db8:5::1/64 dev doomed0 nodad",
	"ip route add 172.20.0.0/16 via 172.16.0.9 metric 5 mtu 1300", "ip -6 route add 2001:db8:6::/48 via 2001:db8:5::2",
	"ip neigh add 172.16.0.9 lladdr 02:00:00:00:00:59 dev doomed0",
	"ip link set doomed1 master br0", "ip link set doomed1 type bridge_slave cost 7 isolated on",
	"bridge fdb add 02:00:00:00:00:58 dev doomed1 master static",
	"ip link add link low0 name mv0 address 02:00:00:00:00:60 type macvlan mode bridge",
	"ip tuntap add dev tap0 mode tap user 1000", "ip link set tap0 address 02:00:00:00:00:70",
	"ip rule add from 172.16.0.0/24 lookup 1000 priority 500", "ip route add default via 198.51.100.9 table 1000",
	"ip route add 10.0.0.0/8 via 198.51.100.2", "sysctl -qw net.ipv4.conf.low0.rp_filter=2",
)

// spoil is the state that a change makes of the world: every kind of object is
// added, changed and removed.
func spoil(t *testing.T, from *netstate.State) *netstate.State {
	t.Helper()
	to := from.Clone()
	to.Interfaces = slices.DeleteFunc(to.Interfaces, func(i netstate.Interface) bool {
		return i.Name == "doomed0" || i.Name == "doomed1" || i.Name == "tap0"
	})
	at := func(name string) *netstate.Interface { return to.Interface(name) }
	at("mv0").Attrs["mac-vlan.mode"] = "private"
	at("br0").Attrs["bridge.options.stp.enabled"] = "true"
	at("vx0").Attrs["vxlan.id"] = "10" // made anew
	at("p0").Attrs["bridge-port.stp-path-cost"] = "55"
	at("low0").Attrs["alias"] = "changed"
	at("low0").Addresses = append(at("low0").Addresses, netstate.Address{Prefix: prefixed("192.0.2.9/24")})
	to.Interfaces = append(to.Interfaces, netstate.Interface{Name: "new0", Type: "linux-bridge", Attrs: netstate.Attrs{"state": "up"},
		Addresses: []netstate.Address{{Prefix: prefixed("203.0.113.1/24")}}})
	to.Routes = slices.DeleteFunc(to.Routes, func(r netstate.Route) bool {
		return slices.ContainsFunc(r.NextHops, func(h netstate.NextHop) bool {
			return h.Device == "doomed0" || h.Device == "doomed1" || h.Device == "tap0"
		})
	})
	for i := range to.Routes {
		if to.Routes[i].Destination == prefixed("10.0.0.0/8") {
			to.Routes[i].NextHops = []netstate.NextHop{{Device: "low0", Via: ip("198.51.100.3")}}
		}
	}
	to.Routes = append(to.Routes, netstate.Route{Destination: prefixed("10.50.0.0/16"), Table: 254, Type: "blackhole", Protocol: 4})
	to.Rules = slices.DeleteFunc(to.Rules, func(r netstate.Rule) bool { return r.Priority == 500 })
	to.Rules = append(to.Rules, netstate.Rule{Family: 4, Priority: 600, From: prefixed("10.0.0.0/8"), Action: "lookup", Table: 9})
	to.Neighbors = slices.DeleteFunc(to.Neighbors, func(n netstate.Neighbor) bool { return n.Device == "doomed0" })
	to.FDB = slices.DeleteFunc(to.FDB, func(e netstate.FDBEntry) bool {
		return e.Device == "doomed1" || e.Device == "doomed0" || e.Device == "tap0"
	})
	to.Sysctls["net.ipv4.conf.low0.rp_filter"] = "1"
	to.Sort()
	return to
}

var worldQuery = netstate.Query{Links: true, Routes: true, Rules: true, Neighbors: true, FDB: true,
	Sysctls: []string{"net.ipv4.conf.low0.rp_filter", "net.ipv4.conf.*.promote_secondaries", "net.ipv6.conf.*.keep_addr_on_down"}}

// TestTransaction applies a change that spoils the world, reads it back, finds
// nothing left to do, and undoes it: iproute2 says that all is as before.
func TestTransaction(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(world)
	before := ns.settled()
	from := ns.observe(worldQuery)
	c := netstate.Diff(from, spoil(t, from))
	r, err := transaction.Apply(context.Background(), ns, c)
	if err != nil || !r.OK() {
		t.Fatalf("%+v, %v\n%s", r, err, netstate.Text(c))
	}
	now := ns.observe(worldQuery)
	if again := netstate.Diff(now, spoilAgain(now)); !again.Empty() {
		t.Errorf("there is still something to do:\n%s", netstate.Text(again))
	}
	r, err = transaction.Undo(context.Background(), ns, c)
	if err != nil || !r.OK() || !r.Undone {
		t.Fatalf("undoing: %+v, %v", r, err)
	}
	ns.same("undone", before)
}

// spoilAgain asks for what the change has made already.
func spoilAgain(now *netstate.State) *netstate.State {
	to := now.Clone()
	to.Interface("mv0").Attrs["mac-vlan.mode"] = "private"
	to.Interface("vx0").Attrs["vxlan.id"] = "10"
	to.Interface("br0").Attrs["bridge.options.stp.enabled"] = "true"
	return to
}

// TestTransactionRefused lets the kernel refuse the change at several places:
// each time all is as before.
func TestTransactionRefused(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(world)
	before := ns.settled()
	from := ns.observe(worldQuery)
	whole := netstate.Diff(from, spoil(t, from))
	bad := netstate.Edit{Op: netstate.Add, After: route(netstate.Route{Destination: prefixed("10.60.0.0/16"), Table: 254, NextHops: []netstate.NextHop{{Via: ip("233.252.0.1")}}})}
	for _, at := range []int{1, len(whole.Edits) / 3, len(whole.Edits) * 2 / 3, len(whole.Edits)} {
		c := &netstate.Change{Edits: slices.Insert(slices.Clone(whole.Edits), at, bad)}
		r, err := transaction.Apply(context.Background(), ns, c)
		var refused *executors.EditError
		if !errors.As(err, &refused) || refused.Index != at {
			t.Fatalf("refused at %d: %+v, %v", at, r, err)
		}
		if !r.Undone || len(r.Remains) > 0 {
			t.Errorf("refused at %d, not undone: %s", at, r.UndoError)
		}
		ns.same("undone", before)
	}
}
