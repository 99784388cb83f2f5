package executors

import (
	"context"
	"fmt"
	"io"
	"time"

	"stet/executors/netstate"
)

// Observer reads a target and cannot change it. Planning takes Observers.
type Observer interface {
	// Target is the target that this was opened for.
	Target() Target
	// Observe reads the network state. An interrupted dump is repeated.
	Observe(ctx context.Context, q netstate.Query) (*netstate.State, error)
	// Probe asks one question of the network from the target's place in it.
	// A negative answer (no reply, refused) is a ProbeReply with OK false; an
	// error means that the question could not be asked.
	Probe(ctx context.Context, p Probe) (*ProbeReply, error)
	// Info describes the machine.
	Info(ctx context.Context) (*Info, error)
}

// Located is an Observer that knows, without asking, where it is.
type Located interface {
	// Location names a network namespace of a running kernel: targets with the
	// same one are one. "" is not known.
	Location() string
}

// Session is an open way to one target, to read and to change it. All methods
// may be called from several goroutines. Cancelling ctx ends what runs on the
// target, with its whole process tree.
type Session interface {
	Observer
	// Run runs a command and returns when it has ended, or been ended. Output
	// goes to out as it arrives, from one goroutine at a time. A non-zero exit
	// is no error: it is in the ExitStatus.
	Run(ctx context.Context, c Command, out Output) (*ExitStatus, error)
	// Apply makes a change as one transaction: edits in their order; when one
	// fails, what was applied is undone at once; when all are done, the kernel
	// is read again and compared. The Result tells the state reached, with
	// the error too where there is one.
	Apply(ctx context.Context, c *netstate.Change) (*Result, error)
	// Undo returns the objects of c to what they were before it, by
	// converging: reading, computing what differs, applying, reading again.
	Undo(ctx context.Context, c *netstate.Change) (*Result, error)
	// Arm starts a guard on the target. It returns when the guard is on disk
	// and its process runs, and tells what keeps that, as far as it is known.
	Arm(ctx context.Context, g Guard) (Footing, error)
	// Confirm ends the guard with this ID, so that it does not revert.
	// Confirming one that has reverted is an *Error of code "reverted".
	Confirm(ctx context.Context, id string) error
	// Revert makes the guard revert now and waits until it has.
	Revert(ctx context.Context, id string) (*GuardState, error)
	// Guards lists the target's guards: pending ones and outcomes.
	Guards(ctx context.Context) ([]GuardState, error)
	// Lock takes the target's lock for an operation; a second one is an
	// *Error of code "locked" that tells who holds it, since when, for which
	// document. It ends with Unlock, or with the session.
	Lock(ctx context.Context, l Lock) error
	Unlock(ctx context.Context) error
	Close() error
}

// Info describes the machine that a session reaches.
type Info struct {
	Hostname string `json:"hostname"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Kernel   string `json:"kernel"` // uname -r
	BootID   string `json:"boot-id,omitempty"`
	User     string `json:"user"`
	UID      int    `json:"uid"`
	// Netns identifies the namespace: "dev:inode" of its nsfs file.
	Netns string `json:"netns,omitempty"`
	// Clock is the machine's clock when it said this; zero if it does not say.
	Clock time.Time `json:"clock,omitzero"`
	// HostKey is the fingerprint of an SSH host key.
	HostKey string `json:"host-key,omitempty"`
}

// Result tells what Apply or Undo did.
type Result struct {
	// Done counts the edits that the kernel took.
	Done int `json:"done"`
	// Failed is the edit that the kernel refused.
	Failed *EditError `json:"failed,omitempty"`
	// Mismatches is what differs from what was asked, after reading back.
	Mismatches []netstate.Mismatch `json:"mismatches,omitempty"`
	// Undone tells that a failed change has been undone; UndoError why it
	// could not be, and Remains what still differs from before.
	Undone    bool                `json:"undone,omitempty"`
	UndoError string              `json:"undo-error,omitempty"`
	Remains   []netstate.Mismatch `json:"remains,omitempty"`
	// Actual is the change that happened, as read back, where it differs from
	// the one asked for (kernel-chosen values filled in); nil if the same.
	Actual *netstate.Change `json:"actual,omitempty"`
}

// OK reports whether everything asked was done and read back.
func (r *Result) OK() bool {
	return r != nil && r.Failed == nil && len(r.Mismatches) == 0 && r.UndoError == ""
}

// EditError is the kernel's refusal of one edit.
type EditError struct {
	Index int `json:"index"` // in Change.Edits
	// Member is which route of a set of routes was refused, from 0.
	Member int    `json:"member,omitempty"`
	Edit   string `json:"edit"` // as `netstate` renders it
	Errno  int    `json:"errno"`
	// Message is the errno's text with the extended-ack message, if any:
	// "network is unreachable: Nexthop has invalid gateway".
	Message string `json:"message"`
}

// Error implements error.
func (e *EditError) Error() string { return e.Edit + ": " + e.Message }

// Command is a process to run on a target.
type Command struct {
	// Argv is the program and its arguments; the program is looked up on the
	// target's PATH.
	Argv []string `json:"argv"`
	// Title is what people know it by: a block's own text, without secrets. A
	// guard tells of its commands by it; "" is Argv.
	Title string `json:"title,omitempty"`
	Dir   string `json:"dir,omitempty"`
	// Env is added to the target's environment: "KEY=value".
	Env   []string `json:"env,omitempty"`
	Stdin []byte   `json:"stdin,omitempty"`
	// ID marks the process tree, so that all of it can be found and ended.
	ID string `json:"id,omitempty"`
	// Kept lets it outlive a connection that is lost: it goes on until the
	// deadline of Run's ctx, and a Keeper tells its fate by the ID, which must
	// be unique. Where there is no connection it means nothing.
	Kept bool `json:"kept,omitempty"`
}

// Output takes a command's output as it arrives. A nil Writer discards.
type Output struct {
	Stdout, Stderr io.Writer
}

// ExitStatus is how a command ended.
type ExitStatus struct {
	// Code is the exit code, or 128 plus the signal's number.
	Code   int    `json:"code"`
	Signal string `json:"signal,omitempty"` // "SIGKILL"; "" for an exit
}

// Lock names the operation that holds a target.
type Lock struct {
	Run      string `json:"run"`
	Document string `json:"document"`
	Operator string `json:"operator"`
	Since    string `json:"since"` // RFC 3339
	// Target is the name that the operation has for what it locks. What is taken
	// over from an earlier connection of the same run is the same target's.
	Target string `json:"target,omitempty"`
}

// Again reports whether a lock is one that the holder may take over: of the same
// target, for the same run.
func (l Lock) Again(holder Lock) bool {
	return l.Run != "" && l.Run == holder.Run && l.Target == holder.Target
}

// Refused is the error of a lock that holder has.
func (l Lock) Refused(op string, holder Lock) *Error {
	e := &Error{Code: "locked", Op: op, Message: "another operation holds it", Remedy: "wait until it has ended, or end it; if its stet has ended and the host did not learn of it (it was cut off), stet resume or stet rollback of that document takes the lock over"}
	switch {
	case holder.Run == "":
	case holder.Run == l.Run && holder.Target != l.Target:
		e.Message = fmt.Sprintf("it is one host with %s, which this operation has locked already", holder.Target)
		e.Remedy = "name a host once in a document: leave out one of the two"
	default:
		e.Message = fmt.Sprintf("%s holds it since %s for %s (run %s)", holder.Operator, holder.Since, holder.Document, holder.Run)
	}
	return e
}
