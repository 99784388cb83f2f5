//go:build linux

package ssh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// softHSM is a PKCS#11 library that keeps its tokens in files (SoftHSM 2).
var softHSM = []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so", "/usr/lib64/pkcs11/libsofthsm2.so"}

const pin = "271828"

// hardware makes a token with a key in it and returns the library that gives access
// to it, and the public key.
func hardware(t *testing.T, b *bed) (library, public string) {
	t.Helper()
	util, err := exec.LookPath("softhsm2-util")
	for _, path := range softHSM {
		if _, serr := os.Stat(path); serr == nil && library == "" {
			library = path
		}
	}
	if err != nil || library == "" {
		t.Skip("needs SoftHSM 2 (apt-get install softhsm2)")
	}
	tokens := filepath.Join(b.dir, "tokens")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(b.dir, "softhsm2.conf")
	write(t, config, "directories.tokendir = "+tokens+"\nobjectstore.backend = file\nlog.level = ERROR\n", 0o600)
	t.Setenv("SOFTHSM2_CONF", config)
	b.run(t, util, "--init-token", "--free", "--label", "stet", "--pin", pin, "--so-pin", pin)
	key := filepath.Join(b.dir, "in-token")
	b.run(t, "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "", "-f", key)
	b.run(t, util, "--import", key, "--token", "stet", "--label", "operator", "--id", "01", "--pin", pin)
	for _, path := range []string{key, key + ".pub"} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("ssh-keygen", "-D", library).Output()
	if err != nil {
		t.Fatalf("reading the public key of the token: %v", err)
	}
	return library, string(out)
}

// A key that never leaves its token: the system's ssh asks for the PIN, and the
// connection is used like any other.
func TestPKCS11(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	library, public := hardware(t, b)
	write(t, s.dir+"/authorized_keys", public, 0o644)
	t.Setenv("XDG_RUNTIME_DIR", b.dir)
	ask := filepath.Join(b.dir, "askpass")
	write(t, ask, "#!/bin/sh\necho \"$1\" >>"+b.dir+"/asked\necho "+pin+"\n", 0o700)
	t.Setenv("SSH_ASKPASS", ask)
	setting := "PKCS11Provider " + library + "\nIdentitiesOnly no\nIdentityAgent none\nPreferredAuthentications publickey\n"

	t.Setenv("SSH_ASKPASS_REQUIRE", "never")
	refused(t, b.dialer(t, setting, Options{}), s.address, "permission", "PKCS11Provider", "Permission denied", "ssh-add -s")

	t.Setenv("SSH_ASKPASS_REQUIRE", "force")
	d := b.dialer(t, setting, Options{})
	c := dial(t, d, s.address)
	if got := output(t, c, "echo $HOME"); got != s.home+"\n" {
		t.Errorf("HOME is %q", got)
	}
	speak(t, startAgent(t, c, agentOf(program(t, 0))), "x", "root --serve v=1 <x>")
	asked, err := os.ReadFile(b.dir + "/asked")
	if err != nil || strings.Count(string(asked), "PIN") != 1 {
		t.Errorf("asked: %q, %v", asked, err)
	}
}

// A declared PIN is given to the token by the process that started ssh, and is
// in no argument and no environment. A wrong one is given once.
func TestDeclaredPIN(t *testing.T) {
	b := newBed(t)
	s, s2 := b.newServer(t), b.newServer(t)
	b.trust(t, s, s2)
	library, public := hardware(t, b)
	for _, host := range []*server{s, s2} {
		write(t, host.dir+"/authorized_keys", public, 0o644)
	}
	t.Setenv("XDG_RUNTIME_DIR", b.dir)
	setting := "PKCS11Provider " + library + "\nIdentitiesOnly no\nIdentityAgent none\nPreferredAuthentications publickey\n"
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	given := 0
	declare := func(value string) func(Question) (string, bool) {
		return func(q Question) (string, bool) {
			if q.Kind != PIN {
				return "", false
			}
			if q.Text != "" { // not the question whether there is one
				given++
				if !strings.Contains(q.Text, "'stet'") || q.Host == "" {
					t.Errorf("asked %+v", q)
				}
				spies(t, value)
			}
			return value, true
		}
	}
	d := b.dialer(t, setting, Options{Secret: declare(pin), Askpass: self})
	for _, host := range []*server{s, s2} {
		if got := output(t, dial(t, d, host.address), "echo $HOME"); got != host.home+"\n" {
			t.Errorf("HOME is %q", got)
		}
	}
	if given != 2 {
		t.Errorf("it was given %d times", given)
	}
	if left, err := filepath.Glob(b.dir + "/stet-ssh-*/*.ask"); err != nil || len(left) > 0 {
		t.Errorf("sockets are left: %v %v", left, err)
	}

	given = 0
	d = b.dialer(t, setting, Options{Secret: declare("314159"), Askpass: self})
	for range 3 {
		refused(t, d, s.address, "permission", "Permission denied")
	}
	if given != 1 {
		t.Errorf("a wrong PIN was given %d times", given)
	}
	// The token is not locked.
	dial(t, b.dialer(t, setting, Options{Secret: declare(pin), Askpass: self}), s.address)
}

// spies looks for a secret where everybody can read it, and in the environment of
// the processes of this user.
func spies(t *testing.T, secret string) {
	t.Helper()
	for _, name := range []string{"cmdline", "environ"} {
		paths, err := filepath.Glob("/proc/[0-9]*/" + name)
		if err != nil || len(paths) == 0 {
			t.Errorf("no processes: %v", err)
		}
		for _, path := range paths {
			if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), secret) && !strings.Contains(string(text), "softhsm2-util") {
				t.Errorf("it is in %s: %q", path, text)
			}
		}
	}
}

// Host keys that a program knows, asked for by the name of the host.
func TestKnownHostsCommandScript(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	t.Setenv("XDG_RUNTIME_DIR", b.dir)
	script := filepath.Join(b.dir, "known")
	write(t, script, "#!/bin/sh\necho \"$*\" >>"+b.dir+"/asked\ngrep -F \"$1\" "+b.knownHosts+".elsewhere\n", 0o700)
	if err := os.Rename(b.knownHosts, b.knownHosts+".elsewhere"); err != nil {
		t.Fatal(err)
	}
	setting := "KnownHostsCommand " + script + " %H %t\nUserKnownHostsFile /dev/null\n"
	if got := output(t, dial(t, b.dialer(t, setting, Options{}), s.address), "echo $HOME"); got != s.home+"\n" {
		t.Errorf("HOME is %q", got)
	}
	if asked, err := os.ReadFile(b.dir + "/asked"); err != nil || len(asked) == 0 {
		t.Errorf("it was not asked: %v", err)
	}
	write(t, b.knownHosts+".elsewhere", "", 0o600)
	refused(t, b.dialer(t, setting, Options{}), s.address, "host-key", "KnownHostsCommand", "failed, status 1")
}
