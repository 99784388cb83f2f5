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
	for _, block := range objectSeeds {
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

// objectSeeds are objects beside interfaces and IP routes.
var objectSeeds = []string{
	`interfaces:
  - name: eth0
    traffic-control:
      qdiscs:
        - {kind: htb, parent: root, handle: "1:", default: "30", r2q: 10}
        - {kind: sfq, parent: "1:10", handle: "10:", perturb: 10}
        - {kind: netem, parent: "1:30", handle: "30:", delay: 10ms, loss: 1%}
        - {kind: clsact, parent: ingress}
      classes:
        - {kind: htb, parent: "1:", classid: "1:1", rate: 100mbit}
        - {kind: htb, parent: "1:1", classid: "1:10", rate: 10mbit, ceil: 100mbit, burst: 15k, prio: 1}
        - {kind: htb, parent: "1:1", classid: "1:30", rate: 1mbit}
      filters:
        - {kind: u32, parent: "1:", protocol: ip, prio: 1, match: [ip dst 192.0.2.0/24, u32 0x0a000000 0xff000000 at 12], classid: "1:10"}
        - {kind: flower, parent: ingress, protocol: ip, prio: 2, ip-proto: tcp, dst-port: 80, actions: [{kind: police, rate: 1mbit, burst: 10k}, drop]}
        - {kind: fw, parent: "1:", prio: 3, handle: "5", classid: "1:30"}
        - {kind: matchall, parent: egress, prio: 4, actions: [{kind: mirred, action: redirect, direction: egress, dev: lo}]}
`,
	"interfaces: [{name: eth0, traffic-control: {qdiscs: [], classes: [], filters: []}}, {name: eth1, traffic-control: {qdiscs: [{kind: tbf, parent: root, rate: 1mbit, burst: 32kb, latency: 50ms}]}}]",
	`ipsec-xfrm:
  states:
    - {src: 192.0.2.1, dst: 198.51.100.1, proto: esp, spi: 0x1000, reqid: 1, mode: tunnel, replay-window: 32, aead: {name: rfc4106(gcm(aes)), key: 00112233445566778899aabbccddeeff01020304}}
    - {src: 192.0.2.2, dst: 192.0.2.1, proto: esp, spi: 0x1001, enc: {name: cbc(aes), key: 00112233445566778899aabbccddeeff}, auth: {name: hmac(sha1), key: ffeeddccbbaa99887766554433221100ffeeddcc}, limit: {byte-soft: 9}}
    - {dst: 192.0.2.3, proto: ah, spi: 300, state: absent}
  policies:
    - {dir: out, src: 10.1.0.0/24, dst: 10.2.0.0/24, priority: 100, templates: [{src: 192.0.2.1, dst: 198.51.100.1, proto: esp, mode: tunnel, reqid: 1}]}
    - {dir: in, src: 10.2.0.0/24, dst: 10.1.0.0/24, action: block, templates: []}
  default: {in: block, fwd: accept}
`,
	"dns-resolver: {config: {server: [192.0.2.53, \"fe80::1%eth0\"], search: [example.net], options: [rotate, \"ndots:2\"]}}",
	"dns-resolver: {config: {server: [192.0.2.53], interface: eth0}}",
	"dns-resolver: {config: {}}",
	`interfaces:
  - name: eth0
    ethernet: {auto-negotiation: false, speed: 1000, duplex: full}
    ethtool:
      feature: {tx-checksum-ip-generic: false, rx-gro: true}
      ring: {rx: 512, tx: 512}
      coalesce: {rx-usecs: 5, adaptive-rx: false}
      channels: {combined: 2}
      pause: {autoneg: false, rx: true}
`,
	"namespaces: [{name: blue, loopback: up, nsid: 5}, {name: red, state: absent}]\ninterfaces: [{name: eth1, netns: blue, state: up}, {name: a, type: veth, veth: {peer: b, peer-target: blue}}]",
	"namespaces: [{name: a/b}, {name: blue}, {name: blue, state: absent}]",
	`mpls-routes:
  - {label: 100, next-hop-labels: 200/300, next-hop-interface: eth0, next-hop-address: 192.0.2.2}
  - {label: 101, next-hop-interface: lo, ttl-propagate: false, protocol: bgp}
  - {label: 102, next-hops: [{next-hop-labels: 201, next-hop-interface: eth0, next-hop-address: 192.0.2.2}, {next-hop-interface: eth0, next-hop-address: "2001:db8::2"}]}
  - {label: 20, state: absent}
`,
	`routes:
  config:
    - {destination: 10.80.0.0/16, next-hop-interface: eth0, next-hop-address: 192.0.2.2, encap: mpls 100/200 ttl 5}
    - {destination: 10.81.0.0/16, next-hop-interface: eth0, encap: ip id 5 dst 192.0.2.99 src 192.0.2.1 ttl 7 tos 16 key}
    - {destination: "2001:db8:82::/48", next-hop-interface: eth0, encap: "ip6 id 5 dst 2001:db8:9::9 hoplimit 7"}
    - {destination: "2001:db8:83::/48", next-hop-interface: eth0, encap: "seg6 mode encap segs 2001:db8:9::1,2001:db8:9::2"}
    - {destination: "2001:db8:85::1/128", next-hop-interface: eth0, encap: "seg6local action End.X nh6 2001:db8:1::2"}
`,
	`interfaces: [{name: br0, type: linux-bridge, state: up, bridge: {options: {multicast-igmp-version: 3}, port: [{name: eth0}]}}, {name: vx0, type: vxlan, state: up, vxlan: {id: 9, base-iface: eth1}}]
mdb:
  - {device: br0, port: eth0, group: 239.1.1.1}
  - {device: br0, port: eth0, group: 239.1.1.3, source: 192.0.2.9, state: temp}
  - {device: br0, port: eth0, group: "01:02:03:04:05:06"}
  - {device: br0, port: br0, group: "ff15::1"}
  - {device: br0, port: eth0, group: 239.1.1.4, filter-mode: include, source-list: [192.0.2.9, 192.0.2.10], protocol: bgp}
  - {device: vx0, group: "::", remote: 198.51.100.3}
  - {device: vx0, group: 239.1.1.1, remote: 198.51.100.3, remote-port: 1234, vni: 55, via: eth1}
  - {device: vx0, group: "ff15::2", remote: 198.51.100.3, state: absent}
`,
	`nexthops:
  - {id: 7, next-hop-interface: eth0, next-hop-address: 192.0.2.2, onlink: true}
  - {id: 8, blackhole: true}
  - {id: 9, next-hop-address: "2001:db8::2", next-hop-interface: eth0, encap: mpls 300}
  - {id: 20, group: [{id: 7, weight: 3}, {id: 8}], type: resilient, buckets: 32, idle-timer: 60}
  - {id: 21, state: absent}
routes: {config: [{destination: 10.90.0.0/16, nexthop-id: 7}]}
`,
	"interfaces: [{name: team0, type: team, team: {mode: loadbalance, tx-method: hash, port: [{name: eth0, priority: 5, queue-id: 1}]}}, {name: team1, type: team, team: {mode: activebackup, active-port: eth0}}]",
	"interfaces: [{name: nk0, type: netkit, netkit: {peer: nk1, peer-target: blue, mode: l2, policy: blackhole, peer-policy: forward, scrub: none}}, {name: nk1, netns: blue, type: netkit}]\nnamespaces: [{name: blue}]",
}

// TestSeedsAreBlocks wants seeds that lead somewhere: that can be read, but for
// the one with bad names.
func TestSeedsAreBlocks(t *testing.T) {
	for _, block := range objectSeeds {
		_, problems := Decode(block)
		if bad := strings.Contains(block, "a/b"); bad != (len(problems) > 0) {
			t.Errorf("%+v\n%s", problems, block)
		}
	}
}
