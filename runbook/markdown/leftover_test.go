//go:build linux

package markdown

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const scribbleVar = "STET_TEST_SCRIBBLE"

// TestMain lets the test binary be a process that writes a document until it is
// killed.
func TestMain(m *testing.M) {
	path := os.Getenv(scribbleVar)
	if path == "" {
		os.Exit(m.Run())
	}
	for n := 0; ; n++ {
		head := strings.Repeat("line\n", 1<<17+n%2)
		if _, err := Update(path, head, nil, nil); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
	}
}

// What a process leaves that is killed while it replaces the document is removed
// by the next one; that of one that lives is not.
func TestSweepAfterKill(t *testing.T) {
	path := document(t, steps)
	dir := filepath.Dir(path)
	var states []string
	for limit := time.Now().Add(60 * time.Second); time.Now().Before(limit) && len(states) < 3; {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), scribbleVar+"="+path)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for found := ""; found == "" && time.Now().Before(limit); {
			if names, _ := filepath.Glob(dir + "/.*"); len(names) > 0 {
				found = names[0]
			}
		}
		if kept, err := Sweep(path); err != nil || len(kept) > 0 {
			t.Errorf("while it writes: %v %v", kept, err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		names, err := filepath.Glob(dir + "/.*")
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, names...)
		if kept, err := Sweep(path); err != nil || len(kept) > 0 {
			t.Fatal(kept, err)
		}
		alone(t, dir, "runbook.md")
	}
	if len(states) == 0 {
		t.Error("no process left anything")
	}
	if diff := cmp.Diff(steps, string(Strip([]byte(contents(t, path))))); diff != "" {
		t.Error(diff)
	}
}

func TestSweep(t *testing.T) {
	dead := where() + "-1-999999999999"
	me := process()
	elsewhere := "0badcafe-1-1"
	for _, tt := range []struct {
		name, text string
		old        time.Duration
		want       string // gone, kept, or left alone
	}{
		{".runbook.md.stet-" + dead + "-5.new", "# Ste", 0, "gone"},
		{".runbook.md.stet-" + me + "-5.new", "# Ste", 0, "alone"},
		{".runbook.md.stet-" + dead + "-5", steps, 0, "gone"},
		{".runbook.md.stet-" + dead + "-5", steps + "\nA note of mine.\n", 0, "kept"},
		{".runbook.md.stet-" + me + "-5", steps, 2 * time.Hour, "alone"},
		{".runbook.md.stet-" + elsewhere + "-5", steps, 0, "alone"},
		{".runbook.md.stet-" + elsewhere + "-5", steps, 2 * time.Hour, "gone"},
		{".runbook.md.stet-" + elsewhere + "-5.new", "", 2 * time.Hour, "gone"},
		{".runbook.md.stet-12345", steps, 2 * time.Hour, "alone"}, // nobody's name
		{".other.md.stet-" + dead + "-5.new", "", 0, "alone"},
		{"runbook.md.stet-" + dead + "-5.new", "", 0, "alone"},
	} {
		path := document(t, steps)
		leftover := filepath.Join(filepath.Dir(path), tt.name)
		if err := os.WriteFile(leftover, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-tt.old)
		if err := os.Chtimes(leftover, at, at); err != nil {
			t.Fatal(err)
		}
		kept, err := Sweep(path)
		if err != nil {
			t.Fatal(err)
		}
		got := "alone"
		if _, err := os.Stat(leftover); err != nil {
			got = "gone"
		} else if len(kept) == 1 && kept[0] == leftover {
			got = "kept"
		}
		if got != tt.want || contents(t, path) != steps {
			t.Errorf("%s, %s old: %s, want %s", tt.name, tt.old, got, tt.want)
		}
	}
}

// A link of that name, and a file of somebody else, are not stet's.
func TestSweepOfOthers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make files of others")
	}
	path := document(t, steps)
	prefix := filepath.Join(filepath.Dir(path), ".runbook.md.stet-"+where()+"-1-999999999999-")
	if err := os.WriteFile(prefix+"1.new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(prefix+"1.new", 4711, 4711); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, prefix+"2.new"); err != nil {
		t.Fatal(err)
	}
	if kept, err := Sweep(path); err != nil || len(kept) > 0 {
		t.Fatal(kept, err)
	}
	alone(t, filepath.Dir(path), filepath.Base(prefix)+"1.new", filepath.Base(prefix)+"2.new", "runbook.md")
}
