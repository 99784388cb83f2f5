package view

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/runbook"
)

func hosts(from, to int) []string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf("h%d", i))
	}
	return out
}

// onAll are the events of a step on targets: each begins, and ends as ends says.
func onAll(step string, targets []string, number, of int, ends func(target string) *runbook.Outcome) []runbook.Event {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	es := []runbook.Event{{Kind: runbook.EventWave, Time: at(0), Step: step, Wave: &runbook.Wave{Number: number, Of: of, Targets: targets, Parallel: 10}}}
	for _, t := range targets {
		es = append(es, runbook.Event{Kind: runbook.EventStep, Time: at(0), Step: step, Target: t})
		es = append(es, runbook.Event{Kind: runbook.EventGuard, Time: at(0), Step: step, Target: t, Deadline: at(60)})
	}
	for _, t := range targets {
		o := ends(t)
		if o == nil {
			continue
		}
		o.Step, o.Target, o.Kind = step, t, runbook.Run
		es = append(es, runbook.Event{Kind: runbook.EventOutput, Time: at(1), Step: step, Target: t, Text: "hello"})
		es = append(es, runbook.Event{Kind: runbook.EventOutcome, Time: at(2), Step: step, Target: t, Outcome: o})
	}
	return es
}

func fine(string) *runbook.Outcome { return &runbook.Outcome{Status: runbook.OK} }

func TestFleet(t *testing.T) {
	es := onAll("look", hosts(1, 1000), 0, 0, fine)
	es = append(es, onAll("mtu", hosts(1, 2), 1, 2, fine)...)
	es = append(es, runbook.Event{Kind: runbook.EventConfirm, Group: "mtu", Step: "mtu", Text: "wave 1 of 2"})
	es = append(es, onAll("mtu", hosts(3, 30), 2, 2, func(target string) *runbook.Outcome {
		switch target {
		case "h7":
			return &runbook.Outcome{Status: runbook.Failed, Error: "no route to host"}
		case "h30":
			return nil // it failed before this one was begun
		}
		return &runbook.Outcome{Status: runbook.Unchanged}
	})...)
	for i, e := range es { // h30 never begins
		if e.Target == "h30" && (e.Kind == runbook.EventStep || e.Kind == runbook.EventGuard) {
			es[i].Kind = runbook.EventRetry
		}
	}
	es = append(es, runbook.Event{Kind: runbook.EventNote, Time: noon.Add(3 * time.Second), Text: "Wave 2 of 2 failed."})
	for _, h := range hosts(1, 30) {
		es = append(es, runbook.Event{Kind: runbook.EventUndo, Step: "mtu", Target: h})
		u := &runbook.Outcome{Step: "mtu", Target: h, Undo: &runbook.Outcome{Status: runbook.RolledBack}}
		if h == "h9" {
			u.Undo = &runbook.Outcome{Status: runbook.Incomplete, Error: "it differs", Result: &executors.Result{}}
		}
		es = append(es, runbook.Event{Kind: runbook.EventUndone, Step: "mtu", Target: h, Outcome: u})
	}
	es = append(es, runbook.Event{Kind: runbook.EventEnd})
	var out bytes.Buffer
	v := Plain(NewPage(&out, nil, false))
	for _, e := range es {
		v.Event(e)
	}
	want := `start       look · 1000 targets (h1–h1000), 10 at once
guard       look: the first target goes back at 22:02:03Z, and each of the others in its turn, unless confirmed
ok          look · 1000 ok · 2.00 s
start       mtu, wave 1 of 2 · 2 targets (h1, h2)
start       mtu on h1
guard       mtu on h1 goes back at 22:02:03Z (in 1 min) unless confirmed
start       mtu on h2
guard       mtu on h2 goes back at 22:02:03Z (in 1 min) unless confirmed
  h1 | hello
ok          mtu on h1
  h2 | hello
ok          mtu on h2
stet        mtu confirmed · wave 1 of 2
start       mtu, wave 2 of 2 · 28 targets (h3–h30), 10 at once
guard       mtu: the first target goes back at 22:02:03Z, and each of the others in its turn, unless confirmed
failed      mtu on h7
    no route to host
failed      mtu, wave 2 of 2 · 26 unchanged, 1 failed, 1 not begun · 3.00 s
note        Wave 2 of 2 failed.
undoing     mtu on its targets
incomplete  mtu on h9
    it differs
undone      mtu on 29 targets · 1 not all the way back
`
	got := strings.ReplaceAll(out.String(), "\x1b", "ESC")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := strings.Count(got, "\n"); n > 40 {
		t.Errorf("%d lines of 1000 hosts", n)
	}
}

func TestFleetProgress(t *testing.T) {
	p := NewPage(&bytes.Buffer{}, nil, false)
	es := onAll("look", hosts(1, 100), 1, 3, func(target string) *runbook.Outcome {
		switch target {
		case "h2", "h5", "h6", "h7":
			return nil
		case "h9":
			return &runbook.Outcome{Status: runbook.Failed}
		}
		return &runbook.Outcome{Status: runbook.OK}
	})
	for _, e := range es {
		p.eventLines(e)
	}
	var out bytes.Buffer
	NewPage(&out, nil, false).Print(p.fleet.progress(noon.Add(30 * time.Second)))
	if got, want := out.String(), "look, wave 1 of 3 96 of 100 · 95 ok, 1 failed · h2, h5–h7 30 s"; got != want {
		t.Errorf("%q", got)
	}
	s := newStatus()
	for _, e := range es {
		s.take(e)
	}
	out.Reset()
	NewPage(&out, nil, false).Print(s.line(noon, "much"))
	if got, want := out.String(), "much · 100 guards, the first goes back in 1:00"; got != want {
		t.Errorf("%q", got)
	}
}

func TestStepsOfMany(t *testing.T) {
	op := &runbook.Operation{}
	for _, h := range hosts(1, 40) {
		o := runbook.Outcome{Step: "mtu", Target: h, Status: runbook.OK, Wave: 2, Exit: &executors.ExitStatus{}}
		if h == "h7" {
			o.Status, o.Exit = runbook.Failed, &executors.ExitStatus{Code: 3}
		}
		op.Outcomes = append(op.Outcomes, o)
	}
	op.Outcomes = append(op.Outcomes, runbook.Outcome{Step: "after", Target: "h1", Status: runbook.Skipped})
	var out bytes.Buffer
	NewPage(&out, nil, false).Print(Steps(op))
	want := `ok          mtu, wave 2  h1–h6, h8–h40 (39)  exit 0
failed      mtu, wave 2  h7                  exit 3
skipped     after        h1
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

// A thousand hosts that fail alike, and are undone, are a few lines.
func TestManyFailures(t *testing.T) {
	all := hosts(1, 1000)
	es := onAll("mtu", all, 0, 0, func(string) *runbook.Outcome {
		return &runbook.Outcome{Status: runbook.Failed, Error: "no room"}
	})
	es = append(es, runbook.Event{Kind: runbook.EventWave, Step: "proof", Wave: &runbook.Wave{Targets: []string{"monitor", "other"}, Parallel: 1}},
		runbook.Event{Kind: runbook.EventWave, Step: "mtu", Text: runbook.WaveUndo, Wave: &runbook.Wave{Targets: all, Parallel: 32}})
	for _, h := range all {
		es = append(es, runbook.Event{Kind: runbook.EventUndo, Step: "mtu", Target: h},
			runbook.Event{Kind: runbook.EventStep, Step: "rollback-1", Target: h},
			runbook.Event{Kind: runbook.EventOutput, Step: "rollback-1", Target: h, Text: "gone"},
			runbook.Event{Kind: runbook.EventOutcome, Step: "rollback-1", Target: h, Outcome: &runbook.Outcome{Step: "rollback-1", Target: h, Status: runbook.OK}},
			runbook.Event{Kind: runbook.EventUndone, Step: "mtu", Target: h, Outcome: &runbook.Outcome{Step: "mtu", Target: h, Undo: &runbook.Outcome{Status: runbook.RolledBack}}})
	}
	es = append(es, runbook.Event{Kind: runbook.EventEnd})
	var out bytes.Buffer
	v := Plain(NewPage(&out, nil, false))
	for _, e := range es {
		v.Event(e)
	}
	got := out.String()
	for _, want := range []string{
		"failed      mtu on h10\n    no room\n",
		"failed      mtu · 1000 failed · ", "the first 10 failures are told above, all of them in the report\n",
		"undoing     mtu on its targets\n", "undone      mtu on 1000 targets\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if n := strings.Count(got, "\n"); n > 30 || strings.Contains(got, "rollback-1") {
		t.Errorf("%d lines:\n%s", n, got)
	}
}
