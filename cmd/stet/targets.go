package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"stet/executors"
	"stet/executors/local"
	"stet/runbook"
	"stet/runbook/plan"
)

// sessions opens targets, each once, and closes them all. Targets that one
// machine holds go through one Opener, so that they can be linked.
type sessions struct {
	// passing targets leave nothing behind: a namespace that is made to be
	// looked at is removed, whatever the document says of keeping it.
	passing bool

	stderr io.Writer // of helper processes

	// neighbours are the other targets of the document on this host: the far
	// end of a veth may be in one that no step runs on.
	neighbours []executors.Target

	mu     sync.Mutex
	host   executors.Opener // this host's targets
	remote remotes          // other hosts'
	open   map[string]executors.Session

	// targets are the document's, for the hosts that some of them are on.
	targets []executors.Target
}

func newSessions(stderr io.Writer) *sessions {
	return &sessions{stderr: stderr, open: map[string]executors.Session{}}
}

// Open returns the session to t, opening it when it is the first time.
func (s *sessions) Open(ctx context.Context, t executors.Target) (executors.Session, error) {
	if t.Machine() != "" {
		return s.openRemote(ctx, t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	session, err := s.get(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, n := range s.neighbours {
		// One that cannot be opened matters when something needs it, and then
		// the error names it.
		_, _ = s.get(ctx, n)
	}
	s.neighbours = nil
	return session, nil
}

// get opens t unless it is open; s.mu is held.
func (s *sessions) get(ctx context.Context, t executors.Target) (executors.Session, error) {
	if have, ok := s.open[t.Name]; ok {
		return have, nil
	}
	if s.passing {
		t.Keep = false
	}
	opener, err := s.opener(t)
	if err != nil {
		return nil, err
	}
	session, err := opener.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	s.open[t.Name] = session
	return session, nil
}

// neighbours are the targets of a document that this host may hold without
// asking anybody for more rights.
func neighbours(d *runbook.Document) []executors.Target {
	var found []executors.Target
	for _, t := range d.Meta.Targets {
		if here := t.Scheme() == "netns" || t.Scheme() == "sandbox"; here && t.Machine() == "" && t.Become == "" {
			found = append(found, t)
		}
	}
	return found
}

// opener is the one for t's kind of place; s.mu is held.
func (s *sessions) opener(t executors.Target) (executors.Opener, error) {
	switch t.Scheme() {
	case "local", "netns", "sandbox":
	default:
		return nil, &executors.Error{
			Code: "unsupported", Op: "opening " + t.Address, Message: "there are no targets of this kind",
			Remedy: "write local, netns://NAME, sandbox, sandbox://NAME or ssh://[USER@]HOST[:PORT]",
		}
	}
	if s.host != nil {
		return s.host, nil
	}
	host, err := local.NewHost(local.HostOptions{Stderr: s.stderr})
	if err != nil {
		return nil, err
	}
	s.host = host
	return host, nil
}

// Observers opens the targets given, for planning. Those that cannot be opened
// are missing; answered is called with each one that is known to be either. The
// error is an interruption.
func (s *sessions) Observers(ctx context.Context, targets []executors.Target, answered func()) (map[string]executors.Observer, []runbook.Missing, error) {
	opened := make([]executors.Session, len(targets))
	faults := make([]error, len(targets))
	var wait sync.WaitGroup
	for i, t := range targets {
		if t.Machine() != "" {
			wait.Go(func() {
				defer answered()
				opened[i], faults[i] = s.Open(ctx, t)
			})
			continue
		}
		opened[i], faults[i] = s.Open(ctx, t)
		answered()
	}
	wait.Wait()
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	observers := make(map[string]executors.Observer, len(targets))
	var missing []runbook.Missing
	for i, t := range targets {
		if faults[i] != nil {
			missing = append(missing, plan.Lost(t.Name, faults[i]))
			continue
		}
		observers[t.Name] = opened[i]
	}
	return observers, missing, nil
}

// Close closes all sessions and what holds them.
func (s *sessions) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var faults []error
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, session := range s.open {
		if session.Target().Scheme() == "ssh" {
			continue // its connection's end is all in one
		}
		wait.Go(func() {
			if err := session.Close(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				faults = append(faults, fmt.Errorf("closing %s: %w", session.Target().Address, err))
			}
		})
	}
	wait.Wait()
	clear(s.open)
	if err := s.remote.close(); err != nil {
		faults = append(faults, fmt.Errorf("closing the connections: %w", err))
	}
	if s.host != nil {
		if err := s.host.Close(); err != nil {
			faults = append(faults, fmt.Errorf("closing the targets of this host: %w", err))
		}
		s.host = nil
	}
	return errors.Join(faults...)
}

func target(d *runbook.Document, name string) (executors.Target, bool) {
	i := slices.IndexFunc(d.Meta.Targets, func(t executors.Target) bool { return t.Name == name })
	if i < 0 {
		return executors.Target{}, false
	}
	return d.Meta.Targets[i], true
}
