package ssh

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// Run runs a command line in the user's login shell on the host and returns
// when it has ended. Cancelling ctx ends the command's process group there:
// TERM, and KILL two seconds later. A connection that dies is an
// *executors.Error; a non-zero exit is none.
func (c *Conn) Run(ctx context.Context, line string, stdin io.Reader, out executors.Output) (*executors.ExitStatus, error) {
	session, err := c.session(ctx)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	session.Stdin, session.Stdout, session.Stderr = stdin, discard(out.Stdout), discard(out.Stderr)
	if err := session.Start(line); err != nil {
		return nil, c.lost(ctx, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	select {
	case err = <-ended:
	case <-c.done:
		return nil, c.lost(ctx, c.Err())
	case <-ctx.Done():
		return nil, c.interrupt(ctx, session, ended)
	}
	return c.status(ctx, err)
}

// interrupt ends the command on the host.
func (c *Conn) interrupt(ctx context.Context, session *cryptossh.Session, ended <-chan error) error {
	_ = session.Signal(cryptossh.SIGTERM)
	select {
	case <-ended:
	case <-c.done:
	case <-time.After(2 * time.Second):
		_ = session.Signal(cryptossh.SIGKILL)
		select {
		case <-ended:
		case <-c.done:
		case <-time.After(time.Second):
		}
	}
	return context.Cause(ctx)
}

// session opens a channel for one command.
func (c *Conn) session(ctx context.Context) (*cryptossh.Session, error) {
	var session *cryptossh.Session
	err := c.opening(ctx, func() (close func() error, err error) {
		if session, err = c.client.NewSession(); err != nil {
			return nil, err
		}
		return session.Close, nil
	})
	if err != nil {
		return nil, err
	}
	return session, nil
}

// opening opens something on the connection. It does not wait for a connection
// that has died: what is opened then all the same is closed.
func (c *Conn) opening(ctx context.Context, open func() (close func() error, err error)) error {
	type result struct {
		close func() error
		err   error
	}
	opened := make(chan result, 1)
	go func() {
		closer, err := open()
		opened <- result{closer, err}
	}()
	gone := func() {
		if r := <-opened; r.err == nil {
			_ = r.close()
		}
	}
	select {
	case r := <-opened:
		if r.err != nil {
			return c.lost(ctx, r.err)
		}
		return nil
	case <-c.done:
		go gone()
		return c.lost(ctx, c.Err())
	case <-ctx.Done():
		go gone()
		return context.Cause(ctx)
	}
}

// status reads how a command ended.
func (c *Conn) status(ctx context.Context, err error) (*executors.ExitStatus, error) {
	var exit *cryptossh.ExitError
	switch {
	case err == nil:
		return &executors.ExitStatus{}, nil
	case errors.As(err, &exit):
		s := &executors.ExitStatus{Code: exit.ExitStatus()}
		if name := exit.Signal(); name != "" {
			s.Signal = "SIG" + name
			s.Code = 128 + signalNumber(name)
		}
		return s, nil
	}
	return nil, c.lost(ctx, err)
}

// lost makes an error of a connection that failed under a command.
func (c *Conn) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var refused *cryptossh.OpenChannelError
	if !errors.As(err, &refused) {
		c.ending(ctx)
	}
	if why := c.Err(); why != nil {
		err = why
	}
	var typed *executors.Error
	if errors.As(err, &typed) {
		return typed
	}
	if errors.As(err, &refused) {
		return &executors.Error{Code: "unreachable", Op: "opening a session on " + c.Settings.Host, Message: firstLine(refused.Message), Err: err,
			Remedy: "the server allows no more sessions on this connection (MaxSessions), or none for this user"}
	}
	if err == nil || errors.Is(err, errClosedHere) {
		err = errors.New("the connection has been closed")
	}
	return fail(ctx, c.Settings.Host, err)
}

// ending waits for the word on why a connection ended, which comes just after what
// was under way on it has failed.
func (c *Conn) ending(ctx context.Context) {
	select {
	case <-c.done:
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// signalNumber is the number that shells add to 128, as Linux counts.
func signalNumber(name string) int {
	numbers := map[string]int{
		"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15,
	}
	return numbers[strings.TrimPrefix(name, "SIG")]
}

func discard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
