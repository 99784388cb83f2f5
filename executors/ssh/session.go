package ssh

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// session is the agent's session on a host, under the name of the target. It
// outlives its connection: what only looks, or may be done twice, goes over to
// a new one when the old one has died; what may not is an error.
type session struct {
	opener  *Opener
	target  executors.Target
	address Address

	turn chan struct{} // held while the session is led over

	mu     sync.Mutex
	host   *reached
	inner  executors.Session
	lock   *executors.Lock
	way    *executors.Way
	parted *reached // that was left, and whose user this is no more
	closed bool
}

func (o *Opener) session(ctx context.Context, t executors.Target, a Address, h *reached) (*session, error) {
	inner, err := h.open(ctx, t)
	if err != nil {
		return nil, err
	}
	return &session{opener: o, target: t, address: a, turn: make(chan struct{}, 1), host: h, inner: inner}, nil
}

// Target implements executors.Observer.
func (s *session) Target() executors.Target { return s.target }

// Location implements executors.Located.
func (s *session) Location() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return location(s.inner)
}

func location(s executors.Session) string {
	if l, ok := s.(executors.Located); ok {
		return l.Location()
	}
	return ""
}

// current is the session on a connection that lives, as far as is known.
func (s *session) current(ctx context.Context) (executors.Session, *reached, error) {
	for {
		s.mu.Lock()
		inner, host, closed := s.inner, s.host, s.closed
		s.mu.Unlock()
		if closed {
			return nil, nil, &executors.Error{Code: "unreachable", Op: "using " + s.target.Name, Message: "the session is closed"}
		}
		if !host.dead() {
			return inner, host, nil
		}
		if err := s.goOver(ctx, host, false); err != nil {
			return nil, nil, err
		}
	}
}

// goOver leaves the connection old for another one: that which other sessions
// on the host have made meanwhile, or a fresh one.
func (s *session) goOver(ctx context.Context, old *reached, fresh bool) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.mu.Lock()
	now, inner, lock := s.host, s.inner, s.lock
	s.mu.Unlock()
	if now != old && !fresh {
		return nil // somebody else did it
	}
	h, err := s.opener.reach(ctx, s.address, s.target.Become, fresh)
	if err != nil {
		return err
	}
	next, err := h.open(ctx, s.target)
	if err != nil {
		return err
	}
	if fresh {
		if err := large(ctx, next, h); err != nil {
			go func() { _ = h.shut(next) }() // it may take its time; the connection is as good as gone
			return err
		}
	}
	if lock != nil {
		giveBack(now, inner)
		if err := next.Lock(ctx, *lock); err != nil {
			return errors.Join(err, h.shut(next))
		}
	}
	s.mu.Lock()
	s.host, s.inner, s.way = h, next, nil
	s.mu.Unlock()
	// Whatever closing says about a connection that is being left helps nobody.
	go func() { _ = s.shut(now, inner) }()
	return nil
}

// largeBytes is sent both ways to prove a way in: several packets of the largest
// size that is common (jumbo frames).
const largeBytes = 32 << 10

// large proves that large packets get through, too. A login has small ones only:
// it works where an MTU that is too large makes every longer answer vanish.
func large(ctx context.Context, s executors.Session, h *reached) error {
	e, ok := s.(interface {
		Echo(ctx context.Context, n int) error
	})
	if !ok {
		return nil
	}
	defer h.conn.closely()()
	err := e.Echo(ctx, largeBytes)
	if err == nil || ctx.Err() == nil && !h.dead() {
		return err
	}
	return &executors.Error{Code: "unreachable", Op: "proving the way in to " + h.name, Err: err,
		Message: "a login works, but larger packets do not get through, as where a link on the way has a smaller MTU"}
}

// giveBack gives the lock back on a connection that may not answer any more.
// Then the new agent takes it over from the old one, as the same operation's.
func giveBack(h *reached, inner executors.Session) {
	if h.dead() {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = inner.Unlock(context.Background()) // ends with the connection
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}

// again does what may be done twice; once more when the connection died of it
// or under it.
func (s *session) again(ctx context.Context, do func(executors.Session, *Conn) error) error {
	inner, host, err := s.current(ctx)
	if err != nil {
		return err
	}
	err = do(inner, host.conn)
	if err == nil || ctx.Err() != nil || !host.dead() {
		return err
	}
	if inner, host, err = s.current(ctx); err != nil {
		return err
	}
	return do(inner, host.conn)
}

// once does what must not be done twice.
func (s *session) once(ctx context.Context, do func(executors.Session, *Conn) error) error {
	inner, host, err := s.current(ctx)
	if err != nil {
		return err
	}
	return do(inner, host.conn)
}

// Reconnect implements executors.Remote.
func (s *session) Reconnect(ctx context.Context) error {
	s.mu.Lock()
	old := s.host
	s.mu.Unlock()
	return s.goOver(ctx, old, true)
}

// Way implements executors.Reached: what sshd tells every session.
func (s *session) Way(ctx context.Context) (*executors.Way, error) {
	s.mu.Lock()
	way := s.way
	s.mu.Unlock()
	if way != nil {
		return way, nil
	}
	_, host, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	if way, err = host.conn.way(ctx); err != nil {
		return nil, err
	}
	way.Elsewhere = s.target.At != ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.way = way
	return way, nil
}

// way reads SSH_CONNECTION.
func (c *Conn) way(ctx context.Context) (*executors.Way, error) {
	token := token()
	answer, said, err := c.answer(ctx, shellLine(`echo "TOKEN $SSH_CONNECTION";`, "TOKEN", token), token, nil)
	if err != nil {
		return nil, err
	}
	if len(answer) == 4 {
		peer, perr := netip.ParseAddr(answer[0])
		local, lerr := netip.ParseAddr(answer[2])
		if perr == nil && lerr == nil {
			return &executors.Way{Local: local.Unmap(), Peer: peer.Unmap()}, nil
		}
	}
	return nil, &executors.Error{Code: "unsupported", Op: "finding the way in to " + c.Settings.Host,
		Message: "the host does not say by which address it is reached (SSH_CONNECTION): " + firstLine(said.stdout)}
}

// Observe implements executors.Observer.
func (s *session) Observe(ctx context.Context, q netstate.Query) (state *netstate.State, err error) {
	err = s.again(ctx, func(in executors.Session, _ *Conn) (err error) { state, err = in.Observe(ctx, q); return })
	return state, err
}

// Probe implements executors.Observer.
func (s *session) Probe(ctx context.Context, p executors.Probe) (reply *executors.ProbeReply, err error) {
	err = s.again(ctx, func(in executors.Session, _ *Conn) (err error) { reply, err = in.Probe(ctx, p); return })
	return reply, err
}

// Info implements executors.Observer.
func (s *session) Info(ctx context.Context) (info *executors.Info, err error) {
	err = s.again(ctx, func(in executors.Session, _ *Conn) (err error) { info, err = in.Info(ctx); return })
	if info != nil {
		s.mu.Lock()
		info.HostKey = s.host.conn.HostKey
		s.mu.Unlock()
	}
	return info, err
}

// Run implements executors.Session. A command whose connection dies is never run
// again: it ends with the connection, or is kept, and Attach tells its fate.
func (s *session) Run(ctx context.Context, c executors.Command, out executors.Output) (status *executors.ExitStatus, err error) {
	err = s.once(ctx, func(in executors.Session, _ *Conn) (err error) { status, err = in.Run(ctx, c, out); return })
	return status, err
}

// Attach implements executors.Keeper.
func (s *session) Attach(ctx context.Context, id string, got executors.Received, out executors.Output) (fate *executors.Fate, err error) {
	err = s.once(ctx, func(in executors.Session, _ *Conn) (err error) {
		keeper, ok := in.(executors.Keeper)
		if !ok {
			return &executors.Error{Code: "unsupported", Op: "asking what became of " + id, Message: "commands are not kept on " + s.target.Name}
		}
		fate, err = keeper.Attach(ctx, id, got, out)
		return
	})
	return fate, err
}

// Apply implements executors.Session. A change that cuts its own connection is
// noticed within seconds; what became of it is for the next look to tell.
func (s *session) Apply(ctx context.Context, c *netstate.Change) (result *executors.Result, err error) {
	err = s.once(ctx, func(in executors.Session, conn *Conn) (err error) {
		defer conn.closely()()
		result, err = in.Apply(ctx, c)
		return
	})
	return result, err
}

// Undo implements executors.Session. It converges, so it may be done twice.
func (s *session) Undo(ctx context.Context, c *netstate.Change) (result *executors.Result, err error) {
	err = s.again(ctx, func(in executors.Session, conn *Conn) (err error) {
		defer conn.closely()()
		result, err = in.Undo(ctx, c)
		return
	})
	return result, err
}

// Arm implements executors.Session. When the connection dies under it, the
// host tells whether the guard is there; if not, it is armed once more.
func (s *session) Arm(ctx context.Context, g executors.Guard) (executors.Footing, error) {
	inner, host, err := s.current(ctx)
	if err != nil {
		return executors.Footing{}, err
	}
	f, err := inner.Arm(ctx, g)
	if err == nil || ctx.Err() != nil || !host.dead() {
		return f, err
	}
	all, lerr := s.Guards(ctx)
	if lerr != nil {
		return f, err
	}
	for i := range all {
		switch {
		case all[i].ID != g.ID:
		case all[i].Phase == executors.Armed:
			return all[i].Footing, nil
		default: // its process died, too
			return f, err
		}
	}
	// It is not there, and nobody is arming it any more: the lock that has come
	// along was given up by the agent that did.
	err = s.once(ctx, func(in executors.Session, _ *Conn) (err error) {
		f, err = in.Arm(ctx, g)
		return err
	})
	return f, err
}

// Confirm implements executors.Session.
func (s *session) Confirm(ctx context.Context, id string) error {
	return s.again(ctx, func(in executors.Session, conn *Conn) error {
		defer conn.closely()() // told once more while there is time
		return in.Confirm(ctx, id)
	})
}

// Revert implements executors.Session.
func (s *session) Revert(ctx context.Context, id string) (state *executors.GuardState, err error) {
	err = s.again(ctx, func(in executors.Session, conn *Conn) (err error) {
		defer conn.closely()()
		state, err = in.Revert(ctx, id)
		return
	})
	return state, err
}

// Guards implements executors.Session.
func (s *session) Guards(ctx context.Context) (all []executors.GuardState, err error) {
	err = s.again(ctx, func(in executors.Session, _ *Conn) (err error) { all, err = in.Guards(ctx); return })
	return all, err
}

// Lock implements executors.Session. The lock goes along to new connections.
func (s *session) Lock(ctx context.Context, l executors.Lock) error {
	err := s.once(ctx, func(in executors.Session, _ *Conn) error { return in.Lock(ctx, l) })
	var e *executors.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Op, "locking ") { // the agent calls itself local
		named := *e
		named.Op = "locking " + s.target.Name
		err = &named
	}
	if err == nil {
		s.mu.Lock()
		s.lock = &l
		s.mu.Unlock()
	}
	return err
}

// Unlock implements executors.Session. With the connection the lock has gone.
func (s *session) Unlock(ctx context.Context) error {
	s.mu.Lock()
	inner, host, had := s.inner, s.host, s.lock != nil
	s.lock = nil
	s.mu.Unlock()
	if !had || host.dead() {
		return nil
	}
	err := inner.Unlock(ctx)
	if host.dead() {
		return nil
	}
	return err
}

// Leave implements executors.Leaver.
func (s *session) Leave(ctx context.Context) error {
	s.mu.Lock()
	inner, host := s.inner, s.host
	had := s.parted == host
	s.lock, s.parted = nil, host
	s.mu.Unlock()
	if had || host.dead() {
		return nil
	}
	err := host.part(ctx, inner)
	if over(host.ended) {
		s.opener.forget(s.address, s.target.Become, host)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.host == host { // what it was on is no memory any more
			left := left(host.name)
			s.host, s.parted, s.inner, s.way = left, left, nil, nil
		}
	}
	return err
}

// shut ends the session on a connection.
func (s *session) shut(h *reached, inner executors.Session) error {
	s.mu.Lock()
	parted := s.parted == h
	s.mu.Unlock()
	switch {
	case inner == nil:
		return nil
	case parted:
		return inner.Close()
	}
	return h.shut(inner)
}

// Close implements executors.Session.
func (s *session) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	host, inner := s.host, s.inner
	s.mu.Unlock()
	if closed {
		return nil
	}
	err := s.shut(host, inner)
	if host.dead() {
		return nil
	}
	return err
}
