package local

import (
	"os"
	"path/filepath"
	"testing"

	"stet/executors"
)

// TestFooting has the ways in which a guard's process is kept apart from a login, on
// machines with systemd-run and loginctl that answer so.
func TestFooting(t *testing.T) {
	const (
		scopes  = "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\""
		refuses = "exit 1"
		ours    = "1:name=systemd:/user.slice/user-0.slice/session-c7.scope\n0::/user.slice/user-0.slice/session-c7.scope\n"
		service = "0::/system.slice/ssh.service\n"
	)
	for name, c := range map[string]struct {
		served                 bool
		run, group, properties string
		want                   executors.Footing
	}{
		"scope":              {true, scopes, ours, "KillUserProcesses=yes", executors.Footing{Kept: executors.SystemScope}},
		"none, killed":       {true, refuses, ours, "KillUserProcesses=yes", executors.Footing{Kept: executors.OwnSession, EndsWithLogin: true}},
		"none, left":         {true, refuses, ours, "KillUserProcesses=no", executors.Footing{Kept: executors.OwnSession}},
		"none, excluded":     {true, refuses, ours, "KillUserProcesses=yes\nKillExcludeUsers=ann root", executors.Footing{Kept: executors.OwnSession}},
		"none, one of those": {true, refuses, ours, "KillUserProcesses=no\nKillOnlyUsers=bob root", executors.Footing{Kept: executors.OwnSession, EndsWithLogin: true}},
		"none, of others":    {true, refuses, ours, "KillUserProcesses=yes\nKillOnlyUsers=bob", executors.Footing{Kept: executors.OwnSession}},
		"no login":           {true, refuses, service, "KillUserProcesses=yes", executors.Footing{Kept: executors.OwnSession}},
		"logind is silent":   {true, refuses, ours, "", executors.Footing{Kept: executors.OwnSession}},
		"this host":          {false, scopes, ours, "KillUserProcesses=yes", executors.Footing{Kept: executors.OwnSession, EndsWithLogin: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() != 0 && c.want.Kept == executors.SystemScope {
				t.Skip("the scope is of the user's manager for others than root")
			}
			dir := t.TempDir()
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil { //nolint:gosec // a program
					t.Fatal(err)
				}
			}
			write("systemd-run", "#!/bin/sh\n"+c.run+"\n")
			write("properties", c.properties+"\n")
			write("loginctl", "#!/bin/sh\ncase \"$*\" in\n'show-session c7 --property=Name') echo Name=root ;;\n"+
				"'show-session --property=Kill'*) cat "+dir+"/properties ;;\n*) exit 1 ;;\nesac\n")
			write("cgroup", c.group)
			defer func(runs, group string) { systemdRuns, ownGroup = runs, group }(systemdRuns, ownGroup)
			systemdRuns, ownGroup = dir, filepath.Join(dir, "cgroup")
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			if got := (&Host{served: c.served}).footing(); got != c.want {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("lingering", func(t *testing.T) {
		defer func(was string) { lingering = was }(lingering)
		lingering = t.TempDir()
		if lingers() {
			t.Error("without a file")
		}
		if err := os.WriteFile(filepath.Join(lingering, "root"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 && !lingers() {
			t.Error("with a file")
		}
	})
}
