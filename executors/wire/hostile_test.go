package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"stet/executors"
)

// TestVersions: a peer of another version is told apart from noise.
func TestVersions(t *testing.T) {
	hello := func(text string) string {
		var b strings.Builder
		b.WriteString(Magic)
		if err := (&writer{w: &b}).frame(kindHello, 0, false, []byte(text)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var ping strings.Builder
	ping.WriteString(Magic)
	if err := (&writer{w: &ping}).frame(kindPing, 0, false, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ said, err string }{
		{hello(`{"protocol":2,"program":"stet 9"}`), "(stet 9) speaks version 2 of the protocol, this is version 1"},
		{hello(`nonsense`), "reading the hello"},
		{ping.String(), "did not say hello"},
		{"sudo: a password is required\n", `it said "sudo: a password is required\n"`},
		{"stet/2\r\n", `it said "stet/2\r\n"`},
		{"", "ended before it said hello"},
		{strings.Repeat("noise ", 30_000), "does not speak this protocol"},
	} {
		_, err := NewClient(t.Context(), saying(c.said), Options{})
		if code(err) != "protocol" || !strings.Contains(err.Error(), c.err) {
			t.Errorf("a client that hears %.40q: %v", c.said, err)
		}
		conn := saying(c.said)
		if err := Serve(t.Context(), conn, &host{}, Options{}); c.said != "" && code(err) != "protocol" {
			t.Errorf("a server that hears %.40q: %v", c.said, err)
		}
		conn.Close()
	}
}

// saying is a connection whose other end says text, hears everything and ends.
func saying(text string) net.Conn {
	near, far := net.Pipe()
	go io.Copy(io.Discard, far)
	go func() {
		io.WriteString(far, text)
		far.Close()
	}()
	return near
}

func TestNewClientGivesUpWithItsContext(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := NewClient(ctx, near, Options{}); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Error(err)
	}
}

// TestHostileClient is cut off with the reason.
func TestHostileClient(t *testing.T) {
	request := `{"method":"info","session":1}`
	for name, c := range map[string]struct {
		do  func(p *peer)
		err string
	}{
		"no JSON":           {func(p *peer) { p.send(kindRequest, 1, false, "{") }, "reading a request"},
		"server's frame":    {func(p *peer) { p.send(kindResponse, 1, false, "{}") }, "does not send frames of kind 3"},
		"second hello":      {func(p *peer) { p.send(kindHello, 1, false, "{}") }, "does not send frames of kind 1"},
		"credit too large":  {func(p *peer) { p.hang(1); p.send(kindCredit, 1, false, "\x00\x00\x00\x01") }, "larger than the window"},
		"credit no number":  {func(p *peer) { p.send(kindCredit, 1, false, "12") }, "not a number"},
		"same number twice": {func(p *peer) { p.hang(1); p.hang(1) }, "under way already"},
		"too many": {func(p *peer) {
			for i := range uint32(MaxInFlight + 1) {
				p.hang(i)
			}
		}, "in flight"},
		"too many unfinished": {func(p *peer) {
			for i := range uint32(MaxInFlight + 1) {
				p.send(kindRequest, i, true, request)
			}
		}, "unfinished"},
		"endless message": {func(p *peer) {
			for range 100 {
				p.send(kindRequest, 1, true, strings.Repeat(" ", MaxFrame))
			}
		}, "hold more than"},
		"cut off": {func(p *peer) { p.conn.Write([]byte("\x00\x00")) }, "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &host{run: func(ctx context.Context, _ executors.Command, _ executors.Output) (*executors.ExitStatus, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}
			near, far := net.Pipe()
			wait := serve(t, h, far, Options{MaxMessage: 1 << 20})
			p := greeted(t, near)
			p.send(kindRequest, 1000, false, `{"method":"open","params":{"Target":{"address":"local"}}}`)
			if f, err := p.next(); err != nil || f.kind != kindResponse || string(f.payload) != `{"result":{"id":1}}` {
				t.Fatalf("%+v %v %s", f, err, f.payload)
			}
			go io.Copy(io.Discard, near)
			c.do(p)
			near.Close()
			if err := wait(); code(err) != "protocol" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v", err)
			}
			if h.left() != 0 {
				t.Errorf("%d sessions are left", h.left())
			}
		})
	}
}

// hang sends a request that is answered only when it is cancelled.
func (p *peer) hang(id uint32) {
	p.send(kindRequest, id, false, `{"method":"run","session":1,"params":{"stdout":true}}`)
}

// TestOddRequests are answered with an error; the connection goes on.
func TestOddRequests(t *testing.T) {
	near, far := net.Pipe()
	wait := serve(t, &host{}, far, Options{})
	p := greeted(t, near)
	for i, c := range []struct{ request, err string }{
		{`{"method":"nothing"}`, "the session is closed"},
		{`{"method":"info","session":7}`, "the session is closed"},
		{`{"method":"open","params":7}`, "reading the parameters"},
		{`{"method":"open"}`, "reading the parameters"},
		{`{"method":"open","params":{"Target":{"address":"none"}}}`, "no such namespace"},
		{`{"method":"open","params":{}}`, ""},
		{`{"method":"dance","session":1}`, "not known"},
		{`{"method":"run","session":1,"params":[]}`, "reading the parameters"},
		{`{"method":"info","session":1,"timeout":9223372036854775807}`, ""},
		{`{"method":"info","session":1,"timeout":-5}`, ""},
		{`{"method":"close","session":99}`, ""},
		{`null`, "the session is closed"},
	} {
		p.send(kindCancel, 4711, false, "") // of nothing
		p.send(kindRequest, uint32(i), false, c.request)
		f, err := p.next()
		if err != nil || f.kind != kindResponse || f.id != uint32(i) {
			t.Fatalf("%s: %+v %v", c.request, f, err)
		}
		if got := string(f.payload); !strings.Contains(got, c.err) || c.err == "" && strings.Contains(got, "error") {
			t.Errorf("%s: %s", c.request, got)
		}
	}
	near.Close()
	if err := wait(); err != nil {
		t.Error(err)
	}
}

// TestHostileServer: the client ends the connection and says why.
func TestHostileServer(t *testing.T) {
	for name, c := range map[string]struct {
		do  func(p *peer)
		err string
	}{
		"unasked answer":  {func(p *peer) { p.send(kindResponse, 77, false, "{}") }, "request 77, which is not open"},
		"no JSON":         {func(p *peer) { p.send(kindResponse, 1, false, "{") }, "reading a response"},
		"client's frame":  {func(p *peer) { p.send(kindRequest, 1, false, "{}") }, "does not send frames of kind 2"},
		"too much output": {func(p *peer) { p.flood() }, "without credit"},
		"endless answer": {func(p *peer) {
			for range 100 {
				p.send(kindResponse, 1, true, strings.Repeat(" ", MaxFrame))
			}
		}, "hold more than"},
		"end":     {func(p *peer) { p.conn.Close() }, "the connection was lost"},
		"cut off": {func(p *peer) { p.conn.Write([]byte("\x00\x00")); p.conn.Close() }, "the connection was lost"},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			made := make(chan *Client, 1)
			go func() {
				client, err := NewClient(context.Background(), near, Options{MaxMessage: 1 << 20})
				if err != nil {
					t.Error(err)
				}
				made <- client
			}()
			p := greeted(t, far)
			client := <-made
			s := &session{c: client, id: 1}
			done := make(chan error, 1)
			stuck := make(chan struct{})
			go func() {
				_, err := s.Run(t.Context(), executors.Command{}, executors.Output{Stdout: blocked(stuck)})
				done <- err
			}()
			if f, err := p.next(); err != nil || f.kind != kindRequest {
				t.Fatalf("%+v %v", f, err)
			}
			c.do(p)
			close(stuck)
			select {
			case err := <-done:
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("the caller waits on")
			}
			far.Close()
			client.Close()
		})
	}
}

// flood sends more output than there is credit for.
func (p *peer) flood() {
	for range Window/MaxFrame + 2 {
		p.send(kindStdout, 1, false, strings.Repeat("x", MaxFrame))
	}
}

// blocked is a writer that waits.
type blocked chan struct{}

func (b blocked) Write(p []byte) (int, error) {
	<-b
	return len(p), nil
}

// TestSilentServer is noticed by the pings that it does not answer.
func TestSilentServer(t *testing.T) {
	near, far := net.Pipe()
	made := make(chan *Client, 1)
	go func() {
		client, err := NewClient(context.Background(), near, Options{KeepAlive: 40 * time.Millisecond})
		if err != nil {
			t.Error(err)
		}
		made <- client
	}()
	p := greeted(t, far)
	go io.Copy(io.Discard, p.conn)
	client := <-made
	defer client.Close()
	_, err := client.Open(t.Context(), executors.Target{})
	if code(err) != "unreachable" || !strings.Contains(err.Error(), "does not answer") {
		t.Error(err)
	}
}

// TestPings keep a connection on which nothing else happens.
func TestPings(t *testing.T) {
	c, _ := connect(t, &host{}, Options{KeepAlive: 250 * time.Millisecond})
	s := open(t, c, "one")
	time.Sleep(1200 * time.Millisecond) // more than a silent server is given
	if _, err := s.Info(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTooManySessions are refused; the ones there are go on.
func TestTooManySessions(t *testing.T) {
	h := &host{}
	c, _ := connect(t, h, Options{})
	for i := range MaxSessions {
		if _, err := c.Open(t.Context(), executors.Target{Name: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Open(t.Context(), executors.Target{}); code(err) != "unsupported" {
		t.Error(err)
	}
	if h.left() != MaxSessions {
		t.Errorf("%d sessions are open", h.left())
	}
}
