package transaction

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stet/executors"
	"stet/executors/netstate"
)

// Apply carries out c. Before the first edit it looks whether the objects of c
// still are what they were when c was made; if not, nothing is touched and the
// error is an *executors.Error of code "changed".
//
// When an edit fails, or ctx ends, the objects of c are returned to what they
// were at once, by converging on the record that c is; Result tells whether
// that succeeded (Undone, UndoError, Remains), and the error is the refusal (an
// *executors.EditError, also in Result.Failed) or the context's. Undoing does
// not end with ctx: it has its own deadline.
//
// When all edits are done, the state is read and compared with what was asked.
// What the kernel does a little later gets a bounded time to settle. What still
// differs is in Result.Mismatches: that is a failure (Result.OK is false)
// without an error, and undoing it is left to the caller, who may have more to
// undo with it.
func Apply(ctx context.Context, m Machine, c *netstate.Change) (*executors.Result, error) {
	r := &executors.Result{}
	if c.Empty() {
		return r, nil
	}
	if err := c.Check(); err != nil {
		return r, fmt.Errorf("reading the change: %w", err)
	}
	q := c.Query()
	now, err := m.Observe(ctx, q)
	if err != nil {
		return r, fmt.Errorf("looking before the change: %w", err)
	}
	if differs := netstate.VerifyUndone(c, now); len(differs) > 0 {
		return r, changed(differs)
	}
	r.Done, err = m.Edit(ctx, c.Edits)
	if err != nil {
		r.Failed = editError(c, r.Done, err)
		takeBack(ctx, m, c, r)
		return r, err
	}
	now, r.Mismatches, err = settled(ctx, m, q, func(s *netstate.State) []netstate.Mismatch { return netstate.Verify(c, s) })
	switch {
	case err != nil && ctx.Err() != nil:
		takeBack(ctx, m, c, r)
		return r, fmt.Errorf("looking after the change: %w", err)
	case err != nil:
		return r, fmt.Errorf("looking after the change, which has been made: %w", err)
	}
	r.Actual = actual(c, now)
	return r, nil
}

// editError describes the edit that failed, whatever the failure.
func editError(c *netstate.Change, index int, err error) *executors.EditError {
	var refused *executors.EditError
	if errors.As(err, &refused) {
		return refused
	}
	e := &executors.EditError{Index: index, Message: err.Error()}
	if index < len(c.Edits) {
		e.Edit = c.Edits[index].String()
	}
	return e
}

// takeBack undoes a change that failed midway.
func takeBack(ctx context.Context, m Machine, c *netstate.Change, r *executors.Result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	back := converge(ctx, m, c)
	r.Undone, r.UndoError, r.Remains = back.err == nil, back.text(), back.remains
}

// actual is the change with the hardware addresses that the kernel chose for
// the interfaces that were made; nil if it chose none.
func actual(c *netstate.Change, now *netstate.State) *netstate.Change {
	var filled *netstate.Change
	at := make(map[[2]string]int, len(now.Interfaces))
	for i := range now.Interfaces {
		at[[2]string{now.Interfaces[i].Netns, now.Interfaces[i].Name}] = i
	}
	for i := range c.Edits {
		want := c.Edits[i].After.Link
		if want == nil || c.Edits[i].Op != netstate.Add || want.Attrs["mac-address"] != "" {
			continue
		}
		n, made := at[[2]string{want.Netns, want.Name}]
		if !made || now.Interfaces[n].Attrs["mac-address"] == "" {
			continue
		}
		if filled == nil {
			filled = &netstate.Change{Edits: slices.Clone(c.Edits)}
		}
		link := *want
		link.Attrs = netstate.Attrs{}
		for k, v := range want.Attrs {
			link.Attrs[k] = v
		}
		link.Attrs["mac-address"] = now.Interfaces[n].Attrs["mac-address"]
		filled.Edits[i].After.Link = &link
	}
	return filled
}
