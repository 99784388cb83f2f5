package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/journal"
)

// crash is what a process dies of in these tests.
type crash struct{ at int }

// mortal is a chain that kills its operation at a record: before it is
// written, torn, or right after it.
type mortal struct {
	chain
	mu    sync.Mutex
	x     *operation
	n     int
	at    int
	phase string
	dead  bool
}

func (m *mortal) Append(kind journal.Kind, data any) error {
	return m.record(m.chain.Append, kind, data)
}

func (m *mortal) Write(kind journal.Kind, data any) error {
	return m.record(m.chain.Write, kind, data)
}

func (m *mortal) record(write func(journal.Kind, any) error, kind journal.Kind, data any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errors.New("dead")
	}
	m.n++
	if m.n == m.at && m.phase == "before" {
		m.die()
	}
	err := write(kind, data)
	if m.n == m.at {
		if m.phase == "torn" {
			m.tear()
		}
		m.die()
	}
	return err
}

func (m *mortal) die() { m.dead = true; panic(crash{m.n}) }

// tear leaves half of the last record on disk.
func (m *mortal) tear() {
	path := filepath.Join(m.Dir(), journal.File)
	raw, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	last := strings.LastIndexByte(strings.TrimSuffix(string(raw), "\n"), '\n') + 1
	if err := os.Truncate(path, int64(last+(len(raw)-last)/2)); err != nil {
		panic(err)
	}
}

// crashing runs f until it dies, and then does what the kernel does for a dead
// process: its locks are gone, its goroutines too. It reports whether it died.
func (b *bench) crashing(phase string, at int, f func() error) (died bool, err error) {
	var m *mortal
	b.o.wrap = func(x *operation, c chain) chain {
		m = &mortal{chain: c, x: x, at: at, phase: phase}
		return m
	}
	defer func() {
		b.o.wrap = nil
		r := recover()
		if r == nil {
			return
		}
		if _, ok := r.(crash); !ok {
			panic(r)
		}
		died = true
		if w := m.x.writer; w != nil {
			w.mu.Lock()
			w.pending, w.touched = nil, false
			w.mu.Unlock()
			m.x.mu.TryLock() // held by the record that died, or not
			m.x.mu.Unlock()
			select {
			case <-w.ended:
			default:
				close(w.quit)
				<-w.ended
			}
		}
		if m.x.release != nil {
			_ = m.x.release()
		}
		_ = m.Close()
		for _, h := range b.hosts {
			h.holder = nil
		}
	}()
	return false, f()
}

// fiveBody is an operation of five groups: two with guards on one and on two
// hosts, a command that can be undone, one without a guard, and one that ends
// as end says.
func fiveBody(flag, end string) string {
	return pre +
		"```snapshot { name=facts }\nlinks\n```\n\n" +
		"```netconfig { name=g1 confirm=60s }\ninterfaces:\n  - name: eth0\n    mtu: 1400\n```\n\n" +
		"```check { name=after1 }\nlink(\"eth0\").mtu == 1400\n```\n\n" +
		"```netconfig { name=g2 on=r1,r2 confirm=60s }\ninterfaces:\n  - name: br0\n    type: linux-bridge\n" +
		"    state: up\n    mtu: 1500\n    bridge:\n      port:\n        - name: eth1\n```\n\n" +
		"```sh { run name=g3 register=said }\ntouch " + flag + "\necho hello\n```\n\n" +
		"```rollback\nrm -f " + flag + "\n```\n\n" +
		"```netconfig { name=g4 }\nsysctl:\n  net.ipv4.ip_forward: 1\n```\n\n" +
		"```netconfig { name=g5 on=r1,r2 confirm=60s }\ninterfaces:\n  - name: br0\n    type: linux-bridge\n    mtu: 1300\n```\n\n" + end
}

// done is the state that the five groups lead to.
func (b *bench) done() bool {
	one, two := b.hosts["r1"].m.State(), b.hosts["r2"].m.State()
	br1, br2 := link(one, "br0"), link(two, "br0")
	return br1 != nil && br2 != nil && br1.Attrs["mtu"] == "1300" && link(one, "eth0").Attrs["mtu"] == "1400" &&
		one.Sysctls["net.ipv4.ip_forward"] == "1"
}

func (b *bench) before(flag string) bool {
	_, err := os.Stat(flag)
	return os.IsNotExist(err) && netstate.Diff(initial(), b.hosts["r1"].m.State()).Empty() && netstate.Diff(initial(), b.hosts["r2"].m.State()).Empty()
}

// An operation dies at every record of its journal, in three ways; then it is
// resumed, or rolled back. Each time the prose is untouched, the journal
// replays, and the state is the one before or the confirmed one.
func TestCrashEverywhere(t *testing.T) {
	for _, end := range []string{"", fails} {
		for _, then := range []string{"resume", "rollback", "expire and resume", "expire and rollback"} {
			t.Run(fmt.Sprintf("fails=%t/%s", end != "", then), func(t *testing.T) {
				t.Parallel()
				step := 4 // each way sees a sample, one of them everything
				if end == "" && then == "resume" && !testing.Short() {
					step = 1
				}
				for i, phase := range []string{"before", "torn", "after"} {
					for at := 1 + i*step/3; crashAt(t, end, then, phase, at); at += step {
						if at > 200 {
							t.Fatal("it never ends")
						}
					}
				}
			})
		}
	}
}

func crashAt(t *testing.T, end, then, phase string, at int) (died bool) {
	t.Helper()
	flag := filepath.Join(t.TempDir(), "flag")
	b := newBench(t, fiveBody(flag, end))
	d := b.doc()
	p := b.plan(d)
	died, err := b.crashing(phase, at, func() error {
		_, err := Run(context.Background(), d, p, b.o)
		return err
	})
	b.check()
	if !died {
		if at < 20 {
			t.Fatalf("only %d records", at)
		}
		if end == "" && (err != nil || !b.done()) || end != "" && (!errors.Is(err, ErrRolledBack) || !b.before(flag)) {
			t.Fatalf("without a crash: %v", err)
		}
		return false
	}
	if strings.HasPrefix(then, "expire") {
		for _, h := range b.hosts {
			h.expire()
		}
	}
	var op *runbook.Operation
	if strings.HasSuffix(then, "rollback") {
		op, err = Rollback(context.Background(), b.doc(), b.o)
	} else {
		op, err = Resume(context.Background(), b.doc(), b.o)
	}
	b.check()
	where := fmt.Sprintf("%s record %d, then %s", phase, at, then)
	switch {
	case errors.Is(err, ErrNothing):
		if !b.before(flag) && !b.done() {
			t.Errorf("%s: nothing to do, and the state is neither", where)
		}
	case op == nil:
		t.Errorf("%s: %v", where, err)
	case strings.HasSuffix(then, "rollback"):
		if err != nil || op.Status != runbook.RolledBack || !b.before(flag) {
			t.Errorf("%s: %v %s, before %t", where, err, op.Status, b.before(flag))
		}
	case end == "":
		if err != nil || op.Status != runbook.OK || !b.done() {
			t.Errorf("%s: %v %s, done %t", where, err, op.Status, b.done())
		}
	default:
		if !errors.Is(err, ErrRolledBack) || !b.before(flag) {
			t.Errorf("%s: %v, before %t", where, err, b.before(flag))
		}
	}
	if op != nil {
		if again, err := Load(journalDir(t, b)); err != nil || again.Status != op.Status || len(again.Outcomes) != len(op.Outcomes) {
			t.Errorf("%s: the journal says otherwise: %v", where, err)
		}
	}
	if _, err := Resume(context.Background(), b.doc(), b.o); !errors.Is(err, ErrNothing) && op != nil {
		t.Errorf("%s: resuming again: %v", where, err)
	}
	return true
}

func journalDir(t testing.TB, b *bench) string {
	t.Helper()
	dirs, err := journal.List(b.state, b.path)
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no journal: %v", err)
	}
	return dirs[0]
}

// A process that dies while it resumes, or rolls back, is taken up again.
func TestCrashWhileRecovering(t *testing.T) {
	for _, then := range []string{"resume", "rollback"} {
		for at := 1; ; at++ {
			flag := filepath.Join(t.TempDir(), "flag")
			b := newBench(t, fiveBody(flag, ""))
			d := b.doc()
			p := b.plan(d)
			if died, _ := b.crashing("after", 22, func() error { _, err := Run(context.Background(), d, p, b.o); return err }); !died {
				t.Fatal("it did not die")
			}
			recover := func() error {
				if then == "resume" {
					_, err := Resume(context.Background(), b.doc(), b.o)
					return err
				}
				_, err := Rollback(context.Background(), b.doc(), b.o)
				return err
			}
			died, err := b.crashing("after", at, recover)
			if !died {
				if err != nil || at < 5 {
					t.Fatalf("%s at %d: %v", then, at, err)
				}
				break
			}
			if err := recover(); err != nil && !errors.Is(err, ErrNothing) {
				t.Errorf("%s died at %d, again: %v", then, at, err)
			}
			b.check()
			if then == "resume" && !b.done() || then == "rollback" && !b.before(flag) {
				t.Errorf("%s died at %d: the state is neither", then, at)
			}
		}
	}
}

// full is a chain on a disk that fills up at a record.
type full struct {
	chain
	n, at int
}

func (f *full) Append(kind journal.Kind, data any) error {
	if f.n++; f.n >= f.at {
		return errors.New("no space left on device")
	}
	return f.chain.Append(kind, data)
}

func (f *full) Write(kind journal.Kind, data any) error {
	if f.n++; f.n >= f.at {
		return errors.New("no space left on device")
	}
	return f.chain.Write(kind, data)
}

// tardy is a chain whose disk refuses what is to be synced at a record, once: what
// was written before it and not yet synced is lost with it.
type tardy struct {
	chain
	n, at   int
	pending []journal.Unsynced
	lost    []journal.Unsynced
}

func (f *tardy) Append(kind journal.Kind, data any) error {
	if f.n++; f.n == f.at {
		f.lost, f.pending = f.pending, nil
		return errors.New("no space left on device")
	}
	f.Flush()
	return f.chain.Append(kind, data)
}

func (f *tardy) Write(kind journal.Kind, data any) error {
	f.pending = append(f.pending, journal.Unsynced{Kind: kind, Data: data})
	return nil
}

func (f *tardy) Flush() {
	for _, p := range f.pending {
		if err := f.chain.Append(p.Kind, p.Data); err != nil {
			panic(err)
		}
	}
	f.pending = nil
}

func (f *tardy) Lost() []journal.Unsynced {
	lost := f.lost
	f.lost = nil
	return lost
}

// What a disk refuses that had been written before, without anybody waiting for it,
// is in the journal all the same once that can be written again, and once only.
func TestJournalLosesWhatWasWritten(t *testing.T) {
	const body = "```sh { run name=one }\ntrue\n```\n\n```sh { run name=two }\ntrue\n```\n\n```sh { run name=three }\ntrue\n```\n"
	lost := 0
	for at := 1; ; at++ {
		b := newBench(t, body)
		var f *tardy
		b.o.wrap = func(_ *operation, c chain) chain { f = &tardy{chain: c, at: at}; return f }
		d := b.doc()
		op, err := Run(context.Background(), d, b.plan(d), b.o)
		if f.n < at {
			if err != nil || lost < 3 {
				t.Fatalf("at %d: %v; %d were lost", at, err, lost)
			}
			return
		}
		if op == nil {
			continue // it had not begun
		}
		again, lerr := Load(journalDir(t, b))
		if lerr != nil {
			t.Fatal(lerr)
		}
		if len(again.Outcomes) != len(op.Outcomes) {
			t.Errorf("at %d: %d outcomes, and %d in the journal", at, len(op.Outcomes), len(again.Outcomes))
		}
		for i, o := range again.Outcomes {
			if o.Status != op.Outcomes[i].Status {
				t.Errorf("at %d: %s is %s, and %s in the journal", at, o.Step, op.Outcomes[i].Status, o.Status)
			}
		}
		log, lerr := journal.Replay(journalDir(t, b))
		if lerr != nil {
			t.Fatal(lerr)
		}
		seen := map[string]int{}
		for _, r := range log.Records {
			if seen[string(r.Data)]++; seen[string(r.Data)] > 1 && r.Kind == journal.Outcome {
				t.Errorf("at %d: twice: %s", at, r.Data)
			}
		}
		if len(op.Outcomes) > 1 {
			lost++
		}
	}
}

// The disk of the journal fills up at every record: nothing that could not be
// announced is done, what was done is undone, and the operator hears of it.
func TestJournalFills(t *testing.T) {
	for at := 1; ; at++ {
		flag := filepath.Join(t.TempDir(), "flag")
		b := newBench(t, fiveBody(flag, ""))
		var f *full
		b.o.wrap = func(_ *operation, c chain) chain { f = &full{chain: c, at: at}; return f }
		d := b.doc()
		op, err := Run(context.Background(), d, b.plan(d), b.o)
		b.check()
		if f.n < at {
			if err != nil || at < 20 {
				t.Fatalf("at %d: %v", at, err)
			}
			return
		}
		if op != nil && op.Status == runbook.OK { // only the end could not be written
			if !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "no space left") {
				t.Errorf("record %d: %v", at, err)
			}
			continue
		}
		if err == nil || !b.before(flag) {
			t.Fatalf("record %d: %v, before %t", at, err, b.before(flag))
		}
		if !strings.Contains(err.Error(), "no space left") && !slices.ContainsFunc(op.Notes, func(n string) bool { return strings.Contains(n, "no space left") }) {
			t.Errorf("record %d: nobody is told: %v", at, err)
		}
	}
}

// TestCrashUnderCommandThatStays: of a command without a rollback block that ran when
// stet died it is said neither that it failed, nor that it was undone.
func TestCrashUnderCommandThatStays(t *testing.T) {
	for then, want := range map[string]string{
		"rollback": "**Nothing could be rolled back.** Not undone, because there is no rollback block: `x` on `r1`.\n",
		"resume":   "- x was not confirmed when stet died; it has no rollback block, and is run again.\n",
	} {
		t.Run(then, func(t *testing.T) {
			b := newBench(t, "```sh { run name=x }\ntrue\n```\n")
			d := b.doc()
			p := b.plan(d)
			_, err := b.crashing("before", 4, func() error {
				_, err := Run(context.Background(), d, p, b.o)
				return err
			})
			dir, _, lerr := Latest(b.state, b.path)
			op, rerr := Load(dir)
			if lerr != nil || rerr != nil || outcome(t, op, "x", "r1").Status != runbook.Running {
				t.Fatalf("it did not die under the command: %v %v %v", err, lerr, rerr)
			}
			take, status := Resume, runbook.OK
			if then == "rollback" {
				take, status = Rollback, runbook.RolledBack
			}
			op, err = take(context.Background(), b.doc(), b.o)
			if err != nil || op.Status != status || !strings.Contains(b.source(), want) {
				t.Errorf("%v %s\n%s", err, op.Status, b.source())
			}
			b.check()
		})
	}
}
