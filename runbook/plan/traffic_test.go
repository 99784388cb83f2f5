package plan

import (
	"testing"

	"stet/executors/netstate"
)

// TestSameTrafficControl takes a change for the same whatever the kernel chose
// for the classes that are changed, and for another one where somebody did.
func TestSameTrafficControl(t *testing.T) {
	control := func(options netstate.Attrs) netstate.Object {
		return netstate.Object{Traffic: &netstate.TrafficControl{Device: "eth0", Entries: []netstate.TCEntry{
			{Object: netstate.TCQdisc, Kind: "htb", Parent: "root", Handle: "1:"},
			{Object: netstate.TCClass, Kind: "htb", Parent: "1:", Handle: "1:10", Options: options},
		}}}
	}
	change := func(before, after netstate.Attrs) *netstate.Change {
		return &netstate.Change{Edits: []netstate.Edit{{Op: netstate.Modify, Before: control(before), After: control(after)}}}
	}
	slow, slower := netstate.Attrs{"rate": "20mbit"}, netstate.Attrs{"rate": "10mbit"}
	planned := change(slow, slower)
	for _, c := range []struct {
		what string
		is   *netstate.Change
		same bool
	}{
		{"a quantum that the kernel chose", change(netstate.Attrs{"rate": "20mbit", "quantum": "200000"}, slower), true},
		{"another rate before", change(netstate.Attrs{"rate": "30mbit"}, slower), false},
		{"another rate after", change(slow, netstate.Attrs{"rate": "11mbit"}), false},
		{"a quantum that is asked for", change(slow, netstate.Attrs{"rate": "10mbit", "quantum": "1500"}), false},
	} {
		if Same(planned, c.is) != c.same {
			t.Errorf("%s: want %v\n%q\n%q", c.what, c.same, Effects(planned), Effects(c.is))
		}
	}
	asked := change(netstate.Attrs{"rate": "20mbit", "quantum": "3000"}, netstate.Attrs{"rate": "10mbit", "quantum": "1500"})
	other := change(netstate.Attrs{"rate": "20mbit", "quantum": "4000"}, netstate.Attrs{"rate": "10mbit", "quantum": "1500"})
	if Same(asked, other) {
		t.Error("a quantum that somebody else gave is not seen")
	}
}
