package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"stet/runbook"
)

// interruptible returns a context that the first Ctrl-C, SIGTERM or SIGHUP ends,
// so that what was begun (if begun says so) is undone in order. A second Ctrl-C ends the process at
// once; guards on the targets go on and revert. Only a person does that: a
// closed terminal sends SIGHUP twice (the kernel, then the shell), a service
// manager SIGTERM and SIGHUP, and neither may cut the undoing short.
//
// SIGPIPE is taken too: a reader that goes away (stet run … | head) must not
// end an operation in its middle. It is not ignored, because children would
// inherit that.
func interruptible(parent context.Context, stderr io.Writer, begun func() bool) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		ending := false
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				switch {
				case s == syscall.SIGPIPE, ending && s != os.Interrupt:
				case ending:
					_, _ = io.WriteString(stderr, word(begun(), "ended at once", "; what is not undone yet stands (stet status tells), guards that were armed go back at their deadlines"))
					os.Exit(exitInterrupted)
				default:
					ending = true
					cause := &runbook.Interruption{By: signalName(s)}
					_, _ = io.WriteString(stderr, word(begun(), cause.Error()+"; ending in order", ", undoing what was begun (Ctrl-C once more: at once)"))
					cancel(cause)
				}
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// interrupted is an error in words that say what interrupted it.
type interrupted struct {
	error
	text string
}

// Error implements error.
func (e interrupted) Error() string { return e.text }

// Unwrap returns the error as it was.
func (e interrupted) Unwrap() error { return e.error }

// told makes err say what interrupted ctx, if that is why.
func told(ctx context.Context, err error) error {
	if err == nil || runbook.InterruptedBy(ctx) == "" {
		return err
	}
	return interrupted{err, runbook.Told(ctx, err)}
}

// signalName is a signal as the report has it, with where it comes from if there
// is one such place.
func signalName(s os.Signal) string {
	switch s {
	case os.Interrupt:
		return "SIGINT (Ctrl-C)"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP (as of a closed terminal)"
	}
	return s.String()
}

// word is what the operator who interrupts is told, with more of it when
// something was begun.
func word(begun bool, text, more string) string {
	if begun {
		text += more
	}
	return "\nstet: " + text + "\n"
}
