// Package kept runs commands that outlive the connection that they came by, and
// tells afterwards what became of them.
//
// A Store is the directory of one network namespace's commands. Each has a
// directory of its own, named after its ID:
//
//	began    what was begun, and when; written before it is
//	alive    locked (flock) by the process that runs it, as long as that lives
//	log.N    what it printed, in frames; the last two are kept
//	end      made by who wants it to be ended
//	exit     how it ended
//
// A command of an ID that was begun is never begun again. One that is neither
// ended nor alive is lost: the process that ran it was killed, and nobody saw how
// the command ended, if it did.
package kept

import (
	"time"

	"stet/executors"
)

const (
	// segment is the size from which on a new log is begun. Two of them hold at
	// least what a connection may have under way (wire.Window).
	segment = 256 << 10
	// Of the commands that ended, so many are remembered, for so long; one in
	// pruneEvery that are begun looks for those that are too many, since to look at
	// all of them takes longer than to run most commands.
	keepMost   = 32
	keepFor    = 24 * time.Hour
	pruneEvery = 16
	// look is how often a file is looked for that another process makes.
	look = 50 * time.Millisecond
	// endWithin bounds the wait for a command that was asked to end.
	endWithin = 15 * time.Second
)

// began is what the file of that name holds.
type began struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Boot string    `json:"boot"`
}

// exit is what the file of that name holds.
type exit struct {
	Status *executors.ExitStatus `json:"status,omitempty"`
	Error  *executors.Error      `json:"error,omitempty"`
	// Late tells that its deadline had come, Ended that it was ended.
	Late  bool      `json:"late,omitempty"`
	Ended bool      `json:"ended,omitempty"`
	At    time.Time `json:"at"`
}
