package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/runbook/journal"
	"stet/runbook/markdown"
)

// crashBench is a namespace and a five-group document to be run on it.
type crashBench struct {
	*bench
	ns, doc, original string
	before            string
}

func newCrashBench(t *testing.T) *crashBench {
	b := newBench(t, "crashpoint")
	ns := netns(t, "crash")
	ip(t, "-n", ns, "link", "add", "old0", "type", "bridge")
	ip(t, "-n", ns, "addr", "add", "10.0.0.1/8", "dev", "old0")
	ip(t, "-n", ns, "link", "set", "old0", "up")
	original := strings.ReplaceAll(b.read("testdata/five.md"), "NETNS", ns)
	c := &crashBench{bench: b, ns: ns, original: original}
	c.doc = b.write("five.md", original)
	c.before = state(t, ns)
	return c
}

// inspect holds for the document and the journal at any moment after a crash.
func (c *crashBench) inspect() {
	c.t.Helper()
	now := c.read(c.doc)
	if diff := cmp.Diff(c.original, string(markdown.Strip([]byte(now)))); diff != "" {
		c.t.Errorf("the prose changed (-want +got):\n%s\ndocument:\n%s", diff, now)
	}
	if ds := markdown.Parse(c.doc, []byte(now)).Diagnostics; ds.Faults() {
		c.t.Errorf("the document no longer parses: %v", ds)
	}
	dirs, err := journal.ListAll(filepath.Join(c.dir, "state", "stet"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := journal.Replay(dir); err != nil {
			c.t.Errorf("the journal does not replay: %v", err)
		}
	}
}

// settled waits until no guard of the namespace is pending, and compares the
// state with the one before.
func (c *crashBench) isBefore() {
	c.t.Helper()
	if diff := cmp.Diff(c.before, state(c.t, c.ns)); diff != "" {
		c.t.Errorf("the namespace is not as it was before (-before +now):\n%s", diff)
	}
}

// confirmed is the state after an undisturbed run.
func (c *crashBench) isConfirmed() {
	c.t.Helper()
	c.must(0, "check", c.doc)
	o := c.run("plan", "--detailed-exitcode", "--only", "one,two,three,four", c.doc)
	if o.code != 0 {
		c.t.Errorf("the namespace does not hold the confirmed state: %v", o)
	}
}

// finish resumes or rolls back after a crash, and checks where that leads.
func (c *crashBench) finish(resume bool) {
	c.t.Helper()
	c.inspect()
	if !c.started() {
		c.isBefore()
		return
	}
	if !resume {
		if o := c.run("rollback", "--yes", c.doc); o.code != 0 {
			c.t.Errorf("rollback: %v", o)
		}
		c.inspect()
		c.isBefore()
		return
	}
	o := c.run("resume", "--yes", c.doc)
	c.inspect()
	switch o.code {
	case 0:
		c.isConfirmed()
	case 4:
		c.isBefore()
	default:
		c.t.Errorf("resume: %v", o)
	}
	if c.t.Failed() {
		c.t.Logf("resume: %v", o)
	}
	if o := c.run("rollback", "--yes", c.doc); o.code != 0 {
		c.t.Errorf("rollback after resume: %v", o)
	}
	c.inspect()
	c.isBefore()
}

// started reports whether the crashed run got as far as having a journal with
// a record in it.
func (c *crashBench) started() bool {
	dirs, err := journal.ListAll(filepath.Join(c.dir, "state", "stet"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, dir := range dirs {
		if log, err := journal.Replay(dir); err == nil && len(log.Records) > 0 {
			return true
		}
	}
	return false
}

// TestCrashAtEveryRecord kills stet before, in the middle of and after writing
// each record of the journal.
func TestCrashAtEveryRecord(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("takes minutes")
	}
	crashed := 0
	for _, phase := range []string{"before", "torn", "after"} {
		for n := 1; ; n++ {
			done := false
			t.Run(fmt.Sprintf("%s-%d", phase, n), func(t *testing.T) {
				c := newCrashBench(t)
				_, wait := c.start([]string{fmt.Sprintf("STET_CRASHPOINT=%s:%d", phase, n)}, "run", "--yes", c.doc)
				o := wait()
				if o.code == 0 {
					done = true
					c.isConfirmed()
					return
				}
				if o.code != 137 {
					t.Fatalf("want a kill, got %v", o)
				}
				crashed++
				c.finish(n%2 == 0)
			})
			if done || t.Failed() || n > 500 {
				break
			}
		}
	}
	t.Logf("killed %d times", crashed)
	if crashed < 60 {
		t.Errorf("the five groups must have at least twenty records, each with three moments; killed only %d times", crashed)
	}
}

// TestCrashAtRandom kills stet at 200 random moments.
func TestCrashAtRandom(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("takes minutes")
	}
	whole := func() time.Duration {
		c := newCrashBench(t)
		start := time.Now()
		c.must(0, "run", "--yes", c.doc)
		return time.Since(start)
	}()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, an undisturbed run takes %s", seed, whole)
	random := rand.New(rand.NewPCG(seed, 0))
	killed := 0
	for i := range 200 {
		after := time.Duration(random.Int64N(int64(whole + whole/10)))
		t.Run(fmt.Sprintf("%d-%s", i, after.Round(time.Millisecond)), func(t *testing.T) {
			c := newCrashBench(t)
			cmd, wait := c.start(nil, "run", "--yes", c.doc)
			time.Sleep(after)
			if err := cmd.Process.Signal(os.Kill); err != nil {
				t.Logf("it had ended: %v", err)
			}
			if wait().code == 137 {
				killed++
			}
			c.finish(i%2 == 0)
		})
	}
	t.Logf("killed %d of 200 while they ran", killed)
	if killed < 100 {
		t.Errorf("most of the 200 must be killed while they run, not %d", killed)
	}
}
