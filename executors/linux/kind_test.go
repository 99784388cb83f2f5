//go:build linux

package linux

import (
	"maps"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// kindCase makes one interface and changes every attribute of it.
type kindCase struct {
	name  string
	setup []string // iproute2 commands that run before
	link  netstate.Interface
	// oracle are iproute2's commands for the same.
	oracle []string
	// change is another value for each attribute, set one by one.
	change []netstate.Attrs
	// changed are iproute2's commands for all of change.
	changed []string
}

const (
	macA = "02:00:00:00:0a:01"
	macB = "02:00:00:00:0a:02"
	veth = "ip link add name low0 address 02:00:00:00:00:10 type veth peer name low1 address 02:00:00:00:00:11"
)

var kindCases = []kindCase{
	{
		name: "veth",
		link: netstate.Interface{Name: "x0", Type: "veth", Attrs: netstate.Attrs{
			"veth.peer": "y0", "mac-address": macA, "mtu": "1400", "txqueuelen": "500", "alias": "to y0", "state": "up", "group": "7"}},
		oracle: []string{"ip link add name x0 mtu 1400 txqueuelen 500 address " + macA + " type veth peer name y0",
			"ip link set x0 alias to\\ y0 group 7", "ip link set x0 up"},
		change: []netstate.Attrs{{"mtu": "1300"}, {"mac-address": macB}, {"alias": ""}, {"txqueuelen": "900"}, {"group": "0"}, {"arp": "false"},
			{"multicast": "false"}, {"allmulticast": "true"}, {"accept-all-mac-addresses": "true"}, {"state": "down"}},
		changed: []string{"ip link set x0 mtu 1300 txqueuelen 900 address " + macB, "ip link set x0 alias  group 0",
			"ip link set x0 arp off multicast off allmulticast on promisc on down"},
	},
	{
		name: "linux-bridge",
		link: netstate.Interface{Name: "x0", Type: "linux-bridge", Attrs: netstate.Attrs{
			"mac-address": macA, "state": "up", "bridge.options.stp.enabled": "true", "bridge.options.stp.priority": "4096",
			"bridge.options.stp.forward-delay": "10", "bridge.options.mac-ageing-time": "120.5", "bridge.options.multicast-snooping": "false"}},
		oracle: []string{"ip link add x0 address " + macA + " type bridge stp_state 1 priority 4096 forward_delay 1000 ageing_time 12050 mcast_snooping 0", "ip link set x0 up"},
		change: []netstate.Attrs{
			{"bridge.options.stp.enabled": "false"}, {"bridge.options.stp.priority": "8192"}, {"bridge.options.stp.forward-delay": "12.5"},
			{"bridge.options.stp.hello-time": "3"}, {"bridge.options.stp.max-age": "30"}, {"bridge.options.mac-ageing-time": "0"},
			{"bridge.options.group-fwd-mask": "16"}, {"bridge.options.group-addr": "01:80:c2:00:00:0e"}, {"bridge.options.hash-max": "1024"},
			{"bridge.options.multicast-snooping": "true"}, {"bridge.options.multicast-router": "enabled"}, {"bridge.options.multicast-querier": "true"},
			{"bridge.options.multicast-query-use-ifaddr": "true"}, {"bridge.options.multicast-igmp-version": "3"}, {"bridge.options.multicast-mld-version": "2"},
			{"bridge.options.multicast-last-member-count": "5"}, {"bridge.options.multicast-startup-query-count": "6"},
			{"bridge.options.multicast-last-member-interval": "200"}, {"bridge.options.multicast-membership-interval": "20000"},
			{"bridge.options.multicast-querier-interval": "20000"}, {"bridge.options.multicast-query-interval": "10000"},
			{"bridge.options.multicast-query-response-interval": "2000"}, {"bridge.options.multicast-startup-query-interval": "2500"},
			{"bridge.options.multicast-stats": "true"}, {"bridge.options.no-linklocal-learn": "true"},
		},
		changed: []string{"ip link set x0 type bridge stp_state 0 priority 8192 forward_delay 1250 hello_time 300 max_age 3000 ageing_time 0 group_fwd_mask 16 " +
			"group_address 01:80:c2:00:00:0e mcast_hash_max 1024 mcast_snooping 1 mcast_router 2 mcast_querier 1 mcast_query_use_ifaddr 1 " +
			"mcast_igmp_version 3 mcast_mld_version 2 mcast_last_member_count 5 mcast_startup_query_count 6 mcast_last_member_interval 200 " +
			"mcast_membership_interval 20000 mcast_querier_interval 20000 mcast_query_interval 10000 mcast_query_response_interval 2000 " +
			"mcast_startup_query_interval 2500 mcast_stats_enabled 1 no_linklocal_learn 1"},
	},
	{
		name:  "bridge port",
		setup: []string{"ip link add br0 address 02:00:00:00:00:01 type bridge", "ip link add br1 address 02:00:00:00:00:02 type bridge", veth, "ip link set low0 master br0"},
		link: netstate.Interface{Name: "x0", Type: "veth", Attrs: netstate.Attrs{
			"veth.peer": "y0", "mac-address": macA, "controller": "br0", "state": "up",
			"bridge-port.stp-path-cost": "77", "bridge-port.isolated": "true"}},
		oracle: []string{"ip link add name x0 address " + macA + " type veth peer name y0", "ip link set x0 master br0",
			"ip link set x0 type bridge_slave cost 77 isolated on", "ip link set x0 up"},
		change: []netstate.Attrs{
			{"bridge-port.stp-path-cost": "99"}, {"bridge-port.isolated": "false"}, {"bridge-port.stp-hairpin-mode": "true"}, {"bridge-port.stp-priority": "12"},
			{"bridge-port.bpdu-guard": "true"}, {"bridge-port.root-block": "true"}, {"bridge-port.multicast-fast-leave": "true"}, {"bridge-port.learning": "false"},
			{"bridge-port.unicast-flood": "false"}, {"bridge-port.multicast-flood": "false"}, {"bridge-port.broadcast-flood": "false"},
			{"bridge-port.multicast-to-unicast": "true"}, {"bridge-port.multicast-router": "enabled"}, {"bridge-port.proxy-arp": "true"},
			{"bridge-port.proxy-arp-wifi": "true"}, {"bridge-port.group-fwd-mask": "16"}, {"bridge-port.neighbor-suppress": "true"},
			{"bridge-port.locked": "true"}, {"bridge-port.vlan-tunnel": "true"}, {"bridge-port.backup-port": "low0"},
		},
		changed: []string{"ip link set x0 type bridge_slave cost 99 isolated off hairpin on priority 12 guard on root_block on fastleave on learning off " +
			"flood off mcast_flood off bcast_flood off mcast_to_unicast on mcast_router 2 proxy_arp on proxy_arp_wifi on group_fwd_mask 16 " +
			"neigh_suppress on locked on vlan_tunnel on backup_port low0"},
	},
	{
		name:  "vxlan",
		setup: []string{veth, "ip addr add 192.0.2.1/24 dev low0", "ip link set low0 up", "ip link set low1 up"},
		link: netstate.Interface{Name: "x0", Type: "vxlan", Attrs: netstate.Attrs{
			"mac-address": macA, "state": "up", "vxlan.id": "100", "vxlan.base-iface": "low0", "vxlan.local": "192.0.2.1", "vxlan.remote": "192.0.2.2",
			"vxlan.destination-port": "4789", "vxlan.learning": "false", "vxlan.ttl": "9", "vxlan.source-port-range": "40000-50000", "vxlan.group-policy": "true"}},
		oracle: []string{"ip link add x0 address " + macA + " type vxlan id 100 dev low0 local 192.0.2.1 remote 192.0.2.2 dstport 4789 nolearning ttl 9 srcport 40000 50000 gbp", "ip link set x0 up"},
		change: []netstate.Attrs{{"vxlan.remote": "192.0.2.9"}, {"vxlan.local": "192.0.2.8"}, {"vxlan.learning": "true"}, {"vxlan.ttl": "33"}, {"vxlan.tos": "16"},
			{"vxlan.df": "set"}, {"vxlan.ageing-time": "77"}},
		changed: []string{"ip link set x0 type vxlan remote 192.0.2.9", "ip link set x0 type vxlan local 192.0.2.8", "ip link set x0 type vxlan learning ttl 33 tos 0x10 df set ageing 77"},
	},
	{
		name: "vxlan6",
		link: netstate.Interface{Name: "x0", Type: "vxlan", Attrs: netstate.Attrs{
			"mac-address": macA, "vxlan.id": "7", "vxlan.local": "2001:db8::1", "vxlan.remote": "2001:db8::2", "vxlan.destination-port": "4790",
			"vxlan.udp6-zero-checksum-tx": "true", "vxlan.udp6-zero-checksum-rx": "true", "vxlan.flow-label": "1234", "vxlan.max-addresses": "50", "vxlan.l2-miss": "true", "vxlan.proxy": "true"}},
		oracle: []string{"ip link add x0 address " + macA + " type vxlan id 7 local 2001:db8::1 remote 2001:db8::2 dstport 4790 udp6zerocsumtx udp6zerocsumrx flowlabel 1234 maxaddress 50 l2miss proxy"},
	},
	{
		name: "vxlan external",
		link: netstate.Interface{Name: "x0", Type: "vxlan", Attrs: netstate.Attrs{
			"mac-address": macA, "vxlan.external": "true", "vxlan.vni-filter": "true", "vxlan.learning": "false", "vxlan.destination-port": "4789"}},
		oracle: []string{"ip link add x0 address " + macA + " type vxlan external vnifilter dstport 4789"},
	},
	macvlanCase("mac-vlan", "macvlan", "private", "vepa"),
	macvlanCase("mac-vlan", "macvlan", "vepa", "bridge"),
	macvlanCase("mac-vlan", "macvlan", "bridge", "private"),
	macvlanCase("mac-vlan", "macvlan", "passthru", ""),
	macvlanCase("mac-vlan", "macvlan", "source", ""),
	macvlanCase("mac-vtap", "macvtap", "bridge", "vepa"),
	{
		name:    "ifb",
		link:    netstate.Interface{Name: "x0", Type: "ifb", Attrs: netstate.Attrs{"mac-address": macA, "txqueuelen": "64", "state": "up"}},
		oracle:  []string{"ip link add x0 address " + macA + " txqueuelen 64 type ifb", "ip link set x0 up"},
		change:  []netstate.Attrs{{"txqueuelen": "65"}, {"mtu": "1400"}},
		changed: []string{"ip link set x0 txqueuelen 65 mtu 1400"},
	},
	{
		name:    "tap",
		link:    netstate.Interface{Name: "x0", Type: "tun", Attrs: netstate.Attrs{"mac-address": macA, "tun.mode": "tap", "tun.owner": "1000", "tun.group": "100", "tun.multi-queue": "true", "mtu": "1400", "state": "up"}},
		oracle:  []string{"ip tuntap add dev x0 mode tap user 1000 group 100 multi_queue", "ip link set x0 address " + macA + " mtu 1400 up"},
		change:  []netstate.Attrs{{"tun.owner": "1001"}, {"tun.group": "101"}},
		changed: nil, // ip-tuntap(8) changes none
	},
	{
		name:   "tun",
		link:   netstate.Interface{Name: "x0", Type: "tun", Attrs: netstate.Attrs{"tun.mode": "tun", "tun.packet-information": "true", "tun.vnet-header": "true"}},
		oracle: []string{"ip tuntap add dev x0 mode tun pi vnet_hdr"},
	},
}

func macvlanCase(typ, kernel, mode, other string) kindCase {
	c := kindCase{
		name:  typ + " " + mode,
		setup: []string{veth, "ip link set low0 up", "ip link set low1 up"},
		link: netstate.Interface{Name: "x0", Type: typ, Attrs: netstate.Attrs{
			"mac-address": macA, typ + ".base-iface": "low0", typ + ".mode": mode, "state": "up"}},
		oracle: []string{"ip link add link low0 name x0 address " + macA + " type " + kernel + " mode " + mode, "ip link set x0 up"},
	}
	switch {
	case mode == "passthru":
		delete(c.link.Attrs, "mac-address") // it has that of the lower interface
		c.link.Attrs[typ+".promiscuous"] = "false"
		c.oracle = []string{"ip link add link low0 name x0 type " + kernel + " mode passthru nopromisc", "ip link set x0 up"}
	case mode == "source":
		c.link.Attrs[typ+".source-mac-addresses"] = "02:00:00:00:00:a1,02:00:00:00:00:a2"
		c.oracle = append(c.oracle, "ip link set x0 type macvlan macaddr set 02:00:00:00:00:a1 02:00:00:00:00:a2")
		c.change = []netstate.Attrs{{typ + ".source-mac-addresses": "02:00:00:00:00:a3"}, {typ + ".no-destination-check": "true"}, {typ + ".broadcast-queue-length": "50"}}
		c.changed = []string{"ip link set x0 type macvlan macaddr set 02:00:00:00:00:a3", "ip link set x0 type macvlan flag nodst bcqueuelen 50"}
	case other != "":
		c.change = []netstate.Attrs{{typ + ".mode": other}}
		c.changed = []string{"ip link set x0 type " + kernel + " mode " + other}
	}
	return c
}

// runAll runs command lines; "\ " in them is a space in a word.
func (ns *namespace) runAll(lines []string) {
	ns.t.Helper()
	for _, line := range lines {
		words := strings.Split(strings.ReplaceAll(line, `\ `, "\x00"), " ")
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "\x00", " ")
		}
		ns.run(words...)
	}
}

func find(t testing.TB, s *netstate.State, name string) netstate.Interface {
	t.Helper()
	if i := s.Interface(name); i != nil {
		return *i
	}
	t.Fatalf("there is no interface %s", name)
	return netstate.Interface{}
}

func with(i netstate.Interface, attrs netstate.Attrs) netstate.Interface {
	i.Attrs = maps.Clone(i.Attrs)
	maps.Copy(i.Attrs, attrs)
	return i
}

func added(i netstate.Interface) netstate.Edit {
	return netstate.Edit{Op: netstate.Add, After: netstate.Object{Link: &i}}
}

func modified(before, after netstate.Interface) netstate.Edit {
	return netstate.Edit{Op: netstate.Modify, Before: netstate.Object{Link: &before}, After: netstate.Object{Link: &after}}
}

func deleted(i netstate.Interface) netstate.Edit {
	return netstate.Edit{Op: netstate.Delete, Before: netstate.Object{Link: &i}}
}

// holds fails the test where an interface is not as wanted.
func holds(t testing.TB, have, want netstate.Interface) {
	t.Helper()
	for _, d := range netstate.Differences(&have, &want) {
		t.Errorf("%s is %q, want %q", d.Key, d.Before, d.After)
	}
}

// chosen are fields that the kernel chooses by chance, and names of a test.
var chosen = []string{"ifindex", "link_netnsid"}

func TestKinds(t *testing.T) {
	for _, c := range kindCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ns, oracle := newNamespace(t), newNamespace(t)
			ns.runAll(c.setup)
			oracle.runAll(c.setup)
			empty := ns.settled()

			ns.edit(added(c.link))
			first := find(t, ns.observe(everything), "x0")
			holds(t, first, c.link)
			oracle.runAll(c.oracle)
			fresh := ignoring(c, chosen)
			ns.same("made, against iproute2", func() []string { return oracle.snapshot(fresh...) }, fresh...)
			made := ns.settled()

			now, want := first, c.link
			for _, attrs := range c.change {
				ns.edit(modified(now, with(now, attrs)))
				now, want = find(t, ns.observe(everything), "x0"), with(want, attrs)
				holds(t, now, want)
			}
			if c.changed != nil {
				oracle.runAll(c.changed)
				ns.same("changed, against iproute2", func() []string { return oracle.snapshot(fresh...) }, fresh...)
			}
			ns.edit(modified(now, first))
			ns.same("changed back", made)

			pair := []netstate.Interface{first}
			if c.link.Type == "veth" {
				pair = append(pair, find(t, ns.observe(everything), "y0"))
			}
			ns.edit(deleted(first))
			ns.same("deleted", empty)
			for _, i := range pair {
				ns.edit(added(i))
			}
			if c.link.Type != "veth" { // alone, the first end does not know the number of the other
				ns.same("made again", made)
			}
			for _, i := range pair {
				holds(t, find(t, ns.observe(everything), i.Name), i)
			}
			ns.edit(deleted(first))
			var again []netstate.Edit
			for _, i := range pair {
				again = append(again, added(i))
			}
			ns.edit(again...)
			ns.same("made again at once", made)
		})
	}
}

// ignoring adds fields that hold an address which the kernel chose.
func ignoring(c kindCase, fields []string) []string {
	if c.link.Type == "veth" || c.link.Attrs["tun.mode"] == "tun" {
		return append([]string{"address", "local", "mac"}, fields...)
	}
	return fields
}
