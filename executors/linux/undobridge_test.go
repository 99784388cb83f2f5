//go:build linux

package linux

import (
	"strings"
	"testing"
)

// TestUndoBridgeAddress removes bridges that are up, and undoes it. One that has
// taken the hardware address of a port has the link-local address that is made of
// it, and goes on to follow its ports; one that was given another goes on to have it.
func TestUndoBridgeAddress(t *testing.T) {
	t.Parallel()
	const low, high = "02:00:00:00:00:10", "02:00:00:00:00:12"
	ports := []string{"ip link add low0 address " + low + " type veth peer name low1", "ip link add high0 address " + high + " type veth peer name high1",
		"ip link set low0 up", "ip link set low1 up", "ip link set high0 up", "ip link set high1 up", "ip link add br0 type bridge"}
	const joined = "ip link set high0 master br0;ip link set low0 master br0;" // ports are numbered in this order
	for _, tt := range []struct{ name, there, block, follows string }{
		{"of one port", "ip link set low0 master br0;ip link set br0 up", "[{name: br0, state: absent}]", low},
		{"of the lower of two", joined + "ip link set br0 up", "[{name: br0, state: absent}]", low},
		{"of ports that go, too", joined + "ip link set br0 up", "[{name: br0, state: absent}, {name: low0, state: absent}, {name: high0, state: absent}]", low},
		{"with addresses and routes", joined + "ip link set br0 up;ip addr add 192.0.2.1/24 dev br0;ip -6 addr add 2001:db8::1/64 dev br0 nodad;ip route add 10.9.0.0/16 via 192.0.2.7;ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev br0",
			"[{name: br0, state: absent}]", low},
		{"below others", joined + "ip link set br0 up;ip link add mv0 link br0 address 02:00:00:00:00:20 type macvlan;ip link set mv0 up", "[{name: mv0, state: absent}, {name: br0, state: absent}]", low},
		{"below VLANs", joined + "ip link set br0 up;ip link add a0 link br0 type vlan id 5;ip link set a0 up;ip link add a1 link a0 type vlan id 6;ip link set a1 up", "[{name: a1, state: absent}, {name: a0, state: absent}, {name: br0, state: absent}]", low},
		{"of a port that is down", "ip link set low0 down;ip link set low0 master br0;ip link set br0 up", "[{name: br0, state: absent}]", low},
		{"that is down", joined, "[{name: br0, state: absent}]", low},
		{"given, of the higher port", "ip link set br0 address " + high + ";" + joined + "ip link set br0 up", "[{name: br0, state: absent}]", ""},
		{"given, of its own", joined + "ip link set br0 address 02:00:00:00:00:99;ip link set br0 up", "[{name: br0, state: absent}]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			ns.runAll(ports)
			ns.runKnown(strings.Split(strings.Trim(tt.there, ";"), ";"))
			before, kind := ns.settled(), ns.run("cat", "/sys/class/net/br0/addr_assign_type")
			deletion := ns.apply("interfaces: " + tt.block)
			ns.undo(deletion)
			ns.same("deletion undone", before)
			if got := ns.run("cat", "/sys/class/net/br0/addr_assign_type"); got != kind {
				t.Errorf("addr_assign_type is %s, was %s", got, kind)
			}
			if tt.follows == "" {
				return
			}
			ns.runAll([]string{"ip link set low0 address 02:00:00:00:00:09"})
			if got := ns.run("cat", "/sys/class/net/br0/address"); strings.TrimSpace(got) != "02:00:00:00:00:09" {
				t.Errorf("the bridge has %s, its lowest port 02:00:00:00:00:09", strings.TrimSpace(got))
			}
		})
	}
}

// TestUndoBridgeByChance holds the reference to its word on what of a bridge is
// not as before: an address that it had by chance.
func TestUndoBridgeByChance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, joined, look, want string }{
		{"up before its port", "ip link set br0 up;ip link set low0 master br0", "ip -6 -br addr show dev br0 scope link", "fe80::ff:fe00:10/64"},
		{"without ports", "ip link set br0 up", "cat /sys/class/net/br0/addr_assign_type", "3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			ns.runAll([]string{"ip link add low0 address 02:00:00:00:00:10 type veth peer name low1", "ip link set low0 up", "ip link set low1 up", "ip link add br0 type bridge"})
			ns.runAll(strings.Split(tt.joined, ";"))
			ns.settled()
			if got := ns.run(strings.Fields(tt.look)...); strings.Contains(got, tt.want) {
				t.Fatalf("before: %s", got)
			}
			ns.undo(ns.apply("interfaces: [{name: br0, state: absent}]"))
			ns.settled()
			if got := ns.run(strings.Fields(tt.look)...); !strings.Contains(got, tt.want) {
				t.Errorf("%s: %s, want %s", tt.look, got, tt.want)
			}
		})
	}
}
