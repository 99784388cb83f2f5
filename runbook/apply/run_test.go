package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/journal"
)

const bridge = "```netconfig { name=bridge }\n" + `interfaces:
  - name: br0
    type: linux-bridge
    state: up
    ipv4:
      enabled: true
      address:
        - ip: 198.51.100.1
          prefix-length: 24
    bridge:
      port:
        - name: eth1
` + "```\n\n"

const mtu = "```netconfig { name=mtu on=r1,r2 }\n" + `interfaces:
  - name: eth0
    type: ethernet
    mtu: ${mtu}
` + "```\n\n"

const (
	pre   = "```check { name=before }\nlink(\"eth0\").up\n```\n\n"
	held  = "```check { name=held }\nlink(\"br0\").up\n```\n\n"
	fails = "```check { name=fails }\nlink(\"nothere\").up\n```\n\n"
)

func TestRunConfirms(t *testing.T) {
	b := newBench(t, pre+bridge+held+mtu)
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	b.check()
	if op.Status != runbook.OK || len(op.Outcomes) != 5 {
		t.Fatalf("%+v", op)
	}
	for _, o := range op.Outcomes {
		if o.Status != runbook.OK {
			t.Errorf("%s on %s: %s %s", o.Step, o.Target, o.Status, o.Error)
		}
		if o.Kind == runbook.Netconfig && o.Confirmed.IsZero() {
			t.Errorf("%s on %s is not confirmed", o.Step, o.Target)
		}
	}
	for _, want := range []string{"**Done.**", "stet:result name=bridge", "stet:result name=mtu", "+ link br0"} {
		if !strings.Contains(b.source(), want) {
			t.Errorf("the document has no %q:\n%s", want, b.source())
		}
	}
	applied := b.hosts["r1"].m.State()

	op, err = b.run()
	if err != nil || op.Status != runbook.OK {
		t.Fatalf("again: %v %+v", err, op)
	}
	for _, o := range op.Outcomes {
		if o.Kind == runbook.Netconfig && o.Status != runbook.Unchanged {
			t.Errorf("again: %s on %s: %s", o.Step, o.Target, o.Status)
		}
	}
	sameState(t, applied, b.hosts["r1"].m.State())

	op, err = Rollback(context.Background(), b.doc(), b.o)
	if err != nil || op.Status != runbook.RolledBack {
		t.Fatalf("rollback: %v %+v", err, op)
	}
	b.check()
	for _, h := range b.hosts {
		sameState(t, initial(), h.m.State())
	}
	if _, err = Rollback(context.Background(), b.doc(), b.o); !errors.Is(err, ErrNothing) {
		t.Errorf("a second rollback: %v", err)
	}
}

func TestFailedCheckRollsBack(t *testing.T) {
	b := newBench(t, pre+mtu+bridge+fails)
	op, err := b.run()
	if !errors.Is(err, ErrRolledBack) || op.Status != runbook.RolledBack {
		t.Fatalf("%v %+v", err, op)
	}
	b.check()
	for _, h := range b.hosts {
		sameState(t, initial(), h.m.State())
	}
	if o := outcome(t, op, "mtu", "r2"); o.Status != runbook.RolledBack || o.Undo == nil || o.Confirmed.IsZero() {
		t.Errorf("%+v", o)
	}
	if !slices.ContainsFunc(op.Notes, func(n string) bool { return strings.Contains(n, "all pre-checks hold again") }) {
		t.Errorf("notes: %q", op.Notes)
	}
	if !strings.Contains(b.source(), "**Failed and rolled back.**") {
		t.Errorf("%s", b.source())
	}
}

func TestPolicies(t *testing.T) {
	broken := strings.Replace(bridge, "name=bridge", "name=bridge on-failure=%s", 1) + fails
	last := strings.NewReplacer("name=mtu", "name=last", "${mtu}", "1300", "on=r1,r2", "on=r2").Replace(mtu)
	for _, c := range []struct {
		policy string
		status runbook.Status
		err    error
		last   runbook.Status
		mtu    string
	}{
		{"rollback", runbook.RolledBack, ErrRolledBack, runbook.Skipped, "1500"},
		{"stop", runbook.Failed, ErrFailed, runbook.Skipped, "1400"},
		{"continue", runbook.Failed, ErrFailed, runbook.OK, "1400"},
		{"ask", runbook.RolledBack, ErrRolledBack, runbook.Skipped, "1500"},
	} {
		t.Run(c.policy, func(t *testing.T) {
			b := newBench(t, mtu+fmt.Sprintf(broken, c.policy)+last)
			op, err := b.run()
			if !errors.Is(err, c.err) || op.Status != c.status {
				t.Fatalf("%v %s", err, op.Status)
			}
			b.check()
			if o := outcome(t, op, "last", "r2"); o.Status != c.last {
				t.Errorf("last: %s", o.Status)
			}
			if got := link(b.hosts["r1"].m.State(), "eth0").Attrs["mtu"]; got != c.mtu {
				t.Errorf("mtu of r1: %s", got)
			}
			if link(b.hosts["r1"].m.State(), "br0") != nil {
				t.Error("br0 is still there")
			}
		})
	}
}

// What failed is undone before the operator is asked about the rest.
func TestPolicyIsAsked(t *testing.T) {
	broken := strings.Replace(bridge, "name=bridge", "name=bridge on-failure=ask", 1) + fails
	last := strings.NewReplacer("name=mtu", "name=last", "${mtu}", "1300", "on=r1,r2", "on=r2").Replace(mtu)
	for _, c := range []struct {
		choice string
		err    error
		status runbook.Status
		last   runbook.Status
		mtu    string
	}{
		{"rollback", ErrRolledBack, runbook.RolledBack, runbook.Skipped, "1500"},
		{"stop", ErrFailed, runbook.Failed, runbook.Skipped, "1400"},
		{"continue", ErrFailed, runbook.Failed, runbook.OK, "1400"},
		{"", ErrRolledBack, runbook.RolledBack, runbook.Skipped, "1500"}, // nobody answers
	} {
		t.Run("answer "+c.choice, func(t *testing.T) {
			b := newBench(t, mtu+broken+last)
			asked := 0
			b.o.Ask = func(_ context.Context, q Question) (Answer, error) {
				asked++
				if q.Kind != AskPolicy || q.Step != "bridge" {
					t.Errorf("%+v", q)
				}
				if link(b.hosts["r1"].m.State(), "br0") != nil {
					t.Error("br0 stands while somebody thinks")
				}
				if c.choice == "" {
					return Answer{}, errors.New("end of input")
				}
				return Answer{Choice: c.choice}, nil
			}
			op, err := b.run()
			if !errors.Is(err, c.err) || op.Status != c.status || asked != 1 {
				t.Fatalf("%v %s, asked %d times", err, op.Status, asked)
			}
			b.check()
			if o := outcome(t, op, "last", "r2"); o.Status != c.last {
				t.Errorf("last: %s", o.Status)
			}
			if got := link(b.hosts["r1"].m.State(), "eth0").Attrs["mtu"]; got != c.mtu {
				t.Errorf("mtu of r1: %s", got)
			}
		})
	}
}

// A crash while the operator is asked means that nobody answered.
func TestPolicyIsAskedAndStetDies(t *testing.T) {
	broken := strings.Replace(bridge, "name=bridge", "name=bridge on-failure=ask", 1) + fails
	b := newBench(t, mtu+broken)
	b.o.Ask = func(context.Context, Question) (Answer, error) { panic(crash{0}) }
	d := b.doc()
	p := b.plan(d)
	if died, _ := b.crashing("after", 1000, func() error { _, err := Run(context.Background(), d, p, b.o); return err }); !died {
		t.Fatal("it did not die")
	}
	b.o.Ask = nil
	op, err := Resume(context.Background(), b.doc(), b.o)
	if !errors.Is(err, ErrRolledBack) || op.Status != runbook.RolledBack {
		t.Fatalf("%v", err)
	}
	b.check()
	if got := link(b.hosts["r1"].m.State(), "eth0").Attrs["mtu"]; got != "1500" {
		t.Errorf("mtu of r1: %s", got)
	}
}

func link(s *netstate.State, name string) *netstate.Interface {
	for i := range s.Interfaces {
		if s.Interfaces[i].Name == name && s.Interfaces[i].Netns == "" {
			return &s.Interfaces[i]
		}
	}
	return nil
}

func TestPrecheckStopsBeforeAnything(t *testing.T) {
	b := newBench(t, strings.Replace(fails, "fails", "before", 1)+bridge)
	op, err := b.run()
	if !errors.Is(err, ErrPrecheck) || op.Status != runbook.Failed {
		t.Fatalf("%v %+v", err, op)
	}
	b.check()
	if o := outcome(t, op, "bridge", "r1"); o.Status != runbook.Skipped {
		t.Errorf("bridge: %s", o.Status)
	}
	if n := b.hosts["r1"].m.Count(); n != 0 {
		t.Errorf("%d edits were made", n)
	}
}

// TestLookTimesOut: a look has no processes, and none is said to have been ended.
func TestLookTimesOut(t *testing.T) {
	b := newBench(t, strings.Replace(bridge, "{ name=bridge", "{ timeout=50ms name=bridge", 1))
	d := b.doc()
	p := b.plan(d)
	b.hosts["r1"].fail = func(call string) error {
		if call == "observe" {
			time.Sleep(100 * time.Millisecond)
			return context.DeadlineExceeded
		}
		return nil
	}
	op, err := Run(context.Background(), d, p, b.o)
	if !errors.Is(err, ErrPrecheck) {
		t.Error(err)
	}
	if o := outcome(t, op, "bridge", "r1"); o.Error != "timed out after 50ms" {
		t.Errorf("%q", o.Error)
	}
	b.check()
}

// TestPrecheckThatCannotBeAskedAgain: that those which were asked hold is not that all do.
func TestPrecheckThatCannotBeAskedAgain(t *testing.T) {
	b := newBench(t, strings.Replace(pre, "{ name=before", "{ on=r1,r2 name=before", 1)+bridge)
	if _, err := b.run(); err != nil {
		t.Fatal(err)
	}
	b.hosts["r2"].gone()
	op, err := Rollback(context.Background(), b.doc(), b.o)
	if err != nil || !slices.Contains(op.Notes, "After the rollback the pre-checks that could be asked hold again (1 of 2).") {
		t.Errorf("%v %q", err, op.Notes)
	}
	b.check()
}

// TestUndoneAsFarAsItGoes: what has no way back is not said to be undone.
func TestUndoneAsFarAsItGoes(t *testing.T) {
	net, run := &act{kind: runbook.Netconfig}, &act{kind: runbook.Run}
	back := &act{kind: runbook.Run, rollback: []rollbackData{{Step: "back"}}}
	if got := asFar([]*act{net, back}); got != "" {
		t.Errorf("all have a way back: %q", got)
	}
	if got := asFar([]*act{net, run}); got != ", but for what has no rollback block," {
		t.Errorf("one has none: %q", got)
	}
}

// TestLookFailsBeforeAnything: where a change's own look at its target fails, that is
// what is said, not that a pre-check failed, and what helps is said everywhere.
func TestLookFailsBeforeAnything(t *testing.T) {
	const helps = "see whether large packets get through"
	lost := &executors.Error{Code: "timeout", Op: "connecting to r1", Message: "no answer", Remedy: helps}
	for name, tt := range map[string]struct {
		body, text string
		err        error
	}{
		"first": {bridge, "a step failed before the first change; nothing was changed: bridge on r1: observing r1: connecting to r1: no answer", ErrPrecheck},
		"later": {strings.Replace(mtu, "r1,r2", "r2", 1) + bridge, "the operation failed and was rolled back: bridge on r1: observing r1: connecting to r1: no answer", ErrRolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.body)
			d := b.doc()
			p := b.plan(d)
			b.hosts["r1"].fail = func(call string) error {
				if call == "observe" {
					return lost
				}
				return nil
			}
			op, err := Run(context.Background(), d, p, b.o)
			if !errors.Is(err, tt.err) || err.Error() != tt.text {
				t.Fatalf("%v", err)
			}
			b.check()
			if o := outcome(t, op, "bridge", "r1"); o.Remedy != helps {
				t.Errorf("the outcome: %+v", o)
			}
			var r interface{ Remedy() string }
			if !errors.As(err, &r) || r.Remedy() != helps {
				t.Error("the error has no remedy")
			}
			if n := strings.Count(b.source(), "\nHint: "+helps+"\n"); n != 2 { // at the head, and under the block
				t.Errorf("the hint is %d times in %s", n, b.source())
			}
		})
	}
}

// TestRemedyOfUndoing: what helps where undoing failed is said with that.
func TestRemedyOfUndoing(t *testing.T) {
	b := newBench(t, bridge+fails)
	b.hosts["r1"].fail = func(call string) error {
		if call == "undo" {
			return fmt.Errorf("asking: %w", &executors.Error{Code: "no-space", Op: "writing", Message: "full", Remedy: "make room"})
		}
		return nil
	}
	op, err := b.run()
	if !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}
	if o := outcome(t, op, "bridge", "r1"); o.Undo == nil || o.Undo.Remedy != "make room" {
		t.Errorf("%+v", o.Undo)
	}
	if !strings.Contains(b.source(), "\nHint: make room\n") {
		t.Error(b.source())
	}
}

func TestStalePlanIsRefused(t *testing.T) {
	b := newBench(t, bridge)
	d := b.doc()
	p := b.plan(d)
	b.hosts["r1"].m.Meanwhile(func(s *netstate.State) {
		s.Interfaces = append(s.Interfaces, netstate.Interface{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"state": "up", "mtu": "1500"}})
		s.Sort()
	})
	was := b.hosts["r1"].m.State()
	op, err := Run(context.Background(), d, p, b.o)
	if !errors.Is(err, ErrRefused) || op.Status != runbook.Refused {
		t.Fatalf("%v %+v", err, op)
	}
	b.check()
	sameState(t, was, b.hosts["r1"].m.State())
}

func TestRefusals(t *testing.T) {
	now := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	window := func(start, end string) string {
		return strings.Replace(front, "title: Test\n", "title: Test\nwindow: {start: "+start+", end: "+end+"}\n", 1) + bridge
	}
	manual := "- [ ] Call the NOC\n\n" + bridge
	for name, c := range map[string]struct {
		body   string
		change func(*bench)
		want   string
	}{
		"before the window": {window("2026-11-21T23:00:00Z", "2026-11-22T02:00:00Z"), nil, "opens at"},
		"after the window":  {window("2026-11-21T20:00:00Z", "2026-11-21T21:00:00Z"), nil, "closed at"},
		"too long for it":   {window("2026-11-21T20:00:00Z", "2026-11-21T22:00:20Z"), nil, "may take"},
		"another approval":  {bridge, func(b *bench) { b.o.Approve = "abc" }, "approved"},
		"no answer":         {manual, nil, "needs an answer"},
		"a wrong answer": {manual, func(b *bench) {
			b.o.Answers = map[string]Answer{b.doc().Blocks[0].Name: {Choice: "perhaps"}}
		}, "none of"},
		"step without terminal": {bridge, func(b *bench) { b.o.Step = true }, "terminal"},
		"target locked": {bridge, func(b *bench) {
			b.hosts["r1"].holder = &executors.Lock{Operator: "bob"}
		}, "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.body)
			b.o.Now = func() time.Time { return now }
			if c.change != nil {
				c.change(b)
			}
			op, err := b.run()
			if !errors.Is(err, ErrRefused) || op != nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v %+v", err, op)
			}
			if b.source() != string(b.prose) {
				t.Error("the document was written")
			}
			b.hosts["r1"].holder = nil
			b.check()
			if b.hosts["r1"].m.Count() != 0 {
				t.Error("something was changed")
			}
		})
	}
	t.Run("changed document", func(t *testing.T) {
		b := newBench(t, bridge)
		d := b.doc()
		p := b.plan(d)
		p.SourceHash = "0"
		if _, err := Run(context.Background(), d, p, b.o); !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
	})
	t.Run("document locked", func(t *testing.T) {
		b := newBench(t, bridge)
		release, err := journal.Lock(b.state, b.path, executors.Lock{Operator: "bob", Run: "R"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = release() }()
		if _, err := b.run(); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "bob") {
			t.Fatal(err)
		}
	})
}

func TestGuardIsArmedFirstAndConfirmed(t *testing.T) {
	b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1)+held)
	h := b.hosts["r1"]
	h.fail = func(call string) error {
		if call == "apply" && len(h.guards) == 0 {
			t.Error("applied without a guard")
		}
		return nil
	}
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	b.check()
	if len(h.guards) != 1 || h.guards[0].state.Phase != executors.Confirmed {
		t.Fatalf("%+v", h.guards)
	}
	if o := outcome(t, op, "bridge", "r1"); o.Guard == nil || o.Guard.Phase != executors.Confirmed {
		t.Errorf("%+v", o.Guard)
	}
	if b.heard(runbook.EventGuard) != 1 || b.heard(runbook.EventConfirm) != 1 {
		t.Error("no events of the guard")
	}
}

func TestGuardRevertsWhatFailed(t *testing.T) {
	b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1)+fails)
	op, err := b.run()
	if !errors.Is(err, ErrRolledBack) {
		t.Fatal(err)
	}
	b.check()
	sameState(t, initial(), b.hosts["r1"].m.State())
	if g := outcome(t, op, "bridge", "r1").Undo.Guard; g == nil || g.Phase != executors.Reverted {
		t.Errorf("%+v", g)
	}
}

func TestInterrupt(t *testing.T) {
	b := newBench(t, mtu+"```sh { run name=sleep timeout=10m }\nsleep 600\n```\n")
	d := b.doc()
	p := b.plan(d)
	ctx, cancel := context.WithCancel(context.Background())
	b.o.Sink = func(e runbook.Event) {
		if e.Kind == runbook.EventStep && e.Step == "sleep" {
			time.AfterFunc(200*time.Millisecond, cancel)
		}
	}
	start := time.Now()
	op, err := Run(ctx, d, p, b.o)
	if !errors.Is(err, ErrInterrupted) || op.Status != runbook.Aborted {
		t.Fatalf("%v %+v", err, op)
	}
	if time.Since(start) > time.Minute {
		t.Error("the step was not ended")
	}
	b.check()
	for _, h := range b.hosts {
		sameState(t, initial(), h.m.State())
	}
	if o := outcome(t, op, "sleep", "r1"); o.Status != runbook.Aborted {
		t.Errorf("%+v", o)
	}
}

func TestKernelRefusesAnEdit(t *testing.T) {
	for n := 1; n <= 4; n++ {
		b := newBench(t, pre+bridge+held)
		b.hosts["r1"].m.Refuse(n, 22, "Nexthop has invalid gateway")
		op, err := b.run()
		b.check()
		if op.Status == runbook.OK && n > b.hosts["r1"].m.Count() {
			break // there is no such edit
		}
		if !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "Nexthop has invalid gateway") {
			t.Fatalf("edit %d: %v", n, err)
		}
		sameState(t, initial(), b.hosts["r1"].m.State())
	}
}

// Every call of a session that can fail does, once: each time the operation
// ends with a clear word, and the state is the one before, or confirmed, or
// said to be neither.
func TestEveryCallFails(t *testing.T) {
	body := pre + strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1) + held + mtu
	for n := 1; ; n++ {
		b := newBench(t, body)
		d := b.doc()
		p := b.plan(d)
		count, at := 0, ""
		for _, h := range b.hosts {
			h.fail = func(call string) error {
				if count++; count == n {
					at = call
					return errors.New("the connection is gone")
				}
				return nil
			}
		}
		op, err := Run(context.Background(), d, p, b.o)
		for _, h := range b.hosts {
			h.fail = nil
		}
		if at == "" {
			if n < 10 {
				t.Fatalf("only %d calls", n)
			}
			return
		}
		b.check()
		if op == nil {
			if err == nil {
				t.Fatalf("call %d (%s): no operation and no error", n, at)
			}
			continue
		}
		back := netstate.Diff(initial(), b.hosts["r1"].m.State()).Empty() && netstate.Diff(initial(), b.hosts["r2"].m.State()).Empty()
		switch op.Status {
		case runbook.OK:
			if back {
				t.Errorf("call %d (%s): ok, and nothing was done", n, at)
			}
		case runbook.RolledBack, runbook.Failed:
			if !back {
				t.Errorf("call %d (%s): %s, and the state is another: %v", n, at, op.Status, err)
			}
		case runbook.Incomplete:
			if !errors.Is(err, ErrIncomplete) {
				t.Errorf("call %d (%s): %v", n, at, err)
			}
		default:
			t.Errorf("call %d (%s): %s %v", n, at, op.Status, err)
		}
	}
}

// A report of a part of a document says that it is one.
func TestSelectionIsSaid(t *testing.T) {
	b := newBench(t, mtu+bridge+held)
	b.o.Only = []string{"bridge"}
	op, err := b.run()
	if err != nil || len(op.Notes) != 1 || !strings.Contains(op.Notes[0], "Only the groups of bridge") || !strings.Contains(b.source(), op.Notes[0][:20]) {
		t.Errorf("%v %q", err, op.Notes)
	}
	b.o.Only, b.o.From = nil, "bridge"
	if op, err = b.run(); err != nil || len(op.Notes) != 1 || !strings.Contains(op.Notes[0], "before bridge were left out") {
		t.Errorf("%v %q", err, op.Notes)
	}
	b.check()
}
