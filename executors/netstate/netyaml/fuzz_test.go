package netyaml

import (
	"math/rand/v2"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
)

// FuzzDecode reads any text as a block and, where it is one, plans it on a
// generated state: faults have a place and a remedy, and what is planned holds,
// is no change the second time, and leads back.
func FuzzDecode(f *testing.F) {
	for _, k := range netstate.Kinds() {
		f.Add(netdoc.Of(k.Name).Example, uint64(1))
	}
	for seed := range uint64(20) {
		f.Add(Encode(generate(rand.New(rand.NewPCG(seed, 3)))), seed)
	}
	for _, block := range []string{
		"", "interfaces:", "interfaces: 3", "- a", "interfaces: [{name: eth0, state: absent}, {name: eth0}]",
		"interfaces:\n  - name: eth1\n    ipv4: {enabled: false}\n    ipv6: {enabled: false}\n    mtu: 1000\n",
		"interfaces: [{name: br0, type: linux-bridge, bridge: {port: [{name: eth1}, {name: br0}]}}, {name: eth1, controller: br1}]",
		"interfaces: [{name: mv0, type: mac-vlan, mac-vlan: {base-iface: mv1, mode: bridge}}, {name: mv1, type: mac-vlan, mac-vlan: {base-iface: mv0, mode: bridge}}]",
		"interfaces: [{name: a, type: veth, veth: {peer: b, peer-target: t}}, {name: c, netns: t, type: ifb}]",
		"routes: {config: [{destination: 0.0.0.0/0, next-hop-address: 192.0.2.1, weight: 1}, {destination: 0.0.0.0/0, next-hop-address: 192.0.2.2, weight: 2}, {state: absent, table-id: 5}]}",
		"route-rules: {config: [{family: ipv4, priority: 5, action: blackhole}, {state: absent, priority: 0}]}",
		"neighbors: [{device: eth0, ip: 192.0.2.1, proxy: true}]\nfdb: [{device: eth0, mac-address: '02:00:00:00:00:01'}]",
		"sysctl: {net.ipv4.ip_forward: 1, net.ipv6.conf.all.disable_ipv6: 1, net.ipv4.conf.eth0.rp_filter: 2}",
	} {
		f.Add(block, uint64(2))
	}
	f.Fuzz(func(t *testing.T, body string, seed uint64) {
		c, problems := Decode(body)
		described(t, problems, body)
		if len(problems) > 0 {
			return
		}
		s := generate(rand.New(rand.NewPCG(seed, 4)))
		to, _, problems := netstate.Simulate(s, c)
		described(t, problems, body)
		if len(problems) > 0 {
			return
		}
		c.Query()
		change := netstate.Diff(s, to)
		netstate.IP(change)
		text := netstate.Text(change)
		if change.Empty() != (text == "") || strings.Contains(text, "\x00") {
			t.Errorf("%d edits, but the text is %q", len(change.Edits), text)
		}
		leadsBack(t, s, to, change, c)
		asDecoded(t, body, c)
	})
}

func described(t *testing.T, problems []netstate.Problem, body string) {
	t.Helper()
	lines := strings.Count(body, "\n") + strings.Count(body, "\r") + 1
	for _, p := range problems {
		if p.Pos.Line < 1 || p.Pos.Line > lines || p.Pos.Column < 1 || p.Summary == "" || p.Code == "" {
			t.Errorf("a fault without place, words or code: %+v", p)
		}
	}
}

func leadsBack(t *testing.T, s, to *netstate.State, change *netstate.Change, c *netstate.Config) {
	t.Helper()
	reached := netstate.Predict(s, change)
	if d := netstate.Diff(reached, to); !d.Empty() {
		t.Errorf("after the edits this is missing:\n%s\nof\n%s", netstate.Text(d), netstate.Text(change))
	}
	if found := netstate.Verify(change, reached); len(found) > 0 {
		t.Errorf("verify: %+v\n%s", found, netstate.Text(change))
	}
	next, _, problems := netstate.Simulate(reached, c)
	if len(problems) > 0 {
		t.Errorf("the second time: %+v\n%s", problems, netstate.Text(change))
	} else if again := netstate.Diff(reached, next); !again.Empty() {
		t.Errorf("the same again changes:\n%s\nfirst:\n%s", netstate.Text(again), netstate.Text(change))
	}
	undo := netstate.Undo(change, reached)
	if found := netstate.VerifyUndone(change, netstate.Predict(reached, undo)); len(found) > 0 {
		t.Errorf("undone: %+v\nchange:\n%s\nundo:\n%s", found, netstate.Text(change), netstate.Text(undo))
	}
}
