package executors

import (
	"context"
	"errors"
	"time"
)

// ErrLost is the cause (context.Cause) with which a request is cancelled when
// the connection that it came by is lost. A kept command goes on then.
var ErrLost = errors.New("the connection was lost")

// Received counts the bytes of a command's output that arrived.
type Received struct {
	Stdout int64 `json:"stdout,omitempty"`
	Stderr int64 `json:"stderr,omitempty"`
}

// Fate is what became of a kept command.
type Fate struct {
	Status ExitStatus `json:"status"`
	// Missed counts the bytes of output that are neither received nor kept.
	Missed int64 `json:"missed,omitempty"`
	// Ago is for how long the command has ended.
	Ago time.Duration `json:"ago,omitempty"`
}

// Keeper is a Session that knows what became of commands with Kept set.
type Keeper interface {
	// Attach waits for the end of the command with this ID, which an earlier
	// connection began, and gives out what it printed beyond what was
	// received. When ctx ends first, the command is ended. One that nobody
	// began, or that ended long ago, is an *Error of code "not-found"; one
	// whose agent died is of code "lost": it may still run.
	Attach(ctx context.Context, id string, got Received, out Output) (*Fate, error)
}
