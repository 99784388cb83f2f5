package netyaml

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
)

// generate makes a state as a kernel could have it.
func generate(r *rand.Rand) *netstate.State {
	g := &generator{r: r, s: &netstate.State{Sysctls: map[string]string{}}}
	g.add("lo", "loopback")
	g.s.Interfaces[0].Addresses = []netstate.Address{{Prefix: netip.MustParsePrefix("127.0.0.1/8"), Scope: "host"}}
	for n := range 1 + r.IntN(3) {
		g.add(fmt.Sprintf("eth%d", n), "ethernet")
	}
	kinds := netstate.Kinds()
	for n := range r.IntN(6) {
		k := kinds[r.IntN(len(kinds))]
		if k.Creatable {
			g.kind(fmt.Sprintf("if%d", n), k)
		}
	}
	g.bridges()
	for i := range g.s.Interfaces {
		g.addresses(&g.s.Interfaces[i])
	}
	g.routes()
	g.rest()
	g.s.Sort()
	return g.s
}

type generator struct {
	r *rand.Rand
	s *netstate.State
}

func (g *generator) chance(n int) bool { return g.r.IntN(n) == 0 }

func (g *generator) mac() string {
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", g.r.IntN(256), g.r.IntN(256), g.r.IntN(256), g.r.IntN(256), g.r.IntN(256))
}

func (g *generator) add(name, typ string) *netstate.Interface {
	v := netstate.Interface{Name: name, Type: typ, Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "controller": "", "alias": "", "mac-address": g.mac()}}
	if typ == "loopback" {
		v.Attrs["mac-address"] = "00:00:00:00:00:00"
	}
	if g.chance(4) {
		v.Attrs["alias"] = []string{"to: #1", "'quoted'", "yes", "12", " - x", "ü"}[g.r.IntN(6)]
	}
	if g.chance(5) {
		v.Attrs["txqueuelen"] = "500"
	}
	if g.chance(4) {
		list := []netstate.Entry{{"name": name + ": a long, 'quoted' name"}, {"name": name + "-ü"}, {"name": "#" + name}}
		list[0]["name"] = strings.ReplaceAll(list[0]["name"], " ", "_")
		v.Attrs[netstate.AltNames] = netstate.AttrByKey(netstate.AltNames).List(list[g.r.IntN(3):])
	}
	g.s.Interfaces = append(g.s.Interfaces, v)
	return &g.s.Interfaces[len(g.s.Interfaces)-1]
}

func (g *generator) kind(name string, k *netstate.Kind) {
	v := g.add(name, k.Name)
	for i := range k.Attrs {
		if a := &k.Attrs[i]; a.Set != netstate.ReadOnly && g.chance(2) {
			v.Attrs[a.Key] = g.value(a)
		}
	}
	for _, key := range k.Needs {
		if a := netstate.AttrByKey(key); v.Attrs[key] == "" && a.Type != netstate.LinkRef {
			v.Attrs[key] = g.value(a)
		}
	}
	if k.Pair {
		delete(v.Attrs, k.PeerTargetKey())
		v.Attrs[k.PeerKey()] = name + "p"
		p := g.add(name+"p", k.Name)
		p.Attrs[k.PeerKey()] = name
		return
	}
	switch k.Name {
	case "bond":
		g.bond(v)
	case "vlan", "infiniband":
		v.Attrs[k.Below] = "eth0"
	case "ipvlan", "ipvtap":
		// All on one have the same mode, and nobody else has its packets.
		v.Attrs[k.Below], v.Attrs[k.Name+".mode"] = name+"b", "l3s"
		delete(v.Attrs, k.Name+".vepa")
		g.add(name+"b", "ethernet")
	case "macsec":
		v.Attrs[k.Below], v.Attrs["macsec.window"], v.Attrs["macsec.send-sci"] = "eth0", "7", "false"
		v.Attrs["macsec.rx-channel"] = `[{"sci":"0a0a0a0a0a0a0a0a"}]`
		delete(v.Attrs, "macsec.end-station")
		delete(v.Attrs, "macsec.sci")
	case "hsr":
		v.Attrs["hsr.port1"], v.Attrs["hsr.port2"] = name+"a", name+"b"
		delete(v.Attrs, "hsr.version") // the kernel does not tell
		delete(v.Attrs, "hsr.interlink")
		g.add(name+"a", "ethernet")
		g.add(name+"b", "ethernet")
	case "geneve":
		v.Attrs["geneve.external"], v.Attrs["geneve.remote"] = "false", "2001:db8::1"
	case "xfrm":
		v.Attrs["xfrm.external"], v.Attrs["xfrm.if-id"] = "false", strconv.Itoa(1+g.r.IntN(1000))
	case "gre", "gretap", "ip6gre", "ip6gretap", "ipip", "ip6tnl":
		v.Attrs[k.Name+".external"] = "false"
		delete(v.Attrs, k.Name+".ignore-df")
	case "mac-vlan", "mac-vtap":
		v.Attrs[k.Name+".base-iface"] = "eth0"
		v.Attrs[k.Name+".mode"] = "source"
		delete(v.Attrs, k.Name+".promiscuous")
	case "vxlan":
		v.Attrs["vxlan.id"] = strconv.Itoa(1 + g.r.IntN(1000))
		v.Attrs["vxlan.base-iface"] = "eth0"
		v.Attrs["vxlan.remote"] = "2001:db8::1"
		delete(v.Attrs, "vxlan.local")
		delete(v.Attrs, "vxlan.generic-protocol")
		delete(v.Attrs, "vxlan.vni-filter")
		delete(v.Attrs, "vxlan.vnis")
	case "team":
		g.team(v)
	case "linux-bridge":
		v.Attrs["bridge.options.vlan-filtering"] = strconv.FormatBool(g.chance(2))
		delete(v.Attrs, "bridge.options.group-fwd-mask")
		delete(v.Attrs, "bridge.options.group-addr")
		delete(v.Attrs, "bridge.options.multicast-vlan-snooping")
		if v.Attrs["bridge.vlan-global"] != "" {
			v.Attrs["bridge.vlan"], v.Attrs["bridge.options.mst-enabled"] = "10-30", "true"
		}
		if v.Attrs["bridge.options.stp.enabled"] == "true" {
			v.Attrs["bridge.options.stp.forward-delay"] = "7.5"
		}
	}
}

// team leaves what the kernel's modes have, or what a runner has.
func (g *generator) team(v *netstate.Interface) {
	runner := g.chance(2)
	maps.DeleteFunc(v.Attrs, func(key, _ string) bool {
		return strings.HasPrefix(key, "team.") && netstate.IsTeamd(key) != runner
	})
	if runner {
		v.Attrs[netstate.TeamRunner], v.Attrs["team.runner.tx-hash"] = "lacp", "eth,l4"
	}
}

// bond leaves only what goes together, and gives some a port.
func (g *generator) bond(v *netstate.Interface) {
	const options = "link-aggregation.options."
	for key := range v.Attrs {
		switch strings.TrimPrefix(key, options) {
		case "fail_over_mac", "use_carrier", "xmit_hash_policy", "resend_igmp", "num_grat_arp", "arp_ip_target", "ns_ip6_target":
		default:
			if strings.HasPrefix(key, options) {
				delete(v.Attrs, key)
			}
		}
	}
	v.Attrs[options+"miimon"], v.Attrs[options+"updelay"] = "100", "200"
	v.Attrs["link-aggregation.mode"] = []string{"active-backup", "802.3ad", "balance-alb"}[g.r.IntN(3)]
	name, mac, mtu := v.Name, v.Attrs["mac-address"], v.Attrs["mtu"]
	if g.chance(2) {
		if v.Attrs["link-aggregation.mode"] == "active-backup" {
			v.Attrs[options+"primary"] = name + "e"
		}
		p := g.add(name+"e", "ethernet")
		p.Attrs["controller"], p.Attrs["mac-address"], p.Attrs["mtu"], p.Attrs["bond-port.queue-id"] = name, mac, mtu, "3"
	}
}

// value is any value that the attribute may have.
func (g *generator) value(a *netstate.Attr) string {
	var text string
	switch a.Type {
	case netstate.Bool, netstate.Bool32, netstate.Flag, netstate.BoolOpt, netstate.FlagBit:
		text = strconv.FormatBool(g.chance(2))
	case netstate.VNIList:
		text = "100,200-300 group 239.1.1.1"
	case netstate.Ranges:
		text = map[string]string{"bridge.vlan-global": "10-19 msti 1,30 msti 2 mcast_snooping false mcast_query_interval 777", "bridge-port.mst": "1 state forwarding,2 state blocking"}[a.Key]
	case netstate.VLANTunnels:
		text = "10 id 1000,20-29 id 1020-1029"
	case netstate.VLANList:
		text = []string{"", "1 pvid untagged", "10 pvid untagged", "2-4,5 pvid untagged", "7 untagged,8 pvid"}[g.r.IntN(5)]
	case netstate.QoSMap:
		text = "1:2,3:4"
	case netstate.IPv4List:
		text = "192.0.2.2,192.0.2.1"
	case netstate.IPv6List:
		text = "2001:db8::1"
	case netstate.Key64, netstate.KeyHex:
		text = netstate.Fingerprint(strconv.Itoa(g.r.IntN(9)))
	case netstate.PubKey64:
		text = strings.Repeat("AAAA", 10) + "AA" + []string{"A", "E", "I"}[g.r.IntN(3)] + "="
	case netstate.Endpoint:
		text = []string{"192.0.2.1:51820", "[2001:db8::1]:51820"}[g.r.IntN(2)]
	case netstate.CIDRs:
		text = "10.0.0.0/8,2001:db8::/32"
	case netstate.HexID:
		text = strings.Repeat("0a", int(a.Max))
	case netstate.List:
		if a.Key == "team.link-watch" {
			return a.List([]netstate.Entry{{"name": "ethtool", "delay-up": strconv.Itoa(g.r.IntN(3))}, {"name": "nsna_ping", "target-host": "2001:db8::1"}}[g.r.IntN(2):])
		}
		e := netstate.Entry{}
		for i := range a.Fields {
			if f := &a.Fields[i]; f.Set == netstate.OnCreate || g.chance(2) {
				e[f.Key] = g.value(f)
			}
		}
		return a.List([]netstate.Entry{e})
	case netstate.Enum, netstate.MaskedEnum:
		text = a.Enum[g.r.IntN(len(a.Enum))].Name
	case netstate.MAC:
		text = g.mac()
	case netstate.MACList:
		text = g.mac() + "," + g.mac()
	case netstate.LinkRef:
		text = "eth0"
	case netstate.IPv4:
		text = "192.0.2.0"
	case netstate.IPv6:
		text = "2001:db8::"
	case netstate.IPAddress:
		text = fmt.Sprintf("192.0.2.%d", 1+g.r.IntN(200))
		if a.IFLA == 0 {
			text = fmt.Sprintf("2001:db8::%x", 1+g.r.IntN(200))
		}
	case netstate.PortRange:
		text = "5000-6000"
	case netstate.Centi, netstate.Centi64:
		text = strconv.Itoa(6 + g.r.IntN(4))
	default:
		n := max(a.Min, 1) + uint64(g.r.IntN(2))
		if a.Max != 0 {
			n = min(n, a.Max)
		}
		text = strconv.FormatUint(n, 10)
	}
	canonical, err := a.Canonical(text)
	if err != nil {
		panic(a.Key + ": " + err.Error())
	}
	return canonical
}

func (g *generator) bridges() {
	var bridges []string
	for i := range g.s.Interfaces {
		if g.s.Interfaces[i].Type == "linux-bridge" {
			bridges = append(bridges, g.s.Interfaces[i].Name)
		}
	}
	for i := range g.s.Interfaces {
		v := &g.s.Interfaces[i]
		if v.Type != "veth" || len(bridges) == 0 || g.chance(2) {
			continue
		}
		v.Attrs["controller"] = bridges[g.r.IntN(len(bridges))]
		for _, a := range netstate.KindByName("linux-bridge").PortAttrs {
			if a.Set != netstate.ReadOnly && g.chance(2) && a.Key != "bridge-port.group-fwd-mask" {
				v.Attrs[a.Key] = g.value(&a)
			}
		}
		if v.Attrs["bridge-port.vlan-tunnel-info"] != "" {
			v.Attrs["bridge-port.vlan"], v.Attrs["bridge-port.vlan-tunnel"] = "10,20-29", "true"
		}
		if v.Attrs["bridge-port.mst"] != "" {
			bridge := g.s.Interface(v.Attrs["controller"])
			for key, text := range map[string]string{"vlan": "10-30", "options.mst-enabled": "true", "vlan-global": "10-19 msti 1,30 msti 2"} {
				bridge.Attrs["bridge."+key] = text
			}
			v.Attrs["bridge-port.vlan"] = "10-30"
		}
	}
}

func (g *generator) addresses(v *netstate.Interface) {
	switch v.Type {
	case "loopback", "vcan", "vxcan", "nlmon":
		return
	}
	if v.Attrs["controller"] != "" {
		return
	}
	for n := range g.r.IntN(4) {
		a := netstate.Address{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(g.r.IntN(250)), byte(len(v.Addresses)), byte(1 + n)}), 24)}
		if g.chance(3) {
			a.Label = v.Name + ":1"
		}
		if g.chance(3) {
			a.ValidLifetime, a.PreferredLifetime = 3600, 1800
		}
		if g.chance(3) {
			a.Broadcast = netip.MustParseAddr("10.255.255.255")
		}
		if g.chance(3) {
			a.Scope = "link"
		}
		v.Addresses = append(v.Addresses, a)
	}
	if g.chance(2) {
		a := netstate.Address{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::1/64", g.r.IntN(1<<16)))}
		if g.chance(2) {
			a.Flags = []string{"nodad", "noprefixroute"}
		}
		if g.chance(3) {
			a.Deprecated = true
		}
		v.Addresses = append(v.Addresses, a, netstate.Address{Prefix: netip.MustParsePrefix("fe80::1/64"), Kernel: true})
	}
}

func (g *generator) routes() {
	for n := range g.r.IntN(8) {
		r := netstate.Route{Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(n), 0}), 24), Table: 254, Protocol: []uint8{2, 3, 4, 16, 200}[g.r.IntN(5)]}
		switch g.r.IntN(4) {
		case 0:
			r.NextHops, r.Scope = []netstate.NextHop{{Device: "eth0"}}, 253
		case 1:
			r.NextHops = []netstate.NextHop{{Device: "eth0", Via: netip.MustParseAddr("192.0.2.1"), OnLink: true}}
			r.Metrics = map[string]uint32{"mtu": 1400, "cwnd": 9, "rto_min": 200, "fastopen_no_cookie": 1}
			r.LockMetrics([][]string{{}, {"mtu"}, {"cwnd", "rto_min"}}[g.r.IntN(3)])
		case 2:
			r.Type = "blackhole"
		case 3:
			r.NextHops = []netstate.NextHop{{Device: "eth0", Via: netip.MustParseAddr("192.0.2.1"), Weight: 3}, {Device: "eth0", Via: netip.MustParseAddr("192.0.2.2")}}
		}
		if g.chance(2) {
			r.Metric, r.Table = uint32(g.r.IntN(5)), uint32(100+g.r.IntN(3))
		}
		g.s.Routes = append(g.s.Routes, r)
	}
	if g.chance(2) {
		g.s.Routes = append(g.s.Routes, netstate.Route{Destination: netip.MustParsePrefix("2001:db8:ffff::/48"), Table: 254, Metric: 1024, Protocol: 3, NextHops: []netstate.NextHop{{Device: "eth0", Via: netip.MustParseAddr("fe80::9")}}})
	}
}

func (g *generator) rest() {
	g.s.Rules = []netstate.Rule{{Family: 4, Priority: 0, Table: 255, Protocol: 2}, {Family: 4, Priority: 32766, Table: 254, Protocol: 2}}
	if g.chance(2) {
		zero := 0
		g.s.Rules = append(g.s.Rules, netstate.Rule{Family: 4, Priority: 7, From: netip.MustParsePrefix("10.0.0.0/8"), Table: 100, SuppressPrefixLength: &zero, Protocol: 4},
			netstate.Rule{Family: 6, Priority: 8, Action: "prohibit", Not: true, IIF: "eth0", FwMark: 5, FwMask: 255, UIDRange: "5-6"})
	}
	if g.chance(2) {
		g.s.Neighbors = append(g.s.Neighbors, netstate.Neighbor{Device: "eth0", IP: netip.MustParseAddr("192.0.2.9"), MAC: g.mac(), State: "permanent", Router: g.chance(2)},
			netstate.Neighbor{Device: "eth0", IP: netip.MustParseAddr("192.0.2.10"), MAC: g.mac(), State: "reachable"},
			netstate.Neighbor{Device: "eth0", IP: netip.MustParseAddr("192.0.2.11"), Proxy: true})
	}
	g.s.Sysctls["net.mpls.platform_labels"] = "1000" // the module is loaded
	if g.chance(2) {
		g.s.MPLS = []netstate.Route{
			{Label: 20, Protocol: 4, NextHops: []netstate.NextHop{{Device: "lo"}}},
			{Label: 100, Protocol: 186, Metrics: map[string]uint32{"ttl-propagate": uint32(g.r.IntN(2))}, NextHops: []netstate.NextHop{
				{Device: "eth0", Via: netip.MustParseAddr("192.0.2.9"), Encap: "200/300", Weight: 1}, {Device: "lo", Encap: "7", Weight: 1},
			}},
		}
	}
	for i := range g.s.Interfaces {
		v := &g.s.Interfaces[i]
		if v.Type == "vxlan" {
			g.s.FDB = append(g.s.FDB, netstate.FDBEntry{Device: v.Name, MAC: "00:00:00:00:00:00", Dst: netip.MustParseAddr("192.0.2.77"), Owner: "self", State: "permanent"})
		}
		if v.Attrs["controller"] != "" {
			g.s.FDB = append(g.s.FDB, netstate.FDBEntry{Device: v.Name, MAC: g.mac(), Owner: "master", State: "static", Sticky: g.chance(2)},
				netstate.FDBEntry{Device: v.Name, MAC: g.mac(), Owner: "master", State: "dynamic"},
				netstate.FDBEntry{Device: v.Name, MAC: g.mac(), Owner: "master", State: "permanent", Kernel: true})
		}
	}
	g.s.DNS = []netstate.DNS{{Servers: []string{"192.0.2.53"}, Search: []string{"example.net"}, File: &netstate.ResolvConf{Path: "/etc/resolv.conf", Mode: 0o644, Content: []byte("search example.net\nnameserver 192.0.2.53\n")}}}
	if g.chance(2) {
		g.s.Sysctls["net.ipv4.ip_forward"] = "1"
		g.s.Sysctls["net.ipv4.tcp_rmem"] = "1\t2\t3"
		g.s.Sysctls["net.ipv4.conf.eth0.rp_filter"] = "2"
	}
}

// TestEncodedStateIsNoChange is the promise of facts: pasted back, nothing is
// to be done.
func TestEncodedStateIsNoChange(t *testing.T) {
	for seed := range uint64(600) {
		s := generate(rand.New(rand.NewPCG(seed, 1)))
		block := Encode(s)
		c, problems := Decode(block)
		if len(problems) > 0 {
			t.Fatalf("seed %d: decoding: %+v\n%s", seed, problems, block)
		}
		to, _, problems := netstate.Simulate(s, c)
		if len(problems) > 0 {
			t.Fatalf("seed %d: simulating: %+v\n%s", seed, problems, block)
		}
		if d := netstate.Diff(s, to); !d.Empty() {
			t.Fatalf("seed %d: pasted back it changes:\n%s\n%s", seed, netstate.Text(d), block)
		}
	}
}

// asDecoded checks that nobody changed a Config, which is shared.
func asDecoded(t *testing.T, body string, c *netstate.Config) {
	t.Helper()
	if fresh := decode(body, nil).config; !reflect.DeepEqual(fresh, c) {
		t.Errorf("the decoded block was changed by its users: %s", cmp.Diff(fmt.Sprintf("%+v", fresh), fmt.Sprintf("%+v", c)))
	}
}

// TestMemo decodes more than is remembered.
func TestMemo(t *testing.T) {
	block := func(n int) string { return fmt.Sprintf("interfaces: [{name: eth%d, mtu: 1400}]", n) }
	for range 2 {
		for n := range 3 * memoBlocks {
			for range 2 {
				c, problems := Decode(block(n))
				if len(problems) > 0 || c.Interfaces[0].Name != fmt.Sprintf("eth%d", n) {
					t.Fatalf("%s: %+v %+v", block(n), c, problems)
				}
			}
		}
	}
	again, _ := Decode(block(3*memoBlocks - 1))
	if c, _ := Decode(block(3*memoBlocks - 1)); c != again {
		t.Error("the same block was decoded twice")
	}
	if latest.size > memoBytes || len(latest.list) > memoBlocks {
		t.Errorf("%d blocks of %d bytes are kept", len(latest.list), latest.size)
	}
	named := "routes: {config: [{from-file: a.txt, next-hop-interface: eth0}]}"
	if _, problems := Decode(named); len(problems) > 0 {
		t.Fatal(problems)
	}
	if c, problems := DecodeFiles(named, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("192.0.2.0/24\n")), nil
	}); len(problems) > 0 || len(c.Routes) != 1 {
		t.Errorf("a block that names a file: %+v %+v", c, problems)
	}
}

// TestGeneratedChanges goes from any generated state to any other and back.
func TestGeneratedChanges(t *testing.T) {
	tried := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 2))
		from, other := generate(r), generate(r)
		// Parameters that one does not have are left alone.
		other.Sysctls = from.Sysctls
		c, problems := Decode(Encode(other))
		if len(problems) > 0 {
			t.Fatalf("seed %d: %+v", seed, problems)
		}
		to, _, problems := netstate.Simulate(from, c)
		if len(problems) > 0 {
			continue // an address on a port, another type: rightly refused
		}
		tried++
		change := netstate.Diff(from, to)
		reached := netstate.Predict(from, change)
		if d := netstate.Diff(reached, to); !d.Empty() {
			t.Fatalf("seed %d: missing:\n%s\nchange:\n%s", seed, netstate.Text(d), netstate.Text(change))
		}
		if found := netstate.Verify(change, reached); len(found) > 0 {
			t.Fatalf("seed %d: verify: %+v\n%s", seed, found, netstate.Text(change))
		}
		// From every point on the way there is a way back.
		cut := r.IntN(len(change.Edits) + 1)
		half := netstate.Predict(from, &netstate.Change{Edits: slices.Clone(change.Edits[:cut])})
		back := netstate.Predict(half, netstate.Undo(change, half))
		if found := netstate.VerifyUndone(change, back); len(found) > 0 {
			t.Fatalf("seed %d: undone after %d edits: %+v\nchange:\n%s\nundo:\n%s", seed, cut, found, netstate.Text(change), netstate.Text(netstate.Undo(change, half)))
		}
		asDecoded(t, Encode(other), c)
	}
	if tried < 100 {
		t.Errorf("only %d changes were tried", tried)
	}
}
