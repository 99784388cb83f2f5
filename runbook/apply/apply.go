// Package apply runs a plan: it journals each intent before acting, confirms
// what is proven, undoes what is not, and can take up or undo an operation from
// its journal alone.
package apply

import (
	"context"
	"errors"
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
	// ErrPrecheck: a step before the first change failed; nothing was changed.
	ErrPrecheck = errors.New("a pre-check failed; nothing was changed")
	// ErrRolledBack: a step failed, and everything was undone.
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

// Options of Run, Resume, Rollback and Check.
type Options struct {
	// Open opens a session to a target. Run does not close sessions: they
	// belong to the Opener behind this.
	Open func(ctx context.Context, t executors.Target) (executors.Session, error)
	// Sink takes the events; nil discards them.
	Sink runbook.Sink
	// Ask asks the operator; nil means that there is no terminal.
	Ask Asker
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
	// Now is the clock; nil is time.Now.
	Now func() time.Time
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

// Run carries out a plan. The Operation tells what happened, also with an
// error; it is nil only when nothing was started.
func Run(ctx context.Context, d *runbook.Document, p *runbook.Plan, o Options) (*runbook.Operation, error) {
	return nil, ErrRefused
}

// Resume takes up the latest operation of a document that did not end: a
// confirmed group stays, an unconfirmed one is undone, then the operation goes
// on with it, or goes on undoing if that is what it was doing.
func Resume(ctx context.Context, d *runbook.Document, o Options) (*runbook.Operation, error) {
	return nil, ErrNothing
}

// Rollback undoes the latest operation of a document that changed something,
// ended or not, from the changes that its journal recorded. Doing it twice does
// nothing more, which is ErrNothing.
func Rollback(ctx context.Context, d *runbook.Document, o Options) (*runbook.Operation, error) {
	return nil, ErrNothing
}

// Check runs the check blocks and changes nothing on any target. Results are
// written unless ReadOnly is set.
func Check(ctx context.Context, d *runbook.Document, o Options) (*runbook.Operation, error) {
	return nil, ErrNothing
}

// Load rebuilds an operation from the journal in dir, for status and reports.
// A broken chain is a *journal.BrokenError.
func Load(dir string) (*runbook.Operation, error) {
	return nil, ErrNothing
}

// Pending is a guard that waits on a target.
type Pending struct {
	Target executors.Target
	Guard  executors.GuardState
}

// Guards asks the targets of the document's latest operation for its guards.
func Guards(ctx context.Context, d *runbook.Document, o Options) ([]Pending, error) {
	return nil, nil
}

// Confirm confirms the guards that wait for the operator's word
// (confirm=manual) of the document's latest operation.
func Confirm(ctx context.Context, d *runbook.Document, o Options) ([]Pending, error) {
	return nil, ErrNothing
}
