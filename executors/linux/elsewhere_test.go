//go:build linux

package linux

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
	"stet/executors/transaction"
)

// farWorld makes a pair whose far end, with something of everything on it, is in
// another namespace. The near one is removed and made anew in the tests.
func farWorld(t *testing.T) (here, there *namespace) {
	t.Helper()
	here, there = withNamed(t), newNamespace(t)
	here.runAll([]string{
		"ip link add name v0 address " + macA + " type veth peer name v1 address " + macB + " mtu 1400 netns " + there.name,
		"ip link set v0 up", "ip addr add 192.0.2.1/24 dev v0",
	})
	lines := []string{
		"ip link add name w0 type veth peer name w1", "ip link set w0 up", "ip link set w1 up", "ip addr add 198.51.100.1/24 dev w0",
		`ip link set v1 txqueuelen 77 alias "to the core" up`, "ip link set lo up",
		"ip addr add 192.0.2.2/24 brd + dev v1", "ip addr add 192.0.2.3/24 dev v1", "ip addr add 2001:db8::2/64 dev v1", "ip addr add 203.0.113.1 peer 203.0.113.2/32 dev v1",
		"ip route add default via 192.0.2.1 metric 7", "ip route add 10.0.0.0/8 via 192.0.2.1 src 192.0.2.3 mtu 1300", "ip route add 10.1.0.0/16 dev v1 table 100",
		"ip -6 route add 2001:db8:9::/48 via 2001:db8::1", "ip route add 10.2.0.0/16 nexthop via 192.0.2.1 nexthop via 198.51.100.9",
		"ip nexthop add id 5 via 192.0.2.1 dev v1", "ip route add 10.3.0.0/16 nhid 5",
		"ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v1", "ip neigh add proxy 192.0.2.77 dev v1",
		"sysctl -qw net.ipv4.conf.v1.rp_filter=2", "ethtool -K v1 gso off",
	}
	there.looks = []string{"sysctl net.ipv4.conf.v1.rp_filter", "ethtool -k v1"}
	if inMachine() {
		lines = append(lines, "ip link add name br0 type bridge", "ip link set br0 up", "ip link set w1 master br0",
			"ip link add link v1 name v1.5 type vlan id 5", "ip link set v1.5 up", "ip addr add 172.16.0.1/24 dev v1.5", "ip route add 172.20.0.0/16 via 172.16.0.9",
			"tc qdisc add dev v1 root handle 1: tbf rate 10mbit burst 32kbit latency 50ms")
		there.looks = append(there.looks, "tc qdisc show dev v1")
	}
	there.runAll(lines)
	return here, there
}

// TestFarEnd removes an interface whose pair's other end is in another namespace,
// and takes that back: in both all is as it was, as iproute2 shows it.
func TestFarEnd(t *testing.T) {
	t.Parallel()
	here, there := farWorld(t)
	before, far := here.settled(), there.settled()
	removal := here.apply("interfaces: [{name: v0, state: absent}]")
	if _, err := there.try("ip", "link", "show", "v1"); err == nil {
		t.Fatal("the far end is there still")
	}
	text := netstate.Text(removal)
	for _, want := range []string{
		"- link v1 netns " + there.name + " veth (by itself)\n",
		"- address 192.0.2.2/24 dev v1 broadcast 192.0.2.255 netns " + there.name + " (by itself)\n",
		"- neighbor 192.0.2.9 dev v1 lladdr 02:00:00:00:00:09 permanent netns " + there.name + " (by itself)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
	if commands := netstate.IP(removal); !slices.Equal(commands, []string{"ip link delete dev v0"}) {
		t.Errorf("the commands are %q", commands)
	}
	here.undo(removal)
	here.same("undone", before)
	there.same("undone, in the other namespace", far)
}

// TestFarEndNameless does so where the other namespace is known by a process that
// is in it, as a container's is, and where it is not known at all.
func TestFarEndNameless(t *testing.T) {
	t.Parallel()
	here, there := farWorld(t)
	before, far := here.settled(), there.settled()
	sleeper := exec.Command("ip", "netns", "exec", there.name, "sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	}
	defer end()
	path := fmt.Sprintf("/proc/%d/ns/net", sleeper.Process.Pid)
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process", func() bool { name, err := os.Readlink(path); return err == nil && name != own })
	here.o.Named, here.o.Known = nil, nil // nobody says the names
	removal := here.apply("interfaces: [{name: v0, state: absent}]")
	if text := netstate.Text(removal); !strings.Contains(text, "- link v1 netns net:[") {
		t.Errorf("the plan is\n%s", text)
	}
	here.undo(removal)
	there.same("undone, in the other namespace", far)
	here.same("undone", before)

	end()
	for _, asker := range there.askers { // processes that are in it, too
		asker.close()
	}
	there.askers = nil
	eventually(t, "its end", func() bool { return here.refused("interfaces: [{name: v0, num-tx-queues: 4}]") != "" })
	config, _ := netyaml.Decode("interfaces: [{name: v0, state: absent}]")
	s := here.observe(config.Query())
	next, _, _ := netstate.Simulate(s, config)
	lines := netstate.Unseen(s, netstate.Diff(s, next))
	if want := "v0 takes its other end along, which is in a namespace without name or process (number "; len(lines) != 1 || !strings.HasPrefix(lines[0], want) {
		t.Errorf("it says %q", lines)
	}
}

// TestNamelessCommands runs the commands that are printed for a namespace which
// only a process has: in it, and for what is put into it.
func TestNamelessCommands(t *testing.T) {
	t.Parallel()
	here := newNamespace(t)
	sleeper := exec.Command("unshare", "--net", "sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	}()
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	name := own
	eventually(t, "the process", func() bool {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", sleeper.Process.Pid))
		name, err = os.Readlink(fmt.Sprintf("/proc/%d/ns/net", sleeper.Process.Pid))
		return err == nil && name != own && string(comm) == "sleep\n"
	})
	pair := &netstate.Interface{Name: "v0", Type: "veth", Attrs: netstate.Attrs{"state": "up", "veth.peer": "v1", "veth.peer-target": name}}
	commands := netstate.IP(&netstate.Change{Edits: []netstate.Edit{
		{Op: netstate.Add, After: netstate.Object{Link: pair}},
		{Op: netstate.Add, Netns: name, After: addressed("v1", netstate.Address{Prefix: prefixed("192.0.2.2/24")})},
	}})
	here.run("sh", "-exc", strings.Join(commands, "\n"))
	shown, err := exec.Command("nsenter", "-t", fmt.Sprint(sleeper.Process.Pid), "-n", "ip", "-br", "addr", "show", "v1").CombinedOutput()
	if err != nil || !strings.Contains(string(shown), "UP") || !strings.Contains(string(shown), "192.0.2.2/24") {
		t.Errorf("after %q: %v %s", commands, err, shown)
	}

	_ = sleeper.Process.Kill()
	_ = sleeper.Wait()
	commands = slices.DeleteFunc(commands, func(c string) bool { return !strings.Contains(c, "find /proc") })
	if len(commands) < 2 {
		t.Errorf("only these look for the process: %q", commands)
	}
	for _, command := range commands {
		if out, err := here.try("sh", "-c", command); err == nil || !strings.Contains(fmt.Sprint(out, err), "no process is in "+name) {
			t.Errorf("without the process %q says %v: %s", command, err, out)
		}
	}
}

// TestFarEndWithNamespace removes a pair with the namespace that its far end is
// in, and takes both back.
func TestFarEndWithNamespace(t *testing.T) {
	t.Parallel()
	here, there := withNamed(t), newNamespace(t)
	here.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", there.name)
	there.runAll([]string{"ip link set v1 mtu 1400 up", "ip addr add 192.0.2.2/24 dev v1", "ip route add default via 192.0.2.1"})
	before, far := here.settled(), there.run("sh", "-c", "ip -d addr show v1 | grep -v link/ether; ip route")
	removal := here.plan("namespaces: [{name: " + there.name + ", state: absent}]\ninterfaces: [{name: v0, state: absent}]")
	_ = there.Close() // what holds the namespace, holds its number
	r, err := transaction.Apply(context.Background(), here.Namespace, removal)
	if err != nil || !r.OK() || slices.Contains(known(t), there.name) {
		t.Fatalf("removing both: %v, %+v", err, r)
	}
	if r, err = transaction.Undo(context.Background(), here.Namespace, removal); err != nil || !r.Undone {
		t.Fatalf("undoing: %v, %+v", err, r)
	}
	here.same("undone", before)
	eventually(t, "what was in the other namespace", func() bool {
		return there.run("sh", "-c", "ip -d addr show v1 | grep -v link/ether; ip route") == far
	})
}

// TestFarEndAnew makes an interface anew whose pair's other end is in another
// namespace: what was on that one is there again at once, and after undoing.
func TestFarEndAnew(t *testing.T) {
	t.Parallel()
	here, there := farWorld(t)
	here.madeAnew(there)
}

// madeAnew has v0, whose other end is in another namespace, made anew, and takes
// that back.
func (ns *namespace) madeAnew(there *namespace) {
	ns.t.Helper()
	before, far := ns.settled(), there.settled()
	anew := ns.apply("interfaces: [{name: v0, num-tx-queues: 3}]")
	if !strings.Contains(netstate.Text(anew), "(made anew: num-tx-queues cannot be changed)") {
		ns.t.Fatalf("it is not made anew:\n%s", netstate.Text(anew))
	}
	there.same("made anew, in the other namespace", far)
	ns.undo(anew)
	ns.same("undone after it was made anew", before)
	there.same("undone after it was made anew, in the other namespace", far)
}

// TestUpperElsewhere removes and makes anew an interface that others lie on which
// are in another namespace: they go and come back with what is on them.
func TestUpperElsewhere(t *testing.T) {
	t.Parallel()
	here, there := withNamed(t), newNamespace(t)
	here.runKnown([]string{
		"ip link add name v0 address " + macA + " type veth peer name v1", "ip link set v0 up", "ip link set v1 up", "ip addr add 192.0.2.1/24 dev v0",
		"ip link add link v0 name v0.5 type vlan id 5", "ip link set v0.5 up",
		"ip link add link v0.5 name mv0 address " + macB + " type macvlan mode bridge", "ip link set mv0 netns " + there.name,
		"ip link add link v0 name six type vlan id 6", "ip link set six netns " + there.name,
		"ip link add name vx0 type vxlan id 7 dev v0 dstport 4789 group 239.1.1.1", "ip link set vx0 netns " + there.name,
	})
	there.runAll([]string{
		"ip link add name v0 type veth peer name w1", // the lower one's name, here too
		"ip link set mv0 alias tenant mtu 1400 up", "ip addr add 198.51.100.1/24 dev mv0", "ip addr add 2001:db8::1/64 dev mv0", "ip route add default via 198.51.100.9",
		"ip link set six up", "ip addr add 203.0.113.1/24 dev six", "ip route add 10.0.0.0/8 nexthop via 198.51.100.9 nexthop via 203.0.113.9",
		"ip link set vx0 up", "ip addr add 172.16.0.1/24 dev vx0", "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.9",
	})
	before, far := here.settled(), there.settled()
	removal := here.apply("interfaces: [{name: v0, state: absent}]")
	text := netstate.Text(removal)
	for _, name := range []string{"mv0", "six", "vx0"} {
		if _, err := there.try("ip", "link", "show", name); err == nil || !strings.Contains(text, "- link "+name+" netns "+there.name) {
			t.Errorf("%s is there still, or not in the plan:\n%s", name, text)
		}
	}
	here.undo(removal)
	here.same("undone", before)
	there.same("undone, in the other namespace", far)
	anew := here.apply("interfaces: [{name: v0, num-tx-queues: 3}]")
	there.same("made anew, in the other namespace", far)
	here.undo(anew)
	here.same("undone once more", before)
	there.same("undone once more, in the other namespace", far)
}

// TestFarEndLost undoes the removal when the other namespace is gone, and when
// something in it is in the way: what is not as before is said.
func TestFarEndLost(t *testing.T) {
	t.Parallel()
	undo := func(t *testing.T, here *namespace, removal *netstate.Change) *executors.Result {
		t.Helper()
		r, err := transaction.Undo(context.Background(), here.Namespace, removal)
		if err != nil {
			t.Fatal(err)
		}
		if r.Undone || len(r.Remains) == 0 {
			t.Errorf("it says that all is as before: %+v", r)
		}
		return r
	}
	t.Run("namespace", func(t *testing.T) {
		t.Parallel()
		here, there := farWorld(t)
		removal := here.apply("interfaces: [{name: v0, state: absent}]")
		if err := ipNetns("delete", there.name); err != nil {
			t.Fatal(err)
		}
		r := undo(t, here, removal)
		if !slices.Contains(r.Remains, netstate.Mismatch{Object: "namespace " + there.name, Want: "present", Got: "absent"}) {
			t.Errorf("what remains is %+v", r.Remains)
		}
	})
	t.Run("route", func(t *testing.T) {
		t.Parallel()
		here, there := farWorld(t)
		removal := here.apply("interfaces: [{name: v0, state: absent}]")
		there.runAll([]string{"ip link del w0"}) // a route led over it, too
		r := undo(t, here, removal)
		if len(r.Remains) != 1 || !strings.HasPrefix(r.Remains[0].Object, "route 10.2.0.0/16 netns "+there.name) {
			t.Errorf("what remains is %+v", r.Remains)
		}
	})
}
