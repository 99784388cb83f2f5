package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/report"
)

// UnwrittenError says that the document does not hold the results. What
// happened is in the journal; Dir is the operation's folder, "" for a look at
// the checks, which has none.
type UnwrittenError struct {
	Document string
	Dir      string
	Err      error
	// Outcome is the operation's own error; nil when it ended well.
	Outcome error
}

// Error implements error; the operation's own error is not part of it.
func (e *UnwrittenError) Error() string {
	s := e.Err.Error()
	if !strings.Contains(s, e.Document) {
		s = "writing results into " + e.Document + ": " + s
	}
	if e.Dir != "" {
		s += "; the results are in the journal: " + e.Dir
	}
	return s
}

// Unwrap returns both errors, so that the operation's own can be asked for.
func (e *UnwrittenError) Unwrap() []error {
	if e.Outcome == nil {
		return []error{e.Err}
	}
	return []error{e.Outcome, e.Err}
}

// finish decides what the operation came to, writes the document for the last
// time, ends the journal and releases what is held.
func (x *operation) finish(ctx context.Context) (*runbook.Operation, error) {
	status, err := x.verdict()
	end := &endData{Status: status, At: x.now()}
	if err != nil {
		end.Error = x.red.String(err.Error())
	}
	x.faulty()
	x.mu.Lock()
	x.h.ended, x.h.op.Status, x.h.op.End = true, status, end.At
	x.mu.Unlock()
	unwritten := x.writer.close()
	x.note(journal.End, end)
	if err == nil {
		err = x.unended()
	}
	if cerr := x.close(ctx); cerr != nil {
		x.hint("Ending the operation: %v.", cerr)
	}
	return x.conclude(unwritten, err)
}

// conclude tells that the operation ended, and joins its error with that of
// writing its document.
func (x *operation) conclude(unwritten, err error) (*runbook.Operation, error) {
	op := x.operation()
	if unwritten != nil {
		err = &UnwrittenError{Document: x.d.Path, Dir: x.log.Dir(), Err: unwritten, Outcome: err}
		op.Unwritten = x.red.String(unwritten.Error())
	}
	x.emit(runbook.Event{Kind: runbook.EventEnd, Operation: op})
	return op, err
}

// faulty tells of a journal that could not be written, with what is missing in
// it now.
func (x *operation) faulty() {
	x.mu.Lock()
	broken, missing := x.broken, len(x.owed)
	x.mu.Unlock()
	switch {
	case broken == nil:
	case missing == 0:
		x.tell("The journal could not be written for a while: %v.", broken)
	default:
		x.tell("The journal could not be written: %v. What happened after that is only in this report.", broken)
	}
}

// unended is the error of an operation that went well and whose end the
// journal does not have: a later one would take it for one that died.
func (x *operation) unended() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.owed) == 0 {
		return nil
	}
	return fmt.Errorf("%w: all steps held, but the journal does not have the operation's end; once it can be written again, stet resume gives it one: %w", ErrFailed, x.broken)
}

// verdict is the operation's status and its error. Undoing that did not lead
// back outweighs everything else.
func (x *operation) verdict() (runbook.Status, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.h
	failed := x.because
	switch {
	case h.incomplete() || h.failing != nil && x.unproven:
		return runbook.Incomplete, failed(ErrIncomplete)
	case x.aborted:
		return runbook.Aborted, interruptedError(h.op.InterruptedBy, standingText(h))
	case x.requested:
		return runbook.RolledBack, nil
	case h.failures == 0:
		return runbook.OK, nil
	case x.stale && !h.acted():
		return runbook.Refused, failed(ErrRefused)
	case !h.acted() && h.failing != nil:
		return runbook.Failed, failed(fmt.Errorf("%s; %w", x.early(), ErrPrecheck))
	case x.remains() || h.failing == nil:
		return runbook.Failed, failed(ErrFailed)
	case !h.undid():
		return runbook.Failed, failed(errKept)
	}
	return runbook.RolledBack, failed(ErrRolledBack)
}

// keptError is an ErrRolledBack of which nothing was undone: all that was done has
// no rollback block. Its words must not say more than that.
type keptError struct{}

var errKept error = keptError{}

// Error implements error.
func (keptError) Error() string { return ErrFailed.Error() + ", and nothing of it can be undone" }

// Unwrap makes it an ErrRolledBack: nothing is left that could be undone.
func (keptError) Unwrap() error { return ErrRolledBack }

// early says what it was that failed before the first change.
func (x *operation) early() string {
	o, ok := report.Cause(x.h.operation())
	switch {
	case !ok:
		return "the operation failed before the first change"
	case o.Kind != runbook.Check:
		return "a step failed before the first change"
	}
	if g, _ := x.planStep(o.Step); g != nil && g.Change >= 0 {
		return "a check failed"
	}
	return "a pre-check failed"
}

// remedied is an error with what to do about it.
type remedied struct {
	error
	remedy string
}

// Unwrap returns the error without its remedy.
func (r remedied) Unwrap() error { return r.error }

// Remedy says what to do.
func (r remedied) Remedy() string { return r.remedy }

// because is an error of the operation with its cause, and what to do about that.
func (x *operation) because(err error) error {
	cause, remedy := x.cause()
	err = fmt.Errorf("%w%s", err, cause)
	if remedy == "" {
		return err
	}
	return remedied{err, remedy}
}

// remains reports whether a change of the operation stands, by policy. Steps
// without a rollback block do not count: the report names them.
func (x *operation) remains() bool {
	for _, a := range x.h.acts {
		if a.standing() {
			return true
		}
	}
	return false
}

// cause is what went wrong: a step, what kept a group from being confirmed, or
// what cannot be undone. remedy says what to do about it.
func (x *operation) cause() (text, remedy string) {
	op := x.h.operation()
	o, ok := report.Cause(op)
	for _, o := range op.Outcomes {
		if !ok && o.Status == runbook.Incomplete && o.Undo != nil {
			return fmt.Sprintf(": undoing %s on %s: %s", o.Step, o.Target, o.Undo.Error), o.Undo.Remedy
		}
	}
	if !ok || o.Error == "" {
		if op.Error != "" {
			return ": " + op.Error, op.Remedy
		}
		return lostErr(x.h), ""
	}
	s := ": " + o.Step
	if o.Target != "" {
		s += " on " + o.Target
	}
	return s + ": " + o.Error, o.Remedy
}

// interruptedError is ErrInterrupted with what did it, and more.
func interruptedError(by, more string) error {
	if by != "" {
		more = " by " + by + more
	}
	return fmt.Errorf("%w%s", ErrInterrupted, more)
}

func standingText(h *history) string {
	if left := h.standing(); len(left) > 0 {
		return fmt.Sprintf("; still in place: %v", left)
	}
	return ""
}

// interrupted reports whether err comes from the operator's interruption.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, ctx.Err()))
}
