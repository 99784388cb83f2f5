package netstate_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// TestBorn makes one of each kind and compares what the kernel gave them with
// what was foretold.
func TestBorn(t *testing.T) {
	k, far := newKernel(t), newKernel(t)
	block := `
interfaces:
  - {name: v0, type: veth, mtu: 2000, veth: {peer: v1}}
  - {name: v1, sysctl: {ipv4.rp_filter: 1}}
  - {name: w0, type: veth, veth: {peer: w1, peer-target: ` + far.name + `}}
  - {name: br0, type: linux-bridge, bridge: {port: [{name: v1}]}}
  - {name: br1, type: linux-bridge, mtu: 1400}
  - {name: br2, type: linux-bridge}
  - {name: c0, type: veth, mtu: 1300, veth: {peer: c1}}
  - {name: c1, mtu: 1200}
  - {name: br3, type: linux-bridge, bridge: {port: [{name: c0}, {name: c1}]}}
  - {name: mv0, type: mac-vlan, mac-vlan: {base-iface: v0, mode: bridge}}
  - {name: mt0, type: mac-vtap, mac-vtap: {base-iface: w0, mode: bridge}}
  - {name: ifb9, type: ifb}
  - {name: tun0, type: tun}
  - {name: tap0, type: tap, tun: {multi-queue: true}}
  - {name: vx0, type: vxlan, vxlan: {id: 1}}
  - {name: vx1, type: vxlan, vxlan: {id: 2, base-iface: v0, local: 192.0.2.1}}
  - {name: vx2, type: vxlan, vxlan: {id: 3, base-iface: mv0, local: "2001:db8::1"}}
  - {name: vx3, type: vxlan, vxlan: {external: true, generic-protocol: true, base-iface: v0, destination-port: 4790}}
sysctl:
  net.ipv4.conf.default.rp_filter: 2
`
	config, problems := netyaml.Decode(block)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	q := config.Query()
	for _, name := range parameters(k) {
		q.Sysctls = append(q.Sysctls, "net."+name[:4]+".conf.*."+name[5:])
	}
	from := k.observe(q)
	to, _, problems := netstate.Simulate(from, config)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	c := netstate.Diff(from, to)
	text := netstate.Text(c)
	netstate.Born(from, to)
	if after := netstate.Text(c); after != text {
		t.Errorf("the change became another one:\n%s", after)
	}
	k.edit(c)
	now := k.observe(q)
	for i := range to.Interfaces {
		want := &to.Interfaces[i]
		for n := range now.Interfaces {
			if got := &now.Interfaces[n]; got.Name == want.Name && got.Netns == want.Netns {
				attributes(t, got, want)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(to.Sysctls)) {
		if got := now.Sysctls[key]; got != to.Sysctls[key] {
			t.Errorf("%s is %q, foretold %q", key, got, to.Sysctls[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now.Sysctls)) {
		if _, foretold := to.Sysctls[key]; !foretold && !unforetold(key) {
			t.Errorf("%s is not foretold", key)
		}
	}
}

// unforetold are parameters that depend on more than the default.
func unforetold(key string) bool {
	return strings.HasSuffix(key, ".mtu") || strings.HasSuffix(key, ".stable_secret") ||
		strings.HasSuffix(key, "accept_dad") || strings.HasSuffix(key, "use_tempaddr") || strings.HasSuffix(key, "addr_gen_mode")
}

// parameters are those of interfaces: "ipv4 rp_filter".
func parameters(k *kernel) []string {
	return strings.Fields(strings.ReplaceAll(k.shell(`cd /proc/sys/net; for f in ipv4/conf/default/* ipv6/conf/default/*; do
		[ -f $f ] && { x=; read -r x <$f; [ -n "$x" ]; } 2>/dev/null && echo ${f%%/*}/${f##*/}; done; true`), "/", "."))
}

func attributes(t *testing.T, got, want *netstate.Interface) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want.Attrs)) {
		if key != "veth.peer-target" && key != "state" && got.Attrs[key] != want.Attrs[key] && got.Attrs[key] != "" {
			t.Errorf("%s: %s is %s, foretold %s", want.Name, key, got.Attrs[key], want.Attrs[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got.Attrs)) {
		if _, foretold := want.Attrs[key]; foretold || netstate.AttrByKey(key).Default != "" || want.Type == "loopback" || netstate.IsEthtool(key) { // drivers choose theirs
			continue
		}
		switch key {
		case "mac-address", "num-tx-queues", "num-rx-queues", "vxlan.id", "bridge-port.stp-path-cost", "vxlan.remote", "vxlan.local", "vxlan.base-iface", "veth.peer", "veth.peer-target", "link-aggregation.options.active_slave",
			"bridge.vlan", "bridge-port.vlan", "bridge.vlan-global": // not every kernel has them
		default:
			t.Errorf("%s: %s is %s, which is not foretold", want.Name, key, got.Attrs[key])
		}
	}
}
