package executortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// sleepers counts the target's processes that sleep for exactly that long.
func sleepers(t *testing.T, x executors.Session, seconds string) int {
	t.Helper()
	script := `exec 2>/dev/null; n=0; for f in /proc/[0-9]*/cmdline; do
		case "$(tr '\0' ' ' <$f)" in "sleep ` + seconds + ` ") n=$((n+1));; esac
	done; echo $n`
	n, err := strconv.Atoi(strings.TrimSpace(text(t, x, script)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func unique() string {
	return fmt.Sprintf("3%03d.%09d", time.Now().Unix()%1000, time.Now().Nanosecond())
}

func (s suite) cancel(t *testing.T) {
	x := s.session(t)
	for name, script := range map[string]string{
		"child":       "sleep %s & wait",
		"left":        "setsid sleep %s & sleep 600",
		"double fork": "(setsid sh -c 'sleep %s & exit' &); sleep 600",
		"deaf":        "trap '' TERM; sleep %s & while :; do wait; sleep 1; done",
	} {
		t.Run(name, func(t *testing.T) {
			seconds := unique()
			ctx, cancel := context.WithCancel(bounded(t))
			defer cancel()
			go func() {
				defer cancel()
				for limit := time.Now().Add(patience); sleepers(t, x, seconds) == 0 && time.Now().Before(limit); {
					time.Sleep(20 * time.Millisecond)
				}
			}()
			_, err := x.Run(ctx, sh(strings.ReplaceAll(script, "%s", seconds)), executors.Output{Stdout: io.Discard})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if n := sleepers(t, x, seconds); n != 0 {
				t.Errorf("%d processes are left", n)
			}
		})
	}
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(bounded(t), 200*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := x.Run(ctx, sh("echo begun; sleep 600"), executors.Output{Stdout: io.Discard})
		if !errors.Is(err, context.DeadlineExceeded) || code(err) != "timeout" {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d > patience {
			t.Errorf("took %v", d)
		}
	})
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(bounded(t))
		cancel()
		if _, err := x.Run(ctx, sh("echo"), executors.Output{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	text(t, x, "true") // the session is as good as before
}

func (s suite) daemon(t *testing.T) {
	x := s.session(t)
	seconds := unique()
	start := time.Now()
	text(t, x, "sleep "+seconds+" & echo started")
	if d := time.Since(start); d > patience {
		t.Errorf("a daemon held up the command for %v", d)
	}
	until(t, "the daemon lives on", func() bool { return sleepers(t, x, seconds) == 1 })
	text(t, x, `exec 2>/dev/null; for f in /proc/[0-9]*; do
		case "$(tr '\0' ' ' <$f/cmdline)" in "sleep `+seconds+` ") kill -9 ${f#/proc/};; esac
	done`)
	until(t, "the daemon ends", func() bool { return sleepers(t, x, seconds) == 0 })
}

// closeEnds: closing a session ends what it runs.
func (s suite) closeEnds(t *testing.T) {
	x := s.open(t)
	y := s.session(t)
	seconds := unique()
	ended := make(chan error, 1)
	go func() {
		_, err := x.Run(bounded(t), sh("sleep "+seconds), executors.Output{})
		ended <- err
	}()
	until(t, "the command runs", func() bool { return sleepers(t, y, seconds) == 1 })
	for range 2 {
		if err := x.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the command was ended without an error")
		}
	case <-time.After(patience):
		t.Error("closing did not end the command")
	}
	if n := sleepers(t, y, seconds); n != 0 {
		t.Errorf("%d processes are left", n)
	}
	if _, err := x.Observe(bounded(t), netstate.Query{Links: true}); err == nil {
		t.Error("a closed session was observed")
	}
	if _, err := x.Run(bounded(t), sh("true"), executors.Output{}); err == nil {
		t.Error("a closed session ran a command")
	}
	if err := x.Lock(bounded(t), executors.Lock{Run: "x"}); err == nil {
		t.Error("a closed session was locked")
	}
}

// until waits for what happens by itself.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
