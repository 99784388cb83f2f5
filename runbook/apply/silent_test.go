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
	"stet/runbook"
)

// TestUndoOfSilentHost: of a host that does not answer any more nobody knows what
// became of it. That is said, and nothing else: neither that its guard could not
// revert, nor that it differs from before.
func TestUndoOfSilentHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, strings.Replace(bridge, "name=bridge", "name=bridge confirm=60s", 1)+held)
	d := b.doc()
	p := b.plan(d)
	h := b.hosts["r1"]
	h.fail = func(call string) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.guards) == 0 || call == "apply" {
			return nil
		}
		return &executors.Error{Code: "unreachable", Op: "connecting to r1", Message: "no answer"}
	}
	op, err := Run(context.Background(), d, p, b.o)
	if !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(op.Notes, func(n string) bool {
		return strings.HasPrefix(n, "The guard of bridge on r1 could not be asked (connecting to r1: no answer). It was to go back by itself at ") &&
			strings.HasSuffix(n, "; stet status tells whether it did, once r1 answers.")
	}) {
		t.Errorf("notes: %q", op.Notes)
	}
	text := b.source()
	if !strings.Contains(text, " Nobody saw whether it is back to what it was before: `bridge` on `r1`.") {
		t.Errorf("the report: %s", text)
	}
	if i := slices.IndexFunc(op.Outcomes, func(o runbook.Outcome) bool { return o.Unseen() }); i < 0 {
		t.Errorf("the outcomes: %+v", op.Outcomes)
	}
}

// TestLateFirst: where the other machine sees a moment sooner that the time is up,
// the reason is told all the same.
func TestLateFirst(t *testing.T) {
	t.Parallel()
	why := errors.New("its guard was about to go back")
	ctx, cancel := context.WithTimeoutCause(context.Background(), 100*time.Millisecond, why)
	defer cancel()
	if err := late(ctx, fmt.Errorf("running sh: %w", context.DeadlineExceeded)); !errors.Is(err, why) {
		t.Error(err)
	}
	dialling := &executors.Error{Code: "timeout", Op: "connecting to r1", Remedy: "look at the MTU", Err: context.DeadlineExceeded}
	err := late(ctx, fmt.Errorf("observing r1: %w", dialling))
	if !errors.Is(err, why) || err.Error() != why.Error() || remedy(err, err.Error()) != dialling.Remedy {
		t.Errorf("%v, and what helps: %q", err, remedy(err, err.Error()))
	}
}
