package linux

import (
	"context"
	"slices"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

const (
	// linksAtOnce is how many interfaces are made in one write: the kernel may
	// take milliseconds for one of them, and a write is not given up in between.
	linksAtOnce = 32
	// bornLeast is how many are worth it: their numbers are read afterwards, with
	// those of all others.
	bornLeast = 16
)

// said tells that the message that makes an interface says all that it is to
// have.
func said(kind *netstate.Kind, want *netstate.Interface) bool {
	for key := range want.Attrs {
		if key != "state" && key != kind.PeerKey() && key != kind.PeerTargetKey() && !slices.Contains(createKeys, key) {
			return false
		}
	}
	return pinned(want) == want
}

// newcomer is an interface that is made in one write with others.
type newcomer struct {
	index   int     // of its edit
	peer    *farEnd // nil for kinds without
	refused bool
}

// newcomers appends the messages for the run of edits from index on that make
// interfaces here and have nothing else to set.
func (w *linkWriter) newcomers(m *message, seq uint32, index int) (list []newcomer) {
	ends := map[place]bool{}
	for ; index < len(w.e.edits) && len(list) < linksAtOnce; index++ {
		edit := &w.e.edits[index]
		want := edit.After.Link
		if edit.Implied && edit.Netns == "" {
			continue
		}
		if edit.Netns != "" || edit.Op != netstate.Add || want == nil || want.Netns != "" || want.LowerHere {
			break
		}
		kind, at := netstate.KindByName(want.Type), place{"", want.Name}
		_, target := want.Peer()
		if kind == nil || !kind.Creatable || target != "" || !said(kind, want) || ends[at] || w.e.made[at] {
			break
		}
		// What cannot be written is told where it is made by itself.
		peer, err := w.peerOf(want, "")
		if err != nil {
			break
		}
		size := len(m.b)
		m.begin(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, seq+uint32(len(list)))
		if encodeCreate(m, kind, want, want.Index, -1, peer, nil) != nil {
			m.b = m.b[:size]
			break
		}
		m.end()
		if peer != nil {
			ends[peer.place] = true
		}
		list = append(list, newcomer{index: index, peer: peer})
	}
	return list
}

// born makes the interfaces of the edits from index on in one write, if that is
// worth it, and returns how many edits that was. What the kernel refuses is made
// by itself then, which says why.
func (e *editor) born(ctx context.Context, index int) (count int, err error) {
	w := &linkWriter{e: e, n: e.n}
	var list []newcomer
	err = e.n.with(ctx, func(s *socket) error {
		var m message
		first := s.upcoming()
		if list = w.newcomers(&m, first, index); len(list) < bornLeast {
			list = nil
			return nil
		}
		s.seq += uint32(len(list))
		return s.exchange(ctx, &m, first, len(list), func(at int, _ *kernelError) { list[at].refused = true })
	})
	if err != nil || len(list) == 0 {
		return 0, err
	}
	e.l = nil // their numbers are not known
	for i := range list {
		if peer := list[i].peer; peer != nil && !list[i].refused {
			e.made[peer.place] = true
		}
	}
	for i := range list {
		if list[i].refused {
			if err := e.link(ctx, &e.edits[list[i].index]); err != nil {
				return list[i].index - index, err
			}
		}
	}
	return list[len(list)-1].index + 1 - index, nil
}
