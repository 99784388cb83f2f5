package netstate

import (
	"slices"
	"testing"
)

// TestVLANTunnelsInBridgeWords joins what follows each other, in VLANs and in
// identifiers.
func TestVLANTunnelsInBridgeWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"20-29 id 1020-1029, 10 id 1000": "10 id 1000,20-29 id 1020-1029",
		"11 id 1001,10 id 1000,12-13 id 1002-1003": "10-13 id 1000-1003",
		"10 id 1000,11 id 1002":                    "10 id 1000,11 id 1002",
		"10 id 4294967295,11 id 0":                 "10 id 4294967295,11 id 0",
	} {
		if got, err := canonicalVLANTunnels(text); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestVLANTunnelsChange wants commands of bridge(8) that remove what a VLAN, or an
// identifier, had before it gets another one.
func TestVLANTunnelsChange(t *testing.T) {
	d := Difference{Key: tunnelInfos, Before: "10 id 1000,20-24 id 1020-1024", After: "10 id 1020,21-22 id 1021-1022,23 id 1000"}
	want := []string{
		"bridge vlan del dev vx0 vid 10 tunnel_info id 1000",
		"bridge vlan del dev vx0 vid 20 tunnel_info id 1020",
		"bridge vlan del dev vx0 vid 23-24 tunnel_info id 1023-1024",
		"bridge vlan add dev vx0 vid 10 tunnel_info id 1020",
		"bridge vlan add dev vx0 vid 23 tunnel_info id 1000",
	}
	if got := vlanTunnelCommands(&Interface{Name: "vx0"}, d); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	d.After = "10 id 1000"
	for _, attrs := range []Attrs{{vlanTunnel: "true", portVLANs: "10"}, {vlanTunnel: "false", portVLANs: "10,20-24"}} {
		if got := vlanTunnelCommands(&Interface{Name: "vx0", Attrs: attrs}, d); len(got) > 0 {
			t.Errorf("what is gone with %v is removed: %q", attrs, got)
		}
	}
}

// TestVLANTunnelsGoWithTheirVLANs wants the mappings that the kernel removes by
// itself to be removed in the plan, too: with their VLANs, and all with the switch.
func TestVLANTunnelsGoWithTheirVLANs(t *testing.T) {
	from := &State{Lacks: map[string]string{filtering: ""}, Interfaces: []Interface{
		{Name: "br0", Type: "linux-bridge", Attrs: Attrs{filtering: "true", defaultVID: "1"}},
		{Name: "vx0", Type: "vxlan", Attrs: Attrs{"controller": "br0", portVLANs: "10,20-29", vlanTunnel: "true", tunnelInfos: "10 id 1000,20-29 id 1020-1029"}},
	}}
	for _, c := range []struct {
		attrs Attrs
		want  string
	}{
		{Attrs{portVLANs: "10,22-23"}, "10 id 1000,22-23 id 1022-1023"},
		{Attrs{vlanTunnel: "false"}, ""},
		{Attrs{"mtu": "1400"}, "10 id 1000,20-29 id 1020-1029"},
	} {
		to, _, problems := Simulate(from, &Config{Interfaces: []InterfaceConfig{{Name: "vx0", Attrs: c.attrs}}})
		if got := to.Interface("vx0").Attrs[tunnelInfos]; len(problems) > 0 || got != c.want {
			t.Errorf("%v leaves %q, %+v, want %q", c.attrs, got, problems, c.want)
		}
	}
}
