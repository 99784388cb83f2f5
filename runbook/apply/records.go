package apply

import (
	"time"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/check"
)

// The data of journal records, one type a kind. docs/formats/journal.md
// describes them; a field may be added, never renamed.

// startData begins an operation.
type startData struct {
	Run      string        `json:"run"`
	Document string        `json:"document"`
	Title    string        `json:"title,omitempty"`
	Ticket   string        `json:"ticket,omitempty"`
	Operator string        `json:"operator"`
	Host     string        `json:"host"`
	Tool     string        `json:"tool"`
	PID      int           `json:"pid"`
	Only     []string      `json:"only,omitempty"`
	From     string        `json:"from,omitempty"`
	Plan     *runbook.Plan `json:"plan"`
}

// lockData tells that a target's lock was taken.
type lockData struct {
	Target string          `json:"target"`
	Info   *executors.Info `json:"info,omitempty"`
}

// intentData announces that a changing step is about to act.
type intentData struct {
	Group  string            `json:"group"`
	Step   string            `json:"step"`
	Target string            `json:"target"`
	Kind   runbook.BlockKind `json:"kind"`
	// AsPlanned tells that the change is the plan's, which is not repeated.
	AsPlanned bool             `json:"as-planned,omitempty"`
	Change    *netstate.Change `json:"change,omitempty"`
	// Guard is the ID of the guard about to be armed; Timeout its time.
	Guard   string        `json:"guard,omitempty"`
	Timeout time.Duration `json:"timeout,omitempty"`
	// Rollback is what the rollback blocks of the step would run.
	Rollback []rollbackData `json:"rollback,omitempty"`
	// Command is what a run step's command is known by on its target, Output
	// the file in the operation's folder with what it prints.
	Command string `json:"command,omitempty"`
	Output  string `json:"output,omitempty"`
}

// rollbackData is a rollback block with its body filled in.
type rollbackData struct {
	Step   string `json:"step"`
	Target string `json:"target"`
	// Body has secrets redacted; Redacted tells that it had some, and that
	// it is filled in again before it is run.
	Body     string `json:"body"`
	Redacted bool   `json:"redacted,omitempty"`
}

// outcomeData is how a step ended on a target.
type outcomeData struct {
	Group   string          `json:"group"`
	Outcome runbook.Outcome `json:"outcome"`
	// Untouched tells that a changing step ended before it acted.
	Untouched bool `json:"untouched,omitempty"`
	// Astray tells that nobody saw its command end.
	Astray bool `json:"astray,omitempty"`
}

// factData is a snapshot or a register, redacted.
type factData struct {
	Name     string          `json:"name"`
	Target   string          `json:"target"`
	Snapshot *check.Snapshot `json:"snapshot,omitempty"`
	Register *check.Register `json:"register,omitempty"`
}

// guardData is what a target said of a guard.
type guardData struct {
	Step   string               `json:"step"`
	Target string               `json:"target"`
	State  executors.GuardState `json:"state"`
}

// groupData names a group: it is about to be confirmed, or was.
type groupData struct {
	Group string    `json:"group"`
	At    time.Time `json:"at,omitzero"`
	// Wave is the wave that was confirmed, of Of; both are 0 for a group
	// without waves.
	Wave int `json:"wave,omitempty"`
	Of   int `json:"of,omitempty"`
	// Targets are those on which the operator confirmed it by hand; the rest
	// of the wave is still to be done.
	Targets []string `json:"targets,omitempty"`
}

// leftOutData is a target that failed, and without which the operation goes on.
type leftOutData struct {
	// Group and Step are those that allow it; both are empty where the groups
	// that need the target fail instead.
	Group  string `json:"group"`
	Step   string `json:"step,omitempty"`
	Target string `json:"target"`
	// Absent tells that no step ever ran on it; Resumed that it was missing
	// when the operation was taken up.
	Absent  bool   `json:"absent,omitempty"`
	Resumed bool   `json:"resumed,omitempty"`
	Error   string `json:"error"`
	Remedy  string `json:"remedy,omitempty"`
}

// failingData is the decision what to undo.
type failingData struct {
	Group  string         `json:"group,omitempty"` // the one that failed
	Policy runbook.Policy `json:"policy,omitempty"`
	// Undo are the groups to undo, in this order.
	Undo []string `json:"undo"`
	// Error says why, Remedy what to do about it; Aborted and Requested tell that the
	// operator wanted it, By what interrupted the operation.
	Error     string `json:"error,omitempty"`
	Remedy    string `json:"remedy,omitempty"`
	Aborted   bool   `json:"aborted,omitempty"`
	By        string `json:"by,omitempty"`
	Requested bool   `json:"requested,omitempty"`
}

// undoData is a step on a target that is being undone, or has been.
type undoData struct {
	Group  string `json:"group"`
	Step   string `json:"step"`
	Target string `json:"target"`
	// Undo is how it went; nil in an intent.
	Undo *runbook.Outcome `json:"undo,omitempty"`
	// Blocks are the outcomes of the rollback blocks that ran.
	Blocks []runbook.Outcome `json:"blocks,omitempty"`
}

// noteData is a sentence for the reader.
type noteData struct {
	Text string `json:"text"`
}

// resumeData tells that another process took the operation up.
type resumeData struct {
	Mode     string `json:"mode"` // "resume" or "rollback"
	Operator string `json:"operator"`
	Host     string `json:"host"`
	Tool     string `json:"tool"`
	PID      int    `json:"pid"`
	Torn     int64  `json:"torn,omitempty"` // bytes of a record that the crash cut
}

// endData ends an operation.
type endData struct {
	Status runbook.Status `json:"status"`
	Error  string         `json:"error,omitempty"`
	At     time.Time      `json:"at"`
}
