package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/plan"
)

// How targets behind a network are proven to be reachable. A session that is
// alive proves nothing: it may not have noticed yet.
const (
	// tryFor bounds the first attempt to connect anew; each one gets more
	// time, up to tryMost. tryAgain is the pause after one that failed.
	tryFor   = 5 * time.Second
	tryMost  = 30 * time.Second
	tryAgain = 500 * time.Millisecond
	// answerWithin is how long a sign of life may take.
	answerWithin = 10 * time.Second
	// unguarded is how long a target without a guard may take to answer again.
	unguarded = 30 * time.Second
	// confirmWithin bounds a confirmation that nothing comes in the way of.
	confirmWithin = time.Minute
	// revertWithin is how long after its deadline a guard may take to revert
	// and the way in to work again.
	revertWithin = 90 * time.Second
)

// locksOut refuses a plan with a change of the operator's way in that no guard
// takes back.
func (x *operation) locksOut() error {
	for _, g := range x.p.Groups {
		for i := range g.Steps {
			s := &g.Steps[i]
			for _, t := range s.Targets {
				if len(t.WayIn) > 0 && s.Block.Confirm <= 0 {
					return fmt.Errorf("%w: line %d: %s touches the way in to %s, and has no guard to take it back: %s; give it confirm=120s",
						ErrRefused, s.Line, s.Name, t.Target, strings.Join(t.WayIn, "; "))
				}
			}
		}
	}
	return nil
}

// lockout refuses a change that touches the operator's own way in and has no
// guard: nobody could undo it.
func (x *operation) lockout(ctx context.Context, sess executors.Session, s *runbook.Step, change *netstate.Change) error {
	r, ok := sess.(executors.Remote)
	if !ok || s.Block.Confirm > 0 || change.Empty() {
		return nil
	}
	way, err := r.Way(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errUntouched, err)
	}
	q := change.Query()
	now, err := sess.Observe(ctx, netstate.Query{Links: true, Routes: true, Elsewhere: append(q.Elsewhere, q.Namespaces...)})
	if err != nil {
		return fmt.Errorf("%w: observing the way in: %w", errUntouched, err)
	}
	lines := plan.WayIn(now, change, way)
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("%w: it touches the way in to %s, and has no guard to take it back: %s; give it confirm=120s",
		errUntouched, sess.Target().Name, strings.Join(lines, "; "))
}

// settle judges what became of a change on a target behind a network, and
// proves that the way in still works, over a new connection. What Apply
// returned is res and err.
func (x *operation) settle(ctx context.Context, sess executors.Session, p place, change *netstate.Change, res *executors.Result, err error) (*executors.Result, error) {
	r, ok := sess.(executors.Remote)
	lost := err != nil && cut(err)
	if !ok || err != nil && !lost || err == nil && !res.OK() {
		return res, err
	}
	if back := x.comeBack(ctx, r, p); back != nil {
		return res, back
	}
	if !lost {
		return res, nil
	}
	now, oerr := sess.Observe(ctx, change.Query())
	if oerr != nil {
		return res, errors.Join(err, oerr)
	}
	if differs := netstate.Verify(change, now); len(differs) > 0 {
		return &executors.Result{Mismatches: differs}, fmt.Errorf("the connection was lost under the change, and not all of it was done: %w", err)
	}
	x.tell("The connection to %s was lost under %s; over a new one all of it was found done.", p.target, p.step)
	return &executors.Result{Done: len(change.Edits)}, nil
}

// proven proves that the way in still works after a command that has a guard; err
// is how it ended.
func (x *operation) proven(ctx context.Context, sess executors.Session, p place, err error) error {
	r, ok := sess.(executors.Remote)
	if _, guarded := x.reverts(p); !ok || !guarded || err != nil && !cut(err) {
		return err
	}
	return errors.Join(err, x.comeBack(ctx, r, p))
}

// cut reports whether err is a connection that was lost.
func cut(err error) bool {
	c := code(err)
	return c == "unreachable" || c == "timeout" || c == "refused"
}

// comeBack connects anew after a step that changed a target, for as long as
// its guard waits.
func (x *operation) comeBack(ctx context.Context, r executors.Remote, p place) error {
	deadline, guarded := x.reverts(p)
	if !guarded {
		deadline = x.now().Add(unguarded)
	}
	return x.comeBackBy(ctx, r, p, deadline, guarded)
}

// comeBackBy connects anew until a deadline, which may be a guard's.
func (x *operation) comeBackBy(ctx context.Context, r executors.Remote, p place, deadline time.Time, guarded bool) error {
	gone := fmt.Errorf("the way in to %s is lost: there was no new connection by %s", p.target, deadline.UTC().Format("15:04:05Z"))
	limited, cancel := context.WithTimeoutCause(ctx, deadline.Sub(x.now()), gone)
	defer cancel()
	return x.retry(limited, r, func(err error) {
		if !guarded {
			x.tell("%s cannot be reached any more since %s (%v).", p.target, p.step, err)
			return
		}
		at := deadline.UTC().Format("15:04:05Z")
		x.tell("%s cannot be reached any more since %s (%v). Unless that changes it goes back by itself at %s.", p.target, p.step, err, at)
		x.emit(runbook.Event{Kind: runbook.EventGuard, Step: p.step, Target: p.target, Deadline: deadline,
			Text: fmt.Sprintf("unless it can be reached by %s, %s goes back by itself", at, p.target)})
	})
}

// reverts is when the guard of a step on a target takes it back.
func (x *operation) reverts(p place) (time.Time, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	o := x.h.outcomes[p]
	if o == nil || o.Guard == nil || o.Guard.Phase != executors.Armed {
		return time.Time{}, false
	}
	return o.Guard.Deadline, true
}

// retry connects anew until that works or ctx ends; failed is told once.
func (x *operation) retry(ctx context.Context, r executors.Remote, failed func(error)) error {
	var last error
	for within := tryFor; ; within = min(2*within, tryMost) {
		err := reconnect(ctx, r, within)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && last == nil:
			return context.Cause(ctx)
		case ctx.Err() != nil: // what it said before time was up is the reason
			return fmt.Errorf("%w: %w", context.Cause(ctx), last)
		case last == nil:
			failed(err)
		}
		last = err
		select {
		case <-time.After(tryAgain):
		case <-ctx.Done():
		}
	}
}

// reconnect connects anew within a time, and says so where that was too short.
func reconnect(ctx context.Context, r executors.Remote, within time.Duration) error {
	slow := fmt.Errorf("no new connection within %s", within)
	try, cancel := context.WithTimeoutCause(ctx, within, slow)
	defer cancel()
	err := r.Reconnect(try)
	if code(err) == "" && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return slow // nobody knows more
	}
	return err
}

// awaitWayIn makes sure that a target answers before something on it is undone:
// where the way in was lost it waits for the guard to bring it back.
func (x *operation) awaitWayIn(ctx context.Context, a *act) {
	sess, err := x.session(a.target)
	r, ok := sess.(executors.Remote)
	if err != nil || !ok {
		return
	}
	deadline, guarded := x.reverts(a.place)
	defer func() {
		if guarded {
			x.tellReverted(ctx, a)
		}
	}()
	if x.answers(ctx, r) {
		return
	}
	x.mu.Lock()
	silent := x.silent[a.target]
	x.mu.Unlock()
	if silent {
		return // it was waited for before
	}
	limit := unguarded
	if guarded {
		limit = max(limit, deadline.Add(revertWithin).Sub(x.now()))
	}
	until := x.now().Add(limit)
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no new connection within %s", limit.Round(time.Second)))
	defer cancel()
	err = x.retry(limited, r, func(err error) {
		text := fmt.Sprintf("%s cannot be reached (%v)", a.target, err)
		if guarded {
			text += "; " + x.goesBack(a, deadline)
		}
		x.emit(runbook.Event{Kind: runbook.EventWait, Step: a.step, Target: a.target, Deadline: until, Text: text})
	})
	if err != nil {
		x.mu.Lock()
		x.silent[a.target] = true
		x.mu.Unlock()
		x.tell("%s did not answer again (%v).", a.target, err)
	}
}

// goesBack says when the guard of an act takes it back by itself, as far as is known.
func (x *operation) goesBack(a *act, deadline time.Time) string {
	at := deadline.UTC().Format("15:04:05Z")
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case a.unheard:
		return "it was told that the change stands; unless it heard that, its guard went back at " + at
	case x.now().After(deadline):
		return "its guard was to go back at " + at
	}
	return "its guard goes back at " + at
}

// tellReverted says when the guard of an act has taken it back by itself.
func (x *operation) tellReverted(ctx context.Context, a *act) {
	limited, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	st := x.look(limited, a)
	if st == nil || st.Phase == executors.Armed || st.Phase == executors.Confirmed || st.Phase == executors.Lost {
		return
	}
	at := st.Ended
	if at.IsZero() {
		at = x.now()
	}
	x.tell("The guard of %s on %s took it back by itself at %s%s, and %s answers.", a.step, a.target, at.UTC().Format("15:04:05Z"), halfway(st), a.target)
}

// answers asks a target for a sign of life.
func (x *operation) answers(ctx context.Context, r executors.Remote) bool {
	done := make(chan error, 1)
	go func() {
		try, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		_, err := r.Guards(try)
		done <- err
	}()
	select {
	case err := <-done:
		return err == nil
	case <-time.After(answerWithin):
		return false
	}
}
