package ssh

import (
	"context"
	"errors"
	"sync"

	"stet/executors"
	"stet/executors/wire"
)

// reached is a host with its agent; without one where it cannot run.
type reached struct {
	name   string
	ready  chan struct{} // closed when it is reached, or could not be
	conn   *Conn
	stream *Stream
	client *wire.Client
	// without is why the host runs no agent.
	without error
	err     error

	mu      sync.Mutex
	users   int  // sessions
	retired bool // to be closed with the last session
	once    sync.Once
	closing error         // what closing it said
	ended   chan struct{} // closed when it has been closed
}

func (h *reached) connect(ctx context.Context, o *Opener, a Address, become string, fresh bool) {
	if h.conn, h.err = o.dialer.connect(ctx, a, fresh); h.err != nil {
		return
	}
	program := o.agent
	program.Become = become
	stream, err := h.conn.Agent(ctx, program)
	if err == nil {
		h.stream = stream
		h.client, err = wire.NewClient(ctx, stream, o.wire)
	}
	switch {
	case err == nil:
		h.link(ctx, o.beside[shareKey(a, become)], fresh)
	case errors.Is(err, ErrNoAgent) && become == "":
		h.without = err
	default:
		h.err = fail(ctx, a.Host, err)
		h.conn.Close()
	}
}

// link opens the targets of a host that may be linked with each other. One that
// cannot be opened matters when something needs it, and then the error names it.
func (h *reached) link(ctx context.Context, targets []executors.Target, fresh bool) {
	for _, t := range targets {
		if !fresh || !passing(t) {
			_, _ = h.client.Open(ctx, there(t)) // ends with the connection
		}
	}
}

// there is a target as its host knows it.
func there(t executors.Target) executors.Target {
	if t.At == "" {
		t.Address = "local"
	}
	t.At, t.Become, t.Password, t.BecomePassword = "", "", "", ""
	return t
}

// left is a host whose connection has ended, and is forgotten.
func left(name string) *reached {
	ended := make(chan struct{})
	close(ended)
	return &reached{name: name, ready: ended, ended: ended, err: errClosed}
}

// dead tells whether a host must be reached anew.
func (h *reached) dead() bool {
	select {
	case <-h.ready:
	default:
		return false
	}
	if h.err != nil || over(h.conn.Done()) {
		return true
	}
	return h.stream != nil && over(h.stream.Done())
}

func over(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// open opens a session to a target on the host; shut ends it.
func (h *reached) open(ctx context.Context, t executors.Target) (executors.Session, error) {
	if h.client == nil {
		return nil, fail(ctx, h.name, h.without)
	}
	h.mu.Lock()
	h.users++
	h.mu.Unlock()
	s, err := h.client.Open(ctx, there(t))
	if err != nil {
		h.leave()
		return nil, err
	}
	return s, nil
}

func (h *reached) shut(s executors.Session) error {
	err := s.Close()
	h.leave()
	return err
}

// part ends a session that its user is done with: together with the connection, if
// it is the only one on it, else it gives the lock back.
func (h *reached) part(ctx context.Context, s executors.Session) error {
	h.mu.Lock()
	h.users--
	last := h.users == 0
	h.mu.Unlock()
	if last {
		return h.close(ctx)
	}
	return s.Unlock(ctx)
}

// leave takes one session off.
func (h *reached) leave() {
	h.mu.Lock()
	h.users--
	last := h.users == 0 && h.retired
	h.mu.Unlock()
	if last {
		_ = h.close(context.Background()) // whoever used it has what there was to learn
	}
}

// retire closes the connection as soon as no session is on it.
func (h *reached) retire() {
	h.mu.Lock()
	h.retired = true
	last := h.users == 0
	h.mu.Unlock()
	if last {
		_ = h.close(context.Background())
	}
}

// abandon closes a connection that nobody waited for.
func (h *reached) abandon() {
	<-h.ready
	_ = h.close(context.Background())
}

// close ends the agent, waiting for it no longer than ctx lasts, and the
// connection. An agent that does not answer any more is no error: it ends with its
// connection. Who closes it again learns what the first one did.
func (h *reached) close(ctx context.Context) error {
	h.once.Do(func() {
		var err error
		defer close(h.ended)
		if h.err != nil {
			return
		}
		gone := h.dead()
		if h.client != nil {
			err = h.client.End(ctx)
		}
		if gone || h.dead() {
			err = nil
		}
		h.closing = errors.Join(err, h.conn.Close())
	})
	return h.closing
}
