//go:build linux

package linux

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/netstate"
)

func ip(s string) netip.Addr         { return netip.MustParseAddr(s) }
func prefixed(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func pointer(n int) *int             { return &n }

// place0 is what the objects of the tests lie on.
var place0 = []string{veth, "ip link add br0 address 02:00:00:00:00:01 type bridge", "ip link set br0 up",
	"ip link add p0 address 02:00:00:00:00:20 type veth peer name p1 address 02:00:00:00:00:21", "ip link set p0 master br0 up", "ip link set p1 up",
	"ip link add vx0 address 02:00:00:00:00:30 type vxlan id 9 dstport 4789 remote 192.0.2.77", "ip link set low0 up", "ip link set low1 up",
	"ip addr add 198.51.100.1/24 dev low0", "ip addr add 2001:db8:1::1/64 dev low0 nodad",
	"ip link add vx1 address 02:00:00:00:00:31 type vxlan external dstport 4790",
	"ip nexthop add id 520 via 192.0.2.30 fdb", "ip nexthop add id 522 group 520 fdb"}

func addressed(device string, a netstate.Address) netstate.Object {
	return netstate.Object{Address: &netstate.InterfaceAddress{Device: device, Address: a}}
}

func route(r netstate.Route) netstate.Object       { return netstate.Object{Route: &r} }
func rule(r netstate.Rule) netstate.Object         { return netstate.Object{Rule: &r} }
func neighbor(n netstate.Neighbor) netstate.Object { return netstate.Object{Neighbor: &n} }
func entry(e netstate.FDBEntry) netstate.Object    { return netstate.Object{FDB: &e} }

// objectCases are objects with iproute2's command that makes the same.
var objectCases = []struct {
	command string
	object  netstate.Object
}{
	{"ip addr add 192.0.2.1/24 brd + dev low0", addressed("low0", netstate.Address{Prefix: prefixed("192.0.2.1/24"), Broadcast: ip("192.0.2.255")})},
	{"ip addr add 192.0.2.2/24 dev low0 label low0:x metric 77 noprefixroute", addressed("low0", netstate.Address{Prefix: prefixed("192.0.2.2/24"), Label: "low0:x", Metric: 77, Flags: []string{"noprefixroute"}})},
	{"ip addr add 10.0.0.1 peer 10.0.0.2/32 dev low0 scope link", addressed("low0", netstate.Address{Prefix: prefixed("10.0.0.1/32"), Peer: prefixed("10.0.0.2/32"), Scope: "link"})},
	{"ip addr add 10.0.1.1/24 dev low0 scope 100 valid_lft 1000 preferred_lft 500", addressed("low0", netstate.Address{Prefix: prefixed("10.0.1.1/24"), Scope: "100", ValidLifetime: 1000, PreferredLifetime: 500})},
	{"ip addr add 2001:db8::5/64 dev low0 nodad home noprefixroute", addressed("low0", netstate.Address{Prefix: prefixed("2001:db8::5/64"), Flags: []string{"home", "nodad", "noprefixroute"}})},
	{"ip addr add 2001:db8::6/64 dev low0 nodad valid_lft 9999 preferred_lft 0", addressed("low0", netstate.Address{Prefix: prefixed("2001:db8::6/64"), Flags: []string{"nodad"}, ValidLifetime: 9999, Deprecated: true})},
	{"ip addr add 2001:db8::7 peer 2001:db8::8/128 dev low0 nodad", addressed("low0", netstate.Address{Prefix: prefixed("2001:db8::7/128"), Peer: prefixed("2001:db8::8/128"), Flags: []string{"nodad"}})},

	{"ip route add 203.0.113.0/24 via 198.51.100.2", route(netstate.Route{Destination: prefixed("203.0.113.0/24"), Table: 254, Protocol: 3, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("198.51.100.2")}}})},
	{"ip route add 203.0.113.0/24 dev low0 metric 50 src 198.51.100.1 proto static", route(netstate.Route{Destination: prefixed("203.0.113.0/24"), Table: 254, Metric: 50, Protocol: 4, Scope: 253, Source: ip("198.51.100.1"), NextHops: []netstate.NextHop{{Device: "low0"}}})},
	{"ip route add 10.7.0.0/16 via 172.16.0.1 dev low0 onlink table 1000 mtu 1300 advmss 1200 initcwnd 20", route(netstate.Route{Destination: prefixed("10.7.0.0/16"), Table: 1000, Protocol: 3, Metrics: map[string]uint32{"mtu": 1300, "advmss": 1200, "initcwnd": 20}, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("172.16.0.1"), OnLink: true}}})},
	{"ip route add 10.8.0.0/16 nexthop via 198.51.100.2 weight 3 nexthop via 198.51.100.3 weight 5", route(netstate.Route{Destination: prefixed("10.8.0.0/16"), Table: 254, Protocol: 3, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("198.51.100.2"), Weight: 3}, {Device: "low0", Via: ip("198.51.100.3"), Weight: 5}}})},
	{"ip route add blackhole 10.9.0.0/16", route(netstate.Route{Destination: prefixed("10.9.0.0/16"), Table: 254, Protocol: 3, Type: "blackhole"})},
	{"ip route add unreachable 10.10.0.0/16 metric 9", route(netstate.Route{Destination: prefixed("10.10.0.0/16"), Table: 254, Metric: 9, Protocol: 3, Type: "unreachable"})},
	{"ip route add prohibit 10.11.0.0/16 tos 0x10", route(netstate.Route{Destination: prefixed("10.11.0.0/16"), Table: 254, TOS: 16, Protocol: 3, Type: "prohibit"})},
	{"ip route add throw 10.12.0.0/16 table 77", route(netstate.Route{Destination: prefixed("10.12.0.0/16"), Table: 77, Protocol: 3, Type: "throw"})},
	{"ip route add 10.13.0.0/16 via inet6 2001:db8:1::2 dev low0", route(netstate.Route{Destination: prefixed("10.13.0.0/16"), Table: 254, Protocol: 3, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("2001:db8:1::2")}}})},
	{"ip route add default via 198.51.100.9", route(netstate.Route{Destination: prefixed("0.0.0.0/0"), Table: 254, Protocol: 3, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("198.51.100.9")}}})},
	{"ip route add 10.14.0.0/16 dev low0 mtu lock 1300 rto_min 200ms cwnd lock 9 fastopen_no_cookie 1", route(netstate.Route{Destination: prefixed("10.14.0.0/16"), Table: 254, Protocol: 3, Scope: 253, NextHops: []netstate.NextHop{{Device: "low0"}}, Metrics: map[string]uint32{"mtu": 1300, "rto_min": 200, "cwnd": 9, "fastopen_no_cookie": 1, "lock": 1<<2 | 1<<7 | 1<<13}})},
	{"ip -6 route add 2001:db8:2::/48 via 2001:db8:1::2 metric 12 mtu 1400", route(netstate.Route{Destination: prefixed("2001:db8:2::/48"), Table: 254, Metric: 12, Protocol: 3, Metrics: map[string]uint32{"mtu": 1400}, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("2001:db8:1::2")}}})},
	{"ip -6 route add default nexthop via 2001:db8:1::2 weight 2 nexthop via 2001:db8:1::3 weight 1", route(netstate.Route{Destination: prefixed("::/0"), Table: 254, Metric: 1024, Protocol: 3, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("2001:db8:1::2"), Weight: 2}, {Device: "low0", Via: ip("2001:db8:1::3"), Weight: 1}}})},
	{"ip -6 route add 2001:db8:5::/48 via 2001:db8:1::2 pref high congctl lock reno features ecn", route(netstate.Route{Destination: prefixed("2001:db8:5::/48"), Table: 254, Metric: 1024, Protocol: 3, Congestion: "reno", Metrics: map[string]uint32{"pref": 1, "features": 1, "lock": 1 << 16}, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("2001:db8:1::2")}}})},
	{"ip route add 10.15.0.0/16 via 198.51.100.2 congctl cubic features ecn", route(netstate.Route{Destination: prefixed("10.15.0.0/16"), Table: 254, Protocol: 3, Congestion: "cubic", Metrics: map[string]uint32{"features": 1}, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("198.51.100.2")}}})},
	{"ip -6 route add blackhole 2001:db8:3::/48", route(netstate.Route{Destination: prefixed("2001:db8:3::/48"), Table: 254, Metric: 1024, Protocol: 3, Type: "blackhole"})},
	{"ip -6 route add 2001:db8:4::/48 dev low0 table 5000", route(netstate.Route{Destination: prefixed("2001:db8:4::/48"), Table: 5000, Metric: 1024, Protocol: 3, NextHops: []netstate.NextHop{{Device: "low0"}}})},

	{"ip rule add from 10.0.0.0/8 to 192.0.2.0/24 table 1000 priority 100", rule(netstate.Rule{Family: 4, Priority: 100, From: prefixed("10.0.0.0/8"), To: prefixed("192.0.2.0/24"), Table: 1000})},
	{"ip rule add not fwmark 0x10/0xff iif low0 oif low1 lookup 5 priority 101 suppress_prefixlength 0 suppress_ifgroup 3", rule(netstate.Rule{Family: 4, Priority: 101, Not: true, FwMark: 16, FwMask: 255, IIF: "low0", OIF: "low1", Table: 5, SuppressPrefixLength: pointer(0), SuppressGroup: pointer(3)})},
	{"ip rule add tos 0x10 ipproto tcp sport 80 dport 1000-2000 uidrange 1000-1999 lookup main priority 102", rule(netstate.Rule{Family: 4, Priority: 102, TOS: 16, IPProto: 6, SourcePorts: "80", DestinationPorts: "1000-2000", UIDRange: "1000-1999", Table: 254})},
	{"ip rule add priority 103 goto 200", rule(netstate.Rule{Family: 4, Priority: 103, Action: "goto", Goto: 200})},
	{"ip rule add priority 104 prohibit from 10.1.1.1", rule(netstate.Rule{Family: 4, Priority: 104, Action: "prohibit", From: prefixed("10.1.1.1/32")})},
	{"ip -6 rule add from 2001:db8::/32 lookup 7 priority 105", rule(netstate.Rule{Family: 6, Priority: 105, From: prefixed("2001:db8::/32"), Table: 7})},

	{"ip neigh add 198.51.100.7 lladdr 02:00:00:00:00:77 dev low0", neighbor(netstate.Neighbor{Device: "low0", IP: ip("198.51.100.7"), MAC: "02:00:00:00:00:77", State: "permanent"})},
	{"ip neigh add 2001:db8:1::7 lladdr 02:00:00:00:00:78 dev low0 router", neighbor(netstate.Neighbor{Device: "low0", IP: ip("2001:db8:1::7"), MAC: "02:00:00:00:00:78", State: "permanent", Router: true})},
	{"ip neigh add proxy 198.51.100.8 dev low0", neighbor(netstate.Neighbor{Device: "low0", IP: ip("198.51.100.8"), Proxy: true})},

	{"ip neigh add 198.51.100.10 lladdr 02:00:00:00:00:79 dev low0 extern_learn", neighbor(netstate.Neighbor{Device: "low0", IP: ip("198.51.100.10"), MAC: "02:00:00:00:00:79", State: "permanent", Learned: true})},
	{"ip neigh add 198.51.100.11 dev low0 managed", neighbor(netstate.Neighbor{Device: "low0", IP: ip("198.51.100.11"), State: netstate.Managed})},

	{"bridge fdb add 02:00:00:00:00:99 dev p0 master static", entry(netstate.FDBEntry{Device: "p0", MAC: "02:00:00:00:00:99", Owner: "master", State: "static"})},
	{"bridge fdb add 02:00:00:00:00:9a dev p0 master permanent", entry(netstate.FDBEntry{Device: "p0", MAC: "02:00:00:00:00:9a", Owner: "master", State: "permanent"})},
	{"bridge fdb add 02:00:00:00:00:9c dev p0 master static sticky", entry(netstate.FDBEntry{Device: "p0", MAC: "02:00:00:00:00:9c", Owner: "master", State: "static", Sticky: true})},
	{"bridge fdb add 02:00:00:00:00:9b dev p1 self", entry(netstate.FDBEntry{Device: "p1", MAC: "02:00:00:00:00:9b", Owner: "self", State: "permanent"})},
	{"bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.78", entry(netstate.FDBEntry{Device: "vx0", MAC: "00:00:00:00:00:00", Owner: "self", State: "permanent", Dst: ip("192.0.2.78")})},
	{"bridge fdb add 02:00:00:00:00:9d dev vx0 dst 192.0.2.79 port 1234 vni 55 via low0", entry(netstate.FDBEntry{Device: "vx0", MAC: "02:00:00:00:00:9d", Owner: "self", State: "permanent", Dst: ip("192.0.2.79"), Port: 1234, VNI: 55, Via: "low0"})},
	{"bridge fdb add 02:00:00:00:00:9e dev vx0 dst 192.0.2.79 static", entry(netstate.FDBEntry{Device: "vx0", MAC: "02:00:00:00:00:9e", Owner: "self", State: "static", Dst: ip("192.0.2.79")})},
	{"bridge fdb add 02:00:00:00:00:a2 dev vx0 dst 192.0.2.79 static extern_learn", entry(netstate.FDBEntry{Device: "vx0", MAC: "02:00:00:00:00:a2", Owner: "self", State: "static", Dst: ip("192.0.2.79"), Learned: true})},
	{"bridge fdb add 02:00:00:00:00:9f dev vx0 nhid 522", entry(netstate.FDBEntry{Device: "vx0", MAC: "02:00:00:00:00:9f", Owner: "self", State: "permanent", NexthopID: 522})},
	{"bridge fdb add 02:00:00:00:00:a0 dev vx1 src_vni 100 dst 192.0.2.79 vni 200", entry(netstate.FDBEntry{Device: "vx1", MAC: "02:00:00:00:00:a0", Owner: "self", State: "permanent", Dst: ip("192.0.2.79"), SourceVNI: 100, VNI: 200})},
	{"bridge fdb add 02:00:00:00:00:a0 dev vx1 src_vni 101 dst 192.0.2.80", entry(netstate.FDBEntry{Device: "vx1", MAC: "02:00:00:00:00:a0", Owner: "self", State: "permanent", Dst: ip("192.0.2.80"), SourceVNI: 101})},
	{"bridge fdb add 02:00:00:00:00:a1 dev vx1 src_vni 101 nhid 522", entry(netstate.FDBEntry{Device: "vx1", MAC: "02:00:00:00:00:a1", Owner: "self", State: "permanent", SourceVNI: 101, NexthopID: 522})},
}

// TestObjects makes the objects, reads them back, compares with iproute2, and
// takes them away: those of iproute2's making, too.
func TestObjects(t *testing.T) {
	t.Parallel()
	ns, oracle := newNamespace(t), newNamespace(t)
	ns.runAll(place0)
	oracle.runAll(place0)
	before, oracleBefore := ns.settled(), oracle.settled()
	state := ns.observe(everything)
	change := &netstate.Change{}
	for _, c := range objectCases {
		change.Edits = append(change.Edits, netstate.Edit{Op: netstate.Add, After: c.object})
		oracle.runAll([]string{c.command})
		if e := c.object.FDB; e != nil && e.Owner == "master" && inMachine() {
			// Where the kernel knows VLANs of ports, it makes one of each, too.
			tagged := *e
			tagged.VLAN = 1
			change.Edits = append(change.Edits, netstate.Edit{Op: netstate.Add, After: entry(tagged), Implied: true})
		}
	}
	ns.edit(change.Edits...)
	ns.same("made, against iproute2", func() []string { return oracle.snapshot(chosen...) }, chosen...)
	for _, m := range netstate.Verify(change, ns.observe(everything)) {
		t.Errorf("read back: %s %s is %s, want %s", m.Object, m.Key, m.Got, m.Want)
	}
	ns.facts()
	for _, n := range []*namespace{ns, oracle} {
		back := netstate.Undo(change, n.observe(everything))
		if want := len(change.Edits); len(back.Edits) < want {
			t.Errorf("%d edits take back %d", len(back.Edits), want)
		}
		n.edit(back.Edits...)
	}
	ns.same("taken away", before)
	oracle.same("taken away from what iproute2 made", oracleBefore)
	if again := netstate.Diff(state, ns.observe(everything)); !again.Empty() {
		t.Errorf("after undoing, it differs:\n%s", netstate.Text(again))
	}
}

// TestForeignRules leaves rules alone that have conditions without words: one that
// was removed and made again would be for all packets.
func TestForeignRules(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll([]string{"ip rule add from 10.0.0.0/8 realms 5 lookup 100 priority 500", "ip rule add tun_id 7 lookup 100 priority 501",
		"ip rule add sport 80 lookup 100 priority 502"})
	before := ns.settled()
	ns.facts()
	change := ns.plan("route-rules: {config: [{family: ipv4, route-table: 100, state: absent}]}")
	if len(change.Edits) != 1 || change.Edits[0].Before.Rule.Priority != 502 {
		t.Errorf("what goes is\n%s", netstate.Text(change))
	}
	ns.edit(change.Edits...)
	ns.undo(change)
	ns.same("undone", before)
}

// TestRefusals has the kernel refuse edits, and reads what it says.
func TestRefusals(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	good := netstate.Edit{Op: netstate.Add, After: route(netstate.Route{Destination: prefixed("10.1.0.0/16"), Table: 254, Protocol: 4, NextHops: []netstate.NextHop{{Device: "low0", Via: ip("198.51.100.2")}}})}
	cases := []struct {
		name    string
		edit    netstate.Edit
		errno   unix.Errno
		message string
	}{
		{"exists", good, unix.EEXIST, "file exists"},
		{"gateway", netstate.Edit{Op: netstate.Add, After: route(netstate.Route{Destination: prefixed("10.2.0.0/16"), Table: 254, NextHops: []netstate.NextHop{{Via: ip("203.0.113.1")}}})}, unix.ENETUNREACH, "network is unreachable: Nexthop has invalid gateway"},
		{"no device", netstate.Edit{Op: netstate.Add, After: addressed("nope", netstate.Address{Prefix: prefixed("10.0.0.1/8")})}, unix.ENODEV, "interface nope: no such device"},
		{"unknown kind", added(netstate.Interface{Name: "d0", Type: "nosuch"}), unix.EOPNOTSUPP, "an interface of type nosuch cannot be made: operation not supported"},
		{"link exists", added(netstate.Interface{Name: "br0", Type: "linux-bridge"}), unix.EEXIST, "file exists"},
		{"link gone", deleted(netstate.Interface{Name: "nope", Type: "veth"}), unix.ENODEV, "no such device"},
		{"no such rule", netstate.Edit{Op: netstate.Delete, Before: rule(netstate.Rule{Family: 4, Priority: 9, Table: 3})}, unix.ENOENT, "no such file or directory"},
		{"bad value", modified(netstate.Interface{Name: "br0", Type: "linux-bridge"}, netstate.Interface{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"mtu": "many"}}), 0, `encoding mtu "many": strconv.ParseUint: parsing "many": invalid syntax`},
		{"sysctl", netstate.Edit{Op: netstate.Modify, After: netstate.Object{Sysctl: &netstate.Sysctl{Key: "net.ipv4.nope", Value: "1"}}}, unix.ENOENT, "open /proc/sys/net/ipv4/nope: no such file or directory"},
	}
	ns.edit(good)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			first := netstate.Edit{Op: netstate.Add, After: route(netstate.Route{Destination: prefixed("10.3.0.0/16"), Table: 254, Protocol: 4, Type: "blackhole"})}
			done, err := ns.Edit(context.Background(), []netstate.Edit{first, c.edit})
			var refused *executors.EditError
			if !errors.As(err, &refused) {
				t.Fatalf("the error is %v", err)
			}
			if done != 1 || refused.Index != 1 || refused.Errno != int(c.errno) || refused.Message != c.message {
				t.Errorf("done %d, index %d, errno %d, message %q; want errno %d, message %q", done, refused.Index, refused.Errno, refused.Message, c.errno, c.message)
			}
			ns.edit(netstate.Edit{Op: netstate.Delete, Before: first.After})
		})
	}
}

// TestBatch plants refusals in a long run of routes: each is told by its place.
func TestBatch(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	for _, bad := range []int{0, 1, 127, 128, 500, 999} {
		edits := routes(1000)
		edits[bad].After.Route.NextHops = []netstate.NextHop{{Via: ip("203.0.113.1")}}
		done, err := ns.Edit(context.Background(), edits)
		var refused *executors.EditError
		if !errors.As(err, &refused) || done != bad || refused.Index != bad || unix.Errno(refused.Errno) != unix.ENETUNREACH {
			t.Errorf("a bad edit at %d: done %d, %v", bad, done, err)
		}
		back := netstate.Undo(&netstate.Change{Edits: edits}, ns.observe(netstate.Query{Routes: true}))
		ns.edit(back.Edits...)
	}
}

// routes are edits that add n routes.
func routes(n int) []netstate.Edit {
	edits := make([]netstate.Edit, n)
	for i := range edits {
		r := netstate.Route{Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 16), byte(i >> 8), byte(i)}), 32), Table: 254, Protocol: 4,
			NextHops: []netstate.NextHop{{Device: "low0", Via: ip("198.51.100.2")}}}
		edits[i] = netstate.Edit{Op: netstate.Add, After: netstate.Object{Route: &r}}
	}
	return edits
}

func TestSysctls(t *testing.T) {
	ns := newNamespace(t)
	// Drivers make interfaces of their own in every namespace (sit0).
	own := ns.observe(netstate.Query{Sysctls: []string{"net.ipv6.conf.*.forwarding"}}).Sysctls
	ns.runAll([]string{"ip link add name v.100 type veth peer name w0"})
	q := netstate.Query{Sysctls: []string{"net.ipv4.ip_forward", "net.ipv4.conf.v/100.forwarding", "net/ipv4/conf/v.100/rp_filter", "net.ipv6.conf.*.forwarding", "net.ipv4.nope"}}
	got := ns.observe(q).Sysctls
	want := map[string]string{"net.ipv4.ip_forward": "0", "net.ipv4.conf.v/100.forwarding": "0", "net/ipv4/conf/v.100/rp_filter": got["net/ipv4/conf/v.100/rp_filter"],
		"net.ipv6.conf.all.forwarding": "0", "net.ipv6.conf.default.forwarding": "0", "net.ipv6.conf.lo.forwarding": "0", "net.ipv6.conf.v/100.forwarding": "0", "net.ipv6.conf.w0.forwarding": "0"}
	maps.Copy(want, own)
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
	ns.edit(netstate.Edit{Op: netstate.Modify, Before: netstate.Object{Sysctl: &netstate.Sysctl{Key: "net.ipv4.conf.v/100.forwarding", Value: "0"}},
		After: netstate.Object{Sysctl: &netstate.Sysctl{Key: "net.ipv4.conf.v/100.forwarding", Value: "1"}}})
	if out := ns.run("cat", "/proc/sys/net/ipv4/conf/v.100/forwarding"); out != "1\n" {
		t.Errorf("forwarding is %q", out)
	}
	for _, key := range []string{"kernel.hostname", "net/../kernel/hostname", "net.ipv4/../kernel", "", "/etc/passwd"} {
		if _, err := ns.Observe(context.Background(), netstate.Query{Sysctls: []string{key}}); err == nil {
			t.Errorf("the key %q was read", key)
		}
	}
}

func TestRouteTo(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	ns.runAll([]string{"ip route add 203.0.113.0/24 via 198.51.100.2 table 1000 metric 7", "ip rule add fwmark 9 lookup 1000"})
	got, err := ns.RouteTo(context.Background(), executors.RouteTo{Destination: "203.0.113.9", Mark: 9})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"type": "unicast", "dev": "low0", "via": "198.51.100.2", "source": "198.51.100.1", "table": 1000} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if _, err := ns.RouteTo(context.Background(), executors.RouteTo{Destination: "203.0.113.9"}); !errors.Is(err, unix.ENETUNREACH) {
		t.Errorf("without a route: %v", err)
	}
}

// TestMove moves an interface to another namespace and back.
func TestMove(t *testing.T) {
	t.Parallel()
	ns, other := newNamespace(t), newNamespace(t)
	ns.runAll([]string{"ip link add name v0 type veth peer name v1 address 02:00:00:00:00:41"})
	q := everything
	q.Namespaces = []string{other.name}
	here := find(t, ns.observe(q), "v1")
	there := with(here, netstate.Attrs{"state": "up", "mtu": "1400"})
	there.Netns = other.name
	ns.edit(modified(here, there))
	s := ns.observe(q)
	at := slices.IndexFunc(s.Interfaces, func(i netstate.Interface) bool { return i.Name == "v1" && i.Netns == other.name })
	if at < 0 || s.Interface("v1") != nil {
		t.Fatal("v1 was not moved")
	}
	holds(t, s.Interfaces[at], with(there, nil))
	near := find(t, s, "v0")
	if near.Attrs["veth.peer"] != "v1" || near.Attrs["veth.peer-target"] != other.name {
		t.Errorf("the peer of v0 is %q in %q", near.Attrs["veth.peer"], near.Attrs["veth.peer-target"])
	}
	ns.edit(modified(s.Interfaces[at], here))
	holds(t, find(t, ns.observe(q), "v1"), here)
}
