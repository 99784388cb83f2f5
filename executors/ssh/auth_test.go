//go:build linux

package ssh

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cryptossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func TestWrongKey(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	other := newKey(t, b.dir, "other", "")
	config := "IdentityFile " + other.path + "\n"
	// The configuration's own IdentityFile comes after; leave it out.
	write(t, s.dir+"/authorized_keys", newKey(t, b.dir, "third", "").public(), 0o600)
	e := refused(t, b.dialer(t, config, Options{}), s.address, "permission", other.path, b.key.path, "publickey", "root")
	if !strings.Contains(e.Remedy, "IdentityFile") {
		t.Errorf("remedy %q", e.Remedy)
	}
}

func TestEncryptedKey(t *testing.T) {
	b := newBed(t)
	locked := newKey(t, b.dir, "locked", "open sesame")
	s, s2 := b.newServer(t), b.newServer(t)
	b.trust(t, s, s2)
	for _, host := range []*server{s, s2} {
		write(t, host.dir+"/authorized_keys", locked.public(), 0o600)
	}
	config := "IdentityFile " + locked.path + "\n"

	refused(t, b.dialer(t, config, Options{}), s.address, "permission", "passphrase", "no terminal")

	tries := 0
	asked := &answers{by: func(Question) (string, error) {
		if tries++; tries == 1 {
			return "wrong", nil
		}
		return "open sesame", nil
	}}
	d := b.dialer(t, config, Options{Prompter: asked})
	dial(t, d, s.address)
	dial(t, d, s2.address)
	if q := asked.all(); len(q) != 2 || q[1].Attempt != 2 || q[0].Kind != Passphrase || q[0].File != locked.path {
		t.Errorf("asked %+v; the passphrase serves all hosts once it is known", q)
	}

	secret := func(q Question) (string, bool) { return "open sesame", q.Kind == Passphrase }
	dial(t, b.dialer(t, config, Options{Secret: secret}), s.address)

	// Declared ones are tried on every key, whatever the host.
	d = b.dialer(t, config, Options{Passphrases: []string{"of another key", "open sesame"}})
	dial(t, d, s.address)
	dial(t, d, s2.address)
	asked = &answers{by: func(Question) (string, error) { return "open sesame", nil }}
	dial(t, b.dialer(t, config, Options{Passphrases: []string{"of another key"}, Prompter: asked}), s.address)
	if q := asked.all(); len(q) != 1 || q[0].Attempt != 1 || !strings.Contains(q[0].Text, "no declared one opens it") {
		t.Errorf("asked %+v", q)
	}
	refused(t, b.dialer(t, config, Options{Passphrases: []string{"of another key"}}), s.address, "permission", "no declared one opens it")
}

// A key that no host takes is never asked for.
func TestEncryptedKeyIsAskedOnlyWhenWanted(t *testing.T) {
	b := newBed(t)
	locked := newKey(t, b.dir, "locked", "open sesame")
	s := b.newServer(t)
	b.trust(t, s)
	asked := &answers{always: "open sesame"}
	dial(t, b.dialer(t, "IdentityFile "+locked.path+"\n", Options{Prompter: asked}), s.address)
	if n := asked.count(); n != 0 {
		t.Errorf("%d questions", n)
	}
}

func TestCertificateOnly(t *testing.T) {
	b := newBed(t)
	ca := newKey(t, b.dir, "ca", "")
	s := b.newServer(t, "AuthorizedKeysFile none", "TrustedUserCAKeys "+ca.path+".pub")
	b.trust(t, s)
	refused(t, b.dialer(t, "", Options{}), s.address, "permission")

	path := b.key.certify(t, ca, cryptossh.UserCert, time.Now().Add(time.Hour), "root")
	dial(t, b.dialer(t, "", Options{}), s.address)
	elsewhere := filepath.Join(b.dir, "elsewhere.pub")
	if err := os.Rename(path, elsewhere); err != nil {
		t.Fatal(err)
	}
	dial(t, b.dialer(t, "CertificateFile "+elsewhere+"\n", Options{}), s.address)

	b.key.certify(t, ca, cryptossh.UserCert, time.Now().Add(-time.Hour), "root")
	refused(t, b.dialer(t, "", Options{}), s.address, "expired", "expired at", "clock")
}

func TestAgentKeys(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	inAgent := newKey(t, b.dir, "agent", "")
	write(t, s.dir+"/authorized_keys", inAgent.public(), 0o600)
	socket := b.agent(t, inAgent)
	if err := os.Remove(inAgent.path); err != nil {
		t.Fatal(err)
	}
	// IdentitiesOnly, and a file that has only the public part.
	config := "IdentityAgent " + socket + "\nIdentityFile " + inAgent.path + "\n"
	dial(t, b.dialer(t, config, Options{}), s.address)
	b.ssh(t, s.address, "true")
	dial(t, b.dialer(t, "IdentityAgent "+socket+"\nIdentitiesOnly no\n", Options{}), s.address)
	refused(t, b.dialer(t, "IdentityAgent "+socket+"\n", Options{}), s.address, "permission")
	refused(t, b.dialer(t, "IdentityAgent none\nIdentitiesOnly no\n", Options{}), s.address, "permission")
	t.Setenv("STET_AGENT", socket)
	dial(t, b.dialer(t, "IdentityAgent $STET_AGENT\nIdentitiesOnly no\n", Options{}), s.address)
}

// An agent that hangs must not hold up a login for ever, and one that refuses
// to sign must not stop the next key.
func TestAgentRefusesToSign(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	stubborn := newKey(t, b.dir, "stubborn", "")
	write(t, s.dir+"/authorized_keys", stubborn.public()+b.key.public(), 0o600)
	ring := &refusing{agent.NewKeyring()}
	socket := b.serveKeys(t, ring, stubborn)
	dial(t, b.dialer(t, "IdentityAgent "+socket+"\nIdentityFile "+stubborn.path+"\n", Options{}), s.address)
}

type refusing struct{ agent.Agent }

func (refusing) Sign(cryptossh.PublicKey, []byte) (*cryptossh.Signature, error) {
	return nil, agent.ErrExtensionUnsupported
}

// agent serves keys on a socket.
func (b *bed) agent(t *testing.T, keys ...key) string {
	return b.serveKeys(t, agent.NewKeyring(), keys...)
}

func (b *bed) serveKeys(t *testing.T, ring agent.Agent, keys ...key) string {
	t.Helper()
	for _, k := range keys {
		text, err := os.ReadFile(k.path)
		if err != nil {
			t.Fatal(err)
		}
		private, err := cryptossh.ParseRawPrivateKey(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = agent.ServeAgent(ring, c)
			}()
		}
	}()
	return l.Addr().String()
}

func TestReadableKeyIsRefused(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	if err := os.Chmod(b.key.path, 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, b.dialer(t, "", Options{}), s.address, "permission", "others can read it", "chmod 600")
}

func TestPassword(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t, "PasswordAuthentication yes")
	b.trust(t, s)
	config := "User ops\nPubkeyAuthentication no\n"
	refused(t, b.dialer(t, config, Options{}), s.address, "permission", "password of ops", "secret")

	calls := 0
	secret := func(q Question) (string, bool) {
		calls++
		return "correct horse", q.Kind == Password && q.User == "ops" && q.Host == s.address
	}
	c := dial(t, b.dialer(t, config, Options{Secret: secret}), s.address)
	if got := output(t, c, "id -un"); got != "ops\n" {
		t.Errorf("logged in as %s", got)
	}

	// A wrong secret is sent once: more would lock the account.
	calls = 0
	wrong := func(Question) (string, bool) { calls++; return "battery staple", true }
	refused(t, b.dialer(t, config, Options{Secret: wrong}), s.address, "permission")
	if calls != 1 {
		t.Errorf("the secret was asked %d times", calls)
	}

	asked := &answers{by: func(q Question) (string, error) {
		if q.Attempt < 3 {
			return "wrong", nil
		}
		return "correct horse", nil
	}}
	dial(t, b.dialer(t, config, Options{Prompter: asked}), s.address)
	if n := asked.count(); n != 3 {
		t.Errorf("%d questions", n)
	}
	refused(t, b.dialer(t, config+"BatchMode yes\n", Options{Prompter: asked}), s.address, "permission")
	if n := asked.count(); n != 3 {
		t.Errorf("asked in BatchMode")
	}
}

// sshd needs PAM for keyboard-interactive, so the library's server serves here.
func TestKeyboardInteractive(t *testing.T) {
	b := newBed(t)
	code := ""
	config := &cryptossh.ServerConfig{
		KeyboardInteractiveCallback: func(_ cryptossh.ConnMetadata, ask cryptossh.KeyboardInteractiveChallenge) (*cryptossh.Permissions, error) {
			answers, err := ask("Two factors\x1b[2J", "Please", []string{"Password: ", "Code: "}, []bool{false, true})
			if err != nil {
				return nil, err
			}
			code = answers[1]
			if answers[0] != "correct horse" || code != "123456" {
				return nil, fmt.Errorf("wrong")
			}
			return nil, nil
		},
	}
	address := b.serve(t, config)
	asked := &answers{by: func(q Question) (string, error) {
		if q.Kind != Challenge || !q.Echo || !strings.Contains(q.Text, "Code:") || strings.ContainsRune(q.Text, 0x1b) {
			t.Errorf("asked %+v", q)
		}
		return "123456", nil
	}}
	secret := func(q Question) (string, bool) { return "correct horse", q.Kind == Password }
	host, port, _ := net.SplitHostPort(address)
	d := b.dialer(t, "Port "+port+"\n", Options{Prompter: asked, Secret: secret})
	dial(t, d, host)
	refused(t, b.dialer(t, "Port "+port+"\n", Options{Secret: secret}), host, "permission", "keyboard-interactive", "Code:")
}

// A server may ask for a key and then for a password.
func TestTwoSteps(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t, "PasswordAuthentication yes", "AuthenticationMethods publickey,password")
	b.trust(t, s)
	secret := func(q Question) (string, bool) { return "correct horse", q.Kind == Password }
	dial(t, b.dialer(t, "User ops\n", Options{Secret: secret}), s.address)
	refused(t, b.dialer(t, "User ops\n", Options{}), s.address, "permission", "password")
}

// serve runs the library's own server, with a host key that is trusted.
func (b *bed) serve(t *testing.T, config *cryptossh.ServerConfig) string {
	t.Helper()
	host := newKey(t, t.TempDir(), "host", "")
	config.AddHostKey(host.signer)
	l := listen(t)
	address, port, _ := net.SplitHostPort(l.Addr().String())
	write(t, b.knownHosts, fmt.Sprintf("[%s]:%s %s", address, port, host.public()), 0o600)
	var wait sync.WaitGroup
	t.Cleanup(func() { l.Close(); wait.Wait() })
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer c.Close()
				conn, channels, requests, err := cryptossh.NewServerConn(c, config)
				if err != nil {
					return
				}
				go cryptossh.DiscardRequests(requests)
				go func() {
					for ch := range channels {
						_ = ch.Reject(cryptossh.Prohibited, "no")
					}
				}()
				_ = conn.Wait()
			})
		}
	})
	return l.Addr().String()
}

func TestSecurityKeyInAFile(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("needs ssh-keygen")
	}
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	// The public half is enough: the private one is in a token.
	const sk = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIJjzc2a20RjCvN/0ibH6UpGuN9F9hDvD7x182bOesNhHAAAABHNzaDo="
	write(t, b.dir+"/sk.pub", sk+"\n", 0o644)
	write(t, s.dir+"/authorized_keys", sk+"\n", 0o644)
	refused(t, b.dialer(t, "IdentityFile "+b.dir+"/sk\n", Options{Program: "/usr/bin/ssh"}), s.address, "permission", "not in the agent")
}

// A password that was right serves the connections to come; one that was wrong
// is never sent again by itself.
func TestPasswordIsAskedOnce(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t, "PasswordAuthentication yes")
	b.trust(t, s)
	asked := &answers{by: func(q Question) (string, error) {
		if q.Attempt == 1 {
			return "wrong", nil
		}
		return "correct horse", nil
	}}
	d := b.dialer(t, "User ops\nPubkeyAuthentication no\n", Options{Prompter: asked})
	for range 3 {
		dial(t, d, s.address).Close()
	}
	if n := asked.count(); n != 2 {
		t.Errorf("%d questions", n)
	}
	bad := &answers{always: "wrong"}
	d = b.dialer(t, "User ops\nPubkeyAuthentication no\n", Options{Prompter: bad})
	for range 2 {
		refused(t, d, s.address, "permission")
	}
	if n := bad.count(); n != 6 {
		t.Errorf("%d questions of two refused logins", n)
	}
}
