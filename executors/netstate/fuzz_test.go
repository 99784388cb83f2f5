package netstate

import (
	"encoding/json"
	"testing"
)

// FuzzChange reads any change, as a journal or a guard's file may hold it, and
// does with it all that needs no kernel.
func FuzzChange(f *testing.F) {
	for _, c := range []*Config{
		{Interfaces: []InterfaceConfig{{Name: "eth0", State: "down"}}},
		{Interfaces: []InterfaceConfig{{Name: "eth0", IPv4: &IPConfig{Addresses: addrs("192.0.2.11/24", "192.0.2.12/24")}, IPv6: &IPConfig{Addresses: addrs()}}}},
		{Interfaces: []InterfaceConfig{{Name: "br0", Type: "linux-bridge", Ports: &[]string{"eth1"}, Attrs: Attrs{"mtu": "1400"}}, {Name: "eth1", State: "up"}}},
		{Interfaces: []InterfaceConfig{{Name: "v0", Type: "veth", Attrs: Attrs{"veth.peer": "v1"}}, {Name: "vx0", Type: "vxlan", Attrs: Attrs{"vxlan.id": "5"}}}},
		{Routes: []RouteConfig{{Route: Route{Destination: pfx("10.0.0.0/8"), NextHops: []NextHop{{Device: "eth0", Via: ip("192.0.2.1")}}}}}},
		{Sysctls: []SysctlConfig{{Key: "net.ipv4.ip_forward", Value: "1"}}, Neighbors: []NeighborConfig{{Absent: true, Neighbor: Neighbor{Device: "eth0", IP: ip("192.0.2.1")}}}},
	} {
		s := host()
		to, _, _ := Simulate(s, c)
		b, err := json.Marshal(Diff(s, to))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, text := range []string{
		`{}`, `{"edits":[{}]}`, `{"edits":[{"op":"change","before":{"link":{"name":"eth0"}}}]}`, `{"edits":[{"op":"change","after":{"link":{"name":"eth0","attrs":{"x":"y"}}}}]}`,
		`{"edits":[{"op":"delete","after":{"route":{}}}]}`, `{"edits":[{"op":"add","before":{"sysctl":{}}},{"op":"change","after":{"address":{}}}]}`,
		`{"edits":[{"op":"change","before":{"link":{"name":"eth0"}},"after":{"route":{}}}]}`, `{"edits":[{"op":"change","before":{"rule":{}},"after":{"sysctl":{"key":"net.ipv4"}}}]}`,
		`{"edits":[{"op":"change","before":{"link":{"name":"eth1","attrs":{"later":"0"}}},"after":{"link":{"name":"eth1","attrs":{"later":"1"}}}}]}`,
		`{"edits":[{"op":"add","after":{"link":{"attrs":{"netkit.mode":"l2"}}}}]}`, `{"edits":[{"op":"add","after":{"link":{"type":"ipvlater"}}}]}`,
		`{"edits":[{"op":"add","after":{"xfrm":{"attrs":{"src":"x"}}}}]}`,
		`{"edits":[{"op":"change","before":{"xfrm":{"sort":"state","attrs":{"later":"1"}}},"after":{"xfrm":{"sort":"state","attrs":{"later":"2"}}}}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Change
		if json.Unmarshal(b, &c) != nil || c.Check() != nil {
			return
		}
		s := host()
		before, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		Text(&c)
		IP(&c)
		c.Query()
		for i := range c.Edits {
			_ = c.Edits[i].String()
		}
		Verify(&c, s)
		VerifyUndone(&c, s)
		Undo(&c, Predict(s, &c))
		Text(Undo(&c, s))
		if after, _ := json.Marshal(s); string(after) != string(before) {
			t.Error("the state was changed")
		}
	})
}
