package fake_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"stet/executors"
	"stet/executors/fake"
	"stet/executors/netstate"
)

func TestMachine(t *testing.T) {
	m := fake.New(&netstate.State{
		Interfaces: []netstate.Interface{{Name: "eth0", Type: "ethernet"}, {Name: "far0", Netns: "other"}},
		Sysctls:    map[string]string{"net.ipv4.ip_forward": "0", "net.ipv4.conf.eth0.forwarding": "0", "net.ipv6.conf.eth0.forwarding": "0"},
	})
	ctx := context.Background()
	s, err := m.Observe(ctx, netstate.Query{Links: true, Sysctls: []string{"net.ipv4.conf.*.forwarding"}})
	if err != nil || len(s.Interfaces) != 1 || len(s.Sysctls) != 1 || s.Routes != nil {
		t.Errorf("observed %+v, %v", s, err)
	}
	route := netstate.Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Table: 254, NextHops: []netstate.NextHop{{Device: "eth0", Via: netip.MustParseAddr("192.0.2.1")}}}
	add := netstate.Edit{Op: netstate.Add, After: netstate.Object{Route: &route}}
	if _, err := m.Edit(ctx, []netstate.Edit{add}); err != nil {
		t.Fatal(err)
	}
	want := netstate.IP(&netstate.Change{Edits: []netstate.Edit{add}})
	if lines := m.Lines(); len(lines) == 0 || !slices.Equal(lines, want) {
		t.Errorf("the lines are %q, want %q", lines, want)
	}
	var refused *executors.EditError
	if done, err := m.Edit(ctx, []netstate.Edit{add}); !errors.As(err, &refused) || done != 0 || refused.Errno != int(syscall.EEXIST) {
		t.Errorf("adding it again: %d, %v", done, err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := m.Edit(cancelled, []netstate.Edit{add}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
