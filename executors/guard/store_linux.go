package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// Outcomes are kept this long, and at most this many of them.
const (
	keepFor  = 7 * 24 * time.Hour
	keepMost = 100
)

// Store is the directory of the guards of one network namespace.
type Store struct{ dir string }

// Open names a store; the directory is made by the first Arm.
func Open(dir string) *Store { return &Store{dir} }

func (s *Store) entry(id string) entry {
	sum := sha256.Sum256([]byte(id))
	return entry(filepath.Join(s.dir, hex.EncodeToString(sum[:12])))
}

// List tells the state of every guard, the youngest first. Outcomes that are
// too old are removed on the way.
func (s *Store) List() ([]executors.GuardState, error) {
	dirs, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing guards: %w", err)
	}
	var states []executors.GuardState
	for _, d := range dirs {
		e := entry(filepath.Join(s.dir, d.Name()))
		if !d.IsDir() || !e.has("ready") {
			continue // never armed
		}
		g, err := e.state()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		states = append(states, *g)
	}
	sort.Slice(states, func(i, j int) bool { return states[i].Armed.After(states[j].Armed) })
	return s.prune(states), nil
}

// prune removes outcomes that are old or too many.
func (s *Store) prune(states []executors.GuardState) []executors.GuardState {
	kept := states[:0]
	for _, g := range states {
		if !pending(g.Phase) && (len(kept) >= keepMost || time.Since(g.Ended) > keepFor) {
			os.RemoveAll(string(s.entry(g.ID)))
			continue
		}
		kept = append(kept, g)
	}
	return kept
}

// pending reports whether the change that a guard covers is still open.
func pending(p executors.Phase) bool {
	return p == executors.Armed || p == executors.Reverting || p == executors.Lost
}

// Pending returns the guard whose change is neither confirmed nor reverted; nil
// if there is none.
func (s *Store) Pending() (*executors.GuardState, error) {
	states, err := s.List()
	if err != nil {
		return nil, err
	}
	for i := range states {
		if pending(states[i].Phase) {
			return &states[i], nil
		}
	}
	return nil, nil
}

// Running reports whether a guard's process is still at work, as opposed to
// lost.
func (s *Store) Running() bool {
	g, err := s.Pending()
	return err == nil && g != nil && g.Phase != executors.Lost
}

// state derives where a guard stands from its files.
func (e entry) state() (*executors.GuardState, error) {
	// Before the outcome: a process that ends between the two questions has
	// left an outcome; the other order would call it lost.
	alive := e.alive()
	var outcome executors.GuardState
	if err := e.read("outcome", &outcome); err == nil {
		return &outcome, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var r record
	if err := e.read("record", &r); err != nil {
		return nil, err
	}
	g := r.state()
	what, err := e.decision()
	switch {
	case err != nil:
		return nil, err
	case what == confirm:
		g.Phase = executors.Confirmed
		if info, err := os.Stat(e.path("decision")); err == nil {
			g.Ended = info.ModTime()
		}
	case !alive:
		g.Phase = executors.Lost
	case what == revert:
		g.Phase = executors.Reverting
	default:
		g.Phase = executors.Armed
		g.Left = max(0, time.Duration(r.Deadline-boottime()))
	}
	return g, nil
}

func (r *record) state() *executors.GuardState {
	armed, _ := time.Parse(time.RFC3339Nano, r.Armed)
	return &executors.GuardState{ID: r.Guard.ID, Run: r.Guard.Run, Step: r.Guard.Step, Document: r.Guard.Document,
		Operator: r.Guard.Operator, Armed: armed, Deadline: armed.Add(r.Guard.Timeout), Footing: r.Footing}
}

// boottime is CLOCK_BOOTTIME in nanoseconds.
func boottime() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return ts.Nano()
}

// Confirm decides that the change stands. After a decision to revert it is an
// *executors.Error of code "reverted".
func (s *Store) Confirm(_ context.Context, id string) error {
	op := "confirming " + id
	e, err := s.find(op, id)
	if err != nil {
		return err
	}
	what, err := e.decide(confirm)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if what == confirm {
		return nil
	}
	g, err := e.state()
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	x := &executors.Error{Code: "reverted", Op: op, Message: "it was too late: the change has been reverted"}
	switch g.Phase {
	case executors.Reverting:
		x.Message = "it was too late: the change is being reverted"
	case executors.Incomplete, executors.Lost:
		x.Message = "it was too late, and the revert is incomplete"
		x.Remedy = "compare the target's state with what it was before, in the report"
	}
	return x
}

func (s *Store) find(op, id string) (entry, error) {
	e := s.entry(id)
	if !e.has("ready") {
		return "", &executors.Error{Code: "not-found", Op: op, Message: "no guard of that name is known on this target",
			Remedy: "a reboot of the target clears its guards; `stet status` lists those that there are"}
	}
	return e, nil
}

// describe names a pending guard for people.
func describe(g *executors.GuardState) string {
	var b strings.Builder
	fmt.Fprintf(&b, "the change of step %s of %s (run %s, %s)", g.Step, g.Document, g.Run, g.Operator)
	switch g.Phase {
	case executors.Armed:
		fmt.Fprintf(&b, " awaits its confirmation until %s", g.Deadline.UTC().Format(time.RFC3339))
	case executors.Reverting:
		b.WriteString(" is being reverted")
	case executors.Lost:
		b.WriteString(" is neither confirmed nor reverted: its guard's process died")
	}
	return b.String()
}
