package netstate

import (
	"slices"
	"testing"
)

// TestRangesInBridgeWords joins neighbours, and leaves defaults out.
func TestRangesInBridgeWords(t *testing.T) {
	a := AttrByKey(vlanGlobal)
	for text, want := range map[string]string{
		"":                                    "",
		"20 msti 2, 10-19 msti 1, 21 msti 2":  "10-19 msti 1,20-21 msti 2",
		"10-19 msti 1,20-29 msti 0,30 msti 1": "10-19 msti 1,30 msti 1",
	} {
		if got, err := a.Canonical(text); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"10", "10 msti", "10 msti 1 msti", "x msti 1", "20-10 msti 1"} {
		if got, err := a.Canonical(text); err == nil {
			t.Errorf("%s is taken for %s", text, got)
		}
	}
	// The kernel keeps times in jiffies: its own default comes back as 3124.
	if got, err := a.Canonical("10-19 mcast_startup_query_interval 3124,20 mcast_startup_query_interval 3123"); err != nil || got != "20 mcast_startup_query_interval 3123" {
		t.Errorf("%q, %v", got, err)
	}
	if x := "10 mcast_query_interval 333"; !a.equal(x, "10 mcast_query_interval 332") || !a.equal(x, "10 msti 0 mcast_query_interval 333") || a.equal(x, "11 mcast_query_interval 333") || a.equal(x, "10 mcast_query_interval 335") {
		t.Error("times are not compared as the bridge's are")
	}
	if got, err := AttrByKey(portMST).Canonical("2 state 4,1 state disabled"); err != nil || got != "2 state blocking" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestTreesChange wants the commands of bridge(8) of iproute2 6.10 and later.
func TestTreesChange(t *testing.T) {
	i := &Interface{Name: "br0"}
	for _, c := range []struct {
		d    Difference
		want []string
	}{
		{Difference{Key: vlanGlobal, Before: "10-19 msti 1", After: "15-24 msti 2"}, []string{
			"bridge vlan global set dev br0 vid 10-14 msti 0",
			"bridge vlan global set dev br0 vid 15-24 msti 2",
		}},
		{Difference{Key: vlanGlobal, Before: "10 mcast_querier true mcast_query_interval 6000", After: "10-11 msti 1 mcast_snooping false"}, []string{
			"bridge vlan global set dev br0 vid 10 msti 1 mcast_snooping 0 mcast_querier 0 mcast_query_interval 12500",
			"bridge vlan global set dev br0 vid 11 msti 1 mcast_snooping 0",
		}},
		{Difference{Key: portMST, Before: "1 state forwarding,3 state blocking", After: "2-3 state blocking"}, []string{
			"bridge mst set dev br0 msti 1 state disabled",
			"bridge mst set dev br0 msti 2 state blocking",
		}},
	} {
		if got := rangeCommands(i, c.d); !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestTreesSwitchedWithVLANs refuses what the kernel does (br_mst_set_enabled).
func TestTreesSwitchedWithVLANs(t *testing.T) {
	for _, c := range []struct {
		was, vlans, on string
		ports          *[]string
		problems       int
	}{
		{"false", "1 pvid untagged", "true", nil, 1},
		{"true", "1 pvid untagged", "false", nil, 1},
		{"false", "", "true", nil, 0},
		{"false", "1 pvid untagged", "true", &[]string{}, 1}, // it goes after the switch
		{"true", "1 pvid untagged", "false", &[]string{}, 0},
		{"true", "1 pvid untagged", "true", nil, 0},
	} {
		from := &State{Lacks: map[string]string{filtering: ""}, Interfaces: []Interface{
			{Name: "br0", Type: "linux-bridge", Attrs: Attrs{defaultVID: "1", selfVLANs: "1", mstEnabled: c.was}},
			{Name: "p1", Type: "veth", Attrs: Attrs{"controller": "br0", portVLANs: c.vlans}},
		}}
		_, _, problems := Simulate(from, &Config{Interfaces: []InterfaceConfig{{Name: "br0", Attrs: Attrs{mstEnabled: c.on}, Ports: c.ports}}})
		if len(problems) != c.problems {
			t.Errorf("%+v: %+v", c, problems)
		}
	}
}

// TestTreesGoWithVLANs wants what the kernel drops by itself to go in the plan,
// too, and nothing to be said of what it chooses.
func TestTreesGoWithVLANs(t *testing.T) {
	port := func(name, vlans, mst string) Interface {
		return Interface{Name: name, Type: "veth", Attrs: Attrs{"controller": "br0", portVLANs: vlans, portMST: mst}}
	}
	from := &State{Lacks: map[string]string{filtering: ""}, Interfaces: []Interface{
		{Name: "br0", Type: "linux-bridge", Attrs: Attrs{filtering: "true", defaultVID: "1", selfVLANs: "1", mstEnabled: "true", vlanGlobal: "10 msti 1,20 msti 2"}},
		port("p1", "10,20", "1 state forwarding,2 state blocking"), port("p2", "10", "1 state forwarding"),
	}}
	for _, c := range []struct {
		name          string
		config        InterfaceConfig
		global, p1    string
		known, edited bool
	}{
		{"a port leaves a VLAN", InterfaceConfig{Name: "p1", Attrs: Attrs{portVLANs: "10"}}, "10 msti 1", "1 state forwarding", true, true},
		{"a VLAN leaves a tree", InterfaceConfig{Name: "br0", Attrs: Attrs{vlanGlobal: "10 msti 1"}}, "10 msti 1", "1 state forwarding", true, true},
		{"a VLAN comes into a tree", InterfaceConfig{Name: "br0", Attrs: Attrs{vlanGlobal: "10 msti 1,20 msti 3"}}, "10 msti 1,20 msti 3", "", false, true},
		{"something else", InterfaceConfig{Name: "p1", Attrs: Attrs{"mtu": "1400"}}, "10 msti 1,20 msti 2", "1 state forwarding,2 state blocking", true, true},
		{"the same", InterfaceConfig{Name: "p1", Attrs: Attrs{portMST: "1 state forwarding,2 state blocking"}}, "10 msti 1,20 msti 2", "1 state forwarding,2 state blocking", true, false},
	} {
		to, _, problems := Simulate(from, &Config{Interfaces: []InterfaceConfig{c.config}})
		mst, known := to.Interface("p1").Attrs[portMST]
		global := to.Interface("br0").Attrs[vlanGlobal]
		if len(problems) > 0 || global != c.global || mst != c.p1 || known != c.known || Diff(from, to).Empty() == c.edited {
			t.Errorf("%s: %q, %q, %+v\n%s", c.name, global, mst, problems, Text(Diff(from, to)))
		}
	}
}

// TestTreesOfVLANsThatBeginAnew wants the options of a VLAN to be set again when
// the last port leaves it before another one comes, and only then.
func TestTreesOfVLANsThatBeginAnew(t *testing.T) {
	port := func(name, vlans string) Interface {
		return Interface{Name: name, Type: "veth", Attrs: Attrs{"controller": "br0", portVLANs: vlans, portMST: ""}}
	}
	for _, c := range []struct {
		p3    string
		again int
	}{{"20", 1}, {"10", 0}} {
		from := &State{Lacks: map[string]string{filtering: ""}, Interfaces: []Interface{
			{Name: "br0", Type: "linux-bridge", Attrs: Attrs{filtering: "true", defaultVID: "1", selfVLANs: "1", mstEnabled: "true", vlanGlobal: "10 msti 1"}},
			port("p1", "10"), port("p2", "20"), port("p3", c.p3),
		}}
		to, _, problems := Simulate(from, &Config{Interfaces: []InterfaceConfig{{Name: "p1", Attrs: Attrs{portVLANs: "20"}}, {Name: "p2", Attrs: Attrs{portVLANs: "10"}}}})
		change, set := Diff(from, to), 0
		for _, line := range IP(change) {
			if line == "bridge vlan global set dev br0 vid 10 msti 1" {
				set++
			}
		}
		if len(problems) > 0 || set != c.again {
			t.Errorf("%+v: %+v\n%s", c, problems, Text(change))
		}
	}
}
