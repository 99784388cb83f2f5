package ssh

import (
	"context"
	"errors"
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

	mu sync.Mutex
	// watchers are those who want to learn at once when the host falls silent,
	// the first of them since watched.
	watchers int
	watched  time.Time
	err      error
}

// watch notices the connection's end, and ends it itself when the host falls
// silent.
func (c *Conn) watch() {
	go func() {
		err := c.client.Wait()
		c.finish(err)
	}()
	if c.stream != nil {
		go c.keepAlive()
	}
}

func (c *Conn) finish(err error) {
	c.once.Do(func() {
		c.mu.Lock()
		if c.err == nil {
			c.err = err
		}
		c.mu.Unlock()
		close(c.done)
	})
}

// keepAlive asks the host for a sign of life whenever it was silent for
// ServerAliveInterval, and closes the connection after ServerAliveCountMax
// unanswered ones. Without it a dead link would hang an operation for ever.
func (c *Conn) keepAlive() {
	asking := make(chan struct{}, 1)
	ticker := time.NewTicker(c.tick())
	defer ticker.Stop()
	var asked time.Time
	for {
		select {
		case <-c.done:
			return
		case <-ticker.C:
		}
		interval, count, silence := c.patience()
		if silence >= interval*time.Duration(count+1) {
			c.mu.Lock()
			c.err = errSilent
			c.mu.Unlock()
			c.stream.Close()
			return
		}
		if silence < interval || time.Since(asked) < interval {
			continue
		}
		select {
		case asking <- struct{}{}:
		default:
			continue // the last one is still waiting
		}
		asked = time.Now()
		go func() {
			// The request may block when the peer takes nothing any more.
			_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil)
			<-asking
		}()
	}
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

// tick is how often to look.
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
