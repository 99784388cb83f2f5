package netstate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
	"stet/executors/transaction"
)

// dice throws what a random state and a random block are made of.
type dice struct{ *rand.Rand }

func (d dice) in(n int) bool { return d.IntN(n) == 0 }

func (d dice) of(list ...string) string { return list[d.IntN(len(list))] }

// commands make a state by the means of iproute2; some of them fail.
func (d dice) commands() string {
	lines := []string{
		"ip link add a0 type veth peer name a1", "ip link add b0 type veth peer name b1", "ip link add br0 type bridge",
		"ip link add br1 type bridge", "ip link add mv0 link " + d.of("a0", "b0") + " type macvlan mode " + d.of("bridge", "private", "vepa", "passthru"),
		"ip link add vx0 type vxlan id 7 dstport 4789 local 192.0.2.1 " + d.of("remote 192.0.2.9", ""), "ip tuntap add tap0 mode tap",
		"ip link add ifb9 type ifb",
	}
	for i := range lines {
		if d.in(4) {
			lines[i] = ""
		}
	}
	link := func() string { return d.of("a0", "a1", "b0", "b1", "br0", "br1", "mv0", "vx0", "tap0") }
	for range 4 + d.IntN(24) {
		lines = append(lines, d.of(
			"ip link set "+link()+" "+d.of("up", "up", "down"), "ip link set "+link()+" mtu "+d.of("1400", "1500", "1200", "9000"),
			"ip link set "+d.of("a1", "b0", "b1", "tap0", "vx0")+" master "+d.of("br0", "br1"),
			"ip link set "+link()+" alias x"+link(), "ip link set "+link()+" address 02:00:00:00:00:0"+strconv.Itoa(d.IntN(9)),
			"ip link set "+d.of("a1", "b1", "tap0")+" type bridge_slave "+d.of("cost 7", "isolated on", "hairpin on", "priority 9", "learning off"),
			"ip link set br0 type bridge "+d.of("stp_state 1", "ageing_time 700", "forward_delay 400", "mcast_snooping 0", "priority 9"),
			"ip addr add "+d.of("192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24", "10.5.0.1/16 brd +", "10.9.9.9/32", "10.7.0.1 peer 10.7.0.2/32", "192.0.2.1/25 scope link")+" dev "+link(),
			"ip addr add 2001:db8::"+strconv.Itoa(1+d.IntN(3))+"/64 dev "+link()+" "+d.of("nodad", "noprefixroute", "preferred_lft 0", "valid_lft 3600 preferred_lft 1800"),
			"ip route add "+d.of("10.0.0.0/8", "10.1.0.0/16", "default")+" "+d.of("via 192.0.2.9", "dev "+link(), "via 192.0.2.9 metric 7 mtu 1300", "via 10.7.0.2", "nexthop via 192.0.2.8 nexthop via 192.0.2.9 weight 3", "via 192.0.2.9 src 192.0.2.2"),
			"ip route add "+d.of("blackhole 10.66.0.0/16", "unreachable 10.67.0.0/16 metric 5", "prohibit 10.68.0.0/16 table 5"),
			"ip -6 route add "+d.of("2001:db8:1::/48", "default")+" "+d.of("via 2001:db8::9", "dev "+link(), "via 2001:db8::9 metric 5"),
			"ip rule add from 10.0.0.0/8 table "+d.of("5", "6")+" pref "+d.of("100", "200"),
			"ip neigh add "+d.of("192.0.2.50", "10.5.0.7", "2001:db8::50")+" lladdr 02:00:00:00:00:50 dev "+link()+" nud permanent",
			"ip neigh add proxy 192.0.2.60 dev "+link(),
			"bridge fdb add 02:00:00:00:00:42 dev "+d.of("a1", "b1", "tap0")+" master static", "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.77",
			"sysctl -qw net.ipv4.conf."+link()+".rp_filter=2", "sysctl -qw net.ipv6.conf."+link()+".disable_ipv6=1",
			"sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv4.conf.all.promote_secondaries=1", "sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1",
		))
	}
	return strings.Join(lines, "\n")
}

// block is a netconfig block, which may contradict the state.
func (d dice) block() string {
	var b strings.Builder
	b.WriteString("interfaces:\n")
	names := []string{"a0", "a1", "b0", "b1", "br0", "br1", "mv0", "vx0", "tap0", "n0", "n1", "ifb9"}
	d.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names[:1+d.IntN(5)] {
		b.WriteString("  - {name: " + name)
		d.attributes(&b, name)
		b.WriteString("}\n")
	}
	if d.in(3) {
		b.WriteString("routes:\n  config:\n")
		for range 1 + d.IntN(3) {
			b.WriteString("    - {" + d.of("destination: 10.0.0.0/8, next-hop-address: 192.0.2.9", "destination: 10.1.0.0/16, next-hop-interface: a0", "destination: 0.0.0.0/0, next-hop-address: 192.0.2.8, metric: 7",
				"destination: 10.0.0.0/8, state: absent", "next-hop-interface: a0, state: absent", "destination: 10.66.0.0/16, route-type: unreachable", "destination: '2001:db8:1::/48', next-hop-address: '2001:db8::7'") + "}\n")
		}
	}
	if d.in(4) {
		b.WriteString("route-rules: {config: [{" + d.of("ip-from: 10.0.0.0/8, route-table: 5, priority: 100", "ip-from: 10.0.0.0/8, route-table: 6, priority: 300", "route-table: 5, state: absent") + "}]}\n")
	}
	if d.in(5) {
		b.WriteString("neighbors: [{device: a0, ip: 192.0.2.50, " + d.of("mac-address: '02:00:00:00:00:51'", "state: absent") + "}]\n")
	}
	if d.in(5) {
		b.WriteString("fdb: [{device: a1, mac-address: '02:00:00:00:00:42'" + d.of("", ", state: absent", ", owner: self") + "}]\n")
	}
	if d.in(4) {
		b.WriteString("sysctl: {" + d.of("net.ipv4.ip_forward: 1", "net.ipv4.ip_forward: 0", "net.ipv6.conf.all.forwarding: 1", "net.ipv6.conf.all.disable_ipv6: 1", "net.ipv4.conf.all.promote_secondaries: 1") + "}\n")
	}
	return b.String()
}

func (d dice) attributes(b *strings.Builder, name string) {
	add := func(chance int, text ...string) {
		if d.in(chance) {
			b.WriteString(", " + d.of(text...))
		}
	}
	if d.in(7) {
		b.WriteString(", state: absent")
		return
	}
	switch name {
	case "n0":
		b.WriteString(", type: veth, veth: {peer: n1}")
	case "br0", "br1":
		add(2, "type: linux-bridge")
		add(2, "bridge: {port: [{name: a1}]}", "bridge: {port: [{name: a1, stp-path-cost: 9}, {name: tap0}]}", "bridge: {port: []}", "bridge: {options: {mac-ageing-time: 30, stp: {enabled: true, forward-delay: 5}}}")
	case "mv0":
		add(2, "type: mac-vlan, mac-vlan: {base-iface: a0, mode: private}", "mac-vlan: {mode: passthru}", "mac-vlan: {mode: bridge}")
	case "vx0":
		add(2, "type: vxlan, vxlan: {id: 7}", "vxlan: {id: 8}", "vxlan: {remote: 192.0.2.10}", "vxlan: {learning: false}", "vxlan: {remote: '2001:db8::9', local: '2001:db8::1'}")
	case "tap0":
		add(2, "type: tap, tun: {owner: 4}", "tun: {mode: tun}")
	case "ifb9":
		add(1, "type: ifb")
	}
	add(3, "state: up", "state: down")
	add(4, "mtu: 1400", "mtu: 1280", "mtu: 1000", "mtu: 1500")
	add(5, "mac-address: '02:00:00:00:00:aa'")
	add(6, "alias: text", "alias: ''", "txqueuelen: 50", "arp: false", "multicast: false", "group: 4")
	if name != "br0" && name != "br1" {
		add(8, "controller: br0", "controller: ''")
	}
	add(3, "ipv4: {address: []}", "ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}]}", "ipv4: {address: [{ip: 192.0.2.3, prefix-length: 24}, {ip: 192.0.2.1, prefix-length: 24}, {ip: 10.5.0.1, prefix-length: 16}]}",
		"ipv4: {enabled: false}", "ipv4: {address: [{ip: 10.7.0.1, prefix-length: 32, peer: 10.7.0.2}, {ip: 192.0.2.2, prefix-length: 24, valid-life-time: 3600sec, preferred-life-time: 60sec}]}")
	add(3, "ipv6: {enabled: false}", "ipv6: {address: [{ip: '2001:db8::1', prefix-length: 64}]}", "ipv6: {enabled: true, address: [{ip: '2001:db8::1', prefix-length: 64, flags: [nodad]}, {ip: '2001:db8::2', prefix-length: 64}]}", "ipv6: {address: []}")
	add(6, "sysctl: {ipv4.rp_filter: 1}", "sysctl: {ipv4.forwarding: 0, ipv6.forwarding: 1}")
}

// TestRandom applies random blocks to random states: what is planned holds, or
// is undone when the kernel refuses a part; the same again is no change; and
// undoing leads back. STET_RANDOM=SEED,COUNT throws other dice.
func TestRandom(t *testing.T) {
	seed, count := uint64(1), 25
	if v := os.Getenv("STET_RANDOM"); v != "" {
		if _, err := fmt.Sscanf(v, "%d,%d", &seed, &count); err != nil {
			t.Fatal(err)
		}
	}
	for n := range count {
		s := seed + uint64(n)
		t.Run(strconv.FormatUint(s, 10), func(t *testing.T) {
			t.Parallel()
			random(t, dice{rand.New(rand.NewPCG(s, 7))})
		})
	}
}

// batches has one process do commands of one program that stand together.
func batches(commands string) string {
	var b strings.Builder
	last := ""
	for line := range strings.SplitSeq(commands, "\n") {
		program, rest, _ := strings.Cut(line, " ")
		if four, isSix := strings.CutPrefix(rest, "-6 "); isSix {
			program, rest = program+" -6", four
		}
		batched := strings.HasPrefix(program, "ip") || program == "bridge"
		if last != "" && program != last {
			b.WriteString("END\n")
			last = ""
		}
		switch {
		case line == "":
		case !batched:
			b.WriteString(line + "\n")
		case last == "":
			fmt.Fprintf(&b, "%s -force -batch - <<'END'\n%s\n", program, rest)
			last = program
		default:
			b.WriteString(rest + "\n")
		}
	}
	if last != "" {
		b.WriteString("END\n")
	}
	return b.String()
}

func random(t *testing.T, d dice) {
	k := newKernel(t)
	commands, block := d.commands(), ""
	k.shell("set +e; exec 2>/dev/null\n" + batches(commands) + "\ntrue")
	k.settled()
	defer func() {
		if t.Failed() {
			t.Logf("%s\n\n%s", strings.Join(slices.DeleteFunc(strings.Split(commands, "\n"), func(l string) bool { return l == "" }), "\n"), block)
		}
	}()
	var config *netstate.Config
	var from, to *netstate.State
	for throws := 0; to == nil; throws++ { // until one asks for nothing impossible
		if throws == 100 {
			t.Fatal("no block of a hundred can be applied")
		}
		block = d.block()
		var problems []netstate.Problem
		if config, problems = netyaml.Decode(block); len(problems) > 0 {
			t.Fatalf("%+v", problems)
		}
		from = k.observe(config.Query())
		if to, _, problems = netstate.Simulate(from, config); len(problems) > 0 {
			to = nil
		}
	}
	before := k.still()
	c := netstate.Diff(from, to)
	r, err := transaction.Apply(context.Background(), k.Namespace, c)
	var refused *executors.EditError
	switch {
	case errors.As(err, &refused):
		t.Logf("refused: %v (%s)", refused.Message, refused.Edit)
		if !r.Undone {
			t.Errorf("not undone: %+v", r)
		}
	case err != nil || !r.OK():
		t.Errorf("%v %+v\n%s", err, r, netstate.Text(c))
	default:
		if again := k.plan(block); !again.Empty() {
			t.Errorf("the same again changes:\n%s\nat first:\n%s", netstate.Text(again), netstate.Text(c))
		}
	}
	if r, err := transaction.Undo(context.Background(), k.Namespace, c); err != nil || !r.Undone {
		t.Errorf("undoing: %v %+v\n%s", err, r, netstate.Text(c))
	}
	if diff := lasting(func() string { return cmp.Diff(before, k.still()) }); diff != "" {
		t.Errorf("not as before (-):\n%s\n%s", diff, netstate.Text(c))
	}
}

// byCarrier is what the kernel makes when a link gets its carrier for the first
// time, and does not take back with it.
var byCarrier = regexp.MustCompile(`,?\{"family":"inet6","local":"fe80[^}]*\}|"tentative":true,|,"tentative":true`)

// sorted6 sorts the IPv6 addresses of a line of "ip addr": one that is put back
// comes before those that stayed.
func sorted6(t *testing.T, line string) string {
	name, text, _ := strings.Cut(line, ": ")
	if name != "ip -d -j addr" {
		return line
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if list, ok := object["addr_info"].([]any); ok {
		slices.SortStableFunc(list, func(a, b any) int {
			x, y := a.(map[string]any), b.(map[string]any)
			if x["family"] != "inet6" || y["family"] != "inet6" {
				return 0
			}
			return strings.Compare(fmt.Sprint(x["local"]), fmt.Sprint(y["local"]))
		})
	}
	b, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return name + ": " + string(b)
}

// still is what iproute2 shows, without what the kernel makes by the carrier.
func (k *kernel) still() []string {
	t := k.t
	var lines []string
	for _, l := range k.look(true) {
		own := strings.Contains(l, "-6 route") && strings.Contains(l, `"table":"local"`)
		if own || strings.Contains(l, `"dst":"fe80:`) || strings.Contains(l, `"dst":"ff00::/8"`) {
			continue
		}
		lines = append(lines, sorted6(t, byCarrier.ReplaceAllString(l, "")))
	}
	slices.Sort(lines)
	return lines
}
