package plan

import (
	"strings"
	"testing"

	"stet/executors/netstate"
)

// TestForeignMACs gives cards the addresses of others, as facts that are pasted
// into another host's document do.
func TestForeignMACs(t *testing.T) {
	card := func(mac string) netstate.Interface {
		return netstate.Interface{Name: "card", Type: "ethernet", Index: 3,
			Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "controller": "", "mac-address": mac}, Status: netstate.Attrs{permanentMAC: mac}}
	}
	const assignedTo, virtual = "00:16:3e:00:00:02", "52:54:00:00:00:02"
	for _, c := range []struct{ name, on, iface, far, want string }{
		{"of another target", "r1", "name: card, mac-address: '" + virtual + "'", virtual, "gives card the hardware address " + virtual + ", which is that of card on r2"},
		{"of a card elsewhere", "r1", "name: card, mac-address: '00:16:3e:00:00:09'", virtual, "which is that of another card: it is not locally administered"},
		{"its own", "r2", "name: card, mac-address: '" + assignedTo + "', mtu: 1400", assignedTo, ""},
		{"a made-up one", "r1", "name: card, mac-address: '02:00:00:00:00:99'", virtual, ""},
		{"of VRRP", "r1", "name: card, mac-address: '00:00:5e:00:01:07'", virtual, ""},
		{"of no card", "r1", "name: eth0, mac-address: '00:16:3e:00:00:09'", virtual, ""},
		{"of what is made", "r1", "name: br0, type: linux-bridge, mac-address: '00:16:3e:00:00:09'", virtual, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ob := map[string]*observer{"r1": {m: machine(card("52:54:00:00:00:01"))}, "r2": {m: machine(card(c.far))}}
			// The other target is planned, too.
			src := front + block("a", "on="+c.on+" ", "interfaces: [{"+c.iface+"}]\n") + block("b", "on=r2 ", "interfaces: [{name: eth0, mtu: 1300}]\n")
			_, ds, err := build(t, src, Options{}, ob)
			if err != nil || ds.Faults() {
				t.Fatalf("%v %v", err, ds)
			}
			var said string
			for _, d := range ds {
				if d.Code == "foreign-mac" {
					said += d.Summary
				}
			}
			if (said == "") != (c.want == "") || !strings.Contains(said, c.want) {
				t.Errorf("%q is said, want %q", said, c.want)
			}
		})
	}
}
