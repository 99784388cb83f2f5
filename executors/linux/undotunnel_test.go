//go:build linux

package linux

import (
	"strings"
	"testing"
)

// localIPv4 gives the host addresses for the tunnels of these tests.
const localIPv4 = "ip addr add 192.0.2.1/24 dev low0;ip addr add 198.51.100.1/24 dev low0;ip link set low0 up;ip link set low1 up;ip link set lo up"

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
