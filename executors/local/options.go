// Package local opens sessions to targets that this machine holds:
//
//   - "local" is the network namespace that this process is in;
//   - "netns://NAME" is a named one, as ip-netns(8) makes them. With Create a
//     missing one is made, and removed when the Host is closed, unless Keep is
//     set. A record of what was made lies in the state directory ("made/NAME"),
//     locked by the process that made it: where that process died, the next
//     Host that opens the target with Create takes the namespace over, and
//     removes it at its own Close;
//   - "sandbox" and "sandbox://NAME" are throwaway namespaces of a helper
//     process, which need no rights (NewSandbox).
//
// A command in a namespace sees what `ip netns exec` shows it: a /sys of that
// namespace and the files of /etc/netns/NAME, in a private mount namespace.
//
// The state directory holds what must outlive a process: /run/stet for root,
// $XDG_RUNTIME_DIR/stet for others, else a directory below the temporary one
// that is named after the user and the boot. In it there is one directory a
// network namespace, "net-COOKIE" (SO_NETNS_COOKIE: never used twice in one
// boot), with the file "lock" and the guards.
package local

import (
	"io"
	"time"
)

// HostOptions are what NewHost takes; the zero value is good for programs.
type HostOptions struct {
	// Program starts the helper entries (package agent): argv up to the verb.
	// Nil is stet-agent beside this executable, else this executable, each
	// with "agent". Tests must set it: a test binary that is called without
	// its TestMain's help would run the tests again.
	Program []string
	// StateDir overrides the directory for locks, guards and records.
	StateDir string
	// Grace is the time between SIGTERM and SIGKILL for commands that are
	// ended; 0 is 2 s.
	Grace time.Duration
	// Stderr takes what helper processes say outside the protocol (a sudo
	// lecture); nil drops it, except where it explains a failure.
	Stderr io.Writer `json:"-"`
}

// LanguageVar holds what LC_ALL is to be for the commands of a process that sudo
// starts: sudo itself gets C, so that its messages can be told apart. NoLanguage
// there is none at all.
const (
	LanguageVar = "LC_STET"
	NoLanguage  = "none"
)

// SandboxOptions are what NewSandbox takes; the zero value is good for
// programs.
type SandboxOptions struct {
	Program []string // as in HostOptions
	Grace   time.Duration
	Stderr  io.Writer
}
