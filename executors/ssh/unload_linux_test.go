package ssh

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"
)

// TestUnload: whole pages are given back, and nothing beside them is lost.
func TestUnload(t *testing.T) {
	page := os.Getpagesize()
	for _, size := range []int{0, 1, 100, page - 1} {
		b := bytes.Repeat([]byte{1}, size)
		unload(b)
		if bytes.Contains(b, []byte{0}) {
			t.Errorf("of %d bytes, less than a page, some are lost", size)
		}
	}
	all := bytes.Repeat([]byte{1}, 5*page) // begins with a page, as all that large do
	unload(all[page/2 : 4*page+page/2])
	for i, b := range all {
		if gone := i >= page && i < 4*page; gone != (b == 0) {
			t.Fatalf("byte %d is %d", i, b)
		}
	}
	copy(all[page:], "used again")
	if !bytes.HasPrefix(all[page:], []byte("used again")) {
		t.Error("what was given back cannot be written to")
	}
}

// TestStreamUnloads the buffer that a short message leaves, once the host sends
// each message in one go, and reads on into it.
func TestStreamUnloads(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	s := newStream(near)
	defer s.Close()
	said := make(chan string)
	go func() {
		for text := range said {
			_, _ = far.Write([]byte(text))
		}
	}()
	defer close(said)
	b := bytes.Repeat([]byte{1}, 4*os.Getpagesize())
	read := func(text string) {
		t.Helper()
		said <- text
		if n, err := s.Read(b); err != nil || string(b[:n]) != text {
			t.Fatalf("read %.20q, %v", b[:n], err)
		}
	}
	zeros := func() int { return bytes.Count(b, []byte{0}) }
	read("short")
	if read("early"); zeros() != 0 {
		t.Error("it is given back while the agent is started")
	}
	s.settled.Store(true)
	if read(strings.Repeat("long", aheadSize)); zeros() == 0 {
		t.Error("it is not given back")
	}
	copy(b, bytes.Repeat([]byte{1}, len(b)))
	if read("after a long one"); zeros() != 0 {
		t.Error("it is given back amid much output")
	}
}
