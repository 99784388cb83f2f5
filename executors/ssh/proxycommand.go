package ssh

import (
	"errors"
	"io"
	"net"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// proxy is a connection through a ProxyCommand's standard input and output.
type proxy struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr *tail
	ended  chan struct{}
	once   sync.Once
	// silent is set once the command closed its standard output.
	silent atomic.Bool
}

// startProxy runs a ProxyCommand.
func startProxy(command string) (*proxy, error) {
	p := &proxy{cmd: shellCommand(command), stderr: &tail{}, ended: make(chan struct{})}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, errors.Join(err, p.in.Close())
	}
	p.cmd.Stderr = p.stderr
	// Its descendants may hold stderr; that must not hold up Wait.
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, p.in.Close(), p.out.Close())
	}
	return p, nil
}

// Read implements net.Conn.
func (p *proxy) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if err != nil {
		p.silent.Store(true)
	}
	return n, err
}

// Write implements net.Conn.
func (p *proxy) Write(b []byte) (int, error) { return p.in.Write(b) }

// lastWords is how long a command that closed its standard output has to say
// why on its standard error.
const lastWords = time.Second

// Close implements net.Conn: it ends the command with what it started. One that
// is ending by itself is left to it for a moment, since it may close its
// standard output before it says why.
func (p *proxy) Close() error {
	p.once.Do(func() {
		p.in.Close()
		leave := time.Duration(0)
		if p.silent.Load() {
			leave = lastWords
		} else {
			// At once: nobody may be left to do it later.
			endCommand(p.cmd)
		}
		go func() {
			defer close(p.ended)
			if leave > 0 {
				end := time.AfterFunc(leave, func() { endCommand(p.cmd) })
				defer end.Stop()
			}
			stubborn := time.AfterFunc(leave+2*time.Second, func() { killCommand(p.cmd) })
			defer stubborn.Stop()
			_ = p.cmd.Wait()
		}()
	})
	return nil
}

// LocalAddr implements net.Conn.
func (p *proxy) LocalAddr() net.Addr { return proxyAddr{} }

// RemoteAddr implements net.Conn.
func (p *proxy) RemoteAddr() net.Addr { return proxyAddr{} }

// SetDeadline implements net.Conn. Handshakes are bounded by closing.
func (p *proxy) SetDeadline(time.Time) error { return errors.ErrUnsupported }

// SetReadDeadline implements net.Conn.
func (p *proxy) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }

// SetWriteDeadline implements net.Conn.
func (p *proxy) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

type proxyAddr struct{}

func (proxyAddr) Network() string { return "proxy" }
func (proxyAddr) String() string  { return "ProxyCommand" }

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// tailSize bounds what is kept of a program's complaints.
const tailSize = 4096

// Write implements io.Writer and never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b[max(0, len(b)-tailSize):]...)
	if over := len(t.kept) - tailSize; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(b), nil
}

// String is what was kept, without control characters.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return visible(string(t.kept))
}

// complaint is what the command said on its standard error, once it had a
// moment to say it.
func (p *proxy) complaint() string {
	p.Close()
	select {
	case <-p.ended:
	case <-time.After(2 * lastWords):
	}
	return firstLine(p.stderr.String())
}
