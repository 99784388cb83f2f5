//go:build linux

package ssh

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// TestLaterKeyExchange: what comes in later key exchanges is compared with what was
// accepted; known_hosts, and the operator, have had their say, and no clock runs.
func TestLaterKeyExchange(t *testing.T) {
	dir := t.TempDir()
	first, second := newKey(t, dir, "first", ""), newKey(t, dir, "second", "")
	d := New(Options{})
	defer d.Close()
	near, far := net.Pipe()
	defer far.Close()
	c := &Conn{Settings: &Settings{Host: "h", NoLocalhostAuth: true}}
	h := &handshake{stream: newStream(near), release: func() {}, expired: make(chan struct{})}
	h.begin("the key exchange", time.Minute)
	config := &cryptossh.ClientConfig{}
	_, entered := d.prepare(t.Context(), c.Settings, h, c, config)
	come := func(k key) error {
		return config.HostKeyCallback("", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, k.signer.PublicKey())
	}
	if err := come(first); err != nil || c.HostKey != first.fingerprint() || h.phase != "the login" {
		t.Fatalf("the first key: %v, %q, %s", err, c.HostKey, h.phase)
	}
	h.end()
	entered()
	c.Settings.NoLocalhostAuth = false // nothing would be accepted any more
	if err := come(first); err != nil {
		t.Errorf("the same key again: %v", err)
	}
	if h.timer.Stop() {
		t.Error("the clock of the login runs again, and would end the connection")
	}
	var e *executors.Error
	if err := come(second); !errors.As(err, &e) || e.Code != "host-key" || !strings.Contains(e.Message, second.fingerprint()) || c.HostKey != first.fingerprint() {
		t.Errorf("another key: %v", err)
	}
}

// TestRekey: a connection with key exchanges in its midst loses nothing, although
// the host is not in known_hosts any more.
func TestRekey(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	c := dial(t, b.dialer(t, "RekeyLimit 16K\n", Options{}), s.address)
	if c.Settings.RekeyBytes != 16<<10 {
		t.Fatalf("a limit of %d bytes", c.Settings.RekeyBytes)
	}
	other := newKey(t, t.TempDir(), "other", "")
	write(t, b.knownHosts, s.address+" "+other.public(), 0o600)
	for range 5 {
		if got := output(t, c, "head -c 100000 /dev/zero | tr '\\0' a"); got != strings.Repeat("a", 100000) {
			t.Fatalf("%d bytes", len(got))
		}
	}
}
