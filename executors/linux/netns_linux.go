package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// Named are the named network namespaces of a machine, as ip-netns(8) keeps
// them.
type Named interface {
	// List are their names, sorted.
	List() ([]string, error)
	// Open gives a descriptor, which becomes the caller's. The error of a name
	// that is not there is fs.ErrNotExist.
	Open(name string) (fd int, err error)
	// Add makes one.
	Add(name string) error
	// Delete removes the name; the namespace ends with the last process in it.
	Delete(name string) error
	// Hidden says why the rest of the machine would not see what Add makes; "" if
	// it would.
	Hidden() string
}

// observeNamed fills in the named namespaces that are wanted; "*" is all.
func (n *Namespace) observeNamed(ctx context.Context, s *netstate.State, wanted []string) error {
	s.Namespaces = []netstate.Namespace{}
	if n.o.Named == nil {
		note(s, "namespaces", "this target has no named namespaces")
		return nil
	}
	if why := n.o.Named.Hidden(); why != "" {
		note(s, netstate.HiddenNames, why)
	}
	names, err := n.o.Named.List()
	if err != nil {
		return err
	}
	if !slices.Contains(wanted, "*") {
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(wanted, name) })
	}
	if len(names) == 0 {
		return nil
	}
	residents := residents()
	for _, name := range names {
		one, err := n.named(ctx, name, residents)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return fmt.Errorf("reading namespace %s: %w", name, err)
		}
		s.Namespaces = append(s.Namespaces, *one)
	}
	return nil
}

// named reads one named namespace.
func (n *Namespace) named(ctx context.Context, name string, residents map[inode][]string) (*netstate.Namespace, error) {
	fd, err := n.o.Named.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }()
	one := &netstate.Namespace{Name: name, Loopback: "down"}
	if id, err := n.nsid(ctx, fd); err != nil {
		return nil, err
	} else if id >= 0 {
		one.ID = strconv.Itoa(int(id))
	}
	at, err := inodeOf(fd)
	if err != nil {
		return nil, err
	}
	one.Uses = residents[at]
	if own, err := n.descriptor(); err == nil {
		if here, err := inodeOf(own); err == nil && here == at {
			one.Uses = append(slices.Clone(one.Uses), "the target itself")
		}
		_ = unix.Close(own)
	}
	m, err := Open(Options{NS: fd})
	if err != nil {
		return nil, err
	}
	defer func() { _ = m.Close() }()
	return one, m.describe(ctx, one)
}

// describe fills in what interfaces a namespace has.
func (n *Namespace) describe(ctx context.Context, one *netstate.Namespace) error {
	raw, _, err := n.rawLinks(ctx)
	if err != nil {
		return err
	}
	addresses, err := n.addresses(ctx, raw)
	if err != nil {
		return err
	}
	for i := range raw {
		r := &raw[i]
		if r.flags&unix.IFF_LOOPBACK == 0 {
			if !kernelDefault(r, false) {
				one.Links = append(one.Links, r.name())
			}
			continue
		}
		if r.flags&unix.IFF_UP != 0 {
			one.Loopback = "up"
		}
		for _, a := range addresses[r.index] {
			if !a.Prefix.Addr().IsLoopback() {
				one.Uses = append(slices.Clone(one.Uses), "address "+a.Prefix.String()+" of lo")
			}
		}
	}
	slices.Sort(one.Links)
	return nil
}

// inode names a namespace.
type inode struct{ dev, ino uint64 }

func inodeOf(fd int) (inode, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return inode{st.Dev, st.Ino}, err
}

// residents are the processes of each network namespace, as `ip netns pids`
// finds them. A process that ends meanwhile, or that this user may not look at,
// is passed over.
func residents() map[inode][]string {
	found := map[inode][]string{}
	eachProcess(func(path string) bool {
		var st unix.Stat_t
		if unix.Stat(path, &st) != nil {
			return true
		}
		process := strings.TrimSuffix(path, "/ns/net")
		comm, _ := os.ReadFile(process + "/comm")
		at := inode{st.Dev, st.Ino}
		found[at] = append(found[at], "process "+filepath.Base(process)+" ("+strings.TrimSpace(string(comm))+")")
		return true
	})
	return found
}

// namespaceEdit makes, changes or removes a named namespace.
func (e *editor) namespaceEdit(ctx context.Context, edit *netstate.Edit) error {
	if e.n.o.Named == nil {
		return fmt.Errorf("this target has no named namespaces: %w", unix.EOPNOTSUPP)
	}
	e.l = nil
	want := object(edit).Namespace
	switch edit.Op {
	case netstate.Delete:
		// Once more, at the last moment: nothing brings back what is in it.
		one, err := e.n.named(ctx, want.Name, residents())
		if err != nil {
			return err
		}
		if in := slices.Concat(one.Uses, one.Links); len(in) > 0 {
			return fmt.Errorf("%w: in it is %s", unix.EBUSY, strings.Join(in, ", "))
		}
		return e.n.o.Named.Delete(want.Name)
	case netstate.Add:
		if err := e.n.o.Named.Add(want.Name); err != nil {
			return err
		}
	}
	return e.n.configureNamed(ctx, want)
}

// configureNamed gives a named namespace its number and its loopback state.
func (n *Namespace) configureNamed(ctx context.Context, want *netstate.Namespace) error {
	fd, err := n.o.Named.Open(want.Name)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if id, err := strconv.Atoi(want.ID); err == nil {
		if err := n.setNSID(ctx, fd, int32(id)); err != nil {
			return fmt.Errorf("giving it the number %d: %w", id, err)
		}
	}
	m, err := Open(Options{NS: fd})
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	flags := uint32(0)
	if want.Loopback == "up" {
		flags = unix.IFF_UP
	}
	index, err := m.lookup(ctx, "lo")
	if err != nil {
		return err
	}
	return m.get(ctx, unix.RTM_NEWLINK, func(m *message) { m.ifinfo(index, flags, unix.IFF_UP) }, nil)
}

// setNSID gives another namespace a number in this one (RTM_NEWNSID), unless it
// has it. One that was removed a moment ago keeps its number until the kernel
// has cleaned up behind it.
func (n *Namespace) setNSID(ctx context.Context, fd int, id int32) error {
	const wait, tries = 50 * time.Millisecond, 200
	for try := 0; ; try++ {
		if now, err := n.nsid(ctx, fd); err != nil || now == id {
			return err
		}
		err := n.get(ctx, unix.RTM_NEWNSID, func(m *message) {
			m.raw(0, 0, 0, 0) // struct rtgenmsg, padded
			m.u32(unix.NETNSA_NSID, uint32(id))
			m.u32(unix.NETNSA_FD, uint32(fd))
		}, nil)
		if !errors.Is(err, unix.EEXIST) || try == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
