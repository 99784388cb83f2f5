package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stet/executors"
)

// sudoThat puts a sudo onto PATH that is a shell script.
func sudoThat(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sudo"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// TestSudoRefuses: whatever sudo says becomes an error with what helps.
func TestSudoRefuses(t *testing.T) {
	for _, c := range []struct{ script, code, message, remedy string }{
		{"echo 'sudo: a password is required' >&2; exit 1", "permission", "sudo wants a password", "sudo -v"},
		{"echo 'ann is not in the sudoers file.' >&2; exit 1", "permission", "not in the sudoers", "administrator"},
		{"echo 'Sorry, user ann is not allowed to execute stet-agent as root on here.' >&2; exit 1", "permission", "not allowed", "administrator"},
		{"echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1", "permission", "have a tty", "requiretty"},
		{"echo 'sudo: Ein Passwort ist notwendig' >&2; exit 1", "permission", "Ein Passwort", "sudo -n true"},
		{"exit 1", "protocol", "ended before it said hello", ""},
		{"echo Welcome; exit 0", "protocol", "ended before it said hello", ""},
	} {
		sudoThat(t, c.script)
		h := newHost(t)
		h.always = true
		_, err := h.Open(t.Context(), executors.Target{Name: "here", Address: "local", Become: "sudo"})
		var e *executors.Error
		if !errors.As(err, &e) || e.Code != c.code || !strings.Contains(err.Error(), c.message) || !strings.Contains(e.Remedy, c.remedy) {
			t.Errorf("%s: %v\n%+v", c.script, err, e)
		}
		if !strings.Contains(err.Error(), "becoming root with sudo") {
			t.Errorf("%s: it does not say what it was doing: %v", c.script, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	h := newHost(t)
	h.always = true
	_, err := h.Open(t.Context(), executors.Target{Name: "here", Address: "local", Become: "sudo"})
	if err == nil || !strings.Contains(err.Error(), "there is no sudo here") {
		t.Errorf("without sudo: %v", err)
	}
	if _, err := h.Open(t.Context(), executors.Target{Name: "here", Address: "local", Become: "doas"}); err == nil || !strings.Contains(err.Error(), "doas is not known") {
		t.Errorf("another one: %v", err)
	}
}

// TestSudoThatWaits (for a token to be touched) is given up with the context.
func TestSudoThatWaits(t *testing.T) {
	sudoThat(t, "trap '' TERM; exec sleep 600")
	h := newHost(t)
	h.always = true
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := h.Open(ctx, executors.Target{Name: "here", Address: "local", Become: "sudo"})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Minute {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
