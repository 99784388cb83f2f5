//go:build linux

package linux

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

const (
	macA = "02:00:00:00:0a:01"
	macB = "02:00:00:00:0a:02"
	veth = "ip link add name low0 address 02:00:00:00:00:10 type veth peer name low1 address 02:00:00:00:00:11"
)

// TestKinds has every case made, changed, undone and deleted on this kernel,
// and compares with what iproute2's commands make, as iproute2 shows it.
func TestKinds(t *testing.T) {
	if inMachine() {
		// `bridge vlan`, which every picture has, wants it.
		if out, err := exec.Command("modprobe", "bridge").CombinedOutput(); err != nil {
			t.Fatalf("loading the module bridge: %v: %s", err, out)
		}
	}
	cases := kindCases(t)
	var all scores
	t.Run("cases", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s := &score{kind: c.kind}
				t.Cleanup(func() { all.add(t, c, s) })
				c.run(t, s)
			})
		}
	})
	all.tell(t)
}

// score is what one case has shown.
type score struct {
	kind                                       string
	created, reapplied, changed, undone, equal int
	skipped                                    string
}

func (s *score) String() string {
	if s.created == 0 && s.skipped != "" {
		return "skipped: " + s.skipped
	}
	text := fmt.Sprintf("created %d, reapplied %d, changed %d, undone %d, equal to iproute2 %d", s.created, s.reapplied, s.changed, s.undone, s.equal)
	if s.skipped != "" {
		text += "; skipped: " + s.skipped
	}
	return text
}

// scores has one line a kind.
type scores struct {
	sync.Mutex
	kinds map[string]*score
}

func (l *scores) add(t *testing.T, c *kindCase, s *score) {
	l.Lock()
	defer l.Unlock()
	if l.kinds == nil {
		l.kinds = map[string]*score{}
	}
	sum := l.kinds[s.kind]
	if sum == nil {
		sum = &score{}
		l.kinds[s.kind] = sum
	}
	switch {
	case t.Failed():
		s.skipped = c.name + " FAILED"
	case t.Skipped() && s.skipped == "":
		s.skipped = c.name + ": the kernel lacks what a block of it needs"
	}
	sum.created += s.created
	sum.reapplied += s.reapplied
	sum.changed += s.changed
	sum.undone += s.undone
	sum.equal += s.equal
	if s.skipped != "" && !strings.Contains(sum.skipped, s.skipped) {
		sum.skipped = strings.TrimPrefix(sum.skipped+"; "+s.skipped, "; ")
	}
}

// tell writes the lines; `go test -v` and scripts/gotest show them.
func (l *scores) tell(t *testing.T) {
	names := []string{ipsecXfrm, multipath}
	for _, kind := range netstate.Kinds() {
		names = append(names, kind.Name)
	}
	for _, name := range names {
		if s := l.kinds[name]; s != nil {
			t.Attr("kind", name+": "+s.String())
		}
	}
}

// lacks is what iproute2 and the kernel say of what the kernel does not have.
var lacks = regexp.MustCompile(`(?m)(Unknown device type|Requested [a-zA-Z ]+ not found|Operation not supported|Not supported|No such file or directory|not found in kernel|Protocol not supported|genl family|Address family not supported|lwt encapsulation type not supported|Specified qdisc kind is unknown|TC classifier not found|Failed to load TC action module).*`)

// try runs commands of iproute2, and skips the test where the kernel lacks what
// they want: an ordinary host's may, Debian's may not.
func (c *kindCase) try(ns *namespace, s *score, commands []string) {
	ns.t.Helper()
	err := ns.script(commands)
	if err == nil {
		return
	}
	said := lacks.FindString(err.Error())
	if said == "" && c.lacking == "" || inMachine() && c.lacking == "" {
		ns.t.Fatal(err)
	}
	s.skipped = fmt.Sprintf("%s: the kernel cannot: %s", c.name, said)
	if inMachine() {
		s.skipped = c.name + ": " + c.lacking
	}
	ns.t.Skip(s.skipped)
}

// inMachine tells whether scripts/vmrun runs the test.
func inMachine() bool { return os.Getenv("VMRUN_KERNEL") != "" }

func (c *kindCase) run(t *testing.T, s *score) {
	oracle, ns := newNamespace(t), newNamespace(t)
	ns.look(c)
	oracle.look(c)
	// The commands come first: modules are loaded then, and make devices.
	c.try(oracle, s, slices.Concat(c.setup, c.oracle))
	ns.runAll(c.setup)
	empty := ns.settled()
	without := slices.Concat(chosen, c.ignore)

	creation := ns.apply(c.block)
	s.created, s.reapplied = 1, 1
	if c.without == "" {
		ns.same("made, against iproute2", func() []string { return oracle.snapshot(without...) }, without...)
		s.equal++
	}
	made := ns.settled()
	ns.facts()

	var changes []*netstate.Change
	for _, block := range c.changes {
		changes = append(changes, ns.apply(block))
		s.reapplied++
	}
	s.changed = len(changes)
	if len(c.changed) > 0 {
		c.try(oracle, s, c.changed)
		ns.same("changed, against iproute2", func() []string { return oracle.snapshot(without...) }, without...)
		s.equal++
	}
	ns.facts()
	for _, change := range slices.Backward(changes) {
		ns.undo(change)
	}
	ns.same("changes undone", made)
	ns.undo(creation)
	ns.same("creation undone", empty)

	ns.apply(c.block)
	made = ns.settled()
	if absent := absence(creation); absent != "" {
		deletion := ns.apply(absent)
		ns.same("deleted", empty)
		ns.undo(deletion)
		ns.same("deletion undone", made)
	}
	s.undone = len(changes) + 2
}

// absence is the block that removes the interfaces that a change has made.
func absence(c *netstate.Change) string {
	var links, xfrm, mptcp strings.Builder
	for _, e := range c.Edits {
		switch {
		case e.Op != netstate.Add:
		case e.After.Link != nil:
			fmt.Fprintf(&links, "- {name: %s, state: absent}\n", e.After.Link.Name)
		case e.After.Xfrm != nil && e.After.Xfrm.MPTCP():
			absentXfrm(&mptcp, e.After.Xfrm)
		case e.After.Xfrm != nil:
			absentXfrm(&xfrm, e.After.Xfrm)
		}
	}
	var b strings.Builder
	if links.Len() > 0 {
		b.WriteString("interfaces:\n" + links.String())
	}
	if xfrm.Len() > 0 {
		b.WriteString("ipsec-xfrm:\n" + xfrm.String())
	}
	if mptcp.Len() > 0 {
		b.WriteString("mptcp:\n" + mptcp.String())
	}
	return b.String()
}

// plan is the change that a block asks for.
func (ns *namespace) plan(block string) *netstate.Change {
	ns.t.Helper()
	config, problems := netyaml.Decode(block)
	if len(problems) > 0 {
		ns.t.Fatalf("%+v\n%s", problems, block)
	}
	from := ns.observe(config.Query())
	to, _, problems := netstate.Simulate(from, config)
	if len(problems) > 0 {
		// Any other fault is the block's or stet's.
		other := slices.ContainsFunc(problems, func(p netstate.Problem) bool { return p.Code != "kernel-lacks" })
		if !other && !inMachine() {
			ns.t.Skip("the kernel cannot: " + problems[0].Summary)
		}
		ns.t.Fatalf("%+v\n%s", problems, block)
	}
	return netstate.Diff(from, to)
}

// apply does what a block asks for; it must hold then, and asking again must
// change nothing.
func (ns *namespace) apply(block string) *netstate.Change {
	ns.t.Helper()
	change := ns.plan(block)
	if change.Empty() {
		ns.t.Fatalf("nothing to be changed:\n%s", block)
	}
	if err := ns.Keep(change.Secrets); err != nil {
		ns.t.Fatal(err)
	}
	if done, err := ns.Edit(context.Background(), change.Edits); err != nil {
		ns.t.Fatalf("after %d edits: %v\n%s", done, err, netstate.Text(change))
	}
	for _, m := range netstate.Verify(change, ns.observe(change.Query())) {
		ns.t.Errorf("read back: %s %s is %s, want %s", m.Object, m.Key, m.Got, m.Want)
	}
	if again := ns.plan(block); !again.Empty() {
		ns.t.Errorf("the same again changes:\n%s\nat first:\n%s", netstate.Text(again), netstate.Text(change))
	}
	return change
}

// facts proves that what stet says of the namespace is a block that changes
// nothing in it.
func (ns *namespace) facts() {
	ns.t.Helper()
	block := netyaml.Encode(ns.observe(everything))
	if change := ns.plan(block); !change.Empty() {
		ns.t.Errorf("facts, pasted back, change:\n%s\nfacts:\n%s", netstate.Text(change), block)
	}
}

// undo takes a change back, and verifies it.
func (ns *namespace) undo(change *netstate.Change) {
	ns.t.Helper()
	back := netstate.Undo(change, ns.observe(change.Query()))
	if _, err := ns.Edit(context.Background(), back.Edits); err != nil {
		ns.t.Fatalf("undoing: %v\nof:\n%s\nby:\n%s", err, netstate.Text(change), netstate.Text(back))
	}
	for _, m := range netstate.VerifyUndone(change, ns.observe(change.Query())) {
		ns.t.Errorf("undone: %s %s is %s, want %s", m.Object, m.Key, m.Got, m.Want)
	}
}

// TestKindsAreCovered wants a case for each kind, and each attribute that can
// be set to be set by one: changed where the kernel can change it.
func TestKindsAreCovered(t *testing.T) {
	made, changed, excused, kinds := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range kindCases(t) {
		kinds[c.kind] = true
		for i, block := range append([]string{c.block}, c.changes...) {
			config, problems := netyaml.Decode(block)
			if len(problems) > 0 {
				t.Errorf("%s: %+v\n%s", c.name, problems, block)
			}
			for _, x := range slices.Concat(config.Xfrm, config.MPTCP) {
				for key := range x.Attrs {
					key = xfrmKeyOf(x.Sort, key)
					made[key] = true
					changed[key] = changed[key] || i > 0
				}
			}
			for _, in := range config.Interfaces {
				for key := range in.Attrs {
					made[key] = true
					changed[key] = changed[key] || i > 0
				}
				if in.State != "" {
					made["state"] = true
					changed["state"] = changed["state"] || i > 0
				}
			}
		}
		for _, u := range c.unset {
			excused[u.key] = true
		}
	}
	check := func(attrs []netstate.Attr) {
		for _, a := range attrs {
			if a.Set == netstate.ReadOnly || excused[a.Key] {
				continue
			}
			if !made[a.Key] {
				t.Errorf("no case of testdata/kinds sets %s; if none can, say why in a section unset", a.Key)
			} else if a.Set == netstate.Anytime && !a.Running && !changed[a.Key] {
				t.Errorf("no case of testdata/kinds changes %s", a.Key)
			}
		}
	}
	check(netstate.LinkAttrs())
	for _, sort := range tabledSorts {
		list := slices.Clone(netstate.XfrmAttrs(sort))
		for i := range list {
			list[i].Key = xfrmKeyOf(sort, list[i].Key)
		}
		check(list)
	}
	for _, kind := range netstate.Kinds() {
		if !kinds[kind.Name] {
			t.Errorf("there is no testdata/kinds/%s.txtar", kind.Name)
		}
		check(kind.Attrs)
		check(kind.PortAttrs)
	}
}

func find(t testing.TB, s *netstate.State, name string) netstate.Interface {
	t.Helper()
	if i := s.Interface(name); i != nil {
		return *i
	}
	t.Fatalf("there is no interface %s", name)
	return netstate.Interface{}
}

func with(i netstate.Interface, attrs netstate.Attrs) netstate.Interface {
	i.Attrs = maps.Clone(i.Attrs)
	maps.Copy(i.Attrs, attrs)
	return i
}

func added(i netstate.Interface) netstate.Edit {
	return netstate.Edit{Op: netstate.Add, After: netstate.Object{Link: &i}}
}

func modified(before, after netstate.Interface) netstate.Edit {
	return netstate.Edit{Op: netstate.Modify, Before: netstate.Object{Link: &before}, After: netstate.Object{Link: &after}}
}

func deleted(i netstate.Interface) netstate.Edit {
	return netstate.Edit{Op: netstate.Delete, Before: netstate.Object{Link: &i}}
}

// holds fails the test where an interface is not as wanted.
func holds(t testing.TB, have, want netstate.Interface) {
	t.Helper()
	for _, d := range netstate.Differences(&have, &want) {
		t.Errorf("%s is %q, want %q", d.Key, d.Before, d.After)
	}
}

// chosen are fields that the kernel chooses by chance, and names of a test.
var chosen = []string{"ifindex", "link_netnsid"}
