package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/markdown"
)

// Resume takes up the latest operation of a document that did not end: a
// confirmed group stays, an unconfirmed one is undone, then the operation goes
// on with it, or goes on undoing if that is what it was doing.
func Resume(ctx context.Context, d *runbook.Document, o Options) (*runbook.Operation, error) {
	x, err := take(ctx, d, o, "resume", func(h *history) (bool, bool) { return !h.ended, true })
	if err != nil {
		return nil, err
	}
	x.tellStart()
	x.carryOn(ctx)
	return x.finish(ctx)
}

// Rollback undoes the latest operation of a document that changed something,
// ended or not, from the changes that its journal recorded. Doing it twice does
// nothing more, which is ErrNothing.
func Rollback(ctx context.Context, d *runbook.Document, o Options) (*runbook.Operation, error) {
	x, err := take(ctx, d, o, "rollback", func(h *history) (bool, bool) {
		changed := slices.ContainsFunc(h.acts, func(a *act) bool { return !a.untouched })
		return len(h.standing()) > 0, changed || !h.ended
	})
	if err != nil {
		return nil, err
	}
	x.tellStart()
	x.requested = true
	x.learn(ctx)
	if x.throwaway() {
		x.earlier()
		return x.finish(ctx)
	}
	x.mu.Lock()
	standing := x.h.standing()
	acts := slices.DeleteFunc(slices.Clone(x.h.acts), func(a *act) bool { return !a.standing() })
	x.mu.Unlock()
	x.note(journal.Failing, &failingData{Policy: runbook.Rollback, Undo: standing, Requested: true})
	x.othersChanged(ctx, acts)
	x.undo(ctx, standing)
	x.earlier()
	return x.finish(ctx)
}

// earlier names the operation before this one if it still stands: who rolls
// back the latest may mean it, too.
func (x *operation) earlier() {
	dirs, err := journal.List(x.o.StateDir, x.d.Path)
	if err != nil {
		return // what is known of this operation is all there is to say
	}
	for _, dir := range dirs {
		if filepath.Base(dir) >= x.h.op.Run {
			continue
		}
		log, err := journal.Replay(dir)
		if err != nil {
			return
		}
		h, err := replay(log)
		if err != nil || !h.acted() {
			continue
		}
		if h.lasting() {
			x.tell("What operation %s of %s did still stands; stet rollback --run %s undoes it.",
				h.op.Run, h.op.Start.UTC().Format("2006-01-02 15:04Z"), h.op.Run)
		}
		return
	}
}

// take opens the journal of the operation that choose wants: it looks at the
// latest first and says whether this is the one, and whether to stop looking.
func take(ctx context.Context, d *runbook.Document, o Options, mode string, choose func(*history) (wanted, stop bool)) (x *operation, err error) {
	if x, err = prepare(d, o); err != nil {
		return nil, err
	}
	held := x // a return sets x to nil before this looks
	defer func() {
		if err != nil {
			err = errors.Join(err, held.close(ctx))
		}
	}()
	if err = x.lockDocument(""); err != nil {
		return nil, err
	}
	dir, err := x.chooseDir(choose, map[string]string{
		"resume": "that did not end", "rollback": "that has anything left to undo",
	}[mode])
	if err != nil {
		return nil, err
	}
	j, log, err := journal.Open(dir)
	if err != nil {
		return nil, err
	}
	x.log = x.chain(j)
	if x.h, err = replay(log); err != nil {
		return nil, err
	}
	x.p = x.h.plan
	if err = x.rejoin(dir); err != nil {
		return nil, err
	}
	if err = x.agreed(ctx); err != nil {
		return nil, err
	}
	x.files = attached(dir)
	x.behind()
	left, err := x.meetAgain(ctx, mode)
	if err != nil {
		return nil, err
	}
	err = x.record(journal.Resume, &resumeData{
		Mode: mode, Operator: x.o.Operator, Host: x.o.Host, Tool: x.o.Tool, PID: os.Getpid(), Torn: log.Torn,
	})
	if err != nil {
		return nil, err
	}
	if err = x.leaveOut(left); err != nil {
		return nil, err
	}
	x.writer = newWriter(x)
	return x, nil
}

// agreed asks whether this operation is the one.
func (x *operation) agreed(ctx context.Context) error {
	if x.o.Agree == nil {
		return nil
	}
	op := x.h.operation()
	if !x.h.ended {
		op.Status = runbook.Unfinished // its lock was free
	}
	yes, err := x.o.Agree(ctx, op)
	if err == nil && !yes {
		err = fmt.Errorf("%w: you did not say yes", ErrRefused)
	}
	return err
}

// chooseDir is the folder of the operation that choose wants; without says what
// all of them lack if there is none.
func (x *operation) chooseDir(choose func(*history) (wanted, stop bool), without string) (string, error) {
	dirs, err := journal.List(x.o.StateDir, x.d.Path)
	if err != nil {
		return "", err
	}
	here := func(dir string) bool { return x.o.RunID == "" || filepath.Base(dir) == x.o.RunID }
	if !slices.ContainsFunc(dirs, here) {
		return "", &UnknownError{Document: x.d.Path, StateDir: x.o.StateDir, Run: x.o.RunID}
	}
	for _, dir := range dirs {
		if !here(dir) {
			continue
		}
		log, err := journal.Replay(dir)
		if err != nil {
			return "", err
		}
		if len(log.Records) == 0 {
			continue // died before its first record: nothing was done
		}
		h, err := replay(log)
		if err != nil {
			return "", err
		}
		wanted, stop := choose(h)
		if wanted {
			return dir, nil
		}
		if stop {
			break
		}
	}
	if x.o.RunID != "" {
		return "", fmt.Errorf("%w: %s has no operation %s that could be taken up", ErrNothing, x.d.Path, x.o.RunID)
	}
	return "", fmt.Errorf("%w: %s has no operation %s", ErrNothing, x.d.Path, without)
}

// rejoin gives the plan's steps their blocks back, from the copy of the
// document as it was; results are still written into the document as it is.
func (x *operation) rejoin(dir string) error {
	src, err := os.ReadFile(filepath.Join(dir, sourceFile))
	if err != nil {
		return fmt.Errorf("reading the copy of the document: %w", err)
	}
	now := x.d.Path
	x.d = markdown.Parse(x.h.op.Document, src)
	if now != "" {
		x.d.Path = now
	}
	x.recall()
	blocks := map[string]*runbook.Block{}
	for i := range x.d.Blocks {
		blocks[x.d.Blocks[i].Name] = &x.d.Blocks[i]
	}
	for gi := range x.p.Groups {
		for si := range x.p.Groups[gi].Steps {
			s := &x.p.Groups[gi].Steps[si]
			b := blocks[s.Name]
			if b == nil {
				return fmt.Errorf("reading the copy of the document: it has no %s, which the plan has", s.Name)
			}
			s.Block = *b
		}
	}
	return nil
}

// attached counts the outputs in an operation's folder, so that a later one
// takes no earlier one's name.
func attached(dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	return len(entries)
}

// meetAgain opens the targets that there is something left to do on. What can be
// undone is undone, whichever of them cannot be reached; to go on, the rest of
// the groups must be able to do without those.
func (x *operation) meetAgain(ctx context.Context, mode string) ([]leftOutData, error) {
	targets := x.touched()
	if mode == "rollback" || x.h.failing != nil && x.undoing(x.h.failing) {
		if err := x.open(ctx, targets); err != nil {
			return nil, err
		}
		return nil, x.helpless(targets)
	}
	left, err := x.meet(ctx, targets, x.unfinishedGroups())
	if err != nil {
		return nil, err
	}
	for i := range left {
		for _, a := range x.h.acts {
			if a.target == left[i].Target && a.standing() && !a.confirmed {
				return nil, fmt.Errorf("what %s did on %s is not confirmed, and %s cannot be used; resume when it can, or undo what can be undone with stet rollback: %w",
					a.step, a.target, a.target, x.missing[a.target])
			}
		}
	}
	return left, nil
}

// touched are the targets of the plan, without those that no step ever ran on
// nor will, and those that are behind. A namespace that was to be made is not made anew: it exists, or what
// was done in it is gone with it.
func (x *operation) touched() []executors.Target {
	return slices.DeleteFunc(slices.Clone(x.p.Targets), func(t executors.Target) bool {
		left := x.h.left[t.Name]
		return left != nil && left.Absent || x.doneWith(t.Name)
	})
}

// helpless is the error of undoing when none of the targets that have something
// to undo can be used.
func (x *operation) helpless(targets []executors.Target) error {
	f := &failures{total: len(targets)}
	for _, t := range targets {
		if !slices.ContainsFunc(x.h.acts, func(a *act) bool { return a.target == t.Name && a.standing() }) {
			continue
		}
		err := x.missing[t.Name]
		if err == nil {
			return nil
		}
		f.add(t.Name, err)
	}
	switch f.count() {
	case 0:
		return nil
	case 1:
		return f.errs[f.targets[0]]
	}
	return f
}

// unfinishedGroups are the groups that an operation which is taken up has left
// to do.
func (x *operation) unfinishedGroups() []runbook.Group {
	return slices.DeleteFunc(slices.Clone(x.p.Groups), func(g runbook.Group) bool {
		return x.h.done[g.Name] || x.h.gaveUp[g.Name]
	})
}

// learn reads what became of the guards while nobody was there.
func (x *operation) learn(ctx context.Context) {
	x.mu.Lock()
	acts := slices.Clone(x.h.acts)
	x.mu.Unlock()
	for _, a := range acts {
		if a.guard == "" || a.confirmed || a.undone {
			continue
		}
		if a.untouched {
			x.disarm(ctx, a)
			continue
		}
		st := x.look(ctx, a)
		if st == nil {
			continue
		}
		if st.Phase == executors.Reverted || st.Phase == executors.Incomplete {
			x.tell("While stet was not running, the guard of %s on %s reverted it at %s%s.", a.step, a.target, st.Ended.UTC().Format("15:04:05Z"), halfway(st))
		}
	}
}

// carryOn does what was left to do.
func (x *operation) carryOn(ctx context.Context) {
	x.learn(ctx)
	if x.throwaway() {
		return
	}
	x.mu.Lock()
	failing := x.h.failing
	standing := x.h.standing()
	x.loose = slices.ContainsFunc(x.h.acts, func(a *act) bool { return a.kind == runbook.Run && a.acted() })
	x.mu.Unlock()
	if failing != nil && failing.Policy == runbook.Ask { // died waiting for the answer
		failing = &failingData{Group: failing.Group, Policy: runbook.Rollback, Undo: standing, Error: failing.Error, Remedy: failing.Remedy}
		x.note(journal.Failing, failing)
	}
	if failing != nil && x.undoing(failing) {
		x.aborted, x.requested = failing.Aborted, failing.Requested
		back := x.undo(ctx, failing.Undo)
		if failing.Policy != runbook.Continue || !back || x.aborted {
			return
		}
	}
	for i := range x.p.Groups {
		g := &x.p.Groups[i]
		x.mu.Lock()
		done, sure := x.h.done[g.Name], x.h.sure[g.Name]
		x.mu.Unlock()
		if done || x.gaveUp(g) {
			continue
		}
		if sure && x.completeConfirm(ctx, g) || len(x.unconfirmed(g.Name)) > 0 && x.elsewhere(ctx, g) {
			if x.finished(g) {
				continue
			}
		}
		if !x.undoOne(ctx, g) {
			return
		}
		x.groups(ctx, i)
		return
	}
}

// throwaway ends an operation whose targets were sandboxes: they ended with the
// process that made them, and everything in them.
func (x *operation) throwaway() bool {
	if !slices.ContainsFunc(x.p.Targets, func(t executors.Target) bool { return t.Scheme() == "sandbox" }) {
		return false
	}
	x.mu.Lock()
	acts := slices.Clone(x.h.acts)
	standing := x.h.standing()
	x.mu.Unlock()
	x.requested = true
	x.note(journal.Failing, &failingData{Policy: runbook.Rollback, Undo: standing, Requested: true})
	for _, a := range acts {
		if t, ok := find(x.p.Targets, a.target); ok && t.Scheme() == "sandbox" && a.standing() {
			u := runbook.Outcome{
				Step: a.step, Kind: a.kind, Target: a.target, Status: runbook.RolledBack, Start: x.now(), End: x.now(),
				Error: "it ended with its sandbox",
			}
			x.note(journal.UndoOutcome, &undoData{Group: a.group, Step: a.step, Target: a.target, Undo: &u})
			if _, step := x.planStep(a.step); step != nil {
				x.writer.put(step)
			}
		}
	}
	x.tell("The sandboxes ended with the process that made them, and everything that was done in them.")
	x.gone = true
	x.undo(context.Background(), standing)
	return true
}

// undoing reports whether what a failure was to undo is not undone yet.
func (x *operation) undoing(f *failingData) bool {
	return slices.ContainsFunc(f.Undo, func(name string) bool { return len(x.toUndo(name)) > 0 }) || f.Policy != runbook.Continue
}

// gaveUp reports whether a group failed and was undone, with the policy to go
// on with the next.
func (x *operation) gaveUp(g *runbook.Group) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.h.gaveUp[g.Name]
}

// completeConfirm confirms the rest of a group whose checks held.
func (x *operation) completeConfirm(ctx context.Context, g *runbook.Group) bool {
	var rest []*act
	for _, a := range x.guarded(g.Name) {
		if st := x.look(ctx, a); st == nil || st.Phase != executors.Confirmed {
			rest = append(rest, a)
		}
	}
	if err := x.confirmAll(ctx, g, x.current(g), rest); err != nil {
		x.tell("%s could not be confirmed any more: %v.", g.Name, err)
		return false
	}
	return true
}

// undoOne undoes what is not confirmed of an unfinished group, before that is run
// again; but not the commands that are taken up.
func (x *operation) undoOne(ctx context.Context, g *runbook.Group) bool {
	acts := x.unconfirmed(g.Name)
	rest := x.untaken(ctx, acts)
	switch {
	case len(rest) == 0:
		return true
	case len(rest) == len(acts) && !slices.ContainsFunc(rest, func(a *act) bool { return !stays(a) }):
		x.tell("%s was not confirmed when stet died; it has no rollback block, and is run again.", g.Name)
	case len(rest) == len(acts):
		x.tell("%s was not confirmed when stet died; it is undone%s before it is run again.", g.Name, asFar(rest))
	default:
		x.tell("%s was not confirmed when stet died; it is undone on %s%s before it is run again there.", g.Name, targetsOfActs(rest), asFar(rest))
	}
	return x.undoActs(context.WithoutCancel(ctx), rest)
}

// stays reports whether an act has no way back.
func stays(a *act) bool { return a.kind != runbook.Netconfig && len(a.rollback) == 0 }

// asFar is what must be said beside that acts are undone, where some have no way back.
func asFar(acts []*act) string {
	if slices.ContainsFunc(acts, stays) {
		return ", but for what has no rollback block,"
	}
	return ""
}
