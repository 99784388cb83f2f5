//go:build linux

package ssh

import (
	"os"
	"os/exec"
	"testing"
)

// sudoBed lets the user ops become root as the rule says.
func sudoBed(t *testing.T, rule string, o Options, lines ...string) *Conn {
	t.Helper()
	if _, err := exec.LookPath("sudo"); err != nil {
		t.Skip("needs sudo")
	}
	b := newBed(t)
	sudoers(t, "Defaults lecture=never\n"+rule+"\n")
	s := b.newServer(t, lines...)
	b.trust(t, s)
	if err := os.Chown(s.home, 7001, 7001); err != nil {
		t.Fatal(err)
	}
	return dial(t, b.dialer(t, "User ops\n", o), s.address)
}

// sudoers replaces the rules for this namespace.
func sudoers(t *testing.T, text string) {
	t.Helper()
	if !sudoersReplaced {
		if err := replace("/etc/sudoers", text, 0o440); err != nil {
			t.Fatal(err)
		}
		sudoersReplaced = true
		return
	}
	if err := os.WriteFile("/etc/sudoers", []byte(text), 0o440); err != nil {
		t.Fatal(err)
	}
}

var sudoersReplaced bool

func become(a Agent) Agent {
	a.Become = "sudo"
	return a
}

func TestSudoWithoutPassword(t *testing.T) {
	asked := &answers{always: "secret that must not be sent"}
	c := sudoBed(t, "ops ALL=(root) NOPASSWD: ALL", Options{Prompter: asked})
	a := startAgent(t, c, become(agentOf(program(t, 0))))
	speak(t, a, "x", "root --serve v=1 <x>")
	if n := asked.count(); n != 0 {
		t.Errorf("%d questions", n)
	}
	plain := startAgent(t, c, agentOf(program(t, 1)))
	speak(t, plain, "x", "ops --serve v=1 <x>")
}

func TestSudoWithPassword(t *testing.T) {
	secret := func(q Question) (string, bool) { return "correct horse", q.Kind == Become && q.User == "ops" }
	c := sudoBed(t, "Defaults timestamp_timeout=0\nops ALL=(root) ALL", Options{Secret: secret})
	a := startAgent(t, c, become(agentOf(program(t, 0))))
	// What the agent reads first is what is written to it, not the password.
	speak(t, a, "x", "root --serve v=1 <x>")
}

func TestSudoFails(t *testing.T) {
	wrong := func(Question) (string, bool) { return "battery staple", true }
	c := sudoBed(t, "Defaults timestamp_timeout=0\nops ALL=(root) ALL", Options{Secret: wrong})
	noAgent(t, c, become(agentOf(program(t, 0))), "permission", false, "password", "secret")
	c = sudoBed(t, "Defaults timestamp_timeout=0\nops ALL=(root) ALL", Options{})
	noAgent(t, c, become(agentOf(program(t, 0))), "permission", false, "sudo", "secret")
	c = sudoBed(t, "root ALL=(ALL) ALL", Options{Secret: func(Question) (string, bool) { return "correct horse", true }})
	noAgent(t, c, become(agentOf(program(t, 0))), "permission", false, "sudoers")
	c = sudoBed(t, "ops ALL=(root) /usr/bin/id", Options{Secret: func(Question) (string, bool) { return "correct horse", true }})
	noAgent(t, c, become(agentOf(program(t, 0))), "permission", false, "not allowed to execute", "must allow this program")
}

// TestSudoWantsTerminal: agents have none. Without a password or with one, the host
// is never asked anything, and what to write there is said.
func TestSudoWantsTerminal(t *testing.T) {
	for _, rule := range []string{"ops ALL=(root) NOPASSWD: ALL", "ops ALL=(root) ALL"} {
		asked := &answers{always: "correct horse"}
		c := sudoBed(t, "Defaults requiretty\n"+rule, Options{Prompter: asked})
		noAgent(t, c, become(agentOf(program(t, 0))), "permission", false, "becoming root on", "you must have a tty to run sudo", "Defaults:ops !requiretty")
		if n := asked.count(); n != 0 {
			t.Errorf("%d questions", n)
		}
		c = sudoBed(t, "Defaults requiretty\nDefaults:ops !requiretty\n"+rule, Options{Prompter: asked})
		speak(t, startAgent(t, c, become(agentOf(program(t, 0)))), "x", "root --serve v=1 <x>")
	}
}

// TestSudoInAnotherLanguage: a login may set one (pam_env does, from
// /etc/default/locale). What sudo says is understood all the same, and the agent
// is told what the language was.
func TestSudoInAnotherLanguage(t *testing.T) {
	if _, err := os.Stat("/usr/share/locale/de/LC_MESSAGES/sudo.mo"); err != nil {
		t.Skipf("sudo's German messages are not installed, as where dpkg leaves /usr/share/locale out: %v", err)
	}
	const german = "SetEnv LANG=C.UTF-8 LANGUAGE=de LC_ALL=C.UTF-8"
	wrong := Options{Secret: func(Question) (string, bool) { return "battery staple", true }}
	c := sudoBed(t, "Defaults requiretty\nops ALL=(root) NOPASSWD: ALL", wrong, german)
	noAgent(t, c, become(agentOf(program(t, 0))), "permission", false, "must have a tty", "Defaults:ops !requiretty")
	c = sudoBed(t, "Defaults timestamp_timeout=0\nops ALL=(root) ALL", wrong, german)
	noAgent(t, c, become(agentOf(program(t, 0))), "permission", false, "check the declared secret")
	c = sudoBed(t, "ops ALL=(root) NOPASSWD: /usr/bin/id", Options{}, german)
	noAgent(t, c, become(agentOf(program(t, 0))), "permission", false, "becoming root")
	c = sudoBed(t, "ops ALL=(root) NOPASSWD: ALL", Options{}, german)
	p := program(t, 0)
	p.Data = []byte("#!/bin/sh\necho stet-agent ready\nread -r x\necho \"$(id -un) $LC_ALL $LC_STET $LANG\"\nread -r x\n")
	speak(t, startAgent(t, c, become(agentOf(p))), "x", "root C C.UTF-8 C.UTF-8")
}

func TestSudoPasswordIsAskedOnce(t *testing.T) {
	asked := &answers{always: "correct horse"}
	c := sudoBed(t, "Defaults timestamp_timeout=0\nops ALL=(root) ALL", Options{Prompter: asked})
	p := program(t, 0)
	for range 3 {
		speak(t, startAgent(t, c, become(agentOf(p))), "x", "root --serve v=1 <x>")
	}
	if n := asked.count(); n != 1 {
		t.Errorf("%d questions", n)
	}
}
