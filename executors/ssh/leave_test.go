//go:build linux

package ssh

import (
	"testing"

	"stet/executors"
)

// TestLeave: a session that is left gives its lock back, the last one on a host
// ends the connection with it, and one that is used again connects anew.
func TestLeave(t *testing.T) {
	_, s, o, r := remote(t, "")
	ctx := bounded(t)
	open := func(name string) executors.Leaver {
		t.Helper()
		session, err := o.Open(ctx, executors.Target{Name: name, Address: "ssh://" + s.address})
		if err != nil {
			t.Fatal(err)
		}
		return session.(executors.Leaver)
	}
	lock := func(l executors.Session, run string) {
		t.Helper()
		if err := l.Lock(ctx, executors.Lock{Run: run}); err != nil {
			t.Fatal(err)
		}
	}
	leave := func(l executors.Leaver) {
		t.Helper()
		for range 2 { // the second time there is nothing to do
			if err := l.Leave(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	lock(r, "01RUN")
	second := open("second")
	leave(r.(executors.Leaver))
	lock(second, "02RUN") // it is free
	if n := s.logins(); n != 1 {
		t.Errorf("%d logins, want 1: another session is on the connection", n)
	}
	leave(second)
	until(t, "the agent has gone", func() bool { return !exists(t, "agent serve") })
	third := open("third")
	lock(third, "03RUN")
	if _, err := r.Info(ctx); err != nil {
		t.Errorf("used again: %v", err)
	}
	if n := s.logins(); n != 2 {
		t.Errorf("%d logins, want 2: nobody was on the connection", n)
	}
	if err := second.Lock(ctx, executors.Lock{Run: "04RUN"}); codeOf(err) != "locked" {
		t.Errorf("the lock of another: %v", err)
	}
	leave(third)
	for _, l := range []executors.Session{r, second, third} {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	until(t, "the agents have gone", func() bool { return !exists(t, "agent serve") })
}
