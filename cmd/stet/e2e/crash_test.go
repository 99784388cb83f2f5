package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

func newCrashBench(t *testing.T, change func(string) string) *crashBench {
	t.Helper()
	b := newBench(t, "crashpoint")
	ns := netns(t, "crash")
	// Without waiting for duplicate addresses: a second after it was made, a
	// link would have another state with nobody changing it.
	ip(t, "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
	ip(t, "-n", ns, "link", "add", "old0", "address", "02:00:00:00:00:01", "type", "bridge")
	ip(t, "-n", ns, "addr", "add", "10.0.0.1/8", "dev", "old0")
	ip(t, "-n", ns, "link", "set", "old0", "up")
	// New links choose no address: two runs could not be compared.
	ip(t, "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.default.addr_gen_mode=1")
	original := change(strings.ReplaceAll(b.read("testdata/five.md"), "NETNS", ns))
	c := &crashBench{bench: b, ns: ns, original: original}
	c.doc = b.write("five.md", original)
	c.before = settledState(t, ns)
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

// isBefore compares the state with the one before.
func (c *crashBench) isBefore() {
	c.t.Helper()
	if diff := notAsBefore(c.t, c.before, c.ns); diff != "" {
		c.t.Errorf("the namespace is not as it was before (-before +now):\n%s", diff)
	}
}

// chosen is what the kernel chooses anew whenever a link is made: its hardware
// address, what follows from that, its number.
var chosen = []struct {
	is *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`"[0-9a-f]{4}\.[0-9a-f:]{11,17}"`), `"BRIDGE"`},
	{regexp.MustCompile(`\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b`), "MAC"},
	{regexp.MustCompile(`"(ifindex|link_index)": \d+`), `"$1": 0`},
}

// made is the state without what the kernel chooses. The forwarding entries come
// in the order of a hash of addresses; here they are sorted. The bridge has one
// of its own only when its address is not that of a port: so it is when its
// first port was undone and made anew, because undoing gives it back the very
// address that it had, which the kernel then no longer chooses.
func (c *crashBench) made() string {
	text := strings.ReplaceAll(state(c.t, c.ns), c.ns, "NETNS")
	for _, k := range chosen {
		text = k.is.ReplaceAllString(text, k.as)
	}
	rest, entries, found := strings.Cut(text, "# bridge")
	if !found {
		c.t.Fatalf("no forwarding entries in:\n%s", text)
	}
	entries, last, _ := strings.Cut(entries, "\n# ")
	sorted := slices.DeleteFunc(strings.Split(entries, "\n },\n {\n"), func(e string) bool {
		return strings.Contains(e, `"ifname": "br0"`)
	})
	slices.Sort(sorted)
	return rest + last + strings.Join(sorted, "\n")
}

// isConfirmed compares the state with that after an undisturbed run. Links that
// were made just now are still coming up: it waits for them.
func (c *crashBench) isConfirmed(want string) {
	c.t.Helper()
	now := c.made()
	for deadline := time.Now().Add(settledLimit); now != want && time.Now().Before(deadline); now = c.made() {
		time.Sleep(50 * time.Millisecond)
	}
	if diff := cmp.Diff(want, now); diff != "" {
		c.t.Errorf("the namespace does not hold the confirmed state (-confirmed +now):\n%s", diff)
	}
	c.must(0, "check", c.doc)
	o := c.run("plan", "--detailed-exitcode", "--only", "one,two,three,four", c.doc)
	if o.code != 0 {
		c.t.Errorf("the plan would still change something: %v", o)
	}
}

// finish resumes or rolls back after a crash, and checks where that leads.
func (c *crashBench) finish(then, confirmed string) {
	c.t.Helper()
	c.inspect()
	if !c.started() {
		c.isBefore()
		return
	}
	if then == "resume" {
		o := c.run("resume", "--yes", c.doc)
		c.inspect()
		switch {
		case o.code == 0 && strings.Contains(o.stdout, "\nok · "),
			o.code == 0 && o.stdout == "" && c.ended("ok"): // killed when all was done
			c.isConfirmed(confirmed)
		case o.code == 4, o.code == 0 && strings.Contains(o.stdout, "\nrolled-back: "), // it was being rolled back
			o.code == 0 && o.stdout == "" && c.ended("rolled-back"):
			c.isBefore()
		default:
			c.t.Errorf("resume: %v", o)
		}
		if c.t.Failed() {
			c.t.Logf("resume: %v", o)
		}
	}
	if o := c.run("rollback", "--yes", c.doc); o.code != 0 {
		c.t.Errorf("rollback: %v", o)
	}
	c.inspect()
	c.isBefore()
	c.must(0, "verify", "--all", c.doc)
}

// ended reports whether the journal says that the operation ended so.
func (c *crashBench) ended(status string) bool {
	c.t.Helper()
	return strings.HasPrefix(c.must(0, "status", c.doc).stdout, status+" ")
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

// records counts those of the latest journal.
func (c *crashBench) records() int {
	c.t.Helper()
	dirs, err := journal.ListAll(filepath.Join(c.dir, "state", "stet"))
	if err != nil || len(dirs) == 0 {
		c.t.Fatalf("no journal: %v", err)
	}
	log, err := journal.Replay(dirs[0])
	if err != nil {
		c.t.Fatal(err)
	}
	return len(log.Records)
}

// undisturbed runs the document to its end and returns how long that took, the
// number of its records, and the state that was confirmed.
func undisturbed(t *testing.T, code int, change func(string) string) (took time.Duration, records int, confirmed string) {
	c := newCrashBench(t, change)
	c.must(0, "plan", c.doc) // has the programs built
	start := time.Now()
	c.must(code, "run", "--yes", c.doc)
	took = time.Since(start)
	waitSettled(t, c.ns)
	return took, c.records(), c.made()
}

func unchanged(text string) string { return text }

// failing makes the last check of the five groups fail.
func failing(text string) string {
	return strings.Replace(text, `sysctl("net.ipv4.ip_forward") == "1"`, `sysctl("net.ipv4.ip_forward") == "2"`, 1)
}

// killAt runs the document up to a moment of a record, where it is killed.
func (c *crashBench) killAt(phase string, n int, args ...string) {
	c.t.Helper()
	_, wait := c.start([]string{fmt.Sprintf("STET_CRASHPOINT=%s:%d", phase, n)}, append(args, "--yes", c.doc)...)
	if o := wait(); o.code != 137 {
		c.t.Fatalf("want a kill, got %v", o)
	}
}

var phases = []string{"before", "torn", "after"}

// TestCrashAtEveryRecord kills stet before, in the middle of and after writing
// each record of the journal: of a run that goes well, and of one whose last
// check fails, so that all of it is undone.
func TestCrashAtEveryRecord(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("takes minutes")
	}
	_, records, confirmed := undisturbed(t, 0, unchanged)
	if records < 30 {
		t.Fatalf("five groups have more than %d records", records)
	}
	everyRecord(t, "confirmed", 1, records, confirmed, unchanged)
	_, all, _ := undisturbed(t, 4, failing)
	if all < records+10 {
		t.Fatalf("undoing five groups takes more than %d records", all-records)
	}
	everyRecord(t, "undone", records-5, all, confirmed, failing) // those before are the same
}

func everyRecord(t *testing.T, name string, from, to int, confirmed string, change func(string) string) {
	for n := from; n <= to; n++ {
		for _, phase := range phases {
			for _, then := range []string{"resume", "rollback"} {
				t.Run(fmt.Sprintf("%s-%s-%d-%s", name, phase, n, then), func(t *testing.T) {
					t.Parallel()
					c := newCrashBench(t, change)
					c.killAt(phase, n, "run")
					c.finish(then, confirmed)
				})
			}
		}
	}
}

// TestCrashWhileRecovering kills the resuming and the rolling back, too.
func TestCrashWhileRecovering(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("takes minutes")
	}
	_, records, confirmed := undisturbed(t, 0, unchanged)
	for _, first := range []string{"resume", "rollback"} {
		c := newCrashBench(t, unchanged)
		c.killAt("after", records/2, "run")
		before := c.records()
		c.must(0, first, "--yes", c.doc)
		for n := before + 1; n <= c.records(); n++ {
			then := []string{"resume", "rollback"}[n%2]
			t.Run(fmt.Sprintf("%s-%d-%s", first, n, then), func(t *testing.T) {
				t.Parallel()
				c := newCrashBench(t, unchanged)
				c.killAt("after", records/2, "run")
				c.killAt(phases[n%3], n, first)
				c.finish(then, confirmed)
			})
		}
	}
}

// TestGuardGoesBackAlone kills stet with a guard armed, and touches nothing: the
// guard's group is undone by itself, the groups before it stay.
func TestGuardGoesBackAlone(t *testing.T) {
	needRoot(t)
	for _, group := range []string{"one", "three"} {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			c := newCrashBench(t, func(text string) string {
				text = strings.ReplaceAll(text, "confirm=30s", "confirm=15s")
				sleep := "```check { name=wait }\nrun(\"touch %WAIT%; sleep 60\").ok\n```\n"
				until := "```check { name=three-holds }"
				if group == "one" {
					until = "> Second"
				}
				head, _, found := strings.Cut(text, until)
				if !found {
					t.Fatalf("the document has no %s", until)
				}
				return head + sleep
			})
			wait := filepath.Join(c.dir, "wait")
			c.original = strings.ReplaceAll(c.original, "%WAIT%", wait)
			c.write("five.md", c.original)
			want := c.before
			if group == "three" {
				c.must(0, "run", "--yes", "--only", "one,two", "--no-write", c.doc)
				want = settledState(t, c.ns)
			}
			cmd, end := c.start(nil, "run", "--yes", c.doc)
			await(t, wait)
			if group == "three" && !strings.Contains(ip(t, "-n", c.ns, "route"), "198.51.100.0/24") {
				t.Error("the routes were not made")
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			end()
			c.inspect()
			now := ""
			for deadline := time.Now().Add(patience); now != want && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
				now = state(t, c.ns)
			}
			if diff := cmp.Diff(want, now); diff != "" {
				t.Errorf("the guard did not go back (-want +got):\n%s", diff)
			}
			// It says so a moment later.
			until(t, "status says that it did", func() bool {
				o := c.must(0, "status", c.doc)
				return strings.HasPrefix(o.stdout, "unfinished") && strings.Contains(o.stdout, "reverted")
			})
			c.must(0, "rollback", "--yes", c.doc)
			if group == "three" {
				c.must(0, "rollback", "--yes", c.doc, "--run", c.first())
			}
			c.isBefore()
		})
	}
}

// first is the earliest operation's run.
func (c *crashBench) first() string {
	c.t.Helper()
	dirs, err := journal.ListAll(filepath.Join(c.dir, "state", "stet"))
	if err != nil || len(dirs) == 0 {
		c.t.Fatalf("no journal: %v", err)
	}
	return filepath.Base(dirs[len(dirs)-1])
}

// TestCommandOutlivesStet kills stet while a command runs that would make links
// as soon as it may, and undoes it at once, or leaves that to its guard. Then it
// may: the links must not come.
func TestCommandOutlivesStet(t *testing.T) {
	for _, then := range []string{"rollback", "resume", "guard"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			ns := netns(t, "late")
			wait, may, confirm := filepath.Join(b.dir, "wait"), filepath.Join(b.dir, "may"), ""
			if then == "guard" {
				confirm = " confirm=15s"
			}
			// Should they live on, they wait for no longer than the bench is there.
			later := "while ! test -e " + may + "; do test -e " + wait + " || exit; sleep 0.1; done; ip link add "
			doc := b.write("late.md", "---\ntargets: {box: netns://"+ns+"}\n---\n\n```sh { run name=late timeout=5m"+confirm+" }\n"+
				"if test -e "+wait+"; then exit 0; fi\ntouch "+wait+"\n(setsid sh -c '"+later+"late1 type bridge') &\n"+later+"late0 type bridge\n```\n\n"+
				"```rollback\nfor l in late0 late1; do ! ip link show $l >/dev/null 2>&1 || ip link delete $l; done\n```\n")
			before := settledState(t, ns)
			cmd, end := b.start(nil, "run", "--yes", doc)
			await(t, wait)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if o := end(); o.code != 137 {
				t.Fatal(o)
			}
			if then == "guard" {
				until(t, "the guard goes back", func() bool { return strings.Contains(b.run("status", doc).stdout, "reverted    late on box") })
			} else if o := b.must(0, then, "--yes", doc); !strings.Contains(o.stdout, "still running") {
				t.Errorf("it does not say so: %v", o)
			}
			if left := command(t, "ps", "-eo", "args"); strings.Contains(left, may) {
				t.Errorf("processes are left:\n%s", left)
			}
			b.write("may", "")
			time.Sleep(time.Second) // what lives on looks ten times
			if diff := notAsBefore(t, before, ns); diff != "" {
				t.Errorf("the command went on:\n%s", diff)
			}
			b.must(0, "rollback", "--yes", doc)
		})
	}
}

// TestCrashAtRandom kills stet at 200 random moments.
func TestCrashAtRandom(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("takes minutes")
	}
	whole, _, confirmed := undisturbed(t, 0, unchanged)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, an undisturbed run takes %s", seed, whole)
	random := rand.New(rand.NewPCG(seed, 0))
	var killed atomic.Int64
	var mu sync.Mutex // of whole: the moments lie within the shortest run so far
	t.Run("kill", func(t *testing.T) {
		for i := range 200 {
			part := random.Float64()
			then := []string{"resume", "rollback"}[i%2]
			t.Run(fmt.Sprintf("%d-%.3f-%s", i, part, then), func(t *testing.T) {
				t.Parallel()
				c := newCrashBench(t, unchanged)
				start := time.Now()
				cmd, wait := c.start(nil, "run", "--yes", c.doc)
				ended := make(chan int, 1)
				go func() {
					defer close(ended)
					code := wait().code
					if code == 0 {
						mu.Lock()
						whole = min(whole, time.Since(start))
						mu.Unlock()
					}
					ended <- code
				}()
				mu.Lock()
				moment := time.Duration(part * float64(whole))
				mu.Unlock()
				time.Sleep(moment)
				if err := cmd.Process.Signal(os.Kill); err != nil {
					t.Logf("it had ended: %v", err)
				}
				if <-ended == 137 {
					killed.Add(1)
				}
				c.finish(then, confirmed)
			})
		}
	})
	t.Logf("killed %d of 200 while they ran", killed.Load())
	if killed.Load() < 100 {
		t.Errorf("most of the 200 must be killed while they run, not %d", killed.Load())
	}
}
