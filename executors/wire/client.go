package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"stet/executors"
)

// Client is an executors.Opener whose sessions are at the other end of a byte
// stream. Its methods, and those of its sessions, may be called from several
// goroutines.
type Client struct {
	o     Options
	rw    io.ReadWriteCloser
	w     *writer
	slots chan struct{}
	over  chan struct{} // closed when the connection is

	mu      sync.Mutex
	calls   map[uint32]*call
	number  uint32 // of the last request
	err     error  // why it is over
	ponging bool
	closed  bool
	missed  int         // pings in a row that were not answered
	last    bool        // the verdict on them is about to fall
	beat    *time.Timer // the next ping

	seldom  bool // what comes is told of
	reading bool
}

// A Telling stream tells when something has come or is about to, and when it has
// ended. A Client reads such a stream only while it waits for an answer, when it was
// told, and when it asks for a sign of life: a goroutine a connection that waits is
// memory a host.
type Telling interface {
	// Tell sets what is to be called, which does not block; false means that it
	// never will be.
	Tell(came func()) bool
}

// NewClient greets the server at the other end of rw, which the Client closes
// at its end. Text that comes before the greeting is skipped. When ctx ends
// first, rw is closed.
func NewClient(ctx context.Context, rw io.ReadWriteCloser, o Options) (*Client, error) {
	c := &Client{o: o, rw: rw, w: &writer{w: rw}, slots: make(chan struct{}, MaxInFlight),
		over: make(chan struct{}), calls: map[uint32]*call{}}
	r := newReader(rw)
	stop := context.AfterFunc(ctx, func() { rw.Close() })
	err := greet(r, o, maxNoise, c.w.holdGreeting)
	if !stop() && err == nil || err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		rw.Close()
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("it ended before it said hello: %w", err)
		}
		return nil, protocolError("connecting to the helper process", err)
	}
	c.mu.Lock()
	c.beat = time.AfterFunc(o.keepAlive(), c.keepAlive)
	c.reading = true
	c.mu.Unlock()
	if t, ok := rw.(Telling); ok && t.Tell(c.come) {
		c.mu.Lock()
		c.seldom = true
		c.mu.Unlock()
		if r.idle() && c.rest() {
			r.free()
			return c, nil
		}
	}
	go c.read(r)
	return c, nil
}

// come sees to it that what may have come is read.
func (c *Client) come() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake()
}

// wake starts to read, if nobody does; c.mu is held.
func (c *Client) wake() {
	if c.reading || c.err != nil {
		return
	}
	c.reading = true
	go c.read(newReader(c.rw))
}

// rest ends reading where nothing is waited for.
func (c *Client) rest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.seldom || len(c.calls) > 0 {
		return false
	}
	c.reading = false
	return true
}

// read takes in what the server sends. It never blocks on a command's reader.
func (c *Client) read(r *reader) {
	p := newParts(c.o.maxMessage())
	for {
		f, err := r.next()
		if err == nil {
			err = c.take(f, p)
		}
		if err != nil {
			c.fail(err)
			return
		}
		if len(p.unfinished) == 0 && r.idle() && c.rest() {
			r.free()
			return
		}
	}
}

func (c *Client) take(f frame, p *parts) error {
	switch f.kind {
	case kindResponse:
		message, complete, err := p.add(f)
		if err != nil || !complete {
			return err
		}
		if len(message) > 0 && len(f.payload) > 0 && &message[0] == &f.payload[0] {
			message = slices.Clone(message) // the reader's buffer
		}
		return c.answer(f.id, message)
	case kindStdout, kindStderr:
		if k := c.call(f.id); k != nil {
			return k.push(f)
		}
		return nil // of one that was given up
	case kindPing:
		c.pong()
		return nil
	case kindPong:
		c.mu.Lock()
		c.missed = 0
		c.mu.Unlock()
		return nil
	}
	return fmt.Errorf("a server does not send frames of kind %d", f.kind)
}

func (c *Client) call(id uint32) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[id]
}

// answer ends a call. Its slot is free with the answer, even if nobody waits
// for it any more.
func (c *Client) answer(id uint32, message []byte) error {
	c.mu.Lock()
	k := c.calls[id]
	delete(c.calls, id)
	c.mu.Unlock()
	if k == nil {
		return fmt.Errorf("there is an answer to request %d, which is not open", id)
	}
	<-c.slots
	k.message = message
	close(k.done)
	return nil
}

func (c *Client) pong() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ponging {
		return
	}
	c.ponging = true
	go func() {
		_ = c.w.frame(kindPong, 0, false, nil) // read learns of a broken connection
		c.mu.Lock()
		c.ponging = false
		c.mu.Unlock()
	}()
}

// fail ends the connection; the first reason stays.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	e := &executors.Error{Code: "protocol", Op: "talking to the helper process", Err: err}
	var said *executors.Error // the stream knows better why it ended
	switch {
	case c.closed:
		e.Code, e.Message, e.Err = "unreachable", "the connection is closed", os.ErrClosed
	case errors.As(err, &said):
		e = said
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrClosed),
		errors.Is(err, io.ErrClosedPipe), errors.Is(err, errSilent):
		e.Code, e.Message = "unreachable", "the connection was lost"
		if errors.Is(err, errSilent) {
			e.Message += ": " + err.Error()
		}
	}
	c.err = e
	if c.beat != nil {
		c.beat.Stop()
	}
	close(c.over)
	c.rw.Close()
}

var errSilent = errors.New("the other end does not answer")

// keepAlive asks the server now and then whether it is there. It is called by a
// timer: a goroutine a connection that sleeps is memory a host.
func (c *Client) keepAlive() {
	every := c.o.keepAlive()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return
	case c.last && c.missed > 0:
		go c.fail(errSilent)
		return
	case c.last:
		c.last = false
	}
	// What came while the last answer was read may lie there yet.
	c.wake()
	if c.missed++; c.missed > 2 {
		// This process may have been stopped for long: what has come
		// meanwhile is read before the verdict.
		c.last = true
		c.beat.Reset(every / 4)
		return
	}
	c.beat.Reset(every)
	go func() { _ = c.w.frame(kindPing, 0, false, nil) }()
}

// Open implements executors.Opener.
func (c *Client) Open(ctx context.Context, t executors.Target) (executors.Session, error) {
	var o opened
	if err := c.do(ctx, "open", 0, openParams{t}, &o); err != nil {
		return nil, err
	}
	return &session{c: c, id: o.ID, location: o.Location, target: t}, nil
}

// Close asks the server to close its sessions and its opener, and closes the
// connection. The error is the server's.
func (c *Client) Close() error { return c.End(context.Background()) }

// End is Close that waits for the server no longer than ctx lasts. A stream that
// has a method Over is told by it when the server has closed everything: of its
// process nothing is left to wait for but the end.
func (c *Client) End(ctx context.Context) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	lost := c.err != nil
	c.mu.Unlock()
	var err error
	if !lost {
		ctx, cancel := context.WithTimeout(ctx, c.o.cancelWait())
		defer cancel()
		err = c.do(ctx, "shutdown", 0, nil, nil)
		if o, ok := c.rw.(interface{ Over() }); ok && err == nil {
			o.Over()
		}
		var e *executors.Error
		if errors.As(err, &e) && e.Code == "unreachable" {
			err = nil // it went first
		}
	}
	c.fail(os.ErrClosed)
	return err
}
