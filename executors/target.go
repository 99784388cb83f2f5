// Package executors is the vocabulary of what reaches a machine: targets,
// sessions, commands, probes and guards. Packages below it implement them; the
// packages of runbook only use these names. It imports the standard library
// and the pure package netstate, nothing else.
package executors

import (
	"context"
	"strings"
)

// Target is a machine, or a network namespace of one, that a document names.
type Target struct {
	// Name is what the document calls it.
	Name string `json:"name"`
	// Address says how it is reached: "local", "netns://NAME", "sandbox",
	// "sandbox://NAME" or "ssh://[user@]host[:port]".
	Address string `json:"address"`
	// At is the ssh:// address of the host that a netns:// or sandbox address
	// is on; "" is this host.
	At string `json:"at,omitempty"`
	// Create makes the namespace of a netns:// address when it is missing.
	Create bool `json:"create,omitempty"`
	// Keep leaves a namespace that stet made when the operation ends.
	Keep bool `json:"keep,omitempty"`
	// Become is "" or "sudo".
	Become string `json:"become,omitempty"`
	// Password and BecomePassword name the secrets that hold the password of
	// an ssh:// login and that of sudo; "" where none is declared.
	Password       string `json:"password,omitempty"`
	BecomePassword string `json:"become-password,omitempty"`
	// Passphrase and PIN name the secrets that hold the passphrase of an
	// encrypted key, and the PIN of a token (PKCS#11) or security key.
	Passphrase string `json:"passphrase,omitempty"`
	PIN        string `json:"pin,omitempty"`
	// Vars are the target's own variables for ${…}.
	Vars map[string]any `json:"vars,omitempty"`
}

// Scheme is the address's scheme: "local", "netns", "sandbox", "ssh", or
// whatever else stands there.
func (t Target) Scheme() string {
	scheme, _, _ := strings.Cut(t.Address, ":")
	return scheme
}

// Host is what follows "scheme://" in the address, or "".
func (t Target) Host() string {
	_, rest, _ := strings.Cut(t.Address, "://")
	return rest
}

// Machine is the ssh:// address of the host that the target is, or is on; ""
// for this host.
func (t Target) Machine() string {
	if t.Scheme() == "ssh" {
		return t.Address
	}
	return t.At
}

// Place is the address with the host that it is on, for people.
func (t Target) Place() string {
	if t.At == "" {
		return t.Address
	}
	return t.Address + " at " + t.At
}

// Opener opens sessions to targets that one machine holds: this host, the
// helper process of the sandboxes, a host behind SSH. Targets opened through
// one Opener can be linked with each other (a veth between them).
type Opener interface {
	// Open opens a session to t. An unknown scheme, a missing namespace
	// without Create and a lack of rights are *Error values.
	Open(ctx context.Context, t Target) (Session, error)
	// Close ends the sessions, removes namespaces that were made and not
	// kept, and ends helper processes.
	Close() error
}
