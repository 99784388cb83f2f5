package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/journal"
)

// newFleet is a bench of n hosts h1 to hN, all of them in the group fleet.
func newFleet(t testing.TB, n int, body string) *bench {
	t.Helper()
	var targets, members strings.Builder
	for i := range n {
		fmt.Fprintf(&targets, "  h%d: netns://h%d\n", i+1, i+1)
		fmt.Fprintf(&members, "h%d,", i+1)
	}
	b := newBench(t, "---\ntitle: Fleet\ntargets:\n"+targets.String()+"  fleet: ["+strings.TrimSuffix(members.String(), ",")+"]\ndefaults: {on: fleet, timeout: 20s}\n---\n\n# Fleet\n\n"+body)
	clear(b.hosts)
	for i := range n {
		name := fmt.Sprintf("h%d", i+1)
		b.hosts[name] = newHost(name, initial())
	}
	return b
}

// refuse makes a host fail a kind of call.
func (h *host) refuse(call string) {
	h.fail = func(c string) error {
		if c == call {
			return errors.New("planted")
		}
		return nil
	}
}

func fleetMTU(attrs string) string {
	return "```netconfig { name=mtu " + attrs + " }\ninterfaces:\n  - name: eth0\n    mtu: 1400\n```\n\n"
}

const proof = "```check { name=proof }\nlink(\"eth0\").mtu == 1400\n```\n\n"

// statuses are those of a step by its targets, the same ones in a row once.
func statuses(op *runbook.Operation, step string) string {
	var out []string
	for _, o := range op.Outcomes {
		if o.Step != step {
			continue
		}
		s := string(o.Status)
		if o.Wave > 0 {
			s = fmt.Sprintf("%d:%s", o.Wave, s)
		}
		if len(out) > 0 {
			if last, n, _ := strings.Cut(out[len(out)-1], "*"); last == s {
				count := 1
				_, _ = fmt.Sscan(n, &count)
				out[len(out)-1] = fmt.Sprintf("%s*%d", s, count+1)
				continue
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func (b *bench) untouched(from, to int) {
	b.t.Helper()
	for i := from; i <= to; i++ {
		sameState(b.t, initial(), b.hosts[fmt.Sprintf("h%d", i)].m.State())
	}
}

func (b *bench) touched(from, to int) {
	b.t.Helper()
	for i := from; i <= to; i++ {
		if got := link(b.hosts[fmt.Sprintf("h%d", i)].m.State(), "eth0").Attrs["mtu"]; got != "1400" {
			b.t.Errorf("the MTU on h%d is %s", i, got)
		}
	}
}

func TestWaveFails(t *testing.T) {
	for _, parallel := range []string{"", " parallel=8", " confirm=60s", " parallel=8 confirm=60s"} {
		t.Run(parallel, func(t *testing.T) {
			b := newFleet(t, 20, pre+fleetMTU("batch=1,3,rest"+parallel)+proof)
			b.hosts["h3"].refuse("apply")
			var mu sync.Mutex
			applied := map[string]int{}
			for name, h := range b.hosts {
				if name == "h3" {
					continue
				}
				h.fail = func(call string) error {
					mu.Lock()
					defer mu.Unlock()
					if call == "apply" {
						applied[name]++
					}
					return nil
				}
			}
			op, err := b.run()
			if !errors.Is(err, ErrRolledBack) || op.Status != runbook.RolledBack {
				t.Fatalf("%v %s", err, op.Status)
			}
			b.check()
			b.untouched(1, 20)
			mu.Lock()
			for i := 5; i <= 20; i++ {
				if n := applied[fmt.Sprintf("h%d", i)]; n > 0 {
					t.Errorf("h%d was changed %d times", i, n)
				}
			}
			if applied["h1"] != 1 || applied["h2"] != 1 {
				t.Errorf("%v", applied)
			}
			mu.Unlock()
			got := statuses(op, "mtu")
			if !strings.HasPrefix(got, "1:rolled-back 2:rolled-back*") || !strings.HasSuffix(got, " 3:skipped*16") {
				t.Error(got)
			}
			if o := outcome(t, op, "mtu", "h20"); o.Error != "never touched: wave 3 was not begun" {
				t.Errorf("%q", o.Error)
			}
			for _, want := range []string{"Wave 2 of 3 of mtu failed on 1 of 3 targets (h3). Wave 3 was not begun: 16 targets were never touched (h5–h20).", "Waves 1 and 2 of mtu were rolled back"} {
				if !strings.Contains(strings.Join(op.Notes, "\n"), want) {
					t.Errorf("no note %q in %q", want, op.Notes)
				}
			}
			if n := b.heard(runbook.EventConfirm); n != 1 {
				t.Errorf("%d waves were confirmed", n)
			}
		})
	}
}

func TestWavesSucceed(t *testing.T) {
	b := newFleet(t, 10, pre+fleetMTU("batch=1,30% parallel=4 confirm=60s")+proof)
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	b.check()
	b.touched(1, 10)
	if got := statuses(op, "mtu"); got != "1:ok 2:ok*3 3:ok*3 4:ok*3" {
		t.Error(got)
	}
	for _, o := range op.Outcomes {
		if o.Step == "mtu" && (o.Confirmed.IsZero() || o.Guard == nil || o.Guard.Phase != executors.Confirmed) {
			t.Errorf("%s is not confirmed", o.Target)
		}
	}
	if op, err = Rollback(context.Background(), b.doc(), b.o); err != nil || op.Status != runbook.RolledBack {
		t.Fatal(err)
	}
	b.untouched(1, 10)
}

// A wave's own checks run before the next wave's change.
func TestWavesProveFirst(t *testing.T) {
	b := newFleet(t, 4, fleetMTU("batch=1,rest")+"```check { name=proof }\nlink(\"eth0\").mtu == (target.name == \"h1\" ? 1500 : 1400)\n```\n\n")
	op, err := b.run()
	if !errors.Is(err, ErrRolledBack) {
		t.Fatal(err)
	}
	b.untouched(1, 4)
	if got := statuses(op, "mtu") + ", " + statuses(op, "proof"); got != "1:rolled-back 2:skipped*3, 1:failed 2:skipped*3" {
		t.Error(got)
	}
}

func TestMaxFailures(t *testing.T) {
	then := "```sh { run name=after }\ntrue\n```\n\n```rollback\ntrue\n```\n"
	for _, tt := range []struct {
		attrs, mtu, proof, after string
		status                   runbook.Status
		touched                  bool
	}{
		{"max-failures=1 parallel=5", "ok*2 rolled-back ok*3 rolled-back ok*3", "", "", runbook.RolledBack, false},
		{"max-failures=2", "ok*2 rolled-back ok*3 rolled-back ok*3", "ok*2 skipped ok*3 failed ok*3", "ok*2 skipped ok*3 skipped ok*3", runbook.Failed, true},
		{"max-failures=20% parallel=5", "ok*2 rolled-back ok*3 rolled-back ok*3", "ok*2 skipped ok*3 failed ok*3", "ok*2 skipped ok*3 skipped ok*3", runbook.Failed, true},
		{"max-failures=2 batch=4,rest parallel=2", "1:ok*2 1:rolled-back 1:ok 2:ok*2 2:rolled-back 2:ok*3", "1:ok*2 1:skipped 1:ok 2:ok*2 2:failed 2:ok*3", "ok*2 skipped ok*3 skipped ok*3", runbook.Failed, true},
	} {
		t.Run(tt.attrs, func(t *testing.T) {
			b := newFleet(t, 10, pre+fleetMTU(tt.attrs)+"```check { name=proof }\nlink(\"eth0\").mtu == 1400\ntarget.name != \"h7\"\n```\n\n"+then)
			b.hosts["h3"].refuse("apply")
			op, err := b.run()
			if op == nil || op.Status != tt.status || err == nil {
				t.Fatalf("%v %+v", err, op)
			}
			b.check()
			b.untouched(3, 3)
			b.untouched(7, 7)
			if !tt.touched {
				b.untouched(1, 10)
				return
			}
			b.touched(1, 2)
			b.touched(8, 10)
			for step, want := range map[string]string{"mtu": tt.mtu, "proof": tt.proof, "after": tt.after} {
				if d := cmp.Diff(want, statuses(op, step)); d != "" {
					t.Errorf("%s: %s", step, d)
				}
			}
			if o := outcome(t, op, "after", "h3"); o.Error != "left out after mtu failed on it" {
				t.Errorf("%q", o.Error)
			}
			if !strings.Contains(strings.Join(op.Notes, "\n"), "which the operation goes on without (max-failures=") {
				t.Errorf("%q", op.Notes)
			}
			again, err := Load(journalDir(t, b))
			if err != nil || again.Status != op.Status || len(again.Outcomes) != len(op.Outcomes) {
				t.Errorf("the journal says otherwise: %v", err)
			}
		})
	}
}

// A host that cannot be led back is more than a failure that may be.
func TestLeftOutMustGoBack(t *testing.T) {
	b := newFleet(t, 4, fleetMTU("max-failures=3")+"```check { name=proof }\ntarget.name != \"h2\"\n```\n\n")
	b.hosts["h2"].refuse("undo")
	op, err := b.run()
	if !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}
	b.untouched(3, 4)
	if outcome(t, op, "mtu", "h2").Status != runbook.Incomplete {
		t.Error(statuses(op, "mtu"))
	}
}

// So many as are allowed run at once, never more, and a slow one holds back
// nobody's output.
func TestParallel(t *testing.T) {
	others := filepath.Join(t.TempDir(), "others")
	b := newFleet(t, 12, "```sh { run name=say parallel=4 timeout=3m }\nwhile test \"$STET_TARGET\" = h1 -a ! -e "+others+"; do sleep 0.05; done\necho said-$STET_TARGET\n```\n\n```rollback\ntrue\n```\n")
	sink := b.o.Sink
	var heard atomic.Int32
	b.o.Sink = func(e runbook.Event) {
		sink(e)
		if e.Kind != runbook.EventOutput {
			return
		}
		if heard.Add(1) == 11 { // of the others: h1 waits for this
			if err := os.WriteFile(others, nil, 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	var mu sync.Mutex
	now, most := 0, 0
	full := make(chan struct{}) // closed when four run at once
	for _, h := range b.hosts {
		h.fail = func(call string) error {
			if call != "run" {
				return nil
			}
			mu.Lock()
			now++
			most = max(most, now)
			if now == 4 && most == 4 {
				select {
				case <-full:
				default:
					close(full)
				}
			}
			mu.Unlock()
			select {
			case <-full:
			case <-time.After(time.Minute):
			}
			time.Sleep(30 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			return nil
		}
	}
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	if most != 4 {
		t.Errorf("%d at once", most)
	}
	if got := statuses(op, "say"); got != "ok*12" {
		t.Error(got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var said []string
	for _, e := range b.events {
		if e.Kind == runbook.EventOutput {
			said = append(said, e.Target)
		}
	}
	if len(said) != 12 || said[0] == "h1" || said[len(said)-1] != "h1" {
		t.Errorf("h1 waits, and its output is not the last: %v", said)
	}
}

// An operation in waves dies at every record, and is taken up again: a
// confirmed wave stays, the rest is done, or all of it is undone.
func TestCrashInWaves(t *testing.T) {
	for _, attrs := range []string{"batch=1,2,rest", "batch=1,2,rest confirm=60s", "batch=2,rest parallel=3 confirm=60s", "max-failures=1 batch=2,rest confirm=60s"} {
		for _, then := range []string{"resume", "rollback", "expire and resume"} {
			t.Run(attrs+"/"+then, func(t *testing.T) {
				t.Parallel()
				step := 13 // each way sees a sample
				if then == "resume" && !testing.Short() {
					step = 5
				}
				for i, phase := range []string{"torn", "after"} {
					for at := 1 + i*2; crashInWaves(t, attrs, then, phase, at); at += step {
						if at > 200 {
							t.Fatal("it never ends")
						}
					}
				}
			})
		}
	}
}

func crashInWaves(t *testing.T, attrs, then, phase string, at int) (died bool) {
	t.Helper()
	b := newFleet(t, 5, pre+fleetMTU(attrs)+proof+"```netconfig { name=forward }\nsysctl:\n  net.ipv4.ip_forward: 1\n```\n")
	leftOut := strings.Contains(attrs, "max-failures")
	if leftOut {
		b.hosts["h4"].refuse("apply")
	}
	d := b.doc()
	p := b.plan(d)
	died, err := b.crashing(phase, at, func() error { _, err := Run(context.Background(), d, p, b.o); return err })
	b.check()
	if !died {
		if at < 20 || (err != nil) != leftOut {
			t.Fatalf("only %d records: %v", at, err)
		}
		return false
	}
	if strings.HasPrefix(then, "expire") {
		for _, h := range b.hosts {
			h.expire()
		}
	}
	where := fmt.Sprintf("%s record %d, then %s", phase, at, then)
	b.mu.Lock()
	b.events = nil
	b.mu.Unlock()
	if then == "rollback" {
		op, err := Rollback(context.Background(), b.doc(), b.o)
		if err != nil && !errors.Is(err, ErrNothing) {
			t.Errorf("%s: %v", where, err)
		}
		if op != nil {
			b.untouched(1, 5)
		}
		b.check()
		return true
	}
	op, err := Resume(context.Background(), b.doc(), b.o)
	b.check()
	if errors.Is(err, ErrNothing) {
		return true // before the first record, or after the last
	}
	if op == nil || (err != nil) != leftOut {
		t.Errorf("%s: %v", where, err)
		return true
	}
	for i := 1; i <= 5; i++ {
		s := b.hosts[fmt.Sprintf("h%d", i)].m.State()
		if leftOut && i == 4 {
			sameState(t, initial(), s)
			continue
		}
		if link(s, "eth0").Attrs["mtu"] != "1400" || s.Sysctls["net.ipv4.ip_forward"] != "1" {
			t.Errorf("%s: h%d is not done:\n%s", where, i, netstate.Text(netstate.Diff(initial(), s)))
		}
	}
	if again, err := Load(journalDir(t, b)); err != nil || again.Status != op.Status || len(again.Outcomes) != len(op.Outcomes) {
		t.Errorf("%s: the journal says otherwise: %v", where, err)
	}
	b.twice(where)
	return true
}

// twice finds a target on which a step was done although it was confirmed
// there before.
func (b *bench) twice(where string) {
	b.t.Helper()
	log, err := journal.Replay(journalDir(b.t, b))
	if err != nil {
		b.t.Fatal(err)
	}
	h := newHistory()
	for _, r := range log.Records {
		data, err := decode(r)
		if err != nil {
			b.t.Fatal(err)
		}
		if in, ok := data.(*intentData); ok && in.Kind == runbook.Netconfig {
			if a := h.act(place{in.Step, in.Target}); a != nil && a.confirmed && !a.undone {
				b.t.Errorf("%s: %s was done again on %s, where it was confirmed", where, in.Step, in.Target)
			}
		}
		if err := h.take(r.Kind, data, r.Time); err != nil {
			b.t.Fatal(err)
		}
	}
}

// What the operator confirmed on some hosts while stet was not running stays
// there; the others are done again.
func TestConfirmedElsewhereInPart(t *testing.T) {
	b := newFleet(t, 3, fleetMTU("confirm=60s")+proof)
	d := b.doc()
	p := b.plan(d)
	n := 0
	died, _ := b.crashing("after", 1, func() error { _, err := Run(context.Background(), d, p, b.o); return err })
	for at := 2; died && len(b.hosts["h2"].guards) == 0; at++ {
		b = newFleet(t, 3, fleetMTU("confirm=60s")+proof)
		d = b.doc()
		p = b.plan(d)
		died, _ = b.crashing("after", at, func() error { _, err := Run(context.Background(), d, p, b.o); return err })
		n = at
	}
	if !died || n < 3 {
		t.Fatalf("it died at %d", n)
	}
	if err := (&session{b.hosts["h1"], executors.Target{}}).Confirm(context.Background(), b.hosts["h1"].guards[0].ID); err != nil {
		t.Fatal(err)
	}
	op, err := Resume(context.Background(), b.doc(), b.o)
	if err != nil {
		t.Fatal(err)
	}
	b.check()
	b.touched(1, 3)
	b.twice("")
	if !strings.Contains(strings.Join(op.Notes, "\n"), "mtu was confirmed on h1 by the operator") || len(b.hosts["h1"].guards) != 1 {
		t.Errorf("%q", op.Notes)
	}
}

// A command on a thousand hosts: what that costs the operator's machine.
func BenchmarkThousandHosts(b *testing.B) {
	for b.Loop() {
		f := newFleet(b, 1000, "```check { name=look parallel=50 }\nlink(\"eth0\").up\n```\n\n"+fleetMTU("parallel=50"))
		f.prose = bytes.ReplaceAll(f.prose, []byte("netns://"), []byte("ssh://"))
		if err := os.WriteFile(f.path, f.prose, 0o600); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		op, err := f.run()
		if err != nil || op.Status != runbook.OK {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s/run")
	}
}

// Ctrl-C while several targets run: what runs is ended, nothing more is begun,
// and what was done is undone.
func TestInterruptedAtOnce(t *testing.T) {
	flags := t.TempDir()
	b := newFleet(t, 8, fleetMTU("parallel=4")+"```sh { run name=wait parallel=4 }\ntouch "+flags+"/$STET_TARGET\nsleep 60\n```\n\n```rollback\nrm "+flags+"/$STET_TARGET\n```\n")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d := b.doc()
	p := b.plan(d)
	done := make(chan error, 1)
	go func() { _, err := Run(ctx, d, p, b.o); done <- err }()
	here := func() int {
		entries, err := os.ReadDir(flags)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	for here() < 4 {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	b.check()
	b.untouched(1, 8)
	if n := here(); n != 0 {
		t.Errorf("%d commands are not undone", n)
	}
	op, err := Load(journalDir(t, b))
	if err != nil || statuses(op, "wait") != "rolled-back*4 skipped*4" {
		t.Errorf("%v %s", err, statuses(op, "wait"))
	}
}

// The operator's word reaches all hosts that can be reached.
func TestConfirmReachesOthers(t *testing.T) {
	b := newFleet(t, 3, fleetMTU("confirm=manual,60s parallel=3"))
	d := b.doc()
	p := b.plan(d)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { _, err := Run(ctx, d, p, b.o); done <- err }()
	for b.heard(runbook.EventGuard) < 4 {
		time.Sleep(5 * time.Millisecond)
	}
	o := b.o
	open := o.Open
	o.Open = func(ctx context.Context, t executors.Target) (executors.Session, error) {
		if t.Name == "h2" {
			return nil, errors.New("unreachable")
		}
		return open(ctx, t)
	}
	confirmed, err := Confirm(context.Background(), b.doc(), o)
	if err == nil || !strings.Contains(err.Error(), "asking h2") || len(confirmed) != 2 {
		t.Errorf("%v %v", err, confirmed)
	}
	if _, err := Confirm(context.Background(), b.doc(), b.o); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.touched(1, 3)
}
