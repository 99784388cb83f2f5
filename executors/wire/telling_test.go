package wire

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"stet/executors"
)

// telling is the near end of a connection whose far end tells it of all that it
// does, and counts who reads.
type telling struct {
	net.Conn
	mu    sync.Mutex
	came  func()
	reads int // under way
}

func (t *telling) Tell(came func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.came = came
	return true
}

func (t *telling) tell() {
	t.mu.Lock()
	came := t.came
	t.mu.Unlock()
	if came != nil {
		came()
	}
}

func (t *telling) Read(b []byte) (int, error) {
	t.count(1)
	defer t.count(-1)
	return t.Conn.Read(b)
}

func (t *telling) count(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads += n
}

// still waits until nobody reads.
func (t *telling) still(tt *testing.T) {
	tt.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		t.mu.Lock()
		reads := t.reads
		t.mu.Unlock()
		if reads == 0 {
			return
		}
		if time.Now().After(end) {
			tt.Fatal("somebody reads where nothing is waited for")
		}
	}
}

type teller struct {
	net.Conn
	near *telling
}

func (t teller) Write(b []byte) (int, error) { t.near.tell(); return t.Conn.Write(b) }
func (t teller) Close() error {
	err := t.Conn.Close()
	t.near.tell()
	return err
}

// joined are the ends of a connection that holds what nobody reads yet.
func joined(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

// TestTelling: a stream that tells is read only while something is waited for, and
// nothing is missed: neither answers and output, nor the server's pings, nor its end.
func TestTelling(t *testing.T) {
	o := Options{KeepAlive: 20 * time.Millisecond}
	a, b := joined(t)
	near := &telling{Conn: a}
	far := teller{b, near}
	h := &host{run: func(_ context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
		_, err := io.WriteString(out.Stdout, strings.Repeat(c.ID, 5000))
		return &executors.ExitStatus{Code: 3}, err
	}}
	wait := serve(t, h, far, o)
	c, err := NewClient(t.Context(), near, o)
	if err != nil {
		t.Fatal(err)
	}
	near.still(t)
	s := open(t, c, "one")
	for range 3 {
		near.still(t)
		var group sync.WaitGroup
		for _, id := range []string{"a", "b", "c"} {
			group.Go(func() {
				var out strings.Builder
				st, err := s.Run(t.Context(), executors.Command{ID: id}, executors.Output{Stdout: &out})
				if err != nil || st.Code != 3 || out.String() != strings.Repeat(id, 5000) {
					t.Errorf("%+v, %d bytes, %v", st, out.Len(), err)
				}
			})
		}
		group.Wait()
	}
	time.Sleep(10 * o.KeepAlive) // who does not answer is given up within four
	if _, err := s.Info(t.Context()); err != nil {
		t.Errorf("after pings in both directions: %v", err)
	}
	near.still(t)
	far.Close()
	select {
	case <-c.over:
	case <-time.After(20 * time.Second):
		t.Error("the end of the connection is not seen")
	}
	if _, err := s.Info(t.Context()); code(err) != "unreachable" {
		t.Errorf("after the end: %v", err)
	}
	wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestTellingLate: an answer is read even where nothing was told of it, since
// somebody waits for it. No ping comes to the rescue here.
func TestTellingLate(t *testing.T) {
	o := Options{KeepAlive: time.Hour}
	a, b := joined(t)
	near := &telling{Conn: a}
	wait := serve(t, &host{}, b, o)
	c, err := NewClient(t.Context(), near, o)
	if err != nil {
		t.Fatal(err)
	}
	near.still(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := c.Open(ctx, executors.Target{Name: "one", Address: "local"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Info(ctx); err != nil {
		t.Error(err)
	}
	near.still(t)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	wait()
}

// TestTellingNever: a stream that cannot tell is read all the time.
func TestTellingNever(t *testing.T) {
	a, b := net.Pipe()
	near := &silent{a}
	wait := serve(t, &host{}, b, Options{})
	c, err := NewClient(t.Context(), near, Options{})
	if err != nil {
		t.Fatal(err)
	}
	open(t, c, "one")
	b.Close()
	select {
	case <-c.over:
	case <-time.After(20 * time.Second):
		t.Error("the end of the connection is not seen")
	}
	wait()
	c.Close()
}

type silent struct{ net.Conn }

func (*silent) Tell(func()) bool { return false }
