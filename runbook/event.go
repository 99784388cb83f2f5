package runbook

import (
	"time"

	"stet/executors"
)

// EventKind is what happened.
type EventKind string

// The kinds of events, in the order in which a run makes them.
const (
	EventPlan      EventKind = "plan"       // Plan is set
	EventStart     EventKind = "start"      // the operation starts
	EventWave      EventKind = "wave"       // a step starts on several targets: Wave is set
	EventStep      EventKind = "step"       // a step starts on a target
	EventOutput    EventKind = "output"     // a line of a command's output
	EventRetry     EventKind = "retry"      // a check did not hold yet
	EventGuard     EventKind = "guard"      // a guard was armed, with its deadline
	EventWait      EventKind = "wait"       // a target is silent, and waited for until Deadline
	EventOutcome   EventKind = "outcome"    // a step ended on a target
	EventConfirm   EventKind = "confirm"    // a group was confirmed: stet
	EventUndo      EventKind = "undo"       // a step is being undone
	EventUndone    EventKind = "undone"     // it has been
	EventNote      EventKind = "note"       // something the operator must know
	EventEnd       EventKind = "end"        // the operation ended
	EventDocument  EventKind = "document"   // results were written into the document
	EventDiagnosis EventKind = "diagnostic" // a fault or warning about the document
)

// Event is one thing that happened during a run: what views show and what
// `--json` prints, one a line. Text in it is already redacted.
type Event struct {
	Kind     EventKind `json:"event"`
	Time     time.Time `json:"time"`
	Run      string    `json:"run,omitempty"`
	Group    string    `json:"group,omitempty"`
	Step     string    `json:"step,omitempty"`
	Target   string    `json:"target,omitempty"`
	Text     string    `json:"text,omitempty"`
	Deadline time.Time `json:"deadline,omitzero"`
	// Footing is what keeps the process of a guard that was armed.
	Footing    *executors.Footing `json:"footing,omitempty"`
	Wave       *Wave              `json:"wave,omitempty"`
	Plan       *Plan              `json:"plan,omitempty"`
	Outcome    *Outcome           `json:"outcome,omitempty"`
	Operation  *Operation         `json:"operation,omitempty"`
	Diagnostic *Diagnostic        `json:"diagnostic,omitempty"`
}

// WaveUndo is the Text of an EventWave that begins the undoing of a step on
// several targets; otherwise it is the step's kind.
const WaveUndo = "undo"

// Wave is a part of a step's targets on which it starts, some or all at once.
type Wave struct {
	// Number counts from 1, and Of says how many there are; both are 0 for a
	// step without waves.
	Number int `json:"number,omitempty"`
	Of     int `json:"of,omitempty"`
	// Targets are the wave's; so many of them as Parallel says run at once.
	Targets  []string `json:"targets"`
	Parallel int      `json:"parallel"`
}

// Sink takes events as they happen, from several goroutines.
type Sink func(Event)
