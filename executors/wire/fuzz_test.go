package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"stet/executors"
)

// conversation is bytes in frames: each piece of text is one, of the kind that
// its first letter says.
func conversation(pieces ...string) []byte {
	var b bytes.Buffer
	b.WriteString(Magic)
	w := &writer{w: &b}
	for i, p := range pieces {
		k, more := kind(strings.IndexByte("hqrosckPp", p[0])+1), false
		if rest, ok := strings.CutPrefix(p[1:], "+"); ok {
			p, more = "-"+rest, true
		}
		if err := w.frame(k, uint32(i), more, []byte(p[1:])); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// duplex is a stream with given bytes to read; what is written is dropped.
type duplex struct {
	io.Reader
	io.Writer
}

func (duplex) Close() error { return nil }

// FuzzServe: whatever a client sends, the server ends with the stream, leaves
// no session open and holds a bounded amount.
func FuzzServe(f *testing.F) {
	hello := `h{"protocol":1}`
	f.Add(conversation(hello))
	f.Add(conversation(hello, `q{"method":"open","params":{"Target":{"name":"a","address":"local"}}}`, `q{"method":"info","session":1}`,
		`q{"method":"run","session":1,"timeout":1,"params":{"command":{"argv":["x"]},"stdout":true,"merge":true}}`, "c\x00\x00\x00\x01", "k", "P", "p"))
	f.Add(conversation(hello, `q{"method":"open","params":{}}`, `q{"method":"probe","session":1,"params":{}}`, `q{"method":"apply","session":1,"params":{"Change":{"edits":[{"op":"add"}]}}}`,
		`q{"method":"arm","session":1,"params":{"Guard":{"timeout":-1}}}`, `q{"method":"shutdown"}`, `q{"method":"close","session":1}`))
	f.Add(conversation(hello, `q+{"method":`, `q"info"}`, "r{}", "o", "s"))
	f.Add([]byte(Magic + "\xff\xff\xff\xff\x02\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := &host{run: func(ctx context.Context, _ executors.Command, out executors.Output) (*executors.ExitStatus, error) {
			if out.Stdout != nil {
				_, _ = out.Stdout.Write(make([]byte, 100))
			}
			return &executors.ExitStatus{}, ctx.Err()
		}}
		done := make(chan error, 1)
		go func() {
			done <- Serve(context.Background(), duplex{bytes.NewReader(b), io.Discard}, h, Options{MaxMessage: 1 << 20})
		}()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("it goes on after the end of the stream")
		}
		if n := h.left(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// FuzzClient: whatever a server sends, the caller gets an answer or an error.
func FuzzClient(f *testing.F) {
	hello := `h{"protocol":1}`
	f.Add(conversation(hello))
	f.Add(conversation(hello, "oout", "serr", `r{"result":{"code":3}}`))
	f.Add(conversation(hello, `r{"error":{"text":"no","known":{"code":"locked","op":"x"},"edit":{"index":1},"context":"deadline"}}`))
	f.Add(conversation(hello, `r+{"result":`, `r{}}`, "P", "p", "c"))
	f.Add(append([]byte("Last login: today\r\n"), conversation(hello, "r{}", `rnull`)...))
	f.Add(conversation(`h{"protocol":7,"program":"other"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		near, far := net.Pipe()
		go io.Copy(io.Discard, far)
		go func() {
			_, _ = far.Write(b)
			far.Close()
		}()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		c, err := NewClient(ctx, near, Options{MaxMessage: 1 << 20, CancelWait: time.Second})
		if err != nil {
			if ctx.Err() != nil {
				t.Fatal("it waits on after the end of the stream")
			}
			return
		}
		s := &session{c: c, id: 1}
		var out bytes.Buffer
		status, err := s.Run(ctx, executors.Command{}, executors.Output{Stdout: &out})
		if ctx.Err() != nil {
			t.Fatal("the caller waits on after the end of the stream")
		}
		if status == nil && err == nil {
			t.Error("neither an answer nor an error")
		}
		if out.Len() > len(b) {
			t.Errorf("%d bytes of output came of %d", out.Len(), len(b))
		}
		_ = c.Close()
	})
}

// FuzzParts: messages come out as they were cut up, whatever comes in between.
func FuzzParts(f *testing.F) {
	f.Add([]byte("one message"), uint8(3))
	f.Add(bytes.Repeat([]byte{0}, 300), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		p := newParts(int64(2*len(b) + 10))
		step := int(size)%17 + 1
		for i := 0; ; i += step {
			end := min(i+step, len(b))
			f := frame{kind: kindRequest, id: 1, more: end < len(b), payload: b[min(i, end):end]}
			got, complete, err := p.add(f)
			if err != nil {
				t.Fatal(err)
			}
			if complete != !f.more {
				t.Fatal("complete too early or too late")
			}
			if complete {
				if !bytes.Equal(got, b) {
					t.Errorf("%q became %q", b, got)
				}
				break
			}
			number := binary.BigEndian.AppendUint32(nil, uint32(i))
			if other, complete, err := p.add(frame{id: 2, payload: number}); err != nil || !complete || !bytes.Equal(other, number) {
				t.Fatalf("a message in between: %q %v %v", other, complete, err)
			}
		}
		if p.held != 0 {
			t.Errorf("%d bytes are still held", p.held)
		}
	})
}
