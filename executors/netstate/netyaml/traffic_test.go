package netyaml

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// entryOf decodes one entry of a list of traffic-control.
func entryOf(t *testing.T, list, entry string) (*netstate.TCEntry, []netstate.Problem) {
	t.Helper()
	config, problems := Decode("interfaces:\n- name: x0\n  traffic-control:\n    " + list + ":\n    - " + entry + "\n")
	if len(problems) > 0 {
		return nil, problems
	}
	tc := config.Interfaces[0].Traffic
	for _, l := range []*[]netstate.TCEntryConfig{tc.Qdiscs, tc.Classes, tc.Filters} {
		if l != nil {
			return &(*l)[0].Entry, nil
		}
	}
	t.Fatal("there is no entry")
	return nil, nil
}

// TestTrafficValues has what tc(8) makes of values: what its own options show
// afterwards, compared in testdata/traffic of package linux.
func TestTrafficValues(t *testing.T) {
	u32 := func(match string) string { return `{kind: u32, parent: "1:", prio: 1, match: [` + match + `]}` }
	flower := func(protocol, options string) string {
		return `{kind: flower, parent: ingress, prio: 1, protocol: ` + protocol + `, ` + options + `}`
	}
	for _, c := range []struct{ list, entry, want string }{
		{"filters", u32("u32 10 ff at 0"), "match=u32 0x0000000a 0x000000ff at 0"},
		{"filters", u32("u8 010 ff at 9"), "match=u32 0x00080000 0x00ff0000 at 8"},
		{"filters", u32("u16 0x10 ffff"), "match=u32 0x00100000 0xffff0000 at 0"},
		{"filters", u32("ip tos 10 ff"), "match=u32 0x000a0000 0x00ff0000 at 0"},
		{"filters", u32("ip nofrag, ip df"), "match=u32 0x00004000 0x00007fff at 4"},
		{"filters", u32("ip6 priority 0x10 ff, ip6 flowlabel 0x12345 fffff"), "match=u32 0x01012345 0x0fffffff at 0"},
		{"filters", u32(`"ether dst 02:00:00:00:00:03"`), "match=u32 0x00000200 0x0000ffff at -16; u32 0x00000003 0xffffffff at -12"},
		{"filters", u32("ip src any, ip dst 10.0.0.0/255.0.0.0"), "match=u32 0x00000000 0x00000000 at 12; u32 0x0a000000 0xff000000 at 16"},
		{"filters", u32("mark 16 f0"), "match=mark 0x00000010 0x000000f0"},
		{"filters", flower("ip", "ip-proto: tcp, tcp-flags: 12/12"), "ip-proto=6 tcp-flags=0x12/0x12"},
		{"filters", flower("ip", "ip-tos: 28, ip-ttl: 0x1a/0xf"), "ip-tos=0x1c ip-ttl=10/0xf"},
		{"filters", flower("ip", "ip-proto: udp, src-port: 1000/0xff00, dst-port: 100-200"), "dst-port=100-200 ip-proto=17 src-port=768/0xff00"},
		{"filters", flower("arp", `arp-op: reply, arp-sha: "02:00:00:00:00:01/24"`), "arp-op=2 arp-sha=02:00:00:00:00:00/24"},
		{"filters", flower("ip", `src-mac: "02:00:00:00:00:01/ff:ff:ff:00:00:00"`), "src-mac=02:00:00:00:00:00/24"},
		{"filters", flower("ip", "ip-flags: nofirstfrag/frag"), "ip-flags=frag/nofirstfrag"},
		{"qdiscs", "{kind: netem, loss-gemodel: 1%}", "loss-gemodel=1% 99% 100% 0%"},
		{"qdiscs", "{kind: netem, loss-state: [2%, 3%]}", "loss-state=2% 3% 0% 100% 0%"},
		{"qdiscs", "{kind: netem, slot: 800us}", "slot=800us slot-max=800us"},
		{"qdiscs", "{kind: netem, delay: 100}", "delay=100us"},
		{"qdiscs", "{kind: sfq, quantum: 3k}", "quantum=3072"},
		{"qdiscs", "{kind: sfq, max: 60000, probability: 2.50e-2}", "max=60000 probability=0.025"},
		{"qdiscs", "{kind: fq, weights: [600000, 16384, 2147483647]}", "weights=600000 16384 2147483647"},
		{"qdiscs", "{kind: fq_codel, ce-threshold: 4ms, ce-threshold-selector: 1/3}", "ce-threshold=4ms ce-threshold-selector=0x1/0x3"},
	} {
		e, problems := entryOf(t, c.list, c.entry)
		if len(problems) > 0 {
			t.Errorf("%s: %v", c.entry, problems)
			continue
		}
		var got []string
		for _, key := range slices.Sorted(maps.Keys(e.Options)) {
			got = append(got, key+"="+e.Options[key])
		}
		want := strings.Fields(c.want)
		slices.Sort(want)
		if text := strings.Join(got, " "); text != c.want && !slices.Equal(slices.Sorted(slices.Values(strings.Fields(text))), want) {
			t.Errorf("%s: %s, want %s", c.entry, text, c.want)
		}
	}
}

// TestTrafficFaults has values that no kernel or tc(8) takes, or that both would
// understand otherwise, with where the fault is.
func TestTrafficFaults(t *testing.T) {
	for _, c := range []struct{ list, entry, at, want string }{
		{"classes", `{classid: 1:10, parent: "1:", rate: 50%}`, "50%", "a share of the link's speed"},
		{"qdiscs", "{kind: tbf, rate: 1mbit, burst: 0, latency: 1ms}", "0, latency", "lets nothing pass"},
		{"qdiscs", "{kind: tbf, rate: 1mbit, burst: 1k, latency: 1ms, overhead: 65536}", "65536", "no number from 0 to 65535"},
		{"qdiscs", "{kind: fq, timer-slack: 100}", "100", "nanoseconds for tc(8)"},
		{"qdiscs", "{kind: fq, priomap: [3, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]}", "[3, 2", "not sixteen numbers from 0 to 2"},
		{"qdiscs", "{kind: prio, priomap: [1, 2]}", "[1, 2", "not sixteen numbers from 0 to 15"},
		{"qdiscs", "{kind: fq, weights: 589824 196608}", "589824 196608", "not three numbers from 16384"},
		{"qdiscs", "{kind: fq, weights: [16383, 20000, 20000]}", "[16383", "not three numbers from 16384"},
		{"qdiscs", "{kind: sfq, ecn: true}", "true", "`ecn` needs `redflowlimit` or `max`"},
		{"qdiscs", "{kind: sfq, min: 9000}", "9000", "`min` needs `redflowlimit` or `max`"},
		{"qdiscs", "{kind: sfq, min: 9000, redflowlimit: 36000}", "9000, redflowlimit", "`min` is 9000, and `max` 9000"},
		{"qdiscs", "{kind: sfq, max: 9001, redflowlimit: 9000}", "9001", "`max` is 9001, and `redflowlimit` 9000"},
		{"qdiscs", "{kind: sfq, max: 1500}", "1500", "no average can be made from `min` 500 to `max` 1500"},
		{"qdiscs", "{kind: sfq, max: 1073741823}", "1073741823", "no average can be made"},
		{"qdiscs", "{kind: sfq, max: 60000, probability: 2%}", "2%", "no number between 0 and 1"},
		{"qdiscs", "{kind: sfq, max: 60000, probability: 1}", "1}", "no number between 0 and 1"},
		{"qdiscs", "{kind: netem, slot: 800}", "800", "nanoseconds for tc(8)"},
		{"qdiscs", "{kind: netem, slot: 2ms, slot-max: 1ms}", "1ms", "less than `slot`"},
		{"qdiscs", "{kind: netem, slot-packets: 3}", "3", "needs `slot`"},
		{"qdiscs", "{kind: netem, loss: 1%, loss-state: 1%}", "1%}", "another model of loss"},
		{"qdiscs", "{kind: netem, loss-state: [1%, 101%]}", "[1%", "not one to 5 percentages"},
		{"qdiscs", "{kind: netem, packet-overhead: -2147483649}", "-2147483649", "no number from -2147483648"},
		{"qdiscs", "{kind: fq_codel, ce-threshold-selector: 1/3}", "1/3", "needs `ce-threshold`"},
		{"filters", `{kind: u32, parent: "1:", prio: 1, match: tcp dst 80 ffff}`, "tcp", "none of ip, ip6, ether, mark"},
		{"filters", `{kind: u32, parent: "1:", prio: 1, match: u32 0x100000000 ff}`, "u32 0x", "no number of 32 bits"},
		{"filters", `{kind: u32, parent: "1:", prio: 1, match: ip dst 10.0.0.0/255.0.255.0}`, "ip dst", "no network"},
		{"filters", "{kind: flower, parent: ingress, protocol: ip, prio: 1, icmp-type: 8}", "8}", "needs `ip-proto: icmp`"},
		{"filters", "{kind: flower, parent: ingress, protocol: ip, prio: 1, ip-proto: udp, dst-port: 200-100}", "200-", "no port"},
		{"filters", "{kind: flower, parent: ingress, protocol: ip, prio: 1, tcp-flags: 0x1000}", "0x1000", "no number of 12 bits"},
		{"filters", "{kind: flower, parent: ingress, protocol: 802.1q, prio: 1, cvlan-id: 5}", "5}", "needs `vlan-ethtype: 802.1q`"},
		{"filters", "{kind: matchall, parent: ingress, prio: 1, actions: [{kind: police, rate: 1mbit, burst: 1k, mtu: 255}]}", "255", "less than 256b"},
	} {
		_, problems := entryOf(t, c.list, c.entry)
		if len(problems) != 1 {
			t.Errorf("%s: %d problems: %v", c.entry, len(problems), problems)
			continue
		}
		column := len("    - ") + strings.LastIndex(c.entry, c.at) + 1
		if p := problems[0]; p.Pos.Line != 5 || p.Pos.Column != column || !strings.Contains(p.Summary, c.want) {
			t.Errorf("%s: %s, want 5:%d … %s", c.entry, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Column, p.Summary), column, c.want)
		}
	}
}
