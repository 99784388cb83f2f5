package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Options says which namespace to work on and how to find others.
type Options struct {
	// NS is a descriptor of the network namespace (of /run/netns/NAME, of
	// /proc/PID/ns/net); it is duplicated. -1 is the process's own.
	NS int
	// Resolve opens the namespace that another target or a named namespace
	// is, for peers of a veth and for moves. The descriptor becomes the
	// caller's, which closes it. Nil knows no others.
	Resolve func(name string) (fd int, err error)
	// Known lists names that Resolve knows, so that a veth's peer in one of
	// them is recognised. Nil lists none.
	Known func() []string
	// Named are the named namespaces of the machine, which netconfig makes and
	// removes. Nil: there are none.
	Named Named
	// Keys is a folder for keys that a way back needs, readable by its owner
	// only; it is made when the first one is kept. "" keeps them in memory.
	Keys string
	// ResolvConf is the file that has the namespace's name servers; "" is
	// /etc/resolv.conf, "-" that it has none of its own.
	ResolvConf string
	// Files runs f where that file is seen; nil is here. Shown is run there
	// after the file was changed; it may be nil.
	Files func(f func() error) error
	Shown func() error
	// Outlive are words before a command that goes on when the session ends
	// that this process is in; nil are none.
	Outlive func() []string
}

// Namespace is a way into one network namespace. Its methods may be called
// from several goroutines.
type Namespace struct {
	o  Options
	fd int // -1: the process's own
	// vault is shared with the namespaces that are reached from this one.
	vault *vault

	mu     sync.Mutex
	idle   []*socket
	watch  routeWatch
	closed bool
}

// Open opens a way into a namespace. It needs CAP_NET_ADMIN there to edit, and
// CAP_SYS_ADMIN to enter one that is not the process's own.
func Open(o Options) (*Namespace, error) {
	n := &Namespace{o: o, fd: -1, vault: &vault{dir: o.Keys}}
	if o.NS >= 0 {
		fd, err := unix.FcntlInt(uintptr(o.NS), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("opening a network namespace: %w", err)
		}
		n.fd = fd
	}
	// One socket now tells at once whether the namespace can be entered.
	s, err := n.open()
	if err != nil {
		_ = n.Close()
		return nil, err
	}
	n.put(s)
	return n, nil
}

// Close releases sockets and the namespace's descriptor.
func (n *Namespace) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	for _, s := range n.idle {
		s.close()
	}
	n.idle = nil
	if n.watch.state != nil {
		_ = unix.Close(n.watch.fd)
	}
	if n.fd >= 0 {
		return unix.Close(n.fd)
	}
	return nil
}

// within runs f on a thread in the namespace.
func (n *Namespace) within(f func() error) error { return within(n.fd, f) }

func (n *Namespace) open() (s *socket, err error) {
	err = n.within(func() error {
		s, err = openSocket()
		return err
	})
	return s, err
}

// with runs f with a socket. A socket whose request failed for another reason
// than the kernel's refusal may have replies coming, and is not used again.
func (n *Namespace) with(ctx context.Context, f func(*socket) error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	s, err := n.take()
	if err != nil {
		return err
	}
	err = f(s)
	var refused *kernelError
	if err != nil && !errors.As(err, &refused) {
		s.close()
		return err
	}
	n.put(s)
	return err
}

func (n *Namespace) take() (*socket, error) {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil, fmt.Errorf("using a network namespace: %w", os.ErrClosed)
	}
	if last := len(n.idle) - 1; last >= 0 {
		s := n.idle[last]
		n.idle = n.idle[:last]
		n.mu.Unlock()
		return s, nil
	}
	n.mu.Unlock()
	return n.open()
}

func (n *Namespace) put(s *socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.idle) >= 4 {
		s.close()
		return
	}
	n.idle = append(n.idle, s)
}

// other opens the namespace of another target; the caller closes it.
func (n *Namespace) other(name string) (*Namespace, error) {
	fd, err := n.resolve(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }()
	o := n.o
	o.NS = fd
	m, err := Open(o)
	if err != nil {
		return nil, fmt.Errorf("opening the namespace of %s: %w", name, err)
	}
	m.vault = n.vault
	return m, nil
}

// resolve gives a descriptor of another target's namespace; the caller closes
// it.
func (n *Namespace) resolve(name string) (int, error) {
	if strings.HasPrefix(name, nameless) {
		return openNameless(name)
	}
	if n.o.Resolve == nil {
		return -1, fmt.Errorf("finding the namespace of %s: no other namespaces are known here", name)
	}
	fd, err := n.o.Resolve(name)
	if err != nil {
		return -1, fmt.Errorf("finding the namespace of %s: %w", name, err)
	}
	return fd, nil
}
