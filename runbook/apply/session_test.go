package apply

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/fake"
	"stet/executors/netstate"
	"stet/executors/transaction"
)

// host is a machine in memory with guards and locks, which outlives the
// sessions to it as a kernel does.
type host struct {
	name string
	m    *fake.Machine

	mu     sync.Mutex
	guards []*guarded
	holder *executors.Lock
	// fail is called before each call of a session; its error is the call's.
	fail func(call string) error
	// lost is called after each confirmation; its error is what the caller gets.
	lost func() error
	runs []executors.Command
	// clock is by how much the host's is ahead.
	clock time.Duration
	// footing is that of its guards.
	footing executors.Footing
}

type guarded struct {
	executors.Guard
	state executors.GuardState
}

func newHost(name string, s *netstate.State) *host { return &host{name: name, m: fake.New(s)} }

// session is one way to a host.
type session struct {
	*host
	t executors.Target
}

var _ executors.Session = (*session)(nil)

func (h *host) called(call string) error {
	h.mu.Lock()
	f := h.fail
	h.mu.Unlock()
	if f != nil {
		return f(call)
	}
	return nil
}

func (s *session) Target() executors.Target { return s.t }

func (s *session) Observe(ctx context.Context, q netstate.Query) (*netstate.State, error) {
	if err := s.called("observe"); err != nil {
		return nil, err
	}
	return s.m.Observe(ctx, q)
}

func (s *session) Probe(context.Context, executors.Probe) (*executors.ProbeReply, error) {
	return &executors.ProbeReply{OK: true}, s.called("probe")
}

func (s *session) Info(context.Context) (*executors.Info, error) {
	return &executors.Info{Hostname: s.name, OS: "linux", Clock: time.Now().Add(s.clock)}, s.called("info")
}

func (s *session) Run(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	if err := s.called("run"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.runs = append(s.runs, c)
	s.mu.Unlock()
	return execute(ctx, c, out)
}

// execute runs a command on this machine, in a process group that is ended with
// ctx.
func execute(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Dir, cmd.Env = c.Dir, append(cmd.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = out.Stdout, out.Stderr
	if c.Stdin != nil {
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		go func() {
			_, _ = in.Write(c.Stdin) // a command may end without reading
			_ = in.Close()
		}()
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &exit):
		if st, ok := exit.Sys().(syscall.WaitStatus); ok && st.Signaled() {
			return &executors.ExitStatus{Code: 128 + int(st.Signal()), Signal: "SIGKILL"}, nil
		}
		return &executors.ExitStatus{Code: exit.ExitCode()}, nil
	case err != nil:
		return nil, err
	}
	return &executors.ExitStatus{}, nil
}

func (s *session) Apply(ctx context.Context, c *netstate.Change) (*executors.Result, error) {
	if err := s.called("apply"); err != nil {
		return nil, err
	}
	return transaction.Apply(ctx, s.m, c)
}

func (s *session) Undo(ctx context.Context, c *netstate.Change) (*executors.Result, error) {
	if err := s.called("undo"); err != nil {
		return nil, err
	}
	return transaction.Undo(ctx, s.m, c)
}

func (s *session) Arm(_ context.Context, g executors.Guard) (executors.Footing, error) {
	if err := s.called("arm"); err != nil {
		return s.footing, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.guards = append(s.guards, &guarded{g, executors.GuardState{
		ID: g.ID, Run: g.Run, Step: g.Step, Phase: executors.Armed, Armed: now, Deadline: now.Add(g.Timeout), Footing: s.footing,
	}})
	return s.footing, nil
}

func (h *host) guard(id string) *guarded {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.guards {
		if g.ID == id {
			return g
		}
	}
	return nil
}

func (s *session) Confirm(_ context.Context, id string) error {
	if err := s.called("confirm"); err != nil {
		return err
	}
	g := s.guard(id)
	if g == nil {
		return &executors.Error{Code: "not-found", Op: "confirming " + id}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.state.Phase != executors.Armed && g.state.Phase != executors.Confirmed {
		return &executors.Error{Code: "reverted", Op: "confirming " + id, Message: "it has reverted"}
	}
	g.state.Phase = executors.Confirmed
	if s.lost != nil {
		return s.lost()
	}
	return nil
}

func (s *session) Revert(ctx context.Context, id string) (*executors.GuardState, error) {
	if err := s.called("revert"); err != nil {
		return nil, err
	}
	g := s.guard(id)
	if g == nil {
		return nil, &executors.Error{Code: "not-found", Op: "reverting " + id}
	}
	s.fire(ctx, g)
	s.mu.Lock()
	defer s.mu.Unlock()
	st := g.state
	return &st, nil
}

// fire is what a guard does at its deadline.
func (h *host) fire(ctx context.Context, g *guarded) {
	h.mu.Lock()
	armed := g.state.Phase == executors.Armed
	if armed {
		g.state.Phase = executors.Reverting
	}
	h.mu.Unlock()
	if !armed {
		return
	}
	phase, result := executors.Reverted, (*executors.Result)(nil)
	for _, c := range g.Commands {
		if st, err := execute(ctx, c, executors.Output{}); err != nil || st.Code != 0 {
			phase = executors.Incomplete
		}
	}
	if g.Change != nil {
		r, err := transaction.Undo(ctx, h.m, g.Change)
		if result = r; err != nil || !r.OK() {
			phase = executors.Incomplete
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	g.state.Phase, g.state.Result, g.state.Ended = phase, result, time.Now()
}

// expire lets all guards that wait revert, as if their time had come.
func (h *host) expire() {
	for _, g := range slices.Clone(h.guards) {
		h.fire(context.Background(), g)
	}
}

func (s *session) Guards(context.Context) ([]executors.GuardState, error) {
	if err := s.called("guards"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]executors.GuardState, len(s.guards))
	for i, g := range s.guards {
		out[i] = g.state
	}
	return out, nil
}

func (s *session) Lock(_ context.Context, l executors.Lock) error {
	if err := s.called("lock"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder != nil {
		return &executors.Error{Code: "locked", Op: "locking " + s.name, Message: fmt.Sprintf("held by %s", s.holder.Operator)}
	}
	s.holder = &l
	return nil
}

func (s *session) Unlock(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holder = nil
	return nil
}

func (s *session) Close() error { return nil }

// initial is a host with an uplink, a spare card and a sysctl.
func initial() *netstate.State {
	at := func(s string) []netstate.Address { return []netstate.Address{{Prefix: netip.MustParsePrefix(s)}} }
	s := &netstate.State{
		Interfaces: []netstate.Interface{
			{Name: "lo", Type: "loopback", Attrs: netstate.Attrs{"state": "up", "mtu": "65536"}, Addresses: at("127.0.0.1/8")},
			{Name: "eth0", Type: "ethernet", Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "controller": "", "mac-address": "02:00:00:00:00:01"}, Addresses: at("192.0.2.10/24")},
			{Name: "eth1", Type: "ethernet", Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "controller": "", "mac-address": "02:00:00:00:00:02"}},
		},
		Routes: []netstate.Route{
			{Destination: netip.MustParsePrefix("192.0.2.0/24"), Table: 254, Protocol: 2, Scope: 253, NextHops: []netstate.NextHop{{Device: "eth0"}}},
		},
		Sysctls: map[string]string{"net.ipv4.ip_forward": "0"},
	}
	s.Sort()
	return s
}

func sameState(t testing.TB, want, got *netstate.State) {
	t.Helper()
	if d := netstate.Diff(want, got); !d.Empty() {
		t.Errorf("the state is not what it should be:\n%s", netstate.Text(d))
	}
}
