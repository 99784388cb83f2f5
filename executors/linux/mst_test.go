//go:build linux

package linux

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTreesInBridgeWords reads with bridge(8) what states VLANs of ports have by
// the spanning trees that stet puts them into. bridge(8) of iproute2 6.1 has no
// words for the trees themselves: that a VLAN has the state of its tree, and of
// no other, is what it can show of them.
func TestTreesInBridgeWords(t *testing.T) {
	if !inMachine() {
		t.Skip("VLANs of bridges and their trees are for sure in the kernel of make test-vm only")
	}
	ns := newNamespace(t)
	for _, n := range []string{"1", "2"} {
		ns.runAll([]string{"ip link add p" + n + " type veth peer name q" + n, "ip link set q" + n + " up", "ip link set p" + n + " up"})
	}
	for _, c := range []struct {
		block string
		want  map[string]string // of p2 where the block tells of it, else of p1
	}{
		{"interfaces: [{name: br0, type: linux-bridge, bridge: {options: {mst-enabled: true}, port: [{name: p1, vlan: {tags: [10-30]}}]}}]",
			map[string]string{"10-30": "forwarding"}},
		{"interfaces: [{name: br0, bridge: {vlan-global: [10-19 msti 1, 25 msti 7]}}]",
			map[string]string{"10-19": "disabled", "20-24": "forwarding", "25": "disabled", "26-30": "forwarding"}},
		{"interfaces: [{name: p1, bridge-port: {mst: [1 state blocking, 7 state learning]}}]",
			map[string]string{"10-19": "blocking", "20-24": "forwarding", "25": "learning", "26-30": "forwarding"}},
		{"interfaces: [{name: br0, bridge: {vlan-global: [10-19 msti 1, 20 msti 7]}}]",
			map[string]string{"10-19": "blocking", "20": "learning", "21-30": "forwarding"}},
		{"interfaces: [{name: br0, bridge: {vlan-global: []}}]",
			map[string]string{"10-30": "forwarding"}},
		{"interfaces: [{name: br0, bridge: {vlan-global: [10 msti 1]}}]",
			map[string]string{"10": "disabled", "11-30": "forwarding"}},
		// The bridge forgets the tree of a VLAN that its last port leaves.
		{"interfaces: [{name: p1, bridge-port: {vlan: {tags: [11-30]}}}, {name: p2, controller: br0, bridge-port: {vlan: {tags: [10]}}}]",
			map[string]string{"10": "disabled"}},
	} {
		ns.apply(c.block)
		port := "p1"
		if strings.Contains(c.block, "p2") {
			port = "p2"
		}
		var shown []struct {
			VLANs []struct {
				VLAN, VLANEnd int
				State         string
			}
		}
		if err := json.Unmarshal([]byte(ns.run("bridge", "-d", "-j", "vlan", "show", "dev", port)), &shown); err != nil || len(shown) != 1 {
			t.Fatalf("%v: %v", err, shown)
		}
		got := map[string]string{}
		for _, v := range shown[0].VLANs {
			name := fmt.Sprint(v.VLAN)
			if v.VLANEnd != 0 {
				name += fmt.Sprint("-", v.VLANEnd)
			}
			got[name] = v.State
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.block, diff)
		}
	}
}
