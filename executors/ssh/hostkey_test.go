//go:build linux

package ssh

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	cryptossh "golang.org/x/crypto/ssh"
)

func TestUnknownHostKeyIsRefused(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	refused(t, b.dialer(t, "", Options{}), s.address, "host-key", s.key.fingerprint(), "known_hosts")
	if _, err := os.Stat(b.knownHosts); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("known_hosts was written: %v", err)
	}
}

func TestChangedHostKeyIsRefused(t *testing.T) {
	for _, strict := range []string{"yes", "ask", "accept-new"} {
		t.Run(strict, func(t *testing.T) {
			b := newBed(t)
			s := b.newServer(t)
			other := newKey(t, b.dir, "other", "")
			write(t, b.knownHosts, "# a comment\n"+s.address+" "+other.public(), 0o600)
			asked := &answers{always: "yes"}
			d := b.dialer(t, "StrictHostKeyChecking "+strict+"\n", Options{Prompter: asked})
			refused(t, d, s.address, "host-key", "CHANGED", s.key.fingerprint(), other.fingerprint(), b.knownHosts+", line 2", "ssh-keygen -R")
			if n := asked.count(); n != 0 {
				t.Errorf("%d questions were asked", n)
			}
		})
	}
}

func TestStrictNoIsRefused(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	refused(t, b.dialer(t, "StrictHostKeyChecking no\n", Options{}), s.address, "host-key", "StrictHostKeyChecking", "accept-new")
}

func TestAcceptNew(t *testing.T) {
	for _, hashed := range []string{"yes", "no"} {
		t.Run("hashed "+hashed, func(t *testing.T) {
			b := newBed(t)
			s := b.newServer(t)
			// A file whose last line has no end must not swallow the new one.
			write(t, b.knownHosts, "elsewhere "+strings.TrimSpace(b.key.public()), 0o600)
			config := "StrictHostKeyChecking accept-new\nHashKnownHosts " + hashed + "\n"
			dial(t, b.dialer(t, config, Options{}), s.address)
			// What was written holds for stet and for ssh.
			dial(t, b.dialer(t, "", Options{}), s.address)
			b.ssh(t, s.address, "true")
			text, err := os.ReadFile(b.knownHosts)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(text), s.address); got == (hashed == "yes") {
				t.Errorf("the name is readable: %v, in:\n%s", got, text)
			}
		})
	}
}

// A server that shows only a type of key not seen before could be anybody.
func TestAcceptNewRefusesAnotherType(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	write(t, b.knownHosts, s.address+" ecdsa-sha2-nistp256 "+base64.StdEncoding.EncodeToString([]byte("some key"))+"\n", 0o600)
	refused(t, b.dialer(t, "StrictHostKeyChecking accept-new\n", Options{}), s.address, "host-key", "other keys", "ecdsa-sha2-nistp256")
}

func TestAskAboutHostKey(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	no := &answers{always: "no"}
	refused(t, b.dialer(t, "StrictHostKeyChecking ask\n", Options{Prompter: no}), s.address, "host-key", "not accepted")
	if q := no.all()[0]; q.Kind != HostKey || q.Fingerprint != s.key.fingerprint() || q.Host != s.address {
		t.Errorf("asked %+v", q)
	}
	dial(t, b.dialer(t, "StrictHostKeyChecking ask\n", Options{Prompter: &answers{always: s.key.fingerprint()}}), s.address)
	dial(t, b.dialer(t, "", Options{}), s.address)
	refused(t, b.dialer(t, "StrictHostKeyChecking ask\n", Options{}), b.newServer(t).address, "host-key", "no terminal")
}

func TestRevokedHostKey(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	write(t, b.dir+"/revoked", "# gone\n"+s.key.public(), 0o600)
	refused(t, b.dialer(t, "RevokedHostKeys "+b.dir+"/revoked\n", Options{}), s.address, "host-key", "revoked")
	refused(t, b.dialer(t, "RevokedHostKeys "+b.dir+"/missing\n", Options{}), s.address, "host-key", "cannot be read")
	write(t, b.knownHosts, s.address+" "+s.key.public()+"@revoked * "+s.key.public(), 0o600)
	refused(t, b.dialer(t, "", Options{}), s.address, "host-key", "revoked")
}

func TestHashedKnownHosts(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	b.run(t, "ssh-keygen", "-q", "-H", "-f", b.knownHosts)
	if text, _ := os.ReadFile(b.knownHosts); strings.Contains(string(text), s.address) {
		t.Fatalf("ssh-keygen -H left the name: %s", text)
	}
	dial(t, b.dialer(t, "", Options{}), s.address)
}

func TestHostCertificate(t *testing.T) {
	for _, c := range []struct {
		name, principal string
		valid           time.Duration
		code, says      string
	}{
		{"good", "r1", time.Hour, "", ""},
		{"expired", "r1", -time.Hour, "expired", "expired at"},
		{"other name", "r2", time.Hour, "host-key", "not for r1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			ca := newKey(t, b.dir, "ca", "")
			s := b.newServer(t)
			// The key was made with the server; its certificate is found next
			// to a second server's start.
			path := s.key.certify(t, ca, cryptossh.HostCert, time.Now().Add(c.valid), c.principal)
			with := b.newServerWith(t, s.key, "HostCertificate "+path)
			write(t, b.knownHosts, "@cert-authority r1,r2 "+ca.public(), 0o600)
			d := b.dialer(t, "Host r1\n  HostName "+with.address+"\n  HostKeyAlias r1\n", Options{})
			if c.code != "" {
				refused(t, d, "r1", c.code, c.says)
				return
			}
			if got := dial(t, d, "r1").HostKey; got != s.key.fingerprint() {
				t.Errorf("fingerprint %s, want that of the key, %s", got, s.key.fingerprint())
			}
			write(t, b.knownHosts, "@cert-authority r1 "+ca.public()+"@revoked r1 "+ca.public(), 0o600)
			refused(t, b.dialer(t, "Host r1\n  HostName "+with.address+"\n  HostKeyAlias r1\n", Options{}), "r1", "host-key", "revoked")
		})
	}
}

// A certificate of an authority that nobody knows counts as the key in it.
func TestHostCertificateOfUnknownAuthority(t *testing.T) {
	b := newBed(t)
	ca := newKey(t, b.dir, "ca", "")
	s := b.newServer(t)
	with := b.newServerWith(t, s.key, "HostCertificate "+s.key.certify(t, ca, cryptossh.HostCert, time.Now().Add(time.Hour), "r1"))
	refused(t, b.dialer(t, "", Options{}), with.address, "host-key", "not in known_hosts")
	write(t, b.knownHosts, with.address+" "+s.key.public(), 0o600)
	dial(t, b.dialer(t, "", Options{}), with.address)
}

// A server with several keys must show the one that is known.
func TestHostKeyOrder(t *testing.T) {
	b := newBed(t)
	extra := b.dir + "/ecdsa"
	b.run(t, "ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", extra)
	s := b.newServer(t, "HostKey "+extra)
	public, err := os.ReadFile(extra + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	write(t, b.knownHosts, s.address+" "+string(public), 0o600)
	c := dial(t, b.dialer(t, "", Options{}), s.address)
	known, err := parsePublic(public)
	if err != nil {
		t.Fatal(err)
	}
	if c.HostKey != cryptossh.FingerprintSHA256(known) {
		t.Errorf("the host showed %s, not the key that is known", c.HostKey)
	}
}

func TestHostKeyWithoutPort(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t, "Port 2200")
	b.trust(t, s)
	d := b.dialer(t, "Port 2200\n", Options{})
	dial(t, d, s.address)
	write(t, b.knownHosts, "["+s.address+"]:2200 "+newKey(t, b.dir, "other", "").public(), 0o600)
	refused(t, b.dialer(t, "Port 2200\n", Options{}), s.address, "host-key", "CHANGED", "["+s.address+"]:2200")
}

// answers is a Prompter with prepared answers.
type answers struct {
	always string
	by     func(Question) (string, error)

	mu      sync.Mutex
	batches [][]Question
}

func (a *answers) Ask(_ context.Context, questions []Question) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.batches = append(a.batches, questions)
	var out []string
	for _, q := range questions {
		answer := a.always
		if a.by != nil {
			var err error
			if answer, err = a.by(q); err != nil {
				return nil, err
			}
		}
		out = append(out, answer)
	}
	return out, nil
}

func (a *answers) all() []Question {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Question
	for _, b := range a.batches {
		all = append(all, b...)
	}
	return all
}

func (a *answers) count() int { return len(a.all()) }

func TestQuestionsOfManyHostsAreAskedTogether(t *testing.T) {
	b := newBed(t)
	var hosts []string
	for range 12 {
		hosts = append(hosts, b.newServer(t).address)
	}
	var d *Dialer
	asked := &answers{}
	asked.by = func(Question) (string, error) {
		// The operator thinks until all the others wait, too.
		d.until(func(waiting int) bool { return len(asked.batches) > 1 || len(asked.batches[0])+waiting == len(hosts) })
		return "yes", nil
	}
	d = b.dialer(t, "StrictHostKeyChecking ask\n", Options{Prompter: asked})
	var wait sync.WaitGroup
	for _, h := range hosts {
		wait.Go(func() {
			c, err := d.Dial(t.Context(), Address{Host: h})
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		})
	}
	wait.Wait()
	// Who comes while the operator is asked is asked for next.
	if len(asked.batches) > 2 || asked.count() != len(hosts) {
		t.Errorf("%d questions in %d batches", asked.count(), len(asked.batches))
	}
}

// until waits, for a minute at most, until so many questions as is good wait to be
// asked.
func (d *Dialer) until(good func(waiting int) bool) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		d.prompts.mu.Lock()
		waiting := len(d.prompts.waiting)
		d.prompts.mu.Unlock()
		if good(waiting) {
			return
		}
	}
}

func TestLookup(t *testing.T) {
	salt := []byte("0123456789abcdefghij")
	encode := base64.StdEncoding.EncodeToString
	text := strings.Join([]string{
		"plain ssh-ed25519 QQ==", "*.example.net,!bad.example.net ssh-ed25519 Qg==", "|1|" + encode(salt) + "|" + encode(hashHost(salt, "secret")) + " ssh-ed25519 Qw==",
		"[h]:2200 ssh-rsa RA==", "@cert-authority * ssh-ed25519 RQ==", "@other x ssh-ed25519 QQ==", "broken", "x ssh-ed25519 !!!", "|1|bad|bad ssh-ed25519 QQ==",
		"Upper,other ssh-ed25519 Rg== comment here", "twice ssh-ed25519 Rw==", "# twice ssh-ed25519 QQ==", "@revoked upper,twice ssh-ed25519 SA==", "twice broken",
	}, "\n")
	f := indexHosts("file", text)
	for name, want := range map[string]string{
		"plain": "A E", "a.example.net": "B E", "bad.example.net": "E", "secret": "C E", "[h]:2200": "D E", "h": "E", "upper": "E F H", "x": "E", "twice": "E G H",
	} {
		var got []string
		for _, l := range f.lookup(name) {
			got = append(got, string(l.key))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("lookup(%s) = %v, want %s", name, got, want)
		}
	}
}

func TestHashHost(t *testing.T) {
	for _, salt := range []int{1, 20, 64, 65} {
		for _, name := range []string{"", "r1", strings.Repeat("x", 63), strings.Repeat("y", maxHostName), strings.Repeat("z", maxHostName+1)} {
			h := hmac.New(sha1.New, make([]byte, salt))
			h.Write([]byte(name))
			if got := hashHost(make([]byte, salt), name); !hmac.Equal(got, h.Sum(nil)) {
				t.Errorf("salt of %d, name of %d: wrong", salt, len(name))
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"*.b", "a.b", true}, {"*.b", "a.c", false},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "aXcYb", false}, {"**", "x", true}, {strings.Repeat("*a", 50), strings.Repeat("a", 5000) + "b", false},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%.20q, %.20q) = %v", c.pattern, c.name, got)
		}
	}
}

func FuzzKnownHosts(f *testing.F) {
	f.Add("a,b ssh-ed25519 QQ== c\n", "a")
	f.Add("|1|MDEyMzQ1Njc4OWFiY2RlZmdoaWo=|MDEyMzQ1Njc4OWFiY2RlZmdoaWo= ssh-rsa QQ==\n@revoked * ssh-rsa QQ==", "[x]:22")
	f.Add("@cert-authority !*,? ssh-rsa QQ==\r\n", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		index := indexHosts("f", text)
		first, second := index.lookup(name), index.lookup(name)
		if !reflect.DeepEqual(first, second) {
			t.Error("the second answer differs")
		}
		for _, l := range first {
			if l.line < 1 || l.line > strings.Count(text, "\n")+1 || !l.matches(name) && l.salt != nil {
				t.Errorf("line %d does not match %q", l.line, name)
			}
		}
	})
}

func BenchmarkHashedLookup(b *testing.B) {
	var text strings.Builder
	encode := base64.StdEncoding.EncodeToString
	for i := range 5000 {
		salt := fmt.Appendf(nil, "%020d", i)
		fmt.Fprintf(&text, "|1|%s|%s ssh-ed25519 QQ==\n", encode(salt), encode(hashHost(salt, fmt.Sprint("h", i))))
	}
	f := indexHosts("f", text.String())
	for i := range b.N {
		f.lookup(fmt.Sprint("x", i))
	}
}
