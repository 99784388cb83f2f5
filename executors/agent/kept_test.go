//go:build linux

package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/wire"
)

// connection is an agent's process and a session on it.
type connection struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.ReadCloser
	executors.Session
	client *wire.Client
	ended  chan error
}

// runtime is where the agents of one test keep what outlives them.
func connect(t *testing.T, runtime string) *connection {
	t.Helper()
	cmd := exec.Command(os.Args[0], "agent", "serve", fmt.Sprintf(`{"StateDir":%q}`, filepath.Join(runtime, "stet")))
	cmd.Stderr = os.Stderr
	c := &connection{t: t, cmd: cmd, ended: make(chan error, 1)}
	var err error
	if c.in, err = cmd.StdinPipe(); err == nil {
		c.out, err = cmd.StdoutPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if c.client, err = wire.NewClient(t.Context(), ends{c.out, c.in}, wire.Options{}); err == nil {
		c.Session, err = c.client.Open(t.Context(), executors.Target{Name: "here", Address: "local"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cut drops the connection without a word.
func (c *connection) cut() {
	c.in.Close()
	c.out.Close()
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *buffer) until(t *testing.T, text string) {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); !strings.Contains(b.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%q does not come; there is %q", text, b.String())
		}
	}
}

func code(err error) string {
	var e *executors.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

// begin runs a kept command until it has said "up".
func (c *connection) begin(ctx context.Context, id, script string) (out *buffer, done chan error) {
	c.t.Helper()
	out, done = &buffer{}, make(chan error, 1)
	go func() {
		_, err := c.Run(ctx, executors.Command{ID: id, Kept: true, Argv: []string{"sh", "-c", script}}, executors.Output{Stdout: out, Stderr: &buffer{}})
		done <- err
	}()
	out.until(c.t, "up\n")
	return out, done
}

func (c *connection) attach(ctx context.Context, id string, got int, out io.Writer) (*executors.Fate, error) {
	return c.Session.(executors.Keeper).Attach(ctx, id, executors.Received{Stdout: int64(got)}, executors.Output{Stdout: out, Stderr: io.Discard})
}

const lock = "the run"

func (c *connection) lock(run string) error {
	return c.Lock(c.t.Context(), executors.Lock{Run: run, Document: "doc.md", Operator: "ann", Since: "now"})
}

// TestLean: what only the agent was given is not there for its commands; what the
// host's environment says is.
func TestLean(t *testing.T) {
	for lean, want := range map[string]string{"1": "none none\n", "": "1 none\n"} {
		t.Run("lean="+lean, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", "1")
			t.Setenv(leanVar, lean)
			c := connect(t, t.TempDir())
			out := &buffer{}
			_, err := c.Run(t.Context(), executors.Command{Argv: []string{"sh", "-c", "echo ${GOMAXPROCS-none} ${" + leanVar + ":-none}"}}, executors.Output{Stdout: out})
			if err != nil || out.String() != want {
				t.Errorf("a command sees %q (%v), want %q", out.String(), err, want)
			}
		})
	}
}

// TestKept: a command whose connection is lost goes on; the next connection
// learns how it ended, and what it printed meanwhile, each byte once.
func TestKept(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(a *connection)
	}{
		{"cut", (*connection).cut},
		{"hung up", func(a *connection) { _ = a.cmd.Process.Signal(syscall.SIGHUP) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			a := connect(t, dir)
			if err := a.lock(lock); err != nil {
				t.Fatal(err)
			}
			flag := filepath.Join(dir, "go")
			out, done := a.begin(t.Context(), "r.1", "echo up; while ! [ -e "+flag+" ]; do sleep 0.02; done; echo down; echo off >&2; exit 7")
			c.lose(a)
			if err := <-done; err == nil {
				t.Error("the lost connection is no error")
			}
			b := connect(t, dir)
			if c.name == "cut" {
				if err := b.lock("another run"); code(err) != "locked" {
					t.Errorf("another operation while the command goes on: %v", err)
				}
			}
			if err := b.lock(lock); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(flag, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			fate, err := b.attach(t.Context(), "r.1", len(out.String()), out)
			if err != nil || fate.Status.Code != 7 || fate.Missed != 0 || out.String() != "up\ndown\n" {
				t.Errorf("got %+v, %v, %q", fate, err, out.String())
			}
			var again buffer // the answer may have been lost, too
			if fate, err := b.attach(t.Context(), "r.1", 0, &again); err != nil || fate.Status.Code != 7 || again.String() != "up\ndown\n" {
				t.Errorf("asked again: %+v, %v, %q", fate, err, again.String())
			}
			if _, err := b.Run(t.Context(), executors.Command{ID: "r.1", Kept: true, Argv: []string{"true"}}, executors.Output{}); code(err) != "changed" {
				t.Errorf("begun twice: %v", err)
			}
			if err := <-a.ended; err != nil {
				t.Errorf("the first agent: %v", err)
			}
			if err := b.client.Close(); err != nil {
				t.Error(err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "stet", "*", "*")); len(left) > 0 {
				t.Errorf("what everybody knows is kept: %v", left)
			}
		})
	}
}

// TestKeptEnds: a kept command ends at its deadline, with nobody there; when the
// next connection's context does; and with its agent, when that is asked to.
func TestKeptEnds(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, a, b *connection) error{
		"deadline": func(t *testing.T, _, b *connection) error {
			_, err := b.attach(t.Context(), "r.1", 3, io.Discard)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			return err
		},
		"cancelled": func(t *testing.T, _, b *connection) error {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err := b.attach(ctx, "r.1", 3, io.Discard)
			return err
		},
		"told": func(t *testing.T, a, b *connection) error {
			if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			_, err := b.attach(t.Context(), "r.1", 3, io.Discard)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a := connect(t, dir)
			ctx := t.Context()
			if name == "deadline" {
				limited, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				ctx = limited
			}
			pids := filepath.Join(dir, "pids")
			_, done := a.begin(ctx, "r.1", "sleep 1000 & echo $! $$ >"+pids+"; echo up; wait")
			a.cut()
			if err := <-done; err == nil {
				t.Error("the lost connection is no error")
			}
			b := connect(t, dir)
			if err := end(t, a, b); code(err) != "timeout" {
				t.Errorf("got %v", err)
			}
			<-a.ended
			text, err := os.ReadFile(pids)
			if err != nil {
				t.Fatal(err)
			}
			for _, pid := range strings.Fields(string(text)) {
				if env, err := os.ReadFile("/proc/" + pid + "/environ"); err == nil && strings.Contains(string(env), "r.1.") {
					t.Errorf("process %s goes on", pid)
				}
			}
		})
	}
}

// TestKeptStopped: an agent that is asked to end, before it learns that its
// connection is gone, leaves the record of what it ended.
func TestKeptStopped(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		a := connect(t, dir)
		out, done := a.begin(t.Context(), "r.1", "echo up; sleep 1000")
		out.until(t, "up")
		if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err == nil {
			t.Error("a command that was ended is no error")
		}
		<-a.ended
		b := connect(t, dir)
		if _, err := b.attach(t.Context(), "r.1", 3, io.Discard); code(err) != "timeout" {
			t.Errorf("got %v", err)
		}
	}
}

// TestKeptLost: of a command whose agent was killed nobody knows how it ended,
// but what it printed is there; and of one that was never begun nothing is.
func TestKeptLost(t *testing.T) {
	dir := t.TempDir()
	a := connect(t, dir)
	// What the killed agent leaves behind ends with the test's folder.
	_, done := a.begin(t.Context(), "r.1", "echo up; while [ -d "+dir+" ]; do sleep 0.02; done")
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-done
	b := connect(t, dir)
	var out buffer
	if _, err := b.attach(t.Context(), "r.1", 0, &out); code(err) != "lost" || out.String() != "up\n" {
		t.Errorf("got %v, %q", err, out.String())
	}
	if _, err := b.attach(t.Context(), "r.2", 0, &out); code(err) != "not-found" {
		t.Errorf("got %v", err)
	}
}

// TestKeptLoud: a command that prints while nobody listens does not wait, and of
// what it prints the last quarter of a MiB is there; what is not is counted.
func TestKeptLoud(t *testing.T) {
	dir := t.TempDir()
	a := connect(t, dir)
	flag := filepath.Join(dir, "go")
	out, done := a.begin(t.Context(), "r.1", "echo up; while ! [ -e "+flag+" ]; do sleep 0.02; done; head -c 4000000 /dev/zero | tr '\\0' x; echo end")
	a.cut()
	<-done
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-a.ended; err != nil {
		t.Error(err)
	}
	b := connect(t, dir)
	var rest buffer
	fate, err := b.attach(t.Context(), "r.1", len(out.String()), &rest)
	if err != nil || fate.Status.Code != 0 {
		t.Fatalf("got %+v, %v", fate, err)
	}
	if n := int64(len(rest.String())); n < 256<<10 || n > 640<<10 || n+fate.Missed != 4000004 || !strings.HasSuffix(rest.String(), "xend\n") {
		t.Errorf("%d bytes came and %d are missed", n, fate.Missed)
	}
}
