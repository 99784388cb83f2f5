//go:build linux

package linux

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"stet/executors/transaction"
)

// linkNumber is what stands for an interface that is gone.
var linkNumber = regexp.MustCompile(`\bif[0-9]+\b`)

// TestUndoGone undoes changes of what was on an interface that somebody else has
// removed meanwhile. What the change had made has gone with the interface. What it
// had removed or changed cannot come back, and that is said; an endpoint of Multipath
// TCP stays, as far as it can.
func TestUndoGone(t *testing.T) {
	t.Parallel()
	endpoints := map[string]string{
		"mptcp flags": "192.0.2.1 id 1 subflow dev ifN", "mptcp anew": "192.0.2.1 id 1 subflow dev ifN", "mptcp dev": "192.0.2.1 id 1 subflow dev low0",
		"mptcp, gone before": "192.0.2.1 id 4 subflow dev ifN", "mptcp made anew, gone before": "192.0.2.1 id 4 subflow dev ifN",
	}
	for _, tt := range []struct{ name, there, block, differs string }{
		{"address added", "", "interfaces: [{name: gone0, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}, {ip: 192.0.2.9, prefix-length: 24}]}}]", ""},
		{"address removed", "", "interfaces: [{name: gone0, ipv4: {address: []}}]",
			"address 192.0.2.1/24 is absent instead of dev gone0; neighbor proxy 192.0.2.6 is absent instead of dev gone0; neighbor 192.0.2.7 is absent instead of dev gone0 lladdr 02:00:00:00:00:07 permanent"},
		{"address changed", "", "interfaces: [{name: gone0, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24, valid-life-time: 900s, preferred-life-time: 900s}]}}]", "address 192.0.2.1/24 is absent instead of dev gone0"},
		{"address of IPv6 replaced", "", "interfaces: [{name: gone0, ipv6: {address: [{ip: '2001:db8::2', prefix-length: 64}]}}]", "address 2001:db8::1/64 is absent instead of dev gone0 nodad"},
		{"neighbor added", "", "neighbors: {config: [{ip: 192.0.2.8, device: gone0, mac-address: '02:00:00:00:00:08'}]}", ""},
		{"neighbor removed", "", "neighbors: {config: [{ip: 192.0.2.7, device: gone0, state: absent}]}", "neighbor 192.0.2.7 is absent instead of dev gone0 lladdr 02:00:00:00:00:07 permanent"},
		{"neighbor changed", "", "neighbors: {config: [{ip: 192.0.2.7, device: gone0, mac-address: '02:00:00:00:00:08'}]}", "neighbor 192.0.2.7 is absent instead of dev gone0 lladdr 02:00:00:00:00:07 permanent"},
		{"proxy added", "", "neighbors: {config: [{ip: 192.0.2.5, device: gone0, proxy: true}]}", ""},
		{"proxy removed", "", "neighbors: {config: [{ip: 192.0.2.6, device: gone0, proxy: true, state: absent}]}", "neighbor proxy 192.0.2.6 is absent instead of dev gone0"},
		{"route added", "", "routes: {config: [{destination: 10.9.0.0/16, next-hop-interface: gone0, next-hop-address: 192.0.2.7}]}", ""},
		{"route removed", "ip route add 10.9.0.0/16 via 192.0.2.7", "routes: {config: [{destination: 10.9.0.0/16, next-hop-interface: gone0, state: absent}]}", "route 10.9.0.0/16 is absent instead of via 192.0.2.7 dev gone0 proto boot"},
		{"routes removed", "ip route add 10.9.0.0/16 via 192.0.2.7;ip route add 10.8.0.0/16 via 192.0.2.7", "routes: {config: [{next-hop-interface: gone0, next-hop-address: 192.0.2.7, state: absent}]}", "route 10.8.0.0/16 is absent instead of via 192.0.2.7 dev gone0 proto boot; route 10.9.0.0/16 is absent instead of via 192.0.2.7 dev gone0 proto boot"},
		{"route changed", "ip route add 10.9.0.0/16 via 192.0.2.7;ip link set low0 up;ip addr add 198.51.100.1/24 dev low0", "routes: {config: [{destination: 10.9.0.0/16, state: absent}, {destination: 10.9.0.0/16, next-hop-interface: low0, next-hop-address: 198.51.100.2}]}", "route 10.9.0.0/16 is via 198.51.100.2 dev low0 instead of via 192.0.2.7 dev gone0 proto boot"},
		{"fdb added", "", "fdb: [{mac-address: '02:00:00:00:00:58', device: gone0, owner: self}]", ""},
		{"fdb removed", "bridge fdb add 02:00:00:00:00:58 dev gone0 self permanent", "fdb: [{mac-address: '02:00:00:00:00:58', device: gone0, owner: self, state: absent}]", "fdb 02:00:00:00:00:58 is absent instead of dev gone0 self permanent"},
		{"fdb of a port", "ip link add br0 type bridge;ip link set gone0 master br0;bridge fdb add 02:00:00:00:00:58 dev gone0 master static", "fdb: [{mac-address: '02:00:00:00:00:58', device: gone0, owner: master, state: absent}]", "fdb 02:00:00:00:00:58 is absent instead of dev gone0 master static"},
		{"mdb removed", "ip link add br0 up type bridge mcast_snooping 1;ip link set gone0 master br0;bridge mdb add dev br0 port gone0 grp 239.1.1.1 permanent", "mdb: [{device: br0, port: gone0, group: 239.1.1.1, state: absent}]", "mdb 239.1.1.1 is absent instead of dev br0 port gone0 permanent"},
		{"mdb added", "ip link add br0 up type bridge mcast_snooping 1;ip link set gone0 master br0", "mdb: [{device: br0, port: gone0, group: 239.1.1.1}]", ""},
		{"tc removed", "tc qdisc add dev gone0 root handle 1: htb", "interfaces: [{name: gone0, traffic-control: {qdiscs: []}}]", "qdisc 1: of gone0 is absent instead of parent root htb direct-qlen 1000"},
		{"tc added", "", "interfaces: [{name: gone0, traffic-control: {qdiscs: [{parent: root, handle: '1:', kind: htb}]}}]", ""},
		{"tc filter that led to it", "tc qdisc add dev low0 ingress;tc filter add dev low0 ingress prio 1 protocol all u32 match u32 0 0 action mirred egress redirect dev gone0", "interfaces: [{name: low0, traffic-control: {qdiscs: []}}]",
			"filter prio 1 u32 at ingress of low0 is absent instead of protocol all handle 800 match u32 0x00000000 0x00000000 at 0 action mirred dev gone0"},
		{"sysctl", "", "sysctl: {net.ipv4.conf.gone0.rp_filter: 2}", "sysctl net.ipv4.conf.gone0.rp_filter is absent instead of 0"},
		{"mptcp added", "", "mptcp: {endpoints: [{address: 192.0.2.9, dev: gone0}]}", ""},
		{"mptcp removed", "ip mptcp endpoint add 192.0.2.1 dev gone0 subflow", "mptcp: {endpoints: [{address: 192.0.2.1, state: absent}]}", "mptcp endpoint address 192.0.2.1 is absent instead of id 1 dev gone0 subflow true"},
		{"mptcp flags", "ip mptcp endpoint add 192.0.2.1 dev gone0 subflow", "mptcp: {endpoints: [{address: 192.0.2.1, backup: true}]}", "mptcp endpoint address 192.0.2.1 is id 1 dev ifN subflow true instead of id 1 dev gone0 subflow true"},
		{"mptcp anew", "ip mptcp endpoint add 192.0.2.1 dev gone0 subflow", "mptcp: {endpoints: [{address: 192.0.2.1, subflow: false}]}", "mptcp endpoint address 192.0.2.1 is id 1 dev ifN subflow true instead of id 1 dev gone0 subflow true"},
		{"mptcp dev", "ip mptcp endpoint add 192.0.2.1 dev gone0 subflow", "mptcp: {endpoints: [{address: 192.0.2.1, dev: low0, backup: true}]}", "mptcp endpoint address 192.0.2.1 is id 1 dev low0 subflow true instead of id 1 dev gone0 subflow true"},
		{"mptcp, gone before", "ip mptcp endpoint add 192.0.2.1 id 4 dev low0 subflow;ip link del low0", "mptcp: {endpoints: [{address: 192.0.2.1, state: absent}]}", ""},
		{"mptcp made anew, gone before", "ip mptcp endpoint add 192.0.2.1 id 4 dev low0 subflow;ip link del low0", "mptcp: {endpoints: [{address: 192.0.2.1, dev: gone0, id: 9}]}", ""},
		{"multicast address, with its interface", "ip maddr add 33:33:00:00:00:99 dev gone0", "interfaces: [{name: gone0, multicast-addresses: []}]", ""},
		{"token, with its interface", "", "interfaces: [{name: gone0, ipv6: {token: '::7'}}]", ""},
		{"interface", "", "interfaces: [{name: gone0, mtu: 1400}]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			ns.runAll([]string{"ip link add low0 type veth peer name low1", "ip link add gone0 type veth peer name gone1", "ip link set gone0 up", "ip link set gone1 up",
				"ip addr add 192.0.2.1/24 dev gone0", "ip -6 addr add 2001:db8::1/64 dev gone0 nodad", "ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev gone0", "ip neigh add proxy 192.0.2.6 dev gone0"})
			if tt.there != "" {
				ns.runKnown(strings.Split(tt.there, ";"))
			}
			if strings.HasPrefix(tt.name, "mptcp") {
				ns.runKnown([]string{"ip mptcp limits"})
			}
			c := ns.apply(tt.block)
			ns.runAll([]string{"ip link del gone0"})
			for range 2 { // undoing twice is undoing once
				r, err := transaction.Undo(context.Background(), ns.Namespace, c)
				want := ""
				if tt.differs != "" {
					want = "not everything is as before: " + tt.differs + "; there is no interface gone0 any more, and what was on it cannot be brought back"
				}
				// Where bridges have VLANs, an entry comes in that of its port, too.
				said := strings.ReplaceAll(r.UndoError, "fdb 02:00:00:00:00:58 is absent instead of dev gone0 vlan 1 master static; ", "")
				if got := linkNumber.ReplaceAllString(said, "ifN"); err != nil || got != want || r.Undone != (want == "") || (len(r.Remains) == 0) != (want == "") {
					t.Errorf("it says %t, %q, %+v, %v\nwant %q", r.Undone, got, r.Remains, err, want)
				}
			}
			if strings.HasPrefix(tt.name, "mptcp") {
				if got := linkNumber.ReplaceAllString(strings.Join(strings.Fields(ns.run("ip", "mptcp", "endpoint")), " "), "ifN"); got != endpoints[tt.name] {
					t.Errorf("the endpoints are %q, want %q", got, endpoints[tt.name])
				}
			}
		})
	}
}
