package netstate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// sequences are blocks that stand one upon another.
var sequences = []struct {
	name   string
	blocks []string
}{
	{"veth", []string{
		"interfaces: [{name: a0, type: veth, mac-address: '02:00:00:00:00:01', veth: {peer: a1}, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}]}}, {name: a1, mac-address: '02:00:00:00:00:02'}]",
		"interfaces: [{name: a0, mtu: 9000, alias: x, txqueuelen: 5, arp: false}, {name: a1, mtu: 9000, multicast: false, group: 7}]",
		"routes: {config: [{destination: 10.0.0.0/8, next-hop-address: 192.0.2.9}, {destination: 10.1.0.0/16, next-hop-address: 192.0.2.9, source: 192.0.2.1, metric: 5}]}",
		"interfaces: [{name: a0, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}, {ip: 192.0.2.2, prefix-length: 24}]}}]",
		"interfaces: [{name: a0, ipv4: {address: [{ip: 192.0.2.2, prefix-length: 24}]}}]",
		"interfaces: [{name: a0, state: down}]",
		"interfaces: [{name: a0, state: up, arp: true}]",
		"interfaces: [{name: a0, state: absent}]",
	}},
	{"bridge", []string{
		"interfaces: [{name: br0, type: linux-bridge, mac-address: '02:00:00:00:00:0b'}, {name: br1, type: linux-bridge}, {name: a0, type: veth, mtu: 1400, mac-address: '02:00:00:00:00:01', veth: {peer: a1}}]",
		"interfaces: [{name: br1, bridge: {port: [{name: a1}]}}]",
		"interfaces: [{name: br0, bridge: {options: {mac-ageing-time: 7, stp: {priority: 5}}, port: [{name: a0, stp-path-cost: 7}]}}]",
		"interfaces: [{name: br0, mtu: 1300, bridge: {port: [{name: a0, isolated: true}]}}]",
		"fdb: [{device: a0, mac-address: '02:00:00:00:00:42'}, {device: a0, mac-address: '02:00:00:00:00:43', state: static}]",
		"fdb: [{device: a0, mac-address: '02:00:00:00:00:42', sticky: true}]",
		"fdb: [{device: a0, mac-address: '02:00:00:00:00:43', state: absent}]",
		"interfaces: [{name: br0, bridge: {port: []}}]",
		"interfaces: [{name: a0, mtu: 1500, controller: br0, bridge-port: {stp-path-cost: 3}}]",
		"interfaces: [{name: br0, state: absent}]",
	}},
	{"uppers", []string{
		"interfaces: [{name: a0, type: veth, mtu: 1600, veth: {peer: a1}}, {name: mv0, type: mac-vlan, mac-vlan: {base-iface: a0, mode: bridge}}]",
		"interfaces: [{name: vx0, type: vxlan, vxlan: {id: 5, base-iface: a0, local: 192.0.2.1, destination-port: 4789}}, {name: vx1, type: vxlan, vxlan: {id: 6, base-iface: mv0, local: '2001:db8::1'}}]",
		"interfaces: [{name: vx0, mtu: 1400}, {name: vx1, mtu: 1400}, {name: mv0, mtu: 1500, mac-vlan: {mode: private, broadcast-queue-length: 2}}]",
		"interfaces: [{name: vx0, vxlan: {remote: 192.0.2.7, ttl: 4}}]",
		"interfaces: [{name: vx0, vxlan: {id: 9}}]",
		"interfaces: [{name: t0, type: tap, tun: {owner: 5}}, {name: t1, type: tun}, {name: i0, type: ifb}, {name: mt0, type: mac-vtap, mac-vtap: {base-iface: a1, mode: vepa}}]",
		"interfaces: [{name: t0, mtu: 1300, tun: {owner: 6}}, {name: t1, mtu: 1400, txqueuelen: 9}, {name: i0, txqueuelen: 7, mtu: 1400}, {name: mt0, mtu: 1000, txqueuelen: 4}]",
	}},
	{"parameters", []string{
		"interfaces: [{name: a0, type: veth, mac-address: '02:00:00:00:00:01', veth: {peer: a1}}]",
		"interfaces: [{name: a0, sysctl: {ipv4.rp_filter: 2, ipv6.accept_ra: 0}}]\nsysctl: {net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1}",
		"interfaces: [{name: b0, type: veth, mac-address: '02:00:00:00:00:02', veth: {peer: b1}, sysctl: {ipv4.forwarding: 0}}, {name: b1, mac-address: '02:00:00:00:00:03'}]",
		"sysctl: {net.ipv4.conf.default.rp_filter: 1}",
		"interfaces: [{name: t0, type: tap}]",
		"interfaces: [{name: t0, sysctl: {ipv4.rp_filter: 0, ipv4.forwarding: 0}}]",
		"sysctl: {net.ipv4.ip_forward: 0}",
		"interfaces: [{name: a0, ipv6: {enabled: false}}]",
		"interfaces: [{name: a0, ipv6: {enabled: true, address: [{ip: '2001:db8::1', prefix-length: 64}]}}]",
		"sysctl: {net.ipv6.conf.all.disable_ipv6: 1}",
	}},
	{"rules and entries", []string{
		"interfaces: [{name: a0, type: veth, mac-address: '02:00:00:00:00:01', veth: {peer: a1}, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}]}}]\nneighbors: [{device: a0, ip: 192.0.2.9, mac-address: '02:00:00:00:00:09'}]",
		"route-rules: {config: [{ip-from: 10.0.0.0/8, route-table: 7, priority: 8}]}\nroutes: {config: [{destination: 0.0.0.0/0, table-id: 7, next-hop-address: 192.0.2.9}]}",
		"neighbors: [{device: a0, ip: 192.0.2.9, mac-address: '02:00:00:00:00:0a'}]",
		"route-rules: {config: [{route-table: 7, state: absent}]}\nroutes: {config: [{table-id: 7, state: absent}]}",
		"interfaces: [{name: a0, ipv4: {enabled: false}}]",
	}},
}

// TestStepsAsPlanned plans blocks one upon another, then carries them out: each
// does what was planned, in the same words.
func TestStepsAsPlanned(t *testing.T) {
	for _, s := range sequences {
		t.Run(s.name, func(t *testing.T) {
			k := newKernel(t)
			var configs []*netstate.Config
			var q netstate.Query
			for _, block := range s.blocks {
				c, problems := netyaml.Decode(block)
				if len(problems) > 0 {
					t.Fatalf("%+v\n%s", problems, block)
				}
				configs = append(configs, c)
				q = union(q, c.Query())
			}
			var planned []string
			at := k.observe(q)
			for i, c := range configs {
				next, _, problems := netstate.Simulate(at, c)
				if len(problems) > 0 {
					t.Fatalf("%+v\n%s", problems, s.blocks[i])
				}
				planned = append(planned, netstate.Text(netstate.Diff(at.View(c.Query()), next.View(c.Query()))))
				netstate.Born(at, next)
				at = next
			}
			for i, block := range s.blocks {
				if diff := cmp.Diff(planned[i], netstate.Text(k.apply(block))); diff != "" {
					t.Errorf("%s\n(-planned +applied):\n%s", block, diff)
				}
			}
		})
	}
}

func union(a, b netstate.Query) netstate.Query {
	return netstate.Query{Links: a.Links || b.Links, Routes: a.Routes || b.Routes, Rules: a.Rules || b.Rules,
		Neighbors: a.Neighbors || b.Neighbors, FDB: a.FDB || b.FDB, Kinds: append(a.Kinds, b.Kinds...), Sysctls: append(a.Sysctls, b.Sysctls...)}
}
