package executortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"stet/executors"
)

// gauge counts, and tells of two writers at once.
type gauge struct {
	mu   sync.Mutex
	n    int64
	wait time.Duration
	bad  bool
}

func (c *gauge) Write(b []byte) (int, error) {
	if !c.mu.TryLock() {
		c.bad = true
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	time.Sleep(c.wait)
	c.n += int64(len(b))
	return len(b), nil
}

func (s suite) output(t *testing.T) {
	x := s.session(t)
	t.Run("large", func(t *testing.T) {
		var c gauge
		const size = 64 << 20
		st, err := x.Run(bounded(t), sh(fmt.Sprintf("head -c %d /dev/zero & head -c %d /dev/zero >&2; wait", size, size)), executors.Output{Stdout: &c, Stderr: onlyWriter{&c}})
		if err != nil || st.Code != 0 || c.n != 2*size || c.bad {
			t.Errorf("got %d bytes, %+v, %v, at once %v", c.n, st, err, c.bad)
		}
	})
	t.Run("slow reader", func(t *testing.T) {
		c := gauge{wait: 20 * time.Millisecond}
		const size = 1500_000
		if st, err := x.Run(bounded(t), sh(fmt.Sprintf("head -c %d /dev/zero", size)), executors.Output{Stdout: &c}); err != nil || st.Code != 0 || c.n != size {
			t.Errorf("got %d bytes, %+v, %v", c.n, st, err)
		}
	})
	t.Run("as it comes", func(t *testing.T) {
		r, w := io.Pipe()
		defer r.Close()
		ctx, cancel := context.WithCancel(bounded(t))
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := x.Run(ctx, sh("echo first; sleep 600"), executors.Output{Stdout: w})
			ended <- err
		}()
		b := make([]byte, 64)
		if n, err := r.Read(b); err != nil || string(b[:n]) != "first\n" {
			t.Errorf("got %q, %v", b[:n], err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("unwanted", func(t *testing.T) {
		if st, err := x.Run(bounded(t), sh("head -c 5000000 /dev/zero"), executors.Output{}); err != nil || st.Code != 0 {
			t.Errorf("got %+v, %v", st, err)
		}
	})
	t.Run("refused by the writer", func(t *testing.T) {
		st, err := x.Run(bounded(t), sh("head -c 5000000 /dev/zero; exit 3"), executors.Output{Stdout: full{}})
		if err == nil || st == nil || st.Code != 3 {
			t.Errorf("got %+v, %v", st, err)
		}
	})
	t.Run("in order", func(t *testing.T) {
		var both bytes.Buffer
		script, want := "", ""
		for i := range 50 {
			script += fmt.Sprintf("echo %d; echo %d >&2;", i, i)
			want += fmt.Sprintf("%d\n%d\n", i, i)
		}
		if _, err := x.Run(bounded(t), sh(script), executors.Output{Stdout: &both, Stderr: &both}); err != nil || both.String() != want {
			t.Errorf("got %q, %v", both.String(), err)
		}
	})
}

// onlyWriter is another writer to the same place.
type onlyWriter struct{ io.Writer }

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }
