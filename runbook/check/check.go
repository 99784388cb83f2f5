// Package check is the language of assertions and of ${…}: expr-lang over the
// facts of a target, what it can reach, what earlier steps printed and what
// snapshots recorded. It is the only importer of expr.
//
// Data flows one way: Compile turns the body of a check block into a Program,
// with every fault of it found before anything runs; Program.Run evaluates it
// against a session and gives one runbook.Assertion a line, with the values of
// its operands where it failed. Expand does the same for text with ${…} in it.
package check

import (
	"encoding/json"
	"sort"
	"time"

	"stet/executors"
	"stet/runbook"
)

// Names is what a block may refer to, as far as it is known before a run.
type Names struct {
	// Vars are variables by name with their values, which give them their
	// types. A nil value is one that is not known yet: it may be anything.
	Vars map[string]any
	// Registers are the names of outputs that earlier steps keep.
	Registers []string
	// Snapshots are the bodies of earlier snapshot blocks by name, so that a
	// use of something that a snapshot does not record is found. An unknown
	// body is "".
	Snapshots map[string]string
	// Target is what the block runs on; the zero Target is one not known yet:
	// target.vars may then hold anything.
	Target executors.Target
	// Facts are those of the target's machine; nil before they are looked at.
	Facts *runbook.Facts
}

// Env is what a block refers to, with values.
type Env struct {
	Vars      map[string]any
	Registers map[string]*Register
	Snapshots map[string]*Snapshot
	Target    executors.Target
	Facts     *runbook.Facts
}

// Names returns the names of an Env, to compile against.
func (e Env) Names() Names {
	n := Names{Vars: e.Vars, Snapshots: map[string]string{}, Target: e.Target, Facts: e.Facts}
	for name := range e.Registers {
		n.Registers = append(n.Registers, name)
	}
	sort.Strings(n.Registers)
	for name, s := range e.Snapshots {
		if s != nil {
			n.Snapshots[name] = s.Spec
		}
	}
	return n
}

// Register is what register=NAME kept of a command.
type Register struct {
	// Out and Err are what the command printed. A line end at their end is
	// dropped where they are used, as $(…) does.
	Out  string `json:"out"`
	Err  string `json:"err,omitempty"`
	Exit int    `json:"exit"`
	// Truncated tells that Out is not all of the output: using it is an error.
	Truncated bool `json:"truncated,omitempty"`
}

// decoded is Out as JSON.
func decoded(out string) (any, error) {
	var v any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		return nil, err
	}
	return wholeNumbers(v, 0), nil
}

// Problem is a fault of a body. Lines and columns count from 1, columns in
// characters; EndColumn is one past the last one, 0 if it is not known.
type Problem struct {
	Line      int
	Column    int
	EndColumn int
	// Summary is one line without a full stop; Detail ends in the remedy.
	Summary string
	Detail  string
	// Code is "expr", "unknown-name", "template" or "snapshot".
	Code string
}

// Error implements error.
func (p Problem) Error() string { return p.Summary }

// Options say how assertions are tried.
type Options struct {
	// Within is how long an assertion may take to come true; 0 is one try.
	Within time.Duration
	// Every is the time between two tries; 0 is a second.
	Every time.Duration
	// Hold is how long all assertions must then stay true, tried again each
	// Every.
	Hold time.Duration
	// Timeout bounds one evaluation of one assertion with all that it asks of
	// the target; 0 is 30 seconds.
	Timeout time.Duration
	// Retry is told each assertion that did not hold in a round that is
	// followed by another. May be nil.
	Retry func(a runbook.Assertion)
	// Redact takes secrets out of text. It is applied before values are cut
	// to a length that people read, since a part of a secret would not be
	// found later. May be nil.
	Redact func(string) string
	// Env is the environment that commands of run(…) get besides the target's
	// own, as NAME=value. May be nil.
	Env func() []string
}
