package apply

import (
	"context"
	"net/netip"
	"strings"
	"testing"

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
