package apply

import (
	"errors"
	"os"

	"stet/runbook/journal"
)

// nowhere is the chain of a look at the checks: it changes nothing, so there is
// nothing to take up or undo.
type nowhere struct{}

// Append implements chain.
func (nowhere) Append(journal.Kind, any) error { return nil }

// Write implements chain.
func (nowhere) Write(journal.Kind, any) error { return nil }

// Flush implements chain.
func (nowhere) Flush() {}

// Lost implements chain.
func (nowhere) Lost() []journal.Unsynced { return nil }

// Attach implements chain.
func (nowhere) Attach(string) (*os.File, error) {
	return nil, errors.New("a look at the checks keeps no outputs")
}

// Keep implements chain.
func (nowhere) Keep(string, []byte) error { return nil }

// Dir implements chain.
func (nowhere) Dir() string { return "" }

// Close implements chain.
func (nowhere) Close() error { return nil }
