package wire

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"stet/executors"
)

// server is one connection's server side.
type server struct {
	w      *writer
	opener executors.Opener
	ctx    context.Context
	limit  int64 // of a message

	work    sync.WaitGroup
	mu      sync.Mutex
	running map[uint32]*job
	open    map[uint32]executors.Session
	last    uint32
	ponging bool
}

// job is a request that is being answered.
type job struct {
	cancel context.CancelFunc
	credit *credit
}

// Serve answers requests from rw until the peer closes it, which is no error,
// or ctx ends. Then requests are cancelled, with the cause executors.ErrLost or
// that of ctx, and sessions closed; one that has a method Lost is told before that
// its peer went without closing it. The opener is the caller's to close, unless the peer has asked for that. A read that blocks
// on after ctx has ended must be ended by the caller (closing rw).
func Serve(ctx context.Context, rw io.ReadWriter, opener executors.Opener, o Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &server{w: &writer{w: rw}, opener: opener, ctx: ctx, limit: o.maxMessage(), running: map[uint32]*job{}, open: map[uint32]executors.Session{}}
	r := newReader(rw)
	err := greet(r, o, 0, s.w.greeting)
	if err == nil {
		err = s.loop(r, newParts(o.maxMessage()))
	}
	cancel(executors.ErrLost)
	s.work.Wait()
	_ = s.w.flush() // a peer that does not take it has gone
	for _, session := range s.open {
		if l, ok := session.(interface{ Lost() }); ok {
			l.Lost()
		}
		if cerr := session.Close(); err == nil {
			err = cerr
		}
	}
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return protocolError("serving a session", err)
}

// loop reads frames. It never blocks on what it has to send.
func (s *server) loop(r *reader, p *parts) error {
	for s.ctx.Err() == nil {
		f, err := r.next()
		if err != nil {
			return err
		}
		switch f.kind {
		case kindRequest:
			message, complete, err := p.add(f)
			if err == nil && complete {
				err = s.begin(f.id, message)
			}
			if err != nil {
				return err
			}
		case kindCancel:
			if j := s.job(f.id); j != nil {
				j.cancel()
			}
		case kindCredit:
			if len(f.payload) != 4 {
				return errors.New("a credit is not a number")
			}
			if j := s.job(f.id); j != nil && !j.credit.add(binary.BigEndian.Uint32(f.payload)) {
				return errors.New("a credit is larger than the window")
			}
		case kindPing:
			s.pong()
		default:
			return fmt.Errorf("a client does not send frames of kind %d", f.kind)
		}
	}
	return nil
}

func (s *server) job(id uint32) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[id]
}

// pong answers a ping, beside the loop: a peer that sends and does not read
// must not stop it. At most one answer waits.
func (s *server) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ponging {
		return
	}
	s.ponging = true
	go func() {
		_ = s.w.frame(kindPong, 0, false, nil) // the loop learns of a broken connection
		s.mu.Lock()
		s.ponging = false
		s.mu.Unlock()
	}()
}

// begin starts answering a request.
func (s *server) begin(id uint32, message []byte) error {
	var q request
	if err := json.Unmarshal(message, &q); err != nil {
		return fmt.Errorf("reading a request: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[id] != nil {
		return fmt.Errorf("request %d is under way already", id)
	}
	if len(s.running) >= MaxInFlight {
		return fmt.Errorf("more than %d requests are in flight", MaxInFlight)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	if q.Timeout > 0 {
		ctx, cancel = chain(ctx, cancel, time.Duration(min(q.Timeout, maxTimeout))*time.Millisecond)
	}
	j := &job{cancel: cancel, credit: newCredit(Window)}
	s.running[id] = j
	s.work.Go(func() {
		defer cancel()
		result, err := s.answer(ctx, id, q, j)
		s.end(id, result, err)
	})
	return nil
}

// maxTimeout is a year in milliseconds: what does not fit a Duration is not
// meant.
const maxTimeout = 365 * 24 * 3600 * 1000

func chain(ctx context.Context, cancel context.CancelFunc, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, inner := context.WithTimeout(ctx, d)
	return ctx, func() { inner(); cancel() }
}

// end sends the response. One that cannot be encoded is an error response; one
// that cannot be sent ends with the connection.
func (s *server) end(id uint32, result any, err error) {
	r := response{Error: newFault(err)}
	if result != nil {
		b, merr := json.Marshal(result)
		if merr != nil {
			r.Error = newFault(fmt.Errorf("encoding a result: %w", merr))
		} else {
			r.Result = b
		}
	}
	b, err := json.Marshal(r)
	if int64(len(b)) > s.limit {
		b, err = json.Marshal(response{Error: newFault(&executors.Error{Code: "unsupported", Op: "sending an answer",
			Message: fmt.Sprintf("it has %d bytes, more than the %d that one may have", len(b), s.limit)})})
	}
	// The number is free before the answer is out: the client may use it
	// again at once.
	s.mu.Lock()
	delete(s.running, id)
	s.mu.Unlock()
	if err == nil {
		_ = s.w.message(kindResponse, id, b)
	}
}

// credit is what may be sent of a request's output.
type credit struct {
	mu    sync.Mutex
	n     int
	limit int
	more  chan struct{}
	// farewell ends the wait of a cancelled request.
	farewell *time.Timer
}

func newCredit(limit int) *credit {
	return &credit{n: limit, limit: limit, more: make(chan struct{}, 1)}
}

// add takes what the client gives; false if it is more than was used.
func (c *credit) add(n uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int64(c.n)+int64(n) > int64(c.limit) {
		return false
	}
	c.n += int(n)
	select {
	case c.more <- struct{}{}:
	default:
	}
	return true
}

// take waits for at least one byte, and takes at most want.
func (c *credit) take(ctx context.Context, want int) (int, error) {
	for {
		c.mu.Lock()
		n := min(want, c.n)
		c.n -= n
		c.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			if !c.lastWords() {
				return 0, ctx.Err()
			}
		}
	}
}

// lastWords waits a little more for credit after the request has been
// cancelled: what a command says when it is ended is worth reading.
func (c *credit) lastWords() bool {
	c.mu.Lock()
	if c.farewell == nil {
		c.farewell = time.NewTimer(2 * time.Second)
	}
	c.mu.Unlock()
	select {
	case <-c.more:
		return true
	case <-c.farewell.C:
		c.farewell.Reset(0) // for the other stream, and the next write
		return false
	}
}

// output sends what a command prints.
type output struct {
	ctx    context.Context // of the request
	w      *writer
	kind   kind
	id     uint32
	credit *credit
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		n, err := o.credit.take(o.ctx, min(len(b)-sent, MaxFrame))
		if err != nil {
			return sent, err
		}
		if err := o.w.output(o.kind, o.id, b[sent:sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}
