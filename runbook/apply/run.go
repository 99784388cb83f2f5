package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/plan"
	"stet/runbook/redact"
)

// sourceFile is the copy of the document in the journal's folder.
const sourceFile = "source.md"

// Run carries out a plan. The Operation tells what happened, also with an
// error; it is nil only when nothing was started.
func Run(ctx context.Context, d *runbook.Document, p *runbook.Plan, o Options) (*runbook.Operation, error) {
	x, err := begin(ctx, d, p, o)
	if err != nil {
		return nil, err
	}
	x.tellStart()
	x.groups(ctx, 0)
	return x.finish(ctx)
}

// begin does all that can still be refused, then writes the journal's first
// record. After an error nothing is held and nothing was changed.
func begin(ctx context.Context, d *runbook.Document, p *runbook.Plan, o Options) (x *operation, err error) {
	if x, err = prepare(d, o); err != nil {
		return nil, err
	}
	held := x // a return sets x to nil before this looks
	defer func() {
		if err != nil {
			err = errors.Join(err, held.abandon(ctx, err))
		}
	}()
	x.p = p
	if err = x.admit(); err != nil {
		return nil, err
	}
	run := journal.NewRun(x.now())
	x.h.op.Run = run
	if err = x.lockDocument(run); err != nil {
		return nil, err
	}
	if err = x.unfinished(); err != nil {
		return nil, err
	}
	left, err := x.meet(ctx, p.Targets, p.Groups)
	if err != nil {
		return nil, err
	}
	j, err := journal.Create(x.o.StateDir, d.Path, run)
	if err != nil {
		return nil, err
	}
	x.log = x.chain(j)
	if err = x.log.Keep(sourceFile, d.Source); err != nil {
		return nil, err
	}
	if err = x.start(run, left); err != nil {
		return nil, err
	}
	x.writer = newWriter(x)
	return x, nil
}

// abandon ends what could not begin: its journal says so, or is not there.
func (x *operation) abandon(ctx context.Context, cause error) error {
	if x.h.begun {
		x.note(journal.End, &endData{Status: runbook.Failed, Error: x.red.String(cause.Error()), At: x.now()})
	}
	err := x.close(ctx)
	if x.log != nil && !x.h.begun {
		err = errors.Join(err, os.RemoveAll(x.log.Dir()))
	}
	return err
}

// prepare makes an operation that holds nothing yet.
func prepare(d *runbook.Document, o Options) (*operation, error) {
	if o.StateDir == "" {
		dir, err := journal.DefaultDir()
		if err != nil {
			return nil, err
		}
		o.StateDir = dir
	}
	red, err := redact.New(o.Secrets)
	if err != nil {
		return nil, fmt.Errorf("preparing secrets: %w", err)
	}
	return &operation{
		o: o, d: d, red: red, h: newHistory(), sessions: map[string]executors.Session{}, infos: map[string]*executors.Info{}, ahead: map[string]time.Duration{}, silent: map[string]bool{}, missing: map[string]error{},
	}, nil
}

func (x *operation) chain(j *journal.Journal) chain {
	if x.o.wrap != nil {
		return x.o.wrap(x, j)
	}
	return j
}

// admit refuses what must not start: a plan of another document, an approval
// of another plan, a closed window, a question that nobody can answer.
func (x *operation) admit() error {
	if x.p.SourceHash != plan.SourceHash(x.d.Source) {
		return fmt.Errorf("%w: the document was changed after it was planned; plan it again", ErrRefused)
	}
	if a := x.o.Approve; a != "" && a != x.p.Hash {
		return fmt.Errorf("%w: plan %s was approved, and the plan is %s now; look at it and approve that", ErrRefused, a, x.p.Hash)
	}
	if err := x.window(); err != nil {
		return err
	}
	if err := x.locksOut(); err != nil {
		return err
	}
	return x.answerable()
}

// form is how times of the window are told.
const form = "2006-01-02 15:04:05 MST"

// errClosed keeps what would change something from being begun after the window.
var errClosed = errors.New("the window closed")

// closed is the error that keeps a wave of a group from being begun once the window
// has closed. The time-outs fit into the window, but a question has none, and a
// machine that was asleep does not know of it. What only looks is not kept from it.
func (x *operation) closed(g *runbook.Group, w *plan.Wave) error {
	if g.Change < 0 || x.until.IsZero() || x.now().Before(x.until) {
		return nil
	}
	what := g.Name
	if w.Of > 1 {
		what = fmt.Sprintf("wave %d of %d of %s", w.Number, w.Of, g.Name)
	}
	return fmt.Errorf("%w at %s, before %s was begun", errClosed, x.until.Format(form), what)
}

// window refuses what does not fit into the maintenance window, undoing
// included.
func (x *operation) window() error {
	w := x.d.Meta.Window
	if w == nil {
		return nil
	}
	x.until = w.End
	now := x.now()
	switch {
	case !w.Start.IsZero() && now.Before(w.Start):
		return fmt.Errorf("%w: the window opens at %s, and it is %s", ErrRefused, w.Start.Format(form), now.Format(form))
	case !w.End.IsZero() && !now.Before(w.End):
		return fmt.Errorf("%w: the window closed at %s, and it is %s", ErrRefused, w.End.Format(form), now.Format(form))
	case !w.End.IsZero() && now.Add(x.p.Duration).After(w.End):
		return fmt.Errorf("%w: the window closes at %s, in %s, and doing and undoing this may take %s; shorten the timeouts, or do less with --only",
			ErrRefused, w.End.Format(form), w.End.Sub(now).Round(time.Second), x.p.Duration)
	}
	return nil
}

// answerable refuses an operation that would stop at a question which nobody
// is there to answer.
func (x *operation) answerable() error {
	if x.o.Step && x.o.Ask == nil {
		return fmt.Errorf("%w: asking before each step needs a terminal", ErrRefused)
	}
	if x.o.Ask != nil {
		return nil
	}
	for _, g := range x.p.Groups {
		for _, s := range g.Steps {
			a, ok := x.o.Answers[s.Name]
			switch {
			case s.Kind == runbook.Manual && !ok:
				return fmt.Errorf("%w: line %d: the manual step %q needs an answer, and there is no terminal; give one in an answers file",
					ErrRefused, s.Line, s.Name)
			case s.Kind == runbook.Manual && !slices.Contains(manualChoices, a.Choice):
				return fmt.Errorf("%w: the answer %q to %q is none of done, skip and fail", ErrRefused, a.Choice, s.Name)
			case s.Kind.Changing() && s.Block.ConfirmBy == "manual" && s.Block.Confirm == 0:
				return fmt.Errorf("%w: line %d: %q is confirmed by hand, and there is no terminal", ErrRefused, s.Line, s.Name)
			}
		}
	}
	return nil
}

func (x *operation) lockDocument(run string) error {
	release, err := journal.Lock(x.o.StateDir, x.d.Path, executors.Lock{
		Run: run, Document: x.document(), Operator: x.o.Operator, Since: x.now().Format(time.RFC3339),
	})
	var held *journal.LockedError
	if errors.As(err, &held) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err != nil {
		return err
	}
	x.release = release
	return nil
}

// document is where the document is, for those who are somewhere else: another
// operator, a command with a folder of its own.
func (x *operation) document() string {
	if path, err := filepath.Abs(x.d.Path); err == nil && x.d.Path != "" && x.d.Path != "-" {
		return path
	}
	return x.d.Path
}

// Free refuses a document on which somebody is at work, or whose latest operation
// did not end: before anybody is shown a plan and asked. Run looks again.
func Free(ctx context.Context, d *runbook.Document, o Options) error {
	x, err := prepare(d, o)
	if err != nil {
		return err
	}
	if err := x.lockDocument(""); err != nil {
		return err
	}
	return errors.Join(x.unfinished(), x.close(ctx))
}

// unfinished refuses to start over what an earlier operation left half done:
// its record of what was there before would no longer be the truth.
func (x *operation) unfinished() error {
	_, log, err := Latest(x.o.StateDir, x.d.Path)
	if err != nil || log == nil || log.Ended() {
		return err
	}
	h, err := replay(log)
	if err != nil {
		return err
	}
	if h.lasting() {
		return fmt.Errorf("%w: operation %s of %s on this document did not end; stet resume takes it up, stet rollback undoes it",
			ErrRefused, h.op.Run, h.op.Start.Format("2006-01-02 15:04 MST"))
	}
	return nil
}

func find(ts []executors.Target, name string) (executors.Target, bool) {
	i := slices.IndexFunc(ts, func(t executors.Target) bool { return t.Name == name })
	if i < 0 {
		return executors.Target{}, false
	}
	return ts[i], true
}

func (x *operation) start(run string, left []leftOutData) error {
	err := x.record(journal.Start, &startData{
		Run: run, Document: x.document(), Title: x.d.Meta.Title, Ticket: x.d.Meta.Ticket,
		Operator: x.o.Operator, Host: x.o.Host, Tool: x.o.Tool, PID: os.Getpid(),
		Only: x.o.Only, From: x.o.From, Plan: x.p,
	})
	if err != nil {
		return err
	}
	if err := x.introduce(); err != nil {
		return err
	}
	return x.leaveOut(left)
}
