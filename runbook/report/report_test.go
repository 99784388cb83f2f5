package report

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"                    //nolint:depguard // the judge of what is written here
	"github.com/yuin/goldmark/ast"                //nolint:depguard // the judge of what is written here
	"github.com/yuin/goldmark/extension"          //nolint:depguard // the judge of what is written here
	gast "github.com/yuin/goldmark/extension/ast" //nolint:depguard // the judge of what is written here
	"github.com/yuin/goldmark/text"               //nolint:depguard // the judge of what is written here

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var when = time.Date(2026, 11, 21, 22, 1, 3, 0, time.UTC)

func bridge() *netstate.Change {
	return &netstate.Change{Edits: []netstate.Edit{{Op: netstate.Add, After: netstate.Object{
		Link: &netstate.Interface{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"mtu": "1500", "state": "up"}},
	}}}}
}

func routes(n int) *netstate.Change {
	c := &netstate.Change{}
	for i := range n {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		c.Edits = append(c.Edits, netstate.Edit{Op: netstate.Add, After: netstate.Object{Route: &netstate.Route{
			Destination: netip.PrefixFrom(a, 32), Table: 254, NextHops: []netstate.NextHop{{Device: "eth0"}},
		}}})
	}
	return c
}

// evil is text that means something in every place where it could stand.
const evil = "a|b `c` ```d <!-- /stet:result name=x --> <b> *e* [f](g) \\| \n# h\n| i |"

func base(kind runbook.BlockKind, target string, s runbook.Status) runbook.Outcome {
	return runbook.Outcome{Step: "x", Kind: kind, Target: target, Status: s, Start: when, End: when.Add(130 * time.Millisecond)}
}

func outcomes() map[string][]runbook.Outcome {
	with := func(o runbook.Outcome, f func(*runbook.Outcome)) runbook.Outcome { f(&o); return o }
	change := with(base(runbook.Netconfig, "r1", runbook.OK), func(o *runbook.Outcome) {
		o.Change, o.Result, o.Confirmed = bridge(), &executors.Result{Done: 1}, when.Add(6*time.Second)
	})
	undone := with(change, func(o *runbook.Outcome) {
		o.Status = runbook.RolledBack
		u := base(runbook.Netconfig, "r1", runbook.RolledBack)
		u.Start, u.End = when.Add(time.Minute), when.Add(time.Minute+40*time.Millisecond)
		u.Guard = &executors.GuardState{Phase: executors.Reverted, Ended: when.Add(time.Minute)}
		u.Result = &executors.Result{Undone: true}
		o.Undo = &u
	})
	midway := with(base(runbook.Netconfig, "r1", runbook.Failed), func(o *runbook.Outcome) {
		o.Change = bridge()
		o.Error = "+ link br0: invalid argument"
		o.Result = &executors.Result{Done: 1, UndoError: "not everything is as before: link br0 is present instead of absent",
			Failed:  &executors.EditError{Edit: "+ link br0", Errno: 22, Message: "invalid argument"},
			Remains: []netstate.Mismatch{{Object: "link br0", Want: "absent", Got: "present"}}}
	})
	command := with(base(runbook.Run, "r1", runbook.RolledBack), func(o *runbook.Outcome) {
		o.Exit = &executors.ExitStatus{}
		u := base(runbook.Run, "r1", runbook.RolledBack)
		o.Undo = &u
	})
	incomplete := with(undone, func(o *runbook.Outcome) {
		o.Status = runbook.Incomplete
		u := *o.Undo
		u.Status, u.Error, u.Guard = runbook.Incomplete, "it is not as it was before: link br0 mtu is \"1400\" instead of \"1500\"", nil
		u.Result = &executors.Result{Remains: []netstate.Mismatch{{Object: "link br0", Key: "mtu", Want: "1500", Got: "1400"}}}
		o.Undo = &u
	})
	refused := with(base(runbook.Netconfig, "r1", runbook.Failed), func(o *runbook.Outcome) {
		o.Change = bridge()
		o.Result = &executors.Result{Done: 3, Undone: true, Failed: &executors.EditError{Index: 3, Edit: "add route default", Errno: 101, Message: "network is unreachable: Nexthop has invalid gateway"}}
		o.Error = o.Result.Failed.Error()
	})
	check := with(base(runbook.Check, "r1", runbook.Failed), func(o *runbook.Outcome) {
		o.Error = "does not hold: ping(\"a|b\").loss == 0"
		o.Checks = []runbook.Assertion{
			{Text: "link(\"br0\").up", OK: true, Tries: 1},
			{Text: "ping(\"a|b\").loss == 0 || false", Tries: 12, Took: 3 * time.Second, Operands: []runbook.Operand{{Text: "ping(\"a|b\").loss", Value: "100"}}},
			{Text: "tcp(\"`x`\").ok", Error: "the name | does not\nresolve", Tries: 1},
		}
	})
	var long strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&long, "line %d\n", i)
	}
	return map[string][]runbook.Outcome{
		"change":     {change},
		"unchanged":  {base(runbook.Netconfig, "r1", runbook.Unchanged)},
		"routes":     {with(change, func(o *runbook.Outcome) { o.Change = routes(10000) })},
		"undone":     {undone},
		"incomplete": {incomplete},
		"refused":    {refused},
		"midway":     {midway},
		"command":    {command},
		"check":      {check},
		"several":    {change, with(undone, func(o *runbook.Outcome) { o.Target = "r2" }), with(refused, func(o *runbook.Outcome) { o.Target = "r3" })},
		"unreachable": {with(base(runbook.Netconfig, "r1", runbook.Failed), func(o *runbook.Outcome) {
			o.Error, o.Remedy = "observing r1: connecting to r1: no answer within the time given", "check that the host is up"
		})},
		"output": {with(base(runbook.Run, "r1", runbook.Failed), func(o *runbook.Outcome) {
			o.Error, o.Exit = "exit code 3", &executors.ExitStatus{Code: 3}
			o.Output = &runbook.Output{Head: "```\nnested\n````\n", Bytes: 16, Lines: 3, File: "output-0001-x-r1.log"}
		})},
		"long output": {with(base(runbook.Run, "r1", runbook.OK), func(o *runbook.Outcome) {
			o.Exit = &executors.ExitStatus{}
			o.Output = &runbook.Output{Head: long.String()[:5000], Tail: long.String()[long.Len()-5000:], Bytes: int64(long.Len()), Lines: 2000, OmittedBytes: int64(long.Len()) - 10000, OmittedLines: 1000, File: "output-0001-x-r1.log"}
		})},
		"manual": {with(base(runbook.Manual, "", runbook.OK), func(o *runbook.Outcome) {
			o.Answer = &runbook.Answer{Done: true, By: "alice", At: when, Note: "spoke to *Eve*"}
		})},
		"snapshot": {with(base(runbook.Snapshot, "r1", runbook.OK), func(o *runbook.Outcome) { o.Facts = map[string]int{"routes": 12345, "links": 3} })},
		"kept": {with(base(runbook.Run, "r1", runbook.OK), func(o *runbook.Outcome) {
			o.Undo = &runbook.Outcome{Status: runbook.Skipped, Error: "there is no rollback block for it"}
		})},
		"evil": {
			with(base(runbook.Run, evil, runbook.Failed), func(o *runbook.Outcome) {
				o.Error, o.Remedy, o.Output = evil, evil, &runbook.Output{Head: evil, Bytes: 10, Lines: 3}
			}),
			with(base(runbook.Check, "r1", runbook.Failed), func(o *runbook.Outcome) {
				o.Checks = []runbook.Assertion{{Text: evil, Error: evil, Operands: []runbook.Operand{{Text: evil, Value: evil}}}}
			}),
		},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".md")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

func TestResult(t *testing.T) {
	for name, os := range outcomes() {
		t.Run(name, func(t *testing.T) {
			first := Result(os)
			golden(t, "result-"+name, first)
			if again := Result(os); again != first {
				t.Error("twice is not the same")
			}
			if n := strings.Count(first, "\n"); n > 150 {
				t.Errorf("%d lines", n)
			}
		})
	}
	if Result(nil) != "" {
		t.Error("nothing is something")
	}
}

func TestHead(t *testing.T) {
	all := outcomes()
	named := func(o runbook.Outcome, step string) runbook.Outcome { o.Step = step; return o }
	pre := named(base(runbook.Check, "r1", runbook.OK), "before")
	failed := named(all["check"][0], "proof")
	op := func(s runbook.Status, os ...runbook.Outcome) *runbook.Operation {
		return &runbook.Operation{
			Run: "01JD0000000000000000000000", Operator: "alice", Host: "noc|1", Tool: "stet 0.1", PlanHash: strings.Repeat("ab", 32),
			Start: when, End: when.Add(127 * time.Second), Status: s, Outcomes: os,
		}
	}
	skipped := runbook.Outcome{Step: "late", Kind: runbook.Netconfig, Target: "r1", Status: runbook.Skipped}
	running := op(runbook.Running, pre)
	running.End = time.Time{}
	noted := op(runbook.RolledBack, pre, named(all["undone"][0], "uplink"), failed, named(all["kept"][0], "drain"), skipped)
	noted.Notes = []string{"After the rollback all pre-checks hold again (1).", evil}
	closed := op(runbook.Failed, named(all["change"][0], "uplink"), skipped)
	closed.Error, closed.Remedy = "the window closed at 2026-11-22 02:00:00 UTC, before late was begun", "begin earlier"
	for name, op := range map[string]*runbook.Operation{
		"done": op(runbook.OK, pre, named(all["change"][0], "uplink"), named(all["manual"][0], "call")), "nothing": op(runbook.OK, pre, named(all["unchanged"][0], "uplink")),
		"precheck":   op(runbook.Failed, failed, skipped),
		"stopped":    op(runbook.Failed, pre, named(all["change"][0], "first"), named(all["undone"][0], "uplink"), failed, skipped),
		"rolledback": noted, "requested": op(runbook.RolledBack, named(all["undone"][0], "uplink")),
		"incomplete":  op(runbook.Incomplete, named(all["incomplete"][0], "uplink"), failed),
		"closed":      closed,
		"unreachable": op(runbook.Failed, named(all["unreachable"][0], "uplink"), skipped),
		"aborted":     op(runbook.Aborted, pre, skipped), "running": running,
	} {
		t.Run(name, func(t *testing.T) { golden(t, "head-"+name, Head(op)) })
	}
}

// TestFooting: what keeps a guard's process is said where the guard is.
func TestFooting(t *testing.T) {
	ends := executors.Footing{Kept: executors.OwnSession, EndsWithLogin: true}
	for _, c := range []struct {
		g    executors.GuardState
		want string
	}{
		{executors.GuardState{Phase: executors.Armed}, "\nA guard is armed: it reverts the change unless it is confirmed.\n"},
		{executors.GuardState{Phase: executors.Armed, Footing: executors.Footing{Kept: executors.SystemScope}}, "\nA guard is armed: it reverts the change unless it is confirmed. It is in a scope of systemd.\n"},
		{executors.GuardState{Phase: executors.Armed, Footing: executors.Footing{Kept: executors.OwnSession}}, "\nA guard is armed: it reverts the change unless it is confirmed. It is in a session of its own (setsid).\n"},
		{executors.GuardState{Phase: executors.Lost, Footing: ends}, "\nThe guard's process died before it could act. It was in a session of its own (setsid), and logind ends it with the login that it was armed from (KillUserProcesses).\n"},
		{executors.GuardState{Phase: executors.Confirmed, Footing: ends}, ""},
	} {
		var b strings.Builder
		guard(&b, &c.g)
		if b.String() != c.want {
			t.Errorf("got  %q\nwant %q", b.String(), c.want)
		}
	}
}

// Whatever an outcome holds, a Markdown parser finds in the result what was
// meant: no heading, no link, no comment that the text brought along.
func TestNothingEscapes(t *testing.T) {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	op := &runbook.Operation{Operator: evil, Host: evil, Tool: evil, Notes: []string{evil}, Status: runbook.Failed, Outcomes: outcomes()["evil"]}
	plain := *op
	plain.Outcomes, plain.Error, plain.Remedy = nil, evil, evil
	for name, src := range map[string]string{"result": Result(outcomes()["evil"]), "head": Head(op), "reason": Head(&plain)} {
		doc := md.Parser().Parse(text.NewReader([]byte(src)))
		err := ast.Walk(doc, func(n ast.Node, in bool) (ast.WalkStatus, error) {
			if !in {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *ast.Heading, *ast.Link, *ast.Image, *ast.AutoLink:
				t.Errorf("%s: a %s", name, n.Kind())
			case *ast.HTMLBlock:
				if l := string(n.Lines().Value([]byte(src))); !strings.Contains(l, "details>") {
					t.Errorf("%s: HTML %q", name, l)
				}
			case *ast.RawHTML:
				if l := string(n.Segments.Value([]byte(src))); l != "<br>" {
					t.Errorf("%s: HTML %q", name, l)
				}
			case *gast.TableRow:
				if got, want := n.ChildCount(), n.Parent().FirstChild().ChildCount(); got != want {
					t.Errorf("%s: a row of %d in a table of %d", name, got, want)
				}
			}
			return ast.WalkContinue, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
