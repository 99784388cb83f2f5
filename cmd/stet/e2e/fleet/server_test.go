//go:build linux

package fleet

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/wire"
)

// server is an SSH server in this process, for all addresses of this machine:
// each is a host on which the agent lies already. It forks nothing, so that the
// time of a run is stet's own.
type server struct {
	f      *fleet
	config *ssh.ServerConfig
	logins atomic.Int32

	mu    sync.Mutex
	hosts map[string]*machine
}

func (f *fleet) server() *server {
	f.t.Helper()
	key, err := ssh.ParsePrivateKey([]byte(f.read("hostkey")))
	if err != nil {
		f.t.Fatal(err)
	}
	s := &server{f: f, hosts: map[string]*machine{}, config: &ssh.ServerConfig{
		PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil },
	}}
	s.config.AddHostKey(key)
	l, err := net.Listen("tcp4", "0.0.0.0:22")
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(ctx, c) })
		}
	})
	f.t.Cleanup(func() {
		cancel()
		l.Close()
		all.Wait()
	})
	return s
}

// machine is the host of an address.
func (s *server) machine(address string) *machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts[address] == nil {
		s.hosts[address] = &machine{address: address, guards: map[string]executors.GuardState{}}
	}
	return s.hosts[address]
}

// each looks at every host.
func (s *server) each(do func(m *machine)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.hosts {
		m.mu.Lock()
		do(m)
		m.mu.Unlock()
	}
}

func (s *server) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	_, channels, requests, err := ssh.NewServerConn(c, s.config)
	if err != nil {
		return // a client that went away; stet tells of those that matter
	}
	s.logins.Add(1)
	go ssh.DiscardRequests(requests)
	host, _, _ := net.SplitHostPort(c.LocalAddr().String()) // TCP's have a port
	for ch := range channels {
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		go s.session(ctx, channel, requests, s.machine(host))
	}
}

// word is what stet looks for in the output of the scripts that it runs.
var word = regexp.MustCompile(`stet[0-9a-f]{24}`)

// session answers the two commands that stet gives to a host's shell: where do
// I come from, and start the agent.
func (s *server) session(ctx context.Context, channel ssh.Channel, requests <-chan *ssh.Request, m *machine) {
	defer channel.Close()
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		go func() {
			line := string(r.Payload)
			if regexp.MustCompile(`SSH_CONNECTION`).MatchString(line) {
				fmt.Fprintf(channel, "%s 127.0.0.1 1 %s 22\n", word.FindString(line), m.address)
			} else {
				_ = wire.Serve(ctx, channel, m, wire.Options{Program: "stet-agent"}) // ends with the connection
			}
			_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
			channel.Close()
		}()
	}
}

// machine is a host in memory: an Opener, and its own Session.
type machine struct {
	address string

	mu      sync.Mutex
	lock    string
	locked  int
	running int
	runs    int
	guards  map[string]executors.GuardState
}

var _ executors.Session = (*visit)(nil)

// visit is a session on a machine.
type visit struct {
	*machine
	target executors.Target
}

func (m *machine) Open(_ context.Context, t executors.Target) (executors.Session, error) {
	return &visit{m, t}, nil
}

func (m *machine) Close() error { return nil }

func (v *visit) Target() executors.Target { return v.target }

func (v *visit) Close() error { return v.Unlock(context.Background()) }

func (v *visit) Info(context.Context) (*executors.Info, error) {
	return &executors.Info{Hostname: v.address, OS: "linux", Arch: "amd64", Kernel: "6.12", User: "ops", UID: opsID}, nil
}

func (v *visit) Observe(context.Context, netstate.Query) (*netstate.State, error) {
	return &netstate.State{}, nil
}

func (v *visit) Probe(context.Context, executors.Probe) (*executors.ProbeReply, error) {
	return &executors.ProbeReply{OK: true}, nil
}

// Run runs nothing, for ever where the program is "wait-for-ever".
func (v *visit) Run(ctx context.Context, c executors.Command, _ executors.Output) (*executors.ExitStatus, error) {
	v.mu.Lock()
	v.runs++
	v.running++
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		v.running--
		v.mu.Unlock()
	}()
	for _, word := range c.Argv {
		if word == "wait-for-ever" {
			<-ctx.Done()
			return &executors.ExitStatus{Code: 143, Signal: "SIGTERM"}, ctx.Err()
		}
	}
	return &executors.ExitStatus{}, nil
}

func (v *visit) Apply(context.Context, *netstate.Change) (*executors.Result, error) {
	return &executors.Result{}, nil
}

func (v *visit) Undo(context.Context, *netstate.Change) (*executors.Result, error) {
	return &executors.Result{}, nil
}

func (v *visit) Arm(_ context.Context, g executors.Guard) (executors.Footing, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.guards[g.ID] = executors.GuardState{ID: g.ID, Run: g.Run, Step: g.Step, Document: g.Document, Operator: g.Operator,
		Phase: executors.Armed, Armed: time.Now(), Deadline: time.Now().Add(g.Timeout), Left: g.Timeout}
	return executors.Footing{}, nil
}

func (v *visit) end(id string, phase executors.Phase) (*executors.GuardState, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	g, ok := v.guards[id]
	if !ok {
		return nil, &executors.Error{Code: "not-found", Op: "ending the guard " + id, Err: os.ErrNotExist}
	}
	g.Phase, g.Ended, g.Left = phase, time.Now(), 0
	v.guards[id] = g
	return &g, nil
}

func (v *visit) Confirm(_ context.Context, id string) error {
	_, err := v.end(id, executors.Confirmed)
	return err
}

func (v *visit) Revert(_ context.Context, id string) (*executors.GuardState, error) {
	return v.end(id, executors.Reverted)
}

func (v *visit) Guards(context.Context) (all []executors.GuardState, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, g := range v.guards {
		all = append(all, g)
	}
	return all, nil
}

func (v *visit) Lock(_ context.Context, l executors.Lock) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.lock != "" && v.lock != l.Run {
		return &executors.Error{Code: "locked", Op: "locking " + v.address, Message: v.lock + " holds it"}
	}
	v.lock = l.Run
	v.locked++
	return nil
}

func (v *visit) Unlock(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lock = ""
	return nil
}

var _ io.Closer = (*machine)(nil)

// count counts the guards of all hosts by phase.
func (s *server) count(t testing.TB) map[executors.Phase]int {
	t.Helper()
	phases := map[executors.Phase]int{}
	s.each(func(m *machine) {
		for _, g := range m.guards {
			phases[g.Phase]++
		}
	})
	return phases
}
