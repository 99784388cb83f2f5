package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/runbook/markdown"
)

// tmpfs mounts a small file system of its own at dir, unmounted after the test.
func tmpfs(t testing.TB, dir string, kib int) {
	t.Helper()
	needRoot(t)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	command(t, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dk", kib), "tmpfs", dir)
	t.Cleanup(func() { command(t, "umount", dir) })
}

// fill leaves no free block in the file system of dir.
func fill(t testing.TB, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

const bridgeOnly = `---
title: A bridge
targets: {box: netns://NETNS}
---

Prose.

` + "```netconfig { name=bridge }\ninterfaces:\n  - {name: br0, type: linux-bridge, state: up}\n```\n\n```check { name=there }\nlink(\"br0\").up\n```\n"

// TestDocumentCannotBeWritten: the operation is carried out, the document is
// left whole, the reader is told where the results are.
func TestDocumentCannotBeWritten(t *testing.T) {
	for _, why := range []string{"full", "read-only"} {
		t.Run(why, func(t *testing.T) {
			b := newBench(t, "")
			ns := netns(t, "fault")
			place := filepath.Join(b.dir, "small")
			tmpfs(t, place, 64)
			original := strings.ReplaceAll(bridgeOnly, "NETNS", ns)
			doc := b.write("small/runbook.md", original)
			if why == "full" {
				fill(t, place)
			} else {
				command(t, "mount", "-o", "remount,ro", place)
			}
			o := b.must(1, "run", "--yes", doc)
			if diff := cmp.Diff(original, b.read(doc)); diff != "" {
				t.Errorf("the document changed (-want +got):\n%s", diff)
			}
			if !strings.Contains(o.stderr, doc) || !strings.Contains(o.stderr, filepath.Join(b.dir, "state")) {
				t.Errorf("it does not say which document and where the results are: %v", o)
			}
			if !strings.Contains(ip(t, "-n", ns, "link"), "br0") {
				t.Error("the change itself was proven and must stand")
			}
			left, err := filepath.Glob(filepath.Join(place, "*"))
			if err != nil || len(left) > 2 {
				t.Errorf("temporary files are left: %v %v", left, err)
			}
			if why == "read-only" {
				command(t, "mount", "-o", "remount,rw", place)
			} else if err := os.Remove(filepath.Join(place, "filler")); err != nil {
				t.Fatal(err)
			}
			b.must(0, "report", doc)
			b.isReport(doc, original)
		})
	}
}

// TestJournalCannotBeStarted: nothing is touched.
func TestJournalCannotBeStarted(t *testing.T) {
	for _, why := range []string{"full", "read-only"} {
		t.Run(why, func(t *testing.T) {
			b := newBench(t, "")
			ns := netns(t, "fault")
			place := filepath.Join(b.dir, "state")
			tmpfs(t, place, 64)
			doc := b.write("runbook.md", strings.ReplaceAll(bridgeOnly, "NETNS", ns))
			if why == "full" {
				fill(t, place)
			} else {
				command(t, "mount", "-o", "remount,ro", place)
			}
			before := settledState(t, ns)
			o := b.must(1, "run", "--yes", doc)
			if diff := notAsBefore(t, before, ns); diff != "" {
				t.Errorf("something was touched:\n%s", diff)
			}
			if !strings.Contains(o.stderr, "journal") && !strings.Contains(o.stderr, "state") {
				t.Errorf("it does not say what is wrong: %v", o)
			}
		})
	}
}

// manyNeighbors is a block whose change is larger than what is left of the
// journal's last page, and is known only when it runs, so that all of it is
// journaled right before it is made.
func manyNeighbors() string {
	var b strings.Builder
	b.WriteString("```sh { run name=which register=device }\necho br1\n```\n\n```rollback\n:\n```\n\n```netconfig { name=second }\n" +
		"interfaces:\n  - {name: \"${trim(device.out)}\", type: linux-bridge, state: up}\nneighbors:\n")
	for i := range 300 {
		fmt.Fprintf(&b, "  - {device: \"${trim(device.out)}\", ip: 10.0.%d.%d, mac-address: \"02:00:00:00:00:09\"}\n", i>>8, i&0xff)
	}
	b.WriteString("```\n")
	return b.String()
}

// TestJournalFillsUpMidway: what cannot be journaled is not done, and what was
// done is undone.
func TestJournalFillsUpMidway(t *testing.T) {
	const filler = "\n```sh { run name=filler }\nhead -c 1M /dev/zero > STATE/filler || truncate -s -16384 STATE/filler\n```\n\n"
	const free = "```rollback\nrm -f STATE/filler\n```\n\n"
	for name, rest := range map[string]struct {
		text string
		free bool // undoing frees the disk
	}{
		"intent":             {filler + free + manyNeighbors(), true},
		"intent, stays full": {filler + "```rollback\n:\n```\n\n" + manyNeighbors(), false},
		"outcome":            {filler + free + "```sh { run name=second }\nseq 4000\nip link add br1 type bridge\n```\n\n```rollback\nip link delete br1\n```\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "")
			ns := netns(t, "fault")
			place := filepath.Join(b.dir, "state")
			tmpfs(t, place, 512)
			doc := b.write("runbook.md", strings.ReplaceAll(strings.ReplaceAll(bridgeOnly, "NETNS", ns)+rest.text, "STATE", place))
			before := settledState(t, ns)
			o := b.must(4, "run", "--yes", doc)
			if diff := notAsBefore(t, before, ns); diff != "" {
				t.Errorf("it is not as it was before:\n%s", diff)
			}
			for _, where := range []string{o.stderr, b.read(doc)} {
				if !strings.Contains(where, "writing the journal") || !strings.Contains(where, "no space left") {
					t.Errorf("it does not say what is wrong:\n%s", where)
				}
			}
			b.isReport(doc, string(markdown.Strip([]byte(b.read(doc)))))
			want := "rolled-back"
			if !rest.free {
				want = "unfinished"
				if err := os.Remove(filepath.Join(place, "filler")); err != nil {
					t.Fatal(err)
				}
			}
			if s := b.must(0, "status", doc); !strings.HasPrefix(s.stdout, want) {
				t.Errorf("want %s, got %v", want, s)
			}
			b.must(0, "rollback", "--yes", doc)
			if s := b.must(0, "status", doc); !strings.HasPrefix(s.stdout, "rolled-back") {
				t.Errorf("after it was rolled back from the journal: %v", s)
			}
			b.must(0, "verify", doc)
			if diff := notAsBefore(t, before, ns); diff != "" {
				t.Errorf("it is not as it was before:\n%s", diff)
			}
		})
	}
}

// TestDocumentDeletedDuringRun: the operation ends as it should, and says that
// its report has no place.
func TestDocumentDeletedDuringRun(t *testing.T) {
	b := newBench(t, "")
	wait, goon := filepath.Join(b.dir, "wait"), filepath.Join(b.dir, "go")
	doc := b.write("runbook.md", strings.NewReplacer("%WAIT%", wait, "%GO%", goon).Replace(sleeping))
	_, end := b.start(nil, "run", "--yes", doc)
	await(t, wait)
	if err := os.Remove(doc); err != nil {
		t.Fatal(err)
	}
	b.write("go", "")
	o := end()
	if o.code != 1 || !strings.Contains(o.stderr, doc) || !strings.Contains(o.stderr, filepath.Join(b.dir, "state")) {
		t.Errorf("want exit 1 and where the results are, got %v", o)
	}
	if exists(doc) {
		t.Error("a deleted document came back")
	}
}

// TestKernelRefusesMidway: the kernel takes the bridge and its address and
// refuses the route; all of it is undone, with the kernel's own words.
func TestKernelRefusesMidway(t *testing.T) {
	b := newBench(t, "")
	ns := netns(t, "fault")
	doc := b.write("runbook.md", strings.ReplaceAll(bridgeOnly, "NETNS", ns)+
		"\n```netconfig { name=bad }\ninterfaces:\n  - {name: br1, type: linux-bridge, state: up, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}\n"+
		"routes:\n  config:\n    - {destination: 198.51.100.0/24, next-hop-address: 10.255.255.1, next-hop-interface: br1}\n```\n")
	before := settledState(t, ns)
	o := b.must(4, "run", "--yes", doc)
	if diff := notAsBefore(t, before, ns); diff != "" {
		t.Errorf("it is not as it was before:\n%s", diff)
	}
	for _, where := range []string{o.stdout + o.stderr, b.read(doc)} {
		if !strings.Contains(where, "Nexthop has invalid gateway") && !strings.Contains(where, "invalid gateway") {
			t.Errorf("the kernel's message is missing in:\n%s", where)
		}
	}
}

// TestProbeHangs: a command in a check that never ends is ended at the step's
// timeout, with everything it started.
func TestProbeHangs(t *testing.T) {
	b := newBench(t, "")
	ns := netns(t, "fault")
	mark := fmt.Sprintf("86%d", os.Getpid())
	doc := b.write("runbook.md", strings.ReplaceAll(bridgeOnly, "NETNS", ns)+
		"\n```check { name=hangs timeout=2s }\nrun(\"(setsid sleep "+mark+" &) ; sleep "+mark+"\").ok\nlink(\"lo\").exists\n```\n")
	before := settledState(t, ns)
	o := b.must(4, "run", "--yes", doc)
	if diff := notAsBefore(t, before, ns); diff != "" {
		t.Errorf("it is not as it was before:\n%s", diff)
	}
	if !strings.Contains(o.stdout+o.stderr, "2s") && !strings.Contains(o.stdout+o.stderr, "time") {
		t.Errorf("it does not say that time ran out: %v", o)
	}
	if out := command(t, "ps", "-eo", "args"); strings.Contains(out, "sleep "+mark) {
		t.Errorf("processes are left:\n%s", out)
	}
}

// TestCommandOutlastsGuard: a command that would still run when its guard goes
// back is ended before, so that what it does comes to nothing.
func TestCommandOutlastsGuard(t *testing.T) {
	b := newBench(t, "")
	ns, may := netns(t, "fault"), filepath.Join(b.dir, "may")
	doc := b.write("runbook.md", "---\ntargets: {box: netns://"+ns+"}\n---\n\n```sh { run name=long confirm=10s }\nip link add early0 type bridge\nwhile ! test -e "+may+"; do sleep 0.1; done\nip link add late0 type bridge\n```\n\n"+
		"```rollback\nip link delete early0\n```\n")
	before := settledState(t, ns)
	o := b.must(4, "run", "--yes", doc)
	if !strings.Contains(o.stderr, "its guard was about to go back") || !strings.Contains(o.stderr, "confirm=10s") {
		t.Errorf("it does not say why: %v", o)
	}
	b.write("may", "")
	time.Sleep(time.Second) // what lives on looks ten times
	if diff := notAsBefore(t, before, ns); diff != "" {
		t.Errorf("it is not as it was before:\n%s", diff)
	}
}

// TestOutputOfOneGiB: memory stays bounded, the whole output is kept.
func TestOutputOfOneGiB(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a gibibyte")
	}
	b := newBench(t, "")
	ns := netns(t, "fault")
	doc := b.write("runbook.md", "---\ntargets: {box: netns://"+ns+"}\n---\n\n```sh { run name=loud timeout=5m }\nyes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde | head -c 1073741824\n```\n")
	cmd, end := b.start(nil, "run", "--yes", doc)
	if o := end(); o.code != 0 {
		t.Fatal(o)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("no resource usage")
	}
	t.Logf("peak memory %d MiB", usage.Maxrss>>10)
	if usage.Maxrss > 150<<10 {
		t.Errorf("peak memory is %d MiB", usage.Maxrss>>10)
	}
	if text := b.read(doc); len(text) > 1<<20 || !strings.Contains(text, "16777152") && !strings.Contains(text, "1073741824") && !strings.Contains(text, "GiB") {
		t.Errorf("the document must hold head, tail and the count of what is between; it has %d bytes", len(text))
	}
	var kept int64
	err := filepath.Walk(filepath.Join(b.dir, "state"), func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Size() == 1<<30 {
			kept++
		}
		return err
	})
	if err != nil || kept != 1 {
		t.Errorf("the whole output must be kept once, is kept %d times: %v", kept, err)
	}
}

// TestSecretsStayOut: no secret reaches document, journal or screen.
func TestSecretsStayOut(t *testing.T) {
	b := newBench(t, "")
	const secret = "correct-horse-battery"
	doc := b.write("runbook.md", "---\ntargets: {box: sandbox}\nsecrets: {KEY: env:STET_TEST_SECRET}\n---\n\n"+
		"```sh { run name=leak }\necho \"$KEY\"; printf %s \"$KEY\" | base64; printf '%s' \"$KEY\" | cut -c1-10; echo \"x$KEY\" | base64\nprintf 'correct-'; sleep 0.2; printf 'horse-battery\\n'\n```\n\n"+
		"```check { name=leaks }\nrun(\"echo $KEY\").out == \"no\"\n```\n")
	_, end := b.start([]string{"STET_TEST_SECRET=" + secret}, "run", "--yes", "--json", doc)
	o := end()
	if o.code != 4 && o.code != 1 && o.code != 5 {
		t.Fatal(o)
	}
	everything := o.stdout + o.stderr + b.read(doc)
	err := filepath.Walk(filepath.Join(b.dir, "state"), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			everything += b.read(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(everything, "[redacted:KEY]") {
		t.Errorf("nothing was redacted: %v", o)
	}
	for _, leak := range []string{secret, "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "NvcnJlY3QtaG9yc2UtYmF0dGVye"} {
		if strings.Contains(everything, leak) {
			t.Errorf("%q leaked", leak)
		}
	}
	if string(markdown.Strip([]byte(b.read(doc)))) == "" {
		t.Error("the document is empty")
	}
}

// TestJournalDeletedMidway: what could not be taken up or audited later is not gone
// on with.
func TestJournalDeletedMidway(t *testing.T) {
	b := newBench(t, "")
	ns := netns(t, "fault")
	state := filepath.Join(b.dir, "state")
	doc := b.write("runbook.md", strings.ReplaceAll(bridgeOnly, "NETNS", ns)+"\n```sh { run name=clean }\nrm -r "+state+"/stet\n```\n\n```rollback\n:\n```\n\n```sh { run name=next }\ntouch "+b.dir+"/next\n```\n")
	before := settledState(t, ns)
	o := b.must(4, "run", "--yes", doc)
	if diff := notAsBefore(t, before, ns); diff != "" {
		t.Errorf("it is not as it was before:\n%s", diff)
	}
	for _, where := range []string{o.stderr, b.read(doc)} {
		wants(t, "the report", where, "somebody deleted or moved "+state, "What happened after that is only in this report.")
	}
	if _, err := os.Stat(filepath.Join(b.dir, "next")); err == nil {
		t.Error("it went on")
	}
}
