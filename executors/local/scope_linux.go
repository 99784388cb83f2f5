package local

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Where logind ends all processes of a session with it (KillUserProcesses), a
// session of its own (setsid) does not save a guard: it must not be in the
// session's control group. systemd-run puts it into a scope of its own.

// systemdRuns is there when systemd is the init of this machine (sd_booted(3)).
var systemdRuns = "/run/systemd/system"

// scopeWithin bounds the trial of systemd-run. On a machine with much to do it takes
// seconds, and a guard that was not put into a scope may end with the login.
const scopeWithin = 15 * time.Second

// scope makes and remembers the words before a guard's command.
type scope struct {
	once  sync.Once
	words []string

	asked sync.Once
	ends  bool // see endsWithLogin
}

// prefix are the words that start a command in a scope of its own; none where
// there is no systemd, or it does not let this user, or does not hand on what
// the command is to inherit. All that is tried first: a guard that does not
// start is worse than one that may end with its session.
func (s *scope) prefix() []string {
	s.once.Do(func() {
		program, err := exec.LookPath("systemd-run")
		if _, serr := os.Stat(systemdRuns); err != nil || serr != nil {
			return
		}
		words := []string{program, "--scope", "--quiet", "--collect"}
		if os.Geteuid() != 0 {
			words = append(words, "--user")
		}
		if words = append(words, "--"); inherits(words) {
			s.words = words
		}
	})
	return s.words
}

// inherits tries whether a command that words start writes to the descriptor
// that it is given.
func inherits(words []string) bool {
	r, w, err := os.Pipe()
	if err != nil {
		return false
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(context.Background(), scopeWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], append(words[1:len(words):len(words)], "sh", "-c", "echo ready >&3")...)
	cmd.ExtraFiles = []*os.File{w}
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	w.Close()
	if err != nil {
		return false
	}
	_ = r.SetReadDeadline(time.Now().Add(scopeWithin))
	said, err := io.ReadAll(io.LimitReader(r, 64))
	return err == nil && string(said) == "ready\n"
}
