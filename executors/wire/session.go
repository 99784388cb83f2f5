package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// session is a Session at the other end.
type session struct {
	c        *Client
	id       uint32
	location string
	target   executors.Target
	once     sync.Once
	err      error // of Close

	mu   sync.Mutex
	info *executors.Info // came with the lock, for whoever asks first
	told time.Time       // when it was true, about
}

func (s *session) Target() executors.Target { return s.target }

// Location implements executors.Located.
func (s *session) Location() string { return s.location }

func (s *session) do(ctx context.Context, method string, params, result any) error {
	return s.c.do(ctx, method, s.id, params, result)
}

// ask makes a request that is answered by a T.
func ask[T any](ctx context.Context, s *session, method string, params any) (*T, error) {
	var r *T
	err := s.do(ctx, method, params, &r)
	return answered(method, r, err)
}

// answered refuses an answer that holds neither a result nor an error.
func answered[T any](method string, r *T, err error) (*T, error) {
	if r == nil && err == nil {
		err = protocolError("reading the answer to "+method, errors.New("it is empty"))
	}
	return r, err
}

func (s *session) Observe(ctx context.Context, q netstate.Query) (*netstate.State, error) {
	return ask[netstate.State](ctx, s, "observe", queryParams{q})
}

func (s *session) Probe(ctx context.Context, p executors.Probe) (*executors.ProbeReply, error) {
	return ask[executors.ProbeReply](ctx, s, "probe", probeParams{p})
}

func (s *session) Info(ctx context.Context) (*executors.Info, error) {
	if info := s.known(); info != nil {
		return info, nil
	}
	return ask[executors.Info](ctx, s, "info", nil)
}

// fresh is for how long what came with the lock is as good as an answer.
const fresh = 5 * time.Second

// known is what came with the lock just now, for one who asks.
func (s *session) known() *executors.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := s.info
	s.info = nil
	age := time.Since(s.told)
	if info == nil || age > fresh {
		return nil
	}
	if !info.Clock.IsZero() {
		info.Clock = info.Clock.Add(age)
	}
	return info
}

func (s *session) Run(ctx context.Context, cmd executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	var r *executors.ExitStatus
	p := runParams{Command: cmd, Stdout: out.Stdout != nil, Stderr: out.Stderr != nil, Merge: same(out.Stdout, out.Stderr)}
	err := s.c.run(ctx, "run", s.id, p, &r, out)
	return answered("run", r, err)
}

// Echo sends n bytes there and back.
func (s *session) Echo(ctx context.Context, n int) error {
	var back []byte
	if err := s.do(ctx, "echo", echoParams{make([]byte, n)}, &back); err != nil {
		return err
	}
	if len(back) != n {
		return protocolError("sending bytes there and back", fmt.Errorf("of %d bytes %d came back", n, len(back)))
	}
	return nil
}

// Attach implements executors.Keeper.
func (s *session) Attach(ctx context.Context, id string, got executors.Received, out executors.Output) (*executors.Fate, error) {
	var r *executors.Fate
	p := attachParams{ID: id, Got: got, Stdout: out.Stdout != nil, Stderr: out.Stderr != nil}
	err := s.c.run(ctx, "attach", s.id, p, &r, out)
	return answered("attach", r, err)
}

// same reports whether both streams go to one writer.
func same(a, b io.Writer) (equal bool) {
	defer func() {
		if recover() != nil { // of a type that cannot be compared
			equal = false
		}
	}()
	return a != nil && a == b
}

// secrets are the keys that go beside a change: the change itself is written
// without them.
func secrets(c *netstate.Change) netstate.Secrets {
	if c == nil {
		return nil
	}
	return c.Secrets
}

func (s *session) Apply(ctx context.Context, c *netstate.Change) (*executors.Result, error) {
	return ask[executors.Result](ctx, s, "apply", changeParams{Change: c, Secrets: secrets(c)})
}

func (s *session) Undo(ctx context.Context, c *netstate.Change) (*executors.Result, error) {
	return ask[executors.Result](ctx, s, "undo", changeParams{Change: c, Secrets: secrets(c)})
}

// Arm implements executors.Session. A peer of an earlier version does not tell what
// keeps the guard.
func (s *session) Arm(ctx context.Context, g executors.Guard) (executors.Footing, error) {
	var f executors.Footing
	err := s.do(ctx, "arm", guardParams{g}, &f)
	return f, err
}

func (s *session) Confirm(ctx context.Context, id string) error {
	return s.do(ctx, "confirm", idParams{id}, nil)
}

func (s *session) Revert(ctx context.Context, id string) (*executors.GuardState, error) {
	g, err := ask[executors.GuardState](ctx, s, "revert", idParams{id})
	if g != nil {
		*g = g.On(time.Now())
	}
	return g, err
}

func (s *session) Guards(ctx context.Context) ([]executors.GuardState, error) {
	var r []executors.GuardState
	err := s.do(ctx, "guards", nil, &r)
	for i := range r {
		r[i] = r[i].On(time.Now())
	}
	return r, err
}

func (s *session) Lock(ctx context.Context, l executors.Lock) error {
	asked := time.Now()
	var info *executors.Info
	err := s.do(ctx, "lock", lockParams{l}, &info)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info, s.told = info, asked.Add(time.Since(asked)/2)
	return err
}

func (s *session) Unlock(ctx context.Context) error { return s.do(ctx, "unlock", nil, nil) }

// Close closes the session at the other end. That of a lost connection has been
// closed with it.
func (s *session) Close() error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.c.o.cancelWait())
		defer cancel()
		select {
		case <-s.c.over:
		default:
			s.err = s.do(ctx, "close", nil, nil)
		}
	})
	return s.err
}
