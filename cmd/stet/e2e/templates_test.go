package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"stet/templates"
)

// templateLab is the network that a runbook made of a template is run in: it
// is made with ip(8), and gives the parameters that fit it.
type templateLab func(t *testing.T, n *namespaces) (set []string)

// namespaces are those of one lab, by a short name.
type namespaces struct {
	names map[string]string
}

// add makes namespaces.
func (n *namespaces) add(t *testing.T, short ...string) {
	t.Helper()
	for _, s := range short {
		n.names[s] = netns(t, s)
	}
}

// ip runs ip(8) in a namespace.
func (n *namespaces) ip(t *testing.T, short, args string) {
	t.Helper()
	ip(t, append([]string{"-n", n.names[short]}, strings.Fields(args)...)...)
}

// wire joins two namespaces with interfaces that are up.
func (n *namespaces) wire(t *testing.T, a, nameA, b, nameB string) {
	t.Helper()
	n.ip(t, a, fmt.Sprintf("link add %s type veth peer name %s netns %s", nameA, nameB, n.names[b]))
	n.ip(t, a, "link set "+nameA+" up")
	n.ip(t, b, "link set "+nameB+" up")
}

// need skips where the kernel lacks a kind of interface, or VLAN filtering.
func (n *namespaces) need(t *testing.T, short, kind string) {
	t.Helper()
	add := "link add probe type " + kind
	switch kind {
	case "ipvlan":
		add = "link add link eth0 name probe type ipvlan"
	case "vlan":
		add = "link add link eth1 name probe type vlan id 1"
	case "esp":
		needXfrm(t, n.names[short])
		return
	case "vlan_filtering":
		add = "link add probe type bridge vlan_filtering 1"
	}
	out, err := exec.Command("ip", append([]string{"-n", n.names[short]}, strings.Fields(add)...)...).CombinedOutput()
	if err != nil {
		t.Skipf("this kernel lacks it (make test-vm has one that does not): ip %s: %s", add, bytes.TrimSpace(out))
	}
	n.ip(t, short, "link delete probe")
}

// qdiscs skips where the kernel lacks kinds of queueing disciplines.
func (n *namespaces) qdiscs(t *testing.T, short string, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		out, err := exec.Command("tc", "-n", n.names[short], "qdisc", "add", "dev", "lo", "root", kind).CombinedOutput()
		if err != nil {
			t.Skipf("this kernel lacks it (make test-vm has one that does not): tc qdisc add %s: %s", kind, bytes.TrimSpace(out))
		}
		if out, err := exec.Command("tc", "-n", n.names[short], "qdisc", "del", "dev", "lo", "root").CombinedOutput(); err != nil {
			t.Fatalf("tc qdisc del: %v: %s", err, out)
		}
	}
}

// nameServer answers for one name, and knows no other: its address, the name and
// what the name has are its arguments.
const nameServer = `
import socket, sys
address, name, answer = sys.argv[1:]
wire = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((address, 53))
print("ready", flush=True)
while True:
    q, peer = s.recvfrom(4096)
    end = q.index(b"\0", 12) + 5
    known, a = q[12:end - 4].lower() == wire, q[end - 4:end - 2] == b"\0\1"
    records = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(answer) if known and a else b""
    flags = b"\x85\x80" if known else b"\x85\x83"
    s.sendto(q[:2] + flags + b"\0\1" + (b"\0\1" if records else b"\0\0") + b"\0\0\0\0" + q[12:end] + records, peer)
`

// serve runs a name server in a namespace until the test ends.
func (n *namespaces) serve(t *testing.T, short, address, name, answer string) {
	t.Helper()
	c := exec.Command("ip", "netns", "exec", n.names[short], "python3", "-c", nameServer, address, name, answer)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended by itself, and said why
		_ = c.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		_ = c.Process.Kill()
		_ = c.Wait()
		t.Fatalf("the name server: %v: %s", err, said.String())
	}
}

// twoPorts is the lab of an interface of a kind with two ports, which are down
// and lead to one switch. It gives the parameters of its template.
func (n *namespaces) twoPorts(t *testing.T, kind string) (set []string) {
	t.Helper()
	n.add(t, "host", "switch")
	n.need(t, "host", kind)
	n.ip(t, "switch", "link add br0 type bridge")
	n.ip(t, "switch", "link set br0 up")
	n.ip(t, "switch", "addr add 192.0.2.1/24 dev br0")
	ports := []string{"eth1", "eth2"}
	for _, port := range ports {
		n.wire(t, "host", port, "switch", port)
		n.ip(t, "switch", "link set "+port+" master br0")
	}
	for _, name := range n.names {
		waitSettled(t, name)
	}
	for _, port := range ports {
		// Two ports that are up have routes in the order in which they came up.
		n.ip(t, "host", "link set "+port+" down")
	}
	// The kernel tells of a lost carrier up to a second later.
	until(t, "the bridge of the switch has no carrier", func() bool {
		return strings.Contains(ip(t, "-n", n.names["switch"], "link", "show", "dev", "br0"), "state DOWN")
	})
	return []string{"target=" + n.target("host"), "loss=20"}
}

func (n *namespaces) target(short string) string { return "netns://" + n.names[short] }

// templateLabs has a lab for every template.
var templateLabs = map[string]templateLab{
	"bridge": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "peer")
		n.wire(t, "host", "eth1", "peer", "eth0")
		return []string{"target=" + n.target("host")}
	},
	"bond": func(t *testing.T, n *namespaces) []string { return n.twoPorts(t, "bond") },
	"change": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "peer")
		n.wire(t, "host", "eth0", "peer", "eth0")
		return []string{"target=" + n.target("host"), "mtu=1400"}
	},
	"dns": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "servers")
		n.wire(t, "host", "eth0", "servers", "eth0")
		n.ip(t, "host", "addr add 192.0.2.1/24 dev eth0")
		for _, server := range []string{"192.0.2.53", "192.0.2.54"} {
			n.ip(t, "servers", "addr add "+server+"/24 dev eth0")
			n.serve(t, "servers", server, "www.example.net", "198.51.100.7")
		}
		etc := "/etc/netns/" + n.names["host"]
		t.Cleanup(func() {
			if exists(etc) {
				t.Errorf("%s is left", etc)
			}
		})
		return []string{"target=" + n.target("host")}
	},
	"ipvlan": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "web", "gw")
		n.wire(t, "host", "eth0", "gw", "eth0")
		n.need(t, "host", "ipvlan")
		n.ip(t, "gw", "addr add 192.0.2.1/24 dev eth0")
		n.ip(t, "host", "addr add 192.0.2.10/24 dev eth0")
		return []string{"target=" + n.target("host"), "container=" + n.target("web")}
	},
	"ipsec": func(t *testing.T, n *namespaces) []string {
		n.add(t, "a", "b")
		n.need(t, "a", "esp")
		n.wire(t, "a", "eth0", "b", "eth0")
		n.ip(t, "a", "addr add 192.0.2.1/24 dev eth0")
		n.ip(t, "b", "addr add 192.0.2.2/24 dev eth0")
		n.ip(t, "a", "addr add 10.1.0.1/32 dev lo")
		n.ip(t, "b", "addr add 10.2.0.1/32 dev lo")
		return []string{"a=" + n.target("a"), "b=" + n.target("b"),
			"key_ab_from=cmd:echo " + strings.Repeat("0123456789abcdef", 4) + "aabbccdd", "key_ba_from=cmd:echo " + strings.Repeat("fedcba9876543210", 4) + "ddccbbaa"}
	},
	"macvlan": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "web", "gw")
		n.wire(t, "host", "eth0", "gw", "eth0")
		n.ip(t, "gw", "addr add 192.0.2.1/24 dev eth0")
		n.ip(t, "host", "addr add 192.0.2.10/24 dev eth0")
		return []string{"target=" + n.target("host"), "container=" + n.target("web")}
	},
	"renumber": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "gw")
		n.wire(t, "host", "eth0", "gw", "eth0")
		for _, a := range []string{"192.0.2.1/24", "198.51.100.1/24", "2001:db8:1::1/64 nodad", "2001:db8:2::1/64 nodad"} {
			n.ip(t, "gw", "addr add "+a+" dev eth0")
		}
		n.ip(t, "host", "addr add 192.0.2.10/24 dev eth0")
		n.ip(t, "host", "addr add 2001:db8:1::10/64 dev eth0 nodad")
		n.ip(t, "host", "route add default via 192.0.2.1")
		return []string{"target=" + n.target("host")}
	},
	"router": func(t *testing.T, n *namespaces) []string {
		n.add(t, "router", "inside", "gw")
		n.wire(t, "router", "eth1", "inside", "eth0")
		n.wire(t, "router", "eth0", "gw", "eth0")
		n.ip(t, "router", "addr add 198.51.100.1/24 dev eth1")
		n.ip(t, "router", "addr add 192.0.2.1/24 dev eth0")
		n.ip(t, "gw", "addr add 192.0.2.254/24 dev eth0")
		n.ip(t, "gw", "addr add 203.0.113.1/32 dev lo")
		n.ip(t, "gw", "route add 198.51.100.0/24 via 192.0.2.1")
		return []string{"target=" + n.target("router")}
	},
	"tap": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host")
		n.ip(t, "host", "link add br0 type bridge")
		n.ip(t, "host", "link set br0 up")
		n.add(t, "vm")
		n.wire(t, "host", "vm1", "vm", "eth0")
		n.ip(t, "host", "link set vm1 master br0")
		return []string{"target=" + n.target("host")}
	},
	"team": func(t *testing.T, n *namespaces) []string { return n.twoPorts(t, "team") },
	"throughput": func(t *testing.T, n *namespaces) []string {
		n.add(t, "a", "b")
		n.wire(t, "a", "eth0", "b", "eth0")
		n.ip(t, "a", "addr add 192.0.2.1/24 dev eth0")
		n.ip(t, "b", "addr add 192.0.2.2/24 dev eth0")
		return []string{"server=" + n.target("a"), "client=" + n.target("b"), "seconds=1", "tcp_mbits=1", "udp_mbits=1", "udp_loss=50"}
	},
	"shaping": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "peer")
		n.need(t, "host", "ifb")
		n.qdiscs(t, "host", "htb", "sfq")
		n.wire(t, "host", "eth1", "peer", "eth0")
		n.ip(t, "host", "addr add 192.0.2.1/24 dev eth1")
		n.ip(t, "peer", "addr add 192.0.2.2/24 dev eth0")
		return []string{"target=" + n.target("host"), "peer=" + n.target("peer"), "seconds=3"}
	},
	"vlan": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "switch")
		n.wire(t, "host", "eth1", "switch", "eth1")
		n.need(t, "host", "vlan")
		for id, address := range map[string]string{"101": "192.0.2.1/24", "102": "198.51.100.1/24"} {
			n.ip(t, "switch", "link add link eth1 name eth1."+id+" type vlan id "+id)
			n.ip(t, "switch", "link set eth1."+id+" up")
			n.ip(t, "switch", "addr add "+address+" dev eth1."+id)
		}
		return []string{"target=" + n.target("host")}
	},
	"vlan-bridge": func(t *testing.T, n *namespaces) []string {
		n.add(t, "host", "switch", "vm1", "vm2", "vm3")
		n.need(t, "host", "vlan_filtering")
		n.wire(t, "host", "eth1", "switch", "eth0")
		for i, port := range []string{"tap1", "tap2", "tap3"} {
			n.wire(t, "host", port, fmt.Sprintf("vm%d", i+1), "eth0")
		}
		return []string{"target=" + n.target("host")}
	},
	"vxlan": func(t *testing.T, n *namespaces) []string {
		n.add(t, "a", "b")
		n.wire(t, "a", "eth0", "b", "eth0")
		n.ip(t, "a", "addr add 192.0.2.1/24 dev eth0")
		n.ip(t, "b", "addr add 192.0.2.2/24 dev eth0")
		return []string{"a=" + n.target("a"), "b=" + n.target("b")}
	},
}

// TestTemplates makes a runbook of every template, runs it in a network that
// it fits, and takes it back: everything is then as before, to iproute2.
func TestTemplates(t *testing.T) {
	for _, name := range templates.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab, ok := templateLabs[name]
			if !ok {
				t.Fatal("it has no lab")
			}
			n := &namespaces{names: map[string]string{}}
			set := lab(t, n)
			b := newBench(t, "")
			doc := b.dir + "/made.md"
			args := []string{"new", name, doc}
			for _, s := range set {
				args = append(args, "--set", s)
			}
			b.must(0, args...)
			b.must(0, "lint", doc)
			before := n.states(t)
			var answers strings.Builder
			for i := range strings.Count(b.read(doc), "\n- [ ] ") {
				fmt.Fprintf(&answers, "manual-%d: done\n", i+1)
			}
			b.must(0, "run", "--yes", "--answers", b.write("answers.yaml", answers.String()), doc)
			b.must(0, "rollback", "--yes", doc)
			for short, ns := range n.names {
				if diff := notAsBefore(t, before[short], ns); diff != "" {
					t.Errorf("%s after the rollback (-before +after):\n%s", short, diff)
				}
			}
		})
	}
}

// states are those of all namespaces, by their short name.
func (n *namespaces) states(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for short, name := range n.names {
		all[short] = settledState(t, name)
	}
	return all
}
