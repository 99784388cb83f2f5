package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/markdown"
)

// fleet is an inventory of n sandboxes h1 to hN, all in the group fleet, each
// with its number as a variable.
func fleet(n int) string {
	var hosts, names strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&hosts, "h%d stet_address=sandbox://h%d number=%d\n", i, i, i)
		fmt.Fprintf(&names, "h%d\n", i)
	}
	return hosts.String() + "[fleet]\n" + names.String() + "[fleet:vars]\nmtu=1400\n"
}

const canary = `---
title: A canary, then more
targets: {from: hosts.ini}
defaults: {on: fleet, timeout: 60s}
---

# A canary, then more

` + "```check { name=before parallel=10 }\n!link(\"br0\").exists\n```\n\n" +
	"```netconfig { name=bridge batch=1,3,rest parallel=8%s }\ninterfaces:\n  - {name: br0, type: linux-bridge, state: up, mtu: \"${mtu}\"}\n```\n\n" +
	"```check { name=proof }\nlink(\"br0\").mtu == mtu\n%s\n```\n\nThe end.\n"

// intents are the targets of the journal's announcements of a step, in order.
func (b *bench) intents(step string) []string {
	b.t.Helper()
	dirs, err := journal.ListAll(filepath.Join(b.dir, "state", "stet"))
	if err != nil || len(dirs) != 1 {
		b.t.Fatalf("journals: %v %v", dirs, err)
	}
	log, err := journal.Replay(dirs[0])
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, r := range log.Records {
		var d struct{ Step, Target string }
		if err := json.Unmarshal(r.Data, &d); err != nil {
			b.t.Fatal(err)
		}
		if r.Kind == journal.Intent && d.Step == step {
			out = append(out, d.Target)
		}
	}
	return out
}

// TestCanary changes 20 sandboxes in waves of 1, 3 and the rest. On a host of
// the second wave the proof fails: the first two waves are rolled back, the rest
// is never touched, and the document says exactly that.
func TestCanary(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.write("hosts.ini", fleet(20))
	original := fmt.Sprintf(canary, "", "number != 3")
	doc := b.write("canary.md", original)
	o := b.must(4, "run", "--yes", doc)

	touched := b.intents("bridge")
	if diff := cmp.Diff([]string{"h1", "h2", "h3", "h4"}, slices.Sorted(slices.Values(touched))); diff != "" {
		t.Errorf("the hosts that were touched: %s", diff)
	}
	if len(touched) == 0 || touched[0] != "h1" {
		t.Errorf("the canary is not the first: %v", touched)
	}
	now := b.read(doc)
	b.isReport(doc, original)
	for _, want := range []string{
		"**Failed and rolled back.** Step `proof` on `h3`: does not hold: number != 3. What had been changed was undone.",
		"- Wave 2 of 3 of bridge failed on 1 of 3 targets (h3). Wave 3 was not begun: 16 targets were never touched (h5–h20).",
		"- Waves 1 and 2 of bridge were rolled back: 4 targets (h1–h4).",
		"- After the rollback all pre-checks hold again (20).",
		"| 1 | `h1` | rolled back",
		"| 2 | `h2–h4` (3) | rolled back",
		"| 3 | `h5–h20` (16) | skipped |  |  | never touched: wave 3 was not begun |",
		"**ok** on 20 targets, all the same: `h1–h20`", // the pre-check
		"| 2 | `h3` | **failed**",
	} {
		if !strings.Contains(now, want) {
			t.Errorf("the document does not say %q", want)
		}
	}
	if strings.Contains(now, "Still in place") {
		t.Error("the document says that something stands")
	}
	if t.Failed() {
		t.Logf("%v\n%s", o, now)
	}
	if n := strings.Count(o.stderr, "\n"); n > 80 {
		t.Errorf("%d lines about 20 hosts:\n%s", n, o.stderr)
	}
	b.must(0, "status", doc)
}

// TestMaxFailures leaves a host out that may fail, and changes the others.
func TestMaxFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.write("hosts.ini", fleet(12))
	doc := b.write("canary.md", fmt.Sprintf(canary, " max-failures=1", "number != 3"))
	o := b.must(1, "run", "--yes", "--json", doc)
	all := events(t, o)
	op := all[len(all)-1].Operation
	if op == nil || op.Status != runbook.Failed {
		t.Fatalf("%v", o)
	}
	by := map[runbook.Status]int{}
	for _, x := range op.Outcomes {
		if x.Step == "bridge" {
			by[x.Status]++
		}
	}
	if diff := cmp.Diff(map[runbook.Status]int{runbook.OK: 11, runbook.RolledBack: 1}, by); diff != "" {
		t.Error(diff)
	}
	now := b.read(doc)
	for _, want := range []string{
		"Undone: `bridge` on `h3`. Still in place: `bridge` on `h1, h2, h4–h12`.",
		"bridge failed on h3, which the operation goes on without",
	} {
		if !strings.Contains(now, want) {
			t.Errorf("the document does not say %q:\n%s", want, now)
		}
	}
	if d := markdown.Parse(doc, []byte(now)); d.Diagnostics.Faults() {
		t.Error(d.Diagnostics)
	}
}

// lateAnswer runs a command on a terminal of its own and answers "run" to what it
// asks, to question N not before a moment (seconds since the epoch):
//
//	late.py N MOMENT COMMAND...
const lateAnswer = `import os, pty, re, sys, time
n, moment, asked, new, seen = int(sys.argv[1]), float(sys.argv[2]), 0, b"", b""
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
while True:
    try:
        chunk = os.read(fd, 4096)
    except OSError:
        break
    if not chunk:
        break
    seen, new = seen + chunk, new + chunk
    if re.search(rb"Run this \w+ step\?.*$", new, re.S):
        asked, new = asked + 1, b""
        time.sleep(max(0.3, moment - time.time() if asked == n else 0))
        os.write(fd, b"run\r")
_, status = os.waitpid(pid, 0)
sys.stdout.write(seen.decode("utf-8", "replace").replace("\r", ""))
sys.exit(os.waitstatus_to_exitcode(status))
`

// TestWindowCloses lets the operator answer, while wave 2 of 3 runs, when the window
// has closed: that wave is ended and confirmed, the last one is not begun, and
// what was confirmed stays: to undo it would be one more change after the window.
func TestWindowCloses(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3 (apt-get install python3)")
	}
	b := newBench(t, "")
	b.write("hosts.ini", fleet(6))
	b.write("late.py", lateAnswer)
	end := time.Now().UTC().Add(80 * time.Second).Truncate(time.Second)
	original := strings.NewReplacer("timeout: 60s", "timeout: 4s", "1,3,rest", "1,2,rest", "targets:", "window: {end: "+end.Format(time.RFC3339)+"}\ntargets:").
		Replace(fmt.Sprintf(canary, "", "true"))
	doc := b.write("canary.md", original)
	// It asks for the pre-check, then for the change and the proof of each wave.
	cmd := exec.CommandContext(t.Context(), "python3", "late.py", "5", fmt.Sprint(end.Unix()+1), "env", "-u", "CI", b.stet, "run", "--yes", "--step", doc)
	cmd.Dir, cmd.Env = b.dir, b.env
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Fatalf("exit %d, %v:\n%s", code, err, out)
	}
	if n := strings.Count(string(out), "Run this "); n < 5 || strings.Count(string(out), "Run this netconfig step") != 2 {
		t.Errorf("it asked otherwise:\n%s", out)
	}
	if diff := cmp.Diff([]string{"h1", "h2", "h3"}, slices.Sorted(slices.Values(b.intents("bridge")))); diff != "" {
		t.Errorf("the hosts that were touched: %s", diff)
	}
	closed := end.Format("2006-01-02 15:04:05 UTC")
	wants(t, "the terminal", string(out), "the operation failed: the window closed at "+closed+", before wave 3 of 3 of bridge was begun")
	now := b.read(doc)
	b.isReport(doc, original)
	wants(t, "the document", now, "**Failed:** the window closed at "+closed+", before wave 3 of 3 of bridge was begun. Still in place: `bridge` on `h1`, `bridge` on `h2`, `bridge` on `h3`.",
		"- The window closed at "+closed+", after wave 2 of 3 of bridge. Wave 3 was not begun: 3 targets were never touched (h4–h6).",
		"| 3 | `h4–h6` (3) | skipped |  |  | never touched: wave 3 was not begun |")
	if t.Failed() {
		t.Logf("%s\n%s", out, now)
	}
	b.must(6, "run", "--yes", doc)
}
