package kept

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"stet/executors"
)

// Attach implements executors.Keeper.
func (s *Store) Attach(ctx context.Context, id string, got executors.Received, out executors.Output) (*executors.Fate, error) {
	op := "asking what became of " + id
	e := s.entry(id)
	var b began
	switch err := e.read("began", &b); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &executors.Error{Code: "not-found", Op: op, Message: "the target knows of no such command: it was not begun there, or the target was started anew since"}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	r := &reader{e: e, got: got, out: out}
	tick := time.NewTicker(look)
	defer tick.Stop()
	ended := ctx.Done()
	var limit <-chan time.Time
	for {
		alive := b.Boot == bootID() && e.alive() // before the question for the exit
		var x exit
		xerr := e.read("exit", &x)
		if err := r.read(); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		switch {
		case xerr == nil:
			return x.fate(ctx, r.missed)
		case !errors.Is(xerr, fs.ErrNotExist):
			return nil, fmt.Errorf("%s: %w", op, xerr)
		case !alive:
			return nil, &executors.Error{Code: "lost", Op: op, Message: "the agent that ran it was killed, and nobody saw how it ended"}
		}
		select {
		case <-tick.C:
		case <-ended:
			ended = nil
			if errors.Is(context.Cause(ctx), executors.ErrLost) {
				return nil, executors.ErrLost
			}
			if err := e.write("end", true); err != nil {
				return nil, fmt.Errorf("%s: %w", op, err)
			}
			limit = time.After(endWithin)
		case <-limit:
			return nil, &executors.Error{Code: "timeout", Op: op, Err: ctx.Err(), Message: "it was asked to end, and does not"}
		}
	}
}

// fate is what Run would have returned.
func (x *exit) fate(ctx context.Context, missed int64) (*executors.Fate, error) {
	f := &executors.Fate{Missed: missed, Ago: max(0, time.Since(x.At))}
	if x.Status != nil {
		f.Status = *x.Status
	}
	if x.Error == nil {
		return f, nil
	}
	err := *x.Error
	switch {
	case x.Late:
		err.Err = context.DeadlineExceeded
	case x.Ended && ctx.Err() != nil:
		err.Err = ctx.Err()
	case x.Ended:
		err.Err = context.Canceled
	}
	return f, &err
}
