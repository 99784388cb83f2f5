package netstate

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func ip(s string) netip.Addr    { return netip.MustParseAddr(s) }

func addrs(list ...string) *[]Address {
	out := []Address{}
	for _, s := range list {
		out = append(out, Address{Prefix: pfx(s)})
	}
	return &out
}

// host is a machine with an uplink, a route over it and a spare card.
func host() *State {
	s := &State{
		Interfaces: []Interface{
			{Name: "lo", Type: "loopback", Attrs: Attrs{"state": "up", "mtu": "65536"}, Addresses: []Address{{Prefix: pfx("127.0.0.1/8"), Scope: "host"}}},
			{Name: "eth0", Type: "ethernet", Attrs: Attrs{"state": "up", "mtu": "1500", "controller": "", "mac-address": "02:00:00:00:00:01"},
				Addresses: []Address{{Prefix: pfx("192.0.2.10/24")}, {Prefix: pfx("192.0.2.11/24"), Status: []string{"secondary"}}, {Prefix: pfx("2001:db8::10/64")}, {Prefix: pfx("fe80::1/64"), Kernel: true}}},
			{Name: "eth1", Type: "ethernet", Attrs: Attrs{"state": "up", "mtu": "1500", "controller": "", "mac-address": "02:00:00:00:00:02"}},
		},
		Routes: []Route{
			{Destination: pfx("0.0.0.0/0"), Table: 254, Protocol: 3, NextHops: []NextHop{{Device: "eth0", Via: ip("192.0.2.1")}}},
			{Destination: pfx("192.0.2.0/24"), Table: 254, Protocol: 2, Scope: 253, NextHops: []NextHop{{Device: "eth0"}}},
			{Destination: pfx("198.51.100.0/24"), Table: 254, Protocol: 4, Source: ip("192.0.2.11"), NextHops: []NextHop{{Device: "eth0", Via: ip("192.0.2.1")}}},
			{Destination: pfx("2001:db8:f::/48"), Table: 254, Metric: 1024, Protocol: 4, NextHops: []NextHop{{Device: "eth0", Via: ip("2001:db8::1")}}},
		},
		Neighbors: []Neighbor{{Device: "eth0", IP: ip("192.0.2.1"), MAC: "02:00:00:00:00:fe", State: "permanent"}},
		Sysctls:   map[string]string{"net.ipv4.ip_forward": "0", "net.ipv4.conf.eth0.forwarding": "1"},
	}
	s.Sort()
	return s
}

// plan simulates without faults and returns the change.
func plan(t *testing.T, s *State, c *Config) (*State, *Change) {
	t.Helper()
	before := inFull(t, s)
	to, _, problems := Simulate(s, c)
	if len(problems) > 0 {
		t.Fatalf("problems: %+v", problems)
	}
	change := Diff(s, to)
	if diff := cmp.Diff(before, inFull(t, s)); diff != "" {
		t.Errorf("the state that is planned from was changed (-before +after):\n%s", diff)
	}
	return to, change
}

// inFull is all of a state, with the order of its lists.
func inFull(t *testing.T, s *State) string {
	t.Helper()
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// roundTrip checks what holds for every change: the edits lead to the state,
// the state verifies, undoing leads back, and the same again is no change.
func roundTrip(t *testing.T, s *State, c *Config) *Change {
	t.Helper()
	to, change := plan(t, s, c)
	reached := Predict(s, change)
	if d := Diff(reached, to); !d.Empty() {
		t.Errorf("after the edits this is missing:\n%s", Text(d))
	}
	if found := Verify(change, reached); len(found) > 0 {
		t.Errorf("verify: %+v\n%s", found, Text(change))
	}
	_, again := plan(t, reached, c)
	if !again.Empty() {
		t.Errorf("the same again changes:\n%s\nfirst:\n%s", Text(again), Text(change))
	}
	back := Predict(reached, Undo(change, reached))
	if d := Diff(back, s); !d.Empty() {
		t.Errorf("undone, this differs:\n%s\nchange:\n%s\nundo:\n%s", Text(d), Text(change), Text(Undo(change, reached)))
	}
	if found := VerifyUndone(change, back); len(found) > 0 {
		t.Errorf("verify undone: %+v", found)
	}
	return change
}

func TestMoveUplinkToBridge(t *testing.T) {
	c := &Config{
		Interfaces: []InterfaceConfig{
			{Name: "br0", Type: "linux-bridge", Ports: &[]string{"eth0"}, IPv4: &IPConfig{Addresses: addrs("192.0.2.10/24")}},
			{Name: "eth0", IPv4: &IPConfig{Addresses: addrs()}, IPv6: &IPConfig{Addresses: addrs()}},
		},
		Routes: []RouteConfig{{Route: Route{Destination: pfx("0.0.0.0/0"), NextHops: []NextHop{{Device: "br0", Via: ip("192.0.2.1")}}}}},
	}
	got := Text(roundTrip(t, host(), c))
	want := `+ link br0 linux-bridge up
! link eth0 controller none → br0
+ address 192.0.2.10/24 dev br0
! route 0.0.0.0/0 via 192.0.2.1 dev eth0 proto boot → via 192.0.2.1 dev br0
- address 192.0.2.11/24 dev eth0
- address 192.0.2.10/24 dev eth0
- address 2001:db8::10/64 dev eth0
- neighbor 192.0.2.1 dev eth0 lladdr 02:00:00:00:00:fe permanent (by itself)
- route 198.51.100.0/24 via 192.0.2.1 dev eth0 src 192.0.2.11 (by itself)
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLinkDownTakesRoutesAlong(t *testing.T) {
	c := &Config{Interfaces: []InterfaceConfig{{Name: "eth0", State: "down"}}}
	change := roundTrip(t, host(), c)
	text := Text(change)
	for _, want := range []string{
		"! link eth0 state up → down\n",
		"- route 0.0.0.0/0 via 192.0.2.1 dev eth0 proto boot (by itself)\n",
		"- address 2001:db8::10/64 dev eth0 (by itself)\n",
		"- neighbor 192.0.2.1 dev eth0 lladdr 02:00:00:00:00:fe permanent (by itself)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "address 192.0.2.10/24") || strings.Contains(text, "fe80") || strings.Contains(text, "proto kernel") {
		t.Errorf("too much in\n%s", text)
	}
}
