package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const guarded = `---
title: A guarded change
targets: {box: "%TARGET%"}
defaults: {on: box, timeout: 60s}
---

# A guarded change

` + "```netconfig { name=bridge confirm=%CONFIRM% }" + `
interfaces:
  - name: br0
    type: linux-bridge
    state: up
    ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
  - name: old0
    mtu: 1400
routes:
  config:
    - {destination: 198.51.100.0/24, next-hop-address: 192.0.2.9, next-hop-interface: br0, metric: 50}
` + "```\n\n```check { name=there }\nlink(\"br0\").exists\n```\n"

// guardBench is a namespace and a document whose change waits to be confirmed.
type guardBench struct {
	*bench
	ns, doc, before string
}

func newGuardBench(t *testing.T, target, confirm string) *guardBench {
	t.Helper()
	b := &guardBench{bench: newBench(t, ""), ns: netns(t, "guard")}
	ip(t, "-n", b.ns, "link", "add", "old0", "type", "veth", "peer", "name", "old1")
	ip(t, "-n", b.ns, "addr", "add", "10.0.0.1/8", "dev", "old0")
	ip(t, "-n", b.ns, "link", "set", "old1", "up")
	ip(t, "-n", b.ns, "link", "set", "old0", "up")
	until(t, "both ends have settled", func() bool {
		now := ip(t, "-n", b.ns, "addr")
		return strings.Count(now, "inet6 fe80:") == 2 && !strings.Contains(now, "tentative")
	})
	b.doc = b.document("change.md", target, confirm)
	b.before = settledState(t, b.ns)
	return b
}

func (b *guardBench) document(name, target, confirm string) string {
	b.t.Helper()
	return b.write(name, strings.NewReplacer("%TARGET%", strings.ReplaceAll(target, "NETNS", b.ns), "%CONFIRM%", confirm).Replace(guarded))
}

// there reports whether the change is in the namespace.
func (b *guardBench) there() bool {
	return strings.Contains(ip(b.t, "-n", b.ns, "-br", "link"), "br0")
}

// waits waits until the run waits for the operator.
func (b *guardBench) waits() {
	b.t.Helper()
	until(b.t, "a guard is pending", func() bool {
		o := b.run("status", b.doc)
		return strings.Contains(o.stdout, "pending     bridge on box") && strings.Contains(o.stdout, "there ")
	})
}

func (b *guardBench) isBefore() {
	b.t.Helper()
	if diff := notAsBefore(b.t, b.before, b.ns); diff != "" {
		b.t.Errorf("the namespace is not as it was before (-before +now):\n%s", diff)
	}
}

// noGuard holds when no guard's process of this test's programs lives on.
func (b *guardBench) noGuard() {
	b.t.Helper()
	until(b.t, "no guard's process is left", func() bool { return len(b.processes(" guard ")) == 0 })
}

// patience is how long anything may take that is expected to happen: what never
// happens is told from what a busy machine does late.
const patience = 2 * time.Minute

// until waits for what happens by itself.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// processes are the command lines that hold word of the agents that this bench
// started: they inherited its home folder.
func (b *bench) processes(word string) (lines []string) {
	b.t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, dir := range dirs {
		env, err := os.ReadFile(dir + "/environ")
		if err != nil || !slices.Contains(strings.Split(string(env), "\x00"), "HOME="+b.dir) {
			continue
		}
		line, err := os.ReadFile(dir + "/cmdline")
		if text := strings.ReplaceAll(string(line), "\x00", " "); err == nil && strings.Contains(text, " agent ") && strings.Contains(text, word) {
			lines = append(lines, text)
		}
	}
	return lines
}

// places are where a guard outlives stet.
var places = []struct{ name, target string }{{"netns", "netns://NETNS"}, {"local", "local"}}

// each runs a test at each place, on a namespace of its own.
func each(t *testing.T, confirm string, f func(t *testing.T, b *guardBench)) {
	needRoot(t)
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel()
			b := newGuardBench(t, place.target, confirm)
			if place.name == "local" {
				b.stet = inNetns(b.bench, b.ns)
			}
			f(t, b)
		})
	}
}

// TestGuardOutlivesStet kills stet while it waits: the namespace goes back by
// itself, and the document tells it afterwards.
func TestGuardOutlivesStet(t *testing.T) {
	each(t, "15s,manual", func(t *testing.T, b *guardBench) {
		cmd, wait := b.start(nil, "run", "--yes", b.doc)
		b.waits()
		if !b.there() {
			t.Fatal("the change is not there while it waits")
		}
		if err := cmd.Process.Kill(); err != nil { // ip netns exec is stet by now
			t.Fatal(err)
		}
		if o := wait(); o.code != 137 {
			t.Fatal(o)
		}
		until(t, "it goes back by itself", func() bool { return !b.there() })
		b.noGuard()
		b.isBefore()
		o := b.run("status", b.doc)
		if o.code != 0 || !strings.Contains(o.stdout, "reverted    bridge on box") {
			t.Error(o)
		}
		if o := b.run("rollback", "--yes", b.doc); o.code != 0 {
			t.Error(o)
		}
		if text := b.read(b.doc); !strings.Contains(text, "guard of bridge on box reverted it") {
			t.Errorf("the document does not tell it:\n%s", text)
		}
		b.isBefore()
	})
}

// TestGuardIsConfirmed once the checks hold: the change stays, and nothing
// waits any more.
func TestGuardIsConfirmed(t *testing.T) {
	each(t, "60s", func(t *testing.T, b *guardBench) {
		b.must(0, "run", "--yes", b.doc)
		b.noGuard()
		if !b.there() {
			t.Error("the change is gone")
		}
		if o := b.must(0, "status", b.doc); strings.Contains(o.stdout, "pending") {
			t.Error(o)
		}
		if text := b.read(b.doc); !strings.Contains(text, "confirmed") {
			t.Errorf("the document does not tell it:\n%s", text)
		}
		b.must(0, "rollback", "--yes", b.doc)
		b.isBefore()
	})
}

// TestConfirmFromAnotherTerminal ends the wait of a run without one.
func TestConfirmFromAnotherTerminal(t *testing.T) {
	each(t, "120s,manual", func(t *testing.T, b *guardBench) {
		_, wait := b.start(nil, "run", "--yes", b.doc)
		b.waits()
		if o := b.must(0, "confirm", b.doc); !strings.Contains(o.stdout, "bridge on box") {
			t.Error(o)
		}
		if o := wait(); o.code != 0 {
			t.Error(o)
		}
		b.noGuard()
		if !b.there() {
			t.Error("what was confirmed is gone")
		}
		if o := b.run("confirm", b.doc); !strings.Contains(o.stderr, "no guard waits") {
			t.Errorf("confirming what is confirmed: %v", o)
		}
	})
}

// TestNobodyConfirms while stet waits: it tells that the target went back.
func TestNobodyConfirms(t *testing.T) {
	each(t, "10s,manual", func(t *testing.T, b *guardBench) {
		const why = "nobody confirmed bridge in time, and box went back by itself"
		if o := b.must(4, "run", "--yes", b.doc); !strings.Contains(o.stderr, why) {
			t.Errorf("it does not say why: %v", o)
		}
		b.noGuard()
		b.isBefore()
		if text := b.read(b.doc); !strings.Contains(text, "guard reverted the change") || !strings.Contains(text, why) {
			t.Errorf("the document does not tell it:\n%s", text)
		}
		if o := b.run("confirm", b.doc); o.code != 1 || !strings.Contains(o.stderr, "it is too late") {
			t.Errorf("confirming too late: %v", o)
		}
	})
}

// TestGuardThatCannotBeArmed keeps the change from being made.
func TestGuardThatCannotBeArmed(t *testing.T) {
	needRoot(t)
	t.Run("no process", func(t *testing.T) {
		t.Parallel()
		b := newGuardBench(t, "netns://NETNS", "60s")
		other := filepath.Join(b.dir, "stet")
		command(t, "cp", b.stet, other)
		b.write("stet-agent", "#!/bin/sh\nexit 1\n")
		if err := os.Chmod(filepath.Join(b.dir, "stet-agent"), 0o755); err != nil {
			t.Fatal(err)
		}
		b.stet = other
		o := b.run("run", "--yes", b.doc)
		if o.code == 0 || !strings.Contains(o.stderr, "arming the guard") {
			t.Errorf("want a refusal, got %v", o)
		}
		b.isBefore()
		if o := b.run("status", b.doc); strings.Contains(o.stdout, "pending") {
			t.Error(o)
		}
	})
	t.Run("another one waits", func(t *testing.T) {
		t.Parallel()
		b := newGuardBench(t, "netns://NETNS", "120s,manual")
		cmd, wait := b.start(nil, "run", "--yes", b.doc)
		b.waits()
		pending := settledState(t, b.ns)
		second := b.document("second.md", "netns://NETNS", "60s")
		b.write("second.md", strings.Replace(b.read(second), "name: br0", "name: br7", 1))
		if o := b.run("run", "--yes", second); o.code != 6 || !strings.Contains(o.stderr, "change.md") || !strings.Contains(o.stderr, "holds it since") {
			t.Errorf("while the first runs: %v", o)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		wait()
		// The lock went with its holder; the guard is still there.
		o := b.run("run", "--yes", second)
		if o.code == 0 || !strings.Contains(o.stderr, "awaits its confirmation") || !strings.Contains(o.stderr, "change.md") {
			t.Errorf("while the first one's guard waits: %v", o)
		}
		if diff := notAsBefore(t, pending, b.ns); diff != "" {
			t.Errorf("the second one changed something:\n%s", diff)
		}
		if o := b.run("rollback", "--yes", b.doc); o.code != 0 {
			t.Error(o)
		}
		b.noGuard()
		b.isBefore()
	})
}

// TestGuardInSandbox: sandboxes end with stet, but not before the guard in them
// has done its work; then nothing of them is left.
func TestGuardInSandbox(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	doc := b.write("change.md", `---
title: A guarded change
targets: {box: sandbox}
defaults: {on: box, timeout: 60s}
---

`+"```netconfig { name=bridge confirm=15s,manual }\ninterfaces:\n  - {name: br0, type: linux-bridge, state: up}\n```\n\n"+
		"```rollback\necho \"$(ip -br link show br0)\" >"+filepath.Join(b.dir, "went-back")+"\n```\n\n"+
		"```check { name=there }\nlink(\"br0\").exists\n```\n")
	cmd, wait := b.start(nil, "run", "--yes", doc)
	until(t, "a guard waits", func() bool {
		return len(b.processes(" guard ")) == 1 && strings.Contains(b.read(doc), "stet:result name=there")
	})
	if o := b.run("confirm", doc); o.code == 0 || !strings.Contains(o.stderr, "known only to the stet that made it") {
		t.Errorf("confirming from elsewhere: %v", o)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if o := wait(); o.code != 137 {
		t.Fatal(o)
	}
	until(t, "the helper and the guard end", func() bool { return len(b.processes("")) == 0 })
	if text := b.read(filepath.Join(b.dir, "went-back")); !strings.Contains(text, "br0") {
		t.Errorf("the guard has not led back before the sandbox ended: %q", text)
	}
	if o := b.run("resume", "--yes", doc); o.code != 4 && o.code != 0 || !strings.Contains(o.stderr, "sandboxes ended with the process that made them") {
		t.Error(o)
	}
	if text := b.read(doc); strings.Contains(text, "unless it is confirmed") {
		t.Errorf("the document speaks of a guard that is gone:\n%s", text)
	}
}
