// Package executortest is the suite that every Session passes: this host's, a
// namespace's, a sandbox's, and any of them through the wire. What it demands
// is what the rest of stet relies on.
package executortest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// Test runs the suite. Each call of open opens one more session to the same
// target: a network namespace of a Linux machine, made for the test, in which
// the session may change everything and nobody else does. The suite closes
// what it opens and leaves the namespace as it found it.
func Test(t *testing.T, open func(t *testing.T) executors.Session) {
	s := suite{open: open}
	for _, part := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"Info", s.info}, {"Run", s.run}, {"RunStreams", s.streams}, {"RunLoud", s.loud}, {"RunIsEnded", s.ended},
		{"RunMissing", s.missing}, {"Output", s.output}, {"Cancel", s.cancel}, {"Daemon", s.daemon},
		{"Observe", s.observe}, {"Apply", s.apply}, {"ApplyFails", s.applyFails},
		{"ApplyStale", s.applyStale}, {"Probe", s.probe}, {"GuardConfirmed", s.guardConfirmed},
		{"GuardReverts", s.guardReverts}, {"GuardRevertedNow", s.guardRevertedNow},
		{"GuardLost", s.guardLost}, {"GuardIncomplete", s.guardIncomplete}, {"Lock", s.lock},
		{"Concurrent", s.concurrent}, {"Close", s.close}, {"CloseEnds", s.closeEnds},
	} {
		t.Run(part.name, part.run)
	}
}

type suite struct {
	open func(t *testing.T) executors.Session
}

// session opens one that is closed at the end.
func (s suite) session(t *testing.T) executors.Session {
	t.Helper()
	session := s.open(t)
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Errorf("closing the session: %v", err)
		}
	})
	return session
}

// patience is how long anything may take that is expected to happen: what never
// happens is told from what a busy machine does late.
const patience = time.Minute

// bounded is a context for what is expected to end by itself.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	t.Cleanup(cancel)
	return ctx
}

// code is an *executors.Error's code.
func code(err error) string {
	var e *executors.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// everything asks for the whole network state.
var everything = netstate.Query{Links: true, Routes: true, Rules: true, Neighbors: true, FDB: true, Xfrm: true, MPTCP: true}

func observe(t *testing.T, s executors.Session) *netstate.State {
	t.Helper()
	state, err := s.Observe(bounded(t), everything)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func find(state *netstate.State, name string) *netstate.Interface {
	for i := range state.Interfaces {
		if state.Interfaces[i].Name == name {
			return &state.Interfaces[i]
		}
	}
	return nil
}

func (s suite) info(t *testing.T) {
	info, err := s.session(t).Info(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	// A command is in the namespace that Info names, and sees its interfaces.
	var links []string
	for _, i := range observe(t, s.session(t)).Interfaces {
		links = append(links, i.Name+"\n")
	}
	slices.Sort(links)
	want := info.Netns + "\n" + strings.Join(links, "")
	if out := text(t, s.session(t), "stat -L -c %d:%i /proc/self/ns/net; LC_ALL=C ls /sys/class/net"); out != want {
		t.Errorf("a command sees %q, want %q", out, want)
	}
	if info.OS != "linux" || info.Arch == "" || info.Kernel == "" || info.User == "" || info.Netns == "" {
		t.Errorf("incomplete: %+v", info)
	}
}

func (s suite) close(t *testing.T) {
	session := s.open(t)
	for range 2 {
		if err := session.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := session.Observe(bounded(t), everything); err == nil {
		t.Error("a closed session still observes")
	}
}

func contains(err error, s string) bool { return err != nil && strings.Contains(err.Error(), s) }
