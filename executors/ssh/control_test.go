//go:build linux

package ssh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A connection that the user has open is used, and stays open.
func TestOpenControlPath(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	path := filepath.Join(b.dir, "master")
	config := "ControlPath " + path + "\n"
	d := b.dialer(t, config, Options{})
	b.run(t, "ssh", "-F", b.config, "-MNf", s.address)
	defer exec.Command("ssh", "-F", b.config, "-O", "exit", s.address).Run()
	c := dial(t, d, s.address)
	if got := output(t, c, "echo $HOME"); got != s.home+"\n" {
		t.Errorf("HOME is %q", got)
	}
	if n := s.logins(); n != 1 {
		t.Errorf("%d logins", n)
	}
	speak(t, startAgent(t, c, agentOf(program(t, 0))), "x", "root --serve v=1 <x>")
	c.Close()
	b.run(t, "ssh", "-F", b.config, "-O", "check", s.address)

	// One that nobody answers on any more does not matter.
	b.run(t, "ssh", "-F", b.config, "-O", "exit", s.address)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(path); err != nil {
			break
		}
	}
	dial(t, d, s.address)
	if n := s.logins(); n != 2 {
		t.Errorf("%d logins", n)
	}
}

// What the library cannot do goes through the system's ssh.
func TestSystemSSH(t *testing.T) {
	for name, setting := range map[string]string{
		"KnownHostsCommand": "KnownHostsCommand /bin/cat %s\n  UserKnownHostsFile /dev/null",
		"KexAlgorithms":     "KexAlgorithms sntrup761x25519-sha512@openssh.com",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			j, s := b.newServer(t), b.newServer(t)
			b.trust(t, j, s)
			t.Setenv("XDG_RUNTIME_DIR", b.dir)
			line := strings.ReplaceAll(setting, "%s", b.knownHosts)
			d := b.dialer(t, "Host r1\n  HostName "+s.address+"\n  ProxyJump "+j.address+"\n  "+line+"\n", Options{})
			c := dial(t, d, "r1")
			if got := output(t, c, "echo $HOME"); got != s.home+"\n" {
				t.Errorf("HOME is %q", got)
			}
			speak(t, startAgent(t, c, agentOf(program(t, 0))), "x", "root --serve v=1 <x>")
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			<-c.Done()
			if left, _ := filepath.Glob(b.dir + "/stet-ssh-*"); left != nil {
				t.Errorf("left behind: %v", left)
			}
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				out, _ := exec.Command("pgrep", "-f", "ControlPath="+b.dir).Output()
				if len(out) == 0 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("ssh is left: %s", out)
				}
			}
		})
	}
}

func TestSystemSSHFails(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	setting := "KexAlgorithms sntrup761x25519-sha512@openssh.com\n"
	refused(t, b.dialer(t, setting, Options{}), s.address, "host-key", "KexAlgorithms", "Host key verification failed")
	b.trust(t, s)
	write(t, s.dir+"/authorized_keys", "", 0o644)
	refused(t, b.dialer(t, setting, Options{}), s.address, "permission", "Permission denied", "try it by hand: ssh -F /")
	none := b.dialer(t, setting, Options{})
	none.resolver.program = ""
	refused(t, none, s.address, "unsupported", "KexAlgorithms", "ssh program", "install OpenSSH's client, or have ssh_config do without it")
}

func TestAlgorithms(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t, "KexAlgorithms ecdh-sha2-nistp256", "Ciphers aes256-ctr", "MACs hmac-sha2-512")
	b.trust(t, s)
	refused(t, b.dialer(t, "", Options{}), s.address, "protocol", "curve25519-sha256", "ecdh-sha2-nistp256")
	dial(t, b.dialer(t, "KexAlgorithms ecdh-sha2-nistp256\nCiphers aes256-ctr\nMACs hmac-sha2-512\n", Options{}), s.address)
	refused(t, b.dialer(t, "KexAlgorithms ecdh-sha2-nistp256\nCiphers aes128-ctr\n", Options{}), s.address, "protocol", "aes128-ctr")
	refused(t, b.dialer(t, "KexAlgorithms ecdh-sha2-nistp256\nPubkeyAcceptedAlgorithms ecdsa-sha2-nistp256\n", Options{}), s.address, "permission", "PubkeyAcceptedAlgorithms")
}

func TestRSAKey(t *testing.T) {
	b := newBed(t)
	path := b.dir + "/rsa"
	b.run(t, "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "old pem", "-f", path)
	public, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	s := b.newServer(t, "PubkeyAcceptedAlgorithms rsa-sha2-256")
	b.trust(t, s)
	write(t, s.dir+"/authorized_keys", string(public), 0o644)
	secret := func(q Question) (string, bool) { return "old pem", q.Kind == Passphrase }
	only := "IdentityFile " + path + "\nPubkeyAcceptedAlgorithms rsa-sha2-256\n"
	dial(t, b.dialer(t, only, Options{Secret: secret}), s.address)
	if err := os.Remove(path + ".pub"); err != nil {
		t.Fatal(err)
	}
	dial(t, b.dialer(t, only, Options{Secret: secret}), s.address)
	refused(t, b.dialer(t, "IdentityFile "+path+"\nPubkeyAcceptedAlgorithms rsa-sha2-512\n", Options{Secret: secret}), s.address, "permission")
}

func TestSigning(t *testing.T) {
	list := strings.Split("ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519-cert-v01@openssh.com,rsa-sha2-256,rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-512,sk-ssh-ed25519@openssh.com", ",")
	for format, want := range map[string]string{
		"ssh-rsa": "rsa-sha2-256 rsa-sha2-512", "ssh-rsa-cert-v01@openssh.com": "rsa-sha2-512", "ssh-ed25519": "", "ssh-ed25519-cert-v01@openssh.com": "ssh-ed25519",
		"sk-ssh-ed25519@openssh.com": "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com": "sk-ssh-ed25519@openssh.com",
	} {
		if got := strings.Join(signing(format, list), " "); got != want {
			t.Errorf("signing(%s) = %q, want %q", format, got, want)
		}
	}
}
