package apply

import (
	"context"
	"errors"
	"fmt"

	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/report"
)

// finish decides what the operation came to, writes the document for the last
// time, ends the journal and releases what is held.
func (x *operation) finish(ctx context.Context) (*runbook.Operation, error) {
	status, err := x.verdict()
	if x.broken != nil {
		x.tell("The journal could not be written: %v. What happened after that is only in this report.", x.broken)
	}
	end := &endData{Status: status, At: x.now()}
	if err != nil {
		end.Error = x.red.String(err.Error())
	}
	x.mu.Lock()
	x.h.ended, x.h.op.Status, x.h.op.End = true, status, end.At
	x.mu.Unlock()
	x.writer.close()
	x.note(journal.End, end)
	op := x.operation()
	x.emit(runbook.Event{Kind: runbook.EventEnd, Operation: op})
	if cerr := x.close(ctx); cerr != nil && err == nil {
		op.Notes = append(op.Notes, x.red.String(cerr.Error()))
	}
	return op, err
}

// verdict is the operation's status and its error. Undoing that did not lead
// back outweighs everything else.
func (x *operation) verdict() (runbook.Status, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.h
	cause := x.cause()
	switch {
	case h.incomplete() || h.failing != nil && x.unproven:
		return runbook.Incomplete, fmt.Errorf("%w%s", ErrIncomplete, cause)
	case x.aborted:
		return runbook.Aborted, fmt.Errorf("%w%s", ErrInterrupted, standingText(h))
	case x.requested:
		return runbook.RolledBack, nil
	case h.failures == 0:
		return runbook.OK, nil
	case x.stale && !h.acted():
		return runbook.Refused, fmt.Errorf("%w%s", ErrRefused, cause)
	case len(h.acts) == 0:
		return runbook.Failed, fmt.Errorf("%w%s", ErrPrecheck, cause)
	case x.remains() || !h.acted():
		return runbook.Failed, fmt.Errorf("%w%s", ErrFailed, cause)
	}
	return runbook.RolledBack, fmt.Errorf("%w%s", ErrRolledBack, cause)
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

func (x *operation) cause() string {
	o, ok := report.Cause(x.h.operation())
	if !ok || o.Error == "" {
		return ""
	}
	s := ": " + o.Step
	if o.Target != "" {
		s += " on " + o.Target
	}
	return s + ": " + o.Error
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
