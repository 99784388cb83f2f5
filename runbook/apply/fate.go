package apply

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"stet/executors"
)

// errAstray marks a command that nobody saw end, and that could not be ended.
var errAstray = errors.New("it may still run")

// nonce tells a command from one of the same place and number: that of a stet
// which died.
func nonce() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// heard is what came through of a command's output, and counts it.
type heard struct{ out, err counted }

type counted struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (c *capture) heard() *heard { return &heard{out: counted{w: c.out}, err: counted{w: c.err}} }

func (h *heard) output() executors.Output {
	return executors.Output{Stdout: &h.out, Stderr: &h.err}
}

func (h *heard) received() executors.Received {
	return executors.Received{Stdout: h.out.n, Stderr: h.err.n}
}

// keeps is a session on a host that keeps commands whose connection is lost; nil
// if it does not.
func keeps(sess executors.Session) (executors.Remote, executors.Keeper) {
	r, ok := sess.(executors.Remote)
	if k, keeps := sess.(executors.Keeper); ok && keeps {
		return r, k
	}
	return nil, nil
}

// toItsEnd runs a command and sees its end.
func (x *operation) toItsEnd(ctx context.Context, sess executors.Session, cmd executors.Command, p place, c *capture) (*executors.ExitStatus, error) {
	_, k := keeps(sess)
	cmd.Kept = k != nil
	h := c.heard()
	st, err := sess.Run(ctx, cmd, h.output())
	return x.follow(ctx, sess, p, cmd.ID, h, st, err)
}

// follow sees the end of a command. When the connection is lost under it, which
// err says, it is not run again: over a new one the target is asked what became of
// it, and what of its output did not arrive.
func (x *operation) follow(ctx context.Context, sess executors.Session, p place, id string, h *heard, st *executors.ExitStatus, err error) (*executors.ExitStatus, error) {
	r, k := keeps(sess)
	for k != nil && err != nil && code(err) == "unreachable" && ctx.Err() == nil {
		x.tell("The connection to %s was lost under %s (%v); over a new one it is asked what became of the command.", p.target, p.step, err)
		switch back := x.comeBackFor(ctx, r, p); {
		case back != nil && ctx.Err() != nil: // its agent ends it by the same time
			return nil, fmt.Errorf("%w: %w, and %s did not answer again in the time that the step has", errAstray, err, p.target)
		case back != nil:
			return nil, fmt.Errorf("%w: %w (%w)", errAstray, err, back)
		}
		var fate *executors.Fate
		fate, err = k.Attach(ctx, id, h.received(), h.output())
		if fate != nil {
			st = &fate.Status
			x.tellFate(p, fate, err)
		}
	}
	if code(err) == "lost" {
		err = x.stray(ctx, p, err)
	}
	return st, err
}

// comeBackFor connects anew for a command that may still run: until its guard
// goes back, or its own time is up.
func (x *operation) comeBackFor(ctx context.Context, r executors.Remote, p place) error {
	if deadline, guarded := x.reverts(p); guarded {
		return x.comeBackBy(ctx, r, p, deadline, true)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = x.now().Add(unguarded)
	}
	return x.comeBackBy(ctx, r, p, deadline, false)
}

func (x *operation) tellFate(p place, f *executors.Fate, err error) {
	if err == nil {
		x.tell("%s on %s had not ended with the connection: its exit code is %d.", p.step, p.target, f.Status.Code)
	}
	if f.Missed > 0 {
		x.tell("%d bytes of the output of %s on %s were lost with the connection.", f.Missed, p.step, p.target)
	}
}

// stray ends a command whose end nobody could see any more.
func (x *operation) stray(ctx context.Context, p place, err error) error {
	if end := x.endAt(context.WithoutCancel(ctx), p); end != nil {
		return fmt.Errorf("%w: %w (%w)", errAstray, err, end)
	}
	return err
}
