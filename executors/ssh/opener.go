package ssh

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"stet/executors"
	"stet/executors/wire"
)

// Opener opens sessions to ssh:// targets. All sessions of one host share one
// connection and one agent; a connection that has died is made anew by the next
// Open. It implements executors.Opener.
type Opener struct {
	dialer *Dialer
	agent  Agent
	wire   wire.Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu    sync.Mutex
	hosts map[string]*reached
}

// reached is a host with its agent; without one where it cannot run.
type reached struct {
	ready  chan struct{}
	conn   *Conn
	client *wire.Client
	// without is why the host runs no agent.
	without error
	err     error
}

// NewOpener returns an Opener over d, which stays the caller's to close. The
// agent's Marker is filled in where it is empty, and its Become taken from each
// target.
func NewOpener(d *Dialer, a Agent, o wire.Options) *Opener {
	if a.Marker == "" {
		a.Marker = wire.Magic
	}
	opener := &Opener{dialer: d, agent: a, wire: o, hosts: map[string]*reached{}}
	opener.ctx, opener.cancel = context.WithCancel(d.ctx)
	return opener
}

// Open implements executors.Opener. A host that does not run the agent still
// gives a session: Run and Info work, everything else is an *executors.Error
// of code "unsupported" that says why.
func (o *Opener) Open(ctx context.Context, t executors.Target) (executors.Session, error) {
	if t.Scheme() != "ssh" {
		return nil, &executors.Error{Code: "unsupported", Op: "opening " + t.Address, Message: "this is no ssh:// address"}
	}
	a, err := ParseAddress(t.Host())
	if err != nil {
		return nil, err
	}
	h, err := o.reach(ctx, a, t.Become)
	if err != nil {
		return nil, err
	}
	if h.client == nil {
		return &plainSession{target: t, conn: h.conn, why: h.without}, nil
	}
	inner := t
	inner.Address, inner.Become = "local", ""
	s, err := h.client.Open(ctx, inner)
	if err != nil {
		return nil, err
	}
	return &session{Session: s, target: t, hostKey: h.conn.HostKey}, nil
}

// reach connects to a host and starts its agent, once for all targets on it.
func (o *Opener) reach(ctx context.Context, a Address, become string) (*reached, error) {
	key := a.String() + "\x00" + become
	o.mu.Lock()
	if o.hosts == nil {
		o.mu.Unlock()
		return nil, errClosed
	}
	h := o.hosts[key]
	if h == nil || h.dead() {
		h = &reached{ready: make(chan struct{})}
		o.hosts[key] = h
		go func() {
			defer close(h.ready)
			// The connection is for all who wait, so it is not the first one's
			// to cancel; the Opener's end ends it.
			h.connect(o.ctx, o, a, become)
		}()
	}
	o.mu.Unlock()
	select {
	case <-h.ready:
		return h, h.err
	case <-ctx.Done():
		return nil, fail(ctx, a.Host, context.Cause(ctx))
	}
}

func (h *reached) connect(ctx context.Context, o *Opener, a Address, become string) {
	if h.conn, h.err = o.dialer.Dial(ctx, a); h.err != nil {
		return
	}
	program := o.agent
	program.Become = become
	stream, err := h.conn.Agent(ctx, program)
	if err == nil {
		h.client, err = wire.NewClient(ctx, stream, o.wire)
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrNoAgent) && become == "":
		h.without = err
	default:
		h.err = fail(ctx, a.Host, err)
		h.conn.Close()
	}
}

// dead tells whether a host must be reached anew.
func (h *reached) dead() bool {
	select {
	case <-h.ready:
	default:
		return false
	}
	if h.err != nil {
		return true
	}
	select {
	case <-h.conn.Done():
		return true
	default:
		return false
	}
}

// Close ends the agents and the connections.
func (o *Opener) Close() error {
	o.mu.Lock()
	hosts := o.hosts
	o.hosts = nil
	o.mu.Unlock()
	o.cancel()
	var wait sync.WaitGroup
	errs := make([]error, len(hosts))
	i := 0
	for _, h := range hosts {
		at := &errs[i]
		i++
		wait.Go(func() {
			<-h.ready
			if h.err != nil {
				return
			}
			if h.client != nil {
				if err := h.client.Close(); err != nil {
					*at = fmt.Errorf("closing the agent on %s: %w", h.conn.Settings.Host, err)
				}
			}
			*at = errors.Join(*at, h.conn.Close())
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// session is the agent's, under the name of the target.
type session struct {
	executors.Session
	target  executors.Target
	hostKey string
}

// Target implements executors.Observer.
func (s *session) Target() executors.Target { return s.target }

// Info implements executors.Observer.
func (s *session) Info(ctx context.Context) (*executors.Info, error) {
	info, err := s.Session.Info(ctx)
	if info != nil {
		info.HostKey = s.hostKey
	}
	return info, err
}
