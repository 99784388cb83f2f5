//go:build linux

package ssh

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestLoudAgent: nobody listens to an agent's complaints until there may be many,
// and then they are no reason for it to wait.
func TestLoudAgent(t *testing.T) {
	_, c := hosted(t)
	p := program(t, 0)
	p.Data = bytes.Replace(p.Data, []byte("while read -r l; do"), []byte("while read -r l; do head -c 5000000 /dev/zero | tr '\\000' x >&2; echo end of it >&2;"), 1)
	stream := startAgent(t, c, agentOf(p))
	speak(t, stream, "shout", "root --serve v=1 <shout>")
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	if said := stream.Complaint(); !strings.HasSuffix(strings.TrimSpace(said), "end of it") {
		t.Errorf("it said %.100q", said)
	}
}

// TestAskedForSign: a server that wants a sign of life of an idle connection
// (ClientAliveInterval) gets one.
func TestAskedForSign(t *testing.T) {
	_, c := hosted(t, "ClientAliveInterval 1", "ClientAliveCountMax 2")
	stream := startAgent(t, c, agentOf(program(t, 0)))
	select {
	case <-c.Done():
		t.Fatal(c.Err())
	case <-time.After(6 * time.Second):
	}
	speak(t, stream, "hello", "root --serve v=1 <hello>")
}

// counted counts what is read from a connection.
type counted struct {
	net.Conn
	text  io.Reader
	reads int
}

func (c *counted) Read(b []byte) (int, error) { c.reads++; return c.text.Read(b) }

// TestAhead: the version line, which is asked for byte by byte, is read at once,
// and nothing behind it is lost.
func TestAhead(t *testing.T) {
	text := "a word before\r\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" + strings.Repeat("packet", 1000)
	c := &counted{text: strings.NewReader(text)}
	s := newStream(c)
	var got bytes.Buffer
	for range strings.LastIndex(text, "\n") + 1 {
		b := make([]byte, 1)
		if _, err := io.ReadFull(s, b); err != nil {
			t.Fatal(err)
		}
		got.Write(b)
	}
	if c.reads != 1 {
		t.Errorf("%d reads for two lines", c.reads)
	}
	rest, err := io.ReadAll(s)
	if err != nil || got.String()+string(rest) != text {
		t.Errorf("%v; %d bytes came of %d", err, got.Len()+len(rest), len(text))
	}
	if words := s.words(); !strings.HasPrefix(text, words) || len(words) != firstWords {
		t.Errorf("the first words are %q", words)
	}
}
