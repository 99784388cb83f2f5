package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"stet/executors"
	"stet/internal/names"
	"stet/runbook"
)

// A command that stet began and did not see end, because it was killed, is not
// run again where its host knows what became of it: there it goes on, and the
// host keeps under its ID, which the intent has, how it ends and what it prints.
// Nor is one run again that the journal knows to have ended well.

// errUnknown marks a command whose host does not know what became of it.
var errUnknown = errors.New("nobody knows what became of it")

// untaken are those of the acts of an unfinished group that have to be undone
// before it is run again. The others are taken up.
func (x *operation) untaken(ctx context.Context, acts []*act) (rest []*act) {
	taken := map[*act]bool{}
	for _, a := range acts {
		switch {
		case a.kind != runbook.Run: // what depends on it might be undone under it
			return acts
		case x.survives(ctx, a):
			taken[a] = true
		default:
			rest = append(rest, a)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.taken = taken
	return rest
}

// survives reports whether an act has ended well, or its host may tell how it
// ends, and no guard has gone back meanwhile.
func (x *operation) survives(ctx context.Context, a *act) bool {
	if x.doneWith(a.target) {
		return true
	}
	sess, err := x.session(a.target)
	if err != nil || a.undoing || a.astray {
		return false
	}
	_, keeper := keeps(sess)
	if a.ended && !x.succeeded(a) || !a.ended && (keeper == nil || a.errand.id == "") {
		return false
	}
	if a.guard == "" {
		return true
	}
	st := x.look(ctx, a)
	return st != nil && st.Phase == executors.Armed
}

// underWay is the act of a step on a target whose end stet did not see before it
// was killed, and that is to be taken up; nil if there is none.
func (x *operation) underWay(p place) *act {
	x.mu.Lock()
	defer x.mu.Unlock()
	if a := x.h.act(p); a != nil && x.taken[a] && !a.ended && !a.undone {
		return a
	}
	return nil
}

// takeUp sees the end of a command that an earlier stet began; the error is
// errUnknown where its host does not know of it.
func (x *operation) takeUp(ctx context.Context, sess executors.Session, b *runbook.Block, a *act) (runbook.Outcome, error) {
	whole := ctx
	ctx, cancel := bounded(ctx, b)
	defer cancel()
	ctx, end := x.beforeGuard(ctx, a.place, b.Confirm)
	defer end()
	x.hint("stet was killed while %s ran on %s; the host is asked what became of the command", a.step, a.target)
	x.loosen()
	_, keeper := keeps(sess)
	c := newCapture(x, a.step, a.target, x.errand(a.step, a.target).file)
	h := c.heard()
	fate, err := keeper.Attach(ctx, a.errand.id, executors.Received{}, h.output())
	var st *executors.ExitStatus
	if fate != nil {
		st = &fate.Status
		x.tellTaken(a, fate, err)
	}
	st, err = x.follow(ctx, sess, a.place, a.errand.id, h, st, err)
	o, reg, err := c.outcome(ctx, b, st, x.without(ctx, b, err))
	if errors.Is(err, errUnknown) {
		return runbook.Outcome{}, err
	}
	o.Start, o.End = a.begun, x.now()
	if fate != nil {
		if end := o.End.Add(-fate.Ago); end.After(o.Start) { // or the host's clock was set
			o.End = end
		}
		if reg != nil && fate.Missed > 0 {
			reg.Truncated = true
		}
	}
	return o, x.proven(whole, sess, a.place, x.registered(b, a.target, reg, err))
}

// without says of the error of a command that ended without stet what that was.
func (x *operation) without(ctx context.Context, b *runbook.Block, err error) error {
	switch c := code(err); {
	case err == nil || ctx.Err() != nil || errors.Is(err, errAstray):
		return err
	case c == "not-found" || c == "lost" || c == "unsupported":
		return fmt.Errorf("%w: %w", errUnknown, err)
	case errors.Is(err, context.DeadlineExceeded):
		return timedOut(b)
	case errors.Is(err, context.Canceled): // nobody interrupted this operation
		return fmt.Errorf("it was ended while stet was not running: %s", err.Error())
	}
	return err
}

// tellTaken says how a command ended that went on without stet, and what of its
// output is not known.
func (x *operation) tellTaken(a *act, f *executors.Fate, err error) {
	if err == nil {
		x.tell("%s on %s had gone on without stet: its exit code is %d.", a.step, a.target, f.Status.Code)
	}
	if f.Missed == 0 {
		return
	}
	more := ""
	if _, err := os.Stat(filepath.Join(x.log.Dir(), a.errand.file)); err == nil && a.errand.file != "" {
		more = "; what of it had come before is in " + a.errand.file + " beside the journal"
	}
	x.tell("Of the output of %s on %s the first %d bytes are not kept there any more%s.", a.step, a.target, f.Missed, more)
}

// fromTheStart undoes a command of which nobody knows what became of it, so that
// it can be run again.
func (x *operation) fromTheStart(ctx context.Context, a *act, why error) error {
	if len(a.rollback) == 0 {
		x.tell("%s on %s: %v. It has no rollback block, and is run again.", a.step, a.target, why)
	} else {
		x.tell("%s on %s: %v. It is undone before it is run again.", a.step, a.target, why)
	}
	if !x.undoAct(context.WithoutCancel(ctx), a) {
		return errors.New("it was not run again, because what it had done before stet was killed could not be undone")
	}
	return nil
}

func targetsOfActs(acts []*act) string {
	all := make([]string, len(acts))
	for i, a := range acts {
		all[i] = a.target
	}
	return names.Short(all, 20)
}
