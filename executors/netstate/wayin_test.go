package netstate_test

import (
	"net/netip"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// reached is a host with the address 10.0.0.2/24 on eth0, which is a port of
// nothing, a default route by 10.0.0.1, and a second interface.
func reached() *netstate.State {
	prefix := netip.MustParsePrefix
	return &netstate.State{
		Interfaces: []netstate.Interface{
			{Name: "eth0", Type: "ethernet", Attrs: netstate.Attrs{"state": "up", "mtu": "1500"},
				Addresses: []netstate.Address{{Prefix: prefix("10.0.0.2/24")}, {Prefix: prefix("192.0.2.7/32")}}},
			{Name: "eth1", Type: "ethernet", Attrs: netstate.Attrs{"state": "up", "mtu": "1500"},
				Addresses: []netstate.Address{{Prefix: prefix("10.1.0.2/24")}}},
		},
		Routes: []netstate.Route{
			{Destination: prefix("0.0.0.0/0"), Table: 254, NextHops: []netstate.NextHop{{Device: "eth0", Via: netip.MustParseAddr("10.0.0.1")}}, Protocol: 4},
			{Destination: prefix("10.0.0.0/24"), Table: 254, Protocol: 2, Scope: 253, Source: netip.MustParseAddr("10.0.0.2"), NextHops: []netstate.NextHop{{Device: "eth0"}}},
			{Destination: prefix("10.1.0.0/24"), Table: 254, Protocol: 2, Scope: 253, Source: netip.MustParseAddr("10.1.0.2"), NextHops: []netstate.NextHop{{Device: "eth1"}}},
		},
		Rules: []netstate.Rule{},
	}
}

func TestWayIn(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		want   string // in a line that must be there; "" for no line
	}{
		"interface down":        {"interfaces: [{name: eth0, state: down}]", "eth0 carries the connection"},
		"mtu":                   {"interfaces: [{name: eth0, mtu: 1400}]", "eth0 carries"},
		"alias":                 {"interfaces: [{name: eth0, alias: uplink}]", ""},
		"another interface":     {"interfaces: [{name: eth1, state: down}]", ""},
		"address gone":          {"interfaces: [{name: eth0, ipv4: {enabled: true, address: [{ip: 192.0.2.7, prefix-length: 32}]}}]", "the address that is connected to"},
		"another address gone":  {"interfaces: [{name: eth0, ipv4: {enabled: true, address: [{ip: 10.0.0.2, prefix-length: 24}]}}]", ""},
		"enslaved":              {"interfaces: [{name: br0, type: linux-bridge, state: up, bridge: {port: [{name: eth0}]}}, {name: eth0, ipv4: {enabled: true, address: []}}]", "eth0 carries"},
		"another enslaved":      {"interfaces: [{name: br0, type: linux-bridge, state: up, bridge: {port: [{name: eth1}]}}, {name: eth1, ipv4: {enabled: true, address: []}}]", ""},
		"default route":         {"routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: eth0, next-hop-address: 10.0.0.1, state: absent}]}", "where the connection comes from"},
		"blackhole":             {"routes: {config: [{destination: 203.0.113.9/32, route-type: blackhole}]}", "where the connection comes from"},
		"blackhole elsewhere":   {"routes: {config: [{destination: 203.0.113.10/32, route-type: blackhole}]}", ""},
		"a route to a neighbor": {"routes: {config: [{destination: 198.51.100.0/24, next-hop-interface: eth0, next-hop-address: 10.0.0.1}]}", ""},
		"the gateway diverted":  {"routes: {config: [{destination: 10.0.0.1/32, next-hop-interface: eth1}]}", "the gateway 10.0.0.1"},
		"a rule for all":        {"route-rules: {config: [{family: ipv4, priority: 100, route-table: 100}]}", "decides on packets"},
		"a rule for others":     {"route-rules: {config: [{family: ipv4, priority: 100, route-table: 100, ip-to: 198.51.100.0/24}]}", ""},
		"source filter":         {"sysctl: {net.ipv4.conf.all.rp_filter: 1}", "which packets"},
		"forwarding":            {"sysctl: {net.ipv4.ip_forward: 1}", ""},
		"the peer's own":        {"interfaces: [{name: eth1, ipv4: {enabled: true, address: [{ip: 10.1.0.2, prefix-length: 24}, {ip: 203.0.113.9, prefix-length: 32}]}}]", "comes from"},
	} {
		t.Run(name, func(t *testing.T) {
			config, problems := netyaml.Decode(c.config)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			s := reached()
			s.Sysctls = map[string]string{"net.ipv4.conf.all.rp_filter": "0", "net.ipv4.ip_forward": "0"}
			next, _, problems := netstate.Simulate(s, config)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			change := netstate.Diff(s, next)
			if change.Empty() {
				t.Fatal("it changes nothing")
			}
			lines := netstate.WayIn(s, change, netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("203.0.113.9"))
			text := strings.Join(lines, "\n")
			if c.want == "" && len(lines) > 0 || !strings.Contains(text, c.want) {
				t.Errorf("got %q, want %q; the change is\n%s", lines, c.want, netstate.Text(change))
			}
		})
	}
	if lines := netstate.WayIn(nil, nil, netip.Addr{}, netip.Addr{}); lines != nil {
		t.Error(lines)
	}
}
