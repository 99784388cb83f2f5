package apply

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/check"
	"stet/runbook/journal"
	"stet/runbook/plan"
	"stet/runbook/redact"
)

// chain is what an operation needs of a journal.
type chain interface {
	Append(kind journal.Kind, data any) error
	Write(kind journal.Kind, data any) error
	Flush()
	Lost() []journal.Unsynced
	Attach(name string) (*os.File, error)
	Keep(name string, content []byte) error
	Dir() string
	Close() error
}

// operation is a run of a document in progress.
type operation struct {
	o   Options
	d   *runbook.Document // as it was when the operation started
	p   *runbook.Plan
	red *redact.Redactor
	log chain

	sessions map[string]executors.Session
	infos    map[string]*executors.Info
	ahead    map[string]time.Duration // clocks that are off
	silent   map[string]bool          // targets that were waited for in vain
	missing  map[string]error         // targets that could not be opened, with why
	left     []leftOutData            // those of them that it was begun without
	locked   []string
	over     map[string]string // by target, the step after which nothing needs it
	freed    map[string]error  // targets left before the end, with how that went; guarded by mu
	release  func() error      // of the document's lock
	writer   *writer

	mu     sync.Mutex // guards h, broken and owed
	h      *history
	broken error // why the journal could not be written
	owed   []owed

	sinkMu sync.Mutex
	files  int // outputs attached so far
	// taken are acts of an operation that is taken up which are not done again.
	taken map[*act]bool
	// loose is set once something ran whose effects no plan can foresee.
	loose     bool
	until     time.Time // end of the window; zero without one, or once it is taken up
	aborted   bool      // the operator interrupted it
	requested bool      // the rollback is what was asked for
	stale     bool      // the failure was a plan that no longer fits, or a window that had closed
	unproven  bool      // after undoing, a pre-check does not hold
	gone      bool      // the sandboxes it ran in ended with an earlier process
}

// owed is a record of what has happened that the journal could not take yet.
type owed struct {
	kind journal.Kind
	data any
}

// record journals and, when that is on disk, makes it part of the history.
// Once the journal could not be written, nothing more is announced. Steps on
// several targets record at once, and wait for the disk together; what they
// record is about different targets, so that its order does not matter.
func (x *operation) record(kind journal.Kind, data any) error {
	return x.journal(x.log.Append, kind, data)
}

// recordWith is record for what has happened and on which nothing depends that is
// not journaled itself: it is on disk with the record that comes next.
func (x *operation) recordWith(kind journal.Kind, data any) error {
	return x.journal(x.log.Write, kind, data)
}

func (x *operation) journal(write func(journal.Kind, any) error, kind journal.Kind, data any) error {
	x.mu.Lock()
	broken := x.broken
	x.mu.Unlock()
	if broken != nil {
		return broken
	}
	err := write(kind, data)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		x.breaks(err)
		return err
	}
	return x.h.take(kind, data, x.now())
}

// breaks notes that the journal could not be written, and what it has lost with
// that; x.mu is held.
func (x *operation) breaks(err error) {
	if x.broken == nil {
		x.broken = err
	}
	for _, l := range x.log.Lost() {
		x.owed = append(x.owed, owed{l.Kind, l.Data})
	}
}

// note journals what has already happened. When the journal cannot take it, it
// is part of the history all the same: the report must say it. The journal gets
// it later, in its place, if it can be written again (undoing may have freed
// the disk).
func (x *operation) note(kind journal.Kind, data any) {
	x.mu.Lock()
	works := x.broken == nil && len(x.owed) == 0
	x.mu.Unlock()
	if works && x.record(kind, data) == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	_ = x.h.take(kind, data, x.now()) // only a start can be refused
	x.owed = append(x.owed, owed{kind, data})
	x.pay()
}

// pay writes what the journal is owed, as far as it can be written; x.mu is
// held.
func (x *operation) pay() {
	for len(x.owed) > 0 {
		if err := x.log.Append(x.owed[0].kind, x.owed[0].data); err != nil {
			if x.broken == nil {
				x.broken = err
			}
			return
		}
		x.owed = x.owed[1:]
	}
}

// tell says something that no step does, to the operator and in the report.
func (x *operation) tell(format string, args ...any) {
	text := x.red.String(fmt.Sprintf(format, args...))
	x.note(journal.Note, &noteData{Text: text})
	x.emit(runbook.Event{Kind: runbook.EventNote, Text: text})
}

// hint tells the operator what the report need not say.
func (x *operation) hint(format string, args ...any) {
	x.emit(runbook.Event{Kind: runbook.EventNote, Text: x.red.String(fmt.Sprintf(format, args...))})
}

func (x *operation) emit(e runbook.Event) {
	if x.o.Sink == nil {
		return
	}
	e.Time = x.now()
	if x.h != nil {
		e.Run = x.h.op.Run
	}
	x.sinkMu.Lock()
	defer x.sinkMu.Unlock()
	x.o.Sink(e)
}

func (x *operation) now() time.Time {
	if x.o.Now != nil {
		return x.o.Now().UTC()
	}
	return time.Now().UTC()
}

// operation is what happened so far.
func (x *operation) operation() *runbook.Operation {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.h.operation()
}

// session is the way to a target; a target that was not opened is an error.
func (x *operation) session(target string) (executors.Session, error) {
	if x.doneWith(target) {
		return nil, fmt.Errorf("reaching %s: the operation was done with it, and left it", target)
	}
	if s := x.sessions[target]; s != nil {
		return s, nil
	}
	if err := x.missing[target]; err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("reaching %s: it was not opened", target)
}

// env is what ${…} and assertions refer to on a target.
func (x *operation) env(target string) check.Env {
	t, _ := plan.Target(x.d, target)
	e := check.Env{
		Vars: plan.Vars(x.d, t, x.o.Secrets), Target: t, Facts: x.p.Facts[target],
		Registers: map[string]*check.Register{}, Snapshots: map[string]*check.Snapshot{},
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for name, by := range x.h.registers {
		e.Registers[name] = pick(by, target)
	}
	for name, by := range x.h.snapshots {
		e.Snapshots[name] = pick(by, target)
	}
	return e
}

// pick takes a target's own value, else that of the first target that has one:
// a step that ran elsewhere serves them all.
func pick[T any](by map[string]T, target string) T {
	if v, ok := by[target]; ok {
		return v
	}
	var first string
	for name := range by {
		if first == "" || name < first {
			first = name
		}
	}
	return by[first]
}

// expand fills a text in for a target.
func (x *operation) expand(text, target string) (string, error) {
	out, problems := check.Expand(text, x.env(target))
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = fmt.Errorf("filling in line %d: %s", p.Line, p.Summary)
	}
	return out, errors.Join(errs...)
}
