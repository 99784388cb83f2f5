package apply

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stet/executors"
	"stet/runbook"
)

func TestConfirmByHand(t *testing.T) {
	for choice, want := range map[string]error{"confirm": nil, "revert": ErrRolledBack} {
		t.Run(choice, func(t *testing.T) {
			b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=manual,60s", 1)+held)
			b.o.Ask = func(_ context.Context, q Question) (Answer, error) {
				if q.Kind != AskConfirm || q.Deadline.IsZero() {
					t.Errorf("%+v", q)
				}
				return Answer{Choice: choice}, nil
			}
			_, err := b.run()
			if want == nil && err != nil || want != nil && !errors.Is(err, want) {
				t.Fatal(err)
			}
			b.check()
		})
	}
	t.Run("elsewhere", func(t *testing.T) {
		b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=manual,60s", 1)+held)
		b.o.StateFlag = "--state-dir x "
		d := b.doc()
		done := make(chan error, 1)
		go func() { _, err := Run(context.Background(), d, b.plan(d), b.o); done <- err }()
		for b.heard(runbook.EventGuard) < 2 {
			time.Sleep(5 * time.Millisecond)
		}
		b.mu.Lock()
		last := b.events[len(b.events)-1]
		b.mu.Unlock()
		if last.Target == "" && !strings.Contains(last.Text, "stet confirm --state-dir x "+b.path) {
			t.Errorf("it waits, and does not say for what: %+v", last)
		}
		if got, err := Confirm(context.Background(), d, b.o); err != nil || len(got) != 1 {
			t.Fatalf("%v %v", got, err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got, err := Confirm(context.Background(), d, b.o); !errors.Is(err, ErrNothing) {
			t.Errorf("confirming what is confirmed: %v %v", got, err)
		}
		b.check()
	})
	t.Run("nobody", func(t *testing.T) {
		b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=manual,60s", 1)+held)
		d := b.doc()
		done := make(chan error, 1)
		go func() { _, err := Run(context.Background(), d, b.plan(d), b.o); done <- err }()
		for b.heard(runbook.EventGuard) < 2 {
			time.Sleep(5 * time.Millisecond)
		}
		b.hosts["r1"].expire()
		if err := <-done; !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "nobody confirmed bridge in time") {
			t.Fatal(err)
		}
		b.check()
		sameState(t, initial(), b.hosts["r1"].m.State())
	})
}

// TestFootingIsTold: what keeps the guard's process is told when it is armed, and kept.
func TestFootingIsTold(t *testing.T) {
	b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1)+held)
	want := executors.Footing{Kept: executors.OwnSession, EndsWithLogin: true}
	b.hosts["r1"].footing = want
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	if o := outcome(t, op, "bridge", "r1"); o.Guard == nil || o.Guard.Footing != want {
		t.Errorf("%+v", o.Guard)
	}
	for _, e := range b.events {
		if e.Kind == runbook.EventGuard && (e.Footing == nil || *e.Footing != want) {
			t.Errorf("%+v", e)
		}
	}
	b.check()
}

// TestNobodyCanConfirm: the wait for the operator's word ends when no word can come
// any more, and says why.
func TestNobodyCanConfirm(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*host)
		later   time.Duration // how much
		want    error
		says    string
	}{
		"the host was started anew": {func(h *host) { h.guards = nil }, 0, ErrRolledBack, "r1 does not know the guard of bridge any more: it was started anew"},
		"the guard was killed":      {func(h *host) { h.guards[0].state.Phase = executors.Lost }, 0, ErrRolledBack, "the guard of bridge on r1 was killed, and took nothing back"},
		"its revert was incomplete": {func(h *host) { h.guards[0].state.Phase = executors.Incomplete }, 0, nil, "r1 went back by itself, but not everything is as before"},
		"the host is silent": {func(h *host) {
			h.fail = func(call string) error {
				if call != "guards" {
					return nil
				}
				return &executors.Error{Code: "timeout", Op: "asking r1", Message: "no answer"}
			}
		}, 3 * time.Minute, ErrRolledBack, "nobody confirmed bridge before its deadline, as far as can be told: r1 does not answer: asking r1: no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=manual,60s", 1)+held)
			var late atomic.Int64
			b.o.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
			d := b.doc()
			done := make(chan error, 1)
			go func() { _, err := Run(context.Background(), d, b.plan(d), b.o); done <- err }()
			for b.heard(runbook.EventGuard) < 2 {
				time.Sleep(5 * time.Millisecond)
			}
			h := b.hosts["r1"]
			h.mu.Lock()
			c.happens(h)
			h.mu.Unlock()
			late.Store(int64(c.later))
			select {
			case err := <-done:
				if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Fatal(err)
				}
			case <-time.After(time.Minute):
				t.Fatal("it waits for ever")
			}
			b.check()
			sameState(t, initial(), h.m.State())
		})
	}
}

// TestConfirmWithoutAGuard: a word that reaches nothing is no success.
func TestConfirmWithoutAGuard(t *testing.T) {
	b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1)+held)
	var unknown *UnknownError
	if got, err := Confirm(context.Background(), b.doc(), b.o); !errors.As(err, &unknown) || len(got) > 0 {
		t.Errorf("before any operation: %v %v", got, err)
	}
	b.hosts["r1"].fail = func(call string) error {
		if call != "apply" {
			return nil
		}
		return &executors.Error{Code: "failed", Op: "applying", Message: "no"}
	}
	if _, err := b.run(); err == nil {
		t.Fatal("the change was made")
	}
	b.hosts["r1"].guards = nil
	var e *executors.Error
	if got, err := Confirm(context.Background(), b.doc(), b.o); !errors.As(err, &e) || e.Code != "not-waiting" || len(got) > 0 {
		t.Errorf("after one that left no guard: %v %v", got, err)
	}
}

// TestConfirmTooEarly has stet die at each record, and the operator say that the change
// is to stand. Where nobody has seen it done that is refused; else resume leaves it.
func TestConfirmTooEarly(t *testing.T) {
	body := strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1) + held
	ctx := context.Background()
	early, good := 0, 0
	for at := 1; ; at++ {
		b := newBench(t, body)
		died, _ := b.crashing("after", at, func() error { _, err := Run(ctx, b.doc(), b.plan(b.doc()), b.o); return err })
		if !died {
			break
		}
		all, err := Guards(ctx, b.doc(), b.o)
		if err != nil {
			t.Fatalf("record %d: %v", at, err)
		}
		if len(all) != 1 || all[0].Guard.Phase != executors.Armed {
			continue
		}
		var e *executors.Error
		confirmed, err := Confirm(ctx, b.doc(), b.o)
		switch {
		case all[0].Unseen:
			early++
			if !errors.As(err, &e) || e.Code != "unseen" || len(confirmed) > 0 {
				t.Errorf("record %d: confirmed %+v, %v", at, confirmed, err)
			}
			if all, err = Guards(ctx, b.doc(), b.o); err != nil || len(all) != 1 || all[0].Guard.Phase != executors.Armed {
				t.Errorf("record %d: the guards are %+v, %v", at, all, err)
			}
		case err != nil:
			t.Errorf("record %d: %v", at, err)
		default:
			good++
			op, err := Resume(ctx, b.doc(), b.o)
			if err != nil || op.Status != runbook.OK {
				t.Fatalf("record %d: %+v, %v", at, op, err)
			}
			if notes := strings.Join(op.Notes, "\n"); strings.Contains(notes, "undone") {
				t.Errorf("record %d: %s", at, notes)
			}
		}
		b.check()
	}
	if early == 0 || good == 0 {
		t.Errorf("refused %d times, confirmed %d times", early, good)
	}
}
