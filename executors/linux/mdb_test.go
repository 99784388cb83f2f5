//go:build linux

package linux

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

const (
	mdbBlock = `mdb:
  - {device: br0, port: p0, group: 239.1.1.1}
  - {device: br0, port: p0, group: 239.1.1.2, state: temp}
  - {device: br0, port: p0, group: 239.1.1.3, source: 192.0.2.9}
  - {device: br0, port: p0, group: "ff15::1"}
  - {device: br0, port: p0, group: "01:02:03:04:05:06"}
  - {device: br0, port: br0, group: 239.1.1.4}
`
	mdbChange = "mdb:\n  - {device: br0, port: p0, group: 239.1.1.2}\n  - {device: br0, port: p0, group: 239.1.1.1, state: absent}\n"
)

var (
	mdbOracle = []string{
		"bridge mdb add dev br0 port p0 grp 239.1.1.1 permanent", "bridge mdb add dev br0 port p0 grp 239.1.1.2 temp",
		"bridge mdb add dev br0 port p0 grp 239.1.1.3 src 192.0.2.9 permanent", "bridge mdb add dev br0 port p0 grp ff15::1 permanent",
		"bridge mdb add dev br0 port p0 grp 01:02:03:04:05:06 permanent", "bridge mdb add dev br0 port br0 grp 239.1.1.4",
	}
)

// TestMDB makes entries of a bridge's multicast database, changes them, takes
// them away with their port and with their bridge, and undoes all of it; iproute2
// looks.
func TestMDB(t *testing.T) {
	t.Parallel()
	ns, oracle := newNamespace(t), newNamespace(t)
	// What the bridge learns from its own ports would come and go.
	quiet := slices.Concat([]string{"sysctl -qw net.ipv6.conf.default.disable_ipv6=1"}, place0[:6], []string{"ip link set br0 type bridge mcast_igmp_version 3"})
	for _, n := range []*namespace{ns, oracle} {
		n.runAll(quiet)
		n.looks = []string{"bridge -d mdb | sed 's/^[0-9]*: *//; s/ *[0-9.]*$//' | sort"}
	}
	for _, n := range []*namespace{ns, oracle} {
		// A port takes entries that run out once the bridge has seen its carrier.
		eventually(t, "the port forwards", func() bool { return strings.Contains(n.run("bridge", "link", "show", "dev", "p0"), "state forwarding") })
	}
	oracle.runKnown(mdbOracle)
	still := func() func() []string {
		ns.settled()
		picture := ns.snapshot(chosen...)
		return func() []string { return picture }
	}
	before := still()
	creation := ns.apply(mdbBlock)
	ns.same("made, against iproute2", func() []string { return oracle.snapshot(chosen...) }, chosen...)
	made := still()
	ns.facts()
	if s := ns.observe(everything); len(s.MDB) != 6 {
		t.Errorf("there are %d entries, want 6: %+v", len(s.MDB), s.MDB)
	}

	change := ns.apply(mdbChange)
	ns.printed(oracle, change)
	ns.same("changed, against iproute2", func() []string { return oracle.snapshot(chosen...) }, chosen...)
	ns.undo(change)
	ns.same("change undone", made, chosen...)

	for _, block := range []string{"interfaces: [{name: p0, controller: \"\"}]", "interfaces: [{name: br0, state: absent}]"} {
		gone := ns.apply(block)
		if s := ns.observe(everything); slices.ContainsFunc(s.MDB, func(e netstate.MDBEntry) bool { return e.Port == "p0" }) {
			t.Errorf("%s: there is %+v", block, s.MDB)
		}
		ns.undo(gone)
		ns.same("undone: "+block, made, chosen...)
	}
	ns.undo(creation)
	ns.same("creation undone", before, chosen...)

	// What the bridge has learned gives way, and is nobody's to undo.
	ns.runAll([]string{"ip addr add 198.51.100.9/24 dev p1", "ip addr add 239.1.1.7/32 dev p1 autojoin"})
	line := func() string { return ns.run("bridge", "-d", "mdb", "show") }
	eventually(t, "the bridge learns", func() bool { return strings.Contains(line(), "239.1.1.7 temp") })
	learned := ns.apply("mdb: [{device: br0, port: p0, group: 239.1.1.7}]")
	if out := line(); !strings.Contains(out, "239.1.1.7 permanent") {
		t.Errorf("what was learned is\n%s", out)
	}
	ns.undo(learned)
	if out := line(); strings.Contains(out, "239.1.1.7 permanent") {
		t.Errorf("undone, there is\n%s", out)
	}
}

const (
	vxlanMDBBlock = `mdb:
  - {device: vx0, group: 239.1.1.1, remote: 198.51.100.2}
  - {device: vx0, group: 239.1.1.1, remote: 198.51.100.3, remote-port: 1234, vni: 55, via: low0}
  - {device: vx0, group: 239.1.1.2, source: 192.0.2.9, remote: 198.51.100.2}
  - {device: vx0, group: "ff15::1", remote: 198.51.100.2, remote-port: 4789, vni: 9}
  - {device: vx0, group: "0.0.0.0", remote: 198.51.100.4}
  - {device: vx0, group: 239.1.1.3, filter-mode: include, source-list: [192.0.2.9, 192.0.2.10], remote: 198.51.100.2, protocol: bgp}
  - {device: vx0, group: 239.1.1.4, filter-mode: exclude, source-list: [192.0.2.9], remote: 198.51.100.2}
  - {device: vx1, group: 239.1.1.1, remote: 198.51.100.2, source-vni: 77, vni: 88}
`
	vxlanMDBChange = `mdb:
  - {device: vx0, group: 239.1.1.1, remote: 198.51.100.3, remote-port: 1235}
  - {device: vx0, group: 239.1.1.1, remote: 198.51.100.2, state: absent}
  - {device: vx0, group: 239.1.1.3, filter-mode: exclude, source-list: [192.0.2.10], remote: 198.51.100.2}
  - {device: vx0, group: 239.1.1.4, remote: 198.51.100.2, state: absent}
  - {device: vx0, group: 239.1.1.4, source: 192.0.2.9, remote: 198.51.100.2}
  - {device: vx1, group: 239.1.1.1, remote: 198.51.100.2, source-vni: 77, state: absent}
`
)

// needMDB skips where the kernel lacks a sort of multicast entries, which the one
// of the machine does not. Where the entries go must be there already.
func (ns *namespace) needMDB(kind string) {
	ns.t.Helper()
	lacks := ns.observe(netstate.Query{FDB: true, Kinds: []string{kind}}).Lacks
	switch {
	case len(lacks) == 0:
	case inMachine():
		ns.t.Fatal(lacks)
	default:
		ns.t.Skipf("this kernel lacks it (make test-vm has one that does not): %v", lacks)
	}
}

// TestVXLANMDB makes entries of VXLANs' multicast databases, changes them, takes
// them away with their VXLAN, and undoes all of it. bridge(8) of Debian 12 shows
// which groups there are, but not where they lead.
func TestVXLANMDB(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.looks = []string{"bridge -d mdb | sed 's/ *[0-9.]*$//' | sort"}
	place := func(ns *namespace) {
		ns.runAll([]string{veth, "ip link add vx0 address 02:00:00:00:00:30 type vxlan id 9 dstport 4789 remote 192.0.2.77",
			"ip link add vx1 address 02:00:00:00:00:31 type vxlan external dstport 4790"})
	}
	place(ns)
	ns.needMDB(netstate.MDBRemotes)
	oracle := printer(t, "src_vni", place)
	before := ns.settled()
	creation := ns.apply(vxlanMDBBlock)
	ns.printed(oracle, creation)
	made := ns.settled()
	ns.facts()
	want := []string{
		"0.0.0.0 dev vx0 port vx0 permanent dst 198.51.100.4",
		"239.1.1.1 dev vx0 port vx0 permanent dst 198.51.100.2",
		"239.1.1.1 dev vx0 port vx0 permanent dst 198.51.100.3 dst_port 1234 vni 55 via low0",
		"239.1.1.2 dev vx0 port vx0 src 192.0.2.9 permanent dst 198.51.100.2",
		"239.1.1.3 dev vx0 port vx0 permanent filter_mode include source_list 192.0.2.10,192.0.2.9 proto 186 dst 198.51.100.2",
		"239.1.1.4 dev vx0 port vx0 permanent filter_mode exclude source_list 192.0.2.9 dst 198.51.100.2",
		"ff15::1 dev vx0 port vx0 permanent dst 198.51.100.2",
		"239.1.1.1 dev vx1 port vx1 permanent dst 198.51.100.2 src_vni 77 vni 88",
	}
	holds := func(what string, want []string) {
		t.Helper()
		var have []string
		for _, e := range ns.observe(everything).MDB {
			line := netstate.Text(&netstate.Change{Edits: []netstate.Edit{{Op: netstate.Add, After: netstate.Object{MDB: &e}}}})
			have = append(have, strings.TrimSpace(strings.TrimPrefix(line, "+ mdb ")))
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +have):\n%s", what, diff)
		}
	}
	holds("made", want)
	if out := ns.run("bridge", "-d", "mdb", "show", "dev", "vx0"); strings.Count(out, "239.1.1.1 ") != 2 || !strings.Contains(out, "ff15::1") || !strings.Contains(out, "239.1.1.2 src 192.0.2.9") {
		t.Errorf("bridge(8) shows\n%s", out)
	}
	change := ns.apply(vxlanMDBChange)
	ns.printed(oracle, change)
	holds("changed", []string{want[0], "239.1.1.1 dev vx0 port vx0 permanent dst 198.51.100.3 dst_port 1235", want[3],
		"239.1.1.3 dev vx0 port vx0 permanent filter_mode exclude source_list 192.0.2.10 dst 198.51.100.2",
		"239.1.1.4 dev vx0 port vx0 src 192.0.2.9 permanent dst 198.51.100.2", want[6]})
	ns.undo(change)
	holds("change undone", want)
	ns.same("change undone", made)
	gone := ns.apply("interfaces: [{name: vx0, state: absent}]")
	holds("without vx0", want[7:])
	ns.undo(gone)
	holds("vx0 is back", want)
	ns.undo(creation)
	ns.same("creation undone", before)
}

// TestVXLANMDBRefused has blocks and plans refuse what the kernel would.
func TestVXLANMDBRefused(t *testing.T) {
	s := &netstate.State{Interfaces: []netstate.Interface{
		{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"state": "up"}},
		{Name: "vx0", Type: "vxlan", Attrs: netstate.Attrs{"state": "up", "vxlan.id": "9"}},
	}}
	for block, want := range map[string]string{
		"mdb: [{device: vx0, group: 239.1.1.1, port: br0, remote: 192.0.2.1}]":      "an entry with `remote` is in the VXLAN's own table",
		"mdb: [{device: vx0, group: 239.1.1.1, vlan: 5, remote: 192.0.2.1}]":        "a VXLAN's groups are IP addresses, without VLAN, and stay",
		"mdb: [{device: vx0, group: 239.1.1.1, port: vx0, vni: 5}]":                 "`remote-port`, `vni`, `source-vni` and `via` belong to an entry with `remote`",
		"mdb: [{device: vx0, group: 239.1.1.1, port: vx0}]":                         "a VXLAN sends the group 239.1.1.1 nowhere",
		"mdb: [{device: br0, group: 239.1.1.1, remote: 192.0.2.1}]":                 "br0 is of type linux-bridge, not a VXLAN, so that it has no remotes",
		"mdb: [{device: vx0, group: 239.1.1.1, remote: 192.0.2.1, source-vni: 77}]": "vx0 has one identifier for all packets, so that it takes no `source-vni`",
		"mdb: [{device: vx0, group: 239.1.1.1, remote: 192.0.2.1, via: zz}]":        "there is no interface zz for the group 239.1.1.1",
	} {
		config, problems := netyaml.Decode(block)
		if len(problems) == 0 {
			_, _, problems = netstate.Simulate(s, config)
		}
		if len(problems) != 1 || problems[0].Summary != want {
			t.Errorf("%s: %+v, want %s", block, problems, want)
		}
	}
}
