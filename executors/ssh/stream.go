package ssh

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// stream is a connection that remembers when it last heard from the peer, and
// the first words of it.
type stream struct {
	net.Conn
	// rearm makes the kernel acknowledge at once; nil where that is not
	// possible.
	rearm func()
	// heard counts nanoseconds from opened, on the monotonic clock: setting
	// the wall clock must not end a connection.
	opened time.Time
	heard  atomic.Int64

	mu    sync.Mutex
	first []byte
}

// firstWords is how much of a peer's first words is kept: an SSH version line
// has at most 255 bytes.
const firstWords = 255

func newStream(c net.Conn) *stream {
	return &stream{Conn: c, rearm: quickAck(c), opened: time.Now()}
}

// Read implements net.Conn.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if n > 0 {
		s.heard.Store(int64(time.Since(s.opened)))
		s.keep(b[:n])
	}
	if s.rearm != nil {
		s.rearm()
	}
	return n, err
}

func (s *stream) keep(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if room := firstWords - len(s.first); room > 0 {
		s.first = append(s.first, b[:min(room, len(b))]...)
	}
}

func (s *stream) words() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.first)
}

// silence is the time since the peer was last heard.
func (s *stream) silence() time.Duration {
	return time.Since(s.opened) - time.Duration(s.heard.Load())
}
