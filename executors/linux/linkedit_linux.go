package linux

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// link carries out an edit of an interface.
func (e *editor) link(ctx context.Context, edit *netstate.Edit) error {
	at := object(edit).Link
	err := e.linkHere(ctx, edit, at)
	came := edit.Before.Link != nil && edit.Before.Link.Netns != ""
	if err != nil || edit.Op == netstate.Delete || edit.Replaces || came || at.Netns != "" || at.Attrs["netns"] != "" {
		e.l = nil // other names and numbers than those of the edit changed
	}
	return err
}

func (e *editor) linkHere(ctx context.Context, edit *netstate.Edit, at *netstate.Interface) error {
	netns := at.Netns
	if edit.Op == netstate.Modify {
		netns = edit.Before.Link.Netns
	}
	n := e.n
	if netns != "" {
		m, err := n.other(netns)
		if err != nil {
			return err
		}
		defer func() { _ = m.Close() }()
		n = m
		if edit.Op == netstate.Add && (at.LowerHere || !m.hasLower(ctx, at)) {
			n, netns = e.n, ""
		}
	}
	w := &linkWriter{e: e, n: n, netns: netns}
	if err := n.keepKeys(ctx, edit); err != nil {
		return err
	}
	switch {
	case edit.Op == netstate.Delete:
		return w.delete(ctx, at)
	case edit.Op == netstate.Add:
		return w.add(ctx, at)
	case edit.Replaces:
		if err := w.delete(ctx, edit.Before.Link); err != nil {
			return err
		}
		return w.add(ctx, at)
	}
	return w.modify(ctx, edit.Before.Link, at)
}

// hasLower tells whether the interface that i lies on is in n. If it is not,
// i is made where that one is, and born into its own namespace.
func (n *Namespace) hasLower(ctx context.Context, i *netstate.Interface) bool {
	kind := netstate.KindByName(i.Type)
	if kind == nil {
		return true
	}
	for _, a := range kind.Attrs {
		if name := i.Attrs[a.Key]; a.Type == netstate.LinkRef && name != "" {
			index, err := n.lookup(ctx, name)
			return err != nil || index != 0
		}
	}
	return true
}

// linkWriter makes and changes interfaces of one namespace.
type linkWriter struct {
	e     *editor
	n     *Namespace
	netns string // its name as the edits have it; "" is the edited one
	l     *links
}

func (w *linkWriter) names(ctx context.Context) (*links, error) {
	if w.l == nil && w.n == w.e.n {
		l, err := w.e.names(ctx)
		w.l = l
		return l, err
	}
	if w.l == nil {
		l, err := w.n.links(ctx)
		if err != nil {
			return nil, err
		}
		w.l = l
	}
	return w.l, nil
}

func (w *linkWriter) delete(ctx context.Context, i *netstate.Interface) error {
	index, err := w.n.lookup(ctx, i.Name)
	if err != nil {
		return err
	}
	if index == 0 {
		return unix.ENODEV
	}
	w.l, w.e.l = nil, nil
	if i.Type == "team" { // with or without a runner: one may have been about to start
		if err := w.n.endTeamd(ctx, i.Name); err != nil {
			return err
		}
	}
	return w.n.get(ctx, unix.RTM_DELLINK, func(m *message) { m.ifinfo(index, 0, 0) }, nil)
}

// modify sets what differs between two descriptions of one interface, and
// moves it to another namespace if they say so.
func (w *linkWriter) modify(ctx context.Context, before, after *netstate.Interface) error {
	if to, moves := w.destination(before, after); moves {
		return w.move(ctx, to, after)
	}
	l, err := w.names(ctx)
	if err != nil {
		return err
	}
	index, err := l.index(before.Name)
	if err != nil {
		return err
	}
	return w.configure(ctx, index, before, after)
}

// destination is the namespace that an interface is to be in, when that is
// another one than where it is.
func (w *linkWriter) destination(before, after *netstate.Interface) (to string, moves bool) {
	to = after.Netns
	if v := after.Attrs["netns"]; v != "" {
		to = v
	}
	return to, to != before.Netns
}

// move puts an interface into another namespace and sets there what it is to
// be: the kernel takes it down and out of its bridge on the way.
func (w *linkWriter) move(ctx context.Context, to string, after *netstate.Interface) error {
	index, err := w.n.lookup(ctx, after.Name)
	if err != nil {
		return err
	}
	if index == 0 {
		return unix.ENODEV
	}
	fd, err := w.e.descriptor(to)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	err = w.n.get(ctx, unix.RTM_NEWLINK, func(m *message) {
		m.ifinfo(index, 0, 0)
		m.u32(unix.IFLA_NET_NS_FD, uint32(fd))
	}, nil)
	if err != nil {
		return err
	}
	return w.settle(ctx, to, after)
}

// settle sets what is left to set on an interface that has been made or moved.
func (w *linkWriter) settle(ctx context.Context, netns string, want *netstate.Interface) error {
	there := w
	if netns != w.netns {
		m, err := w.e.namespace(netns)
		if err != nil {
			return err
		}
		defer func() { _ = m.Close() }()
		there = &linkWriter{e: w.e, n: m, netns: netns}
	}
	l, err := there.names(ctx)
	if err != nil {
		return err
	}
	raw, ok, err := there.n.rawLink(ctx, want.Name)
	if err != nil {
		return err
	}
	if !ok {
		return unix.ENODEV
	}
	l.add(raw.index, want.Name)
	if peer, netns := want.Peer(); peer != "" && netns == there.netns && raw.link() != 0 {
		l.add(raw.link(), peer) // it came along
	}
	have := interfaceOf(&raw, l)
	if err := there.n.complete(ctx, &have); err != nil {
		return err
	}
	if kind := netstate.KindByName(want.Type); want.LowerHere && kind != nil {
		have.Attrs[kind.Below] = want.Attrs[kind.Below]
	}
	for key := range want.Attrs {
		if netstate.IsEthtool(key) {
			if err := there.n.fillEthtool(ctx, raw.index, []*netstate.Interface{&have}, true); err != nil {
				return err
			}
			break
		}
	}
	return there.configure(ctx, raw.index, &have, want)
}

// descriptor opens a namespace by its name; "" is the edited one. The caller
// closes it.
func (e *editor) descriptor(netns string) (int, error) {
	if netns != "" {
		return e.n.resolve(netns)
	}
	return e.n.descriptor()
}

// descriptor duplicates the descriptor of n's namespace.
func (n *Namespace) descriptor() (int, error) {
	if n.fd < 0 {
		return unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	return unix.FcntlInt(uintptr(n.fd), unix.F_DUPFD_CLOEXEC, 0)
}

// namespace opens a namespace by its name; "" is the edited one. The caller
// closes it.
func (e *editor) namespace(netns string) (*Namespace, error) {
	if netns != "" {
		return e.n.other(netns)
	}
	o := e.n.o
	o.NS = e.n.fd
	m, err := Open(o)
	if err == nil {
		m.vault = e.n.vault
	}
	return m, err
}

// create sends the message that makes an interface. The number that it had is
// asked for first, and given up if another one has it.
func (w *linkWriter) create(ctx context.Context, want *netstate.Interface, build func(m *message, index int) error) error {
	for _, index := range []int{want.Index, 0} {
		var bad error
		err := w.n.with(ctx, func(s *socket) error {
			return s.getFlags(ctx, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(m *message) { bad = build(m, index) }, nil)
		})
		switch {
		case bad != nil:
			return bad
		case errors.Is(err, unix.EEXIST) && index != 0, errors.Is(err, unix.EBUSY) && index != 0:
			if taken, lookErr := w.n.lookup(ctx, want.Name); lookErr != nil || taken != 0 {
				return err
			}
			continue
		case errors.Is(err, unix.EOPNOTSUPP):
			return w.unsupported(want, err)
		}
		return err
	}
	return nil
}

// unsupported says what the kernel lacks for a kind of interface.
func (w *linkWriter) unsupported(want *netstate.Interface, err error) error {
	kind := netstate.KindByName(want.Type)
	if kind == nil || kind.Module == "" {
		return err
	}
	return fmt.Errorf("%w: the kernel has no interfaces of type %s; load the module %s (%s)", err, want.Type, kind.Module, kind.Option)
}
