package executors

import (
	"context"
	"net/netip"
)

// Way is the connection that a target is reached by, as the target sees it.
type Way struct {
	// Local is the target's own address, Peer the address it comes from: the
	// operator's machine, or the last jump host.
	Local netip.Addr `json:"local"`
	Peer  netip.Addr `json:"peer"`
	// Elsewhere is set for a namespace of a host: the connection leads through
	// the host's own.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// Reached is an Observer of a target behind a network: a change there can cut
// the way in.
type Reached interface {
	// Way tells which connection the target is reached by.
	Way(ctx context.Context) (*Way, error)
}

// Remote is a Session to a target behind a network.
type Remote interface {
	Session
	Reached
	// Reconnect makes a new connection, from the first packet on, and goes
	// over to it: when it returns nil the way in works. What the old one was
	// doing ends. After an error the session is as before; trying again is
	// for the caller.
	Reconnect(ctx context.Context) error
}

// Leaver is a Session that its user can be done with before all is closed.
type Leaver interface {
	Session
	// Leave gives the lock back and, when nobody else uses the connection, ends
	// that, too, all in one message. A session that is used again connects anew;
	// the lock is not taken again.
	Leave(ctx context.Context) error
}
