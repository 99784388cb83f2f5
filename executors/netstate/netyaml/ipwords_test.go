package netyaml

import (
	"strings"
	"testing"
)

// TestWordsOfIproute2 writes what ip(8), bridge(8) and tc(8) say where a key of
// netconfig belongs, and wants the key, or the command where there is none.
func TestWordsOfIproute2(t *testing.T) {
	for block, want := range map[string]string{
		"interfaces: [{name: x, type: vxlan, vxlan: {dstport: 4789}}]":                            "is `destination-port` here",
		"interfaces: [{name: x, type: vxlan, vxlan: {group: 239.1.1.1}}]":                         "is `remote` here",
		"interfaces: [{name: x, type: dummy, promisc: true}]":                                     "is `accept-all-mac-addresses` here",
		"interfaces: [{name: x, type: dummy, master: br0}]":                                       "is `controller` here",
		"interfaces: [{name: x, type: dummy, numtxqueues: 4}]":                                    "is `num-tx-queues` here",
		"interfaces: [{name: x, type: linux-bridge, bridge: {options: {forward_delay: 4}}}]":      "Known are",
		"interfaces: [{name: x, type: linux-bridge, bridge: {options: {ageing_time: 300}}}]":      "is `mac-ageing-time` here",
		"interfaces: [{name: x, type: linux-bridge, bridge: {port: [{name: y, hairpin: true}]}}]": "is `stp-hairpin-mode` here",
		"interfaces: [{name: x, type: macvlan}]":                                                  "is `mac-vlan` here",
		"interfaces: [{name: x, type: bridge}]":                                                   "is `linux-bridge` here",
		"interfaces: [{name: x, type: erspan}]":                                                   "ip link add … type erspan",
		"interfaces: [{name: x, type: dummy, gso_max_size: 65536}]":                               "is `gso-max-size` here",
		"routes: {config: [{destination: 10.0.0.0/8, dev: x}]}":                                   "is `next-hop-interface` here",
		"routes: {config: [{destination: 10.0.0.0/8, via: 192.0.2.1}]}":                           "is `next-hop-address` here",
		"routes: {config: [{destination: 10.0.0.0/8, next-hop-interface: x, expires: 60}]}":       "ip -6 route replace … expires",
		"route-rules: {config: [{from: 10.0.0.0/8}]}":                                             "is `ip-from` here",
		"route-rules: {config: [{family: ipv4, pref: 5}]}":                                        "is `priority` here",
		"route-rules: {config: [{family: ipv4, tun_id: 5}]}":                                      "ip rule add … tun_id",
		"neighbors: [{device: x, ip: 192.0.2.9, lladdr: \"02:00:00:00:00:01\"}]":                  "is `mac-address` here",
		"fdb: [{device: x, mac-address: \"02:00:00:00:00:01\", nhid: 5}]":                         "is `nexthop-id` here",
		"fdb: [{device: x, mac-address: \"02:00:00:00:00:01\", dst: 192.0.2.9}]":                  "is `remote` here",
	} {
		_, problems := Decode(block)
		if len(problems) == 0 || problems[0].Pos.Line != 1 || problems[0].Pos.Column == 0 || !strings.Contains(problems[0].Detail, want) {
			t.Errorf("%s: %+v, want %q", block, problems, want)
		}
	}
}
