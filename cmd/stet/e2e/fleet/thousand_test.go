//go:build linux

package fleet

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"stet/executors"
)

const thousand = 1000

// maxMemory is what a test lets stet hold for a thousand hosts, outputs not
// counted, on a machine with other work: there the collector comes late.
// BenchmarkThousandHosts compares it with what is wanted.
const maxMemory = 80 << 20

// TestThousandHosts: a thousand hosts take little memory, one login each, and
// every one of them is locked and given back.
func TestThousandHosts(t *testing.T) {
	f := newFleet(t, thousand)
	s := f.server()
	c := f.run(f.document(hostname))
	t.Logf("%v, %v of processor time, %d MiB", c.wall.Round(time.Millisecond), c.cpu.Round(time.Millisecond), c.memory>>20)
	if c.memory > maxMemory {
		t.Errorf("%d MiB, more than %d", c.memory>>20, maxMemory>>20)
	}
	if n := int(s.logins.Load()); n != thousand {
		t.Errorf("%d logins", n)
	}
	s.each(func(m *machine) {
		if m.runs != 1 || m.locked != 1 || m.lock != "" {
			t.Errorf("%s: %d commands, locked %d times, held by %q", m.address, m.runs, m.locked, m.lock)
		}
	})
	if text := f.read("doc.md"); !strings.Contains(text, "**Done.** 1,000 commands run.") {
		t.Errorf("not all hosts did it:\n%.2000s", text)
	}
	if n := strings.Count(c.out, "\n"); n > 60 {
		t.Errorf("%d lines of progress for one step", n)
	}
}

// guarded is a change that never comes to its end, with a way back.
const guarded = "```sh { run name=change parallel=1000 timeout=5m confirm=10m }\nwait-for-ever\n```\n\n```rollback\ntrue\n```\n"

// maxInterrupt is how long a run may go on after Ctrl-C.
const maxInterrupt = 5 * time.Second

// TestInterrupt: Ctrl-C in the middle of a change on a thousand hosts ends
// within seconds. Once, everything is taken back; twice, the guards are left,
// which go back by themselves.
func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name  string
		times int
	}{{"once", 1}, {"twice", 2}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFleet(t, thousand)
			s := f.server()
			cmd := f.command(f.stet, "run", "--yes", f.document(guarded))
			var out said
			cmd.Stdout, cmd.Stderr = &out, &out
			start := time.Now()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			running := func() (n int) {
				s.each(func(m *machine) { n += m.running })
				return n
			}
			for deadline := time.Now().Add(time.Minute); running() < thousand; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					_ = cmd.Process.Kill()
					_ = cmd.Wait()
					t.Fatalf("only %d hosts got to it: %.2000s", running(), out.String())
				}
			}
			if got := s.count(t)[executors.Armed]; got != thousand {
				t.Errorf("%d guards are armed", got)
			}
			interrupted := time.Now()
			for range c.times {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
				// Two are one to who has not taken the first yet.
				for deadline := time.Now().Add(time.Minute); !strings.Contains(out.String(), "interrupted by SIGINT"); time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						_ = cmd.Process.Kill()
						_ = cmd.Wait()
						t.Fatalf("it does not take Ctrl-C: %.2000s", out.String())
					}
				}
			}
			err := cmd.Wait()
			took := time.Since(interrupted)
			if spent := f.spent(cmd, start, err, &out.text); spent.code != 130 {
				t.Errorf("exit %d: %.2000s", spent.code, out.String())
			}
			t.Logf("it ended after %v", took.Round(time.Millisecond))
			if took > maxInterrupt*patience {
				t.Errorf("it took %v to end", took)
			}
			want := executors.Reverted
			if c.times > 1 {
				want = executors.Armed
			}
			if got := s.count(t); got[want] != thousand {
				t.Errorf("guards: %v, want all %s", got, want)
			}
		})
	}
}

// said is what a process says, read while it does.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// patience is how much slower than its limit a machine with other work may be
// before a test fails; the benchmarks tell the figures.
const patience = 2
