package local

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stet/executors"
)

// apart are the words that start a guard's process in a scope of its own, where this
// process is in the session of a login, which may end.
func (h *Host) apart() []string {
	if !h.served {
		return nil
	}
	return h.scope.prefix()
}

// footing is what keeps the process of a guard that is armed now.
func (h *Host) footing() executors.Footing {
	switch words := h.apart(); {
	case slices.Contains(words, "--user"):
		return executors.Footing{Kept: executors.UserScope, EndsWithLogin: !lingers()}
	case len(words) > 0:
		return executors.Footing{Kept: executors.SystemScope}
	}
	return executors.Footing{Kept: executors.OwnSession, EndsWithLogin: h.scope.endsWithLogin()}
}

// lingering has a file for each user whose manager outlives all logins (loginctl(1),
// enable-linger).
var lingering = "/var/lib/systemd/linger"

func lingers() bool {
	me, err := user.Current()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(lingering, me.Username))
	return err == nil
}

// loginctlWithin bounds a question to logind.
const loginctlWithin = 5 * time.Second

// ownGroup is the cgroups(7) file of this process.
var ownGroup = "/proc/self/cgroup"

// endsWithLogin tells that this process is in the session of a login, and that logind
// ends all processes of that with it. Where that cannot be learnt it is not said.
func (s *scope) endsWithLogin() bool {
	s.asked.Do(func() {
		if _, err := os.Stat(systemdRuns); err != nil {
			return
		}
		group, err := os.ReadFile(ownGroup)
		if err != nil {
			return
		}
		id := loginSession(string(group))
		if id == "" {
			return
		}
		whose, err := loginctl("show-session", id, "--property=Name")
		if err != nil {
			return
		}
		how, err := loginctl("show-session", "--property=KillUserProcesses", "--property=KillOnlyUsers", "--property=KillExcludeUsers")
		s.ends = err == nil && kills(how, whose["Name"])
	})
	return s.ends
}

// loginSession is the ID of the login that a process of this cgroups(7) file belongs
// to: logind has it in session-ID.scope.
func loginSession(group string) string {
	for part := range strings.FieldsFuncSeq(group, func(r rune) bool { return r == '/' || r == '\n' }) {
		if id, ok := strings.CutPrefix(part, "session-"); ok && strings.HasSuffix(id, ".scope") {
			return strings.TrimSuffix(id, ".scope")
		}
	}
	return ""
}

// kills tells whether logind ends what a login of a user leaves, as logind.conf(5)
// has it: KillExcludeUsers= has the first word, then KillOnlyUsers=.
func kills(how map[string]string, user string) bool {
	only := strings.Fields(how["KillOnlyUsers"])
	switch {
	case user == "" || slices.Contains(strings.Fields(how["KillExcludeUsers"]), user):
		return false
	case len(only) > 0:
		return slices.Contains(only, user)
	}
	return how["KillUserProcesses"] == "yes"
}

// loginctl asks logind for properties.
func loginctl(args ...string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), loginctlWithin)
	defer cancel()
	out, err := exec.CommandContext(ctx, "loginctl", args...).Output()
	if err != nil {
		return nil, err
	}
	properties := map[string]string{}
	for line := range bytes.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimSpace(string(line)), "="); ok {
			properties[name] = value
		}
	}
	return properties, nil
}
