package apply

import (
	"context"
	"errors"
	"strings"
	"testing"

	"stet/executors"
)

// A host that was started anew after stet died knows no guard any more. Whoever
// wants to confirm it is told so, and going back needs no guard.
func TestGuardThatTheHostDoesNotKnow(t *testing.T) {
	body := strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1) + held
	ctx := context.Background()
	tried := 0
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
		b.hosts["r1"].guards = nil // it was started anew
		if len(all) == 0 || all[0].Guard.Phase != executors.Armed {
			continue
		}
		if _, err := Guards(ctx, b.doc(), b.o); err == nil {
			continue // nobody knows that it was armed
		}
		tried++
		var e *executors.Error
		if _, err := Confirm(ctx, b.doc(), b.o); !errors.As(err, &e) || e.Code != "lost" || !strings.Contains(e.Error(), "bridge any more: it was started anew") {
			t.Errorf("record %d: %v", at, err)
		}
		op, err := Rollback(ctx, b.doc(), b.o)
		if err != nil {
			t.Fatalf("record %d: %v", at, err)
		}
		if notes := strings.Join(op.Notes, "\n"); !strings.Contains(notes, "r1 does not know the guard of bridge any more") {
			t.Errorf("record %d: %s", at, notes)
		}
		sameState(t, initial(), b.hosts["r1"].m.State())
		b.check()
	}
	if tried == 0 {
		t.Error("no guard was armed when the host was started anew")
	}
}
