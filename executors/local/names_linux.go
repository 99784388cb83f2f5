package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// names are the machine's named namespaces, as linux.Named. One that is removed
// is held open while the process lives: undoing gives the very namespace its
// name back, with all that was set in it.
type names struct {
	// host is nil in a guard.
	host *Host
	// mnt is a descriptor of the mount namespace that shows them to the
	// machine; -1 is the process's own.
	mnt int

	mu   sync.Mutex
	held map[string]int
}

// List implements linux.Named. A namespace that stet has made for a target, and
// would remove, is not among them: nobody has declared it.
func (n *names) List() (list []string, err error) {
	err = n.within(func() error {
		entries, err := os.ReadDir(named)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, e := range entries {
			if f, err := openNetns(e.Name()); err == nil {
				f.Close()
				if n.lent(e.Name()) == nil {
					list = append(list, e.Name())
				}
			}
		}
		return err
	})
	return list, err
}

// lent is the record of a namespace that this process made for a target.
func (n *names) lent(name string) *made {
	if n.host == nil {
		return nil
	}
	n.host.mu.Lock()
	defer n.host.mu.Unlock()
	if m := n.host.made[name]; m != nil && !m.keep {
		return m
	}
	return nil
}

// Open implements linux.Named.
func (n *names) Open(name string) (fd int, err error) {
	fd = -1
	err = n.within(func() error {
		f, err := openNetns(name)
		if err != nil {
			return err
		}
		defer f.Close()
		fd, err = unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	return fd, err
}

// Add implements linux.Named. One that was made for a target stays from now on.
func (n *names) Add(name string) error {
	if m := n.lent(name); m != nil {
		n.host.mu.Lock()
		defer n.host.mu.Unlock()
		delete(n.host.made, name)
		m.drop()
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	fd, ok := n.held[name]
	if !ok {
		return n.within(func() error { return addNamed(name) })
	}
	err := n.within(func() error { return nameAgain(name, fd) })
	if err == nil {
		delete(n.held, name)
		_ = unix.Close(fd)
	}
	return err
}

// Delete implements linux.Named.
func (n *names) Delete(name string) error {
	fd, err := n.Open(name)
	if err != nil {
		return err
	}
	if err := n.within(func() error { return removeNamed(name) }); err != nil {
		_ = unix.Close(fd)
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if old, ok := n.held[name]; ok {
		_ = unix.Close(old)
	}
	if n.held == nil {
		n.held = map[string]int{}
	}
	n.held[name] = fd
	return nil
}

// close lets go of what was removed.
func (n *names) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, fd := range n.held {
		_ = unix.Close(fd)
		delete(n.held, name)
	}
}

// within runs f where the machine sees what it mounts.
func (n *names) within(f func() error) error {
	if n.mnt < 0 {
		return f()
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocks
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			err = unix.Setns(n.mnt, unix.CLONE_NEWNS)
		}
		if err != nil {
			result <- fmt.Errorf("entering the mount namespace: %w", err)
			return
		}
		result <- f()
	}()
	return <-result
}

// nameAgain gives an open namespace a name.
func nameAgain(name string, fd int) error {
	path := filepath.Join(named, name)
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	f.Close()
	if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(fd), path, "none", unix.MS_BIND, ""); err != nil {
		os.Remove(path)
		return fmt.Errorf("mounting %s: %w", path, err)
	}
	return nil
}
