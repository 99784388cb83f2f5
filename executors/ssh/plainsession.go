package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// cookie is the environment variable that marks a command's process tree; the
// agent uses the same one.
const cookie = "STET_COMMAND"

// plainSession is a session on a host that does not run the agent: commands
// work, one exec request each.
type plainSession struct {
	target executors.Target
	conn   *Conn
	why    error // there is no agent

	mu   sync.Mutex
	lock *heldLock // nil without one
}

// Target implements executors.Observer.
func (s *plainSession) Target() executors.Target { return s.target }

// Run implements executors.Session.
func (s *plainSession) Run(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	if len(c.Argv) == 0 {
		return nil, &executors.Error{Code: "invalid", Op: "running a command on " + s.target.Name, Message: "it is empty"}
	}
	mark := cookie + "=" + token()
	line := commandLine(c, mark)
	if errors.Is(s.why, errRestricted) {
		line = plainLine(c, mark)
	}
	status, err := s.conn.Run(ctx, line, bytes.NewReader(c.Stdin), out)
	if ctx.Err() != nil {
		s.kill(mark)
	}
	return status, err
}

// kill ends what a cancelled command has left: the processes that carry its
// cookie. sshd passes signals on only to the command itself, and for root to
// nothing at all.
func (s *plainSession) kill(mark string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	line := shellLine(killScript, "COOKIE", mark)
	// Best effort: the command is over for the caller either way.
	_, _ = s.conn.Run(ctx, line, nil, executors.Output{})
}

const killScript = `
for n in 1 2 3; do
for p in /proc/[0-9]*; do
grep -qs COOKIE $p/environ && kill -9 ${p#/proc/};
done;
done;
`

// commandLine is one line that any login shell hands to sh unchanged: sh
// decodes and runs it. Characters that a shell could misread travel in octal.
func commandLine(c executors.Command, mark string) string {
	return `exec /bin/sh -c 'eval "$(printf %b "$0")"' '` + octal(plainLine(c, mark)) + "'"
}

// plainLine is a line for sh, or for a restricted shell like it.
func plainLine(c executors.Command, mark string) string {
	line := "env"
	if c.Dir != "" {
		line = "cd " + quote(c.Dir) + " && env"
	}
	for _, word := range slices.Concat([]string{mark}, c.Env, c.Argv) {
		line += " " + quote(word)
	}
	return line
}

// quote makes one word of sh.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// octal writes everything but plain characters as \0ooo, as printf's %b reads
// it (POSIX).
func octal(text string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(" ./-_=:,", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, `\0%03o`, c)
	}
	return b.String()
}

// Info implements executors.Observer: what uname and id say.
func (s *plainSession) Info(ctx context.Context) (*executors.Info, error) {
	token := token()
	answer, _, err := s.conn.answer(ctx, shellLine(`echo "TOKEN $(uname -n) $(uname -s) $(uname -m) $(uname -r) $(id -un) $(id -u)";`, "TOKEN", token), token, nil)
	if err != nil {
		return nil, err
	}
	info := &executors.Info{HostKey: s.conn.HostKey, User: s.conn.Settings.User, UID: -1}
	if len(answer) == 6 {
		p := platform(answer[1], answer[2])
		info.Hostname, info.OS, info.Arch, info.Kernel, info.User = answer[0], p.OS, p.Arch, answer[3], answer[4]
		if uid, err := strconv.Atoi(answer[5]); err == nil {
			info.UID = uid
		}
	}
	return info, nil
}

// needs is the refusal of everything else.
func (s *plainSession) needs(what string) error {
	remedy := ""
	var e *executors.Error
	if errors.As(s.why, &e) {
		remedy = e.Remedy
	}
	return &executors.Error{Code: "unsupported", Op: what + " on " + s.target.Name, Err: s.why, Remedy: remedy,
		Message: "it takes stet's agent there, and only plain commands work: " + s.why.Error()}
}

// Observe implements executors.Observer; it needs the agent.
func (s *plainSession) Observe(context.Context, netstate.Query) (*netstate.State, error) {
	return nil, s.needs("reading the network state")
}

// Probe implements executors.Observer; it needs the agent.
func (s *plainSession) Probe(context.Context, executors.Probe) (*executors.ProbeReply, error) {
	return nil, s.needs("probing")
}

// Apply implements executors.Session; it needs the agent.
func (s *plainSession) Apply(context.Context, *netstate.Change) (*executors.Result, error) {
	return nil, s.needs("changing the network")
}

// Undo implements executors.Session; it needs the agent.
func (s *plainSession) Undo(context.Context, *netstate.Change) (*executors.Result, error) {
	return nil, s.needs("undoing a change")
}

// Arm implements executors.Session; it needs the agent.
func (s *plainSession) Arm(context.Context, executors.Guard) (executors.Footing, error) {
	return executors.Footing{}, s.needs("arming a guard")
}

// Confirm implements executors.Session; it needs the agent.
func (s *plainSession) Confirm(context.Context, string) error { return s.needs("confirming a change") }

// Revert implements executors.Session; it needs the agent.
func (s *plainSession) Revert(context.Context, string) (*executors.GuardState, error) {
	return nil, s.needs("reverting a change")
}

// Guards implements executors.Session: without an agent there are none.
func (s *plainSession) Guards(context.Context) ([]executors.GuardState, error) { return nil, nil }
