package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScope has a systemd-run that works, one that refuses, and one that does
// not hand on what the guard needs.
func TestScope(t *testing.T) {
	was := systemdRuns
	defer func() { systemdRuns = was }()
	for name, c := range map[string]struct {
		script string
		used   bool
	}{
		"works":   {"while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"", true},
		"slow":    {"sleep 4; while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"", true},
		"refuses": {"echo no bus >&2; exit 1", false},
		"closes":  {"exec 3>&-; while [ \"$1\" != -- ]; do shift; done; shift; \"$@\" 2>/dev/null; exit 0", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			systemdRuns = dir
			if err := os.WriteFile(filepath.Join(dir, "systemd-run"), []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			words := (&scope{}).prefix()
			if used := len(words) > 0; used != c.used {
				t.Errorf("the words are %q", words)
			}
			if c.used && !strings.Contains(strings.Join(words, " "), "--scope") {
				t.Errorf("the words are %q", words)
			}
		})
	}
	systemdRuns = filepath.Join(t.TempDir(), "none")
	if words := (&scope{}).prefix(); words != nil {
		t.Errorf("without systemd: %q", words)
	}
}
