//go:build linux

package linux

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// byHand are the named namespaces of this test process, through iproute2.
type byHand struct{ t testing.TB }

func (b byHand) List() ([]string, error) { return known(b.t), nil }

func (b byHand) Open(name string) (int, error) {
	fd, err := openNamed(name)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

func (b byHand) Add(name string) error    { return ipNetns("add", name) }
func (b byHand) Delete(name string) error { return ipNetns("delete", name) }
func (b byHand) Hidden() string           { return "" }

func ipNetns(args ...string) error {
	if out, err := exec.Command("ip", append([]string{"netns"}, args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// unseen are names that nobody else would see.
type unseen struct{ byHand }

func (unseen) Hidden() string { return "nobody else would see it" }

// another is a name for a namespace that the test does not make itself.
func another(t testing.TB) string {
	name := fmt.Sprintf("stet-c-%d-%d", os.Getpid(), namespaces.Add(1))
	t.Cleanup(func() { _ = ipNetns("delete", name) })
	return name
}

func withNamed(t testing.TB) *namespace {
	ns := newNamespace(t)
	ns.o.Named = byHand{t}
	return ns
}

// inside is what iproute2 shows of a namespace, but for the numbers of its
// interfaces, which depend on what was there before.
func inside(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("ip", "-n", name, "-j", "-d", "addr").Output()
	if err != nil {
		t.Fatalf("looking into %s: %v", name, err)
	}
	var list []map[string]any
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, one := range list {
		lines = append(lines, fmt.Sprint(one["ifname"], one["flags"], one["mtu"], one["address"]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// number is the nsid that ns has for another namespace, as iproute2 shows it.
func (ns *namespace) number(name string) string {
	ns.t.Helper()
	for _, line := range strings.Split(ns.run("ip", "netns", "list"), "\n") {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return rest
		}
	}
	return ""
}

// TestNamespaces makes a namespace with a pair that leads there, changes it,
// and takes all of it back; iproute2 does the same beside it.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	ns, oracle := withNamed(t), newNamespace(t)
	blue, other := another(t), another(t)
	empty := ns.settled()
	block := fmt.Sprintf(`namespaces:
  - {name: %[1]s, nsid: 7, loopback: up}
interfaces:
  - {name: v0, type: veth, mac-address: %[2]s, veth: {peer: v1, peer-target: %[1]s}}
`, blue, macA)
	creation := ns.apply(block)
	if err := ipNetns("add", other); err != nil {
		t.Fatal(err)
	}
	oracle.runAll([]string{"ip netns set " + other + " 7", "ip -n " + other + " link set dev lo up",
		"ip link add name v0 address " + macA + " type veth peer name v1 netns " + other,
		"ip link set v0 up", "ip -n " + other + " link set v1 up"})
	without := append(slices.Clone(chosen), "link_netns")
	ns.same("made, against iproute2", func() []string { return oracle.snapshot(without...) }, without...)
	if got, want := ns.number(blue), "(id: 7)"; got != want || oracle.number(other) != want {
		t.Errorf("its number is %s, iproute2 makes %s", got, oracle.number(other))
	}
	if text := netstate.Text(creation); !strings.HasPrefix(text, "+ namespace "+blue+" nsid 7 loopback up\n+ link v0") {
		t.Errorf("the plan is\n%s", text)
	}
	commands := strings.Join(netstate.IP(creation), "\n")
	if want := "ip netns add " + blue + "\nip netns set " + blue + " 7\nip -n " + blue + " link set dev lo up\n"; !strings.HasPrefix(commands, want) {
		t.Errorf("the commands are\n%s", commands)
	}
	ns.named(t, blue)

	was := inside(t, blue)
	down := ns.apply("namespaces: [{name: " + blue + ", loopback: down}]")
	if is := inside(t, blue); is == was {
		t.Error("lo is not down")
	}
	ns.undo(down)
	if is := inside(t, blue); is != was {
		t.Errorf("undone, in %s is\n%s\nwas\n%s", blue, is, was)
	}
	// The near end takes the far end along, so nothing is in it.
	removal := ns.apply("namespaces: [{name: " + blue + ", state: absent}]\ninterfaces: [{name: v0, state: absent}]")
	if slices.Contains(known(t), blue) {
		t.Error("it is there still")
	}
	ns.undo(removal)
	if is := inside(t, blue); !strings.Contains(is, "v1") || !strings.Contains(is, "lo[LOOPBACK UP") {
		t.Errorf("the removal undone, in it is\n%s", is)
	}
	if got := ns.number(blue); got != "(id: 7)" {
		t.Errorf("the removal undone, its number is %s", got)
	}
	ns.undo(creation)
	if slices.Contains(known(t), blue) {
		t.Error("the creation undone, it is there still")
	}
	ns.same("creation undone", empty)
}

// named proves that what stet says of a namespace is a block that changes
// nothing.
func (ns *namespace) named(t *testing.T, name string) {
	t.Helper()
	q := everything
	q.Netns, q.Namespaces = []string{name}, []string{name}
	block := netyaml.Encode(ns.observe(q))
	if !strings.Contains(block, "namespaces:\n- name: "+name+"\n  nsid: 7\n  loopback: up\n") {
		t.Errorf("the facts are\n%s", block)
	}
	if change := ns.plan(block); !change.Empty() {
		t.Errorf("facts, pasted back, change:\n%s\nfacts:\n%s", netstate.Text(change), block)
	}
}

// TestNamespaceInUse refuses to remove a namespace that something is in, when it
// is planned and, when it came later, at the last moment.
func TestNamespaceInUse(t *testing.T) {
	t.Parallel()
	ns := withNamed(t)
	blue := another(t)
	absent := "namespaces: [{name: " + blue + ", state: absent}]"
	ns.apply("namespaces: [{name: " + blue + "}]")
	removal := ns.plan(absent)

	sleeper := exec.Command("ip", "netns", "exec", blue, "sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	}
	defer end()
	process := fmt.Sprintf("process %d (sleep)", sleeper.Process.Pid)
	eventually(t, "the process", func() bool { return strings.Contains(ns.refused(absent), process) })
	var refused *executors.EditError
	if _, err := ns.Edit(context.Background(), removal.Edits); err == nil || !errors.As(err, &refused) || !strings.Contains(refused.Message, process) {
		t.Errorf("removed with a process in it: %v", err)
	}
	end()
	eventually(t, "its end", func() bool { return ns.refused(absent) == "" })
	for what, script := range map[string][2]string{
		"link x0":                       {"ip link add x0 type ifb", "ip link del x0"},
		"address 192.0.2.1/32 of lo":    {"ip addr add 192.0.2.1/32 dev lo", "ip addr del 192.0.2.1/32 dev lo"},
		"address 2001:db8::1/128 of lo": {"ip link set lo up; ip addr add 2001:db8::1/128 dev lo", "ip addr del 2001:db8::1/128 dev lo"},
	} {
		if out, err := exec.Command("ip", "netns", "exec", blue, "sh", "-ec", script[0]).CombinedOutput(); err != nil {
			t.Logf("%s: %v: %s", script[0], err, out)
			continue // the kernel lacks it
		}
		if said := ns.refused(absent); !strings.Contains(said, what) {
			t.Errorf("with %s: %q", what, said)
		}
		if _, err := ns.Edit(context.Background(), removal.Edits); err == nil {
			t.Fatalf("removed with %s in it", what)
		}
		if out, err := exec.Command("ip", "netns", "exec", blue, "sh", "-ec", script[1]).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", script[1], err, out)
		}
	}
	ns.edit(removal.Edits...)
}

// refused is what planning says against a block.
func (ns *namespace) refused(block string) string {
	ns.t.Helper()
	config, problems := netyaml.Decode(block)
	if len(problems) > 0 {
		ns.t.Fatalf("%+v", problems)
	}
	_, _, problems = netstate.Simulate(ns.observe(config.Query()), config)
	if len(problems) == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%d %s: %s", problems[0].Pos.Line, problems[0].Pos.Column, problems[0].Code, problems[0].Summary)
}

// TestNamespaceFaults has the faults that only the target tells.
func TestNamespaceFaults(t *testing.T) {
	t.Parallel()
	ns := withNamed(t)
	blue := another(t)
	ns.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
	if said := ns.refused("interfaces:\n  - name: v0\n    netns: " + blue + "\n"); !strings.HasPrefix(said, "3:12 unknown-namespace: there is no namespace "+blue) {
		t.Errorf("an unknown namespace: %q", said)
	}
	ns.apply("namespaces: [{name: " + blue + ", nsid: 4}]")
	if said := ns.refused("namespaces: [{name: " + blue + ", nsid: 5}]"); said != "1:14 contradiction: namespace "+blue+" has the number 4, and a number cannot be changed" {
		t.Errorf("another number: %q", said)
	}
	if said := ns.refused("namespaces: [{name: " + blue + ", state: absent}]\ninterfaces: [{name: v0, netns: " + blue + "}]"); said != "1:14 in-use: namespace "+blue+" cannot be removed: in it is link v0" {
		t.Errorf("moved into what goes: %q", said)
	}
	ns.o.Named = unseen{byHand{t}}
	if said := ns.refused("namespaces: [{name: red}]"); said != "1:14 hidden: namespace red cannot be made: nobody else would see it" {
		t.Errorf("made where nobody sees it: %q", said)
	}
	if said := ns.refused("namespaces: [{name: " + blue + ", state: absent}]"); said != "1:14 hidden: the removal of namespace "+blue+" could not be undone: nobody else would see it" {
		t.Errorf("removed where it cannot come back for all: %q", said)
	}
	ns.o.Named = nil
	if said := ns.refused("namespaces: [{name: red}]"); said != "1:14 kernel-lacks: namespace red cannot be made: this target has no named namespaces" {
		t.Errorf("a target without: %q", said)
	}
}

// TestMoveUndone moves a port with addresses and routes into a namespace that the
// same block makes, and takes both back: all of it is as it was.
func TestMoveUndone(t *testing.T) {
	t.Parallel()
	ns := withNamed(t)
	blue := another(t)
	ns.runAll([]string{
		"ip link add name v0 address " + macA + " mtu 1400 txqueuelen 77 type veth peer name v1 address " + macB, "ip link set v0 alias uplink",
		"ip link add br0 type bridge", "ip link add name p0 type veth peer name p1", "ip link set p0 master br0", "bridge link set dev p0 cost 7", "ip link set p0 up",
		"ip link set v0 up", "ip link set v1 up", "ip link set br0 up", "ip link set p1 up",
		"ip addr add 192.0.2.1/24 dev v0", "ip addr add 192.0.2.2/24 dev v0", "ip addr add 2001:db8::1/64 dev v0", "ip route add 10.0.0.0/8 via 192.0.2.9",
		"ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0",
	})
	before := ns.settled()
	away := ns.apply("namespaces: [{name: " + blue + "}]\ninterfaces:\n  - {name: v0, netns: " + blue + "}\n  - {name: p0, netns: " + blue + "}\n")
	if is := inside(t, blue); !strings.Contains(is, "v0") || !strings.Contains(is, "p0") {
		t.Errorf("in %s is\n%s", blue, is)
	}
	// Their numbers stay: the kernel keeps them where they are free.
	ns.undo(away)
	ns.same("moved and back", before)
	if slices.Contains(known(t), blue) {
		t.Error("the namespace is there still")
	}
}

// TestMoveLost undoes a move whose namespace somebody removed meanwhile, and the
// pair with it: the interface is made anew. Its far end, which the change does
// not name, is only there again.
func TestMoveLost(t *testing.T) {
	t.Parallel()
	ns := withNamed(t)
	blue := another(t)
	ns.runAll([]string{"ip link add name v0 address " + macA + " type veth peer name v1 address " + macB, "ip link set v0 up", "ip link set v1 up", "ip addr add 192.0.2.1/24 dev v0"})
	ns.settled()
	q := everything
	before := find(t, ns.observe(q), "v0")
	away := ns.apply("namespaces: [{name: " + blue + "}]\ninterfaces: [{name: v0, netns: " + blue + "}]\n")
	if err := ipNetns("delete", blue); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pair's end", func() bool { _, err := ns.try("ip", "link", "show", "v1"); return err != nil })
	ns.undo(away)
	now := find(t, ns.observe(q), "v0")
	holds(t, now, before)
	if len(now.Addresses) == 0 || now.Addresses[0].Prefix != before.Addresses[0].Prefix || now.Index != before.Index {
		t.Errorf("it has %+v and number %d, before %+v and %d", now.Addresses, now.Index, before.Addresses, before.Index)
	}
}

// eventually waits for what another process, or the kernel, does a little later.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}
