package plan

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/executors/fake"
	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/markdown"
)

// observer is a machine in memory that counts how often it is read.
type observer struct {
	t    executors.Target
	m    *fake.Machine
	read int
	err  error
}

func (o *observer) Target() executors.Target { return o.t }

func (o *observer) Observe(ctx context.Context, q netstate.Query) (*netstate.State, error) {
	o.read++
	if o.err != nil {
		return nil, o.err
	}
	return o.m.Observe(ctx, q)
}

func (o *observer) Probe(context.Context, executors.Probe) (*executors.ProbeReply, error) {
	return nil, errors.New("planning asks nothing of the network")
}

func (o *observer) Info(context.Context) (*executors.Info, error) { return &executors.Info{}, nil }

func machine(extra ...netstate.Interface) *fake.Machine {
	s := &netstate.State{Interfaces: append([]netstate.Interface{
		{Name: "lo", Type: "loopback", Attrs: netstate.Attrs{"state": "up", "mtu": "65536"}},
		{Name: "eth0", Type: "ethernet", Index: 2, Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "controller": "", "mac-address": "02:00:00:00:00:01"},
			Addresses: []netstate.Address{{Prefix: netip.MustParsePrefix("192.0.2.10/24")}}},
	}, extra...)}
	s.Sort()
	return fake.New(s)
}

const front = `---
targets: {r1: "netns://r1", r2: "netns://r2"}
defaults: {on: r1}
vars: {mtu: 1400}
---
`

func build(t testing.TB, src string, o Options, observers map[string]*observer) (*runbook.Plan, runbook.Diagnostics, error) {
	t.Helper()
	if observers == nil {
		observers = map[string]*observer{"r1": {m: machine()}, "r2": {m: machine()}}
	}
	all := map[string]executors.Observer{}
	for name, ob := range observers {
		all[name] = ob
	}
	return Build(context.Background(), markdown.Parse("doc.md", []byte(src)), all, o)
}

func must(t testing.TB, src string, o Options) *runbook.Plan {
	t.Helper()
	p, ds, err := build(t, src, o, nil)
	if err != nil || ds.Faults() {
		t.Fatalf("%v %v", err, ds)
	}
	return p
}

func change(p *runbook.Plan, step, target string) *netstate.Change {
	for _, g := range p.Groups {
		for _, s := range g.Steps {
			for _, t := range s.Targets {
				if s.Name == step && t.Target == target {
					return t.Change
				}
			}
		}
	}
	return nil
}

func block(name, attrs, body string) string {
	return "\n```netconfig { name=" + name + " " + attrs + "}\n" + body + "```\n"
}

const (
	bridgeBody = "interfaces:\n  - name: br0\n    type: linux-bridge\n    state: up\n"
	mtuBody    = "interfaces:\n  - name: br0\n    mtu: ${mtu}\n"
)

func TestStepsAreSimulatedOneUponAnother(t *testing.T) {
	ob := map[string]*observer{"r1": {m: machine()}, "r2": {m: machine()}}
	p, ds, err := build(t, front+block("make", "", bridgeBody)+block("tune", "", mtuBody), Options{}, ob)
	if err != nil || ds.Faults() {
		t.Fatalf("%v %v", err, ds)
	}
	if got := netstate.Text(change(p, "make", "r1")); !strings.Contains(got, "+ link br0") {
		t.Errorf("make: %s", got)
	}
	if c := change(p, "tune", "r1"); len(c.Edits) != 1 || c.Edits[0].Op != netstate.Modify || c.Edits[0].After.Link.Attrs["mtu"] != "1400" {
		t.Errorf("tune: %s", netstate.Text(c))
	}
	if ob["r1"].read != 1 || ob["r2"].read != 0 {
		t.Errorf("read %d and %d times", ob["r1"].read, ob["r2"].read)
	}
	if ob["r1"].m.Count() != 0 {
		t.Error("planning changed something")
	}
}

func TestFarEndsAreCarriedOver(t *testing.T) {
	src := front + block("pair", "", "interfaces:\n  - name: v0\n    type: veth\n    state: up\n    veth:\n      peer: v1\n      peer-target: r2\n") +
		block("far", "on=r2 ", "interfaces:\n  - name: v1\n    state: up\n    ipv4: {enabled: true, address: [{ip: 192.0.2.2, prefix-length: 30}]}\n")
	p := must(t, src, Options{})
	got := netstate.Text(change(p, "far", "r2"))
	if !strings.Contains(got, "192.0.2.2/30") || strings.Contains(got, "+ link") {
		t.Errorf("%s", got)
	}
}

func TestProblemsOfTheStateHavePositions(t *testing.T) {
	src := front + block("ports", "", "interfaces:\n  - name: br0\n    type: linux-bridge\n    bridge:\n      port:\n        - name: nothere\n")
	p, ds, err := build(t, src, Options{}, nil)
	if err != nil || p != nil || len(ds) != 1 {
		t.Fatalf("%v %v %v", p, ds, err)
	}
	if ds[0].Start.Line < 7 || !strings.Contains(ds[0].Summary, "nothere") || ds[0].Code == "" || ds[0].Detail == "" {
		t.Errorf("%+v", ds[0])
	}
}

func TestUnreachableTargetIsMissing(t *testing.T) {
	ob := map[string]*observer{"r1": {m: machine(), err: errors.New("no route to host")}}
	p, _, err := build(t, front+block("x", "", bridgeBody), Options{}, ob)
	if err != nil || len(p.Missing) != 1 || p.Missing[0].Target != "r1" || !strings.Contains(p.Missing[0].Error, "no route to host") {
		t.Fatalf("%+v %v", p, err)
	}
	_, err = Absent(p.Groups, p.Missing)
	var absent *AbsentError
	if !errors.As(err, &absent) || absent.Step != "x" || !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("%v", err)
	}
}

func TestDeferred(t *testing.T) {
	src := front + "\n```sh { run name=ask register=answer }\necho 1400\n```\n" +
		block("use", "", "interfaces:\n  - name: eth0\n    mtu: ${int(answer.out)}\n")
	p := must(t, src, Options{})
	s := p.Groups[1].Steps[0].Targets[0]
	if s.Change != nil || !strings.Contains(s.Deferred, "ask") {
		t.Errorf("%+v", s)
	}
	if p.Empty() {
		t.Error("a deferred plan is called empty")
	}
	_, ds, err := build(t, src, Options{Only: []string{"use"}}, nil)
	if err != nil || !ds.Faults() || !strings.Contains(ds[0].Summary, "not selected") {
		t.Errorf("%v %v", ds, err)
	}
}

const checkBlock = "\n```check { name=%s }\nlink(\"eth0\").up\n```\n"

func TestSelection(t *testing.T) {
	src := front + fmt.Sprintf(checkBlock, "pre") + block("one", "", bridgeBody) + fmt.Sprintf(checkBlock, "proof1") +
		"\n```rollback { for=two }\ntrue\n```\n" + block("two", "", bridgeBody) + fmt.Sprintf(checkBlock, "proof2") + block("three", "", bridgeBody)
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"all":         {Options{}, "pre | one proof1 | two proof2 rollback-1 | three"},
		"from":        {Options{From: "two"}, "pre | two proof2 rollback-1 | three"},
		"from inside": {Options{From: "proof1"}, "pre | one proof1 | two proof2 rollback-1 | three"},
		"only change": {Options{Only: []string{"two"}}, "pre | two proof2 rollback-1"},
		"only check":  {Options{Only: []string{"proof1"}}, "pre | proof1"},
		"only both":   {Options{Only: []string{"three", "proof2"}}, "pre | proof2 | three"},
	} {
		t.Run(name, func(t *testing.T) {
			var groups []string
			for _, g := range must(t, src, c.o).Groups {
				var names []string
				for _, s := range g.Steps {
					names = append(names, s.Name)
				}
				groups = append(groups, strings.Join(names, " "))
			}
			if d := cmp.Diff(c.want, strings.Join(groups, " | ")); d != "" {
				t.Error(d)
			}
		})
	}
	for _, o := range []Options{{Only: []string{"nope"}}, {From: "nope"}} {
		if p, ds, err := build(t, src, o, nil); err != nil || p != nil || !ds.Faults() || ds[0].Code != "unknown-step" {
			t.Errorf("%v %v", ds, err)
		}
	}
}

// The hash is the same for the same plan, wherever the file is, whenever it is
// made, whatever its results and prose; and another for another plan.
func TestHash(t *testing.T) {
	src := front + "\nProse.\n" + block("one", "", bridgeBody) + "\n```sh { run name=two }\necho ${mtu}\n```\n"
	hash := must(t, src, Options{Now: time.Unix(1, 0)}).Hash
	moved := netstate.Interface{Name: "other", Type: "ethernet", Index: 77, Attrs: netstate.Attrs{"state": "up"}}
	p, _, err := build(t, strings.Replace(src, "Prose.", "Other prose.\n\nAnd more.", 1), Options{Now: time.Unix(2, 0)},
		map[string]*observer{"r1": {m: machine(moved)}, "r2": {m: machine()}})
	if err != nil || p.Hash != hash {
		t.Errorf("the same plan is another: %v", err)
	}
	seen := map[string]string{hash: "itself"}
	for name, other := range map[string]string{
		"a command":    strings.Replace(src, "echo ${mtu}", "echo ${mtu} ", 1),
		"a change":     strings.Replace(src, "state: up", "state: down", 1),
		"a target":     strings.Replace(src, "name=two", "name=two on=r2", 1),
		"an address":   strings.Replace(src, "netns://r1", "netns://other", 1),
		"a guard":      strings.Replace(src, "name=one", "name=one confirm=90s", 1),
		"a time":       strings.Replace(src, "name=two", "name=two timeout=10s", 1),
		"a policy":     strings.Replace(src, "name=one", "name=one on-failure=stop", 1),
		"an exit":      strings.Replace(src, "name=two", "name=two expect-exit=1", 1),
		"an order":     front + "\n```sh { run name=two }\necho ${mtu}\n```\n" + block("one", "", bridgeBody),
		"a check":      src + fmt.Sprintf(checkBlock, "proof"),
		"an env":       strings.Replace(src, "name=two", "name=two env=A=b", 1),
		"a directory":  strings.Replace(src, "name=two", "name=two cwd=/", 1),
		"a wave":       strings.Replace(src, "name=two", "name=two batch=1", 1),
		"its failures": strings.Replace(src, "name=two", "name=two batch=1 max-failures=1", 1),
		"a variable":   strings.Replace(src, `"netns://r1"`, "{address: \"netns://r1\", vars: {a: 1}}", 1),
	} {
		got := must(t, other, Options{}).Hash
		if was, ok := seen[got]; ok {
			t.Errorf("%s gives the same hash as %s", name, was)
		}
		seen[got] = name
	}
}

func TestDurationCoversUndoing(t *testing.T) {
	src := front + "\n```check { name=pre timeout=3s }\nlink(\"eth0\").up\n```\n" + block("one", "timeout=5s confirm=manual,100s ", bridgeBody) +
		"\n```check { name=proof timeout=1s within=10s for=20s }\nlink(\"br0\").up\n```\n\n```rollback { timeout=7s }\ntrue\n```\n"
	want := 2*3*time.Second + 2*5*time.Second + 100*time.Second + 30*time.Second + 7*time.Second
	if got := must(t, src, Options{}).Duration; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSecretsAreNotInThePlan(t *testing.T) {
	src := strings.Replace(front, "vars:", "secrets: {key: env:KEY}\nvars:", 1) +
		"\n```sh { run name=x }\ntrue\n```\n\n```rollback\necho ${key}\n```\n"
	p := must(t, src, Options{Secrets: map[string]string{"key": "topsecret"}})
	body := p.Groups[0].Steps[1].Targets[0].Body
	if body != "echo [redacted:key]\n" {
		t.Errorf("%q", body)
	}
	if a, b := p.Hash, must(t, src, Options{Secrets: map[string]string{"key": "othersecret"}}).Hash; a != b {
		t.Error("the hash depends on the secret's value")
	}
	bad := strings.Replace(src, "```sh", strings.TrimPrefix(block("n", "", "interfaces:\n  - name: eth0\n    alias: ${key}\n"), "\n")+"\n```sh", 1)
	if ds := Lint(markdown.Parse("doc.md", []byte(bad))); !slices.ContainsFunc(ds, func(d runbook.Diagnostic) bool { return d.Code == "secret" }) {
		t.Errorf("%v", ds)
	}
}

// Faults of every kind, each at its place and each only once, though the block
// is for two targets.
func TestLintFindsEverything(t *testing.T) {
	src := `---
targets: {r1: "netns://r1", r2: "netns://r2"}
defaults: {on: [r1, r2]}
window: {start: 2026-11-22T00:00:00Z, end: 2026-11-21T00:00:00Z}
vars: {mtu: 1400, big: many}
---

- item

  ` + "```netconfig" + `
  interfaces:
    - name: eth0
      mtuu: 1
      mtu: ${big}
  ` + "```" + `

> ` + "```check" + `
> link("eth0").up
> link("eth0").nope
> ` + "```" + `

` + "```netconfig { name=second }" + `
interfaces:
  - name: eth0
    mtu: ${unknown}
` + "```" + `

` + "```snapshot" + `
nonsense
` + "```" + `

` + "```sh { run confirm=10s register=mtu }" + `
true
` + "```" + `
`
	ds := Lint(markdown.Parse("doc.md", []byte(src)))
	var got []string
	for _, d := range ds {
		got = append(got, fmt.Sprintf("%d:%d %s", d.Start.Line, d.Start.Column, d.Code))
	}
	for _, want := range []string{"13:7 ", "14:12 ", "19:16 ", "25:12 ", "29:1 ", "32:13 no-way-back", "32:25 duplicate-name"} {
		n := 0
		for _, g := range got {
			if strings.HasPrefix(g, want) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d diagnostics at %q", n, want)
		}
	}
	if !slices.ContainsFunc(ds, func(d runbook.Diagnostic) bool { return strings.Contains(d.Code, "window") }) {
		t.Error("the window is not noticed")
	}
	if len(ds) != 8 {
		t.Errorf("%d diagnostics:", len(ds))
	}
	if t.Failed() {
		for _, d := range ds {
			t.Logf("%v (%s)", d, d.Code)
		}
	}
}

func TestSameAndWithin(t *testing.T) {
	link := func(op netstate.Op, before, after netstate.Attrs) *netstate.Change {
		e := netstate.Edit{Op: op}
		if before != nil {
			e.Before.Link = &netstate.Interface{Name: "eth0", Type: "ethernet", Attrs: before}
		}
		if after != nil {
			e.After.Link = &netstate.Interface{Name: "eth0", Type: "ethernet", Attrs: after, Index: len(before)}
		}
		return &netstate.Change{Edits: []netstate.Edit{e}}
	}
	a := link(netstate.Modify, netstate.Attrs{"mtu": "1500"}, netstate.Attrs{"mtu": "1400"})
	filled := link(netstate.Modify, netstate.Attrs{"mtu": "1500", "mac-address": "x"}, netstate.Attrs{"mtu": "1400", "mac-address": "x"})
	other := link(netstate.Modify, netstate.Attrs{"mtu": "1400"}, netstate.Attrs{"mtu": "1300"})
	if !Same(a, filled) || Same(a, other) || Same(a, nil) || !Same(nil, &netstate.Change{}) {
		t.Error("Same")
	}
	both := &netstate.Change{Edits: append(slices.Clone(a.Edits), link(netstate.Add, nil, netstate.Attrs{"mtu": "9"}).Edits...)}
	if !Within(a, both) || Within(both, a) || !Within(nil, a) {
		t.Error("Within")
	}
}

func BenchmarkHashRoutes(b *testing.B) {
	c := &netstate.Change{}
	for i := range 10000 {
		c.Edits = append(c.Edits, netstate.Edit{Op: netstate.Add, After: netstate.Object{Route: &netstate.Route{
			Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), Table: 254,
			NextHops: []netstate.NextHop{{Device: "eth0", Via: netip.MustParseAddr("192.0.2.1")}},
		}}})
	}
	p := &runbook.Plan{Groups: []runbook.Group{{Steps: []runbook.Step{{Targets: []runbook.StepPlan{{Change: c}}}}}}}
	for b.Loop() {
		hash(p)
	}
}

// Lint never panics, and says each thing once, at a place that exists.
func FuzzLint(f *testing.F) {
	f.Add(front + block("one", "", bridgeBody) + fmt.Sprintf(checkBlock, "c"))
	f.Add(front + block("one", "", "interfaces:\n  - name: ${mtu}\n    mtu: ${nope}\n"))
	f.Add(front + "\n```rollback { lang=netconfig }\n${x\n```\n- [ ] do\n")
	f.Add("```check\n((((\n```\n```snapshot\n\x00\n```\n")
	f.Fuzz(func(t *testing.T, src string) {
		d := markdown.Parse("doc.md", []byte(src))
		lines := strings.Count(src, "\n") + 2
		ds := Lint(d)
		for i, one := range ds {
			if one.Start.Line < 1 || one.Start.Line > lines || one.Start.Column < 1 {
				t.Fatalf("%+v", one)
			}
			if i > 0 && one == ds[i-1] {
				t.Fatalf("said twice: %+v", one)
			}
		}
	})
}
