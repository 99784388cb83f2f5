//go:build linux

package linux

import (
	"slices"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// farPairs are the pairs beside veth whose far ends are put into another
// namespace, with what is on them there.
var farPairs = []struct {
	kind   string
	block  string // THERE is the other namespace
	oracle string // ip-link(8)'s command for the same; "" where Debian 12's knows none
	on     []string
	gone   []string // what the plan says goes with the far end
}{
	{"netkit", `interfaces: [{name: v0, type: netkit, state: up, netkit: {peer: v1, peer-target: THERE, mode: l2, policy: blackhole, peer-policy: forward},
  mac-address: "02:00:00:00:00:41", ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}]}}]`, "",
		[]string{"ip link set v1 down", "ip link set v1 address 02:00:00:00:00:42 mtu 1400 txqueuelen 77 alias tenant up", "ip addr add 192.0.2.2/24 dev v1", "ip addr add 2001:db8::2/64 dev v1 nodad",
			"ip route add default via 192.0.2.1 metric 7", "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v1", "sysctl -qw net.ipv4.conf.v1.rp_filter=2"},
		[]string{"- address 192.0.2.2/24 dev v1 netns THERE (by itself)", "- route 0.0.0.0/0 via 192.0.2.1 dev v1 metric 7 proto boot netns THERE (by itself)"}},
	{"vxcan", `interfaces: [{name: v0, type: vxcan, state: up, vxcan: {peer: v1, peer-target: THERE}}]`, "ip link add name v0 type vxcan peer name v1 netns THERE",
		[]string{"ip link set v1 down", "ip link set v1 mtu 16 txqueuelen 77 alias tenant", "ip link set v1 up"}, nil},
}

// TestFarPairs makes pairs whose far ends are in another namespace, takes them
// away, makes them anew, and undoes all of it: in both namespaces all is as it
// was, as iproute2 shows it.
func TestFarPairs(t *testing.T) {
	t.Parallel()
	for _, c := range farPairs {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			reason, err := kindLacks(t.Context(), netstate.KindByName(c.kind))
			if err != nil {
				t.Fatal(err)
			}
			if reason != "" {
				t.Skip(reason)
			}
			here, there := withNamed(t), newNamespace(t)
			named := func(text string) string { return strings.ReplaceAll(text, "THERE", there.name) }
			empty := here.settled()
			creation := here.apply(named(c.block))
			if c.oracle != "" {
				oracleHere, oracleThere := newNamespace(t), newNamespace(t)
				oracleHere.runAll([]string{strings.ReplaceAll(c.oracle, "THERE", oracleThere.name), "ip link set v0 up"})
				oracleThere.run("ip", "link", "set", "v1", "up")
				here.same("made, against iproute2", func() []string { return oracleHere.snapshot(chosen...) }, chosen...)
				there.same("made in the other namespace, against iproute2", func() []string { return oracleThere.snapshot(chosen...) }, chosen...)
			}
			here.facts()
			there.runAll(c.on)
			if c.kind == "netkit" {
				there.looks = []string{"sysctl net.ipv4.conf.v1.rp_filter"}
			}
			before, far := here.settled(), there.settled()

			removal := here.apply("interfaces: [{name: v0, state: absent}]")
			if _, err := there.try("ip", "link", "show", "v1"); err == nil {
				t.Fatal("the far end is there still")
			}
			text := strings.Split(netstate.Text(removal), "\n")
			for _, want := range append(c.gone, "- link v1 netns THERE "+c.kind+" (by itself)") {
				if !slices.Contains(text, named(want)) {
					t.Errorf("the plan lacks %q:\n%s", named(want), netstate.Text(removal))
				}
			}
			here.undo(removal)
			here.same("undone", before)
			there.same("undone, in the other namespace", far)

			here.madeAnew(there)

			here.undo(creation)
			here.same("creation undone", empty)
			if _, err := there.try("ip", "link", "show", "v1"); err == nil {
				t.Error("the far end is there still, after undoing that it was made")
			}
		})
	}
}
