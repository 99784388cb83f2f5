package apply

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
)

// Rolling back tells what others did since: what they changed, and what they
// made on an interface that goes.
func TestRollbackTellsWhatOthersDid(t *testing.T) {
	b := newBench(t, mtu+bridge+held)
	if _, err := b.run(); err != nil {
		t.Fatal(err)
	}
	m := b.hosts["r1"].m
	eth := *link(m.State(), "eth0")
	other := eth
	other.Attrs = netstate.Attrs{}
	for k, v := range eth.Attrs {
		other.Attrs[k] = v
	}
	other.Attrs["mtu"] = "1450"
	eth.Addresses, other.Addresses = nil, nil
	_, err := m.Edit(context.Background(), []netstate.Edit{
		{Op: netstate.Modify, Before: netstate.Object{Link: &eth}, After: netstate.Object{Link: &other}},
		{Op: netstate.Add, After: netstate.Object{Address: &netstate.InterfaceAddress{
			Device: "br0", Address: netstate.Address{Prefix: netip.MustParsePrefix("10.9.9.1/24")},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	op, err := Rollback(context.Background(), b.doc(), b.o)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(op.Notes, "\n")
	for _, want := range []string{
		`somebody changed link eth0 mtu on r1: it is "1450", it was "1400"`,
		"On r1, br0 has the address 10.9.9.1/24, which the operation did not make",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not in:\n%s", want, notes)
		}
	}
	b.check()
}

// What a later step of the operation changed is nobody else's doing.
func TestOwnStepsAreNotOthers(t *testing.T) {
	again := strings.NewReplacer("name=mtu", "name=again", "${mtu}", "1300").Replace(mtu)
	b := newBench(t, mtu+again)
	if _, err := b.run(); err != nil {
		t.Fatal(err)
	}
	op, err := Rollback(context.Background(), b.doc(), b.o)
	if err != nil || strings.Contains(strings.Join(op.Notes, "\n"), "somebody") {
		t.Errorf("%v %q", err, op.Notes)
	}
	b.check()
}

// TestOthersElsewhere looks at far ends, too: those that the operation made in
// another namespace, and those that it moved there. What another target's steps
// made there is its own.
func TestOthersElsewhere(t *testing.T) {
	pair := func(name, peer, netns string) *netstate.Interface {
		return &netstate.Interface{Name: name, Type: "veth", Netns: netns, Attrs: netstate.Attrs{"veth.peer": peer}}
	}
	address := func(device, text string) *netstate.InterfaceAddress {
		return &netstate.InterfaceAddress{Device: device, Address: netstate.Address{Prefix: netip.MustParsePrefix(text)}}
	}
	g := newGoing(&netstate.Change{Edits: []netstate.Edit{
		{Op: netstate.Add, After: netstate.Object{Link: pair("v0", "v1", "")}},
		{Op: netstate.Add, After: netstate.Object{Link: pair("v1", "v0", "blue")}, Implied: true},
		{Op: netstate.Add, Netns: "blue", After: netstate.Object{Address: address("v1", "192.0.2.1/24")}},
		{Op: netstate.Add, After: netstate.Object{Link: pair("w1", "w0", "")}},
		{Op: netstate.Modify, Before: netstate.Object{Link: pair("w1", "w0", "")}, After: netstate.Object{Link: pair("w1", "w0", "blue")}},
	}})
	route := netstate.Route{Destination: netip.MustParsePrefix("10.1.0.0/16"), Table: 254, Protocol: 4, NextHops: []netstate.NextHop{{Device: "v1"}}}
	own := route
	own.Destination = netip.MustParsePrefix("10.2.0.0/16")
	kernel := route
	kernel.Destination, kernel.Protocol = netip.MustParsePrefix("192.0.2.0/24"), 2
	g.own("blue", &netstate.Change{Edits: []netstate.Edit{
		{Op: netstate.Add, After: netstate.Object{Address: address("w1", "192.0.2.2/24")}}, {Op: netstate.Add, After: netstate.Object{Route: &own}},
	}})
	addresses := func(list ...string) (out []netstate.Address) {
		for _, text := range list {
			out = append(out, netstate.Address{Prefix: netip.MustParsePrefix(text)})
		}
		return out
	}
	got := g.others(&netstate.State{
		Interfaces: []netstate.Interface{*pair("v0", "v1", ""), {Name: "w1", Type: "veth", Addresses: addresses("10.0.0.1/8")}},
		Elsewhere: map[string]*netstate.State{"blue": {
			Interfaces: []netstate.Interface{
				{Name: "eth0", Type: "veth", Addresses: addresses("10.0.0.2/8")},
				{Name: "v1", Type: "veth", Addresses: addresses("192.0.2.1/24", "192.0.2.9/24", "fe80::1/64")},
				{Name: "w1", Type: "veth", Addresses: addresses("192.0.2.2/24", "192.0.2.8/24")},
			},
			Routes: []netstate.Route{route, own, kernel},
		}},
	})
	want := []string{
		"w1 has the address 10.0.0.1/8", "v1 has the address 192.0.2.9/24 in blue", "w1 has the address 192.0.2.8/24 in blue",
		"v1 has the route to 10.1.0.0/16 (table 254, metric 0) in blue",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
