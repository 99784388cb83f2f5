package redact

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stet/runbook"
)

func TestLoad(t *testing.T) {
	t.Setenv("STET_TEST_SECRET", "from the environment")
	home := t.TempDir()
	t.Setenv("HOME", home)
	path := filepath.Join(home, "password")
	if err := os.WriteFile(path, []byte("from a file\r\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(context.Background(), []runbook.Secret{
		{Name: "e", From: "env:STET_TEST_SECRET"},
		{Name: "f", From: "file:" + path},
		{Name: "h", From: "file:~/password"},
		{Name: "c", From: "cmd:printf 'from a: command\\n'"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"e": "from the environment", "f": "from a file", "h": "from a file", "c": "from a: command"} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	_, err := Load(context.Background(), []runbook.Secret{
		{Name: "a", From: "env:STET_TEST_NOT_SET"},
		{Name: "b", From: "file:/nonexistent/password"},
		{Name: "c", From: "cmd:echo top-secret; echo top-secret >&2; exit 3"},
		{Name: "d", From: "vault:x"},
		{Name: "e", From: "plain"},
		{Name: "f", From: "cmd:head -c 100000 /dev/zero"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error()
	for _, want := range []string{
		"secret a from env:STET_TEST_NOT_SET: the environment variable is not set",
		"secret b from file:/nonexistent/password: no such file",
		"exit status 3", "secret d from vault:x: a source is", "secret e from plain: a source is", "printed more than 16 KiB",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	if strings.Count(text, "top-secret") != 2 { // in the command itself only
		t.Errorf("the error shows a value:\n%s", text)
	}
}

func TestLoadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := Load(ctx, []runbook.Secret{{Name: "slow", From: "cmd:sleep 60"}}); err == nil {
		t.Error("no error")
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
}
