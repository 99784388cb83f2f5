//go:build linux

package linux

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTreesInBridgeWords reads with bridge(8) what states VLANs of ports have by
// the spanning trees that stet puts them into. bridge(8) of iproute2 6.1 has no
// words for the trees themselves: that a VLAN has the state of its tree, and of
// no other, is what it can show of them.
func TestTreesInBridgeWords(t *testing.T) {
	if !inMachine() {
		t.Skip("other kernels may lack VLANs of bridges, or their trees")
	}
	ns := newNamespace(t)
	ns.runAll([]string{"ip link add p1 type veth peer name q1", "ip link set q1 up", "ip link set p1 up"})
	for _, c := range []struct {
		block string
		want  map[string]string
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
	} {
		ns.apply(c.block)
		var shown []struct {
			VLANs []struct {
				VLAN, VLANEnd int
				State         string
			}
		}
		if err := json.Unmarshal([]byte(ns.run("bridge", "-d", "-j", "vlan", "show", "dev", "p1")), &shown); err != nil || len(shown) != 1 {
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
