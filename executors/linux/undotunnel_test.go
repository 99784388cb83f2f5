//go:build linux

package linux

import (
	"strings"
	"testing"
)

// localIPv4 gives the host addresses for the tunnels of these tests.
const localIPv4 = "ip addr add 192.0.2.1/24 dev low0;ip addr add 198.51.100.1/24 dev low0;ip link set low0 up;ip link set low1 up;ip link set lo up"

// TestOwnAddresses gives interfaces that are made, or come up, IPv6 addresses: what
// the kernel gives them besides is no reason to change anything the second time,
// and goes when that is undone.
func TestOwnAddresses(t *testing.T) {
	t.Parallel()
	const up = "state: up, ipv6: {enabled: true, address: [{ip: '2001:db8::1', prefix-length: 64}]}"
	for _, tt := range []struct{ name, there, block string }{
		{"sit", "", "type: sit, sit: {local: 192.0.2.1}, " + up},
		{"sit of any address", "", "type: sit, sit: {ttl: 64}, " + up},
		{"sit to a remote", "", "type: sit, sit: {local: 192.0.2.1, remote: 192.0.2.2}, " + up},
		{"sit that makes none", "", "type: sit, sit: {local: 192.0.2.1}, state: up, ipv6: {enabled: true, addr-gen-mode: none, address: []}"},
		{"sit without IPv6", "", "type: sit, sit: {local: 192.0.2.1}, state: up, ipv6: {enabled: false}"},
		{"sit with its own", "", "type: sit, sit: {local: 192.0.2.1}, state: up, ipv6: {enabled: true, address: [{ip: '::192.0.2.1', prefix-length: 96}]}"},
		{"sit with another", "ip link add x0 type sit ttl 64;ip link set x0 up;ip addr add fe80::1/64 dev x0", "type: sit, " + up},
		{"sit that comes up", "ip link add x0 type sit local 192.0.2.1;ip link set x0 up;ip link set x0 down", "type: sit, " + up},
		{"sit that is given a remote", "ip link add x0 type sit local 192.0.2.1;ip link set x0 up", "type: sit, sit: {remote: 192.0.2.2}"},
		{"sit that is given a remote and an address", "ip link add x0 type sit local 192.0.2.1;ip link set x0 up", "type: sit, sit: {remote: 192.0.2.2}, " + up},
		{"sit that is given a remote and comes up", "ip link add x0 type sit local 192.0.2.1", "type: sit, sit: {remote: 192.0.2.2}, state: up"},
		{"sit with another local address", "ip link add x0 type sit local 192.0.2.1;ip link set x0 up", "type: sit, sit: {local: 198.51.100.1}"},
		{"gre", "", "type: gre, gre: {local: 192.0.2.1}, " + up},
		{"gre of any address", "", "type: gre, gre: {ttl: 64}, " + up},
		{"gre to a remote", "", "type: gre, gre: {remote: 192.0.2.2}, " + up},
		{"gre with another", "ip link add x0 type gre ttl 64;ip link set x0 up;ip addr add fe80::1/64 dev x0", "type: gre, " + up},
		{"gre that is given a remote", "ip link add x0 type gre ttl 64;ip link set x0 up", "type: gre, gre: {remote: 192.0.2.2}, " + up},
		{"ip6gre", "", "type: ip6gre, ip6gre: {local: '2001:db8:5::1'}, " + up},
		{"ipip", "", "type: ipip, ipip: {local: 192.0.2.1}, " + up},
		{"vti", "", "type: vti, vti: {local: 192.0.2.1}, " + up},
		{"xfrm", "", "type: xfrm, xfrm: {if-id: 5}, " + up},
		{"wireguard", "", "type: wireguard, wireguard: {listen-port: 5000}, " + up},
		{"tun", "", "type: tun, tun: {mode: tun}, " + up},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			undone(t, tt.there, tt.block)
		})
	}
}

// TestUndoFirstEnd undoes what gives tunnels an end, a key or an interface below
// that they did not have: without being named, it stayed.
func TestUndoFirstEnd(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"gretap", "gre", "ipip", "vti", "sit"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			undone(t, "ip link add x0 type "+kind+" local 192.0.2.1", "type: "+kind+", "+kind+": {remote: 192.0.2.2, base-iface: low0}")
		})
	}
	for _, kind := range []string{"ip6gre", "ip6gretap", "ip6tnl", "vti6"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			undone(t, "ip link add x0 type "+kind+" local 2001:db8:5::1", "type: "+kind+", "+kind+": {remote: '2001:db8:5::2', base-iface: low0}")
		})
	}
	t.Run("keys", func(t *testing.T) {
		t.Parallel()
		undone(t, "ip link add x0 type gretap remote 192.0.2.2", "type: gretap, gretap: {local: 192.0.2.1, input-key: 5, output-key: 6}")
	})
}

// undone does what a block says of x0, and takes it back: all is as before.
func undone(t *testing.T, there, block string) {
	ns := newNamespace(t)
	ns.runAll([]string{"ip link add low0 type veth peer name low1"})
	ns.runAll(strings.Split(localIPv4, ";"))
	if there != "" {
		ns.runKnown(strings.Split(there, ";"))
	}
	before := ns.settled()
	change := ns.apply("interfaces: [{name: x0, " + block + "}]")
	ns.facts()
	ns.undo(change)
	ns.same("undone", before)
}

// TestUndoOwnAddresses undoes what takes the addresses of a tunnel without a
// remote, which the kernel makes by itself, of the local addresses, when it comes up.
func TestUndoOwnAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, there, block string }{
		{"sit removed", "ip link add x0 type sit local 192.0.2.1;ip link set x0 up", "[{name: x0, state: absent}]"},
		{"sit of any address removed", "ip link add x0 type sit ttl 64;ip link set x0 up", "[{name: x0, state: absent}]"},
		{"sit with addresses removed", "ip link add x0 type sit local 192.0.2.1;ip link set x0 up;ip -6 addr add 2001:db8::1/64 dev x0;ip -6 route add 2001:db8:9::/48 via ::192.0.2.9 dev x0", "[{name: x0, state: absent}]"},
		{"sit taken down", "ip link add x0 type sit local 192.0.2.1;ip link set x0 up", "[{name: x0, state: down}]"},
		{"sit to a remote removed", "ip link add x0 type sit local 192.0.2.1 remote 192.0.2.2;ip link set x0 up", "[{name: x0, state: absent}]"},
		{"isatap removed", "ip link add x0 type sit local 192.0.2.1 isatap;ip link set x0 up", "[{name: x0, state: absent}]"},
		{"gre removed", "ip link add x0 type gre local 192.0.2.1;ip link set x0 up", "[{name: x0, state: absent}]"},
		{"gre of any address removed", "ip link add x0 type gre ttl 64;ip link set x0 up", "[{name: x0, state: absent}]"},
		{"gre to a remote removed", "ip link add x0 type gre remote 192.0.2.2;ip link set x0 up", "[{name: x0, state: absent}]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			ns.runAll([]string{"ip link add low0 type veth peer name low1"})
			ns.runKnown(strings.Split(localIPv4+";"+tt.there, ";"))
			before := ns.settled()
			change := ns.apply("interfaces: " + tt.block)
			ns.undo(change)
			ns.same("undone", before)
		})
	}
}
