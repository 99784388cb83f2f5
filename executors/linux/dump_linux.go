package linux

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// dumpTries bounds how often an interrupted dump is repeated. Most succeed at
// the second try. But for two seconds after many interfaces have come up the
// kernel is busy with their addresses (RFC 4862, section 5.4.2), so that later
// tries wait, about three seconds in all.
const (
	dumpTries = 20
	atOnce    = 8
)

// pauseBefore waits before a try of a dump, the first of which is 0.
func pauseBefore(ctx context.Context, try int) error {
	if try < atOnce {
		return nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(min(5*time.Millisecond<<(try-atOnce), 400*time.Millisecond)):
		return nil
	}
}

// dump asks for a table and hands every message of the answer to take. build
// writes the request's fixed header and its filters. When the dump has been
// interrupted, or a reply was lost, it starts anew, calling reset before each
// try: what has been read of an interrupted dump may never have been true.
func (n *Namespace) dump(ctx context.Context, typ uint16, build func(*message), reset func(), take func(reply)) error {
	for try := range dumpTries {
		if err := pauseBefore(ctx, try); err != nil {
			return err
		}
		reset()
		err := n.with(ctx, func(s *socket) error { return s.dump(ctx, typ, build, take) })
		if !errors.Is(err, errLost) {
			return err
		}
	}
	return fmt.Errorf("reading a table that changes all the time: interrupted %d times: %w", dumpTries, errLost)
}

func (s *socket) dump(ctx context.Context, typ uint16, build func(*message), take func(reply)) error {
	var m message
	seq := s.next()
	m.begin(typ, unix.NLM_F_DUMP, seq)
	build(&m)
	m.end()
	if err := s.send(ctx, m.b); err != nil {
		return err
	}
	interrupted := false
	for {
		b, err := s.receive(ctx)
		if err != nil {
			return err
		}
		done, err := readDump(b, seq, &interrupted, take)
		if err != nil {
			return err
		}
		if done && interrupted {
			return errLost
		}
		if done {
			return nil
		}
	}
}

// readDump hands the messages of one datagram to take, and reports the end of
// the dump.
func readDump(b []byte, seq uint32, interrupted *bool, take func(reply)) (done bool, err error) {
	for {
		r, rest, ok := split(b)
		if !ok {
			return false, nil
		}
		b = rest
		if r.seq != seq {
			continue
		}
		if r.flags&unix.NLM_F_DUMP_INTR != 0 {
			*interrupted = true
		}
		switch r.typ {
		case unix.NLMSG_DONE:
			return true, dumpEnd(r)
		case unix.NLMSG_ERROR:
			if e := parseError(r.flags, r.body); e != nil {
				return true, e
			}
		case unix.NLMSG_NOOP:
		case unix.NLMSG_OVERRUN:
			return true, errLost
		default:
			take(r)
		}
	}
}

// dumpEnd reads the code that NLMSG_DONE carries.
func dumpEnd(r reply) error {
	code := int32(u32(r.body))
	if code >= 0 {
		return nil
	}
	e := &kernelError{errno: unix.Errno(-code)}
	if r.flags&unix.NLM_F_ACK_TLVS != 0 && len(r.body) >= 4 {
		e.extended(r.body[4:])
	}
	return e
}

// get sends one request and reads its answer, up to the acknowledgement; take
// may be nil.
func (s *socket) get(ctx context.Context, typ uint16, build func(*message), take func(reply)) error {
	return s.getFlags(ctx, typ, 0, build, take)
}

func (s *socket) getFlags(ctx context.Context, typ, flags uint16, build func(*message), take func(reply)) error {
	var m message
	seq := s.next()
	m.begin(typ, flags|unix.NLM_F_ACK, seq)
	build(&m)
	m.end()
	if err := s.send(ctx, m.b); err != nil {
		return err
	}
	for {
		b, err := s.receive(ctx)
		if err != nil {
			return err
		}
		for {
			r, rest, ok := split(b)
			if !ok {
				break
			}
			b = rest
			switch {
			case r.seq != seq:
			case r.typ == unix.NLMSG_ERROR:
				if e := parseError(r.flags, r.body); e != nil {
					return e
				}
				return nil
			case take != nil:
				take(r)
			}
		}
	}
}

// get is a request on a socket of the namespace.
func (n *Namespace) get(ctx context.Context, typ uint16, build func(*message), take func(reply)) error {
	return n.with(ctx, func(s *socket) error { return s.get(ctx, typ, build, take) })
}
