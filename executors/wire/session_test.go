package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// TestMethods asks for each of them once, through the wire.
func TestMethods(t *testing.T) {
	h := &host{}
	c, _ := connect(t, h, Options{})
	ctx := t.Context()
	s := open(t, c, "one")
	if s.Target().Name != "one" {
		t.Error(s.Target())
	}
	if st, err := s.Observe(ctx, netstate.Query{Links: true}); err != nil || st.Interfaces[0].Name != "one" || st.Sysctls["query"] != "true" {
		t.Errorf("%+v %v", st, err)
	}
	if r, err := s.Probe(ctx, executors.Probe{Ping: &executors.Ping{Host: "x"}}); err != nil || !r.OK || r.Values["sent"] != 3.0 || r.Values["host"] != "x" {
		t.Errorf("%+v %v", r, err)
	}
	if i, err := s.Info(ctx); err != nil || i.Hostname != "h" {
		t.Errorf("%+v %v", i, err)
	}
	if r, err := s.Apply(ctx, &netstate.Change{Edits: make([]netstate.Edit, 3)}); err != nil || r.Done != 3 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := s.Apply(ctx, nil); err != nil || r.Done != 0 {
		t.Errorf("no change: %+v %v", r, err)
	}
	if r, err := s.Undo(ctx, &netstate.Change{}); r != nil || code(err) != "protocol" {
		t.Errorf("an empty answer: %+v %v", r, err)
	}
	if f, err := s.Arm(ctx, executors.Guard{ID: "g", Timeout: time.Minute}); err != nil || f.Kept != executors.OwnSession || !f.EndsWithLogin {
		t.Error(err)
	}
	if all, err := s.Guards(ctx); err != nil || len(all) != 1 || all[0].ID != "g" || all[0].Left != time.Minute {
		t.Errorf("%+v %v", all, err)
	}
	if err := s.Confirm(ctx, "g"); code(err) != "reverted" || err.Error() != "confirming g: too late" {
		t.Error(err)
	}
	if g, err := s.Revert(ctx, "g"); err != nil || g.Phase != executors.Reverted {
		t.Errorf("%+v %v", g, err)
	}
	if err := s.(*session).Echo(ctx, 100_000); err != nil {
		t.Error(err)
	}
	if f, err := s.(executors.Keeper).Attach(ctx, "c", executors.Received{}, executors.Output{}); f != nil || code(err) != "unsupported" {
		t.Errorf("a session that keeps no commands: %+v %v", f, err)
	}
	if err := s.Lock(ctx, executors.Lock{Run: "r"}); err != nil {
		t.Error(err)
	}
	if err := s.Lock(ctx, executors.Lock{}); err == nil || err.Error() != "no run" {
		t.Error(err)
	}
	if err := s.Unlock(ctx); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Info(ctx); code(err) != "unreachable" || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a closed session: %v", err)
	}
}

// TestErrorsKeepTheirMeaning across the wire.
func TestErrorsKeepTheirMeaning(t *testing.T) {
	edit := &executors.EditError{Index: 2, Edit: "+ link br0", Errno: 17, Message: "file exists"}
	h := &host{apply: func(context.Context, *netstate.Change) (*executors.Result, error) {
		return &executors.Result{Done: 2, Failed: edit, Undone: true}, fmt.Errorf("applying: %w", edit)
	}}
	c, _ := connect(t, h, Options{})
	_, err := c.Open(t.Context(), executors.Target{Address: "none"})
	var e *executors.Error
	if !errors.As(err, &e) || e.Code != "not-found" || e.Remedy != "make it" || err.Error() != "opening none: no such namespace" {
		t.Errorf("%#v", err)
	}
	r, err := open(t, c, "one").Apply(t.Context(), &netstate.Change{})
	var refused *executors.EditError
	if !errors.As(err, &refused) || *refused != *edit || err.Error() != "applying: + link br0: file exists" {
		t.Errorf("%#v", err)
	}
	if r == nil || r.Done != 2 || !r.Undone {
		t.Errorf("the result that comes with the error: %+v", r)
	}
}

// TestPanicFailsItsRequestOnly: the helper may be all that keeps sandboxes
// alive.
func TestPanicFailsItsRequestOnly(t *testing.T) {
	c, _ := connect(t, &host{}, Options{})
	s := open(t, c, "one")
	if _, err := s.Probe(t.Context(), executors.Probe{}); code(err) != "protocol" || !strings.Contains(err.Error(), "nothing was asked") {
		t.Error(err)
	}
	if _, err := s.Info(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestRequestsOverlap: as many as are allowed wait for each other, more than
// that wait for their turn.
func TestRequestsOverlap(t *testing.T) {
	together := make(chan struct{})
	var here sync.WaitGroup
	here.Add(MaxInFlight)
	h := &host{run: func(ctx context.Context, c executors.Command, _ executors.Output) (*executors.ExitStatus, error) {
		if c.ID == "wait" {
			here.Done()
			<-together
		}
		return &executors.ExitStatus{Code: len(c.Argv)}, nil
	}}
	c, _ := connect(t, h, Options{})
	s := open(t, c, "one")
	var group sync.WaitGroup
	for i := range MaxInFlight {
		group.Go(func() {
			if st, err := s.Run(t.Context(), executors.Command{ID: "wait", Argv: make([]string, i)}, executors.Output{}); err != nil || st.Code != i {
				t.Errorf("%d: %+v %v", i, st, err)
			}
		})
	}
	here.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Info(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more: %v", err)
	}
	close(together)
	group.Wait()
	if _, err := s.Info(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestOutputKeepsItsOrder, byte by byte, and never exceeds the window.
func TestOutputKeepsItsOrder(t *testing.T) {
	const lines = 30_000
	h := &host{run: func(_ context.Context, _ executors.Command, out executors.Output) (*executors.ExitStatus, error) {
		for i := range lines {
			w := out.Stdout
			if i%3 == 0 {
				w = out.Stderr
			}
			if _, err := fmt.Fprintf(w, "%d\n", i); err != nil {
				return nil, err
			}
		}
		return &executors.ExitStatus{}, nil
	}}
	c, _ := connect(t, h, Options{})
	s := open(t, c, "one")
	var want bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&want, "%d\n", i)
	}
	var merged bytes.Buffer
	if _, err := s.Run(t.Context(), executors.Command{}, executors.Output{Stdout: &merged, Stderr: &merged}); err != nil || merged.String() != want.String() {
		t.Errorf("%d of %d bytes, %v", merged.Len(), want.Len(), err)
	}
	var out, errs bytes.Buffer
	if _, err := s.Run(t.Context(), executors.Command{}, executors.Output{Stdout: &out, Stderr: &errs}); err != nil || out.Len()+errs.Len() != want.Len() || !strings.HasPrefix(errs.String(), "0\n3\n6\n") || !strings.HasPrefix(out.String(), "1\n2\n4\n") {
		t.Errorf("%d and %d bytes, %v", out.Len(), errs.Len(), err)
	}
}

// TestSlowReaderHoldsTheCommandUp, and nothing else.
func TestSlowReaderHoldsTheCommandUp(t *testing.T) {
	var wrote safeCount
	h := &host{run: func(_ context.Context, _ executors.Command, out executors.Output) (*executors.ExitStatus, error) {
		b := make([]byte, 4096)
		for range 1000 {
			n, err := out.Stdout.Write(b)
			wrote.add(n)
			if err != nil {
				return nil, err
			}
		}
		return &executors.ExitStatus{}, nil
	}}
	c, _ := connect(t, h, Options{})
	s := open(t, c, "one")
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), executors.Command{}, executors.Output{Stdout: w})
		w.Close()
		done <- err
	}()
	last := -1
	for now := wrote.get(); now != last || now == 0; now = wrote.get() { // until it stands
		last = now
		time.Sleep(100 * time.Millisecond)
	}
	if last > Window+4096 || last == 0 {
		t.Errorf("the command has written %d bytes that nobody took", last)
	}
	if _, err := s.Info(t.Context()); err != nil {
		t.Errorf("beside it: %v", err)
	}
	if n, err := io.Copy(io.Discard, r); n != 4096*1000 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type safeCount struct {
	mu sync.Mutex
	n  int
}

func (s *safeCount) add(n int) { s.mu.Lock(); s.n += n; s.mu.Unlock() }
func (s *safeCount) get() int  { s.mu.Lock(); defer s.mu.Unlock(); return s.n }

// TestCancelReachesTheServer, and what the command says at its end comes back. In the
// bubble no deadline passes before the command waits for it.
func TestCancelReachesTheServer(t *testing.T) { synctest.Test(t, cancelReachesTheServer) }

func cancelReachesTheServer(t *testing.T) {
	h := &host{run: func(ctx context.Context, _ executors.Command, out executors.Output) (*executors.ExitStatus, error) {
		io.WriteString(out.Stdout, "begun\n")
		<-ctx.Done()
		io.WriteString(out.Stdout, "ended\n")
		return &executors.ExitStatus{Code: 143, Signal: "SIGTERM"}, ctx.Err()
	}}
	c, _ := connect(t, h, Options{})
	s := open(t, c, "one")
	for name, start := range map[string]func() (context.Context, context.CancelFunc, error){
		"cancel": func() (context.Context, context.CancelFunc, error) {
			ctx, cancel := context.WithCancel(t.Context())
			return ctx, cancel, context.Canceled
		},
		"deadline": func() (context.Context, context.CancelFunc, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			return ctx, cancel, context.DeadlineExceeded
		},
	} {
		ctx, cancel, want := start()
		var out onFirst
		if name == "cancel" {
			out.f = cancel
		}
		st, err := s.Run(ctx, executors.Command{}, executors.Output{Stdout: &out})
		if !errors.Is(err, want) || st == nil || st.Code != 143 || out.b.String() != "begun\nended\n" {
			t.Errorf("%s: %+v %v %q", name, st, err, out.b.String())
		}
		cancel()
	}
}

// onFirst calls f at the first write.
type onFirst struct {
	b bytes.Buffer
	f func()
}

func (o *onFirst) Write(p []byte) (int, error) {
	if o.f != nil {
		o.f()
		o.f = nil
	}
	return o.b.Write(p)
}

// TestDeafServer does not hold the caller up for ever.
func TestDeafServer(t *testing.T) {
	release := make(chan struct{})
	h := &host{run: func(context.Context, executors.Command, executors.Output) (*executors.ExitStatus, error) {
		<-release
		return &executors.ExitStatus{}, nil
	}}
	c, _ := connect(t, h, Options{CancelWait: 50 * time.Millisecond})
	defer close(release)
	s := open(t, c, "one")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Run(ctx, executors.Command{}, executors.Output{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := s.Info(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestEndOfTheClient ends what the server runs for it, and its sessions.
func TestEndOfTheClient(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	h := &host{run: func(ctx context.Context, _ executors.Command, _ executors.Output) (*executors.ExitStatus, error) {
		close(begun)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}}
	near, far := net.Pipe()
	wait := serve(t, h, far, Options{})
	c, err := NewClient(t.Context(), near, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, c, "one")
	open(t, c, "two")
	done := make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), executors.Command{}, executors.Output{})
		done <- err
	}()
	<-begun
	near.Close() // as a killed process does
	if err := wait(); err != nil {
		t.Errorf("the server: %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-done; code(err) != "unreachable" || !strings.Contains(err.Error(), "lost") {
		t.Errorf("the client: %v", err)
	}
	if h.left() != 0 || h.closed != 0 {
		t.Errorf("%d sessions are left; the opener was closed %d times", h.left(), h.closed)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing afterwards: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("closing afterwards: %v", err)
	}
}

// TestCloseClosesTheOpener at the other end, once.
func TestCloseClosesTheOpener(t *testing.T) {
	h := &host{}
	c, wait := connect(t, h, Options{})
	open(t, c, "one")
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := wait(); err != nil {
		t.Error(err)
	}
	if h.left() != 0 || h.closed != 1 {
		t.Errorf("%d sessions are left; the opener was closed %d times", h.left(), h.closed)
	}
	if _, err := c.Open(t.Context(), executors.Target{}); code(err) != "unreachable" {
		t.Error(err)
	}
}

// TestMessageThatIsTooLarge is refused before it is sent, and an answer that is
// becomes an error.
func TestMessageThatIsTooLarge(t *testing.T) {
	h := &host{apply: func(context.Context, *netstate.Change) (*executors.Result, error) {
		return &executors.Result{UndoError: strings.Repeat("x", 10_000)}, nil
	}}
	c, _ := connect(t, h, Options{MaxMessage: 5000})
	s := open(t, c, "one")
	if _, err := s.Run(t.Context(), executors.Command{Stdin: make([]byte, 10_000)}, executors.Output{}); code(err) != "unsupported" || !strings.Contains(err.Error(), "5000") {
		t.Error(err)
	}
	if _, err := s.Apply(t.Context(), nil); code(err) != "unsupported" || !strings.Contains(err.Error(), "5000") {
		t.Error(err)
	}
	if _, err := s.Info(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestLargeMessages go in many frames.
func TestLargeMessages(t *testing.T) {
	h := &host{run: func(_ context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
		return &executors.ExitStatus{Code: len(c.Stdin)}, nil
	}}
	c, _ := connect(t, h, Options{})
	s := open(t, c, "one")
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			size := 1<<20 + i
			if st, err := s.Run(t.Context(), executors.Command{Stdin: make([]byte, size)}, executors.Output{}); err != nil || st.Code != size {
				t.Errorf("%+v %v", st, err)
			}
		})
	}
	group.Wait()
}

// A host's clock is an hour off: what it says of its guards is told in the time of
// whoever asked; a second is nothing that a clock is wrong by.
func TestClockOff(t *testing.T) {
	now := time.Now()
	for _, off := range []time.Duration{time.Hour, -time.Hour, time.Second, 0} {
		there := now.Add(off)
		h := &host{}
		c, _ := connect(t, h, Options{})
		s := open(t, c, "one")
		h.opened[0].guards = []executors.GuardState{{
			ID: "g", Phase: executors.Reverted, Now: there, Armed: there.Add(-time.Minute), Deadline: there.Add(-10 * time.Second),
		}}
		all, err := s.Guards(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%v %v", all, err)
		}
		g := all[0]
		if wrong := g.Armed.Sub(now.Add(-time.Minute)).Abs(); wrong > 30*time.Second || !g.Now.IsZero() || !g.Ended.IsZero() || g.Deadline.Sub(g.Armed) != 50*time.Second {
			t.Errorf("%s off: %+v", off, g)
		}
	}
}
