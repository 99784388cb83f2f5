package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// farEnds are the namespaces that the far ends of pairs are in whose near ends
// may go, as far as they have names here.
func (n *Namespace) farEnds(ctx context.Context, q *netstate.Query, raw []rawLink) []string {
	var names []string
	var p *peers
	for i := range raw {
		r := &raw[i]
		id, elsewhere := r.peerNetns()
		if !elsewhere || netstate.KindByKernel(r.kind).PeerKey() == "" || !slices.Contains(q.Going, r.name()) {
			continue
		}
		if p == nil {
			p = n.peers(ctx, append(slices.Concat(others(n, ""), q.Namespaces), n.namedHere()...), nil)
			p.identify()
		}
		if _, ok := p.byID[id]; !ok && !p.nameless {
			p.nameless = true
			p.identifyNameless()
		}
		if name := p.byID[id]; name != "" {
			names = append(names, name)
		}
	}
	return names
}

// nameless begins the name of a namespace that has none but that of its inode,
// as readlink(2) shows it: "net:[4026532281]". Processes are in it: a container's.
const nameless = "net:["

// identifyNameless asks for the numbers of the namespaces of processes.
func (p *peers) identifyNameless() {
	seen := map[string]bool{}
	eachProcess(func(path string) bool {
		if name, err := os.Readlink(path); err == nil && !seen[name] {
			seen[name] = true
			fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			p.note(name, fd, err)
		}
		return true
	})
}

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

// namedHere are the names of all named namespaces of the machine. One that
// cannot be listed has no name.
func (n *Namespace) namedHere() []string {
	if n.o.Named == nil {
		return nil
	}
	names, err := n.o.Named.List()
	if err != nil {
		return nil
	}
	return names
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
