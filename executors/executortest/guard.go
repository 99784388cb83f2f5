package executortest

import (
	"testing"
	"time"

	"stet/executors"
)

// armed applies the wanted change under a guard.
func (s suite) armed(t *testing.T, session executors.Session, id string, timeout time.Duration) (before string) {
	t.Helper()
	before = dump(t, session)
	c := change(t, session, wanted())
	g := executors.Guard{ID: id, Run: "run", Step: "step", Document: "/doc.md", Operator: "ann", Timeout: timeout, Change: c,
		Commands: []executors.Command{sh("echo going back")}}
	if _, err := session.Arm(bounded(t), g); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { settled(t, s.open(t), id) })
	if st := state(t, session, id); st.Phase != executors.Armed || st.Left <= 0 || st.Left > timeout || st.Operator != "ann" {
		t.Errorf("%+v", st)
	}
	if result, err := session.Apply(bounded(t), c); err != nil || !result.OK() {
		t.Fatalf("%+v %v", result, err)
	}
	return before
}

// settled reverts a guard that a failed test has left pending.
func settled(t *testing.T, session executors.Session, id string) {
	t.Helper()
	defer session.Close()
	if p := state(t, session, id).Phase; p == executors.Armed || p == executors.Lost {
		if _, err := session.Revert(bounded(t), id); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	}
}

func state(t *testing.T, session executors.Session, id string) executors.GuardState {
	t.Helper()
	all, err := session.Guards(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range all {
		if st.ID == id {
			return st
		}
	}
	t.Fatalf("no guard %s among %+v", id, all)
	return executors.GuardState{}
}

func (s suite) guardConfirmed(t *testing.T) {
	session := s.session(t)
	s.armed(t, session, "run/confirmed", time.Minute)
	second := executors.Guard{ID: "run/second", Timeout: time.Minute, Commands: []executors.Command{sh("true")}}
	if _, err := session.Arm(bounded(t), second); code(err) != "locked" {
		t.Errorf("a second pending guard: %v", err)
	}
	for range 2 { // confirming twice is confirming once
		if err := session.Confirm(bounded(t), "run/confirmed"); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the guard's process ends", func() bool { return text(t, session, guards+"echo $n") == "0\n" })
	if st := state(t, session, "run/confirmed"); st.Phase != executors.Confirmed || st.Ended.IsZero() {
		t.Errorf("%+v", st)
	}
	if find(observe(t, session), "xbr0") == nil {
		t.Error("a confirmed change was undone")
	}
	text(t, session, "ip link delete xbr0; ip link delete xt0")
	if _, err := session.Revert(bounded(t), "run/confirmed"); code(err) != "changed" {
		t.Errorf("reverting what was confirmed: %v", err)
	}
	if err := session.Confirm(bounded(t), "run/unknown"); code(err) != "not-found" {
		t.Errorf("confirming nothing: %v", err)
	}
}

// guards is a script that counts the processes of guards in its namespace, and
// does with each of them what the variable do says.
const guards = `exec 2>/dev/null; n=0; mine=$(readlink /proc/self/ns/net); for p in /proc/[0-9]*; do
	[ "$(readlink $p/ns/net)" = "$mine" ] || continue
	case "$(tr '\0' ' ' <$p/cmdline)" in *" guar"[d]" /"*) n=$((n+1)); eval "$do";; esac
done; `

// guardReverts: at the deadline it goes back by itself. The session that armed
// it may go.
func (s suite) guardReverts(t *testing.T) {
	session, first := s.session(t), s.open(t)
	// Long enough for the change to be made on a busy machine.
	before := s.armed(t, first, "run/expires", 8*time.Second)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "it goes back", func() bool { return !state(t, session, "run/expires").Ended.IsZero() })
	if st := state(t, session, "run/expires"); st.Phase != executors.Reverted || st.Output == "" || st.Result == nil || st.Ended.Before(st.Deadline) {
		t.Errorf("%+v", st)
	}
	if after := dump(t, session); after != before {
		t.Errorf("it is not as it was before:\n%s\nbut:\n%s", before, after)
	}
	if err := session.Confirm(bounded(t), "run/expires"); code(err) != "reverted" {
		t.Errorf("confirming too late: %v", err)
	}
}

func (s suite) guardRevertedNow(t *testing.T) {
	session := s.session(t)
	before := s.armed(t, session, "run/now", time.Hour)
	st, err := session.Revert(bounded(t), "run/now")
	if err != nil || st.Phase != executors.Reverted {
		t.Fatalf("%+v %v", st, err)
	}
	if after := dump(t, session); after != before {
		t.Errorf("it is not as it was before:\n%s\nbut:\n%s", before, after)
	}
}

func (s suite) lock(t *testing.T) {
	first, second := s.session(t), s.session(t)
	l := executors.Lock{Run: "one", Document: "/doc.md", Operator: "ann", Since: "2026-01-01T00:00:00Z"}
	if err := first.Lock(bounded(t), l); err != nil {
		t.Fatal(err)
	}
	err := second.Lock(bounded(t), executors.Lock{Run: "two", Operator: "bob"})
	if code(err) != "locked" {
		t.Fatalf("a second lock: %v", err)
	}
	for _, want := range []string{"ann", "/doc.md", "2026-01-01T00:00:00Z"} {
		if !contains(err, want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
	if err := first.Unlock(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if err := second.Lock(bounded(t), l); err != nil {
		t.Errorf("after the first let go: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Lock(bounded(t), l); err != nil {
		t.Errorf("after the second was closed: %v", err)
	}
}
