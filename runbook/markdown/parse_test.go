package markdown

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/runbook"
)

func TestFrontMatter(t *testing.T) {
	d := Parse("x.md", []byte(`---
title: Move the uplink to a bridge
ticket: CHG-4711
window: {start: 2026-11-21T22:00:00Z, end: 2026-11-22T02:00:00+01:00}
targets:
  here: local
  lab1: {address: "netns://lab1", create: true, keep: true, become: sudo, vars: {mtu: 9000}}
  r1: ssh://ops@r1.example.net:22
  edge: [r1, lab1]
  all: [edge, here, r1]
defaults: {on: edge, timeout: 30s, confirm: 120s, on-failure: stop, interpreter: {python: python3}}
vars: {vlan: 120, uplink: eth0, list: [1, x]}
secrets: {pw: "env:PW", key: "file:/etc/key", tok: "cmd:pass show tok"}
params:
  bridge: interface
  vlan: {doc: The VLAN, type: int, default: 10, min: 1, max: 4094}
  mode: {enum: [a, b], pattern: "^[ab]$"}
---
# Head
`))
	if d.Diagnostics != nil {
		t.Fatal(faults(d))
	}
	low, high := int64(1), int64(4094)
	want := runbook.Meta{
		Title: "Move the uplink to a bridge", Ticket: "CHG-4711",
		Window: &runbook.Window{Start: time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)},
		Targets: []executors.Target{
			{Name: "here", Address: "local"},
			{Name: "lab1", Address: "netns://lab1", Create: true, Keep: true, Become: "sudo", Vars: map[string]any{"mtu": 9000}},
			{Name: "r1", Address: "ssh://ops@r1.example.net:22"},
		},
		Groups: map[string][]string{"edge": {"r1", "lab1"}, "all": {"r1", "lab1", "here"}},
		Default: runbook.Defaults{On: []string{"edge"}, Timeout: 30 * time.Second, Confirm: 120 * time.Second, OnFailure: runbook.Stop,
			Interpreter: map[string]string{"python": "python3"}},
		Vars: []runbook.Var{{Name: "vlan", Value: 120}, {Name: "uplink", Value: "eth0"}, {Name: "list", Value: []any{1, "x"}}},
		Secrets: []runbook.Secret{{Name: "pw", From: "env:PW", Pos: runbook.Position{Line: 13, Column: 11}},
			{Name: "key", From: "file:/etc/key", Pos: runbook.Position{Line: 13, Column: 25}}, {Name: "tok", From: "cmd:pass show tok", Pos: runbook.Position{Line: 13, Column: 47}}},
		Params: []runbook.Param{{Name: "bridge", Type: "interface", Pos: runbook.Position{Line: 15, Column: 3}},
			{Name: "vlan", Doc: "The VLAN", Type: "int", Default: "10", Min: &low, Max: &high, Pos: runbook.Position{Line: 16, Column: 3}},
			{Name: "mode", Type: "enum", Enum: []string{"a", "b"}, Pattern: "^[ab]$", Pos: runbook.Position{Line: 17, Column: 3}}},
	}
	got := d.Meta
	if p := got.Places["targets.r1"]; p != (runbook.Position{Line: 8, Column: 3}) {
		t.Errorf("targets.r1 at %v", p)
	}
	if p := got.Places["vars.uplink"]; p != (runbook.Position{Line: 12, Column: 19}) {
		t.Errorf("vars.uplink at %v", p)
	}
	if string(d.Source[got.Span.End:]) != "# Head\n" || d.Head != got.Span.End {
		t.Errorf("front matter ends at %d, head at %d", got.Span.End, d.Head)
	}
	got.Places, got.Span = nil, runbook.Span{}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestSpellings writes the same attributes in every way that is read.
func TestSpellings(t *testing.T) {
	for _, src := range []string{
		"```netconfig { name=up on=a,b confirm=90s }\nx\n```\n",
		"```netconfig{name=up on=\"a,b\" confirm='90s'}\nx\n```\n",
		"~~~ {.netconfig #up on=a,b confirm=90s}\nx\n~~~\n",
		"``` netconfig {#up on=\"a, b\" confirm=90s .numbered}\nx\n```\n",
		"```netconfig {\"name\": \"up\", \"on\": [\"a\", \"b\"], \"confirm\": \"90s\"}\nx\n```\n",
		"<!-- netconfig: name=up on=a,b confirm=90s -->\n```netconfig\nx\n```\n",
		"<!-- netconfig: name=up on=a,b -->\n```netconfig { confirm=90s }\nx\n```\n",
		"> <!--netconfig: name=up on=a,b confirm=90s-->\n> ```yaml\n> x\n> ```\n",
	} {
		d := Parse("x.md", []byte("---\ntargets: {a: local, b: sandbox}\n---\n"+src))
		if len(d.Blocks) != 1 || d.Diagnostics != nil {
			t.Errorf("%s: %d blocks\n%s", src, len(d.Blocks), faults(d))
			continue
		}
		b := d.Blocks[0]
		if b.Name != "up" || !b.Named || b.Kind != runbook.Netconfig || strings.Join(b.On, " ") != "a b" || b.Confirm != 90*time.Second || b.Body != "x\n" {
			t.Errorf("%s: %+v", src, b)
		}
	}
}

func TestDefaults(t *testing.T) {
	d := Parse("x.md", []byte(`---
targets: {here: local, r1: "netns://r1", r2: "netns://r2", edge: [r1, r2]}
defaults: {on: here, timeout: 30s, confirm: 2m, on-failure: ask, interpreter: {python: python3}}
---
## Drain *it*

`+"```netconfig { on=edge,r1 }\n```\n\n```check { within=5m for=10s }\n```\n\n```rollback\nip link\n```\n\n"+
		"```python { run name=drain env=\"A=1 B='x y'\" env=C=3 expect-exit=0,2 cwd=/tmp stdin=hi register=out confirm=no timeout=1h }\n```\n\n"+
		"```rollback { for=drain lang=netconfig }\n```\n\n```sh { run confirm=manual }\n```\n\n```sh { run confirm=10m,manual }\n```\n\n* [x] done already { on=r1 }\n"))
	if d.Diagnostics != nil {
		t.Fatal(faults(d))
	}
	var got []string
	for _, b := range d.Blocks {
		got = append(got, fmt.Sprintf("%s %s named=%t lang=%s on=%v timeout=%v confirm=%v%s policy=%s for=%s within=%v every=%v hold=%v env=%q exit=%v interp=%s dir=%s in=%s reg=%s ticked=%t under=%s",
			b.Name, b.Kind, b.Named, b.Lang, b.On, b.Timeout, b.Confirm, b.ConfirmBy, b.OnFailure, b.For, b.Within, b.Every, b.Hold, b.Env, b.ExpectExit, b.Interp, b.Dir, b.Stdin, b.Register, b.Ticked, b.Heading))
	}
	want := []string{
		"netconfig-1 netconfig named=false lang=netconfig on=[r1 r2] timeout=30s confirm=2m0s policy=ask for= within=0s every=0s hold=0s env=[] exit=[] interp= dir= in= reg= ticked=false under=Drain *it*",
		"check-1 check named=false lang=check on=[here] timeout=5m10s confirm=0s policy=ask for= within=5m0s every=1s hold=10s env=[] exit=[] interp= dir= in= reg= ticked=false under=Drain *it*",
		"rollback-1 rollback named=false lang=sh on=[r1 r2] timeout=30s confirm=0s policy=ask for= within=0s every=0s hold=0s env=[] exit=[0] interp=sh dir= in= reg= ticked=false under=Drain *it*",
		"drain run named=true lang=python on=[here] timeout=1h0m0s confirm=0s policy=ask for= within=0s every=0s hold=0s env=[\"A=1\" \"B=x y\" \"C=3\"] exit=[0 2] interp=python3 dir=/tmp in=hi reg=out ticked=false under=Drain *it*",
		"rollback-2 rollback named=false lang=netconfig on=[here] timeout=30s confirm=0s policy=ask for=drain within=0s every=0s hold=0s env=[] exit=[] interp= dir= in= reg= ticked=false under=Drain *it*",
		"run-2 run named=false lang=sh on=[here] timeout=30s confirm=2m0smanual policy=ask for= within=0s every=0s hold=0s env=[] exit=[0] interp=sh dir= in= reg= ticked=false under=Drain *it*",
		"run-3 run named=false lang=sh on=[here] timeout=30s confirm=10m0smanual policy=ask for= within=0s every=0s hold=0s env=[] exit=[0] interp=sh dir= in= reg= ticked=false under=Drain *it*",
		"manual-1 manual named=false lang= on=[r1] timeout=0s confirm=0s policy=ask for= within=0s every=0s hold=0s env=[] exit=[] interp= dir= in= reg= ticked=true under=Drain *it*",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBodyPosition asks for the place of each "@" in the bodies.
func TestBodyPosition(t *testing.T) {
	src := "\uFEFF```check\n@ é@\n```\n- > ~~~ check\n  > \tü@\n  > @\n  > ~~~\n-\t```check\n\t  @\n\t  é @\n\t```\r\n\r\n  ```check\r\n @\r\n    é@\r\n  ```\n* [ ] é @\n  more@\n"
	d := Parse("x.md", []byte(src))
	var want, got []runbook.Position
	for i := range len(src) {
		if src[i] == '@' {
			want = append(want, Position([]byte(src), i))
		}
	}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		for n, line := range strings.Split(b.Body, "\n") {
			column := 1
			for _, r := range line {
				if r == '@' {
					got = append(got, BodyPosition(d, b, n+1, column))
				}
				column++
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	b := &d.Blocks[0]
	for _, place := range [][2]int{{0, 0}, {1, 99}, {99, 1}, {1, -3}} {
		if p := BodyPosition(d, b, place[0], place[1]); p.Line < 1 || p.Column < 1 || p.Line > 3 {
			t.Errorf("%v is at %v", place, p)
		}
	}
}

func TestNotBlocks(t *testing.T) {
	for _, src := range []string{
		"````text\n```netconfig\n```\n````\n",
		"<div>\n```netconfig\n```\n</div>\n",
		"    ```netconfig\n    ```\n",
		"```sh\nrun\n```\n",
		"<!--\n```netconfig\n```\n-->\n",
		"- [] no box\n- [ ]\n- [y] none\n- [ ]glued\n- text [ ] later\n",
		"```text\n- [ ] no step\n<!-- stet:result name=x -->\n```\n",
		"[ ] no item\n",
	} {
		d := Parse("x.md", []byte(src))
		if len(d.Blocks) > 0 || len(d.Orphans) > 0 || d.Diagnostics != nil {
			t.Errorf("%q: %+v %s", src, d.Blocks, faults(d))
		}
	}
}
