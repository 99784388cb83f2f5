package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stet/executors"
	"stet/runbook"
)

// endGuard confirms the guard of an act. Where the connection is lost under that,
// nobody knows whether the target heard it. It is told again, as often as it may be,
// until its guard would have gone back and the way in would work again.
func (x *operation) endGuard(ctx context.Context, a *act) error {
	sess, err := x.session(a.target)
	if err != nil {
		return err
	}
	err = tellStands(ctx, sess, a, confirmWithin)
	if deadline, armed := x.reverts(a.place); armed && unanswered(err) {
		err = x.tellAgain(ctx, sess, a, deadline, err)
	}
	if err == nil {
		return nil
	}
	x.mu.Lock()
	a.unheard = unanswered(err)
	x.silent[a.target] = a.unheard // it was waited for
	x.mu.Unlock()
	if a.unheard {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if st := x.look(limited, a); st != nil && st.Phase == executors.Confirmed {
		return nil
	}
	return err
}

func tellStands(ctx context.Context, sess executors.Session, a *act, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return sess.Confirm(ctx, a.guard)
}

// unanswered reports whether err leaves open what the target did.
func unanswered(err error) bool { return cut(err) || errors.Is(err, context.DeadlineExceeded) }

// tellAgain tells a target that did not answer, for the reason err, once more that a
// change stands, until it does.
func (x *operation) tellAgain(ctx context.Context, sess executors.Session, a *act, deadline time.Time, err error) error {
	until, goes := deadline.Add(revertWithin), "goes"
	if x.now().After(deadline) { // stet resume finds guards of long ago
		until, goes = later(until, x.now().Add(unguarded)), "went"
	}
	x.emit(runbook.Event{
		Kind: runbook.EventWait, Step: a.step, Target: a.target, Deadline: until,
		Text: fmt.Sprintf("%s was told that the change stands, and did not answer (%v); it is told again. Unless it heard that, it %s back at %s",
			a.target, err, goes, deadline.UTC().Format("15:04:05Z")),
	})
	limited, cancel := context.WithTimeout(ctx, until.Sub(x.now()))
	defer cancel()
	first := err.Error()
	for {
		select {
		case <-limited.Done():
			return err
		case <-time.After(tryAgain):
		}
		again := tellStands(limited, sess, a, tryMost)
		switch {
		case again == nil:
			return nil
		case !unanswered(again):
			return fmt.Errorf("%w; before that, %s did not answer (%s)", again, a.target, first)
		}
		if limited.Err() == nil {
			err = again
		}
		if x.now().After(until) { // the machine was asleep
			return err
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
