package linux

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/netstate"
)

// Edit carries out edits in their order. Implied ones are passed over: the
// kernel does them by itself. Consecutive edits of addresses, routes, rules,
// neighbours and forwarding entries go to the kernel in batches.
//
// done counts the edits before the first one that was refused, which is
// described by an *executors.EditError. The kernel goes on with the rest of a
// batch after it has refused one of its messages: edits after the refused one
// may have been done, too. An error of another type means that the kernel's
// answer is not known.
func (n *Namespace) Edit(ctx context.Context, edits []netstate.Edit) (done int, err error) {
	n.setWatch(routeWatch{}) // or the kernel would tell us each of our own edits
	e := editor{n: n, edits: edits, made: map[place]bool{}}
	for done < len(edits) {
		var count int
		count, err = e.step(ctx, done)
		done += count
		if err != nil {
			return done, e.refusal(done, err)
		}
	}
	return done, nil
}

// editor carries out a list of edits.
type editor struct {
	n     *Namespace
	edits []netstate.Edit
	l     *links // of n; nil when it must be read again
	// singly tells that interfaces could not be removed together.
	singly bool
	// made has the far ends of veths that were made along with the near ones.
	made map[place]bool
	// ends has what the edits make of interfaces; nil until it is asked for.
	ends map[place]*netstate.Interface
}

// after is what the last edit of an interface makes of it; nil if there is none.
func (e *editor) after(p place) *netstate.Interface {
	if e.ends == nil {
		e.ends = map[place]*netstate.Interface{}
		for i := range e.edits {
			if o := e.edits[i].After.Link; o != nil && e.edits[i].Netns == "" {
				e.ends[place{o.Netns, o.Name}] = o
			}
		}
	}
	return e.ends[p]
}

// place is an interface by the name of its namespace ("" for the one that is
// edited) and its own.
type place struct{ netns, name string }

// refusal describes the error of the edit at index.
func (e *editor) refusal(index int, err error) error {
	text := e.edits[min(index, len(e.edits)-1)].String()
	var refused *executors.EditError
	if errors.As(err, &refused) { // in another namespace
		refused.Index, refused.Edit = index, text
		return refused
	}
	var member *memberError
	of := 0
	if errors.As(err, &member) {
		text, err = member.edit, errors.Unwrap(member.err)
		of = member.index
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errLost) {
		return fmt.Errorf("%s: %w", text, err)
	}
	return &executors.EditError{Index: index, Edit: text, Errno: int(errnoOf(err)), Member: of, Message: err.Error()}
}

// step carries out the edit at index, or the run of edits that go into one
// batch with it.
func (e *editor) step(ctx context.Context, index int) (count int, err error) {
	edit := &e.edits[index]
	switch o := object(edit); {
	case edit.Netns != "":
		return e.elsewhere(ctx, index)
	case edit.Implied:
		return 1, nil
	case o.Link != nil:
		if count, err := e.several(ctx, index); err != nil || count > 0 {
			return count, err
		}
		err = e.link(ctx, edit)
	case o.Traffic != nil:
		err = e.traffic(ctx, edit)
	case o.Sysctl != nil:
		err = e.sysctl(edit)
	case o.DNS != nil:
		err = e.dns(ctx, edit)
	case o.Namespace != nil:
		err = e.namespaceEdit(ctx, edit)
	case o.Xfrm != nil && o.Xfrm.MPTCP():
		var l *links
		if l, err = e.names(ctx); err == nil {
			_, err = e.n.mptcp(ctx, l, edit)
		}
	case o.Xfrm != nil:
		return e.xfrm(ctx, index)
	case o.Routes != nil:
		err = e.routeSet(ctx, edit)
	default:
		return e.batch(ctx, index)
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// object is what an edit is about: what will be, or what was for a deletion.
func object(e *netstate.Edit) *netstate.Object {
	if e.Op == netstate.Delete {
		return &e.Before
	}
	return &e.After
}

// names returns the registry of the interfaces, read again after links changed.
func (e *editor) names(ctx context.Context) (*links, error) {
	if e.l == nil {
		l, err := e.n.links(ctx)
		if err != nil {
			return nil, err
		}
		e.l = l
	}
	return e.l, nil
}

func (e *editor) sysctl(edit *netstate.Edit) error {
	if edit.Op == netstate.Delete || edit.After.Sysctl.Missing {
		return fmt.Errorf("a kernel parameter cannot be removed")
	}
	return e.n.writeSysctl(edit.After.Sysctl)
}

// step is one netlink message of a batch and the edit that it belongs to.
type step struct {
	index int
	op    netstate.Op
	o     *netstate.Object
}

// batch carries out the run of batchable edits that starts at index.
func (e *editor) batch(ctx context.Context, index int) (count int, err error) {
	l, err := e.names(ctx)
	if err != nil {
		return 0, err
	}
	end := index
	var steps []step
	var joined func(*netstate.MDBEntry) *netstate.Object
	for ; end < len(e.edits); end++ {
		edit := &e.edits[end]
		o := object(edit)
		if edit.Netns != "" || o.Link != nil || o.Sysctl != nil || o.Routes != nil || o.Traffic != nil || o.Xfrm != nil || o.DNS != nil || o.Namespace != nil {
			break
		}
		switch {
		case edit.Implied:
		case edit.Op == netstate.Delete && leavesRoute(o.Address):
			steps = append(steps, step{end, netstate.Modify, permanent(o.Address)}, step{end, netstate.Delete, o})
		case edit.Op == netstate.Add && o.Address != nil && e.cameUp(o.Address, end):
			steps = append(steps, step{end, netstate.Modify, o})
		case o.MDB != nil && edit.Op != netstate.Delete && o.MDB.Plain():
			if joined == nil {
				if joined, err = e.n.joined(ctx, l); err != nil {
					return 0, err
				}
			}
			if old := joined(o.MDB); old != nil {
				steps = append(steps, step{end, netstate.Delete, old})
			}
			steps = append(steps, step{end, netstate.Add, o})
		case edit.Op == netstate.Modify && o.Rule != nil:
			// A rule has no key of its own to replace it by.
			steps = append(steps, step{end, netstate.Add, &edit.After}, step{end, netstate.Delete, &edit.Before})
		default:
			steps = append(steps, step{end, edit.Op, o})
		}
	}
	done := 0
	err = e.n.with(ctx, func(s *socket) (err error) {
		done, err = s.batch(ctx, len(steps), func(i int, m *message) error {
			return encode(m, s.next(), steps[i].op, steps[i].o, l)
		})
		return err
	})
	if err != nil && done < len(steps) {
		return steps[done].index - index, err
	}
	return end - index, err
}

// cameUp tells that an edit before the one at index has made the interface of an
// IPv6 address, or has brought it up: the kernel may have given it the address by
// then, as it gives a tunnel without a remote those of its local IPv4 addresses.
func (e *editor) cameUp(a *netstate.InterfaceAddress, index int) bool {
	return a.Prefix.Addr().Is6() && slices.ContainsFunc(e.edits[:index], func(edit netstate.Edit) bool {
		i := edit.After.Link
		return i != nil && edit.Netns == "" && i.Netns == "" && i.Name == a.Device && i.Attrs["state"] == "up"
	})
}

// encode appends the message of an object that is no link.
func encode(m *message, seq uint32, op netstate.Op, o *netstate.Object, l *links) error {
	switch {
	case o.Address != nil:
		return encodeAddress(m, seq, op, o.Address, l)
	case o.Route != nil:
		return encodeRoute(m, seq, op, o.Route, l)
	case o.Nexthop != nil:
		return encodeNexthop(m, seq, op, o.Nexthop, l)
	case o.MPLS != nil:
		return encodeMPLS(m, seq, op, o.MPLS, l)
	case o.Rule != nil:
		return encodeRule(m, seq, op, o.Rule)
	case o.Neighbor != nil:
		return encodeNeighbor(m, seq, op, o.Neighbor, l)
	case o.MDB != nil:
		return encodeMDB(m, seq, op, o.MDB, l)
	case o.FDB != nil:
		return encodeFDB(m, seq, op, o.FDB, l)
	}
	return fmt.Errorf("the edit has no object: %w", unix.EINVAL)
}
