package apply

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stet/runbook"
)

// TestWindowClosesAtAQuestion: who lets a question wait until the window has closed
// does not begin the change any more that it is about.
func TestWindowClosesAtAQuestion(t *testing.T) {
	begin := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		attrs   string
		asked   int // the question that waits
		status  runbook.Status
		err     error
		note    string
		touched int
	}{
		"of the second wave": {"batch=1,rest", 3, runbook.Failed, ErrFailed,
			"The window closed at 2026-11-22 02:00:00 UTC, after wave 1 of 2 of mtu. Wave 2 was not begun: 5 targets were never touched (h2–h6).", 1},
		"of the first": {"batch=1,rest", 1, runbook.Refused, ErrRefused, "The window closed at 2026-11-22 02:00:00 UTC. mtu was not begun.", 0},
		"of a check":   {"batch=1,rest", 4, runbook.OK, nil, "", 6},
	} {
		t.Run(name, func(t *testing.T) {
			b := newFleet(t, 6, fleetMTU(tt.attrs)+proof)
			b.prose = []byte(strings.Replace(string(b.prose), "---\n", "---\nwindow: {start: 2026-11-21T22:00:00Z, end: 2026-11-22T02:00:00Z}\n", 1))
			if err := os.WriteFile(b.path, b.prose, 0o600); err != nil {
				t.Fatal(err)
			}
			late, asked := time.Duration(0), 0
			b.o.Now = func() time.Time { return begin.Add(late) }
			b.o.Step = true
			b.o.Ask = func(context.Context, Question) (Answer, error) {
				if asked++; asked == tt.asked {
					late = 5 * time.Hour
				}
				return Answer{Choice: "run"}, nil
			}
			op, err := b.run()
			if !errors.Is(err, tt.err) || op.Status != tt.status {
				t.Fatalf("%v %s", err, op.Status)
			}
			b.check()
			if tt.note != "" && !slices.Contains(op.Notes, tt.note) {
				t.Errorf("no note %q in %q", tt.note, op.Notes)
			}
			if tt.err != nil && !strings.Contains(b.source(), ":** the window closed at 2026-11-22 02:00:00 UTC, before ") {
				t.Errorf("the head gives no reason: %s", b.source())
			}
			b.touched(1, tt.touched)
			b.untouched(tt.touched+1, 6)
		})
	}
}

// TestWindowCloses lets the window close while a wave runs: that wave is ended and
// confirmed, no other one begins, the group has failed, and what was confirmed stays.
func TestWindowCloses(t *testing.T) {
	begin := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	long := func(body string) string {
		return strings.Replace(body, "---\n", "---\nwindow: {start: 2026-11-21T22:00:00Z, end: 2026-11-22T02:00:00Z}\n", 1)
	}
	for name, tt := range map[string]struct {
		body, at        string // the host whose change lasts until after the window
		status          runbook.Status
		err             error
		statuses, cause string
		note            string
		confirmed       int
		answer          string // to what becomes of the waves
	}{
		"in wave 2": {pre + fleetMTU("batch=1,2,rest") + proof, "h2", runbook.Failed, ErrFailed, "1:ok 2:ok*2 3:skipped*3",
			"the window closed at 2026-11-22 02:00:00 UTC, before wave 3 of 3 of mtu was begun",
			"The window closed at 2026-11-22 02:00:00 UTC, after wave 2 of 3 of mtu. Wave 3 was not begun: 3 targets were never touched (h4–h6).", 2, ""},
		"in wave 2, and go on": {pre + fleetMTU("batch=1,2,rest on-failure=continue") + proof, "h2", runbook.Failed, ErrFailed, "1:ok 2:ok*2 3:skipped*3",
			"before wave 3 of 3 of mtu was begun", "What was confirmed of mtu stays; stet rollback undoes it.", 2, ""},
		"in wave 2, and it is kept": {pre + fleetMTU("batch=1,2,rest on-failure=ask") + proof, "h2", runbook.Failed, ErrFailed, "1:ok 2:ok*2 3:skipped*3",
			"before wave 3 of 3 of mtu was begun", "What was confirmed of mtu stays; stet rollback undoes it.", 2, "stop"},
		"in wave 2, and it is undone": {pre + fleetMTU("batch=1,2,rest on-failure=ask") + proof, "h2", runbook.RolledBack, ErrRolledBack, "1:rolled-back 2:rolled-back*2 3:skipped*3",
			"before wave 3 of 3 of mtu was begun", "Waves 1 and 2 of mtu were rolled back: 3 targets (h1–h3).", 2, "rollback"},
		"in the last wave": {pre + fleetMTU("batch=1,rest") + proof, "h6", runbook.OK, nil, "1:ok 2:ok*5", "", "", 2, ""},
		"in the group before": {fleetMTU("") + proof + "```sh { run name=after on-failure=stop }\ntrue\n```\n\n```rollback\ntrue\n```\n", "h6", runbook.Failed, ErrFailed, "ok*6",
			"the window closed at 2026-11-22 02:00:00 UTC, before after was begun", "The window closed at 2026-11-22 02:00:00 UTC. after was not begun.", 1, ""},
		"in the group before, and that is undone": {fleetMTU("") + proof + "```sh { run name=after }\ntrue\n```\n\n```rollback\ntrue\n```\n", "h6", runbook.RolledBack, ErrRolledBack, "rolled-back*6",
			"the window closed at 2026-11-22 02:00:00 UTC, before after was begun", "The window closed at 2026-11-22 02:00:00 UTC. after was not begun.", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newFleet(t, 6, tt.body)
			b.prose = []byte(long(string(b.prose)))
			if err := os.WriteFile(b.path, b.prose, 0o600); err != nil {
				t.Fatal(err)
			}
			var late atomic.Int64
			b.o.Now = func() time.Time { return begin.Add(time.Duration(late.Load())) }
			b.hosts[tt.at].fail = func(call string) error {
				if call == "apply" {
					late.Store(int64(5 * time.Hour))
				}
				return nil
			}
			if tt.answer != "" {
				b.o.Ask = func(_ context.Context, q Question) (Answer, error) {
					if q.Kind != AskPolicy || !slices.Contains(q.Choices, tt.answer) {
						t.Errorf("it asks %+v", q)
					}
					return Answer{Choice: tt.answer}, nil
				}
			}
			op, err := b.run()
			if !errors.Is(err, tt.err) || op.Status != tt.status || tt.cause != "" && !strings.Contains(err.Error(), tt.cause) {
				t.Fatalf("%v %s", err, op.Status)
			}
			b.check()
			if got := statuses(op, "mtu"); got != tt.statuses {
				t.Error(got)
			}
			if tt.note != "" && !slices.Contains(op.Notes, tt.note) {
				t.Errorf("no note %q in %q", tt.note, op.Notes)
			}
			if tt.cause != "" {
				_, why, _ := strings.Cut(err.Error(), ": ")
				if !strings.Contains(b.source(), ":** "+why+". ") || op.Error != why {
					t.Errorf("the head does not give the reason %q: %s", why, b.source())
				}
			}
			if n := b.heard(runbook.EventConfirm); n != tt.confirmed {
				t.Errorf("%d waves were confirmed", n)
			}
			switch {
			case tt.status == runbook.RolledBack:
				b.untouched(1, 6)
			case strings.HasPrefix(name, "in wave 2"):
				b.touched(1, 3)
				b.untouched(4, 6)
			default:
				b.touched(1, 6)
			}
		})
	}
}
