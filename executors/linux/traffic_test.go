//go:build linux

package linux

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

var (
	actionIndex = regexp.MustCompile(`"index":[0-9]+`)
	u32Table    = regexp.MustCompile(`"(fh|key_ht)":"8[0-9a-f]*`)
	oneOfTable  = regexp.MustCompile(`^tc filter delete .* handle ::`)
	flowClass   = regexp.MustCompile(`(?m)^class (cake|fq_codel|sfq) .*\n`)
)

// traffic is what tc(8) says of all interfaces. The numbers of actions and of
// u32's tables are the kernel's own. Where there is nothing but noqueue, nothing
// can hang below it.
func (ns *namespace) traffic() []string {
	ns.t.Helper()
	var order []string
	hooks := map[string][]string{}
	var lines []string
	for _, q := range ns.ask("tc -d -j", "qdisc show") {
		qdisc := q.(map[string]any)
		dev := qdisc["dev"].(string)
		if _, known := hooks[dev]; !known {
			order = append(order, dev)
			hooks[dev] = nil
		}
		switch kind := qdisc["kind"]; kind {
		case "noqueue":
		case "clsact":
			hooks[dev] = append(hooks[dev], " ingress", " egress")
		case "ingress":
			hooks[dev] = append(hooks[dev], " ingress")
		default:
			hooks[dev] = append(hooks[dev], "")
		}
		lines = append(lines, pictures("tc qdisc "+dev, []any{q}, []string{"direct_packets_stat"})...)
	}
	var questions strings.Builder
	for _, dev := range order {
		if slices.Contains(hooks[dev], "") {
			fmt.Fprintf(&questions, "class show dev %s\n", dev)
		}
		for _, hook := range slices.Compact(hooks[dev]) {
			fmt.Fprintf(&questions, "filter show dev %s%s\n", dev, hook)
		}
	}
	slices.Sort(lines)
	if questions.Len() == 0 {
		return lines
	}
	// Where there is none, it says nothing at all: no asker could tell that.
	tc := exec.Command("tc", "-n", ns.name, "-d", "-j", "-batch", "-")
	tc.Stdin = strings.NewReader(questions.String())
	out, err := tc.CombinedOutput()
	if err != nil {
		ns.t.Fatalf("tc -batch: %v: %s", err, out)
	}
	text := actionIndex.ReplaceAllString(string(out), `"index":N`)
	text = u32Table.ReplaceAllString(flowClass.ReplaceAllString(text, ""), `"$1":"8N`)
	return append(lines, questions.String()+text)
}

// trafficCases reads the cases of testdata/traffic, which are like those of
// testdata/kinds.
func trafficCases(t testing.TB) []*kindCase {
	t.Helper()
	files, err := filepath.Glob("testdata/traffic/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no cases: %v", err)
	}
	var list []*kindCase
	for _, file := range files {
		c, err := readCase(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c.traffic = true
		list = append(list, c)
	}
	return list
}

// TestTraffic has the traffic control of every case made, changed, undone and
// deleted on this kernel, and compares with what tc(8)'s commands make.
func TestTraffic(t *testing.T) {
	if inMachine() {
		if out, err := exec.Command("modprobe", "bridge").CombinedOutput(); err != nil {
			t.Fatalf("loading the module bridge: %v: %s", err, out)
		}
	}
	var all scores
	t.Run("cases", func(t *testing.T) {
		for _, c := range trafficCases(t) {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s := &score{kind: c.kind}
				t.Cleanup(func() { all.add(t, c, s) })
				c.run(t, s)
			})
		}
	})
	shown := map[string]bool{}
	for _, c := range trafficCases(t) {
		if s := all.kinds[c.kind]; s != nil && !shown[c.kind] {
			shown[c.kind] = true
			t.Attr("kind", strings.Replace(c.kind, "-", " ", 1)+": "+s.String())
		}
	}
}

// TestTrafficIsCovered wants each kind of traffic control to be in a case, and
// each of its options.
func TestTrafficIsCovered(t *testing.T) {
	set := map[string]bool{}
	note := func(object, kind string, options netstate.Attrs) {
		set[object+" "+kind] = true
		for key := range options {
			set[object+" "+kind+" "+key] = true
		}
	}
	for _, c := range trafficCases(t) {
		for _, block := range append([]string{c.block}, c.changes...) {
			config, problems := netyaml.Decode(block)
			if len(problems) > 0 {
				t.Errorf("%s: %+v\n%s", c.name, problems, block)
			}
			for _, in := range config.Interfaces {
				if in.Traffic == nil {
					continue
				}
				for _, list := range []*[]netstate.TCEntryConfig{in.Traffic.Qdiscs, in.Traffic.Classes, in.Traffic.Filters} {
					if list == nil {
						continue
					}
					for _, e := range *list {
						note(e.Entry.Object, e.Entry.Kind, e.Entry.Options)
						for _, a := range e.Entry.Actions {
							note("action", a.Kind, a.Options)
						}
					}
				}
			}
		}
	}
	hardware := map[string]string{"skip-sw": "no driver of the tests does it"}
	for _, k := range netstate.TCKinds() {
		if !set[k.Object+" "+k.Name] {
			t.Errorf("no case of testdata/traffic has the %s %s", k.Object, k.Name)
		}
		for _, a := range k.Attrs {
			if !set[k.Object+" "+k.Name+" "+a.Key] && hardware[a.Key] == "" {
				t.Errorf("no case of testdata/traffic sets %s of the %s %s", a.Key, k.Object, k.Name)
			}
		}
	}
}

// TestTrafficOfFlows wants the classes that a qdisc shows for the flows that it
// holds packets of to be nobody's change: they come and go with the traffic.
func TestTrafficOfFlows(t *testing.T) {
	ns := newNamespace(t)
	const block = `
interfaces:
- name: x0
  type: dummy
  state: up
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
  traffic-control:
    qdiscs:
    - {kind: cake, handle: "1:", bandwidth: 8kbit}
`
	if out, err := ns.try("ip", "link", "add", "x0", "type", "dummy"); err != nil && !inMachine() {
		t.Skipf("this kernel has no dummy: %s", out)
	}
	if out, err := ns.try("tc", "qdisc", "add", "dev", "x0", "root", "handle", "1:", "cake", "bandwidth", "8kbit"); err != nil && !inMachine() {
		t.Skipf("this kernel has no cake: %s", out)
	}
	ns.apply(block)
	before := ns.traffic()
	ns.run("ip", "neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "x0")
	if out, err := ns.try("ping", "-c", "5", "-i", "0.002", "-W", "1", "-s", "1000", "192.0.2.2"); err == nil {
		t.Fatalf("nobody is there, yet somebody answered: %s", out)
	}
	if out := ns.run("tc", "class", "show", "dev", "x0"); !flowClass.MatchString(out) {
		t.Fatalf("the qdisc shows no flow: %q", out)
	}
	if diff := cmp.Diff(before, ns.traffic()); diff != "" {
		t.Errorf("the oracle tells flows (-without +with):\n%s", diff)
	}
	if change := ns.plan(block); !change.Empty() {
		t.Errorf("the flows make a change: %+v", change.Edits)
	}
}

// TestTrafficNotShown has a filter that the kernel cannot show, fw without a mark
// of its own: everything else is read, and it is not taken away.
func TestTrafficNotShown(t *testing.T) {
	ns := newNamespace(t)
	ns.run("ip", "link", "add", "x0", "type", "ifb")
	ns.run("tc", "qdisc", "add", "dev", "x0", "root", "handle", "1:", "htb")
	ns.run("tc", "class", "add", "dev", "x0", "parent", "1:", "classid", "1:1", "htb", "rate", "8mbit")
	if out, err := ns.try("tc", "filter", "add", "dev", "x0", "parent", "1:", "protocol", "ip", "prio", "7", "fw"); err != nil && !inMachine() {
		t.Skipf("this kernel has no filter of kind fw: %s", out)
	}
	if out, err := ns.try("tc", "filter", "show", "dev", "x0"); err == nil {
		t.Fatalf("this kernel shows it: %s", out)
	}
	const classes = `
interfaces:
- name: x0
  type: ifb
  traffic-control:
    classes:
    - {classid: 1:1, parent: "1:", rate: 16mbit}
`
	ns.apply(classes)
	if out := ns.run("tc", "class", "show", "dev", "x0"); !strings.Contains(out, "16Mbit") {
		t.Errorf("the class is not changed: %s", out)
	}
	if problems := ns.refused(strings.Replace(classes, "classes:", "qdiscs: []\n    classes:", 1)); !strings.Contains(problems, "filter prio 7 fw at 1: of x0 would go") {
		t.Errorf("refused with %q", problems)
	}
}

// TestTrafficPrinted runs the commands of tc(8) that are printed for the changes
// of every case, and wants them to make what stet makes. Where one of several
// filters of kind u32 goes, they lack the number of the table, which the plan does
// not know: tc(8) finds none, and changes nothing.
func TestTrafficPrinted(t *testing.T) {
	for _, c := range trafficCases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.without != "" {
				t.Skip(c.without)
			}
			ns, oracle := newNamespace(t), newNamespace(t)
			c.try(oracle, &score{}, slices.Concat(c.setup, c.oracle)) // loads the modules
			oracle = newNamespace(t)
			ns.runAll(c.setup)
			oracle.runAll(c.setup)
			blocks := append([]string{c.block}, c.changes...)
			if c.kind == "qdisc-netem" {
				blocks = blocks[:1] // tc(8) leaves what a change does not name
			}
			for _, block := range blocks {
				commands := netstate.IP(ns.apply(block))
				if slices.ContainsFunc(commands, oneOfTable.MatchString) {
					return
				}
				if err := oracle.script(commands); err != nil {
					t.Fatalf("%v\nof\n%s", err, strings.Join(commands, "\n"))
				}
				if diff := cmp.Diff(ns.traffic(), oracle.traffic()); diff != "" {
					t.Fatalf("of the printed commands\n%s\n(-made +printed):\n%s", strings.Join(commands, "\n"), diff)
				}
			}
		})
	}
}
