package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// farNamespaces are the namespaces of interfaces that go with some of this one:
// far ends of pairs, and what lies on them.
func (n *Namespace) farNamespaces(ctx context.Context, q *netstate.Query, raw []rawLink) (names []string) {
	going := goingLinks(q.Going, raw)
	if len(going) == 0 {
		return nil
	}
	ends := map[int32]bool{} // by the numbers of their namespaces
	for i := range raw {
		if id, elsewhere := raw[i].peerNetns(); elsewhere && going[raw[i].index] && netstate.KindByKernel(raw[i].kind).PeerKey() != "" {
			ends[id] = true
		}
	}
	n.eachOther(q.Namespaces, func(name string, fd int) {
		id, err := n.nsid(ctx, fd)
		if err == nil && id >= 0 && ends[id] || n.carries(ctx, fd, going) {
			names = append(names, name)
		}
	})
	return names
}

// goingLinks are the numbers of interfaces with those that go with them here.
func goingLinks(names []string, raw []rawLink) map[int]bool {
	going := map[int]bool{}
	for again := len(names) > 0; again; {
		again = false
		for i := range raw {
			r := &raw[i]
			if _, elsewhere := r.peerNetns(); !going[r.index] && (slices.Contains(names, r.name()) || !elsewhere && going[r.lower()]) {
				going[r.index], again = true, true
			}
		}
	}
	return going
}

// lower is the number of what an interface lies on, or of its other end.
func (r *rawLink) lower() int {
	const vxlanLink = 3 // IFLA_VXLAN_LINK
	if r.kind == "vxlan" {
		return int(u32(r.data.get(vxlanLink)))
	}
	kind := netstate.KindByKernel(r.kind)
	if kind == nil || kind.Below == "" && kind.PeerKey() == "" {
		return 0
	}
	return r.link()
}

// carries tells that in another namespace something lies on interfaces of this
// one. A namespace that cannot be read, or is gone meanwhile, is passed over.
func (n *Namespace) carries(ctx context.Context, fd int, going map[int]bool) bool {
	own, err := n.descriptor()
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(own) }()
	m, err := Open(Options{NS: fd})
	if err != nil {
		return false
	}
	defer func() { _ = m.Close() }()
	raw, _, err := m.rawLinks(ctx)
	here, idErr := m.nsid(ctx, own)
	if err != nil || idErr != nil || here < 0 {
		return false
	}
	return slices.ContainsFunc(raw, func(r rawLink) bool {
		id, elsewhere := r.peerNetns()
		return elsewhere && id == here && going[r.lower()] && netstate.KindByKernel(r.kind).PeerKey() == ""
	})
}

// eachOther yields each other namespace once: those that have names, and those
// of processes. The descriptor is closed afterwards.
func (n *Namespace) eachOther(more []string, yield func(name string, fd int)) {
	seen := map[inode]bool{}
	look := func(name string, fd int, err error) {
		if err != nil {
			return
		}
		if at, err := inodeOf(fd); err == nil && !seen[at] {
			seen[at] = true
			if name != "" {
				yield(name, fd)
			}
		}
		_ = unix.Close(fd)
	}
	fd, err := n.descriptor()
	look("", fd, err)
	names := append(others(n, ""), more...)
	if n.o.Named != nil {
		named, _ := n.o.Named.List() // what cannot be listed has no names
		names = append(names, named...)
	}
	for _, name := range names {
		fd, err := n.resolve(name)
		look(name, fd, err)
	}
	eachProcess(func(path string) bool {
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil && !seen[inode{st.Dev, st.Ino}] {
			fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			look(nameless+strconv.FormatUint(st.Ino, 10)+"]", fd, err)
		}
		return true
	})
}

// nameless begins the name of a namespace that has none but that of its inode,
// as readlink(2) shows it: "net:[4026532281]". Processes are in it: a container's.
const nameless = "net:["

// openNameless opens the namespace of a process.
func openNameless(name string) (fd int, err error) {
	fd, err = -1, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	eachProcess(func(path string) bool {
		if is, linkErr := os.Readlink(path); linkErr != nil || is != name {
			return true
		}
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err != nil
	})
	return fd, err
}

// eachProcess yields the file of each process's network namespace.
func eachProcess(yield func(path string) bool) {
	dirs, _ := os.ReadDir("/proc")
	for _, dir := range dirs {
		if pid := dir.Name(); pid[0] >= '1' && pid[0] <= '9' && !yield("/proc/"+pid+"/ns/net") {
			return
		}
	}
}

// union are the names of both lists, each once.
func union(a, b []string) []string {
	for _, name := range b {
		if !slices.Contains(a, name) {
			a = append(slices.Clip(a), name)
		}
	}
	return a
}

// observeElsewhere reads other namespaces as far as q goes.
func (n *Namespace) observeElsewhere(ctx context.Context, s *netstate.State, q netstate.Query, names []string) error {
	q.Namespaces, q.Netns, q.Kinds, q.Going, q.Elsewhere, q.RouteSets, q.DNS = nil, nil, nil, nil, nil, false, false
	s.Elsewhere = map[string]*netstate.State{}
	for _, name := range names {
		if s.Elsewhere[name] != nil {
			continue
		}
		m, err := n.other(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		s.Elsewhere[name], err = m.Observe(ctx, q)
		_ = m.Close()
		if err != nil {
			return fmt.Errorf("in %s: %w", name, err)
		}
	}
	for i := range s.Interfaces {
		far := &s.Interfaces[i]
		there := s.Elsewhere[far.Netns]
		if there == nil || !q.Ethtool && !q.Unusual {
			continue
		}
		if is := there.Interface(far.Name); is != nil {
			for key, value := range is.Attrs {
				if netstate.IsEthtool(key) {
					far.Attrs[key] = value
				}
			}
		}
	}
	return nil
}

// elsewhere carries out the run of edits in one other namespace that starts at
// index.
func (e *editor) elsewhere(ctx context.Context, index int) (count int, err error) {
	name := e.edits[index].Netns
	var edits []netstate.Edit
	doing := false
	for _, edit := range e.edits[index:] {
		if edit.Netns != name {
			break
		}
		edit.Netns = ""
		doing = doing || !edit.Implied
		edits = append(edits, edit)
	}
	if !doing {
		return len(edits), nil
	}
	m, err := e.n.other(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = m.Close() }()
	e.l = nil
	return m.Edit(ctx, edits)
}
