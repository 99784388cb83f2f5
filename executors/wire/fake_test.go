package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// host is an Opener whose sessions do what the test says.
type host struct {
	mu     sync.Mutex
	opened []*fake
	run    func(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error)
	apply  func(ctx context.Context, c *netstate.Change) (*executors.Result, error)
	closed int
}

func (h *host) Open(_ context.Context, t executors.Target) (executors.Session, error) {
	if t.Address == "none" {
		return nil, &executors.Error{Code: "not-found", Op: "opening none", Err: errors.New("no such namespace"), Remedy: "make it"}
	}
	f := &fake{host: h, target: t, ended: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened = append(h.opened, f)
	return f, nil
}

func (h *host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed++
	return nil
}

// left counts the sessions that are open.
func (h *host) left() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.opened {
		select {
		case <-f.ended:
		default:
			n++
		}
	}
	return n
}

// fake is a Session.
type fake struct {
	host   *host
	target executors.Target
	once   sync.Once
	ended  chan struct{}
	guards []executors.GuardState
}

func (f *fake) Target() executors.Target { return f.target }
func (f *fake) Observe(_ context.Context, q netstate.Query) (*netstate.State, error) {
	return &netstate.State{Interfaces: []netstate.Interface{{Name: f.target.Name}}, Sysctls: map[string]string{"query": fmt.Sprint(q.Links)}}, nil
}

func (f *fake) Probe(_ context.Context, p executors.Probe) (*executors.ProbeReply, error) {
	if p.Ping == nil {
		panic("nothing was asked")
	}
	return &executors.ProbeReply{OK: true, Values: map[string]any{"sent": 3, "avg": 0.5, "host": p.Ping.Host}}, nil
}
func (f *fake) Info(context.Context) (*executors.Info, error) {
	return &executors.Info{Hostname: "h"}, nil
}

func (f *fake) Run(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	if f.host.run == nil {
		return &executors.ExitStatus{}, nil
	}
	return f.host.run(ctx, c, out)
}

func (f *fake) Apply(ctx context.Context, c *netstate.Change) (*executors.Result, error) {
	if f.host.apply == nil {
		return &executors.Result{Done: len(c.Edits)}, nil
	}
	return f.host.apply(ctx, c)
}

func (f *fake) Undo(_ context.Context, c *netstate.Change) (*executors.Result, error) {
	return nil, nil // what a broken session might answer
}

func (f *fake) Arm(_ context.Context, g executors.Guard) (executors.Footing, error) {
	stands := executors.Footing{Kept: executors.OwnSession, EndsWithLogin: true}
	f.guards = append(f.guards, executors.GuardState{ID: g.ID, Left: g.Timeout, Footing: stands})
	return stands, nil
}

func (f *fake) Confirm(_ context.Context, id string) error {
	return &executors.Error{Code: "reverted", Op: "confirming " + id, Message: "too late"}
}

func (f *fake) Revert(_ context.Context, id string) (*executors.GuardState, error) {
	return &executors.GuardState{ID: id, Phase: executors.Reverted}, nil
}
func (f *fake) Guards(context.Context) ([]executors.GuardState, error) { return f.guards, nil }
func (f *fake) Lock(_ context.Context, l executors.Lock) error {
	if l.Run == "" {
		return errors.New("no run")
	}
	return nil
}
func (f *fake) Unlock(context.Context) error { return nil }
func (f *fake) Close() error {
	f.once.Do(func() { close(f.ended) })
	return nil
}

// connect joins a client and a server for h. wait returns what Serve returned.
func connect(t *testing.T, h *host, o Options) (c *Client, wait func() error) {
	t.Helper()
	near, far := net.Pipe()
	wait = serve(t, h, far, o)
	c, err := NewClient(t.Context(), near, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing the client: %v", err)
		}
		wait()
	})
	return c, wait
}

func serve(t *testing.T, h *host, far net.Conn, o Options) (wait func() error) {
	t.Helper()
	served := make(chan error, 1)
	go func() {
		err := Serve(context.Background(), far, h, o)
		far.Close()
		served <- err
	}()
	return sync.OnceValue(func() error {
		select {
		case err := <-served:
			return err
		case <-time.After(20 * time.Second):
			t.Error("the server goes on")
			return nil
		}
	})
}

func open(t *testing.T, c *Client, name string) executors.Session {
	t.Helper()
	s, err := c.Open(t.Context(), executors.Target{Name: name, Address: "netns://" + name})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// peer is the other end, in bytes.
type peer struct {
	t    *testing.T
	conn net.Conn
	r    *reader
	w    *writer
}

// greeted is a peer that has said and heard hello. A client's peer says it
// first, so that NewClient can return.
func greeted(t *testing.T, conn net.Conn) *peer {
	t.Helper()
	p := &peer{t, conn, newReader(conn), &writer{w: conn}}
	if err := greet(p.r, Options{Program: "test"}, 0, p.w.greeting); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *peer) send(k kind, id uint32, more bool, payload string) {
	p.t.Helper()
	if err := p.w.frame(k, id, more, []byte(payload)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		p.t.Fatal(err)
	}
}

// next is the next frame that is no ping.
func (p *peer) next() (frame, error) {
	for {
		f, err := p.r.next()
		if err != nil || f.kind != kindPing {
			f.payload = append([]byte(nil), f.payload...)
			return f, err
		}
	}
}

func code(err error) string {
	var e *executors.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
