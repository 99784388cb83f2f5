package ssh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
)

// Each case is a configuration, a host, and what must come out; the last
// column is what a machine without the ssh program makes of it: the same, or a
// refusal.
var parity = []struct {
	name, config string
	address      Address
	want         Settings
	refused      string // without ssh: what the refusal names
}{
	{"plain host", "Host r1\n  HostName 192.0.2.1\n  User ops\n  Port 2222\n", Address{Host: "r1"},
		Settings{HostName: "192.0.2.1", User: "ops", Port: 2222}, ""},
	{"address wins", "Host r1\n  User ops\n  Port 2222\n", Address{User: "me", Host: "r1", Port: 99}, Settings{HostName: "r1", User: "me", Port: 99}, ""},
	{"first value wins", "Host r*\n  User first\nHost r1\n  User second\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "first", Port: 22}, ""},
	{"negated pattern", "Host r* !r1\n  User no\nHost *\n  User yes\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "yes", Port: 22}, ""},
	{"%h in HostName", "Host r1\n  HostName %h.example.net\n  User u\n", Address{Host: "r1"}, Settings{HostName: "r1.example.net", User: "u", Port: 22}, ""},
	{"equals sign and quotes", "Host=r1\n  User = \"ops\"\n  IdentityFile=\"/k/with space\"\n", Address{Host: "r1"},
		Settings{HostName: "r1", User: "ops", Port: 22, IdentityFiles: []string{"/k/with space"}}, ""},
	{"several keys", "Host *\n  User u\n  IdentityFile /k/a\n  IdentityFile /k/b\n  CertificateFile /k/c\n  IdentitiesOnly yes\n", Address{Host: "x"},
		Settings{HostName: "x", User: "u", Port: 22, IdentityFiles: []string{"/k/a", "/k/b"}, CertificateFiles: []string{"/k/c"}, IdentitiesOnly: true}, ""},
	{"tokens in files", "Host r1\n  HostName h\n  User u\n  Port 7\n  IdentityFile /k/%h-%n-%p-%r-%%\n", Address{Host: "r1"},
		Settings{HostName: "h", User: "u", Port: 7, IdentityFiles: []string{"/k/h-r1-7-u-%"}}, ""},
	{"jump hosts", "Host r1\n  User u\n  ProxyJump a@j1:2222,j2\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "u", Port: 22, ProxyJump: "a@j1:2222,j2"}, ""},
	{"jump none", "Host r1\n  ProxyJump none\nHost *\n  User u\n  ProxyJump j\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "u", Port: 22}, ""},
	{"proxy command", "Host r1\n  User u\n  HostName h\n  ProxyCommand nc -x p:1 %h %p # %n %r %%\n", Address{Host: "r1"},
		Settings{HostName: "h", User: "u", Port: 22, ProxyCommand: "nc -x p:1 h 22 # r1 u %"}, "-"},
	{"known hosts", "Host r1\n  User u\n  UserKnownHostsFile /a /b\n  GlobalKnownHostsFile none\n  HostKeyAlias A\n  StrictHostKeyChecking accept-new\n  HashKnownHosts yes\n  RevokedHostKeys /r\n",
		Address{Host: "r1"}, Settings{HostName: "r1", User: "u", Port: 22, UserKnownHostsFiles: []string{"/a", "/b"}, HostKeyAlias: "a", StrictHostKeyChecking: "accept-new", HashKnownHosts: true, RevokedHostKeys: "/r"}, ""},
	{"strict no", "Host r1\n  User u\n  StrictHostKeyChecking off\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "u", Port: 22, StrictHostKeyChecking: "no"}, ""},
	{"times", "Host r1\n  User u\n  ConnectTimeout 7\n  ServerAliveInterval 5\n  ServerAliveCountMax 4\n  ConnectionAttempts 2\n", Address{Host: "r1"},
		Settings{HostName: "r1", User: "u", Port: 22, ConnectTimeout: 7 * time.Second, ServerAliveInterval: 5 * time.Second, ServerAliveCountMax: 4, ConnectAttempts: 2}, ""},
	{"algorithm list", "Host r1\n  User u\n  Ciphers aes256-gcm@openssh.com,aes128-ctr\n", Address{Host: "r1"},
		Settings{HostName: "r1", User: "u", Port: 22, Ciphers: []string{"aes256-gcm@openssh.com", "aes128-ctr"}}, ""},
	{"algorithm change", "Host r1\n  User u\n  MACs -*sha1*,umac*\n", Address{Host: "r1"},
		Settings{HostName: "r1", User: "u", Port: 22, MACs: []string{"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"}}, "macs"},
	{"match user", "Match user ops\n  Port 2222\nHost *\n  User u\n", Address{User: "ops", Host: "r1"}, Settings{HostName: "r1", User: "ops", Port: 2222}, "Match"},
	{"match host sees HostName", "Host r1\n  HostName real\n  User u\nMatch host real\n  Port 2222\n", Address{Host: "r1"}, Settings{HostName: "real", User: "u", Port: 2222}, "Match"},
	{"match originalhost", "Match originalhost r1\n  HostName x\n  User u\n", Address{Host: "r1"}, Settings{HostName: "x", User: "u", Port: 22}, "Match"},
	{"match exec", "Match exec \"test %h = r1\"\n  Port 2222\nHost *\n  User u\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "u", Port: 2222}, "Match"},
	{"match final", "Host r1\n  HostName h\n  User u\nMatch final all\n  Port 2222\n", Address{Host: "r1"}, Settings{HostName: "h", User: "u", Port: 2222}, "Match"},
	{"include", "Include INCLUDED\nHost *\n  Port 1\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "included", Port: 1}, ""},
	{"agent", "Host r1\n  User u\n  IdentityAgent /run/%r/agent\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "u", Port: 22, IdentityAgent: "/run/u/agent"}, ""},
	{"methods", "Host r1\n  User u\n  PreferredAuthentications password,publickey\n  PubkeyAuthentication no\n", Address{Host: "r1"},
		Settings{HostName: "r1", User: "u", Port: 22, Preferred: []string{"password"}}, ""},
	{"control path", "Host r1\n  User u\n  ControlPath /run/%r@%h:%p\n", Address{Host: "r1"}, Settings{HostName: "r1", User: "u", Port: 22, ControlPath: "/run/u@r1:22"}, ""},
	{"bound", "Host r1\n  User u\n  BindAddress 127.0.0.2\n  AddressFamily inet\n  BatchMode yes\n  ServerAliveInterval 9\n", Address{Host: "r1"},
		Settings{HostName: "r1", User: "u", Port: 22, BindAddress: "127.0.0.2", AddressFamily: "inet", BatchMode: true, ServerAliveInterval: 9 * time.Second}, ""},
}

// chosen keeps of got the fields that want sets, so that defaults of the
// OpenSSH at hand do not matter.
func chosen(got *Settings, want Settings) Settings {
	out := Settings{HostName: got.HostName, User: got.User, Port: got.Port, ProxyJump: got.ProxyJump, ProxyCommand: got.ProxyCommand,
		IdentitiesOnly: got.IdentitiesOnly, BatchMode: got.BatchMode, HostKeyAlias: got.HostKeyAlias, IdentityAgent: got.IdentityAgent,
		ControlPath: got.ControlPath, BindAddress: got.BindAddress, ConnectTimeout: got.ConnectTimeout, ServerAliveInterval: got.ServerAliveInterval, RevokedHostKeys: got.RevokedHostKeys}
	if want.IdentityFiles != nil {
		out.IdentityFiles, out.CertificateFiles = got.IdentityFiles, got.CertificateFiles
	}
	if want.UserKnownHostsFiles != nil {
		out.UserKnownHostsFiles, out.HashKnownHosts = got.UserKnownHostsFiles, got.HashKnownHosts
	}
	if want.StrictHostKeyChecking != "" {
		out.StrictHostKeyChecking = got.StrictHostKeyChecking
	}
	if want.ServerAliveCountMax != 0 {
		out.ServerAliveCountMax, out.ConnectAttempts = got.ServerAliveCountMax, got.ConnectAttempts
	}
	if want.Ciphers != nil {
		out.Ciphers = got.Ciphers
	}
	if want.MACs != nil {
		out.MACs = got.MACs
	}
	if want.Preferred != nil {
		out.Preferred = got.Preferred
	}
	if want.AddressFamily != "" {
		out.AddressFamily = got.AddressFamily
	}
	return out
}

func TestParity(t *testing.T) {
	program, _ := exec.LookPath("ssh")
	for _, c := range parity {
		for _, without := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/without ssh %v", c.name, without), func(t *testing.T) {
				if program == "" && !without {
					t.Skip("needs the ssh program")
				}
				dir := t.TempDir()
				included := filepath.Join(dir, "included")
				for path, text := range map[string]string{included: "Host r*\n  User included\n", dir + "/config": strings.ReplaceAll(c.config, "INCLUDED", included)} {
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				r := newResolver(program, dir+"/config")
				if without {
					r.program = ""
				}
				got, err := r.resolve(t.Context(), c.address, "")
				if without && c.refused != "" && c.refused != "-" {
					var e *executors.Error
					if !errors.As(err, &e) || e.Code != "unsupported" || !strings.Contains(err.Error(), c.refused) {
						t.Fatalf("it is not refused: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if without && c.refused == "-" {
					return // a comment in a value is read differently: that it is read is all
				}
				if diff := cmp.Diff(c.want, chosen(got, c.want)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
}

func TestResolveOnce(t *testing.T) {
	dir := t.TempDir()
	count := dir + "/count"
	program := dir + "/ssh"
	script := "#!/bin/sh\necho x >> " + count + "\necho 'hostname h'\necho 'user u'\necho 'port 22'\necho 'identityfile /k/%C'\necho 'controlpath digest'\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	r := newResolver(program, "")
	for range 5 {
		s, err := r.resolve(t.Context(), Address{Host: "r1"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if s.IdentityFiles[0] != "/k/digest" {
			t.Errorf("%%C became %q", s.IdentityFiles[0])
		}
	}
	text, err := os.ReadFile(count)
	if err != nil || strings.Count(string(text), "x") != 2 {
		t.Errorf("ssh ran %d times, want 2 (once more for %%C): %v", strings.Count(string(text), "x"), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.resolve(ctx, Address{Host: "r2"}, ""); err == nil {
		t.Error("a cancelled context resolves")
	}
	if _, err := r.resolve(t.Context(), Address{Host: "r2"}, ""); err != nil {
		t.Errorf("a failure was kept: %v", err)
	}
}

func TestFaultyConfig(t *testing.T) {
	program, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("needs the ssh program")
	}
	config := filepath.Join(t.TempDir(), "config")
	for text, says := range map[string]string{
		"Nonsense yes\n":           "line 1",
		"IdentityFile /k/%Z\n":     "%Z",
		"IdentityFile ${NOT_SET}x": "NOT_SET",
	} {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := newResolver(program, config).resolve(t.Context(), Address{Host: "r1"}, "")
		var e *executors.Error
		if !errors.As(err, &e) || e.Code != "invalid" || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("hostname h\nuser u\nport 22\nuserknownhostsfile /a b /c\nrekeylimit 1 2\nidentityfile ~/x%h\nproxycommand nc %h %p\n")
	f.Add("user none\nport 99999\nhostname\n\n  \nciphers ,\nidentityagent\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseDump(text).settings("h", &lists{})
		if err != nil {
			return
		}
		if s.Port < 1 || s.Port > 65535 || s.HostName == "" || s.User == "" {
			t.Errorf("%+v", s)
		}
		l := local{home: "/home/u", user: "u", uid: "1", host: "here.example"}
		for _, file := range append(s.IdentityFiles, s.ProxyCommand) {
			_, _ = l.file(file, s, "digest")
		}
		s.supported()
	})
}
