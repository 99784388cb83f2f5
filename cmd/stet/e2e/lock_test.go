package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const locking = `---
title: A long step
targets: {box: "%TARGET%"}
---

` + "```sh { run name=wait }\ntouch %DIR%/running\nwhile test -e %DIR%/running -a ! -e %DIR%/go; do sleep 0.05; done\n```\n\n```rollback\ntrue\n```\n"

// TestTwoRunsOfOneDocument, and TestTwoRunsOnOneTarget: the second is refused,
// with who holds it, since when, for which document. A killed one holds nothing.
func TestTwoRunsOfOneDocument(t *testing.T) {
	b := newBench(t, "")
	b.lockedOut("sandbox", func() string { return filepath.Join(b.dir, "first.md") })
}

func TestTwoRunsOnOneTarget(t *testing.T) {
	for _, names := range []struct{ first, second string }{
		{"netns://NETNS", "netns://NETNS"}, {"local", "local"}, {"netns://NETNS", "local"}, {"local", "netns://NETNS"},
	} {
		t.Run(names.first+" "+names.second, func(t *testing.T) {
			t.Parallel()
			ns, b := netns(t, "lock"), newBench(t, "")
			outside, inside := b.stet, inNetns(b, ns)
			// The namespace is the local target of a stet that runs in it.
			at := func(target string) string {
				b.stet = outside
				if target == "local" {
					b.stet = inside
				}
				return strings.Replace(target, "NETNS", ns, 1)
			}
			b.lockedOut(at(names.first), func() string { return b.write("second.md", long(b, at(names.second))) })
		})
	}
}

func long(b *bench, target string) string {
	return strings.NewReplacer("%TARGET%", target, "%DIR%", b.dir).Replace(locking)
}

// inNetns is a script that runs stet in a namespace.
func inNetns(b *bench, ns string) string {
	b.t.Helper()
	path := b.write("stet-inside", "#!/bin/sh\nexec ip netns exec "+ns+" "+b.stet+" \"$@\"\n")
	if err := os.Chmod(path, 0o755); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// lockedOut runs first.md on target and, while it does, what other gives.
func (b *bench) lockedOut(target string, other func() string) {
	t := b.t
	t.Helper()
	first := b.write("first.md", long(b, target))
	cmd, wait := b.start(nil, "run", "--yes", first)
	running := func() bool { _, err := os.Stat(filepath.Join(b.dir, "running")); return err == nil }
	until(t, "the first one runs", running)
	second := other()
	before := b.read(second)
	o := b.run("run", "--yes", second)
	if o.code != 6 {
		t.Errorf("the second one: %v", o)
	}
	for _, want := range []string{"first.md", "since 20"} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("it does not say %q: %v", want, o)
		}
	}
	if now := b.read(second); second != first && now != before {
		t.Errorf("its document was written:\n%s", now)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wait()
	b.write("go", "") // what the killed one ran may end
	args := []string{"run", "--yes", second}
	if second == first {
		args[0] = "resume"
	}
	if o := b.run(args...); o.code != 0 && o.code != 4 {
		t.Errorf("after the first one was killed: %v", o)
	}
}
