package ssh

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"stet/executors"
	"stet/executors/wire"
)

// Opener opens sessions to ssh:// targets. All sessions of one host share one
// connection and one agent; where the connection has died, sessions go over to
// a new one by themselves. It implements executors.Opener.
type Opener struct {
	dialer *Dialer
	agent  Agent
	wire   wire.Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	// beside are the targets that a namespace of a host may be linked with, by
	// the host's key.
	beside map[string][]executors.Target

	mu    sync.Mutex
	hosts map[string]*reached
	left  map[*reached]bool // for a fresh connection; sessions may still be on it
}

// NewOpener returns an Opener over d, which stays the caller's to close. The
// agent's Marker is filled in where it is empty, and its Become taken from each
// target.
func NewOpener(d *Dialer, a Agent, o wire.Options) *Opener {
	if a.Marker == "" {
		a.Marker = wire.Magic
	}
	a.lines = &startLines{}
	opener := &Opener{dialer: d, agent: a, wire: o, hosts: map[string]*reached{}, left: map[*reached]bool{}}
	opener.ctx, opener.cancel = context.WithCancel(d.ctx)
	return opener
}

// Link tells which targets there are: the far end of a veth may be in one that
// nobody opens. It comes before the first Open.
func (o *Opener) Link(targets []executors.Target) {
	o.beside = map[string][]executors.Target{}
	linked := map[string]bool{}
	for _, t := range targets {
		a, err := executors.ParseAddress(hostOf(t))
		if t.Machine() == "" || err != nil {
			continue // Open says what is wrong
		}
		k := shareKey(a, t.Become)
		o.beside[k] = append(o.beside[k], t)
		linked[k] = linked[k] || t.At != ""
	}
	for k := range o.beside {
		if !linked[k] {
			delete(o.beside, k)
		}
	}
}

// hostOf is what follows "ssh://" in the address of the host that a target is
// on.
func hostOf(t executors.Target) string { return executors.Target{Address: t.Machine()}.Host() }

// shareKey names a connection: one host with one user's rights.
func shareKey(a Address, become string) string { return a.String() + "\x00" + become }

// Open implements executors.Opener; its sessions are executors.Remote. A host
// that does not run the agent still gives a session: Run and Info work,
// everything else is an *executors.Error of code "unsupported" that says why.
func (o *Opener) Open(ctx context.Context, t executors.Target) (executors.Session, error) {
	if t.Machine() == "" {
		return nil, &executors.Error{Code: "unsupported", Op: "opening " + t.Address, Message: "this is no ssh:// address"}
	}
	a, err := executors.ParseAddress(hostOf(t))
	if err != nil {
		return nil, err
	}
	h, err := o.reach(ctx, a, t.Become, false)
	if err != nil {
		return nil, err
	}
	if h.client == nil && t.At != "" {
		return nil, fail(ctx, a.Host, h.without)
	}
	if h.client == nil {
		return &plainSession{target: t, conn: h.conn, why: h.without}, nil
	}
	if passing(t) {
		return tie(ctx, t, h)
	}
	return o.session(ctx, t, a, h)
}

// reach connects to a host and starts its agent, once for all targets on it.
// A fresh connection takes the place of the one that there is, when it stands.
func (o *Opener) reach(ctx context.Context, a Address, become string, fresh bool) (*reached, error) {
	key := shareKey(a, become)
	o.mu.Lock()
	if o.hosts == nil {
		o.mu.Unlock()
		return nil, errClosed
	}
	h := o.hosts[key]
	if fresh || h == nil || h.dead() {
		h = &reached{name: a.Host, ready: make(chan struct{}), ended: make(chan struct{})}
		if !fresh {
			o.replace(key, h)
		}
		go func() {
			defer close(h.ready)
			// The connection is for all who wait, so it is not the first one's
			// to cancel; the Opener's end ends it.
			h.connect(o.ctx, o, a, become, fresh)
		}()
	}
	o.mu.Unlock()
	select {
	case <-h.ready:
	case <-ctx.Done():
		if fresh {
			go h.abandon()
		}
		return nil, fail(ctx, a.Host, context.Cause(ctx))
	}
	if !fresh || h.err != nil {
		return h, h.err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.hosts == nil {
		go h.abandon()
		return nil, errClosed
	}
	o.replace(key, h)
	return h, nil
}

// replace makes h the connection of a host; o.mu is held. The one before is
// closed when no session is on it any more.
func (o *Opener) replace(key string, h *reached) {
	if old := o.hosts[key]; old != nil {
		o.left[old] = true
		go func() {
			<-old.ready
			old.retire()
			<-old.ended
			o.mu.Lock()
			defer o.mu.Unlock()
			delete(o.left, old)
		}()
	}
	o.hosts[key] = h
}

// forget forgets a connection that has been closed.
func (o *Opener) forget(a Address, become string, h *reached) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if key := shareKey(a, become); o.hosts[key] == h {
		delete(o.hosts, key)
	}
}

// maxEndings is how many connections end at once, for the memory that each end
// takes, as long as no more than slowEnding has gone by.
const (
	maxEndings = 256
	slowEnding = 500 * time.Millisecond
)

// Close ends the agents and the connections.
func (o *Opener) Close() error {
	o.mu.Lock()
	var all []*reached
	for _, h := range o.hosts {
		all = append(all, h)
	}
	for h := range o.left {
		all = append(all, h)
	}
	o.hosts = nil
	o.mu.Unlock()
	o.cancel()
	var wait sync.WaitGroup
	errs := make([]error, len(all))
	turns, hurry := make(chan struct{}, maxEndings), time.After(slowEnding)
	for i, h := range all {
		select {
		case turns <- struct{}{}:
		case <-hurry: // hosts that do not answer hold up nobody
			turns = make(chan struct{}, len(all))
			turns <- struct{}{}
		}
		turn := turns
		wait.Go(func() {
			defer func() { <-turn }()
			<-h.ready
			if err := h.close(context.Background()); err != nil {
				errs[i] = fmt.Errorf("closing the agent on %s: %w", h.name, err)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
