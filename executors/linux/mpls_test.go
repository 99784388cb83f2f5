//go:build linux

package linux

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

const (
	mplsBlock = `sysctl: {net.mpls.platform_labels: 1000, net.mpls.conf.low0.input: 1}
mpls-routes:
  - {label: 100, next-hop-labels: 200/300, next-hop-interface: low0, next-hop-address: 198.51.100.2}
  - {label: 101, next-hop-address: "2001:db8:1::2", ttl-propagate: false}
  - {label: 102, next-hop-interface: lo, ttl-propagate: true, protocol: bgp}
  - {label: 103, next-hop-labels: 1048575, next-hop-interface: p0, next-hop-address: "2001:db8:7::1"}
  - label: 104
    next-hops:
      - {next-hop-labels: 201, next-hop-interface: low0, next-hop-address: 198.51.100.2}
      - {next-hop-interface: p0, next-hop-address: 192.0.2.7}
  - {label: 105, next-hop-labels: 2, next-hop-interface: low1}
`
	mplsChange = `mpls-routes:
  - {label: 100, next-hop-interface: low0, next-hop-address: 198.51.100.3}
  - {label: 101, state: absent}
  - label: 104
    ttl-propagate: true
    next-hops:
      - {next-hop-labels: 202, next-hop-interface: low0, next-hop-address: 198.51.100.2}
      - {next-hop-labels: 203, next-hop-interface: p0, next-hop-address: 192.0.2.7}
      - {next-hop-interface: low1}
  - {label: 999, next-hop-interface: lo}
`
)

// mplsOracle is the same in ip-route(8)'s words.
var (
	mplsOracle = []string{
		"sysctl -q -w net.mpls.platform_labels=1000 net.mpls.conf.low0.input=1",
		"ip -f mpls route add 100 as 200/300 via inet 198.51.100.2 dev low0 proto static",
		"ip -f mpls route add 101 via inet6 2001:db8:1::2 dev low0 proto static ttl-propagate disabled",
		"ip -f mpls route add 102 dev lo proto 186 ttl-propagate enabled",
		"ip -f mpls route add 103 as 1048575 via inet6 2001:db8:7::1 dev p0 proto static",
		"ip -f mpls route add 104 proto static nexthop as 201 via inet 198.51.100.2 dev low0 nexthop via inet 192.0.2.7 dev p0",
		"ip -f mpls route add 105 as 2 dev low1 proto static",
	}
	mplsChanged = []string{
		"ip -f mpls route replace 100 via inet 198.51.100.3 dev low0 proto static",
		"ip -f mpls route del 101",
		"ip -f mpls route replace 104 proto static ttl-propagate enabled nexthop as 202 via inet 198.51.100.2 dev low0 nexthop as 203 via inet 192.0.2.7 dev p0 nexthop dev low1",
		"ip -f mpls route add 999 dev lo proto static",
	}
)

// withMPLS loads MPLS where that can be.
func withMPLS(t *testing.T) {
	if inMachine() {
		if out, err := exec.Command("modprobe", "mpls_router").CombinedOutput(); err != nil {
			t.Fatalf("loading the module mpls_router: %v: %s", err, out)
		}
	}
	if _, err := os.Stat("/proc/sys/net/mpls"); err != nil {
		if inMachine() {
			t.Fatal("mpls_router is loaded, but ", err)
		}
		t.Skip("the kernel has no MPLS: ", err)
	}
}

// TestMPLS makes routes of labels, changes them, takes them away with their
// interfaces and with the room for them, and undoes all of it; iproute2 looks.
func TestMPLS(t *testing.T) {
	t.Parallel()
	withMPLS(t)
	ns, oracle := newNamespace(t), newNamespace(t)
	for _, n := range []*namespace{ns, oracle} {
		n.looks = []string{"ip -f mpls -d route show", "sysctl net.mpls | grep -v ' = 0$'"}
		n.runAll(append([]string{"ip link set lo up"}, place0...))
	}
	before := ns.settled()
	creation := ns.apply(mplsBlock)
	oracle.runAll(mplsOracle)
	same := func(what string) {
		t.Helper()
		ns.same(what, func() []string { return oracle.snapshot(chosen...) }, chosen...)
	}
	same("made, against iproute2")
	made := ns.settled()
	ns.facts()
	if s := ns.observe(everything); len(s.MPLS) != 6 || s.UnreadRoutes != 0 {
		t.Errorf("there are %d routes, want 6, and %d unread: %+v", len(s.MPLS), s.UnreadRoutes, s.MPLS)
	}
	change := ns.apply(mplsChange)
	oracle.runAll(mplsChanged)
	same("changed, against iproute2")
	ns.facts()
	ns.undo(change)
	ns.same("change undone", made)
	for _, block := range []string{
		"sysctl: {net.mpls.platform_labels: 102}\nmpls-routes: [{label: 102, state: absent}, {label: 103, state: absent}, {label: 104, state: absent}, {label: 105, state: absent}]\n",
		"interfaces: [{name: low1, state: absent}]\nmpls-routes: [{label: 104, next-hop-interface: p0}]\n",
		"interfaces: [{name: low0, state: down}]\n",
		"interfaces: [{name: p0, state: absent}]\nmpls-routes: [{label: 104, state: absent}]\n",
	} {
		taken := ns.apply(block)
		ns.facts()
		ns.undo(taken)
		ns.same("undone: "+block, made)
	}
	ns.undo(creation)
	ns.same("creation undone", before)
	printed := netstate.IP(ns.plan(mplsBlock))
	ns.runAll(printed)
	if again := ns.plan(mplsBlock); !again.Empty() {
		t.Errorf("after\n%s\nthe block changes\n%s", strings.Join(printed, "\n"), netstate.Text(again))
	}
}

// TestMPLSRefused has plans refuse what the kernel would.
func TestMPLSRefused(t *testing.T) {
	eth := func(name string) netstate.Interface {
		return netstate.Interface{Name: name, Type: "veth", Attrs: netstate.Attrs{"state": "up"}}
	}
	s := &netstate.State{
		Interfaces: []netstate.Interface{eth("a0"), eth("a1")},
		MPLS:       []netstate.Route{{Label: 50, Protocol: 4, NextHops: []netstate.NextHop{{Device: "a0"}, {Device: "a1"}}}},
		Sysctls:    map[string]string{"net.mpls.platform_labels": "100"},
	}
	for block, want := range map[string]string{
		"mpls-routes: [{label: 100, next-hop-interface: a0}]":                                     "1:15 mpls 100 is beyond the labels that the namespace has: net.mpls.platform_labels is 100",
		"sysctl: {net.mpls.platform_labels: 20}":                                                  "1:10 mpls 50 is beyond the labels that the namespace has: net.mpls.platform_labels is 20",
		"interfaces: [{name: a0, state: absent}]":                                                 "1:21 mpls 50 goes by a0, among others",
		"mpls-routes: [{label: 60, next-hop-interface: zz}]":                                      "1:15 there is no interface zz for mpls 60",
		"mpls-routes: [{label: 60, next-hop-address: 192.0.2.1}]":                                 "1:15 no interface reaches the gateway 192.0.2.1",
		"mpls-routes: [{label: 60, next-hop-interface: a0}, {label: 60, next-hop-interface: a1}]": "1:52 the label 60 stands twice",
	} {
		config, problems := netyaml.Decode(block)
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", block, problems)
		}
		if _, _, problems = netstate.Simulate(s, config); len(problems) != 1 || faultAt(problems[0]) != want {
			t.Errorf("%s: %+v, want %s", block, problems, want)
		}
	}
	for block, want := range map[string]string{
		"mpls-routes: [{label: 15, next-hop-interface: a0}]":                           "1:23 ",
		"mpls-routes: [{next-hop-interface: a0}]":                                      "1:15 a route of a label without `label`",
		"mpls-routes: [{label: 16}]":                                                   "1:15 the route of the label 16 leads nowhere",
		"mpls-routes: [{label: 16, next-hops: [{next-hop-labels: 17}]}]":               "1:15 the route of the label 16 leads nowhere",
		"mpls-routes: [{label: 16, next-hop-interface: a0, next-hops: []}]":            "1:62 a route has either `next-hops` or one next hop",
		"mpls-routes: [{label: 16, next-hop-interface: a0, next-hop-labels: 3}]":       "1:68 ",
		"mpls-routes: [{label: 16, next-hop-interface: a0, next-hop-address: nobody}]": "1:69 ",
	} {
		if _, problems := netyaml.Decode(block); len(problems) != 1 || !strings.HasPrefix(faultAt(problems[0]), want) {
			t.Errorf("%s: %+v, want %s", block, problems, want)
		}
	}
	delete(s.Sysctls, "net.mpls.platform_labels")
	config, _ := netyaml.Decode("mpls-routes: [{label: 60, next-hop-interface: a0}]")
	if _, _, problems := netstate.Simulate(s, config); len(problems) != 1 || problems[0].Code != "kernel-lacks" {
		t.Errorf("without the module there is %+v", problems)
	}
}

// faultAt is a fault with its place.
func faultAt(p netstate.Problem) string {
	return fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Column, p.Summary)
}
