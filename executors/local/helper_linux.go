package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"stet/executors"
	"stet/executors/shell"
	"stet/executors/wire"
)

// helper is a process that serves sessions on its standard input and output.
type helper struct {
	*wire.Client
	ended chan struct{}
	said  *lastWords
	state *os.ProcessState // once ended
}

// leaveWithin bounds the wait for a helper's end. One that goes on has an armed
// guard to see to its end, and is left alone.
const leaveWithin = 2 * time.Second

// startHelper starts cmd and greets it. On failure, what it wrote to its
// standard error is in said.
func startHelper(ctx context.Context, cmd *exec.Cmd, stderr io.Writer) (*helper, error) {
	in, toHelper, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromHelper, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), toHelper.Close())
	}
	h := &helper{ended: make(chan struct{}), said: &lastWords{also: stderr}}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, h.said
	cmd.WaitDelay = leaveWithin // a guard may hold its standard error
	done, err := shell.Start(cmd)
	in.Close()
	out.Close()
	if err != nil {
		toHelper.Close()
		fromHelper.Close()
		close(h.ended)
		return h, err
	}
	go func() {
		_ = cmd.Wait()
		h.state = cmd.ProcessState
		done()
		close(h.ended)
	}()
	h.Client, err = wire.NewClient(ctx, &pair{fromHelper, toHelper}, wire.Options{Program: "stet"})
	if err != nil {
		// Its exit status and last words explain it.
		if !h.endsWithin(leaveWithin) {
			_ = cmd.Process.Kill() // sudo is root's: this may be refused
			h.endsWithin(leaveWithin)
		}
	}
	return h, err
}

// endsWithin waits for the process's end, and reports whether it came.
func (h *helper) endsWithin(d time.Duration) bool {
	select {
	case <-h.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// exitCode is that of a helper that has ended; -1 before.
func (h *helper) exitCode() int {
	select {
	case <-h.ended:
		return h.state.ExitCode() // -1 where it did not start
	default:
		return -1
	}
}

// Close implements executors.Opener.
func (h *helper) Close() error {
	err := h.Client.Close()
	h.endsWithin(leaveWithin)
	return err
}

// pair is the two pipes of a helper.
type pair struct {
	io.ReadCloser
	w io.WriteCloser
}

func (p *pair) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p *pair) Close() error                { return errors.Join(p.w.Close(), p.ReadCloser.Close()) }

// lastWords keeps the last 4 KiB that a helper writes to its standard error.
type lastWords struct {
	mu   sync.Mutex
	b    []byte
	also io.Writer
}

// Write implements io.Writer; it never fails.
func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	if over := len(l.b) - 4096; over > 0 {
		l.b = append(l.b[:0], l.b[over:]...)
	}
	if l.also != nil {
		_, _ = l.also.Write(p)
	}
	return len(p), nil
}

// String is what was kept, on one line.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(strings.Fields(string(l.b)), " ")
}

// helperOptions are what a helper is told by the process that starts it.
type helperOptions struct {
	HostOptions
	// Outside is the starter's mount namespace, which a sandbox has left.
	Outside string
}

// helperArgs are a helper entry's arguments: the verb, and how it starts guards
// in turn. That is by its own image, which it can execute wherever its file is
// hidden from it.
func helperArgs(argv []string, verb string, grace time.Duration) ([]string, error) {
	mounts, err := mountNamespace()
	if err != nil {
		return nil, err
	}
	o := helperOptions{HostOptions{Program: append([]string{"/proc/self/exe"}, argv[1:]...), Grace: grace}, mounts}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return append(argv[1:len(argv):len(argv)], verb, string(b)), nil
}

// readHelperOptions reads what helperArgs wrote; none are the defaults.
func readHelperOptions(args []string) (helperOptions, error) {
	var o helperOptions
	switch len(args) {
	case 0:
		return o, nil
	case 1:
		err := json.Unmarshal([]byte(args[0]), &o)
		return o, err
	}
	return o, fmt.Errorf("unexpected argument %q", args[1])
}

// mountNamespace identifies this process's.
func mountNamespace() (string, error) { return os.Readlink("/proc/self/ns/mnt") }

// helper is the opener that t has to be opened by instead of this process.
func (h *Host) helper(ctx context.Context, t executors.Target) (executors.Opener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	switch {
	case h.closed:
		return nil, os.ErrClosed
	case h.box != nil: // this is the helper
		return nil, nil
	case t.Scheme() == "sandbox":
		if h.sandbox == nil {
			h.sandbox, err = NewSandbox(ctx, SandboxOptions{Program: h.o.Program, Grace: h.o.Grace, Stderr: h.o.Stderr})
		}
		return h.sandbox, err
	case t.Become == "sudo" && (os.Geteuid() != 0 || h.always):
		if h.sudo == nil {
			h.sudo, err = newSudo(ctx, h.o)
		}
		return h.sudo, err
	case t.Become != "" && t.Become != "sudo":
		return nil, &executors.Error{Code: "unsupported", Op: "opening " + t.Address,
			Message: "become: " + t.Become + " is not known", Remedy: "use become: sudo"}
	}
	return nil, nil
}
