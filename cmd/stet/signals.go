package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
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
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		interrupted := false
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				switch {
				case s == syscall.SIGPIPE, interrupted && s != os.Interrupt:
				case interrupted:
					_, _ = io.WriteString(stderr, word(begun(), "ended at once", "; what was begun stands (stet status tells), guards that were armed go back at their deadlines"))
					os.Exit(exitInterrupted)
				default:
					interrupted = true
					_, _ = io.WriteString(stderr, word(begun(), "interrupted; ending in order", ", undoing what was begun (Ctrl-C once more: at once)"))
					cancel()
				}
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// word is what the operator who interrupts is told, with more of it when
// something was begun.
func word(begun bool, text, more string) string {
	if begun {
		text += more
	}
	return "\nstet: " + text + "\n"
}
