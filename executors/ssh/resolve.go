package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"stet/executors"
)

// resolver asks `ssh -G` what ssh_config says about a host, once a host.
type resolver struct {
	program string // "": no ssh on this machine
	config  string // -F, or ""
	local   local
	alike   alike
	lists   lists

	mu    sync.Mutex
	known map[string]*Settings
	asked map[string]*resolution // under way
}

type resolution struct {
	done     chan struct{}
	settings *Settings
	err      error
}

func newResolver(program, config string) *resolver {
	if program == "" {
		program, _ = exec.LookPath("ssh")
	}
	return &resolver{program: program, config: config, local: here(), known: map[string]*Settings{}, asked: map[string]*resolution{}}
}

// resolve returns the settings of a host; jump, when not "", replaces its
// ProxyJump, as -J does. Several callers for one host share one answer.
func (r *resolver) resolve(ctx context.Context, a Address, jump string) (*Settings, error) {
	key := a.String() + "\x00" + jump
	r.mu.Lock()
	if s := r.known[key]; s != nil {
		r.mu.Unlock()
		return s, nil
	}
	asked, ok := r.asked[key]
	if !ok {
		asked = &resolution{done: make(chan struct{})}
		r.asked[key] = asked
	}
	r.mu.Unlock()
	if ok {
		select {
		case <-asked.done:
			return asked.settings, asked.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	asked.settings, asked.err = r.ask(ctx, a, jump)
	r.mu.Lock()
	delete(r.asked, key)
	if asked.err == nil { // a failure is not kept: the next caller may mend what was wrong
		r.known[key] = asked.settings
	}
	r.mu.Unlock()
	close(asked.done)
	return asked.settings, asked.err
}

func (r *resolver) ask(ctx context.Context, a Address, jump string) (*Settings, error) {
	var s *Settings
	var hash func() (string, error)
	var err error
	if r.program == "" {
		s, err = r.plain(a, jump)
		hash = func() (string, error) { return "", errors.New("expanding %C: it takes the ssh program") }
	} else {
		s, err = r.dump(ctx, a, jump)
		hash = func() (string, error) { return r.hash(ctx, a, jump) }
	}
	if err == nil {
		err = r.fill(s, hash, r.program == "")
	}
	if err == nil {
		return s, nil
	}
	var typed *executors.Error
	if errors.As(err, &typed) || ctx.Err() != nil {
		return nil, err
	}
	return nil, &executors.Error{
		Code: "invalid", Op: "reading the SSH settings of " + a.String(), Err: err,
		Remedy: "see what ssh makes of them: " + r.byHand("-G "+a.Host),
	}
}

// byHand is the command that asks ssh the same as stet does.
func (r *resolver) byHand(words string) string {
	switch {
	case r.config == "":
		return "ssh " + words
	case strings.ContainsAny(r.config, " \t'\"$\\*?()&;<>|`"):
		return "ssh -F " + quote(r.config) + " " + words
	}
	return "ssh -F " + r.config + " " + words
}

// arguments are those of ssh that decide about the settings. The host stands
// behind --, so that no name is taken for an option.
func (r *resolver) arguments(a Address, jump string) []string {
	var args []string
	if r.config != "" {
		args = append(args, "-F", r.config)
	}
	if a.User != "" {
		args = append(args, "-l", a.User)
	}
	if a.Port != 0 {
		args = append(args, "-p", strconv.Itoa(a.Port))
	}
	if jump != "" {
		args = append(args, "-o", "ProxyJump="+jump)
	}
	return args
}

func (r *resolver) output(ctx context.Context, args ...string) (string, error) {
	text, _, err := r.run(ctx, args...)
	return text, err
}

// run is output with what ssh says beside.
func (r *resolver) run(ctx context.Context, args ...string) (text, said string, err error) {
	// -T: no complaint about a missing terminal.
	cmd := exec.CommandContext(ctx, r.program, append([]string{"-G", "-T"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			return "", "", errors.New(strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\n", "; "))
		}
		return "", "", fmt.Errorf("running %s -G: %w", r.program, err)
	}
	return stdout.String(), stderr.String(), nil
}

func (r *resolver) dump(ctx context.Context, a Address, jump string) (*Settings, error) {
	var s *Settings
	var wrong error
	if err := r.said(ctx, a, jump, func(d dump) { s, wrong = d.settings(a.Host, &r.lists) }); err != nil {
		return nil, err
	}
	return s, wrong
}

// files are those that the configuration of a host is read from, as ssh -v tells
// beside what it says about the host.
func (r *resolver) files(ctx context.Context, args ...string) (d dump, files []string, err error) {
	text, said, err := r.run(ctx, append([]string{"-v"}, args...)...)
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(said) {
		_, file, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "debug1: Reading configuration data ")
		if ok && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return parseDump(text), files, nil
}

// hash is the value of %C. Its recipe differs between versions of OpenSSH, so
// ssh itself is asked, through the one setting that it expands and prints.
func (r *resolver) hash(ctx context.Context, a Address, jump string) (string, error) {
	args := append([]string{"-o", "ControlPath=%C"}, r.arguments(a, jump)...)
	text, err := r.output(ctx, append(args, "--", a.Host)...)
	if err != nil {
		return "", err
	}
	return parseDump(text).one("controlpath"), nil
}

// fill expands what `ssh -G` prints raw; with everything, also what it prints
// expanded.
func (r *resolver) fill(s *Settings, hash func() (string, error), everything bool) error {
	files := []*string{&s.RevokedHostKeys}
	lists := [][]string{s.IdentityFiles, s.CertificateFiles}
	if everything {
		files = append(files, &s.ControlPath)
		lists = append(lists, s.UserKnownHostsFiles)
	}
	for _, list := range lists {
		for i := range list {
			files = append(files, &list[i])
		}
	}
	if !strings.HasPrefix(s.IdentityAgent, "$") && s.IdentityAgent != "none" && s.IdentityAgent != "SSH_AUTH_SOCK" {
		files = append(files, &s.IdentityAgent)
	}
	digest := ""
	for _, text := range append(files, &s.ProxyCommand) {
		if digest == "" && strings.Contains(*text, "%C") {
			var err error
			if digest, err = hash(); err != nil {
				return err
			}
		}
	}
	for _, file := range files {
		expanded, err := r.local.file(*file, s, digest)
		if err != nil {
			return err
		}
		*file = expanded
	}
	if s.ProxyCommand != "" {
		command, err := r.local.expand(s.ProxyCommand, s, digest)
		if err != nil {
			return err
		}
		s.ProxyCommand = command
	}
	return nil
}
