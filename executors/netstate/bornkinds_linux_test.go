package netstate_test

import (
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// TestBornKinds does the same as TestBorn for the kinds that not every kernel
// has, each by itself.
func TestBornKinds(t *testing.T) {
	const cable = "interfaces:\n- {name: v0, type: veth, mtu: 1400, veth: {peer: v1}}\n- {name: w0, type: veth, veth: {peer: w1}}\n"
	for _, c := range []struct{ name, block string }{
		{"dummy", "- {name: x, type: dummy}"},
		{"vlan", "- {name: x, type: vlan, vlan: {base-iface: v0, id: 5}}\n- {name: y, type: vlan, vlan: {base-iface: x, id: 6, protocol: 802.1ad}}"},
		{"vlan without ARP", "- {name: d, type: dummy}\n- {name: x, type: vlan, vlan: {base-iface: d, id: 5}}"},
		{"vrf", "- {name: x, type: vrf, vrf: {route-table-id: 7, port: [v0]}}"},
		{"bond", "- {name: x, type: bond, link-aggregation: {mode: active-backup, port: [w0], options: {miimon: 100}}}"},
		{"bond 802.3ad", "- {name: x, type: bond, link-aggregation: {mode: 802.3ad}}"},
		{"ipvlan l2", "- {name: x, type: ipvlan, ipvlan: {base-iface: v0, mode: l2}}"},
		{"ipvlan l3", "- {name: x, type: ipvlan, ipvlan: {base-iface: v0, mode: l3}}"},
		{"ipvtap", "- {name: x, type: ipvtap, ipvtap: {base-iface: v0, mode: l3s}}"},
		{"team", "- {name: x, type: team, team: {mode: roundrobin}}"},
		{"team activebackup", "- {name: x, type: team, team: {mode: activebackup, port: [{name: w0}], active-port: w0}}"},
		{"team loadbalance", "- {name: x, type: team, mtu: 1300, team: {mode: loadbalance, tx-method: hash, port: [{name: v0, priority: 5}, {name: w0}]}}"},
		{"vcan", "- {name: x, type: vcan, mtu: 16}"},
		{"vxcan", "- {name: x, type: vxcan, mtu: 16, vxcan: {peer: y}}\n- {name: y, mtu: 16}"},
		{"netkit", "- {name: x, type: netkit, mtu: 1300, netkit: {peer: y}}"},
		{"netkit l2", "- {name: x, type: netkit, netkit: {peer: y, mode: l2}}"},
		{"nlmon", "- {name: x, type: nlmon, mtu: 4000}"},
		{"geneve", "- {name: x, type: geneve, mtu: 1300, geneve: {id: 5, remote: 192.0.2.9}}"},
		{"hsr", "- {name: x, type: hsr, mtu: 1300, hsr: {port1: v0, port2: w0, multicast-spec: 1}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKernel(t)
			config, problems := netyaml.Decode(cable + c.block)
			if len(problems) > 0 {
				t.Fatalf("%+v", problems)
			}
			from := k.observe(config.Query())
			for kind, reason := range from.Lacks {
				if reason != "" {
					t.Skipf("%s: %s", kind, reason)
				}
			}
			to, _, problems := netstate.Simulate(from, config)
			if len(problems) > 0 {
				t.Fatalf("%+v", problems)
			}
			change := netstate.Diff(from, to)
			netstate.Born(from, to)
			k.edit(change)
			now := k.observe(config.Query())
			for i := range to.Interfaces {
				if got := now.Interface(to.Interfaces[i].Name); got != nil {
					attributes(t, got, &to.Interfaces[i])
				}
			}
		})
	}
}
