package apply

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/markdown"
	"stet/runbook/report"
)

// SourceFile is the name of the copy of the document, as it was at the start,
// in the operation's folder.
const SourceFile = sourceFile

// Report writes the results of an operation from its journal into the document,
// as it would have done itself: the latest that has a record, or RunID's, which
// may be one of another document (one that was renamed since). It changes
// nothing on any target and nothing in the journal. lost names the steps whose
// results the document has no place for, kept what is to be
// said of results that were replaced, and into which somebody had written by hand.
func Report(ctx context.Context, d *runbook.Document, o Options) (op *runbook.Operation, lost, kept []string, err error) {
	x, err := prepare(d, o)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := x.lockDocument(o.RunID); err != nil {
		return nil, nil, nil, err
	}
	defer func() { err = errors.Join(err, x.close(ctx)) }()
	dir, err := x.reported()
	if err != nil {
		return nil, nil, nil, err
	}
	log, err := journal.Replay(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	if x.h, err = replay(log); err != nil {
		return nil, nil, nil, err
	}
	if !x.h.begun {
		return nil, nil, nil, fmt.Errorf("%w: the journal in %s has no record", ErrNothing, dir)
	}
	x.p = x.h.plan
	if err := x.rejoin(dir); err != nil {
		return nil, nil, nil, err
	}
	if !x.h.ended {
		if filepath.Base(filepath.Dir(dir)) != x.folder() {
			return nil, nil, nil, fmt.Errorf("%w: operation %s on %s did not end; deal with it there first", ErrRefused, x.h.op.Run, x.h.op.Document)
		}
		x.h.op.Status = runbook.Unfinished // its lock was free
	}
	op = x.h.operation()
	gone, err := markdown.UpdateAny(x.d.Path, report.Head(op), x.results(), func(name string, text []byte) error {
		file, err := x.keepEdited(name, text)
		if note := replacedByHand(name, file); err == nil && !slices.Contains(kept, note) {
			kept = append(kept, note)
		}
		return err
	})
	if err != nil {
		return op, nil, nil, &UnwrittenError{Document: x.d.Path, Dir: dir, Err: err}
	}
	for _, e := range gone {
		lost = append(lost, e.Block.Name)
	}
	return op, lost, kept, nil
}

// folder is the name of the folder of the document's operations.
func (x *operation) folder() string {
	dir, err := journal.Folder(x.o.StateDir, x.d.Path)
	if err != nil {
		return ""
	}
	return filepath.Base(dir)
}

// reported is the folder of the operation to report.
func (x *operation) reported() (string, error) {
	if x.o.RunID == "" {
		dir, _, err := Latest(x.o.StateDir, x.d.Path)
		if err == nil && dir == "" {
			err = fmt.Errorf("%w: %s has no operation in %s", ErrNothing, x.d.Path, x.o.StateDir)
		}
		return dir, err
	}
	dirs, err := journal.ListAll(x.o.StateDir)
	if err != nil {
		return "", err
	}
	for _, dir := range dirs {
		if filepath.Base(dir) == x.o.RunID {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%w: there is no operation %s in %s", ErrNothing, x.o.RunID, x.o.StateDir)
}

// results are those of all steps that did something.
func (x *operation) results() []markdown.Edit {
	var edits []markdown.Edit
	for gi := range x.p.Groups {
		for si := range x.p.Groups[gi].Steps {
			if e, ok := x.result(&x.p.Groups[gi].Steps[si]); ok {
				edits = append(edits, e)
			}
		}
	}
	return edits
}

// result is a step's result as it stands now.
func (x *operation) result(s *runbook.Step) (markdown.Edit, bool) {
	x.mu.Lock()
	outcomes := x.h.of(s)
	run := x.h.op.Run
	x.mu.Unlock()
	if len(outcomes) == 0 {
		return markdown.Edit{}, false
	}
	e := markdown.Edit{Block: s.Block, Markdown: report.Result(outcomes), Run: run, Status: Worst(outcomes)}
	if s.Kind == runbook.Manual {
		e.Tick = outcomes[0].Answer
	}
	return e, true
}

// Latest finds a document's latest operation that has a record, and reads its
// journal. One that died before its first record did nothing, and is passed
// over. dir is "" if there is none.
func Latest(stateDir, document string) (dir string, log *journal.Log, err error) {
	dirs, err := journal.List(stateDir, document)
	if err != nil {
		return "", nil, err
	}
	for _, dir := range dirs {
		log, err := journal.Replay(dir)
		if err != nil {
			return dir, nil, err
		}
		if len(log.Records) > 0 {
			return dir, log, nil
		}
	}
	return "", nil, nil
}
