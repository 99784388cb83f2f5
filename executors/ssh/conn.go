package ssh

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	cryptossh "golang.org/x/crypto/ssh"
)

// Conn is a connection to a host, logged in.
type Conn struct {
	Settings *Settings
	// HostKey is the fingerprint of the host's key, "SHA256:…". It is empty
	// where system ssh made the connection, which checked the key itself.
	HostKey string
	// Banner is what the server said before the login, control characters
	// replaced.
	Banner string

	ask    func(context.Context, Question) (string, error)
	prove  func(kind Kind, host, user string) // the last answer was right
	client *cryptossh.Client
	stream *stream // nil through a control master
	once   sync.Once
	done   chan struct{}
	asks   asks // of a connection with a stream

	mu sync.Mutex
	// watchers are those who want to learn at once when the host falls silent,
	// the first of them since watched.
	watchers int
	watched  time.Time
	timer    *time.Timer // the next look at a silent host
	asking   bool        // a request for a sign of life is not answered
	asked    time.Time
	agents   []*Stream // started on it
	err      error
}

// newClient makes a client of a connection, served by c: what the library's own
// does with three goroutines is done without any, of a thousand hosts.
func (c *Conn) newClient(conn cryptossh.Conn, channels <-chan cryptossh.NewChannel, requests <-chan *cryptossh.Request) {
	c.client = &cryptossh.Client{Conn: conn}
	c.asks.channels, c.asks.requests = channels, requests
	serve := func() {
		c.asks.serve()
		c.finish(conn.Wait())
		c.tell()
	}
	if c.stream == nil {
		go serve()
		return
	}
	c.asks.waiting.Store(true)
	c.asks.soon = time.AfterFunc(askedWithin, c.look)
	c.mu.Lock()
	c.timer = time.AfterFunc(c.pause(), c.keepAlive)
	c.mu.Unlock()
	c.stream.watch(func() { c.asks.come(); c.tell() }, serve)
}

// tell tells those who read what agents print that something may have come.
func (c *Conn) tell() {
	c.mu.Lock()
	agents := c.agents
	c.mu.Unlock()
	for _, s := range agents {
		if came := s.came.Load(); came != nil {
			(*came)()
		}
	}
}

// look refuses what the host has asked for, and hears agents that may complain at
// length. It may block where the peer takes nothing any more, one at a time.
func (c *Conn) look() {
	c.asks.waiting.Store(false)
	if !c.asks.turn.TryLock() {
		return
	}
	defer c.asks.turn.Unlock()
	c.asks.refuse()
	c.mu.Lock()
	agents := slices.Clone(c.agents)
	c.mu.Unlock()
	for _, s := range agents {
		if c.stream.came.Load()-s.from > maxUnheard {
			s.hear()
		}
		s.refuse()
	}
}

func (c *Conn) finish(err error) {
	c.once.Do(func() {
		c.mu.Lock()
		if c.err == nil {
			c.err = err
		}
		if c.timer != nil {
			c.timer.Stop()
			c.asks.soon.Stop()
		}
		c.mu.Unlock()
		close(c.done)
	})
}

// keepAlive asks the host for a sign of life whenever it was silent for
// ServerAliveInterval, and closes the connection after ServerAliveCountMax
// unanswered ones. Without it a dead link would hang an operation for ever.
func (c *Conn) keepAlive() {
	if over(c.done) {
		return
	}
	go c.look()
	interval, count, silence := c.patience()
	c.mu.Lock()
	defer c.mu.Unlock()
	if silence >= interval*time.Duration(count+1) {
		go func() { // why it ended is known before anything on it fails
			c.finish(errSilent)
			c.stream.Close()
		}()
		return
	}
	c.timer.Reset(c.pause())
	if silence < interval || c.asking || time.Since(c.asked) < interval {
		return
	}
	c.asking, c.asked = true, time.Now()
	go func() {
		// The request may block when the peer takes nothing any more.
		_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil)
		c.mu.Lock()
		c.asking = false
		c.mu.Unlock()
	}()
}

// patience is how often a silent host is asked for a sign of life, how often in
// vain, and for how long it has been silent.
func (c *Conn) patience() (interval time.Duration, count int, silence time.Duration) {
	interval, count = c.Settings.alive()
	silence = c.stream.silence()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watchers > 0 && interval*time.Duration(count) > closeWatch*closeCount {
		// What was silent before was not asked.
		return closeWatch, closeCount, min(silence, time.Since(c.watched))
	}
	return interval, count, silence
}

// closely watches the connection closely until the returned function is called.
func (c *Conn) closely() (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watchers++; c.watchers == 1 {
		c.watched = time.Now()
		if c.timer != nil && !over(c.done) {
			c.timer.Reset(c.pause())
		}
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watchers--
	}
}

// Under close watch a connection lives through an outage of some seconds, and no
// longer: a change may have cut it.
const (
	closeWatch = time.Second
	closeCount = 4
)

// pause is how long until the next look; c.mu is held.
func (c *Conn) pause() time.Duration {
	if c.watchers > 0 {
		return c.tick()
	}
	interval, _ := c.Settings.alive()
	return max(interval/4, 10*time.Millisecond)
}

// tick is how often to look under close watch.
func (c *Conn) tick() time.Duration {
	interval, _ := c.Settings.alive()
	return max(min(interval, closeWatch)/4, 10*time.Millisecond)
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err tells why the connection ended; nil while it is open, or when Close
// ended it.
func (c *Conn) Err() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(c.err, errClosedHere) {
		return nil
	}
	if c.err == nil {
		return fail(context.Background(), c.Settings.Host, errors.New("the connection was closed by the host"))
	}
	return fail(context.Background(), c.Settings.Host, c.err)
}

var errClosedHere = errors.New("closed")

// Close ends the connection. A connection that has ended is no error.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.err == nil {
		c.err = errClosedHere
	}
	c.mu.Unlock()
	// What closing says about a connection that is gone either way helps
	// nobody.
	c.finish(errClosedHere)
	_ = c.client.Close()
	return nil
}
