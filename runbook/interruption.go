package runbook

import (
	"context"
	"errors"
	"strings"
)

// Interruption is the cause of a context that somebody ended before the work
// under it was done. It is a context.Canceled.
type Interruption struct {
	By string // "SIGTERM"
}

// Error implements error.
func (i *Interruption) Error() string { return "interrupted by " + i.By }

// Is reports whether target is context.Canceled.
func (i *Interruption) Is(target error) bool { return target == context.Canceled }

// InterruptedBy is what ended ctx; "" if nobody did, or nobody knows.
func InterruptedBy(ctx context.Context) string {
	var i *Interruption
	if ctx.Err() != nil && errors.As(context.Cause(ctx), &i) {
		return i.By
	}
	return ""
}

// Told is err in words. What was interrupted with ctx knows often, on another
// machine always, no more than that it was cancelled: then Told says by what.
func Told(ctx context.Context, err error) string {
	text := err.Error()
	by := InterruptedBy(ctx)
	if by == "" || !errors.Is(err, context.Canceled) {
		return text
	}
	i := &Interruption{By: by}
	text = strings.ReplaceAll(text, context.Canceled.Error(), i.Error())
	// An error that it was joined with has a line of its own.
	return strings.ReplaceAll(text, "\n"+i.Error(), ": "+i.Error())
}
