package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"stet/executors"
)

// call is a request that waits for its response.
type call struct {
	message []byte // the response, once done is closed
	done    chan struct{}
	came    chan struct{} // output did

	mu     sync.Mutex
	queue  []chunk
	queued int
	gone   bool // nobody takes output any more
}

type chunk struct {
	err bool // of stderr
	b   []byte
}

// push queues output. The server sends no more than the window.
func (k *call) push(f frame) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone || len(f.payload) == 0 {
		return nil
	}
	if k.queued += len(f.payload); k.queued > Window {
		return errors.New("a command's output came without credit")
	}
	if n := len(k.queue); n > 0 && k.queue[n-1].err == (f.kind == kindStderr) {
		// Small pieces that wait are given credit for together: one by one
		// they would be sent for ever in the size in which they came.
		k.queue[n-1].b = append(k.queue[n-1].b, f.payload...)
	} else {
		k.queue = append(k.queue, chunk{f.kind == kindStderr, append([]byte(nil), f.payload...)})
	}
	select {
	case k.came <- struct{}{}:
	default:
	}
	return nil
}

func (k *call) pop() []chunk {
	k.mu.Lock()
	defer k.mu.Unlock()
	q := k.queue
	k.queue = nil
	return q
}

// took makes room for n more bytes.
func (k *call) took(n int) {
	k.mu.Lock()
	k.queued -= n
	k.mu.Unlock()
}

func (k *call) leave() {
	k.mu.Lock()
	k.gone, k.queue, k.queued = true, nil, 0
	k.mu.Unlock()
}

// start sends a request.
func (c *Client) start(ctx context.Context, method string, session uint32, params any) (uint32, *call, error) {
	b, err := json.Marshal(asked{method, session, until(ctx), params})
	if err != nil {
		return 0, nil, fmt.Errorf("encoding a request: %w", err)
	}
	if int64(len(b)) > c.o.maxMessage() {
		return 0, nil, &executors.Error{Code: "unsupported", Op: "sending a request",
			Message: fmt.Sprintf("it has %d bytes, more than the %d that one may have", len(b), c.o.maxMessage())}
	}
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	case <-c.over:
		return 0, nil, c.reason()
	}
	k := &call{done: make(chan struct{}), came: make(chan struct{}, 1)}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		<-c.slots
		return 0, nil, c.reason()
	}
	for c.number++; c.calls[c.number] != nil; c.number++ {
	}
	id := c.number
	c.calls[id] = k
	c.wake()
	c.mu.Unlock()
	if err := c.w.message(kindRequest, id, b); err != nil {
		c.fail(err)
		return 0, nil, c.reason()
	}
	return id, k, nil
}

func (c *Client) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// do makes a request and waits for the answer, which goes into result.
func (c *Client) do(ctx context.Context, method string, session uint32, params, result any) error {
	return c.run(ctx, method, session, params, result, executors.Output{})
}

// run is do for a request with output.
func (c *Client) run(ctx context.Context, method string, session uint32, params, result any, out executors.Output) error {
	id, k, err := c.start(ctx, method, session, params)
	if err != nil {
		return err
	}
	defer k.leave()
	p := &pour{c: c, id: id, k: k, out: out}
	if err := c.wait(ctx, id, k, p); err != nil {
		return err
	}
	p.rest()
	fault, err := c.decode(method, k.message, result)
	if err != nil {
		return err
	}
	if err := fault.error(); err != nil {
		return late(ctx, err)
	}
	return p.err
}

// decode reads a response. It is the caller's to do: decoding takes so much of a
// stack that the reader's would be twice as large, in each of a thousand
// connections.
func (c *Client) decode(method string, message []byte, result any) (*fault, error) {
	if result == nil {
		result = new(json.RawMessage)
	}
	r := replied{Result: result}
	err := json.Unmarshal(message, &r)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		c.fail(fmt.Errorf("reading a response: %w", err))
		return nil, c.reason()
	case err != nil:
		return nil, protocolError("reading the answer to "+method, err)
	}
	return r.Error, nil
}

// wait waits for the response, handing on output. When ctx ends it asks the
// server to end, too, and waits for that, for a time.
func (c *Client) wait(ctx context.Context, id uint32, k *call, p *pour) error {
	// Beside the loop, which a slow reader of output may hold up.
	stop := context.AfterFunc(ctx, func() { _ = c.w.frame(kindCancel, id, false, nil) })
	defer stop()
	cancelled := ctx.Done()
	var patience <-chan time.Time
	for {
		select {
		case <-k.done:
			return nil
		case <-k.came:
			p.rest()
		case <-cancelled:
			cancelled = nil
			timer := time.NewTimer(c.o.cancelWait())
			defer timer.Stop()
			patience = timer.C
		case <-patience:
			return ctx.Err()
		case <-c.over:
			select {
			case <-k.done: // it came before the end
				return nil
			default:
			}
			return c.reason()
		}
	}
}

// late makes the error of a request that was cancelled because the client's
// deadline had come say that, whichever side noticed it first.
func late(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) || errors.Is(err, ctx.Err()) {
		return err
	}
	var known *executors.Error
	if errors.As(err, &known) {
		clone := *known
		clone.Err = ctx.Err()
		return &clone
	}
	return &remote{text: err.Error(), causes: []error{ctx.Err()}}
}

// pour hands output to the writers.
type pour struct {
	c    *Client
	id   uint32
	k    *call
	out  executors.Output
	owed int   // bytes of credit
	err  error // the first of a writer
}

// creditAt is how much is taken before the server is told: most commands say less,
// and a message a line costs both sides more than the line.
const creditAt = Window / 4

// rest hands on what has come, and gives credit for it. Output that a writer
// refuses is dropped: the command runs on.
func (p *pour) rest() {
	for _, chunk := range p.k.pop() {
		w := p.out.Stdout
		if chunk.err {
			w = p.out.Stderr
		}
		if w != nil && p.err == nil {
			n, err := w.Write(chunk.b)
			if err == nil && n < len(chunk.b) {
				err = io.ErrShortWrite
			}
			if err != nil {
				p.err = &executors.Error{Code: "protocol", Op: "handing on a command's output", Err: err}
			}
		}
		p.k.took(len(chunk.b))
		if p.owed += len(chunk.b); p.owed < creditAt {
			continue
		}
		if err := p.c.w.credit(p.id, p.owed); err != nil {
			p.c.fail(err)
		}
		p.owed = 0
	}
}
