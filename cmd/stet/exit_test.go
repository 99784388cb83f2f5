package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"stet/executors"
	"stet/runbook/apply"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("anything"), 1},
		{fmt.Errorf("running: %w", apply.ErrFailed), 1},
		{usage(errors.New("flag"), "hint"), 2},
		{fmt.Errorf("running: %w", apply.ErrPrecheck), 3},
		{fmt.Errorf("running: %w", apply.ErrRolledBack), 4},
		{fmt.Errorf("running: %w", apply.ErrIncomplete), 5},
		{fmt.Errorf("running: %w", apply.ErrRefused), 6},
		{fmt.Errorf("locking: %w", &journal.LockedError{Document: "a.md"}), 6},
		{&executors.Error{Code: "locked", Op: "locking"}, 6},
		{&executors.Error{Code: "unsupported", Op: "opening"}, 2},
		{&executors.Error{Code: "unreachable", Op: "opening"}, 1},
		{fmt.Errorf("running: %w", &plan.AbsentError{Step: "uplink"}), 3},
		{fmt.Errorf("running: %w", apply.ErrInterrupted), 130},
		{context.Canceled, 130},
		{fmt.Errorf("rolling back: %w", apply.ErrNothing), 0},
		// What remains changed matters more than why.
		{errors.Join(apply.ErrInterrupted, apply.ErrIncomplete), 5},
		{planError(usage(errors.New("no file"), ""), true), 1},
	}
	for _, test := range tests {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("exit code of %v: got %d, want %d", test.err, got, test.want)
		}
	}
}

func TestPick(t *testing.T) {
	choices := []string{"done", "skip", "fail"}
	for word, want := range map[string]string{"done": "done", "D": "done", "s": "skip", "fa": "fail", "": "", "x": "", "dones": ""} {
		if got, _ := pick(word, choices); got != want {
			t.Errorf("pick(%q): got %q, want %q", word, got, want)
		}
	}
	if got, ok := pick("r", []string{"run", "revert"}); ok {
		t.Errorf("r is %q, though it begins two choices", got)
	}
}
