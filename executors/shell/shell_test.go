//go:build linux

package shell_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/shell"
)

func sh(script string) executors.Command {
	return executors.Command{Argv: []string{"sh", "-c", script}, ID: "test"}
}

func run(t *testing.T, c executors.Command) (*executors.ExitStatus, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	st, err := shell.Run(t.Context(), c, executors.Output{Stdout: &out, Stderr: &errs}, shell.Options{})
	if err != nil {
		t.Fatalf("running %q: %v", c.Argv, err)
	}
	return st, out.String(), errs.String()
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct {
		name           string
		c              executors.Command
		code           int
		signal, out, e string
	}{
		{"streams", sh("echo out; echo err >&2"), 0, "", "out\n", "err\n"},
		{"code", sh("exit 7"), 7, "", "", ""},
		{"signal", sh("kill -9 $$"), 137, "SIGKILL", "", ""},
		{"stdin", executors.Command{Argv: []string{"cat"}, Stdin: []byte("hello")}, 0, "", "hello", ""},
		{"no stdin", executors.Command{Argv: []string{"cat"}}, 0, "", "", ""},
		{"env", executors.Command{Argv: []string{"sh", "-c", "echo $A$B"}, Env: []string{"A=1", "B=2", "A=3"}}, 0, "", "32\n", ""},
		{"dir", executors.Command{Argv: []string{"pwd"}, Dir: dir}, 0, "", dir + "\n", ""},
		{"input not read", executors.Command{Argv: []string{"true"}, Stdin: make([]byte, 1<<20)}, 0, "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, out, e := run(t, tc.c)
			if st.Code != tc.code || st.Signal != tc.signal || out != tc.out || e != tc.e {
				t.Errorf("got %+v, out %q, err %q", *st, out, e)
			}
		})
	}
}

func TestRunRelativeProgram(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tool"), []byte("#!/bin/sh\necho here\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := run(t, executors.Command{Argv: []string{"./tool"}, Dir: dir}); out != "here\n" {
		t.Errorf("got %q", out)
	}
	_, err := shell.Run(t.Context(), executors.Command{Argv: []string{"tool"}, Dir: dir, Env: []string{"PATH=."}}, executors.Output{}, shell.Options{})
	wantCode(t, err, "not-found")
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *executors.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got error %v, want one of code %q", err, code)
	}
}

func TestRunErrors(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		c    executors.Command
		code string
	}{
		{executors.Command{}, "not-found"},
		{executors.Command{Argv: []string{"no-such-program-at-all"}}, "not-found"},
		{executors.Command{Argv: []string{"/no/such/program"}}, "not-found"},
		{executors.Command{Argv: []string{plain}}, "permission"},
		{executors.Command{Argv: []string{junk}}, "unsupported"},
		{executors.Command{Argv: []string{"true"}, Dir: "/no/such/dir"}, "not-found"},
		{executors.Command{Argv: []string{"true", strings.Repeat("x", 4<<20)}}, "unsupported"},
	} {
		st, err := shell.Run(t.Context(), tc.c, executors.Output{}, shell.Options{})
		if st != nil {
			t.Errorf("got a status %+v", *st)
		}
		wantCode(t, err, tc.code)
	}
}

// alive lists the processes that sleep for exactly this long.
func alive(seconds string) (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range dirs {
		b, _ := os.ReadFile(f)
		if string(b) == "sleep\x00"+seconds+"\x00" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func TestCancelEndsTheTree(t *testing.T) {
	for name, script := range map[string]string{
		"child":         "sleep %s",
		"grandchildren": "sleep %s & sleep %s & wait",
		"setsid":        "setsid sleep %s & wait; sleep 100",
		"double fork":   "(setsid sh -c 'sleep %s & exit' &) ; sleep 100",
		"deaf":          "trap '' TERM; (trap '' TERM; setsid sleep %s &); while :; do sleep 100; done",
		"stopped":       "sleep %s & sleep 0.1; kill -STOP $!; kill -STOP $$",
		"no mark":       "env -i setsid sleep %s & sleep 100",
		"group":         "set -m; sleep %s & sleep 100",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seconds := fmt.Sprintf("%d.%06d", 3000+len(name), time.Now().Nanosecond()/1000)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for limit := time.Now().Add(time.Minute); len(alive(seconds)) == 0 && time.Now().Before(limit); {
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(200 * time.Millisecond)
				cancel()
			}()
			start := time.Now()
			st, err := shell.Run(ctx, sh(strings.ReplaceAll(script, "%s", seconds)), executors.Output{Stdout: io.Discard}, shell.Options{Grace: 300 * time.Millisecond})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v", err)
			}
			if st == nil || st.Signal == "" {
				t.Errorf("got status %+v", st)
			}
			if left := alive(seconds); len(left) != 0 {
				for _, pid := range left {
					syscall.Kill(pid, syscall.SIGKILL)
				}
				t.Errorf("%d processes left", len(left))
			}
			// By itself it would take 100 s.
			if d := time.Since(start); d > time.Minute {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := shell.Run(ctx, sh("sleep 100"), executors.Output{}, shell.Options{})
	wantCode(t, err, "timeout")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestDaemonStays(t *testing.T) {
	seconds := fmt.Sprintf("77.%06d", time.Now().Nanosecond()/1000)
	file := filepath.Join(t.TempDir(), "alive")
	start := time.Now()
	// It holds both pipes, and goes on printing into them.
	script := "echo begun; (sleep " + seconds + " & while sleep 0.1; do echo tick; echo x >>" + file + "; done) &"
	var out bytes.Buffer
	st, err := shell.Run(t.Context(), sh(script), executors.Output{Stdout: &out, Stderr: &out}, shell.Options{Drain: 50 * time.Millisecond})
	if err != nil || st.Code != 0 {
		t.Fatalf("got %+v, %v", st, err)
	}
	t.Cleanup(func() {
		for _, pid := range alive(seconds) {
			if pgid, err := syscall.Getpgid(pid); err == nil {
				syscall.Kill(-pgid, syscall.SIGKILL)
			}
		}
	})
	if d := time.Since(start); d > time.Minute {
		t.Errorf("the daemon held up the command for %v", d)
	}
	if !strings.HasPrefix(out.String(), "begun\n") {
		t.Errorf("got %q", out.String())
	}
	length := out.Len()
	size := func() int64 {
		info, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	before := size()
	eventually(t, "the daemon lives on and prints", func() bool { return size() > before+4 })
	if out.Len() != length {
		t.Error("the writer was used after the return")
	}
}

type slow struct {
	n     int64
	delay time.Duration
}

func (s *slow) Write(b []byte) (int, error) {
	time.Sleep(s.delay)
	s.n += int64(len(b))
	return len(b), nil
}

func TestSlowWriterLosesNothing(t *testing.T) {
	w := &slow{delay: 30 * time.Millisecond}
	st, err := shell.Run(t.Context(), sh("head -c 600000 /dev/zero"), executors.Output{Stdout: w}, shell.Options{Drain: 10 * time.Millisecond})
	if err != nil || st.Code != 0 || w.n != 600000 {
		t.Errorf("got %d bytes, %+v, %v", w.n, st, err)
	}
}

func TestGibibyteInConstantMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("prints 1 GiB")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := &slow{}
	st, err := shell.Run(t.Context(), sh("head -c 1073741824 /dev/zero"), executors.Output{Stdout: w}, shell.Options{})
	runtime.ReadMemStats(&after)
	if err != nil || st.Code != 0 || w.n != 1<<30 {
		t.Fatalf("got %d bytes, %+v, %v", w.n, st, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("allocated %d bytes", grown)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestWriterFails(t *testing.T) {
	st, err := shell.Run(t.Context(), sh("head -c 1000000 /dev/zero; exit 3"), executors.Output{Stdout: broken{}}, shell.Options{})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if st == nil || st.Code != 3 {
		t.Errorf("got %+v", st)
	}
}
