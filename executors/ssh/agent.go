package ssh

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"stet/executors"
)

// Agent says which program to run on hosts, and how.
type Agent struct {
	// Programs are the agents there are, one a platform.
	Programs []*Program
	// Args are the program's arguments: letters, digits and @%+=:,./_- only.
	Args []string
	// Marker is how the program's output begins. Everything before it is what
	// a login shell printed.
	Marker string
	// Become is "" or "sudo".
	Become string

	lines *startLines // of all hosts; nil makes each one anew
}

// Agent starts the agent on the host and returns its byte stream. It is run
// from the host's cache; where it is missing there, it is sent first, verified
// on the host and renamed into place. A host that cannot run it is an
// *executors.Error with ErrNoAgent in its chain.
func (c *Conn) Agent(ctx context.Context, a Agent) (*Stream, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	s, said, err := c.start(ctx, a, a.Programs, true)
	if s != nil || err != nil {
		return s, err
	}
	host, err := c.probe(ctx)
	if err != nil {
		return nil, err
	}
	p, err := a.program(c.Settings.Host, host)
	if err != nil {
		return nil, err
	}
	// Where a home folder is shared by hosts of several kinds, the program of
	// another one may lie there and have been tried; or the login shell is not
	// what it calls itself.
	if !said.missing {
		if other, _, err := c.start(ctx, a, []*Program{p}, false); other != nil || err != nil {
			return other, err
		}
	}
	// Missing, or there and no use: after a power cut a file may be empty.
	if err := c.install(ctx, p, host); err != nil {
		return nil, err
	}
	if s, said, err = c.start(ctx, a, []*Program{p}, false); err != nil {
		return nil, err
	}
	if s == nil {
		return nil, c.mute(host, said)
	}
	s.Shipped = true
	return s, nil
}

// check refuses what a shell could misread.
func (a Agent) check() error {
	plain := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r) {
			return r
		}
		return -1
	}
	for _, arg := range a.Args {
		if arg == "" || strings.Map(plain, arg) != arg {
			return fmt.Errorf("starting the agent: the argument %q could be misread by a shell", arg)
		}
	}
	switch {
	case a.Marker == "":
		return errors.New("starting the agent: there is no marker to wait for")
	case a.Become != "" && a.Become != "sudo":
		return &executors.Error{Code: "unsupported", Op: "starting the agent", Message: "become: " + a.Become, Remedy: "become: sudo is the only way to other rights"}
	}
	return nil
}

// program picks the agent for a host.
func (a Agent) program(name string, h *host) (*Program, error) {
	var have []string
	for _, p := range a.Programs {
		if p.Platform == h.platform {
			return p, nil
		}
		have = append(have, p.Platform.String())
	}
	return nil, &executors.Error{
		Code: "unsupported", Op: "starting the agent on " + name, Err: ErrNoAgent,
		Message: fmt.Sprintf("the host is %s, and there is no agent for that (there is one for %s)", h.platform, strings.Join(have, ", ")),
		Remedy: fmt.Sprintf("build one in stet's repository and put it beside stet: CGO_ENABLED=0 GOOS=%s GOARCH=%s go build -o stet-agent-%s-%s ./cmd/stet-agent",
			h.platform.OS, h.platform.Arch, h.platform.OS, h.platform.Arch),
	}
}

// mute explains an agent that is in place and does not speak.
func (c *Conn) mute(h *host, said *words) error {
	e := &executors.Error{Code: "unsupported", Op: "starting the agent on " + c.Settings.Host, Err: ErrNoAgent}
	text := said.complaint()
	switch {
	case strings.Contains(text, "ermission denied") || strings.Contains(text, "not permitted") || strings.Contains(text, "annot execute"):
		e.Message = "the host does not allow it to run: " + text
		e.Remedy = "allow programs in ~/.cache/stet, or set XDG_CACHE_HOME there to a folder on a file system mounted without noexec"
	case strings.Contains(text, "xec format"):
		e.Message = fmt.Sprintf("the agent for %s does not run there: %s", h.platform, text)
	default:
		e.Code = "protocol"
		e.Message = "it ended without a word"
		if text != "" {
			e.Message = "it ended: " + text
		}
		e.Remedy = "see whether something on the host ends it (out of memory, a security module): dmesg"
	}
	return e
}

// token is a word that nobody can guess, so that no text from a host is taken
// for an answer.
func token() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return "stet" + hex.EncodeToString(b)
}
