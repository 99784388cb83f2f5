package local

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/guard"
)

// Host opens sessions to the targets of this machine: local and netns:// in
// this process, sandboxes in a helper, and targets with become: sudo in a
// helper that runs as root. The last two start when they are first needed.
type Host struct {
	o     HostOptions
	state string // directory
	// served tells that this process works for a peer: locks that are taken
	// say so.
	served bool
	scope  scope
	// find opens the namespace of a target: findHost, or findSandbox in the
	// helper of the sandboxes.
	find func(ctx context.Context, t executors.Target) (*space, error)
	// always uses sudo, also as root: tests run as root.
	always bool

	// life ends when this process is asked to end, and with it commands that
	// go on after their connection was lost, which keeping counts.
	life    context.Context
	endLife context.CancelFunc
	keeping sync.WaitGroup
	// lost is set when the peer is known to be gone.
	lost atomic.Bool
	// stopped is set when this process was asked to end: the peer has not closed
	// its sessions, and may ask the next process what became of its commands.
	stopped atomic.Bool

	mu       sync.Mutex
	closed   bool
	locks    []*os.File // of sessions that are closed, while keeping counts
	sessions map[*session]bool
	spaces   map[string]*space // by the target's name, the last one opened
	made     map[string]*made  // by the namespace's name
	names    *names            // the named namespaces
	sandbox  executors.Opener
	sudo     executors.Opener
	box      map[string]*space // in the helper of the sandboxes: those there are
}

// NewHost makes a Host. It touches nothing before the first Open.
func NewHost(o HostOptions) (*Host, error) {
	h := &Host{o: o, sessions: map[*session]bool{}, spaces: map[string]*space{},
		made: map[string]*made{}}
	h.names = &names{host: h, mnt: -1}
	h.find = h.findHost
	h.life, h.endLife = context.WithCancel(context.Background())
	return h, nil
}

// Open implements executors.Opener.
func (h *Host) Open(ctx context.Context, t executors.Target) (executors.Session, error) {
	op := "opening " + t.Address
	if other, err := h.helper(ctx, t); err != nil {
		return nil, explain(op, err)
	} else if other != nil {
		return other.Open(ctx, t)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, explain(op, os.ErrClosed)
	}
	if h.state == "" {
		dir, err := stateDir(h.o.StateDir)
		if err != nil {
			return nil, explain(op, err)
		}
		h.state = dir
	}
	sp, err := h.find(ctx, t)
	if err != nil {
		return nil, explain(op, err)
	}
	s, err := newSession(h, t, sp)
	if err != nil {
		return nil, explain(op, err)
	}
	h.sessions[s] = true
	h.spaces[t.Name] = sp
	return s, nil
}

// findHost opens local and netns:// targets.
func (h *Host) findHost(_ context.Context, t executors.Target) (*space, error) {
	switch t.Scheme() {
	case "local":
		return current()
	case "netns":
		return h.findNamed(t)
	}
	return nil, &executors.Error{Code: "unsupported", Op: "opening " + t.Address, Message: "not an address of this host",
		Remedy: "write local, netns://NAME, sandbox or sandbox://NAME"}
}

func (h *Host) findNamed(t executors.Target) (*space, error) {
	name := t.Host()
	sp, err := openNamed(name)
	if errors.Is(err, fs.ErrNotExist) && t.Create {
		m, err := h.make(name)
		if err != nil {
			return nil, err
		}
		h.made[name] = m
		sp, err = openNamed(name)
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	} else if t.Create && h.made[name] == nil {
		if m := h.adopt(name, sp.key); m != nil {
			h.made[name] = m
		}
	}
	if m := h.made[name]; m != nil && t.Keep {
		m.keep = true
	}
	return sp, nil
}

// resolve opens the network namespace of another target, or a named one.
func (h *Host) resolve(name string) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sp := h.other(name); sp != nil {
		if sp.net == nil {
			return unix.Open("/proc/self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		return unix.FcntlInt(sp.net.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	}
	f, err := openNetns(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return -1, &executors.Error{Code: "not-found", Op: "finding the namespace of " + name,
				Message: "neither an open target nor a namespace in " + named, Err: err}
		}
		return -1, err
	}
	defer f.Close()
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

func (h *Host) other(name string) *space {
	return h.spaces[name]
}

// known lists the targets that resolve finds.
func (h *Host) known() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.spaces))
}

// forget is called by a session that is closed.
func (h *Host) forget(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s)
	for other := range h.sessions {
		if other.space == s.space {
			return
		}
	}
	if h.spaces[s.target.Name] == s.space {
		delete(h.spaces, s.target.Name)
	}
	if !s.space.shared {
		s.space.close()
	}
}

// Close implements executors.Opener. A namespace in which a guard is pending
// stays, with its record, until the next operation opens it.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	open := slices.Collect(maps.Keys(h.sessions))

	sandbox, sudo := h.sandbox, h.sudo
	h.mu.Unlock()
	var errs []error
	for _, s := range open {
		errs = append(errs, s.Close())
	}
	for _, o := range []executors.Opener{sandbox, sudo} {
		if o != nil {
			errs = append(errs, o.Close())
		}
	}
	for _, sp := range h.box {
		sp.close()
	}
	h.names.close()
	for name, m := range h.made {
		errs = append(errs, h.unmake(name, m))
	}
	return errors.Join(errs...)
}

// unmake removes a namespace that was made, or forgets that it was.
func (h *Host) unmake(name string, m *made) error {
	if m.keep {
		m.drop()
		return nil
	}
	if pending, err := guard.Open(h.guards(m.Key)).Pending(); err == nil && pending != nil {
		return m.file.Close()
	}
	if err := endNamed(name); err != nil {
		m.file.Close()
		return err
	}
	m.drop()
	return os.RemoveAll(h.dir(m.Key))
}
