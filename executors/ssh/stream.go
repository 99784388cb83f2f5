package ssh

import (
	"encoding/binary"
	"net"
	"slices"
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

	ahead []byte       // read, and not asked for yet; of the only reader
	short bool         // the last read brought little; of the only reader
	came  atomic.Int64 // bytes

	// said is called after each read, over once when the connection has ended.
	said atomic.Pointer[func()]

	// settled is set once the host sends each message in one go.
	settled atomic.Bool

	writing sync.Mutex
	keys    []byte      // NEWKEYS, which waits for the next message
	sent    bool        // it was
	late    *time.Timer // by when it goes alone

	mu    sync.Mutex
	first []byte
	known atomic.Bool // first is full
	ended bool
	over  func()
}

// firstWords is how much of a peer's first words is kept: an SSH version line
// has at most 255 bytes.
const firstWords = 255

func newStream(c net.Conn) *stream {
	return &stream{Conn: c, rearm: quickAck(c), opened: time.Now()}
}

// aheadSize holds what a peer says at first. The library reads the version line
// byte by byte, which would be two system calls a byte.
const aheadSize = 512

// Read implements net.Conn. There is one reader at a time.
func (s *stream) Read(b []byte) (int, error) {
	if len(s.ahead) == 0 && len(b) > 0 && len(b) < aheadSize {
		ahead := make([]byte, aheadSize)
		n, err := s.receive(ahead)
		if n == 0 {
			return 0, err
		}
		s.ahead = ahead[:n] // an error comes again
	}
	if len(s.ahead) == 0 {
		return s.receive(b)
	}
	n := copy(b, s.ahead)
	if s.ahead = s.ahead[n:]; len(s.ahead) == 0 {
		s.ahead = nil
	}
	return n, nil
}

func (s *stream) receive(b []byte) (int, error) {
	if s.short && s.settled.Load() {
		// The next message may be long in coming. A reader may use all of b
		// (io.Reader), which is the library's buffer of 4 KiB.
		unload(b)
	}
	n, err := s.Conn.Read(b)
	s.short = n < aheadSize
	if n > 0 {
		s.heard.Store(int64(time.Since(s.opened)))
		s.came.Add(int64(n))
		s.keep(b[:n])
	}
	if err != nil {
		s.end()
		return n, err
	}
	if s.rearm != nil && !s.settled.Load() {
		s.rearm()
	}
	if said := s.said.Load(); said != nil {
		(*said)()
	}
	return n, err
}

// keysWithin is how long the end of the key exchange waits for what follows it.
const keysWithin = 20 * time.Millisecond

// Write implements net.Conn. The end of the first key exchange goes with the
// request for the login, which follows at once: one message less for each side.
func (s *stream) Write(b []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.sent && isNewKeys(b) {
		s.sent, s.keys = true, slices.Clone(b)
		s.late = time.AfterFunc(keysWithin, func() {
			s.writing.Lock()
			defer s.writing.Unlock()
			_, _ = s.flushWith(nil) // whoever writes next learns of a broken connection
		})
		return len(b), nil
	}
	return s.flushWith(b)
}

// flushWith writes what waits, and b; s.writing is held.
func (s *stream) flushWith(b []byte) (int, error) {
	if s.keys == nil {
		if b == nil {
			return 0, nil
		}
		return s.Conn.Write(b)
	}
	s.late.Stop()
	before := len(s.keys)
	n, err := s.Conn.Write(append(s.keys, b...))
	s.keys, s.late = nil, nil
	return max(0, n-before), err
}

// isNewKeys recognizes SSH_MSG_NEWKEYS as the first key exchange ends with it: it is
// not encrypted yet, and nothing that is encrypted is as short (RFC 4253, 6 and 7.3).
func isNewKeys(b []byte) bool {
	const length, newKeys = 16, 21
	return len(b) == length && binary.BigEndian.Uint32(b) == length-4 && b[5] == newKeys
}

// Close implements net.Conn.
func (s *stream) Close() error {
	err := s.Conn.Close()
	s.end()
	return err
}

// watch has said called after each read, and over once in a goroutine of its own
// when the connection has ended, at once if it has. A goroutine that waits for
// either is memory of each of a thousand hosts.
func (s *stream) watch(said, over func()) {
	s.said.Store(&said)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		go over()
		return
	}
	s.over = over
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended && s.over != nil {
		go s.over()
	}
	s.ended = true
}

func (s *stream) keep(b []byte) {
	if s.known.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if room := firstWords - len(s.first); room > 0 && !s.known.Load() {
		s.first = append(s.first, b[:min(room, len(b))]...)
	} else {
		s.known.Store(true)
	}
}

// forget lets go of the first words.
func (s *stream) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = nil
	s.known.Store(true)
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
