package shell

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// pipeSize is asked for a pipe's buffer: fewer wake-ups for fast output.
const pipeSize = 256 << 10

// pipes carries a command's output to its writers, from one goroutine at a
// time. What still comes when Run has returned is read and dropped, so that a
// daemon that prints is not ended by SIGPIPE.
type pipes struct {
	streams []*stream
	child   []*os.File // the command's ends
	running bool

	mu       sync.Mutex // held while a writer is used
	detached bool
	err      error // the first of a writer

	open  sync.WaitGroup
	eof   chan struct{}
	count atomic.Int64 // bytes written so far
	busy  atomic.Int32 // writers at work
}

type stream struct {
	read *os.File
	to   io.Writer
}

// openPipes gives cmd its standard files. One writer for both streams gets one
// pipe, so that the order of what is printed is kept.
func openPipes(cmd *exec.Cmd, out executors.Output) (*pipes, error) {
	p := &pipes{eof: make(chan struct{})}
	one, err := p.add(out.Stdout)
	if err != nil {
		return nil, err
	}
	two := one
	if !same(out.Stdout, out.Stderr) {
		if two, err = p.add(out.Stderr); err != nil {
			p.started()
			p.close()
			return nil, err
		}
	}
	cmd.Stdout, cmd.Stderr = one, two
	return p, nil
}

func same(a, b io.Writer) (equal bool) {
	defer func() {
		if recover() != nil { // of a type that cannot be compared
			equal = false
		}
	}()
	return a != nil && a == b
}

func (p *pipes) add(to io.Writer) (*os.File, error) {
	if to == nil {
		f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		p.child = append(p.child, f)
		return f, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	// A refusal (the user's pipe-user-pages-soft is used up) costs speed only.
	if raw, err := w.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
	p.streams = append(p.streams, &stream{read: r, to: to})
	p.child = append(p.child, w)
	return w, nil
}

// started closes the command's ends in this process.
func (p *pipes) started() {
	for _, f := range p.child {
		f.Close()
	}
	p.child = nil
}

func (p *pipes) close() {
	for _, s := range p.streams {
		s.read.Close()
	}
}

// copy starts a goroutine a stream.
func (p *pipes) copy() {
	p.open.Add(len(p.streams))
	for _, s := range p.streams {
		go p.pump(s)
	}
	go func() {
		p.open.Wait()
		close(p.eof)
	}()
	p.running = true
}

func (p *pipes) pump(s *stream) {
	defer p.open.Done()
	defer s.read.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := s.read.Read(buf)
		if n > 0 {
			p.write(s.to, buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func (p *pipes) write(to io.Writer, b []byte) {
	p.busy.Add(1)
	defer p.busy.Add(-1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.detached || p.err != nil {
		return
	}
	n, err := to.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	p.err = err
	p.count.Add(int64(n))
}

// wait waits for what the command printed. It returns when both streams have
// ended, when nothing is left in the pipes and nothing came for d (others keep
// them open), or when others print on and on. A slow writer loses nothing.
func (p *pipes) wait(ctx context.Context, d time.Duration) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	late := time.Now().Add(20 * d)
	first := p.count.Load()
	last := first
	for {
		select {
		case <-p.eof:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := p.count.Load()
		if now == last && p.idle() {
			return
		}
		// More than the pipes could hold when the command ended is others'.
		if time.Now().After(late) && now-first > 4*pipeSize {
			return
		}
		last = now
	}
}

// idle reports whether no writer is at work and the pipes are empty.
func (p *pipes) idle() bool {
	if p.busy.Load() != 0 {
		return false
	}
	for _, s := range p.streams {
		raw, err := s.read.SyscallConn()
		if err != nil {
			continue // closed
		}
		waiting := 0
		_ = raw.Control(func(fd uintptr) { waiting, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		if waiting > 0 {
			return false
		}
	}
	return true
}

// stop makes sure that no writer is used from here on.
func (p *pipes) stop() {
	p.mu.Lock()
	p.detached = true
	p.mu.Unlock()
	if !p.running { // else the goroutines close them at their end
		p.close()
	}
}

func (p *pipes) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}
