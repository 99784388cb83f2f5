package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"stet/executors"
	"stet/executors/ssh"
	"stet/executors/wire"
	"stet/runbook"
)

// sshConfig names a file that is read instead of the usual ssh_config files.
const sshConfig = "STET_SSH_CONFIG"

// remotes are what ssh:// targets are opened with.
type remotes struct {
	// prompter asks the operator; nil without a terminal.
	prompter ssh.Prompter
	secret   func(ssh.Question) (string, bool)
	// passphrases are declared ones.
	passphrases []string

	dialer *ssh.Dialer
	opener *ssh.Opener
}

// reaches prepares the sessions for the ssh:// targets of a document.
func (o *operation) reaches(d *runbook.Document) {
	o.sessions.remote.secret = declared(d, o.secrets)
	o.sessions.remote.passphrases = passphrases(d, o.secrets)
	if o.c.terminal() {
		o.sessions.remote.prompter = o.person
	}
}

// login is a secret that a target's login takes.
type login struct {
	key    string // of the target, or of the defaults
	kind   ssh.Kind
	secret string // its name
}

// logins are the secrets that a target's login takes. Of those that it does not name
// itself, the defaults may.
func logins(d *runbook.Document, t executors.Target) []login {
	if t.Machine() == "" {
		return nil
	}
	all := []login{
		{"password", ssh.Password, t.Password}, {"become-password", ssh.Become, t.BecomePassword},
		{"passphrase", ssh.Passphrase, cmp.Or(t.Passphrase, d.Meta.Default.Passphrase)},
		{"pin", ssh.PIN, cmp.Or(t.PIN, d.Meta.Default.PIN)},
	}
	return slices.DeleteFunc(all, func(l login) bool { return l.secret == "" })
}

// declared finds the secret that answers a question of a document's target.
func declared(d *runbook.Document, secrets map[string]string) func(ssh.Question) (string, bool) {
	return func(q ssh.Question) (string, bool) {
		for _, t := range d.Meta.Targets {
			a, err := executors.ParseAddress(executors.Target{Address: t.Machine()}.Host())
			if t.Machine() == "" || err != nil || a.Host != q.Host || a.User != "" && a.User != q.User {
				continue
			}
			for _, l := range logins(d, t) {
				if value, ok := secrets[l.secret]; ok && l.kind == q.Kind {
					return value, true
				}
			}
		}
		return "", false
	}
}

// passphrases are those that the document declares, for keys of its targets and of
// the jump hosts before them.
func passphrases(d *runbook.Document, secrets map[string]string) []string {
	var all []string
	for _, t := range d.Meta.Targets {
		for _, l := range logins(d, t) {
			if value, ok := secrets[l.secret]; ok && l.kind == ssh.Passphrase && !slices.Contains(all, value) {
				all = append(all, value)
			}
		}
	}
	return all
}

// knownSecrets refuses targets that name a secret which is not declared.
func knownSecrets(d *runbook.Document) error {
	for _, t := range d.Meta.Targets {
		for _, l := range logins(d, t) {
			is := func(s runbook.Secret) bool { return s.Name == l.secret }
			if !slices.ContainsFunc(d.Meta.Secrets, is) {
				return usage(fmt.Errorf("%s of target %s names the secret %s, which is not declared", l.key, t.Name, l.secret),
					"declare it in the front matter: secrets: {"+l.secret+": env:NAME}")
			}
		}
	}
	return nil
}

// open is the opener, made when the first ssh:// target is opened.
func (r *remotes) open(targets []executors.Target) (*ssh.Opener, error) {
	if r.opener != nil {
		return r.opener, nil
	}
	programs, err := agents()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("looking for this program: %w", err)
	}
	r.dialer = ssh.New(ssh.Options{
		Config: os.Getenv(sshConfig), Prompter: r.prompter, Secret: r.secret, Passphrases: r.passphrases, Askpass: self,
		Terminal: r.prompter != nil,
	})
	r.opener = ssh.NewOpener(r.dialer, ssh.Agent{Programs: programs, Args: []string{"agent", "serve"}},
		wire.Options{Program: "stet", CancelWait: 10 * time.Second})
	r.opener.Link(targets)
	return r.opener, nil
}

// close ends all connections.
func (r *remotes) close() error {
	if r.opener == nil {
		return nil
	}
	err := errors.Join(r.opener.Close(), r.dialer.Close())
	r.opener, r.dialer = nil, nil
	return err
}

// agents are the programs that run on hosts, one a platform: those beside this
// one, named by platform, and for hosts of this machine's kind stet-agent; else
// those inside a release build; else, for hosts of this kind, stet itself.
func agents() ([]*ssh.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("looking for the agents: %w", err)
	}
	folder := filepath.Dir(self)
	programs, err := ssh.Beside(folder)
	if err != nil {
		return nil, fmt.Errorf("looking for the agents in %s: %w", folder, err)
	}
	inside, err := ssh.Packed(embedded())
	if err != nil {
		return nil, fmt.Errorf("looking for the agents inside %s: %w", self, err)
	}
	here := ssh.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	beside := filepath.Join(folder, "stet-agent")
	if info, err := os.Stat(beside); here.OS == "linux" && err == nil && info.Mode().IsRegular() {
		programs = append(programs, &ssh.Program{Platform: here, Path: beside})
	}
	programs = append(programs, inside...)
	if here.OS == "linux" {
		programs = append(programs, &ssh.Program{Platform: here, Path: self})
	}
	return firsts(programs), nil
}

// firsts keeps the first program of each platform.
func firsts(programs []*ssh.Program) []*ssh.Program {
	var kept []*ssh.Program
	for _, p := range programs {
		if !slices.ContainsFunc(kept, func(k *ssh.Program) bool { return k.Platform == p.Platform }) {
			kept = append(kept, p)
		}
	}
	return kept
}

// openRemote opens an ssh:// target. Several are opened at once: what they ask
// the operator is asked together.
func (s *sessions) openRemote(ctx context.Context, t executors.Target) (executors.Session, error) {
	s.mu.Lock()
	have := s.open[t.Name]
	opener, err := s.remote.open(s.targets)
	s.mu.Unlock()
	if have != nil || err != nil {
		return have, err
	}
	if s.passing {
		t.Keep = false
	}
	session, err := opener.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.open[t.Name]; have != nil {
		return have, session.Close()
	}
	s.open[t.Name] = session
	return session, nil
}
