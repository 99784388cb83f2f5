//go:build linux

package linux

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

const (
	sourcesBlock = `mdb:
  - {device: br0, port: p0, group: 239.1.1.1, filter-mode: include, source-list: [192.0.2.9, 192.0.2.10]}
  - {device: br0, port: p0, group: 239.1.1.2, filter-mode: exclude, source-list: [192.0.2.9], protocol: bgp}
  - {device: br0, port: p0, group: "ff15::1", filter-mode: exclude, source-list: ["2001:db8::9"], state: temp}
  - {device: br0, port: p0, group: 239.1.1.3, source: 192.0.2.9, protocol: 77}
  - {device: br0, port: p0, group: 239.1.1.4}
`
	// One list becomes longer and means the contrary, one ends; a source moves from
	// a list to an entry of its own, another the other way.
	sourcesChange = `mdb:
  - {device: br0, port: p0, group: 239.1.1.1, state: absent}
  - {device: br0, port: p0, group: 239.1.1.1, source: 192.0.2.9}
  - {device: br0, port: p0, group: 239.1.1.2, filter-mode: include, source-list: [192.0.2.11, 192.0.2.9]}
  - {device: br0, port: p0, group: "ff15::1"}
  - {device: br0, port: p0, group: 239.1.1.3, source: 192.0.2.9, state: absent}
  - {device: br0, port: p0, group: 239.1.1.3, filter-mode: include, source-list: [192.0.2.9]}
`
)

// What bridge(8) of iproute2 shows of the same entries of its own making (its
// version 6.2 and later; older ones show them, but make others).
var (
	sourcesMade = []string{
		"br0 p0 239.1.1.1 permanent filter_mode include source_list 192.0.2.10/0.00,192.0.2.9/0.00 proto static",
		"br0 p0 239.1.1.1 src 192.0.2.10 permanent filter_mode include proto static",
		"br0 p0 239.1.1.1 src 192.0.2.9 permanent filter_mode include proto static",
		"br0 p0 239.1.1.2 permanent filter_mode exclude source_list 192.0.2.9/0.00 proto bgp",
		"br0 p0 239.1.1.2 src 192.0.2.9 permanent filter_mode include proto bgp blocked",
		"br0 p0 239.1.1.3 src 192.0.2.9 permanent filter_mode include proto 77",
		"br0 p0 239.1.1.4 permanent filter_mode exclude proto static",
		"br0 p0 ff15::1 src 2001:db8::9 temp filter_mode include proto static blocked",
		"br0 p0 ff15::1 temp filter_mode exclude source_list 2001:db8::9/0.00 proto static",
	}
	sourcesChanged = []string{
		"br0 p0 239.1.1.1 src 192.0.2.9 permanent filter_mode include proto static",
		"br0 p0 239.1.1.2 permanent filter_mode include source_list 192.0.2.11/0.00,192.0.2.9/0.00 proto static",
		"br0 p0 239.1.1.2 src 192.0.2.11 permanent filter_mode include proto static",
		"br0 p0 239.1.1.2 src 192.0.2.9 permanent filter_mode include proto static",
		"br0 p0 239.1.1.3 permanent filter_mode include source_list 192.0.2.9/0.00 proto static",
		"br0 p0 239.1.1.3 src 192.0.2.9 permanent filter_mode include proto static",
		"br0 p0 239.1.1.4 permanent filter_mode exclude proto static",
		"br0 p0 ff15::1 permanent filter_mode exclude proto static",
	}
)

// groups are the lines of bridge(8), with the sources of lists in their order.
func (ns *namespace) groups() []string {
	ns.t.Helper()
	var list []string
	for line := range strings.Lines(ns.run("bridge", "-d", "mdb", "show")) {
		words := strings.Fields(strings.TrimLeft(line, "0123456789: "))
		words = slices.DeleteFunc(words, func(w string) bool { return w == "dev" || w == "port" || w == "grp" })
		if i := slices.Index(words, "source_list"); i >= 0 {
			sources := strings.Split(words[i+1], ",")
			slices.Sort(sources)
			words[i+1] = strings.Join(sources, ",")
		}
		list = append(list, strings.Join(words, " "))
	}
	slices.Sort(list)
	return list
}

// printer is a namespace for the commands that are printed; nil where bridge(8)
// is too old for a word of them, which it would pass over.
func printer(t *testing.T, word string, place func(*namespace)) *namespace {
	out, _ := exec.Command("bridge", "mdb", "help").CombinedOutput()
	if !strings.Contains(string(out), " "+word+" ") {
		t.Logf("bridge(8) does not know %s: the printed commands are not run", word)
		return nil
	}
	oracle := newNamespace(t)
	place(oracle)
	return oracle
}

// printed runs the commands that are printed for a change in the oracle, and
// compares.
func (ns *namespace) printed(oracle *namespace, change *netstate.Change) {
	ns.t.Helper()
	if oracle == nil {
		return
	}
	commands := strings.Join(netstate.IP(change), "\n")
	if out, err := exec.Command("ip", "netns", "exec", oracle.name, "sh", "-ec", commands).CombinedOutput(); err != nil {
		ns.t.Fatalf("%v: %s\nof\n%s", err, out, commands)
	}
	if diff := cmp.Diff(ns.groups(), oracle.groups()); diff != "" {
		ns.t.Errorf("of the printed commands\n%s\n(-made +printed):\n%s", commands, diff)
	}
}

// sourcesPlace is a bridge that tells senders apart.
func sourcesPlace(ns *namespace) {
	ns.runAll(append([]string{"sysctl -qw net.ipv6.conf.default.disable_ipv6=1"}, place0[:6]...))
	ns.runAll([]string{"ip link set br0 type bridge mcast_igmp_version 3 mcast_mld_version 2"})
	eventually(ns.t, "the port forwards", func() bool {
		return strings.Contains(ns.run("bridge", "link", "show", "dev", "p0"), "state forwarding")
	})
}

// TestMDBSources makes groups with lists of sources, changes them, takes them away
// with their port, and undoes all of it. What iproute2 shows is compared with what
// it shows of its own; where it knows the words, so are the printed commands.
func TestMDBSources(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	sourcesPlace(ns)
	ns.needMDB(netstate.MDBSources)
	oracle := printer(t, "source_list", sourcesPlace)
	shows := func(what string, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, ns.groups()); diff != "" {
			t.Errorf("%s (-want +have):\n%s", what, diff)
		}
	}
	apply := func(block string, want []string) *netstate.Change {
		t.Helper()
		change := ns.apply(block)
		shows("made:\n"+block, want)
		ns.facts()
		ns.printed(oracle, change)
		return change
	}
	before := ns.groups()
	creation := apply(sourcesBlock, sourcesMade)
	if s := ns.observe(everything); len(s.MDB) != 5 {
		t.Errorf("there are %d entries, want 5: %+v", len(s.MDB), s.MDB)
	}
	change := apply(sourcesChange, sourcesChanged)
	ns.undo(change)
	shows("change undone", sourcesMade)
	for _, block := range []string{"interfaces: [{name: p0, controller: \"\"}]", "interfaces: [{name: br0, state: absent}]"} {
		gone := ns.apply(block)
		ns.undo(gone)
		shows("undone: "+block, sourcesMade)
	}
	ns.undo(creation)
	shows("creation undone", before)
}

// TestMDBRefused has blocks and plans refuse what the kernel would, and what it
// would take and pass over.
func TestMDBRefused(t *testing.T) {
	attrs := netstate.Attrs{"state": "up", "bridge.options.multicast-igmp-version": "3", "bridge.options.multicast-mld-version": "1"}
	s := &netstate.State{
		Interfaces: []netstate.Interface{{Name: "br0", Type: "linux-bridge", Attrs: attrs}, {Name: "p0", Type: "veth", Attrs: netstate.Attrs{"state": "up", "controller": "br0"}}},
		MDB:        []netstate.MDBEntry{{Device: "br0", Port: "p0", Group: "239.9.9.9", Source: ip("192.0.2.9"), State: "permanent", Protocol: 4}},
	}
	var many []string
	for i := range 32 {
		many = append(many, fmt.Sprintf("192.0.2.%d", i+1))
	}
	for entry, want := range map[string]string{
		"port: p0, group: 239.1.1.1, source-list: [192.0.2.1]":                                              "62: `source-list` does not tell whether its senders are listened to",
		"port: p0, group: 239.1.1.1, filter-mode: include":                                                  "62: `filter-mode: include` without `source-list` listens to nobody",
		"port: p0, group: 239.1.1.1, filter-mode: maybe, source-list: [192.0.2.1]":                          "62: `filter-mode`: \"maybe\" is none of include, exclude",
		"port: p0, group: 239.1.1.1, filter-mode: include, source-list: [192.0.2.1], source: 192.0.2.2":     "84: an entry has either `source` or `source-list`",
		"port: p0, group: 239.1.1.1, filter-mode: include, source-list: [192.0.2.1, \"2001:db8::1\"]":       "96: 2001:db8::1 is no sender to the group 239.1.1.1",
		"port: p0, group: 239.1.1.1, filter-mode: include, source-list: [192.0.2.1, 192.0.2.1]":             "96: 192.0.2.1 stands twice in `source-list`",
		"port: p0, group: 239.1.1.1, filter-mode: include, source-list: [239.0.0.1]":                        "85: `source-list`: 239.0.0.1 is no address of a host that sends",
		"port: p0, group: \"01:02:03:04:05:06\", filter-mode: include, source-list: [192.0.2.1]":            "94: 01:02:03:04:05:06 is a hardware address, of which no senders are told apart",
		"port: br0, group: 239.1.1.1, filter-mode: include, source-list: [192.0.2.1]":                       "7: what the bridge itself listens to has neither `source` nor a state",
		"port: p0, group: 239.1.1.1, filter-mode: exclude, source-list: [" + strings.Join(many, ", ") + "]": "84: a bridge takes 31 sources of a group, not 32",
		"port: p0, group: 239.1.1.1, protocol: boot":                                                        "59: `protocol`: \"boot\" is no origin of an entry such as static, bgp or a number from 4 to 255 (but 9, which is the kernel's)",
		"port: p0, group: 0.0.0.0": "38: 0.0.0.0 stands for all groups that a VXLAN has no entry for, from anywhere",
		"port: p0, group: \"ff15::1\", filter-mode: exclude, source-list: [\"2001:db8::1\"]": "7: br0 does not tell the senders of ff15::1 apart, so that the entry would have no effect",
		"port: p0, group: \"ff15::1\", source: \"2001:db8::1\"":                              "7: br0 does not tell the senders of ff15::1 apart, so that the entry would have no effect",
		"port: p0, group: 239.9.9.9, filter-mode: include, source-list: [192.0.2.9]":         "7: p0 has the group 239.9.9.9 with an entry for a source and with a list that has it",
	} {
		block := "mdb: [{device: br0, " + entry + "}]"
		config, problems := netyaml.Decode(block)
		if len(problems) == 0 {
			_, _, problems = netstate.Simulate(s, config)
		}
		if len(problems) != 1 {
			t.Errorf("%s: %+v, want %s", block, problems, want)
			continue
		}
		if got := fmt.Sprintf("%d: %s", problems[0].Pos.Column, problems[0].Summary); got != want {
			t.Errorf("%s: %s, want %s", block, got, want)
		}
	}
	for _, what := range []string{netstate.MDBRemotes, netstate.MDBSources} {
		config, _ := netyaml.Decode(map[string]string{
			netstate.MDBRemotes: "mdb: [{device: vx0, group: 239.1.1.1, remote: 192.0.2.1}]",
			netstate.MDBSources: "mdb: [{device: br0, port: p0, group: 239.1.1.1, protocol: bgp}]",
		}[what])
		if !slices.Contains(config.Query().Kinds, what) {
			t.Errorf("%s is not asked for", what)
		}
		lacking := *s
		lacking.Interfaces = append(slices.Clone(s.Interfaces), netstate.Interface{Name: "vx0", Type: "vxlan"})
		lacking.Lacks = map[string]string{what: "no"}
		if _, _, problems := netstate.Simulate(&lacking, config); len(problems) != 1 || problems[0].Code != "kernel-lacks" {
			t.Errorf("without %s: %+v", what, problems)
		}
	}
}
