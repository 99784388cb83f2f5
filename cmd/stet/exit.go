package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"stet/executors"
	"stet/runbook/apply"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// The exit codes (docs/reference/exit-codes.md).
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2 // usage, or an invalid document
	exitPrecheck    = 3 // a step failed before the first change or a target is missing, nothing was changed
	exitRolledBack  = 4 // failed, and everything was undone that has a way back
	exitIncomplete  = 5 // undoing did not lead all the way back
	exitRefused     = 6 // window, approval, stale plan, lock
	exitInterrupted = 130
)

// errShown is for an error that was shown already.
var errShown = errors.New("")

// codeError gives an error its exit code.
type codeError struct {
	code int
	error
}

// Unwrap returns the error without its code.
func (e codeError) Unwrap() error { return e.error }

// shown exits with a code without another word.
func shown(code int) error { return codeError{code, errShown} }

// usage is a mistake of the command line.
func usage(err error, hint string) error {
	return codeError{exitUsage, hinted{err, hint}}
}

// refused is what was not started.
func refused(text, hint string) error {
	return codeError{exitRefused, hinted{errors.New(text), hint}}
}

// exitCode is the code of the error with which a verb ended.
func exitCode(err error) int {
	var coded codeError
	var reach *executors.Error
	var locked *journal.LockedError
	var absent *plan.AbsentError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	// Incomplete before all others: it is what an operator must not miss.
	case errors.Is(err, apply.ErrIncomplete):
		return exitIncomplete
	case errors.Is(err, apply.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, apply.ErrPrecheck):
		return exitPrecheck
	case errors.Is(err, apply.ErrRolledBack):
		return exitRolledBack
	case errors.Is(err, apply.ErrRefused), errors.As(err, &locked):
		return exitRefused
	case errors.Is(err, apply.ErrNothing):
		return exitOK
	case errors.As(err, &absent):
		return exitPrecheck
	case errors.As(err, &reach):
		return reachCode(reach)
	}
	return exitFailed
}

func reachCode(e *executors.Error) int {
	switch e.Code {
	case "locked":
		return exitRefused
	case "unsupported":
		return exitUsage
	}
	return exitFailed
}

// args makes what a validator of arguments finds a usage error.
func args(valid cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := valid(cmd, args); err != nil {
			return usage(err, "usage: "+cmd.UseLine())
		}
		return nil
	}
}
