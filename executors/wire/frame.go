package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// kind is a frame's kind.
type kind uint8

const (
	kindHello kind = iota + 1
	kindRequest
	kindResponse
	kindStdout
	kindStderr
	kindCredit
	kindCancel
	kindPing
	kindPong
)

const (
	headerSize = 10
	flagMore   = 1
)

// frame is one frame; its payload is valid until the next one is read.
type frame struct {
	kind    kind
	more    bool
	id      uint32
	payload []byte
}

// reader reads frames into one buffer.
type reader struct {
	r   *bufio.Reader
	buf []byte
}

// bufferSize holds the usual answer. There is a buffer a connection, and a large
// payload is read past it.
const bufferSize = 1 << 10

func newReader(r io.Reader) *reader {
	f := readers.Get().(*reader)
	f.r.Reset(r)
	return f
}

// readers are those that nobody uses.
var readers = sync.Pool{New: func() any { return &reader{r: bufio.NewReaderSize(nil, bufferSize)} }}

// idle tells that nothing was read that was not asked for.
func (r *reader) idle() bool { return r.r.Buffered() == 0 }

// maxKept is how large a payload's buffer may be to be used again elsewhere.
const maxKept = 4 << 10

// free gives the reader up. What it has read last is not valid any more.
func (r *reader) free() {
	if cap(r.buf) > maxKept {
		return
	}
	r.r.Reset(nil)
	readers.Put(r)
}

// next reads a frame. Its length is checked before anything is allocated.
func (r *reader) next() (frame, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("a frame is cut off: %w", err)
		}
		return frame{}, err
	}
	f := frame{kind: kind(h[4]), more: h[5]&flagMore != 0, id: binary.BigEndian.Uint32(h[6:])}
	n := binary.BigEndian.Uint32(h[:])
	switch {
	case n > MaxFrame:
		return f, fmt.Errorf("a frame of %d bytes is larger than %d", n, MaxFrame)
	case f.kind < kindHello || f.kind > kindPong:
		return f, fmt.Errorf("a frame has the unknown kind %d", f.kind)
	case h[5]&^flagMore != 0:
		return f, fmt.Errorf("a frame has unknown flags %#x", h[5])
	}
	if cap(r.buf) < int(n) {
		r.buf = make([]byte, n)
	}
	f.payload = r.buf[:n]
	if _, err := io.ReadFull(r.r, f.payload); err != nil {
		return f, fmt.Errorf("a frame is cut off: %w", err)
	}
	return f, nil
}

// seek skips to behind Magic. What comes before it (a login shell's greeting)
// is returned; with limit 0 nothing may.
func (r *reader) seek(limit int) (noise []byte, err error) {
	for {
		b, err := r.r.ReadByte()
		if err != nil {
			return noise, err
		}
		noise = append(noise, b)
		if bytes.HasSuffix(noise, []byte(Magic)) {
			return noise[:len(noise)-len(Magic)], nil
		}
		if len(noise) >= limit+len(Magic) {
			return noise, errors.New("the peer does not speak this protocol")
		}
	}
}

// writer writes frames, one at a time, from any goroutine. Between them it has
// neither a buffer nor a timer, which would be memory of each of a thousand
// connections.
type writer struct {
	mu   sync.Mutex
	w    io.Writer
	buf  *[]byte     // nil where nothing is held
	late *time.Timer // by when what is held goes; nil where nothing is
}

// buffers are those that nobody uses.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// begin is the buffer, with what is held; w.mu is held.
func (w *writer) begin() []byte {
	if w.buf == nil {
		w.buf = buffers.Get().(*[]byte)
		*w.buf = (*w.buf)[:0]
	}
	return *w.buf
}

// lateBy bounds how long what is held waits for what follows it, and maxHeld how
// much. What a short command prints and how it ended are one message then, and so
// are a client's greeting and its first request: each one more is more work for
// sshd on the way than for both ends.
const (
	lateBy  = 5 * time.Millisecond
	maxHeld = 1 << 10
)

// frame writes one frame, with what is held before it, with a single Write.
func (w *writer) frame(k kind, id uint32, more bool, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.send(appendFrame(w.begin(), k, id, more, payload))
}

// greeting writes Magic and the hello with a single Write.
func (w *writer) greeting(payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.send(appendFrame(append(w.begin(), Magic...), kindHello, 0, false, payload))
}

// holdGreeting is greeting that may wait.
func (w *writer) holdGreeting(payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hold(appendFrame(append(w.begin(), Magic...), kindHello, 0, false, payload))
}

// output writes output that may wait.
func (w *writer) output(k kind, id uint32, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hold(appendFrame(w.begin(), k, id, false, payload))
}

// hold has a buffer wait if it is small; w.mu is held.
func (w *writer) hold(b []byte) error {
	if len(b) > maxHeld {
		return w.send(b)
	}
	*w.buf = b
	if w.late == nil {
		w.late = time.AfterFunc(lateBy, func() { _ = w.flush() }) // whoever writes next learns of a broken connection
	}
	return nil
}

// flush writes what is held.
func (w *writer) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buf == nil {
		return nil
	}
	return w.send(*w.buf)
}

// send writes a buffer, which is the writer's, and gives it up; w.mu is held.
func (w *writer) send(b []byte) error {
	if w.late != nil {
		w.late.Stop()
		w.late = nil
	}
	_, err := w.w.Write(b)
	*w.buf = b
	buffers.Put(w.buf)
	w.buf = nil
	return err
}

// appendFrame puts a frame behind what is in b.
func appendFrame(b []byte, k kind, id uint32, more bool, payload []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	flags := byte(0)
	if more {
		flags = flagMore
	}
	b = append(b, byte(k), flags)
	b = binary.BigEndian.AppendUint32(b, id)
	return append(b, payload...)
}

// message writes a message of any size in as many frames as it takes.
func (w *writer) message(k kind, id uint32, b []byte) error {
	for len(b) > MaxFrame {
		if err := w.frame(k, id, true, b[:MaxFrame]); err != nil {
			return err
		}
		b = b[MaxFrame:]
	}
	return w.frame(k, id, false, b)
}

func (w *writer) credit(id uint32, n int) error {
	return w.frame(kindCredit, id, false, binary.BigEndian.AppendUint32(nil, uint32(n)))
}

// parts collects the messages that come in several frames.
type parts struct {
	unfinished map[uint32][]byte
	held       int64
	limit      int64
}

func newParts(limit int64) *parts {
	return &parts{limit: limit}
}

// add adds a frame; it returns the message when that is complete. The message
// is valid until the next frame is read.
func (p *parts) add(f frame) (message []byte, complete bool, err error) {
	all, begun := p.unfinished[f.id]
	if !begun && !f.more {
		return f.payload, true, nil
	}
	if !begun && len(p.unfinished) >= MaxInFlight {
		return nil, false, fmt.Errorf("more than %d messages are unfinished", MaxInFlight)
	}
	if p.held += int64(len(f.payload)); p.held > p.limit {
		return nil, false, fmt.Errorf("unfinished messages hold more than %d bytes", p.limit)
	}
	all = append(all, f.payload...)
	if f.more {
		if p.unfinished == nil {
			p.unfinished = map[uint32][]byte{}
		}
		p.unfinished[f.id] = all
		return nil, false, nil
	}
	delete(p.unfinished, f.id)
	p.held -= int64(len(all))
	return all, true, nil
}
