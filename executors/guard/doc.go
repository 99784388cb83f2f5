// Package guard is confirm or revert: a promise, kept by a process of its own,
// that a target goes back to what it was unless somebody confirms the change in
// time (as `commit confirmed` does on routers).
//
// A Store is the directory of one network namespace's guards. Each has a
// directory of its own:
//
//	record    what to revert to, the deadline, who armed it; written first
//	alive     locked (flock) by the guard's process as long as it lives
//	ready     made by the process when it counts: from here on it is armed
//	decision  "confirm" or "revert": made by link(2), so that exactly one of
//	          them is ever there, whoever comes first
//	outcome   what the revert came to
//
// Everything that can happen at any moment follows from these: an armed guard
// is one that is ready, undecided and alive; a lost one is ready and not alive,
// without an outcome. Its record can still be reverted by anybody who may read
// it. Writes are fsynced before they are relied on.
//
// The deadline is counted on CLOCK_BOOTTIME, which goes on while the machine
// sleeps and does not jump when the time of day is set.
package guard

import "stet/executors"

// record is what the file of that name holds.
type record struct {
	Guard executors.Guard `json:"guard"`
	// Armed is the time of day, in RFC 3339 with nanoseconds, for people.
	Armed string `json:"armed"`
	// Deadline is in nanoseconds of CLOCK_BOOTTIME, in the boot BootID.
	Deadline int64  `json:"deadline"`
	BootID   string `json:"boot-id"`
	// Footing is that of the guard's process.
	Footing executors.Footing `json:"footing,omitzero"`
}

const (
	confirm = "confirm"
	revert  = "revert"
)
