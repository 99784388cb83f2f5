package executortest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stet/executors"
)

// guardLost: a guard whose process died is reported, keeps others out, and can
// still be reverted.
func (s suite) guardLost(t *testing.T) {
	session := s.session(t)
	id := fmt.Sprint("lost/", time.Now().UnixNano())
	before := s.armed(t, session, id, time.Hour)
	text(t, session, "do='kill -9 ${p#/proc/}'; "+guards)
	until(t, "it is lost", func() bool { return state(t, session, id).Phase == executors.Lost })
	second := executors.Guard{ID: id + "/second", Timeout: time.Minute, Commands: []executors.Command{sh("true")}}
	if _, err := session.Arm(bounded(t), second); code(err) != "locked" || !contains(err, "/doc.md") {
		t.Errorf("a second guard beside a lost one: %v", err)
	}
	g, err := session.Revert(bounded(t), id)
	if err != nil || g.Phase != executors.Reverted {
		t.Errorf("%+v %v", g, err)
	}
	if after := dump(t, session); after != before {
		t.Errorf("it is not as it was before:\n%s\nbut:\n%s", before, after)
	}
}

// guardIncomplete: a command that fails does not keep the state from being
// restored, and is told.
func (s suite) guardIncomplete(t *testing.T) {
	session := s.session(t)
	id := fmt.Sprint("incomplete/", time.Now().UnixNano())
	before := dump(t, session)
	c := change(t, session, wanted())
	g := executors.Guard{ID: id, Timeout: time.Hour, Change: c,
		Commands: []executors.Command{sh("echo going back; ip -br link show xbr0; exit 4")}}
	if _, err := session.Arm(bounded(t), g); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { settled(t, s.open(t), id) })
	if result, err := session.Apply(bounded(t), c); err != nil || !result.OK() {
		t.Fatalf("%+v %v", result, err)
	}
	st, err := session.Revert(bounded(t), id)
	if err != nil || st.Phase != executors.Incomplete || !strings.Contains(st.Output, "going back\nxbr0") || !strings.Contains(st.Output, "4") {
		t.Errorf("%+v %v", st, err)
	}
	if after := dump(t, session); after != before {
		t.Errorf("it is not as it was before:\n%s\nbut:\n%s", before, after)
	}
	if _, err := session.Revert(bounded(t), id+"unknown"); code(err) != "not-found" {
		t.Errorf("reverting nothing: %v", err)
	}
}
