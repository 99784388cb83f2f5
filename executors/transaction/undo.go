package transaction

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stet/executors"
	"stet/executors/netstate"
)

// Undo returns the objects of c to what they were before it, from whatever they
// are now: it reads, computes what differs, edits, and reads again, until
// nothing differs. A change that was made by halves is undone as well as a
// whole one, and undoing twice is undoing once.
//
// An edit that is refused does not keep the others from being done. Undone is
// true when everything is as before; else UndoError says why not, Failed what
// the kernel refused last, and Remains what differs.
func Undo(ctx context.Context, m Machine, c *netstate.Change) (*executors.Result, error) {
	if c.Empty() {
		return &executors.Result{Undone: true}, nil
	}
	if err := c.Check(); err != nil {
		return &executors.Result{UndoError: err.Error()}, fmt.Errorf("reading the change: %w", err)
	}
	back := converge(ctx, m, c)
	r := &executors.Result{Done: back.done, Undone: back.err == nil, UndoError: back.text(), Remains: back.remains}
	if back.err != nil {
		r.Failed = back.refused
	}
	if back.unknown {
		return r, back.err
	}
	return r, nil
}

// convergence is how far converging got.
type convergence struct {
	done    int
	refused *executors.EditError
	// on are the interfaces that what was refused was to be on.
	on      []string
	remains []netstate.Mismatch
	err     error
	// unknown tells that the state could not be read to the end.
	unknown bool
}

func (b *convergence) text() string {
	if b.err == nil {
		return ""
	}
	return b.err.Error()
}

// converge edits until the objects of c are what they were before it.
func converge(ctx context.Context, m Machine, c *netstate.Change) (b convergence) {
	q := c.Query()
	for range undoRounds {
		now, err := m.Observe(ctx, q)
		if err != nil {
			return b.lost(fmt.Errorf("looking what is to be undone: %w", err))
		}
		back := netstate.Undo(c, now)
		if back.Empty() {
			break
		}
		if err := b.edit(ctx, m, back.Edits); err != nil {
			return b.lost(err)
		}
	}
	_, remains, err := settled(ctx, m, q, func(s *netstate.State) []netstate.Mismatch { return netstate.VerifyUndone(c, s) })
	if err != nil {
		b.remains = remains
		return b.lost(fmt.Errorf("looking what has been undone: %w", err))
	}
	if len(remains) == 0 {
		return b
	}
	b.remains = remains
	b.err = fmt.Errorf("not everything is as before: %s", list(remains))
	gone, err := gone(ctx, m, c)
	if err != nil {
		b.err = fmt.Errorf("%w; looking which interfaces are there: %w", b.err, err)
	}
	if b.refused != nil && !slices.ContainsFunc(b.on, func(name string) bool { return slices.Contains(gone, name) }) {
		b.err = fmt.Errorf("%w; %w", b.err, b.refused)
	}
	if len(gone) > 0 {
		b.err = fmt.Errorf("%w; there is no interface %s any more, and what was on it cannot be brought back", b.err, strings.Join(gone, ", no interface "))
	}
	return b
}

// gone are the interfaces that are not there any more though something was on them
// that is to come back.
func gone(ctx context.Context, m Machine, c *netstate.Change) ([]string, error) {
	names := c.Carriers()
	if len(names) == 0 {
		return nil, nil
	}
	now, err := m.Observe(ctx, netstate.Query{Links: true})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool { return now.Interface(name) != nil }), nil
}

func (b *convergence) lost(err error) convergence {
	b.err, b.unknown = err, true
	return *b
}

// edit carries out all edits that the machine takes, passing over the refused.
// The error is one that ends converging.
func (b *convergence) edit(ctx context.Context, m Machine, edits []netstate.Edit) error {
	for len(edits) > 0 {
		done, err := m.Edit(ctx, edits)
		b.done += done
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("undoing: %w", err)
		}
		var refused *executors.EditError
		if !errors.As(err, &refused) {
			// What has become of the edits is not known: look again.
			return nil
		}
		refusedEdit := edits[min(done, len(edits)-1)]
		b.refused, b.on = refused, refusedEdit.After.Carriers()
		edits = edits[min(done+1, len(edits)):]
		if refusedEdit.Objects() > 1 {
			// The other routes of the set are to be tried, too.
			edits = append(refusedEdit.Rest(refused.Member+1), edits...)
		}
	}
	return nil
}
