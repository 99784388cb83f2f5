package netstate_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// TestPeerElsewhere makes a veth into another namespace, from both sides, and
// takes it back.
func TestPeerElsewhere(t *testing.T) {
	here, there := newKernel(t), newKernel(t)
	near := "interfaces:\n  - {name: a0, type: veth, veth: {peer: b0, peer-target: " + there.name + "}, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 30}]}}\n"
	far := "interfaces:\n  - {name: b0, type: veth, veth: {peer: a0, peer-target: " + here.name + "}, mtu: 1400}\n"
	before, beforeThere := here.settled(), there.settled()
	c := here.apply(near)
	there.shell("ip -o link show b0 | grep -q 'UP'")
	d := there.apply(far)
	if len(d.Edits) != 1 || netstate.Text(d) != "! link b0 mtu 1500 → 1400\n" {
		t.Errorf("the far end: %s", netstate.Text(d))
	}
	there.undo(d)
	here.undo(c)
	here.is(before)
	there.is(beforeThere)
}

// is fails the test when a namespace does not come to be as it was.
func (k *kernel) is(before []string) {
	k.t.Helper()
	if d := lasting(func() string { return cmp.Diff(before, k.look(true)) }); d != "" {
		k.t.Errorf("not as before (-):\n%s", d)
	}
}

// TestMove moves an interface into another namespace and back.
func TestMove(t *testing.T) {
	here, there := newKernel(t), newKernel(t)
	here.shell("ip link add a0 type veth peer name a1; ip link set a0 up; ip link set a1 up; ip addr add 192.0.2.1/24 dev a1; ip route add 10.0.0.0/8 via 192.0.2.9")
	before := here.settled()
	c := here.apply("interfaces:\n  - {name: a1, netns: " + there.name + "}\n")
	there.shell("ip link show a1 >/dev/null")
	here.undo(c)
	here.is(before)
	if _, err := there.Observe(context.Background(), netstate.Query{Links: true}); err != nil {
		t.Fatal(err)
	}
}

// TestFactsAreNoChange observes a namespace with some of everything, and pastes
// it back.
func TestFactsAreNoChange(t *testing.T) {
	for _, c := range cases {
		if c.before == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			k := newKernel(t)
			k.shell(c.before)
			s := k.observe(netstate.Query{Links: true, Routes: true, Rules: true, Neighbors: true, FDB: true})
			block := netyaml.Encode(s)
			if change := k.plan(block); !change.Empty() {
				t.Errorf("%s\n%s", netstate.Text(change), block)
			}
		})
	}
}
