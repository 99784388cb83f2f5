package netstate_test

import (
	"context"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
	"stet/executors/transaction"
)

// altNames are those that ip(8) shows.
func (k *kernel) altNames(name string) string {
	k.t.Helper()
	out := k.shell("ip link show dev " + name + " | awk '$1 == \"altname\" {print $2}' | sort")
	return strings.Join(strings.Fields(out), " ")
}

// TestAltNames adds names and takes one away; others stay, also when it is undone
// and another one has come meanwhile.
func TestAltNames(t *testing.T) {
	k := newKernel(t)
	long := strings.Repeat("x", 127)
	k.shell("ip link add a0 type veth peer name a1; ip link property add dev a0 altname one altname two")
	c := k.apply("interfaces: [{name: a0, alt-names: [{name: " + long + "}, {name: one, state: absent}, {name: none, state: absent}]}]")
	if got, want := netstate.Text(c), "- alt-names of a0 name one\n+ alt-names of a0 name "+long+"\n"; got != want {
		t.Errorf("the change is\n%swant\n%s", got, want)
	}
	want := []string{"ip link property del dev a0 altname one", "ip link property add dev a0 altname " + long}
	if got := netstate.IP(c); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("printed: %q, want %q", got, want)
	}
	if got := k.altNames("a0"); got != "two "+long {
		t.Errorf("a0 is also called %s", got)
	}
	k.shell("ip link property add dev a0 altname udev")
	k.undo(c)
	if got := k.altNames("a0"); got != "one two udev" {
		t.Errorf("undone, a0 is also called %s", got)
	}
	k.shell("ip link property del dev a0 altname one altname two altname udev")
	if i := k.observe(netstate.Query{Links: true}).Interface("a0"); i.Attrs[netstate.AltNames] != "" {
		t.Errorf("without any, a0 is also called %s", i.Attrs[netstate.AltNames])
	}
}

// TestAltNamesMove moves an interface to another namespace with its names, and
// makes one anew with them.
func TestAltNamesMove(t *testing.T) {
	here, there := newKernel(t), newKernel(t)
	here.shell("ip link add a0 type veth peer name a1; ip link property add dev a1 altname one; ip link add br0 type bridge; ip link property add dev br0 altname bridge")
	c := here.apply("interfaces: [{name: a1, netns: " + there.name + ", alt-names: [{name: two}]}]")
	if got := there.altNames("a1"); got != "one two" {
		t.Errorf("moved, a1 is also called %s", got)
	}
	here.undo(c)
	if got := here.altNames("a1"); got != "one" {
		t.Errorf("moved back, a1 is also called %s", got)
	}
	d := here.apply("interfaces: [{name: br0, num-tx-queues: 3}]")
	if got := here.altNames("br0"); got != "bridge" {
		t.Errorf("made anew, br0 is also called %s", got)
	}
	here.undo(d)
	if got := here.altNames("br0"); got != "bridge" {
		t.Errorf("made anew by undoing, br0 is also called %s", got)
	}
}

// TestPairMadeAnew makes either end of a pair anew: the other one, which goes and
// comes with it, gets all that it had.
func TestPairMadeAnew(t *testing.T) {
	for _, c := range []struct{ anew, other string }{{"a0", "a1"}, {"a1", "a0"}} {
		t.Run(c.anew, func(t *testing.T) {
			k := newKernel(t)
			k.shell("ip link add a0 type veth peer name a1; ip link property add dev " + c.other + " altname one; ip link set " + c.other + " alias text up; ip addr add 192.0.2.1/24 dev " + c.other)
			before := k.observe(netstate.Query{Links: true})
			change := k.apply("interfaces: [{name: " + c.anew + ", num-tx-queues: 3}]")
			had := before.Interface(c.other)
			got := k.observe(netstate.Query{Links: true}).Interface(c.other)
			for _, key := range []string{"alias", "state", netstate.AltNames, "mac-address"} {
				if got.Attrs[key] != had.Attrs[key] {
					t.Errorf("%s of %s is %q, and was %q", key, c.other, got.Attrs[key], had.Attrs[key])
				}
			}
			if !strings.Contains(k.shell("ip addr show dev "+c.other), "192.0.2.1/24") {
				t.Errorf("%s has lost its address", c.other)
			}
			k.undo(change)
			if got := k.altNames(c.other); got != "one" {
				t.Errorf("undone, %s is also called %s", c.other, got)
			}
		})
	}
}

// TestAltNameOfAnother takes a change back after an interface that it made has
// gone, and its name has become the alternative name of another one: the kernel
// would find that one by it.
func TestAltNameOfAnother(t *testing.T) {
	k := newKernel(t)
	k.shell("ip link add a0 type veth peer name a1")
	c := k.apply("interfaces: [{name: b0, type: veth, veth: {peer: b1}}]")
	k.shell("ip link del b0; ip link property add dev a0 altname b0")
	if _, err := k.Edit(context.Background(), []netstate.Edit{{Op: netstate.Delete, Before: c.Edits[0].After}}); err == nil {
		t.Error("what is not there was removed")
	}
	if _, err := transaction.Undo(context.Background(), k.Namespace, c); err != nil {
		t.Error(err)
	}
	if got := k.altNames("a0"); got != "b0" {
		t.Errorf("a0 is also called %s", got)
	}
}

// TestAltNameRefused has the kernel refuse a name that another interface got
// since the plan: the change is undone.
func TestAltNameRefused(t *testing.T) {
	k := newKernel(t)
	k.shell("ip link add a0 type veth peer name a1")
	c := k.plan("interfaces: [{name: a0, mtu: 1400, alt-names: [{name: one}, {name: two}]}]")
	k.shell("ip link property add dev a1 altname two")
	r, err := transaction.Apply(context.Background(), k.Namespace, c)
	if err == nil || !strings.Contains(err.Error(), "the alternative name two: file exists") || !r.Undone {
		t.Errorf("%v, %+v", err, r)
	}
	if i := k.observe(netstate.Query{Links: true}).Interface("a0"); i.Attrs["mtu"] != "1500" || i.Attrs[netstate.AltNames] != "" {
		t.Errorf("left behind: %v", i.Attrs)
	}
}

// TestAltNamesInFacts pastes names back that need quotes; one that no block can
// say is left out.
func TestAltNamesInFacts(t *testing.T) {
	k := newKernel(t)
	k.shell("ip link add a0 type veth peer name a1; ip link property add dev a0 altname '#1' altname 'it'\\''s:\"x\"' altname no altname 12")
	s := k.observe(netstate.Query{Links: true})
	block := netyaml.Encode(s)
	if c := k.plan(block); !c.Empty() {
		t.Errorf("pasted back, it changes\n%s\n%s", netstate.Text(c), block)
	}
	k.shell("ip link property del dev a0 altname '#1' altname 'it'\\''s:\"x\"' altname no altname 12")
	k.apply(block)
	if got := k.altNames("a0"); got != `#1 12 it's:"x" no` {
		t.Errorf("a0 is also called %s", got)
	}
	i := s.Interface("a0")
	i.Attrs[netstate.AltNames] = `[{"name":"a b"},{"name":"c"}]`
	if block := netyaml.Encode(s); strings.Contains(block, "a b") || !strings.Contains(block, "name: c") {
		t.Errorf("facts:\n%s", block)
	}
}
