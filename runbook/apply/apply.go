// Package apply runs a plan: it journals each intent before acting, confirms
// what is proven, undoes what is not, and can take up or undo an operation from
// its journal alone.
package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stet/executors"
	"stet/runbook"
)

// What an operation came to, other than well. The errors of this package wrap
// one of these and say in words what happened; the Operation has the details.
var (
	// ErrFailed: a step failed, and some of the operation stands (policies
	// stop and continue), or a check of Check does not hold.
	ErrFailed = errors.New("the operation failed")
	// ErrPrecheck: a step failed before the first change, a pre-check for one.
	ErrPrecheck = errors.New("nothing was changed")
	// ErrRolledBack: a step failed, and everything was undone that has a way back.
	ErrRolledBack = errors.New("the operation failed and was rolled back")
	// ErrIncomplete: undoing did not lead all the way back.
	ErrIncomplete = errors.New("the rollback is incomplete")
	// ErrRefused: the window, the approval, a lock, a missing answer or a plan
	// that no longer fits; nothing was started.
	ErrRefused = errors.New("refused")
	// ErrInterrupted: the operator ended it; what policy says was undone.
	ErrInterrupted = errors.New("interrupted")
	// ErrNothing: there is no operation to resume or roll back.
	ErrNothing = errors.New("nothing to do")
)

// UnknownError is an operation that is not there: the document was never run with
// this state directory, or not under this run ID.
type UnknownError struct {
	Document, StateDir string
	Run                string // "" is any
}

// Error implements error.
func (e *UnknownError) Error() string {
	if e.Run != "" {
		return fmt.Sprintf("%s has no operation %s in %s", e.Document, e.Run, e.StateDir)
	}
	return fmt.Sprintf("%s has no operation in %s", e.Document, e.StateDir)
}

// Options of Run, Resume, Rollback and Check.
type Options struct {
	// Open opens a session to a target. Run does not close sessions: they
	// belong to the Opener behind this.
	Open func(ctx context.Context, t executors.Target) (executors.Session, error)
	// Sink takes the events; nil discards them.
	Sink runbook.Sink
	// Ask asks the operator; nil means that there is no terminal.
	Ask Asker
	// Agree is asked by Resume and Rollback, with the operation that they are
	// about to take up, before anything is touched; nil means yes.
	Agree func(ctx context.Context, op *runbook.Operation) (bool, error)
	// Answers are given beforehand, by the name of a manual step.
	Answers map[string]Answer
	// Secrets are the values of the front matter's secrets by name.
	Secrets map[string]string
	// StateDir holds journals and locks; "" is journal.DefaultDir.
	StateDir string
	// Operator, Host and Tool go into journal and report: who, on which
	// machine, with which version.
	Operator, Host, Tool string
	// Step asks before each step.
	Step bool
	// Only and From are the selection the plan was built with.
	Only []string
	From string
	// Approve is the hash of the only plan that may run; "" is any.
	Approve string
	// ReadOnly leaves the document as it is.
	ReadOnly bool
	// RunID chooses an operation for Resume and Rollback; "" is the latest.
	RunID string
	// StateFlag is what a command needs to find StateDir, before the document:
	// "--state-dir DIR ", as a shell reads it, or "" when it is the default.
	StateFlag string
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	// wrap stands between the operation and its journal in tests.
	wrap func(*operation, chain) chain
}

// QuestionKind is what the operator is asked for.
type QuestionKind string

// The kinds of questions, with the choices each one takes.
const (
	AskManual  QuestionKind = "manual"  // done, skip, fail
	AskStep    QuestionKind = "step"    // run, skip, abort
	AskConfirm QuestionKind = "confirm" // confirm, revert
	AskPolicy  QuestionKind = "policy"  // rollback, stop, continue
)

// Question is put to the operator.
type Question struct {
	Kind QuestionKind
	Step string
	// Text is the question: a manual step's text, or a sentence.
	Text string
	// Choices are the words that Answer.Choice may have.
	Choices []string
	// Deadline is when a guard reverts if nobody answers; zero if none.
	Deadline time.Time
}

// Answer is what the operator said.
type Answer struct {
	// Choice is one of the question's choices.
	Choice string `json:"choice"`
	Note   string `json:"note,omitempty"`
	// By is who answered; "" is the operator.
	By string `json:"by,omitempty"`
}

// Asker puts a question to the operator and waits. It returns early with ctx's
// error when ctx ends.
type Asker func(ctx context.Context, q Question) (Answer, error)
