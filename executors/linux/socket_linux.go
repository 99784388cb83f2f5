package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// receiveBuffer is asked of the kernel; unprivileged it gives less.
	receiveBuffer = 4 << 20
	// replyTimeout bounds each wait for the kernel where the context has no
	// earlier deadline.
	replyTimeout = 30 * time.Second
	// waitSlice is how long a wait takes no notice of its context, in milliseconds.
	waitSlice = 50
)

// errLost means that the kernel dropped a reply (ENOBUFS) or that a dump was
// interrupted by a change: what is known is not the truth, so ask again.
var errLost = errors.New("the kernel's answer was lost")

// socket is one rtnetlink socket; one request at a time uses it. It is not among
// what the runtime polls: the kernel mostly answers before the call that asks
// returns, and each answer would wake a thread that has nothing to do.
type socket struct {
	fd  int
	seq uint32
	buf []byte
}

// openSocket opens a socket in the namespace of the calling thread.
func openSocket() (*socket, error) { return openProtocol(unix.NETLINK_ROUTE) }

func openProtocol(protocol int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	for _, option := range []int{unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK, unix.NETLINK_GET_STRICT_CHK} {
		// Kernels before 4.20 lack some of these; replies are then only
		// wordier, and every dump is filtered again when it is read.
		_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, option, 1)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("binding a netlink socket: %w", err)
	}
	return &socket{fd: fd, buf: make([]byte, 64<<10)}, nil
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// next returns a new sequence number, never 0 (the kernel's own messages).
func (s *socket) next() uint32 {
	s.seq++
	if s.seq == 0 {
		s.seq = 1
	}
	return s.seq
}

// send hands messages to the kernel, which works on them before this returns.
func (s *socket) send(ctx context.Context, b []byte) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := unix.Sendto(s.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		switch {
		case err == nil:
			return nil
		case err == unix.ENOBUFS:
			return errLost
		case err != unix.EINTR:
			return fmt.Errorf("sending to the kernel: %w", err)
		}
	}
}

// receive reads one datagram; it is valid until the next call.
func (s *socket) receive(ctx context.Context) ([]byte, error) {
	var since time.Time
	for {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("waiting for the kernel: %w", context.Cause(ctx))
		}
		n, _, err := unix.Recvfrom(s.fd, s.buf, unix.MSG_TRUNC)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			if since.IsZero() {
				since = time.Now()
			} else if time.Since(since) > replyTimeout {
				return nil, fmt.Errorf("waiting for the kernel: no answer within %v: %w", replyTimeout, os.ErrDeadlineExceeded)
			}
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, waitSlice)
		case err == unix.ENOBUFS:
			return nil, errLost
		case err != nil:
			return nil, fmt.Errorf("waiting for the kernel: %w", err)
		case n > len(s.buf):
			// Too small: what was cut off is gone.
			s.buf = make([]byte, n)
			return nil, errLost
		default:
			return s.buf[:n], nil
		}
	}
}

// reply is one message from the kernel.
type reply struct {
	typ, flags uint16
	seq        uint32
	body       []byte
}

// split cuts the first message off a datagram. ok is false at its end, and
// where the rest is garbled.
func split(b []byte) (r reply, rest []byte, ok bool) {
	if len(b) < unix.NLMSG_HDRLEN {
		return r, nil, false
	}
	n := int(u32(b))
	if n < unix.NLMSG_HDRLEN || n > len(b) {
		return r, nil, false
	}
	r = reply{typ: u16(b[4:]), flags: u16(b[6:]), seq: u32(b[8:]), body: b[unix.NLMSG_HDRLEN:n]}
	n = (n + 3) &^ 3
	if n > len(b) {
		n = len(b)
	}
	return r, b[n:], true
}
