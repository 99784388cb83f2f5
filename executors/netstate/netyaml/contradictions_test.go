package netyaml

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// machine has cards, a bond with two ports, a VLAN and a bridge.
func machine() *netstate.State {
	link := func(name, typ string, attrs netstate.Attrs) netstate.Interface {
		all := netstate.Attrs{"state": "up", "mtu": "1500", "controller": "", "mac-address": "02:00:00:00:00:01"}
		for key, value := range attrs {
			all[key] = value
		}
		return netstate.Interface{Name: name, Type: typ, Attrs: all}
	}
	s := &netstate.State{Interfaces: []netstate.Interface{
		link("eth0", "ethernet", nil), link("eth1", "ethernet", netstate.Attrs{"controller": "bond0"}), link("eth2", "ethernet", netstate.Attrs{"controller": "bond0"}),
		link("eth3", "ethernet", netstate.Attrs{"alt-names": `[{"name":"enp0s3"},{"name":"uplink"}]`}), link("eth4", "ethernet", netstate.Attrs{"state": "down"}),
		link("bond0", "bond", netstate.Attrs{"link-aggregation.mode": "active-backup", "link-aggregation.options.miimon": "100", "link-aggregation.options.arp_interval": "0"}),
		link("br0", "linux-bridge", netstate.Attrs{"bridge.options.vlan-filtering": "false", "bridge.options.vlan-default-pvid": "1"}),
		link("ipv0", "ipvlan", netstate.Attrs{"ipvlan.base-iface": "eth3", "ipvlan.mode": "l2"}),
		link("v4", "vlan", netstate.Attrs{"state": "down", "vlan.base-iface": "eth4", "vlan.id": "4"}),
	}, Lacks: map[string]string{"nlmon": "the running kernel has no nlmon", netstate.StableSecretOf("eth3"): "there is no secret",
		netstate.EncapOf("fou"): "module fou is not loaded"}}
	s.Interfaces[0].Addresses = []netstate.Address{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}}
	s.Sort()
	return s
}

// TestContradictions wants each fault of a block at its place.
func TestContradictions(t *testing.T) {
	for _, c := range []struct{ name, block, want string }{
		{"VLAN ID", "- {name: v, type: vlan, vlan: {base-iface: eth0, id: 5000}}", `2:54 bad-value`},
		{"VLAN without base", "- {name: v, type: vlan, vlan: {id: 5}}", "2:10 missing-key v needs `vlan.base-iface`"},
		{"VLAN on itself", "- {name: v, type: vlan, vlan: {base-iface: v, id: 5}}", "2:10 circular"},
		{"VLAN up on what is down", "- {name: v4, state: up}", "2:10 contradiction v4 cannot be up: eth4"},
		{"VLAN made on what is down", "- {name: v, type: vlan, vlan: {base-iface: eth4, id: 5}}", "2:10 contradiction v cannot be made up: eth4"},
		{"QoS", "- {name: v, type: vlan, vlan: {base-iface: eth0, id: 5, ingress-qos-map: [\"1:2\", \"1:3\"]}}", "2:74 bad-value `ingress-qos-map`: priority 1 is mapped twice"},
		{"port of a bond and of a bridge", "- {name: bond0, link-aggregation: {port: [eth3]}}\n- {name: br0, bridge: {port: [{name: eth3}]}}", "2:43 port-in-two"},
		{"port with an address", "- {name: bond0, link-aggregation: {port: [eth1, eth2, eth0]}}", "2:55 address-on-port eth0 becomes a port of bond0 and still has 192.0.2.1/24"},
		{"port given an address", "- {name: eth1, ipv4: {address: [{ip: 192.0.2.9, prefix-length: 24}]}}", "2:22 address-on-port"},
		{"held down", "- {name: br0, protodown: true}", "2:26 contradiction br0: an interface of type linux-bridge cannot be held down"},
		{"entry to two hosts", "- {name: vx, type: vxlan, vxlan: {id: 5}}\nfdb: [{device: vx, mac-address: \"02:00:00:00:00:42\", remote: 192.0.2.8}, {device: vx, mac-address: \"02:00:00:00:00:42\", remote: 192.0.2.9}]", "3:74 contradiction 02:00:00:00:00:42 of vx would lead to 192.0.2.8 and to 192.0.2.9"},
		{"label of another name", "- {name: eth0, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24, label: web}]}}", "2:75 bad-value label \"web\" does not begin with the interface's name"},
		{"option of another mode", "- {name: bond0, state: down, link-aggregation: {options: {lacp_rate: fast}}}", "2:70 contradiction bond0: `lacp_rate` is for mode 802.3ad, not active-backup"},
		{"mode with ports", "- {name: bond0, state: down, link-aggregation: {mode: 802.3ad}}", "2:55 contradiction bond0: `mode` cannot change while bond0 has ports (eth1, eth2)"},
		{"mode while up", "- {name: bond0, link-aggregation: {mode: 802.3ad, port: []}}", "2:42 contradiction bond0: `mode` cannot change while bond0 is up"},
		{"two ways to watch", "- {name: bond0, link-aggregation: {options: {arp_interval: 100, miimon: 100}}}", "2:60 contradiction bond0: `miimon` and `arp_interval` exclude each other"},
		{"delay", "- {name: bond0, link-aggregation: {options: {updelay: 150}}}", "2:55 contradiction bond0: `updelay` 150 is no multiple of `miimon` 100"},
		{"delay without miimon", "- {name: bond0, link-aggregation: {options: {miimon: 0, updelay: 100}}}", "2:66 contradiction bond0: `updelay` needs `miimon`"},
		{"bond-port of none", "- {name: eth3, bond-port: {queue-id: 3}}", "2:38 not-a-port"},
		{"modes on one base", "- {name: ipv1, type: ipvlan, ipvlan: {base-iface: eth3, mode: l3}}", "2:63 contradiction ipv1 would have `mode` l3 and ipv0 l2"},
		{"two that want every packet", "- {name: mv, type: mac-vlan, mac-vlan: {base-iface: eth3, mode: bridge}}", "2:10 contradiction eth3 cannot be both base of ipvlan and ipvtap interfaces and base of mac-vlan"},
		{"a base that is a port", "- {name: br0, bridge: {port: [{name: eth3}]}}", "2:10 contradiction eth3 cannot be both base of ipvlan"},
		{"private and vepa", "- {name: ipv0, ipvlan: {private: true, vepa: true}}", "2:46 contradiction ipv0: `private` and `vepa` exclude each other"},
		{"HSR of one port", "- {name: h, type: hsr, hsr: {port1: eth0, port2: eth0}}", "2:50 contradiction h: the two ports are one"},
		{"a pair here and there", "- {name: a, type: veth, veth: {peer: b}}\n- {name: b, netns: blue}", "2:38 contradiction the peer of a is here, and the entry of b has it in blue"},
		{"VRF table", "- {name: r, type: vrf, vrf: {port: []}}", "2:10 missing-key r needs `vrf.route-table-id`"},
		{"VLANs: access", "- {name: br0, bridge: {port: [{name: eth4, vlan: {mode: access}}]}}", "2:50 contradiction an access port needs a `tag`"},
		{"VLANs: trunk", "- {name: br0, bridge: {port: [{name: eth4, vlan: {mode: trunk, tag: 5}}]}}", "2:50 contradiction a trunk has both"},
		{"VLANs: twice", "- {name: br0, bridge: {port: [{name: eth4, vlan: {tags: [5-10, 7]}}]}}", "2:50 bad-value `vlan`: VLAN 7 stands twice"},
		{"VLANs: two for untagged", "- {name: br0, bridge: {vlan: {tags: [5 pvid, 7 pvid]}}}", "2:30 bad-value `vlan`: more than one VLAN for untagged packets"},
		{"tunnels: not of a VLAN", "- {name: eth1, bridge-port: {vlan-tunnel-info: [4095 id 1]}}", "2:48 bad-value `vlan-tunnel-info`: \"4095\" is no VLAN from 1 to 4094"},
		{"tunnels: identifier", "- {name: eth1, bridge-port: {vlan-tunnel-info: [5 id 4294967296]}}", "2:48 bad-value `vlan-tunnel-info`: \"4294967296\" is no identifier from 0 to 4294967295"},
		{"tunnels: words", "- {name: eth1, bridge-port: {vlan-tunnel-info: [5 tunnel 7]}}", "2:48 bad-value `vlan-tunnel-info`: \"5 tunnel 7\" is not as `10 id 1000`"},
		{"tunnels: too few", "- {name: eth1, bridge-port: {vlan-tunnel-info: [5-7 id 10-11]}}", "2:48 bad-value `vlan-tunnel-info`: \"5-7 id 10-11\": there have to be as many identifiers as VLANs"},
		{"tunnels: VLAN twice", "- {name: eth1, bridge-port: {vlan-tunnel-info: [5-7 id 10-12, 6 id 20]}}", "2:48 bad-value `vlan-tunnel-info`: VLAN 6 stands twice"},
		{"tunnels: identifier twice", "- {name: eth1, bridge-port: {vlan-tunnel-info: [5-7 id 10-12, 9 id 11]}}", "2:48 bad-value `vlan-tunnel-info`: identifier 11 stands twice"},
		{"tunnels: switched off", "- {name: br0, bridge: {port: [{name: eth4, vlan: {tags: [10]}, vlan-tunnel-info: [10 id 1000]}]}}", "2:82 contradiction eth4 maps VLANs to tunnels only with `vlan-tunnel: true`"},
		{"tunnels: not in the VLAN", "- {name: br0, bridge: {port: [{name: eth4, vlan: {tags: [10]}, vlan-tunnel: true, vlan-tunnel-info: [10-12 id 1000-1002]}]}}", "2:101 contradiction eth4 is not in VLAN 11, which it maps to a tunnel"},
		{"trees: word", "- {name: br0, bridge: {vlan-global: [10 tree 1]}}", "2:37 bad-value `vlan-global`: \"10 tree 1\" is not as `10 msti 1`"},
		{"trees: VLAN", "- {name: br0, bridge: {vlan-global: [10-4095 msti 1]}}", "2:37 bad-value `vlan-global`: \"4095\" is no number from 1 to 4094"},
		{"trees: number", "- {name: br0, bridge: {vlan-global: [10 msti 4095]}}", "2:37 bad-value `vlan-global`: msti: "},
		{"trees: VLAN twice", "- {name: br0, bridge: {vlan-global: [10-12 msti 1, 11 msti 2]}}", "2:37 bad-value `vlan-global`: 11 stands twice"},
		{"trees: switched off", "- {name: br0, bridge: {vlan: {tags: [10]}, vlan-global: [10 msti 1]}}", "2:57 contradiction br0 puts VLANs into spanning trees (`msti`) only with `mst-enabled: true`"},
		{"trees: no such VLAN", "- {name: br0, bridge: {options: {mst-enabled: true}, vlan: {tags: [10]}, vlan-global: [10-12 msti 1]}}", "2:87 contradiction neither br0 nor a port of it is in VLAN 11"},
		{"trees: state", "- {name: eth4, bridge-port: {mst: [1 state up]}}", "2:35 bad-value `mst`: state: "},
		{"trees: tree 0", "- {name: eth4, bridge-port: {mst: [0 state forwarding]}}", "2:35 bad-value `mst`: \"0\" is no number from 1 to 4094"},
		{"trees: state without", "- {name: br0, bridge: {port: [{name: eth4, mst: [1 state forwarding]}]}}", "2:49 contradiction eth4 has states in spanning trees only where br0 has `mst-enabled: true`"},
		{"trees: state of none", "- {name: br0, bridge: {options: {mst-enabled: true}, vlan-global: [10 msti 2], port: [{name: eth4, vlan: {tags: [10]}, mst: [1 state forwarding]}]}}", "2:125 contradiction no VLAN of eth4 is in spanning tree 1"},
		{"VLANs of a bond's port", "- {name: eth1, bridge-port: {vlan: {mode: access, tag: 5}}}", "2:36 not-a-port"},
		{"kernel", "- {name: n, type: nlmon}", "2:19 kernel-lacks n cannot be made: the running kernel has no nlmon"},
		{"token", "- {name: eth0, ipv6: {token: \"2001:db8::1\"}}", "2:30 bad-value eth0: a token is the lower 64 bits"},
		{"token and no advertisements", "- {name: eth0, ipv6: {accept-ra: 0, token: \"::1\"}}", "2:44 contradiction eth0 cannot have a token: it hears no router advertisements"},
		{"accept-ra", "- {name: eth0, ipv6: {accept-ra: 3}}", "2:34 bad-value"},
		{"two values for a parameter", "- {name: eth0, ipv6: {autoconf: false}, sysctl: {ipv6.autoconf: 1}}", "2:50 contradiction eth0: the sysctl net.ipv6.conf.eth0.autoconf is `ipv6.autoconf`"},
		{"addresses without a secret", "- {name: eth3, ipv6: {addr-gen-mode: stable-privacy}}", "2:38 kernel-lacks eth3 cannot make addresses in the mode stable-privacy: there is no secret"},
		{"IPv6 in small packets", "- {name: eth0, mtu: 1000, ipv6: {accept-ra: 0}}", "2:45 ipv6-disabled eth0 has an MTU of 1000"},
		{"multicast of one host", "- {name: eth0, multicast-addresses: [\"02:00:00:00:00:01\"]}", "2:37 contradiction eth0: 02:00:00:00:00:01 is the address of one host"},
		{"alternative name without end", "- {name: eth0, alt-names: [{name: " + strings.Repeat("x", 128) + "}]}", "2:35 bad-value `name`: an alternative name has 1 to 127 bytes, not 128"},
		{"alternative name: empty", "- {name: eth0, alt-names: [{name: \"\"}]}", "2:35 bad-value `name`: an alternative name has 1 to 127 bytes, not 0"},
		{"alternative name: space", "- {name: eth0, alt-names: [{name: \"a b\"}]}", "2:35 bad-value `name`: \"a b\" has characters"},
		{"alternative name: slash", "- {name: eth0, alt-names: [{name: a/b}]}", "2:35 bad-value `name`: \"a/b\" has characters"},
		{"alternative name: none", "- {name: eth0, alt-names: [{state: absent}]}", "2:28 missing-key an entry of `alt-names` without `name`"},
		{"alternative name: state", "- {name: eth0, alt-names: [{name: a, state: up}]}", "2:45 bad-value `state`"},
		{"alternative name twice", "- {name: eth0, alt-names: [{name: a}, {name: a, state: absent}]}", "2:39 duplicate-entry `alt-names` has a twice"},
		{"alternative name: its own", "- {name: eth0, alt-names: [{name: eth0}]}", "2:35 name-taken eth0 cannot have the alternative name eth0: it is a name of eth0"},
		{"alternative name: another's in the block", "- {name: eth0, alt-names: [{name: d}]}\n- {name: d, type: dummy}", "2:35 name-taken eth0 cannot have the alternative name d: it is a name of d"},
		{"alternative name: two have it in the block", "- {name: eth0, alt-names: [{name: d}]}\n- {name: eth3, alt-names: [{name: e}, {name: d}]}", "3:46 name-taken eth3 cannot have the alternative name d: it is a name of eth0"},
		{"alternative name: another's", "- {name: eth0, alt-names: [{name: eth4}]}", "2:35 name-taken eth0 cannot have the alternative name eth4: it is a name of eth4"},
		{"alternative name: of what goes", "- {name: eth0, alt-names: [{name: bond0}]}\n- {name: bond0, state: absent}", "2:35 name-taken eth0 cannot have the alternative name bond0"},
		{"alternative name: another's other", "- {name: eth0, alt-names: [{name: uplink}]}", "2:35 name-taken eth0 cannot have the alternative name uplink: it is a name of eth3"},
		{"alternative name: another's until then", "- {name: eth0, alt-names: [{name: uplink}]}\n- {name: eth3, alt-names: [{name: uplink, state: absent}]}", "2:35 name-taken"},
		{"alternative name: of a new peer", "- {name: eth0, alt-names: [{name: b}]}\n- {name: a, type: veth, veth: {peer: b}}", "2:35 name-taken"},
		{"by its alternative name", "- {name: uplink, mtu: 1400}", "2:10 name-taken uplink is an alternative name of eth3"},
		{"made, with another's alternative name", "- {name: uplink, type: dummy}", "2:10 name-taken uplink is an alternative name of eth3"},
		{"removed by its alternative name", "- {name: uplink, state: absent}", "2:10 name-taken uplink is an alternative name of eth3"},
		{"peer of another's alternative name", "- {name: a, type: veth, veth: {peer: uplink}}", "2:38 name-taken uplink is an alternative name of eth3"},
		{"port by its alternative name", "- {name: br0, bridge: {port: [{name: uplink}]}}", "2:38 unknown-port there is no interface uplink to be a port of br0"},
		{"base by its alternative name", "- {name: v, type: vlan, vlan: {base-iface: uplink, id: 5}}", "2:44 unknown-interface there is no interface uplink"},
		{"entry of a bridge by a nexthop", "- {name: eth0}\nfdb: [{device: eth0, mac-address: \"02:00:00:00:00:42\", nexthop-id: 5}]", "3:7 contradiction eth0 is no VXLAN"},
		{"entry by a nexthop that is not there", "- {name: vx, type: vxlan, vxlan: {id: 5}}\nfdb: [{device: vx, mac-address: \"02:00:00:00:00:42\", nexthop-id: 5}]", "3:7 unknown-nexthop there is no nexthop 5"},
		{"entry by a nexthop of routes", "- {name: vx, type: vxlan, vxlan: {id: 5}}\nnexthops: [{id: 5, blackhole: true}]\nfdb: [{device: vx, mac-address: \"02:00:00:00:00:42\", nexthop-id: 5}]", "4:7 contradiction nexthop 5 is no group with `fdb: true`"},
		{"entry with two ways", "- {name: vx, type: vxlan, vxlan: {id: 5}}\nfdb: [{device: vx, mac-address: \"02:00:00:00:00:42\", nexthop-id: 5, remote: 192.0.2.9}]", "3:7 contradiction an entry leads to a `remote` or"},
		{"nexthop that an entry uses", "- {name: vx, type: vxlan, vxlan: {id: 5}}\nnexthops: [{id: 4, next-hop-address: 192.0.2.9, fdb: true}, {id: 5, group: [{id: 4}], fdb: true}, {id: 5, state: absent}]\nfdb: [{device: vx, mac-address: \"02:00:00:00:00:42\", nexthop-id: 5}]", "4:7 unknown-nexthop"},
		{"source VNI of one identifier", "- {name: vx, type: vxlan, vxlan: {id: 5}}\nfdb: [{device: vx, mac-address: \"02:00:00:00:00:42\", source-vni: 9, remote: 192.0.2.9}]", "3:7 contradiction vx has one identifier for all packets"},
		{"source VNI to nowhere", "- {name: vx, type: vxlan, vxlan: {external: true}}\nfdb: [{device: vx, mac-address: \"02:00:00:00:00:42\", source-vni: 9}]", "3:7 missing-key `source-vni` belongs to"},
		{"static entry of a card", "- {name: eth0}\nfdb: [{device: eth0, mac-address: \"02:00:00:00:00:42\", owner: self, state: static}]", "3:7 contradiction the table of eth0 itself"},
		{"HSR interlink that is a port", "- {name: h, type: hsr, hsr: {port1: eth0, port2: eth4, interlink: eth4}}", "2:67 contradiction h: the interlink is one of the two ports"},
		{"HSR interlink of PRP", "- {name: h, type: hsr, hsr: {port1: eth0, port2: eth4, protocol: prp, interlink: eth5}}", "2:82 contradiction h: `interlink` is for protocol hsr, not prp"},
		{"HSR version of PRP", "- {name: h, type: hsr, hsr: {port1: eth0, port2: eth4, protocol: prp, version: 1}}", "2:80 contradiction h: `version` is for protocol hsr"},
		{"flow label of IPv4", "- {name: x, type: vxlan, vxlan: {id: 5, remote: 192.0.2.9, flow-label: 7}}", "2:72 contradiction x: only IPv6 packets have a flow label"},
		{"flow label of IPv4, GENEVE", "- {name: x, type: geneve, geneve: {id: 5, remote: 192.0.2.9, flow-label: 7}}", "2:74 contradiction x: only IPv6 packets"},
		{"generic protocol", "- {name: x, type: vxlan, vxlan: {id: 5, generic-protocol: true}}", "2:59 contradiction x: the generic protocol extension needs"},
		{"GENEVE to a group", "- {name: x, type: geneve, geneve: {id: 5, remote: 224.0.0.9}}", "2:51 contradiction x: the other end is one host"},
		{"external GENEVE with an end", "- {name: x, type: geneve, geneve: {external: true, remote: 192.0.2.9}}", "2:60 contradiction x: with `external`, `remote` comes with each packet"},
		{"ignore-df with discovery", "- {name: x, type: gre, gre: {local: 192.0.2.1, ignore-df: true}}", "2:59 contradiction x: `ignore-df` does not go"},
		{"xfrm without identifier", "- {name: x, type: xfrm, xfrm: {base-iface: eth0}}", "2:10 contradiction x: an identifier of policies"},
		{"xfrm with identifier 0", "- {name: x, type: xfrm, xfrm: {if-id: 0}}", "2:39 contradiction x: an identifier of policies"},
		{"xfrm external, with identifier", "- {name: x, type: xfrm, xfrm: {external: true, if-id: 4}}", "2:55 contradiction x: with `external`, the identifier"},
		{"xfrm external, with interface", "- {name: x, type: xfrm, xfrm: {external: true, base-iface: eth0}}", "2:60 contradiction x: with `external`, packets leave"},
		{"MACsec with two ports", "- {name: x, type: macsec, macsec: {base-iface: eth0, port: 3, sci: \"0200000000990007\"}}", "2:60 contradiction x: the channel 0200000000990007 has the port 7, not 3"},
		{"snooping of VLANs without VLANs", "- {name: br0, bridge: {options: {multicast-vlan-snooping: true}}}", "2:59 contradiction br0: snooping for each VLAN needs"},
		{"address of spanning tree", "- {name: br0, bridge: {options: {group-addr: \"01:80:c2:00:00:01\"}}}", "2:46 contradiction br0: 01:80:c2:00:00:01 is no destination"},
		{"two tunnels in one", "- {name: x, type: gre, gre: {local: 192.0.2.1, remote: 192.0.2.2}}\n- {name: y, type: gre, gre: {local: 192.0.2.1, remote: 192.0.2.2, ttl: 5}}", "3:10 contradiction y would be told from x by nothing"},
		{"two external tunnels", "- {name: x, type: ipip, ipip: {external: true}}\n- {name: y, type: ipip, ipip: {external: true}}", "3:10 contradiction y would be told from x"},
		{"priority of a tag", "- {name: v, type: vlan, vlan: {base-iface: eth0, id: 5, egress-qos-map: [\"0:8\"]}}", "2:73 bad-value `egress-qos-map`: \"0:8\": a tag has the priorities 0 to 7"},
		{"flag of IPv6", "- {name: eth0, ipv4: {address: [{ip: 192.0.2.9, prefix-length: 24, flags: [home]}]}}", "2:75 bad-value `home`, `mngtmpaddr` and `nodad`"},
		{"address for no time", "- {name: eth0, ipv4: {address: [{ip: 192.0.2.9, prefix-length: 24, valid-life-time: 0sec}]}}", "2:33 bad-value `valid-life-time`: an address that is there for no time"},
		{"two scopes", "- {name: eth0, ipv4: {address: [{ip: 192.0.2.8, prefix-length: 24, scope: link}, {ip: 192.0.2.9, prefix-length: 24}]}}", "2:82 contradiction address 192.0.2.9/24 has another scope"},
		{"lock of nothing", "- {name: eth0}\nroutes: {config: [{destination: 10.0.0.0/8, next-hop-interface: eth0, lock: [mtu]}]}", "3:77 missing-key `lock` names `mtu`"},
		{"goto without the action", "- {name: eth0}\nroute-rules: {config: [{family: ipv4, priority: 5, goto: 9}]}", "3:24 contradiction `goto` belongs to action goto"},
		{"encapsulation without its module", "- {name: x, type: gre, gre: {local: 192.0.2.1, encap: {type: gue, destination-port: 5555}}}", "2:62 kernel-lacks x cannot have the encapsulation gue: module fou is not loaded"},
		{"ports of IPsec over nothing", "- {name: eth0}\nipsec-xfrm: {states: [{src: 192.0.2.1, dst: 192.0.2.2, proto: esp, spi: 0x1000, encap: {sport: 5}}]}", "3:96 missing-key `encap` needs `type`"},
		{"CAN with an address", "- {name: c, type: vcan, ipv4: {address: [{ip: 192.0.2.9, prefix-length: 24}]}}", "2:31 contradiction c is of type vcan, which carries no IP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, problems := Decode("interfaces:\n" + c.block)
			if len(problems) == 0 {
				_, _, problems = netstate.Simulate(machine(), config)
			}
			var got []string
			for _, p := range problems {
				got = append(got, fmt.Sprintf("%d:%d %s %s", p.Pos.Line, p.Pos.Column, p.Code, p.Summary))
				if p.Detail == "" {
					t.Errorf("nothing is said of what to do about: %s", p.Summary)
				}
				if by := strings.Contains(c.name, "by its alternative name"); by && !strings.Contains(p.Detail, "rite eth3") {
					t.Errorf("the interface is not told by its name: %s", p.Detail)
				}
			}
			if len(got) == 0 || !strings.HasPrefix(got[0], c.want) {
				t.Errorf("got %q, want %q first", got, c.want)
			}
		})
	}
}
