//go:build linux

package ssh

import (
	"testing"
)

func TestDial(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	c := dial(t, b.dialer(t, "", Options{}), s.address)
	if c.HostKey != s.key.fingerprint() {
		t.Errorf("host key %q, want %q", c.HostKey, s.key.fingerprint())
	}
	if got := output(t, c, "echo $HOME"); got != s.home+"\n" {
		t.Errorf("HOME is %q", got)
	}
}
