package view

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

var noon = time.Date(2026, 11, 21, 22, 1, 3, 0, time.UTC)

// events of a run in which a change fails its proof and is undone.
func events() []runbook.Event {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	failed := &runbook.Outcome{
		Step: "proof", Kind: runbook.Check, Target: "r1", Status: runbook.Failed, Start: at(3), End: at(5),
		Checks: []runbook.Assertion{
			{Text: `link("br0").up`, Line: 31, OK: true},
			{Text: `ping("192.0.2.1").loss == 0`, Line: 32, Operands: []runbook.Operand{{Text: `ping("192.0.2.1").loss`, Value: "100"}}},
		},
	}
	return []runbook.Event{
		{Kind: runbook.EventStart, Time: at(0), Run: "01JD", Operation: &runbook.Operation{Run: "01JD", Title: "Uplink", Ticket: "CHG-1", Operator: "ada", Host: "noc", Tool: "stet 1.0"}},
		{Kind: runbook.EventStep, Time: at(1), Step: "drain", Target: "r1"},
		{Kind: runbook.EventOutput, Time: at(1), Step: "drain", Target: "r1", Text: "drained\n2 sessions"},
		{Kind: runbook.EventOutcome, Time: at(2), Step: "drain", Target: "r1", Outcome: &runbook.Outcome{Step: "drain", Kind: runbook.Run, Target: "r1", Status: runbook.OK, Start: at(1), End: at(2), Exit: &executors.ExitStatus{}}},
		{Kind: runbook.EventGuard, Time: at(2), Step: "uplink", Target: "r1", Deadline: at(92)},
		{Kind: runbook.EventRetry, Time: at(4), Step: "proof", Target: "r1", Text: "try 2"},
		{Kind: runbook.EventOutcome, Time: at(5), Step: "proof", Target: "r1", Outcome: failed},
		{Kind: runbook.EventUndo, Time: at(5), Step: "uplink", Target: "r1"},
		{Kind: runbook.EventUndone, Time: at(6), Step: "uplink", Target: "r1", Outcome: &runbook.Outcome{Step: "uplink", Target: "r1", Status: runbook.Incomplete, Error: "undoing uplink", Remedy: "look at it", Result: &executors.Result{Remains: []netstate.Mismatch{{Object: "link br0", Want: "absent", Got: "present"}}}}},
		{Kind: runbook.EventNote, Time: at(6), Text: "somebody else changed eth0"},
		{Kind: runbook.EventDocument, Time: at(6), Text: "uplink.md"},
		{Kind: runbook.EventDocument, Time: at(6), Text: "uplink.md"},
		{Kind: runbook.EventEnd, Time: at(7)},
	}
}

func TestPlain(t *testing.T) {
	var out bytes.Buffer
	v := Plain(NewPage(&out, nil, false))
	for _, e := range events() {
		v.Event(e)
	}
	const want = `run         01JD · Uplink · CHG-1 · ada at noc · stet 1.0
start       drain on r1
  | drained
  | 2 sessions
ok          drain on r1 · exit 0 · 1.00 s
guard       uplink on r1 goes back at 22:02:35Z (in 1 min 30 s) unless confirmed
failed      proof on r1 · 1 of 2 hold · 2.00 s
    line 32: ping("192.0.2.1").loss == 0
        ping("192.0.2.1").loss is 100
undoing     uplink on r1
incomplete  uplink on r1
    undoing uplink
    hint: look at it
    still differs: link br0: was absent, is present
note        somebody else changed eth0
wrote       uplink.md
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	v := JSON(NewPage(&out, nil, true))
	var all sync.WaitGroup
	for _, e := range events() {
		all.Go(func() { v.Event(e) })
	}
	all.Wait()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(events()) {
		t.Fatalf("%d lines for %d events", len(lines), len(events()))
	}
	for _, line := range lines {
		var e runbook.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Kind == "" {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestStatusLine(t *testing.T) {
	s := newStatus()
	line := func(seconds int) string {
		var out bytes.Buffer
		NewPage(&out, nil, false).Print(s.line(noon.Add(time.Duration(seconds)*time.Second), ""))
		return out.String()
	}
	if got := line(0); got != "" {
		t.Errorf("before anything: %q", got)
	}
	steps := []struct {
		upTo, at int
		want     string
	}{
		{2, 3, "drain on r1 2 s"},
		{4, 3, ""},
		{5, 32, "uplink on r1 goes back in 1:00"},
		{8, 6, "uplink on r1 1 s · uplink on r1 goes back in 1:26"},
		{9, 6, ""},
	}
	done := 0
	for _, step := range steps {
		for ; done < step.upTo; done++ {
			s.take(events()[done])
		}
		if got := line(step.at); got != step.want {
			t.Errorf("after %d events: got %q, want %q", step.upTo, got, step.want)
		}
	}
}

// The status line never mixes with the lines above it.
func TestLive(t *testing.T) {
	var out bytes.Buffer
	v := &live{page: NewPage(&out, nil, false), w: &out, state: newStatus(), done: make(chan struct{})}
	v.Event(events()[1])
	v.draw(40, noon.Add(9*time.Second))
	v.draw(12, noon.Add(9*time.Second))
	v.Event(events()[9])
	resume := v.Pause()
	v.draw(40, noon)
	resume()
	v.Close()
	want := "/ drain on r1 8 s" + wipe + "- drain on…" + wipe + "note        somebody else changed eth0\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// Waiting for the operator's word without a terminal says what the word is.
func TestGuardThatEndsWithTheLogin(t *testing.T) {
	e := runbook.Event{Kind: runbook.EventGuard, Time: noon, Step: "uplink", Target: "r1", Deadline: noon.Add(time.Minute), Footing: &executors.Footing{Kept: executors.OwnSession}}
	const plain = "guard       uplink on r1 goes back at 22:02:03Z (in 1 min) unless confirmed"
	if got := text(guardLine(e)); got != plain+"\n" {
		t.Errorf("%q", got)
	}
	e.Footing.EndsWithLogin = true
	if got := text(guardLine(e)); got != plain+"; beware: it is in a session of its own (setsid), and logind ends it with the login that it was armed from (KillUserProcesses)\n" {
		t.Errorf("%q", got)
	}
	lost := &executors.GuardState{Phase: executors.Lost, Footing: *e.Footing}
	if got := text(guardWord(lost)); !strings.Contains(got, "died before it could act: it was in a session of its own") {
		t.Errorf("%q", got)
	}
}

func TestGuardThatWaitsForTheOperator(t *testing.T) {
	var out bytes.Buffer
	v := Plain(NewPage(&out, nil, false))
	v.Event(runbook.Event{Kind: runbook.EventGuard, Time: noon, Step: "uplink", Deadline: noon.Add(time.Minute), Text: "waiting: stet confirm x.md"})
	if got, want := out.String(), "guard       uplink goes back at 22:02:03Z (in 1 min) unless confirmed · waiting: stet confirm x.md\n"; got != want {
		t.Errorf("%s", got)
	}
}

// A target that is silent is waited for, and everybody who looks learns how long: on
// a line of its own, and as a countdown, also after its guard's time.
func TestWaiting(t *testing.T) {
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	wait := runbook.Event{Kind: runbook.EventWait, Step: "uplink", Target: "r1", Time: at(10), Deadline: at(100), Text: "r1 cannot be reached (no answer); its guard was to go back at 22:01:08Z"}
	var out bytes.Buffer
	Plain(NewPage(&out, nil, false)).Event(wait)
	if got, want := out.String(), "waiting     uplink on r1, until 22:02:43Z (1 min 30 s) at the latest · r1 cannot be reached (no answer); its guard was to go back at 22:01:08Z\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s := newStatus()
	s.take(runbook.Event{Kind: runbook.EventGuard, Step: "uplink", Target: "r1", Time: at(0), Deadline: at(20)})
	s.take(wait)
	line := func(seconds int) string {
		out.Reset()
		NewPage(&out, nil, false).Print(s.line(at(seconds), ""))
		return out.String()
	}
	if got, want := line(10), "waiting for an answer: uplink on r1, 1:30 at most · uplink on r1 goes back in 0:10"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := line(35), "waiting for an answer: uplink on r1, 1:05 at most"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.take(runbook.Event{Kind: runbook.EventUndone, Step: "uplink", Target: "r1"})
	if got := line(36); got != "" {
		t.Errorf("it waits no more: %q", got)
	}
}
