package view

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

func aPlan() *runbook.Plan {
	up := &netstate.Change{Edits: []netstate.Edit{{
		Op:    netstate.Add,
		After: netstate.Object{Link: &netstate.Interface{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"state": "up"}}},
	}}}
	return &runbook.Plan{
		Hash:     "3c9d",
		Targets:  []executors.Target{{Name: "r1", Address: "sandbox://r1"}, {Name: "r2", Address: "sandbox://r2"}},
		Duration: 250 * time.Second,
		Groups: []runbook.Group{
			{Name: "before", Change: -1, Steps: []runbook.Step{
				{Name: "before", Kind: runbook.Check, Line: 9, Targets: []runbook.StepPlan{{Target: "r1", Body: "link(\"lo\").up\n"}}},
			}},
			{Name: "uplink", Change: 0, Policy: runbook.Rollback, Steps: []runbook.Step{
				{Name: "uplink", Kind: runbook.Netconfig, Line: 13, Targets: []runbook.StepPlan{{Target: "r1", Change: up}, {Target: "r2", Change: up}}},
				{Name: "call", Kind: runbook.Manual, Line: 20, Block: runbook.Block{Body: "Call the NOC"}, Targets: []runbook.StepPlan{{}}},
			}},
			{Name: "again", Change: 0, Policy: runbook.Stop, Steps: []runbook.Step{
				{Name: "again", Kind: runbook.Netconfig, Line: 25, Targets: []runbook.StepPlan{{Target: "r1", Change: up}, {Target: "r2", Change: &netstate.Change{}}}},
				{Name: "later", Kind: runbook.Netconfig, Line: 30, Targets: []runbook.StepPlan{{Target: "r1", Deferred: "it needs the output of drain"}}},
			}},
		},
	}
}

func text(s string) string {
	var out bytes.Buffer
	NewPage(&out, nil, false).Print(s)
	return out.String()
}

func TestPlan(t *testing.T) {
	d := &runbook.Document{Meta: runbook.Meta{Title: "Uplink", Ticket: "CHG-1"}}
	const want = `Uplink · CHG-1
r1 = sandbox://r1, r2 = sandbox://r2

before any change
  check       before on r1 · line 9
    | link("lo").up

uplink · on failure: undo everything
  netconfig   uplink on r1, r2 · line 13
    + link br0 linux-bridge up
  manual      call · line 20
    Call the NOC

again · on failure: undo this, keep what went before, stop
  netconfig   again on r1, r2 · line 25
    r1:
    + link br0 linux-bridge up
    r2:
    holds already
  netconfig   later on r1 · line 30
    known when it runs: it needs the output of drain

3 edits, 1 manual step on 2 targets · at most 4 min 10 s, undoing included
plan 3c9d
`
	if diff := cmp.Diff(want, text(Plan(aPlan(), d, AsDiff))); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyPlan(t *testing.T) {
	p := &runbook.Plan{Document: "a.md", Hash: "3c9d"}
	const none = "a.md\n\nno step to run\nplan 3c9d\n"
	if got := text(Plan(p, &runbook.Document{}, AsDiff)); got != none {
		t.Errorf("got %q", got)
	}
	p.Groups = []runbook.Group{{}}
	if got := text(Plan(p, &runbook.Document{}, AsDiff)); !strings.HasSuffix(got, "\nnothing to change\nplan 3c9d\n") {
		t.Errorf("got %q", got)
	}
}

func TestSummary(t *testing.T) {
	op := &runbook.Operation{
		Run: "01JD", Status: runbook.RolledBack, Start: noon, End: noon.Add(3 * time.Second), Notes: []string{"a result found no place"},
		Outcomes: []runbook.Outcome{
			{Step: "before", Target: "r1", Status: runbook.OK, Checks: []runbook.Assertion{{OK: true}}},
			{Step: "uplink", Target: "router2", Status: runbook.RolledBack},
			{Step: "facts", Target: "r1", Status: runbook.OK, Facts: map[string]int{"routes": 2, "links": 1}},
			{Step: "call", Status: runbook.OK, Answer: &runbook.Answer{Done: true, By: "ada", At: noon, Note: "green"}},
		},
	}
	const want = `ok          before  r1       1 of 1 hold
rolled-back uplink  router2
ok          facts   r1       1 links, 2 routes
ok          call             done by ada, 22:01:03Z: green
note        a result found no place
rolled-back: everything is as it was before; done by hand, and not undone: call · 3.00 s · run 01JD
`
	if diff := cmp.Diff(want, text(Summary(op))); diff != "" {
		t.Error(diff)
	}
}

// TestVerdictSaysNoMore: the last line says of what was undone no more than is so.
func TestVerdictSaysNoMore(t *testing.T) {
	kept := &runbook.Outcome{Status: runbook.Skipped, Error: "there is no rollback block for it"}
	failed := &runbook.Outcome{Status: runbook.Incomplete, Error: "exit code 4"}
	differs := &runbook.Outcome{Status: runbook.Incomplete, Error: "it differs", Result: &executors.Result{Remains: []netstate.Mismatch{{}}}}
	unseen := &runbook.Outcome{Status: runbook.Incomplete, Error: "no answer"}
	back := &runbook.Outcome{Status: runbook.RolledBack, Result: &executors.Result{Undone: true}}
	drain := runbook.Outcome{Step: "drain", Target: "r1", Kind: runbook.Run, Status: runbook.Failed, Undo: kept}
	net := func(s runbook.Status, u *runbook.Outcome) runbook.Outcome {
		return runbook.Outcome{Step: "net", Target: "r1", Kind: runbook.Netconfig, Status: s, Undo: u}
	}
	for _, c := range []struct {
		want   string
		status runbook.Status
		os     []runbook.Outcome
	}{
		{"failed: not undone, because there is no rollback block: drain on r1", runbook.Failed, []runbook.Outcome{drain}},
		{"aborted: interrupted, and not all of it is undone", runbook.Aborted, []runbook.Outcome{drain}},
		{"aborted: interrupted", runbook.Aborted, []runbook.Outcome{net(runbook.RolledBack, back)}},
		{"rolled-back: undone, except for what has no rollback block: drain on r1", runbook.RolledBack, []runbook.Outcome{net(runbook.RolledBack, back), drain}},
		{"rolled-back: nothing could be undone: there is no rollback block for drain on r1", runbook.RolledBack, []runbook.Outcome{drain}},
		{"incomplete: a way back failed, see above", runbook.Incomplete, []runbook.Outcome{{Kind: runbook.Run, Status: runbook.Incomplete, Undo: failed}}},
		{"incomplete: something still differs from before, see above", runbook.Incomplete, []runbook.Outcome{net(runbook.Incomplete, differs)}},
		{"incomplete: nobody saw whether all is as it was before, see above", runbook.Incomplete, []runbook.Outcome{net(runbook.Incomplete, unseen)}},
		{"incomplete: a pre-check that had held before fails now, see above", runbook.Incomplete, []runbook.Outcome{net(runbook.RolledBack, back)}},
	} {
		got := text(verdict(&runbook.Operation{Run: "01JD", Status: c.status, Outcomes: c.os}))
		if got != c.want+" · run 01JD" {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
