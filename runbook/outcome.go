package runbook

import (
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// Status is how a step ended.
type Status string

// The statuses of steps and operations.
const (
	OK         Status = "ok"
	Unchanged  Status = "unchanged" // a netconfig block that already held
	Failed     Status = "failed"
	Skipped    Status = "skipped"     // not reached, or not selected
	RolledBack Status = "rolled-back" // done, then undone
	Incomplete Status = "incomplete"  // undoing did not lead all the way back
	Refused    Status = "refused"     // window, approval, lock
	Aborted    Status = "aborted"     // interrupted, or ended by the operator
	Running    Status = "running"
	Unfinished Status = "unfinished" // it did not end: stet or its machine died
)

// Outcome is what one step did on one target.
type Outcome struct {
	Step   string    `json:"step"`
	Kind   BlockKind `json:"kind"`
	Target string    `json:"target"`
	Status Status    `json:"status"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	// Wave is the wave of the step that the target was in, from 1; 0 if it
	// has no waves.
	Wave int `json:"wave,omitempty"`
	// Error says in words why it failed.
	Error string `json:"error,omitempty"`
	// Remedy says what to do about it, where that is known.
	Remedy string `json:"remedy,omitempty"`
	// Change is what a netconfig step did, as applied.
	Change *netstate.Change  `json:"change,omitempty"`
	Result *executors.Result `json:"result,omitempty"`
	// Exit is a command's.
	Exit *executors.ExitStatus `json:"exit,omitempty"`
	// Output is a command's, bounded; stdout and stderr interleaved as they
	// came.
	Output *Output `json:"output,omitempty"`
	// Checks are the assertions of a check step.
	Checks []Assertion `json:"checks,omitempty"`
	// Confirmed is when the change was confirmed.
	Confirmed time.Time `json:"confirmed,omitzero"`
	// Undo is how the step was undone, when it was.
	Undo *Outcome `json:"undo,omitempty"`
	// Untouched tells that a changing step failed before it acted.
	Untouched bool `json:"untouched,omitempty"`
	// Guard is the guard's last word on the step.
	Guard *executors.GuardState `json:"guard,omitempty"`
	// Answer is a manual step's: who, when, what was said.
	Answer *Answer `json:"answer,omitempty"`
	// Facts counts what a snapshot recorded, by kind.
	Facts map[string]int `json:"facts,omitempty"`
}

// Unseen reports whether undoing a change of the network ended without a look at
// what that came to: its target did not answer, or not to the end.
func (o *Outcome) Unseen() bool {
	if o.Kind != Netconfig || o.Undo == nil || o.Undo.Error == "" {
		return false
	}
	r := o.Undo.Result
	return r == nil || !r.Undone && len(r.Remains) == 0
}

// Differs reports whether undoing a change of the network was read back, and
// something was not as before.
func (o *Outcome) Differs() bool {
	return o.Kind == Netconfig && o.Undo != nil && o.Undo.Result != nil && len(o.Undo.Result.Remains) > 0
}

// Output is a bounded record of what a command printed, made safe for text:
// escape sequences removed, invalid UTF-8 shown as \xNN.
type Output struct {
	Head string `json:"head"`
	// Tail is the end, when the middle was left out.
	Tail string `json:"tail,omitempty"`
	// Bytes and Lines count everything; Omitted what is not in Head and Tail.
	Bytes        int64 `json:"bytes"`
	Lines        int64 `json:"lines"`
	OmittedBytes int64 `json:"omitted-bytes,omitempty"`
	OmittedLines int64 `json:"omitted-lines,omitempty"`
	// File is the whole output, in the journal's folder.
	File string `json:"file,omitempty"`
}

// Assertion is one line of a check block with its verdict.
type Assertion struct {
	Text string   `json:"text"`
	Line int      `json:"line"` // in the document
	OK   bool     `json:"ok"`
	Pos  Position `json:"-"`
	// Error is set when it could not be evaluated.
	Error string `json:"error,omitempty"`
	// Operands are the values of its parts, in reading order: all when it failed,
	// those that were compared with <, <=, > or >= when it held.
	Operands []Operand `json:"operands,omitempty"`
	// Tries and Took tell how often and how long it was evaluated.
	Tries int           `json:"tries,omitempty"`
	Took  time.Duration `json:"took,omitempty"`
}

// Operand is a part of an assertion with the value it had.
type Operand struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// Answer is what a person said to a manual step.
type Answer struct {
	Done bool      `json:"done"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note,omitempty"`
}

// Host is a machine that proved who it is.
type Host struct {
	Target  string `json:"target"`
	Address string `json:"address"`
	// Name is what the machine calls itself.
	Name string `json:"name,omitempty"`
	// Key is the fingerprint of its SSH host key, "SHA256:…".
	Key string `json:"key"`
}

// LeftOut is a target that an operation went on without.
type LeftOut struct {
	Target string `json:"target"`
	// Step is what allowed it (max-failures); "" where the groups that need
	// the target failed instead, and the operation went on after them.
	Step string `json:"step,omitempty"`
	// Absent tells that no step ever ran on it: it was not there when the
	// operation began.
	Absent bool   `json:"absent,omitempty"`
	Error  string `json:"error"`
	// Remedy says what to do about it, where that is known.
	Remedy string `json:"remedy,omitempty"`
}

// Operation is a whole run of a document, as replayed from its journal.
type Operation struct {
	Run      string    `json:"run"` // ULID
	Document string    `json:"document"`
	Title    string    `json:"title,omitempty"`
	Ticket   string    `json:"ticket,omitempty"`
	Operator string    `json:"operator"`
	Host     string    `json:"host"`
	Tool     string    `json:"tool"` // stet's version
	PlanHash string    `json:"plan-hash"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end,omitzero"`
	Status   Status    `json:"status"`
	// Error says why it failed, and Remedy what to do about that, where none of its
	// steps does: the window closed between two of them.
	Error  string `json:"error,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// InterruptedBy is what interrupted it ("SIGTERM"); "" if the operator ended it
	// with an answer, or nothing did.
	InterruptedBy string `json:"interrupted-by,omitempty"`
	// Hosts are the machines that were reached over a network, in the order of
	// the targets.
	Hosts []Host `json:"hosts,omitempty"`
	// LeftOut are the targets that the operation went on without, in the order
	// in which they were lost.
	LeftOut []LeftOut `json:"left-out,omitempty"`
	// Outcomes in the order of the steps, then of their targets.
	Outcomes []Outcome `json:"outcomes"`
	// Notes are what the reader must know and no step says: a result that
	// found no place, changes that others made meanwhile.
	Notes []string `json:"notes,omitempty"`
	// Unwritten says why the document does not hold these results; "" if it
	// does, or need not.
	Unwritten string `json:"unwritten,omitempty"`
}
