package linux

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// Commands and attributes of linux/mptcp_pm.h; the tables of package netstate have
// the others.
const (
	mptcpAddAddr   = 1
	mptcpDelAddr   = 2
	mptcpGetAddr   = 3
	mptcpSetLimits = 5
	mptcpGetLimits = 6
	mptcpSetFlags  = 7

	mptcpAddr  = 1
	mptcpFlags = 6

	mptcpFamily   = 1
	mptcpKnown    = 0b101111 // flags that have words
	mptcpImplicit = 1 << 4   // MPTCP_PM_ADDR_FLAG_IMPLICIT
)

// observeMPTCP adds endpoints and limits. Where the kernel has none, that is said
// among what it lacks.
func (n *Namespace) observeMPTCP(ctx context.Context, s *netstate.State, l *links) error {
	list, err := n.mptcp(ctx, l, nil)
	if errors.Is(err, unix.EOPNOTSUPP) {
		note(s, "mptcp", "the running kernel is built without Multipath TCP (CONFIG_MPTCP)")
		return nil
	}
	s.Xfrm = append(s.Xfrm, list...)
	return err
}

// mptcp carries out an edit, or, without one, reads what there is. An endpoint that
// the kernel made by itself, for a connection, or whose flags have no words, is left
// alone; but the former goes where one of its address is made.
func (n *Namespace) mptcp(ctx context.Context, l *links, edit *netstate.Edit) (list []netstate.Xfrm, err error) {
	g, err := n.generic(ctx, "mptcp_pm")
	if err != nil {
		return nil, err
	}
	defer g.close()
	nothing := func(*message) {}
	take := func(b []byte) {
		x := netstate.Xfrm{Sort: netstate.MPTCPLimits, Attrs: netstate.Attrs{}}
		if a := attribute(b, mptcpAddr); a != nil {
			x.Sort, b = netstate.MPTCPEndpoint, a
		}
		attrs := netstate.XfrmAttrs(x.Sort)
		for i := range attrs {
			a := &attrs[i]
			p := attribute(b, a.IFLA)
			if p == nil {
				p = attribute(b, a.IFLA6)
			}
			if v, ok := decodeAttr(a, p, l); ok && v != a.Default {
				x.Attrs[a.Key] = v
			}
		}
		wanted := uint32(0)
		if edit != nil && edit.Op == netstate.Add {
			wanted = mptcpImplicit
		}
		if u32(attribute(b, mptcpFlags))&^mptcpKnown == wanted && (edit == nil || netstate.CompareXfrm(&x, object(edit).Xfrm) == 0) {
			list = append(list, x)
		}
	}
	err = g.dump(ctx, mptcpGetAddr, nothing, func() { list = nil }, take)
	switch {
	case err != nil:
	case edit != nil:
		err = g.edit(ctx, l, edit, list)
	default:
		err = g.do(ctx, mptcpGetLimits, nothing, take)
	}
	return list, err
}

// edit makes, changes or removes an endpoint, or sets the limits. What is in its way
// goes first.
func (g *generic) edit(ctx context.Context, l *links, edit *netstate.Edit, inWay []netstate.Xfrm) error {
	x := object(edit).Xfrm
	command := uint8(mptcpAddAddr)
	switch {
	case x.Sort == netstate.MPTCPLimits:
		command = mptcpSetLimits
	case edit.Op == netstate.Modify && !edit.Replaces:
		command = mptcpSetFlags
	default:
		for i := range inWay {
			delete(inWay[i].Attrs, "dev") // it may be gone
			if err := g.send(ctx, mptcpDelAddr, &inWay[i], l); err != nil {
				return err
			}
		}
	}
	if edit.Op == netstate.Delete {
		return nil
	}
	return g.send(ctx, command, x, l)
}

// send sends one command about an endpoint or the limits.
func (g *generic) send(ctx context.Context, command uint8, x *netstate.Xfrm, l *links) error {
	var m message
	at := -1
	if x.Sort == netstate.MPTCPEndpoint {
		at = m.nest(mptcpAddr)
		family := uint16(unix.AF_INET)
		if strings.Contains(x.Attrs["address"], ":") {
			family = unix.AF_INET6
		}
		m.u16(mptcpFamily, family)
	}
	list := netstate.XfrmAttrs(x.Sort)
	w := &attrWriter{m: &m, l: l}
	if dev := x.Attrs["dev"]; l.byName[dev] == 0 {
		// The kernel does not look whether it is there (mptcp_pm_parse_entry).
		if gone := netstate.NumberedLink(dev); gone != 0 && l.byIndex[gone] == "" {
			w.l = newLinks()
			w.l.add(gone, dev)
		}
	}
	for i := range list {
		if v := x.Get(list[i].Key); v != "" {
			if err := w.set(&list[i], v, ""); err != nil {
				return err
			}
		}
	}
	w.flush(x.Attrs, list)
	if at >= 0 {
		m.endNest(at)
	}
	return g.do(ctx, command, func(to *message) { to.raw(m.b...) }, nil)
}
