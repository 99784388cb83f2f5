package executortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stet/executors"
)

func sh(script string) executors.Command {
	return executors.Command{Argv: []string{"sh", "-c", script}}
}

// text runs a script and returns what it printed.
func text(t *testing.T, s executors.Session, script string) string {
	t.Helper()
	var out bytes.Buffer
	status, err := s.Run(bounded(t), sh(script), executors.Output{Stdout: &out, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	if status.Code != 0 {
		t.Fatalf("%s: exit code %d\n%s", script, status.Code, out.String())
	}
	return out.String()
}

func (s suite) run(t *testing.T) {
	session := s.session(t)
	with := func(c executors.Command, change func(*executors.Command)) executors.Command {
		change(&c)
		return c
	}
	tests := []struct {
		name     string
		command  executors.Command
		out, err string
		status   executors.ExitStatus
	}{
		{"both streams", sh("echo out; echo err >&2"), "out\n", "err\n", executors.ExitStatus{}},
		{"exit code", sh("exit 3"), "", "", executors.ExitStatus{Code: 3}},
		{"signal", sh("kill -TERM $$"), "", "", executors.ExitStatus{Code: 143, Signal: "SIGTERM"}},
		{"no input", sh("cat; echo end"), "end\n", "", executors.ExitStatus{}},
		{"input", with(sh("cat"), func(c *executors.Command) { c.Stdin = []byte("a\x00b\xff\n") }), "a\x00b\xff\n", "", executors.ExitStatus{}},
		{"folder", with(sh("pwd"), func(c *executors.Command) { c.Dir = "/proc" }), "/proc\n", "", executors.ExitStatus{}},
		{"environment", with(sh(`printf '%s|%s\n' "$A" "${PATH:+set}"`), func(c *executors.Command) { c.Env = []string{"A=x y'\"$"} }), "x y'\"$|set\n", "", executors.ExitStatus{}},
		{"arguments", executors.Command{Argv: []string{"printf", "%s,", "a b", "", "*"}}, "a b,,*,", "", executors.ExitStatus{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			status, err := session.Run(bounded(t), tt.command, executors.Output{Stdout: &out, Stderr: &errs})
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != tt.out || errs.String() != tt.err || *status != tt.status {
				t.Errorf("stdout %q, stderr %q, %+v", out.String(), errs.String(), *status)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		if status, err := session.Run(bounded(t), sh("echo x; echo y >&2"), executors.Output{}); err != nil || status.Code != 0 {
			t.Errorf("%+v %v", status, err)
		}
	})
}

// arrivals keeps what was written, and tells when the first line is there.
type arrivals struct {
	started
	mu   sync.Mutex
	text strings.Builder
}

func (a *arrivals) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text.Write(b)
	if strings.HasPrefix(a.text.String(), "1\n") {
		return a.started.Write(b)
	}
	return len(b), nil
}

// streams: output arrives as it is made. The command goes on only when its first
// line has arrived.
func (s suite) streams(t *testing.T) {
	x, y := s.session(t), s.session(t)
	flag := strings.TrimSpace(text(t, y, "mktemp"))
	a := arrivals{started: started{up: make(chan struct{})}}
	ended := make(chan error, 1)
	go func() {
		_, err := x.Run(bounded(t), sh("echo 1; while test -e "+flag+"; do sleep 0.05; done; echo 2"), executors.Output{Stdout: &a})
		ended <- err
	}()
	select {
	case <-a.up:
	case <-time.After(patience):
		t.Error("output does not arrive as it is made")
	}
	text(t, y, "rm "+flag)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := a.text.String(); got != "1\n2\n" {
		t.Errorf("got %q", got)
	}
}

// counter counts and is slow now and then.
type counter struct{ n atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}

func (s suite) loud(t *testing.T) {
	const size = 64 << 20
	var c counter
	status, err := s.session(t).Run(bounded(t), sh(fmt.Sprintf("head -c %d /dev/zero", size)), executors.Output{Stdout: &c})
	if err != nil || status.Code != 0 || c.n.Load() != size {
		t.Errorf("%d of %d bytes, %+v, %v", c.n.Load(), size, status, err)
	}
}

// ended: when the context ends, so does everything that the command started,
// also what forked twice and left its session.
func (s suite) ended(t *testing.T) {
	session := s.session(t)
	mark := fmt.Sprintf("%d", 100_000+time.Now().UnixNano()%800_000)
	script := "(setsid sh -c 'sleep " + mark + "' &) ; sh -c 'trap \"\" TERM; sleep " + mark + "' & echo up; wait"
	ctx, cancel := context.WithCancel(bounded(t))
	out := &started{up: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		_, err := session.Run(ctx, executors.Command{Argv: []string{"sh", "-c", script}, ID: "ended-" + mark}, executors.Output{Stdout: out})
		done <- err
	}()
	select {
	case <-out.up:
	case <-time.After(patience):
		t.Fatal("the command did not start")
	}
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("want the context's error, got %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the command was not ended")
	}
	if left := text(t, session, "ps -eo pid,args | grep '[s]leep "+mark+"' || true"); left != "" {
		t.Errorf("processes are left:\n%s", left)
	}
}

// started tells when the first byte is there.
type started struct {
	once sync.Once
	up   chan struct{}
}

func (s *started) Write(b []byte) (int, error) {
	s.once.Do(func() { close(s.up) })
	return len(b), nil
}

func (s suite) missing(t *testing.T) {
	session := s.session(t)
	_, err := session.Run(bounded(t), executors.Command{Argv: []string{"no-such-program-here"}}, executors.Output{})
	if code(err) != "not-found" || !strings.Contains(err.Error(), "no-such-program-here") {
		t.Errorf("a missing program: %v", err)
	}
	if _, err := session.Run(bounded(t), executors.Command{}, executors.Output{}); err == nil {
		t.Error("no program at all was accepted")
	}
}

func (s suite) concurrent(t *testing.T) {
	session := s.session(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			var out bytes.Buffer
			if _, err := session.Run(ctx, sh(fmt.Sprintf("sleep 0.1; echo %d", i)), executors.Output{Stdout: &out}); err != nil || out.String() != fmt.Sprintf("%d\n", i) {
				t.Errorf("run %d: %q %v", i, out.String(), err)
			}
			if _, err := session.Observe(ctx, everything); err != nil {
				t.Errorf("observe %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}
