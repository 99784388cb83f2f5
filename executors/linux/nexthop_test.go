//go:build linux

package linux

import (
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

const nexthopBlock = `nexthops:
  - {id: 7, next-hop-interface: low0, next-hop-address: 198.51.100.2}
  - {id: 8, next-hop-interface: low0, next-hop-address: 198.51.100.3}
  - {id: 20, group: [{id: 7, weight: 3}, {id: 8}]}
  - {id: 9, blackhole: true}
  - {id: 11, next-hop-interface: low0, next-hop-address: "2001:db8:1::2"}
routes:
  config:
    - {destination: 10.90.0.0/16, nexthop-id: 20}
    - {destination: 10.91.0.0/16, nexthop-id: 9}
    - {destination: "2001:db8:90::/48", nexthop-id: 11}
`

// nexthopOracle is the same in ip-nexthop(8)'s words.
var nexthopOracle = []string{
	"ip nexthop add id 7 via 198.51.100.2 dev low0 proto static", "ip nexthop add id 8 via 198.51.100.3 dev low0 proto static",
	"ip nexthop add id 20 group 7,3/8 proto static", "ip nexthop add id 9 blackhole proto static",
	"ip nexthop add id 11 via 2001:db8:1::2 dev low0 proto static",
	"ip route add 10.90.0.0/16 nhid 20 proto static", "ip route add 10.91.0.0/16 nhid 9 proto static",
	"ip route add 2001:db8:90::/48 nhid 11 proto static",
}

// TestNexthops makes nexthop objects with routes by them, changes them, takes
// them away with their interface, and undoes all of it; iproute2 looks.
func TestNexthops(t *testing.T) {
	t.Parallel()
	ns, oracle := newNamespace(t), newNamespace(t)
	place := append([]string{"ip link set lo up"}, place0...) // blackholes need it
	ns.runAll(place)
	oracle.runAll(place)
	if _, err := ns.try("ip", "nexthop", "list"); err != nil {
		t.Skipf("the kernel has no nexthop objects: %v", err)
	}
	before := ns.settled()
	creation := ns.apply(nexthopBlock)
	oracle.runAll(nexthopOracle)
	ns.same("made, against iproute2", func() []string { return oracle.snapshot(chosen...) }, chosen...)
	made := ns.settled()

	s := ns.observe(everything)
	config, problems := netyaml.Decode(netyaml.Encode(s))
	if len(problems) > 0 || len(config.Nexthops) != 5+2 { // and those of the place
		t.Errorf("facts have %d nexthops: %+v", len(config.Nexthops), problems)
	}
	if to, _, problems := netstate.Simulate(s, config); len(problems) > 0 || !netstate.Diff(s, to).Empty() {
		t.Errorf("facts pasted back: %+v\n%s", problems, netstate.Text(netstate.Diff(s, to)))
	}

	change := ns.apply("nexthops:\n  - {id: 7, next-hop-interface: low0, next-hop-address: 198.51.100.9}\n  - {id: 20, group: [{id: 7}, {id: 8, weight: 5}]}\n")
	if out := ns.run("ip", "nexthop", "show", "id", "20"); !strings.Contains(out, "group 7/8,5") {
		t.Errorf("the group is %s", out)
	}
	ns.undo(change)
	ns.same("change undone", made)

	down := ns.apply("interfaces:\n  - {name: low0, state: down}\n")
	if out := ns.run("ip", "nexthop"); strings.Contains(out, "low0") {
		t.Errorf("with low0 down there is %s", out)
	}
	ns.undo(down)
	ns.same("down undone", made)

	removal := ns.apply("routes: {config: [{nexthop-id: 20, state: absent}, {nexthop-id: 9, state: absent}]}\nnexthops:\n  - {id: 20, state: absent}\n  - {id: 9, state: absent}\n")
	ns.undo(removal)
	ns.undo(creation)
	ns.same("creation undone", before)
}

// TestNexthopsInUse refuses to remove what routes lead by.
func TestNexthopsInUse(t *testing.T) {
	s := &netstate.State{
		Nexthops: []netstate.Nexthop{{ID: 1, Family: 4, Blackhole: true}, {ID: 2, Family: 4, Blackhole: true}, {ID: 3, Group: []netstate.NexthopMember{{ID: 2, Weight: 1}}}},
		Routes:   []netstate.Route{{Destination: prefixed("10.0.0.0/8"), Table: 254, Protocol: 4, NexthopID: 1}},
	}
	for block, want := range map[string]string{
		"nexthops: [{id: 1, state: absent}]":                            "nexthop 1 is used by the route to 10.0.0.0/8",
		"nexthops: [{id: 2, state: absent}]":                            "nexthop 2 is in the group nexthop 3",
		"nexthops: [{id: 4, group: [{id: 9}]}]":                         "the group nexthop 4 has the member 9, which is no nexthop",
		"nexthops: [{id: 3, blackhole: true}]":                          "nexthop 3 cannot become a group, nor a group a single one",
		"routes: {config: [{destination: 10.0.0.0/8, nexthop-id: 77}]}": "there is no nexthop 77 for the route to 10.0.0.0/8",
	} {
		config, problems := netyaml.Decode(block)
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", block, problems)
		}
		if _, _, problems = netstate.Simulate(s, config); len(problems) != 1 || problems[0].Summary != want {
			t.Errorf("%s: %+v, want %s", block, problems, want)
		}
	}
}
