package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOutputIsLost: what could not be written does not look like success, whoever
// was to read it, and the operation is not touched by it.
func TestOutputIsLost(t *testing.T) {
	b := newBench(t, "")
	b.write("doc.md", "---\ntargets: {here: local}\n---\n\n```sh { run name=say }\necho said >>"+filepath.Join(b.dir, "said")+"\n```\n")
	const lost = "stet: writing output: write /dev/stdout: no space left on device\n"
	for _, c := range []struct {
		args string
		code int
	}{
		{"run --yes", 1}, {"run --yes --json", 1}, {"plan", 1}, {"plan --detailed-exitcode", 1}, {"status", 1}, {"report", 1},
	} {
		o := b.shell(`exec "$STET" ` + c.args + ` doc.md >/dev/full`)
		if o.code != c.code || !strings.HasSuffix(o.stderr, lost) {
			t.Errorf("%s: %v", c.args, o)
		}
	}
	for _, args := range []string{"run --yes", "run --yes --json"} {
		if o := b.shell(`{ "$STET" ` + args + ` doc.md; echo "exit $?" >&2; } | :`); !strings.HasSuffix(o.stderr, "exit 0\n") {
			t.Errorf("%s to a reader that is gone: %v", args, o)
		}
	}
	if said := b.read(filepath.Join(b.dir, "said")); said != "said\nsaid\nsaid\nsaid\n" {
		t.Errorf("it was run %d times", strings.Count(said, "\n"))
	}
}

// TestTerminalWithoutName: on a terminal of which nobody says what it can do (a
// serial console) there are lines, and nothing that moves a cursor.
func TestTerminalWithoutName(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3 (apt-get install python3)")
	}
	b := newBench(t, "")
	b.write("expect.py", expect)
	b.write("doc.md", "---\ntargets: {here: local}\n---\n\n```sh { run name=say }\nsleep 1\n```\n")
	for term, moves := range map[string]bool{"-u TERM": false, "TERM=dumb": false, "TERM=xterm": true} {
		o := b.shell(`exec env -u CI -u NO_COLOR ` + term + ` python3 expect.py -- "$STET" run --yes doc.md`)
		if o.code != 0 || !strings.HasSuffix(o.stdout, "exit: 0\n") || strings.Contains(o.stdout, "\x1b") != moves {
			t.Errorf("%s: %q", term, o.stdout)
		}
	}
}

// shell runs lines of sh in the bench's folder.
func (b *bench) shell(lines string) outcome {
	b.t.Helper()
	cmd := exec.Command("sh", "-c", lines)
	cmd.Dir, cmd.Env = b.dir, slices.Concat(b.env, []string{"STET=" + b.stet})
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the code says how it ended
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
