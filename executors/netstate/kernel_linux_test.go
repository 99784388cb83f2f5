package netstate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"stet/executors/executortest"
	"stet/executors/linux"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

var count atomic.Int64

// kernel is a network namespace of a test.
type kernel struct {
	*linux.Namespace
	t    *testing.T
	name string
}

func newKernel(t *testing.T) *kernel {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	k := &kernel{t: t, name: fmt.Sprintf("stet-b-%d-%d", os.Getpid(), count.Add(1))}
	if out, err := exec.Command("ip", "netns", "add", k.name).CombinedOutput(); err != nil {
		t.Fatalf("ip netns add: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", k.name).Run() })
	k.shell("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0; ip link set lo up")
	open := func(name string) (int, error) {
		return unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	fd, err := open(k.name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if k.Namespace, err = linux.Open(linux.Options{NS: fd, Resolve: open}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func (k *kernel) shell(script string) string {
	k.t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command("ip", "netns", "exec", k.name, "sh", "-ec", script)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		k.t.Fatalf("%s\n%v: %s", script, err, errs.String())
	}
	return out.String()
}

func (k *kernel) observe(q netstate.Query) *netstate.State {
	k.t.Helper()
	s, err := k.Observe(context.Background(), q)
	if err != nil {
		k.t.Fatal(err)
	}
	s.Sort()
	return s
}

func (k *kernel) edit(c *netstate.Change) {
	k.t.Helper()
	if _, err := k.Edit(context.Background(), c.Edits); err != nil {
		k.t.Fatalf("%v\n%s", err, netstate.Text(c))
	}
}

// plan computes the change that a block asks for.
func (k *kernel) plan(block string) *netstate.Change {
	k.t.Helper()
	config, problems := netyaml.Decode(block)
	if len(problems) > 0 {
		k.t.Fatalf("%+v", problems)
	}
	from := k.observe(config.Query())
	before, err := json.MarshalIndent(from, "", " ")
	if err != nil {
		k.t.Fatal(err)
	}
	to, _, problems := netstate.Simulate(from, config)
	if len(problems) > 0 {
		k.t.Fatalf("%+v", problems)
	}
	change := netstate.Diff(from, to)
	if after, err := json.MarshalIndent(from, "", " "); err != nil || string(after) != string(before) {
		k.t.Errorf("the state that is planned from was changed (%v):\n%s", err, cmp.Diff(string(before), string(after)))
	}
	return change
}

// apply does what a block asks for, and checks that it is so and stays so.
func (k *kernel) apply(block string) *netstate.Change {
	k.t.Helper()
	c := k.plan(block)
	k.edit(c)
	if found := netstate.Verify(c, k.observe(c.Query())); len(found) > 0 {
		k.t.Errorf("verify: %+v\n%s", found, netstate.Text(c))
	}
	if again := k.plan(block); !again.Empty() {
		k.t.Errorf("the same again changes:\n%s\nat first:\n%s", netstate.Text(again), netstate.Text(c))
	}
	return c
}

func (k *kernel) undo(c *netstate.Change) {
	k.t.Helper()
	back := netstate.Undo(c, k.observe(c.Query()))
	k.edit(back)
	now := k.observe(c.Query())
	if found := netstate.VerifyUndone(c, now); len(found) > 0 {
		k.t.Errorf("verify undone: %+v\nchange:\n%s\nundo:\n%s", found, netstate.Text(c), netstate.Text(back))
	}
	if more := netstate.Undo(c, now); !more.Empty() {
		k.t.Errorf("undoing does not end:\n%s", netstate.Text(more))
	}
}

// volatile are fields that change by themselves, or name things by numbers
// that the kernel hands out.
var volatile = []string{
	"ifindex", "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "message_age_timer", "forward_delay_timer",
	"hold_timer", "topology_change", "topology_change_detected", "valid_life_time", "preferred_life_time", "operstate", "state", "num_tx_queues", "num_rx_queues",
	"qdisc", "carrier", "designated_port", "designated_cost", "promiscuity", "bridge_id", "root_id", "tso_max_size", "tso_max_segs",
}

// fleeting are flags that follow the carrier, which takes its time.
var fleeting = []any{"NO-CARRIER", "LOWER_UP", "M-DOWN", "linkdown"}

// shown are the commands that show a namespace, by the program and options that
// they share: one process reads several of them, because programs take long to
// start where the processor is emulated.
var shown = []struct {
	program  string
	commands []string
}{
	{"ip -d -j", []string{"link", "addr"}},
	{"ip -d -j -4", []string{"route show table all", "rule"}},
	{"ip -d -j -6", []string{"route show table all", "rule"}},
	{"ip -j", []string{"neigh show nud permanent", "neigh show proxy"}},
	{"bridge -j", []string{"fdb"}},
}

// show is what they print, by command.
func (k *kernel) show() map[string][]map[string]any {
	k.t.Helper()
	var script strings.Builder
	var commands []string
	for _, s := range shown {
		fmt.Fprintf(&script, "%s -batch - <<'END'\n%s\nEND\n", s.program, strings.Join(s.commands, "\n"))
		for _, c := range s.commands {
			commands = append(commands, s.program+" "+c)
		}
	}
	out := map[string][]map[string]any{}
	d := json.NewDecoder(strings.NewReader(k.shell(script.String())))
	for _, command := range commands {
		var list []map[string]any
		if err := d.Decode(&list); err != nil {
			k.t.Fatalf("%s: %v", command, err)
		}
		out[command] = list
	}
	if d.More() {
		k.t.Fatalf("iproute2 prints more than %d lists", len(commands))
	}
	return out
}

// look is what iproute2 shows, one line an object. Hardware addresses are left
// out on request: the kernel makes them up.
func (k *kernel) look(withMAC bool) []string {
	k.t.Helper()
	var lines []string
	for command, list := range k.show() {
		for _, object := range list {
			mac, _ := object["mac"].(string)
			if command == "bridge -j fdb" && (object["state"] == nil || object["state"] == "" || strings.HasPrefix(mac, "33:33:") || strings.HasPrefix(mac, "01:00:5e:")) {
				continue // learned, or a multicast group
			}
			if !withMAC && (object["state"] == "permanent" && object["master"] == nil && command == "bridge -j fdb" || object["family"] == "inet6") {
				continue
			}
			scrub(object, withMAC)
			if len(object) == 0 {
				continue
			}
			line, _ := json.Marshal(object)
			lines = append(lines, command+": "+string(line))
		}
	}
	slices.Sort(lines)
	return lines
}

func scrub(v any, withMAC bool) {
	switch v := v.(type) {
	case map[string]any:
		if flags, ok := v["flags"].([]any); ok {
			v["flags"] = slices.DeleteFunc(flags, func(f any) bool { return slices.Contains(fleeting, f) })
		}
		for _, key := range volatile {
			delete(v, key)
		}
		if !withMAC {
			for _, key := range []string{"address", "bridge_id", "root_id", "mac"} {
				delete(v, key)
			}
			if local, _ := v["local"].(string); strings.HasPrefix(local, "fe80") {
				clear(v)
			}
			if dst, _ := v["dst"].(string); strings.HasPrefix(dst, "fe80") || strings.HasPrefix(dst, "ff00") {
				clear(v)
			}
		}
		for _, x := range v {
			scrub(x, withMAC)
		}
	case []any:
		for _, x := range v {
			scrub(x, withMAC)
		}
	}
}

// cases are blocks to be applied on what a shell made before.
var cases = []struct{ name, before, block string }{
	{"veth with addresses and routes", "", `
interfaces:
  - name: left
    type: veth
    mtu: 1400
    alias: to the "right"
    veth: {peer: right}
    ipv4:
      address:
        - {ip: 192.0.2.1, prefix-length: 24}
        - {ip: 192.0.2.2, prefix-length: 24, label: "left:1"}
        - {ip: 198.51.100.1, prefix-length: 32, peer: 198.51.100.2, scope: link}
    ipv6:
      address:
        - {ip: "2001:db8::1", prefix-length: 64, flags: [nodad]}
  - name: right
    mtu: 1300
    txqueuelen: 77
routes:
  config:
    - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.254}
    - {destination: 203.0.113.0/24, next-hop-interface: left, metric: 5, source: 192.0.2.2, mtu: 1200, table-id: 100}
    - {destination: 203.0.113.128/25, route-type: blackhole}
    - {destination: "::/0", next-hop-address: "2001:db8::ff"}
    - {destination: "2001:db8:1::/48", route-type: unreachable}
    - destination: 10.0.0.0/8
      next-hops:
        - {next-hop-address: 192.0.2.3, weight: 2}
        - {next-hop-address: 192.0.2.4}
    - {destination: 10.9.0.0/16, next-hop-address: 10.99.0.1, next-hop-interface: left, onlink: true}
route-rules:
  config:
    - {ip-from: 192.0.2.2/32, route-table: 100, priority: 1000}
    - {family: ipv6, fwmark: 0x10, fwmask: 0xff, route-table: 200, priority: 1001}
neighbors:
  config:
    - {device: left, ip: 192.0.2.9, mac-address: "02:00:00:00:00:99"}
    - {device: left, ip: 192.0.2.77, proxy: true}
sysctl:
  net.ipv4.ip_forward: 1
`},
	{"bridge with ports", "ip link add a1 type veth peer name a2; ip link add b1 type veth peer name b2; ip addr add 192.0.2.5/24 dev a1; ip link set a1 up; ip route add default via 192.0.2.1", `
interfaces:
  - name: br0
    type: linux-bridge
    bridge:
      options:
        mac-ageing-time: 120
        group-fwd-mask: 8
        multicast-snooping: false
        multicast-query-interval: 12345
        hash-max: 512
        no-linklocal-learn: true
        stp: {enabled: true, priority: 4096, forward-delay: 4, hello-time: 1, max-age: 7}
      port:
        - {name: a1, stp-path-cost: 55, stp-priority: 12, isolated: true}
        - {name: b1, stp-hairpin-mode: true, learning: false, unicast-flood: false, multicast-router: enabled}
    ipv4: {address: [{ip: 192.0.2.5, prefix-length: 24}]}
  - {name: a1, ipv4: {address: []}}
  - {name: b1, state: up}
routes:
  config:
    - {destination: 0.0.0.0/0, next-hop-interface: br0, next-hop-address: 192.0.2.1}
fdb:
  config:
    - {device: b1, mac-address: "02:00:00:00:00:42"}
`},
	{"vxlan", "ip link add a1 type veth peer name a2; ip addr add 192.0.2.1/24 dev a1; ip link set a1 up; ip link set a2 up", `
interfaces:
  - name: vx1
    type: vxlan
    mac-address: 02:00:00:00:01:01
    vxlan: {id: 42, base-iface: a1, local: 192.0.2.1, remote: 192.0.2.2, destination-port: 4789, learning: false, ttl: 9, ageing-time: 60, udp-checksum: false, source-port-range: 5000-6000, tos: 16, df: set}
  - name: vx2
    type: vxlan
    vxlan: {id: 43, local: "2001:db8::1", destination-port: 4790, udp6-zero-checksum-tx: true, l2-miss: true, proxy: true}
fdb:
  config:
    - {device: vx1, mac-address: "00:00:00:00:00:00", remote: 192.0.2.3}
    - {device: vx1, mac-address: "02:00:00:00:00:07", remote: 192.0.2.4, port: 4444, vni: 7}
`},
	{"change a vxlan", "ip link add vx1 type vxlan id 5 dstport 4789 local 192.0.2.1 remote 192.0.2.2; ip link set vx1 up; ip addr add 10.1.1.1/24 dev vx1; ip route add 10.2.0.0/16 via 10.1.1.2; bridge fdb append 00:00:00:00:00:00 dev vx1 dst 192.0.2.9", `
interfaces:
  - name: vx1
    type: vxlan
    vxlan: {remote: 192.0.2.3, learning: false, ageing-time: 10}
`},
	{"make a vxlan anew", "ip link add vx1 type vxlan id 5 dstport 4789 local 192.0.2.1 remote 192.0.2.2; ip link set vx1 up; ip addr add 10.1.1.1/24 dev vx1; ip route add 10.2.0.0/16 via 10.1.1.2; ip neigh add 10.1.1.7 lladdr 02:00:00:00:00:01 dev vx1 nud permanent", `
interfaces:
  - name: vx1
    type: vxlan
    vxlan: {id: 6}
`},
	{"macvlan and macvtap", "ip link add a1 type veth peer name a2; ip link set a1 up", `
interfaces:
  - {name: mv0, type: mac-vlan, mac-vlan: {base-iface: a1, mode: bridge}, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}]}}
  - {name: mv1, type: mac-vlan, mtu: 1400, mac-vlan: {base-iface: a1, mode: source, source-mac-addresses: ["02:00:00:00:00:01", "02:00:00:00:00:02"]}}
  - {name: mt0, type: mac-vtap, state: down, mac-vtap: {base-iface: a1, mode: vepa}}
`},
	{"macvlan mode", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link add mv0 link a1 type macvlan mode bridge; ip link set mv0 up; ip addr add 192.0.2.1/24 dev mv0", `
interfaces:
  - {name: mv0, mac-vlan: {mode: private, broadcast-queue-length: 2000}}
  - {name: a1, mtu: 1400}
`},
	{"macvlan passthru", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link add mv0 link a1 type macvlan mode bridge; ip link set mv0 up; ip addr add 192.0.2.1/24 dev mv0", `
interfaces:
  - {name: mv0, mac-vlan: {mode: passthru, promiscuous: false}}
`},
	{"tun, tap and ifb", "", `
interfaces:
  - {name: tap0, type: tap, tun: {owner: 1234, group: 55, multi-queue: true}, mtu: 1400}
  - {name: tun0, type: tun, state: down, tun: {packet-information: true}}
  - {name: tap1, type: tun, tun: {mode: tap, vnet-header: true}}
  - {name: ifb9, type: ifb, txqueuelen: 64}
`},
	{"change a tap", "ip tuntap add tap0 mode tap user 5; ip link set tap0 up", `
interfaces:
  - {name: tap0, type: tap, tun: {owner: 6, group: 7}, mtu: 1300, multicast: false}
`},
	{"link down", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link set a2 up; ip addr add 192.0.2.1/24 dev a1; ip addr add 192.0.2.2/24 dev a1; ip -6 addr add 2001:db8::1/64 dev a1; ip route add 10.0.0.0/8 via 192.0.2.9 src 192.0.2.2 metric 7; ip -6 route add 2001:db8:5::/48 via 2001:db8::9; ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:01 dev a1 nud permanent; ip neigh add proxy 192.0.2.8 dev a1", `
interfaces:
  - {name: a1, state: down}
`},
	{"link absent", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link set a2 up; ip addr add 192.0.2.1/24 dev a1; ip addr add 192.0.2.2/24 dev a1; ip -6 addr add 2001:db8::1/64 dev a1; ip link add br0 type bridge; ip link set a2 master br0; ip link set br0 up; ip link set a2 type bridge_slave cost 9; ip route add 10.0.0.0/8 via 192.0.2.9 src 192.0.2.2 metric 7; ip -6 route add 2001:db8:5::/48 via 2001:db8::9; ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:01 dev a1 nud permanent; ip link add mv0 link a1 type macvlan mode bridge; ip addr add 10.7.0.1/24 dev mv0; bridge fdb add 02:00:00:00:00:42 dev a2 master static; sysctl -qw net.ipv4.conf.a1.rp_filter=2", `
interfaces:
  - {name: a1, state: absent}
`},
	{"bridge absent", "ip link add br0 type bridge; ip link set br0 address 02:00:00:00:00:55; ip link add a1 type veth peer name a2; ip link set a1 master br0; ip link set a1 up; ip link set a2 up; ip link set br0 up; ip addr add 192.0.2.1/24 dev br0; ip link set br0 type bridge forward_delay 400 ageing_time 1000; ip link set a1 type bridge_slave priority 3; bridge fdb add 02:00:00:00:00:42 dev a1 master static; ip route add 10.0.0.0/8 via 192.0.2.9", `
interfaces:
  - {name: br0, state: absent}
`},
	{"move the primary address", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link set a2 up; ip addr add 192.0.2.1/24 dev a1; ip addr add 192.0.2.2/24 dev a1; ip addr add 192.0.2.9/24 dev a1; ip addr add 192.0.2.3/24 dev a1; ip route add 10.0.0.0/8 via 192.0.2.90 src 192.0.2.1", `
interfaces:
  - name: a1
    ipv4: {address: [{ip: 192.0.2.2, prefix-length: 24}, {ip: 192.0.2.4, prefix-length: 24}]}
`},
	{"move the primary address, promoting", "sysctl -qw net.ipv4.conf.all.promote_secondaries=1; ip link add a1 type veth peer name a2; ip link set a1 up; ip link set a2 up; ip addr add 192.0.2.1/24 dev a1; ip addr add 192.0.2.2/24 dev a1; ip addr add 192.0.2.9/24 dev a1; ip addr add 192.0.2.3/24 dev a1; ip route add 10.0.0.0/8 via 192.0.2.90 src 192.0.2.1", `
interfaces:
  - name: a1
    ipv4: {address: [{ip: 192.0.2.2, prefix-length: 24}, {ip: 192.0.2.4, prefix-length: 24}]}
`},
	{"no address at all", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link set a2 up; ip addr add 192.0.2.1/24 dev a1; ip -6 addr add 2001:db8::1/64 dev a1; ip route add 10.0.0.0/8 dev a1; ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:01 dev a1 nud permanent", `
interfaces:
  - {name: a1, ipv4: {enabled: false}, ipv6: {enabled: false}}
`},
	{"change addresses", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link set a2 up; ip addr add 192.0.2.1/24 brd + dev a1; ip -6 addr add 2001:db8::1/64 dev a1; ip -6 addr add 2001:db8::2/64 dev a1 preferred_lft 0", `
interfaces:
  - name: a1
    ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24, valid-life-time: 3600sec, metric: 50}]}
    ipv6: {address: [{ip: "2001:db8::1", prefix-length: 64, flags: [noprefixroute]}, {ip: "2001:db8::2", prefix-length: 64}]}
`},
	{"routes and rules change", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link set a2 up; ip addr add 192.0.2.1/24 dev a1; ip route add 10.0.0.0/8 via 192.0.2.9; ip route add 10.1.0.0/16 via 192.0.2.9 metric 5 mtu 1200; ip route add unreachable 10.2.0.0/16 table 77; ip rule add from 10.0.0.1 table 77 pref 500; ip -6 addr add 2001:db8::1/64 dev a1; ip -6 route add 2001:db8:5::/48 nexthop via 2001:db8::9 nexthop via 2001:db8::8 weight 3", `
routes:
  config:
    - {destination: 10.0.0.0/8, next-hop-address: 192.0.2.8}
    - {destination: 10.1.0.0/16, state: absent}
    - {table-id: 77, state: absent}
    - {destination: "2001:db8:5::/48", next-hop-address: "2001:db8::7"}
route-rules:
  config:
    - {route-table: 77, state: absent}
    - {ip-to: 10.0.0.0/8, iif: a1, action: prohibit, priority: 600}
    - {family: ipv4, ip-proto: tcp, destination-ports: 80-90, uid-range: 10-20, route-table: main, suppress-prefix-length: 0, priority: 601}
`},
	// A kernel with VLAN filtering has such entries in every VLAN of the port, but
	// for VLANs that came later.
	{"forwarding entries in the VLANs of a port", "ip link add br0 type bridge; ip link add a1 type veth peer name a2; ip link set a1 master br0; bridge fdb add 02:00:00:00:00:42 dev a1 master static; bridge fdb add 02:00:00:00:00:44 dev a1 master static; bridge vlan add vid 20 dev a1 2>/dev/null || true; bridge fdb add 02:00:00:00:00:45 dev a1 vlan 20 master static 2>/dev/null || true", `
fdb:
  - {device: a1, mac-address: "02:00:00:00:00:42", state: absent}
  - {device: a1, mac-address: "02:00:00:00:00:43"}
  - {device: a1, mac-address: "02:00:00:00:00:44", sticky: true}
  - {device: a1, mac-address: "02:00:00:00:00:45"}
`},
	{"port changes its bridge", "ip link add br0 type bridge; ip link add br1 type bridge; ip link add a1 type veth peer name a2; ip link set a1 master br0; ip link set br0 up; ip link set br1 up; ip link set a1 up; ip link set a1 type bridge_slave cost 33 isolated on", `
interfaces:
  - {name: br0, bridge: {port: []}}
  - {name: br1, bridge: {port: [{name: a1, stp-priority: 7}]}}
`},
	{"hardware address", "ip link add a1 type veth peer name a2; ip link set a1 up; ip link set a2 up; ip addr add 192.0.2.1/24 dev a1; ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:01 dev a1 nud permanent", `
interfaces:
  - {name: a1, mac-address: "02:00:00:00:00:aa", arp: false, allmulticast: true, accept-all-mac-addresses: true, group: 3}
`},
	{"sysctls", "ip link add a1 type veth peer name a2; sysctl -qw net.ipv4.conf.a1.forwarding=1", `
interfaces:
  - name: a1
    state: up
    sysctl: {ipv4.rp_filter: 2, ipv6.accept_ra: 0}
sysctl:
  net.ipv4.ip_forward: 1
  net.ipv6.conf.all.forwarding: 1
  net.ipv4.tcp_rmem: 4096 131072 6291456
`},
	{"every bridge option", "ip link add br0 type bridge; ip link set br0 up", `
interfaces:
  - name: br0
    bridge:
      options:
        multicast-router: disabled
        multicast-querier: true
        multicast-query-use-ifaddr: true
        multicast-igmp-version: 3
        multicast-mld-version: 2
        multicast-last-member-count: 3
        multicast-startup-query-count: 4
        multicast-last-member-interval: 150
        multicast-membership-interval: 25000
        multicast-querier-interval: 25000
        multicast-query-response-interval: 900
        multicast-startup-query-interval: 3000
        multicast-stats: true
        group-addr: 01:80:c2:00:00:07
`},
	{"every port option", "ip link add br0 type bridge; ip link add a1 type veth peer name a2; ip link add b1 type veth peer name b2; ip link set a1 master br0; ip link set b1 master br0; ip link set br0 up; ip link set a1 up", `
interfaces:
  - name: a1
    bridge-port:
      bpdu-guard: true
      root-block: true
      multicast-fast-leave: true
      multicast-flood: false
      broadcast-flood: false
      multicast-to-unicast: true
      proxy-arp: true
      proxy-arp-wifi: true
      group-fwd-mask: 16
      neighbor-suppress: true
      vlan-tunnel: true
      locked: true
      backup-port: b1
`},
}

// settled is what iproute2 shows once it no longer changes by itself: the kernel
// has told of every carrier, and no address is being probed for.
func (k *kernel) settled() []string {
	k.t.Helper()
	was := k.look(true)
	for deadline := time.Now().Add(settling); time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
		told := k.carriersTold() // asked first, for what it says to hold of the look
		is := k.look(true)
		if told && slices.Equal(was, is) && !strings.Contains(strings.Join(is, ""), "tentative") {
			return is
		}
		was = is
	}
	return was
}

// settling is how long a namespace may take to come to rest: two seconds, where
// the processor is not shared.
const settling = time.Minute

// carriersTold reports whether the kernel has told of the carriers that came
// and went.
func (k *kernel) carriersTold() bool {
	k.t.Helper()
	var links []struct {
		Flags     []string `json:"flags"`
		Operstate string   `json:"operstate"`
	}
	if err := json.Unmarshal([]byte(k.shell("ip -j link")), &links); err != nil {
		k.t.Fatalf("ip -j link: %v", err)
	}
	for _, l := range links {
		if !executortest.CarrierTold(l.Flags, l.Operstate) {
			return false
		}
	}
	return true
}

// lasting is a difference that does not go away while a namespace may settle.
func lasting(diff func() string) string {
	d := diff()
	for deadline := time.Now().Add(settling); d != "" && time.Now().Before(deadline); d = diff() {
		time.Sleep(100 * time.Millisecond)
	}
	return d
}

// TestKernel applies each block on a real kernel, twice, undoes it, and
// compares with what the commands of IP make elsewhere.
func TestKernel(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, other := newKernel(t), newKernel(t)
			if c.before != "" {
				k.shell(c.before)
				other.shell(c.before)
			}
			before := k.settled()
			other.settled() // what a carrier brings depends on when it is told
			change := k.apply(c.block)
			if change.Empty() {
				t.Fatal("nothing to be changed")
			}
			commands := strings.Join(netstate.IP(change), "\n")
			other.shell(commands)
			if strings.Contains(commands, "# ip(8) cannot") {
				t.Log(commands)
			} else if d := lasting(func() string { return cmp.Diff(other.look(false), k.look(false)) }); d != "" {
				t.Errorf("iproute2 (-) makes it otherwise than stet (+):\n%s\n%s", d, strings.Join(netstate.IP(change), "\n"))
			}
			k.undo(change)
			if d := lasting(func() string { return cmp.Diff(before, k.look(true)) }); d != "" {
				t.Errorf("not as before (-):\n%s\n%s", d, netstate.Text(change))
			}
		})
	}
}
