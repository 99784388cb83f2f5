package linux

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"
)

const (
	// batchMessages go to the kernel in one write. Speed is flat from 64 up;
	// with as many failures at once, the replies still fit into the receive
	// buffer that an unprivileged process gets.
	batchMessages = 128
	batchBytes    = 48 << 10
)

// batch sends count messages, built one by one, with an acknowledgement asked
// on the last of each write only: a refused message answers by itself, with
// its own sequence number. It stops after the first write in which a message
// was refused, and returns the index of the first refused one with its error.
// The kernel does not stop at an error: later messages of the same write may
// have been done.
func (s *socket) batch(ctx context.Context, count int, build func(i int, m *message) error) (done int, err error) {
	m := message{b: make([]byte, 0, batchBytes+4096)}
	for done < count {
		m.b = m.b[:0]
		first, n := s.upcoming(), 0
		var refused error
		for done+n < count && n < batchMessages && len(m.b) < batchBytes {
			at, start := len(m.b), m.start
			if refused = build(done+n, &m); refused != nil {
				m.b, m.start = m.b[:at], start
				break
			}
			n++
		}
		if n > 0 {
			failed := n
			var refusal error
			err := s.exchange(ctx, &m, first, n, func(at int, e *kernelError) {
				if at < failed {
					failed, refusal = at, e
				}
			})
			if err = errors.Join(refusal, err); err != nil {
				return done + failed%n, err
			}
		}
		done += n
		if refused != nil {
			return done, refused
		}
	}
	return done, nil
}

// upcoming is the sequence number of the first message of a write: no reply to a
// number of this write is older.
func (s *socket) upcoming() uint32 {
	if s.seq > 1<<31 {
		s.seq = 0
	}
	return s.seq + 1
}

// exchange sends the n messages in m, the first of which has the sequence
// number first, and reads replies up to that of the last. Each message that was
// refused is handed to refuse, by its index.
func (s *socket) exchange(ctx context.Context, m *message, first uint32, n int, refuse func(at int, e *kernelError)) error {
	m.flag(unix.NLM_F_ACK)
	if err := s.send(ctx, m.b); err != nil {
		return err
	}
	for {
		b, err := s.receive(ctx)
		if err != nil {
			return err
		}
		if acknowledged(b, first, n, refuse) {
			return nil
		}
	}
}

// acknowledged hands the refusals in a datagram to refuse, by the index of the
// message that they answer, and reports whether the last one was answered.
func acknowledged(b []byte, first uint32, n int, refuse func(at int, e *kernelError)) (last bool) {
	for {
		r, rest, ok := split(b)
		if !ok {
			return last
		}
		b = rest
		at := int(r.seq - first)
		if r.typ != unix.NLMSG_ERROR || at < 0 || at >= n {
			continue
		}
		if e := parseError(r.flags, r.body); e != nil {
			refuse(at, e)
		}
		last = last || at == n-1
	}
}
