package linux

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// setLeast is how many routes that differ in nothing but the destination are
// worth a set.
const setLeast = 16

// setReader gathers routes by everything but their destinations: of a table of
// a million routes only as many are decoded as there are ways.
type setReader struct {
	routeReader
	groups map[string]*routeGroup
	order  []*routeGroup
	last   *routeGroup
	key    []byte
}

// routeGroup are the routes that are the same but for the destination.
type routeGroup struct {
	key    string
	route  netstate.Route
	ok     bool
	passed int // of each: 1 if netstate has no words for them
	list   netstate.PrefixList
}

// take reads one struct rtmsg with its attributes.
func (d *setReader) take(b []byte) {
	if len(b) < unix.SizeofRtMsg {
		return
	}
	var dst []byte
	// All of the header but the length of the destination, and all attributes
	// but the destination and what is different each time it is asked for.
	d.key = append(append(append(d.key[:0], b[0]), b[2:8]...), b[8:unix.SizeofRtMsg]...)
	for rest := b[unix.SizeofRtMsg:]; len(rest) >= 4; {
		n := int(u16(rest))
		if n < 4 || n > len(rest) {
			break
		}
		switch u16(rest[2:]) {
		case unix.RTA_DST:
			dst = rest[4:n]
		case unix.RTA_CACHEINFO:
		default:
			d.key = append(d.key, rest[:n]...)
		}
		rest = rest[min((n+3)&^3, len(rest)):]
	}
	g := d.last
	if g == nil || g.key != string(d.key) {
		g = d.groups[string(d.key)]
	}
	if g == nil {
		g = d.group(b)
	}
	d.last = g
	d.passed += g.passed
	switch {
	case !g.ok:
	case b[0] == unix.AF_INET && len(dst) == 4 && b[1] <= 32:
		g.list.Add4(binary.BigEndian.Uint32(dst), b[1])
	case dst == nil:
		g.list.Add(prefix(zeroAddress(b[0]), int(b[1])))
	default:
		g.list.Add(prefix(address(dst), int(b[1])))
	}
}

// group makes the group of a route that has none.
func (d *setReader) group(b []byte) *routeGroup {
	before := d.passed
	g := &routeGroup{key: string(d.key)}
	g.route, g.ok = d.decode(b)
	g.passed, d.passed = d.passed-before, before
	d.groups[g.key] = g
	d.order = append(d.order, g)
	return g
}

// dumpRouteSets reads the routes of all tables, with sets where many are alike.
// It returns how many there are, or 0 where some change without a word.
func (n *Namespace) dumpRouteSets(ctx context.Context, s *netstate.State, l *links) (told int, err error) {
	s.Routes = []netstate.Route{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		var d *setReader
		err := n.dumpRoutes(ctx, family, func() {
			d = &setReader{routeReader: routeReader{l: l}, groups: map[string]*routeGroup{}}
		}, func(r reply) {
			if r.typ == unix.RTM_NEWROUTE {
				d.take(r.body)
			}
		})
		if err != nil {
			return 0, err
		}
		for _, g := range d.order {
			if told += g.list.Len(); g.route.Protocol == protocolRA {
				told = math.MinInt
			}
			g.put(s)
		}
		s.UnreadRoutes += d.passed
	}
	return told, nil
}

// put adds the routes of the group to a state.
func (g *routeGroup) put(s *netstate.State) {
	if !g.ok {
		return
	}
	four, six := g.list.Sets()
	for _, p := range []netstate.Prefixes{four, six} {
		set := netstate.RouteSet{Route: g.route, Prefixes: p}
		set.Route.Destination = prefix(zeroAddress(0), -1)
		if p.Len() >= setLeast {
			s.RouteSets = append(s.RouteSets, set)
			continue
		}
		for i := range p.Len() {
			s.Routes = append(s.Routes, set.At(i))
		}
	}
}

// memberError is the refusal of one route of a set.
type memberError struct {
	edit  string // of the one route
	index int
	err   error
}

func (e *memberError) Error() string { return e.err.Error() }
func (e *memberError) Unwrap() error { return e.err }

// routeSet carries out an edit of a set of routes: one message is built, and
// the destination written into its copies.
func (e *editor) routeSet(ctx context.Context, edit *netstate.Edit) error {
	l, err := e.names(ctx)
	if err != nil {
		return err
	}
	set := object(edit).Routes
	first := set.At(0)
	var model message
	if err := encodeRoute(&model, 0, edit.Op, &first, l); err != nil {
		return err
	}
	const length, destination = unix.NLMSG_HDRLEN + 1, unix.NLMSG_HDRLEN + unix.SizeofRtMsg + 4
	done := 0
	err = e.n.with(ctx, func(s *socket) (err error) {
		done, err = s.batch(ctx, set.Prefixes.Len(), func(i int, m *message) error {
			m.start = len(m.b)
			m.b = append(m.b, model.b...)
			own := m.b[m.start:]
			binary.NativeEndian.PutUint32(own[8:], s.next())
			p := set.Prefixes.At(i)
			own[length] = uint8(p.Bits())
			if p.Addr().Is4() {
				a := p.Addr().As4()
				copy(own[destination:], a[:])
			} else {
				a := p.Addr().As16()
				copy(own[destination:], a[:])
			}
			return nil
		})
		return err
	})
	if err == nil {
		return nil
	}
	one := *edit
	if done < set.Prefixes.Len() {
		one = edit.Singly()[done]
	}
	return &memberError{one.String(), done, fmt.Errorf("%s: %w", one.String(), err)}
}
