package executortest

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// wanted is a bridge with a port and an address, and a route over it.
func wanted() *netstate.Config {
	addresses := []netstate.Address{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}}
	on := true
	return &netstate.Config{
		Interfaces: []netstate.InterfaceConfig{
			{Name: "xt0", Type: "veth", State: "up", Attrs: netstate.Attrs{"veth.peer": "xt1"}},
			{Name: "xt1", Type: "veth", State: "up"},
			{Name: "xbr0", Type: "linux-bridge", State: "up", Attrs: netstate.Attrs{"mtu": "1400"}, Ports: &[]string{"xt0"},
				IPv4: &netstate.IPConfig{Enabled: &on, Addresses: &addresses}},
		},
		Routes: []netstate.RouteConfig{{
			Route: netstate.Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Table: 254, Metric: 77, Protocol: 4,
				NextHops: []netstate.NextHop{{Device: "xbr0", Via: netip.MustParseAddr("192.0.2.9")}}},
			Has: map[string]bool{"destination": true, "metric": true, "next-hop-interface": true, "next-hop-address": true},
		}},
	}
}

// change is what c would change now.
func change(t *testing.T, s executors.Session, c *netstate.Config) *netstate.Change {
	t.Helper()
	state := observe(t, s)
	next, _, problems := netstate.Simulate(state, c)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	return netstate.Diff(state, next)
}

// dump is what iproute2 says, run on the target.
func dump(t *testing.T, s executors.Session) string {
	t.Helper()
	return text(t, s, "ip -d link; ip addr; ip route show table all; ip -6 route show table all; ip rule")
}

func (s suite) observe(t *testing.T) {
	lo := find(observe(t, s.session(t)), "lo")
	if lo == nil || lo.Type != "loopback" || lo.Attrs["mtu"] != "65536" {
		t.Errorf("%+v", lo)
	}
}

func (s suite) apply(t *testing.T) {
	session := s.session(t)
	before := dump(t, session)
	c := change(t, session, wanted())
	if c.Empty() {
		t.Fatal("nothing to change")
	}
	result, err := session.Apply(bounded(t), c)
	if err != nil || !result.OK() {
		t.Fatalf("%+v %v", result, err)
	}
	if again := change(t, session, wanted()); !again.Empty() {
		t.Errorf("applying again would change:\n%s", netstate.Text(again))
	}
	if got := text(t, session, "ip -br link show master xbr0; ip route show 198.51.100.0/24"); !strings.Contains(got, "xt0") || !strings.Contains(got, "metric 77") {
		t.Errorf("iproute2 does not see it:\n%s", got)
	}
	for range 2 { // undoing twice is undoing once
		if result, err = session.Undo(bounded(t), c); err != nil || !result.OK() || len(result.Remains) > 0 {
			t.Fatalf("%+v %v", result, err)
		}
	}
	if after := dump(t, session); after != before {
		t.Errorf("it is not as it was before:\n%s\nbut:\n%s", before, after)
	}
}

// applyFails: what the kernel refuses in the middle leaves nothing behind.
func (s suite) applyFails(t *testing.T) {
	session := s.session(t)
	before := dump(t, session)
	c := change(t, session, wanted())
	bad := netstate.Route{Destination: netip.MustParsePrefix("203.0.113.0/24"), Table: 254, Protocol: 4,
		NextHops: []netstate.NextHop{{Device: "xbr0", Via: netip.MustParseAddr("10.255.255.1")}}}
	c.Edits = append(c.Edits, netstate.Edit{Op: netstate.Add, After: netstate.Object{Route: &bad}})
	result, err := session.Apply(bounded(t), c)
	if err == nil && (result == nil || result.OK()) {
		t.Fatalf("the kernel took a route through a gateway that it cannot reach: %+v", result)
	}
	if result == nil || result.Failed == nil || !strings.Contains(result.Failed.Message, "invalid gateway") || result.Failed.Errno == 0 {
		t.Errorf("the kernel's message is missing: %+v %v", result, err)
	}
	if result != nil && !result.Undone {
		t.Errorf("not undone: %+v", result)
	}
	if after := dump(t, session); after != before {
		t.Errorf("it is not as it was before:\n%s\nbut:\n%s", before, after)
	}
}

// applyStale: what somebody else changed since the plan is not overwritten.
func (s suite) applyStale(t *testing.T) {
	session := s.session(t)
	text(t, session, "ip link add xother type bridge")
	defer text(t, session, "ip link delete xother")
	up := &netstate.Config{Interfaces: []netstate.InterfaceConfig{{Name: "xother", State: "up", Attrs: netstate.Attrs{"mtu": "1400"}}}}
	c := change(t, session, up)
	text(t, session, "ip link set xother mtu 1300")
	result, err := session.Apply(bounded(t), c)
	if code(err) != "changed" || !strings.Contains(err.Error(), "xother") {
		t.Errorf("want code changed, got %+v %v", result, err)
	}
	if got := text(t, session, "ip link show xother"); !strings.Contains(got, "mtu 1300") {
		t.Errorf("it was overwritten:\n%s", got)
	}
}

func (s suite) probe(t *testing.T) {
	session := s.session(t)
	text(t, session, "ip link set lo up")
	ask := func(p executors.Probe) *executors.ProbeReply {
		t.Helper()
		r, err := session.Probe(bounded(t), p)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := ask(executors.Probe{Ping: &executors.Ping{Host: "127.0.0.1", Count: 2, Interval: time.Millisecond}}); !r.OK || r.Values["loss"] != 0.0 {
		t.Errorf("ping: %+v", r)
	}
	if r := ask(executors.Probe{TCP: &executors.TCP{Address: "127.0.0.1:1"}}); r.OK || r.Error == "" {
		t.Errorf("tcp: %+v", r)
	}
	if r := ask(executors.Probe{RouteTo: &executors.RouteTo{Destination: "127.0.0.1"}}); !r.OK || r.Values["dev"] != "lo" {
		t.Errorf("route: %+v", r)
	}
	if r := ask(executors.Probe{RouteTo: &executors.RouteTo{Destination: "203.0.113.77"}}); r.OK {
		t.Errorf("a route out of an empty namespace: %+v", r)
	}
	if r := ask(executors.Probe{File: &executors.File{Path: "/proc/self/status", Read: 100}}); !r.OK || !strings.Contains(r.Values["content"].(string), "Name:") {
		t.Errorf("file: %+v", r)
	}
	if _, err := session.Probe(bounded(t), executors.Probe{}); err == nil {
		t.Error("no probe at all was accepted")
	}
}
