package ssh

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// written is a connection that keeps what is written, a Write each.
type written struct {
	net.Conn
	mu     sync.Mutex
	pieces [][]byte
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pieces = append(w.pieces, bytes.Clone(b))
	return len(b), nil
}

func (w *written) all() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pieces
}

// TestKeysWaitForLogin: the end of the first key exchange is one message with what
// follows it, and comes alone where nothing does. Everything else goes at once.
func TestKeysWaitForLogin(t *testing.T) {
	keys := []byte{0, 0, 0, 12, 10, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	version, login := []byte("SSH-2.0-stet\r\n"), []byte("ssh-userauth, encrypted")
	write := func(s *stream, pieces ...[]byte) {
		t.Helper()
		for _, p := range pieces {
			if n, err := s.Write(p); n != len(p) || err != nil {
				t.Fatalf("%d of %d bytes, %v", n, len(p), err)
			}
		}
	}
	w := &written{}
	write(newStream(w), version, keys, login, keys, login)
	want := [][]byte{version, append(bytes.Clone(keys), login...), keys, login}
	if diff := cmp.Diff(want, w.all()); diff != "" {
		t.Errorf("written: %s", diff)
	}
	w = &written{}
	write(newStream(w), keys)
	for deadline := time.Now().Add(time.Minute); len(w.all()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it waits for ever")
		}
	}
	if diff := cmp.Diff([][]byte{keys}, w.all()); diff != "" {
		t.Errorf("written alone: %s", diff)
	}
}
