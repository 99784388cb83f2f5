package apply

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stet/executors"
	"stet/runbook"
)

// TestConfirmationIsLost: the link is lost in the moment of confirming. Whether the
// target heard it is asked until it is known, and said: it stands, or it is undone.
func TestConfirmationIsLost(t *testing.T) {
	t.Parallel()
	silence := &executors.Error{Code: "unreachable", Op: "connecting to r1", Message: "no answer"}
	for name, c := range map[string]struct {
		heard bool // before the link is lost
		back  bool // the link is, once it was asked again
		late  bool // and only after the deadline
		err   error
		notes []string // that say what became of it
	}{
		"the answer":                            {heard: true, back: true},
		"the answer, until after the deadline":  {heard: true, back: true, late: true},
		"the answer, for good":                  {heard: true, err: ErrIncomplete, notes: []string{"r1 was told that bridge stands, and nobody knows whether it heard that (connecting to r1: no answer). Either the change stands, or its guard went back by itself at "}},
		"the request":                           {back: true},
		"the request, until after the deadline": {back: true, late: true, err: ErrRolledBack},
		"the request, for good":                 {err: ErrIncomplete, notes: []string{"nobody knows whether it heard that"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1)+held)
			h := b.hosts["r1"]
			var late atomic.Int64
			b.o.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
			var once sync.Once
			cut := func(call string) error {
				if call == "confirm" && c.back {
					once.Do(func() { // asked once more
						if c.late {
							late.Store(int64(61 * time.Second))
							h.expire()
						}
						h.mu.Lock()
						defer h.mu.Unlock()
						h.fail, h.lost = nil, nil
					})
				}
				if call == "confirm" && !c.back {
					late.Store(int64(151 * time.Second)) // nobody waits any longer
				}
				return silence
			}
			if c.heard {
				h.lost = func() error { h.fail = cut; return silence } // h.mu is held
			} else {
				h.fail = func(call string) error {
					if call != "confirm" {
						return nil
					}
					h.mu.Lock()
					h.fail = cut
					h.mu.Unlock()
					return silence
				}
			}
			d := b.doc()
			op, err := Run(context.Background(), d, b.plan(d), b.o)
			if !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			for _, want := range c.notes {
				if !slices.ContainsFunc(op.Notes, func(n string) bool { return strings.Contains(n, want) }) {
					t.Errorf("no note %q in %q", want, op.Notes)
				}
			}
			if errors.Is(c.err, ErrRolledBack) && !strings.Contains(err.Error(), "it has reverted; before that, r1 did not answer (connecting to r1: no answer)") {
				t.Errorf("it does not say why: %v", err)
			}
			if b.heard(runbook.EventWait) == 0 {
				t.Error("it waits, and does not say for what")
			}
			if text := strings.Join(op.Notes, "\n"); strings.Contains(text, "could not revert") || strings.Contains(text, "It was to go back") {
				t.Errorf("the notes: %s", text)
			}
			phase := h.guards[0].state.Phase
			if want := c.err == nil || c.heard; want != (phase == executors.Confirmed) {
				t.Errorf("its guard is %s", phase)
			}
		})
	}
}

// TestConfirmationIsLostUnderResume: stet died while it confirmed, and is resumed
// long after the deadline. A host that is silent then is waited for all the same.
func TestConfirmationIsLostUnderResume(t *testing.T) {
	t.Parallel()
	body := strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1) + held
	for at := 1; ; at++ {
		b := newBench(t, body)
		died, _ := b.crashing("after", at, func() error { d := b.doc(); _, err := Run(context.Background(), d, b.plan(d), b.o); return err })
		if !died {
			t.Fatal("it never confirms")
		}
		files, err := filepath.Glob(filepath.Join(b.state, "operations", "*", "*", "journal.jsonl"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		records, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(records), `"confirming"`) {
			continue
		}
		var silent atomic.Bool
		b.hosts["r1"].fail = func(call string) error {
			if call == "confirm" && silent.CompareAndSwap(false, true) {
				return &executors.Error{Code: "unreachable", Op: "connecting to r1", Message: "no answer"}
			}
			return nil
		}
		b.o.Now = func() time.Time { return time.Now().Add(time.Hour) }
		if op, err := Resume(context.Background(), b.doc(), b.o); err != nil || op.Status != runbook.OK || !silent.Load() {
			t.Fatalf("%+v %v", op, err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		i := slices.IndexFunc(b.events, func(e runbook.Event) bool { return e.Kind == runbook.EventWait })
		if i < 0 || b.events[i].Deadline.Before(b.o.Now()) || !strings.Contains(b.events[i].Text, "Unless it heard that, it went back at ") {
			t.Errorf("%+v", b.events)
		}
		return
	}
}

// slowly is a way in that takes longer than anybody waits.
type slowly struct{ executors.Remote }

func (slowly) Reconnect(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestReconnectTakesTooLong: it is said in what time, and not in Go's words.
func TestReconnectTakesTooLong(t *testing.T) {
	t.Parallel()
	err := reconnect(context.Background(), slowly{}, 20*time.Millisecond)
	if err == nil || err.Error() != "no new connection within 20ms" {
		t.Error(err)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := reconnect(over, slowly{}, time.Minute); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
