package linux

import (
	"context"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// peers names interfaces in other namespaces: by the number that this
// namespace has for the other one, and the interface's index there.
type peers struct {
	n        *Namespace
	ctx      context.Context
	names    []string         // of the namespaces to look at
	observed *Namespace       // is called ""; may be nil
	byID     map[int32]string // filled at the first question
	links    map[string]*links
}

func (n *Namespace) peers(ctx context.Context, names []string, observed *Namespace) *peers {
	return &peers{n: n, ctx: ctx, names: names, observed: observed, links: map[string]*links{}}
}

// fill names the other end of a pair, if it is in a namespace that is known. One
// that cannot be looked up stays unnamed: that is all that can be said of it.
func (p *peers) fill(i *netstate.Interface, id int32, index int) {
	name, peer := p.find(id, index)
	if kind := netstate.KindByName(i.Type); peer != "" {
		i.Attrs[kind.PeerKey()] = peer
		if name != "" {
			i.Attrs[kind.PeerTargetKey()] = name
		}
	}
}

// find is the interface of a number in a namespace of a number, "" if it is not
// known.
func (p *peers) find(id int32, index int) (netns, name string) {
	if p.byID == nil {
		p.identify()
	}
	netns, ok := p.byID[id]
	if !ok {
		return "", ""
	}
	l, ok := p.links[netns]
	if !ok {
		l = p.linksOf(netns)
		p.links[netns] = l
	}
	return netns, l.byIndex[index]
}

// below names the interface that i lies on, if that is in the observed namespace.
func (p *peers) below(i *netstate.Interface, key string, id int32, index int) {
	delete(i.Attrs, key) // it was looked up in the wrong place
	if p.observed == nil {
		return
	}
	if netns, name := p.find(id, index); netns == "" && name != "" {
		i.Attrs[key], i.LowerHere = name, true
	}
}

// identify asks for the number of every known namespace.
func (p *peers) identify() {
	p.byID = map[int32]string{}
	if p.observed != nil {
		fd, err := p.observed.descriptor()
		p.note("", fd, err)
	}
	for _, name := range p.names {
		fd, err := p.n.resolve(name)
		p.note(name, fd, err)
	}
}

// note asks for the number of a namespace, which is closed.
func (p *peers) note(name string, fd int, err error) {
	if err != nil {
		return
	}
	if id, err := p.n.nsid(p.ctx, fd); err == nil && id >= 0 {
		if _, taken := p.byID[id]; !taken {
			p.byID[id] = name
		}
	}
	_ = unix.Close(fd)
}

func (p *peers) linksOf(name string) *links {
	m := p.observed
	if name != "" {
		var err error
		if m, err = p.n.other(name); err != nil {
			return newLinks()
		}
		defer func() { _ = m.Close() }()
	}
	l, err := m.links(p.ctx)
	if err != nil {
		return newLinks()
	}
	return l
}

// nsid asks for the number that this namespace has for another (RTM_GETNSID);
// -1 if it has none yet.
func (n *Namespace) nsid(ctx context.Context, fd int) (id int32, err error) {
	id = -1
	err = n.get(ctx, unix.RTM_GETNSID, func(m *message) {
		m.raw(0, 0, 0, 0) // struct rtgenmsg, padded
		m.u32(unix.NETNSA_FD, uint32(fd))
	}, func(r reply) {
		if r.typ != unix.RTM_NEWNSID || len(r.body) < 4 {
			return
		}
		for typ, b := range attributes(r.body[4:]) {
			if typ == unix.NETNSA_NSID {
				id = int32(u32(b))
			}
		}
	})
	return id, err
}
