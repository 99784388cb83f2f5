package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// receiveBuffer is asked of the kernel; unprivileged it gives less.
	receiveBuffer = 4 << 20
	// replyTimeout bounds each wait for the kernel where the context has no
	// earlier deadline. A dump answers at once, a change when it is made;
	// only the removal of many links in one message takes seconds.
	replyTimeout = 30 * time.Second
)

// errLost means that the kernel dropped a reply (ENOBUFS) or that a dump was
// interrupted by a change: what is known is not the truth, so ask again.
var errLost = errors.New("the kernel's answer was lost")

// socket is one rtnetlink socket; one request at a time uses it.
type socket struct {
	f   *os.File
	raw syscall.RawConn
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
	f := os.NewFile(uintptr(fd), "netlink")
	raw, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	return &socket{f: f, raw: raw, buf: make([]byte, 64<<10)}, nil
}

func (s *socket) close() { _ = s.f.Close() }

// next returns a new sequence number, never 0 (the kernel's own messages).
func (s *socket) next() uint32 {
	s.seq++
	if s.seq == 0 {
		s.seq = 1
	}
	return s.seq
}

// bound makes the waits of the socket end with ctx. The caller runs the
// returned function when the request is over; false tells that the context
// ended meanwhile, and the socket with it.
func (s *socket) bound(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() { _ = s.f.SetDeadline(time.Unix(1, 0)) })
}

// deadline renews the deadline of the next wait.
func (s *socket) deadline(ctx context.Context) error {
	deadline := time.Now().Add(replyTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := s.f.SetDeadline(deadline); err != nil {
		return fmt.Errorf("setting a netlink socket's deadline: %w", err)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// send hands messages to the kernel, which works on them before this returns.
func (s *socket) send(ctx context.Context, b []byte) error {
	if err := s.deadline(ctx); err != nil {
		return err
	}
	var sent error
	err := s.raw.Write(func(fd uintptr) bool {
		sent = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return sent != unix.EAGAIN && sent != unix.EINTR
	})
	return s.wait(ctx, "sending to the kernel", errors.Join(err, sent))
}

// receive reads one datagram; it is valid until the next call.
func (s *socket) receive(ctx context.Context) ([]byte, error) {
	if err := s.deadline(ctx); err != nil {
		return nil, err
	}
	var n int
	var got error
	err := s.raw.Read(func(fd uintptr) bool {
		n, _, got = unix.Recvfrom(int(fd), s.buf, unix.MSG_TRUNC)
		return got != unix.EAGAIN && got != unix.EINTR
	})
	if err := s.wait(ctx, "waiting for the kernel", errors.Join(err, got)); err != nil {
		return nil, err
	}
	if n > len(s.buf) {
		// Too small: what was cut off is gone.
		s.buf = make([]byte, n)
		return nil, errLost
	}
	return s.buf[:n], nil
}

// wait gives an error of a wait its meaning.
func (s *socket) wait(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOBUFS):
		return errLost
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s: no answer within %v: %w", what, replyTimeout, err)
	}
	return fmt.Errorf("%s: %w", what, err)
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
