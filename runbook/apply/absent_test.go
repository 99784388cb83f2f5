package apply

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/plan"
)

// gone makes a host one that cannot be reached.
func (h *host) gone() {
	h.fail = func(call string) error {
		if call == "open" {
			return &executors.Error{Code: "unreachable", Op: "connecting to " + h.name, Message: "no route to the host", Remedy: "look at it"}
		}
		return nil
	}
}

func (h *host) back() { h.fail = nil }

// left are the targets that an operation went on without, each with the step
// that allowed it.
func left(op *runbook.Operation) string {
	var out []string
	for _, l := range op.LeftOut {
		out = append(out, l.Target+":"+l.Step)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

const forward = "```netconfig { name=forward %s }\nsysctl:\n  net.ipv4.ip_forward: 1\n```\n\n"

// A host that is missing when the operation begins counts as a failure of the
// first step that would run on it, and the operation goes on without it, or
// changes nothing at all.
func TestMissing(t *testing.T) {
	defaults := func(s string) string { return strings.Replace(s, "%s", "", 1) }
	for _, c := range []struct {
		name, body string
		gone       []string
		left       string // "" with an error that says no
		says       string
	}{
		{"no allowance", pre + fleetMTU("") + proof, []string{"h2"}, "", "mtu needs h2, which cannot be used; nothing was changed: connecting to h2: no route"},
		{"allowed by the change", pre + fleetMTU("max-failures=1") + proof, []string{"h2"}, "h2:mtu", "**Failed.** Left out: `h2`. Still in place: `mtu` on `h1, h3–h6`."},
		{"one too many", pre + fleetMTU("max-failures=1") + proof, []string{"h2", "h5"}, "", "2 of the 6 targets of mtu cannot be used (h2, h5), and it may do without 1 (max-failures=1); nothing was changed"},
		{"allowed by the pre-check", preMax("max-failures=2", "h9") + fleetMTU("") + proof, []string{"h2", "h5"}, "h2:before h5:before", "| `h5` | `before` | missing from the beginning: connecting to h5"},
		{"too many for the pre-check", preMax("max-failures=1", "h9") + fleetMTU("max-failures=6") + proof, []string{"h2", "h5"}, "", "targets of before cannot be used"},
		{"a percentage", fleetMTU("max-failures=50%") + proof, []string{"h1", "h2", "h3"}, "h1:mtu h2:mtu h3:mtu", "Left out: `h1–h3`."},
		{"needed elsewhere", fleetMTU("on=h1,h2 max-failures=2") + "```check { on=h6 name=monitor }\ntrue\n```\n", []string{"h6"}, "", "monitor needs h6"},
		{"needed later", fleetMTU("on=h1,h2 max-failures=2") + defaults(forward), []string{"h6"}, "", "forward needs h6"},
		{"only a pre-check needs it", strings.Replace(pre, "name=", "on=h6 name=", 1) + fleetMTU("on=h1,h2 max-failures=2"), []string{"h6"}, "", "needs h6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newFleet(t, 6, c.body)
			for _, name := range c.gone {
				b.hosts[name].gone()
			}
			op, err := b.run()
			b.check()
			var absent *plan.AbsentError
			if c.left == "" {
				if !errors.As(err, &absent) || !strings.Contains(err.Error(), c.says) || op != nil {
					t.Errorf("%v %v", op, err)
				}
				b.untouched(1, 6)
				if got := b.source(); got != string(b.prose) {
					t.Errorf("the document was written:\n%s", got)
				}
				return
			}
			if !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "went on without") || left(op) != c.left {
				t.Fatalf("%v %v", left(op), err)
			}
			for name, h := range b.hosts {
				want := "1400"
				if slices.Contains(c.gone, name) {
					want = "1500"
				}
				if got := link(h.m.State(), "eth0").Attrs["mtu"]; got != want {
					t.Errorf("%s has %s", name, got)
				}
			}
			if text := b.source(); !strings.Contains(text, c.says) {
				t.Errorf("the document does not say %q:\n%s", c.says, text)
			}
		})
	}
}

// preMax is a pre-check that some targets may fail, and that one does.
func preMax(attrs, not string) string {
	return "```check { name=before " + attrs + " }\nlink(\"eth0\").mtu == 1500\ntarget.name != \"" + not + "\"\n```\n\n"
}

// A pre-check that does not hold on as many targets as may fail leaves them out;
// on one more, nothing is changed.
func TestPrecheckMayFail(t *testing.T) {
	b := newFleet(t, 6, preMax("max-failures=1", "h3")+fleetMTU("batch=1,rest")+proof)
	op, err := b.run()
	b.check()
	if !errors.Is(err, ErrFailed) || left(op) != "h3:before" {
		t.Fatalf("%s %v", left(op), err)
	}
	b.touched(1, 2)
	b.touched(4, 6)
	b.untouched(3, 3)
	if got := outcome(t, op, "mtu", "h3"); got.Status != runbook.Skipped || got.Error != "left out after before failed on it" {
		t.Errorf("%+v", got)
	}

	b = newFleet(t, 6, preMax("max-failures=1", "h3")+fleetMTU("max-failures=6")+proof)
	b.hosts["h5"].gone()
	op, err = b.run()
	b.check()
	if !errors.Is(err, ErrPrecheck) {
		t.Fatalf("%s %v", left(op), err)
	}
	b.untouched(1, 6)
}

// A group with the policy to go on fails before it touches anything, when it
// cannot do without what is missing; the next ones run.
func TestMissingAndContinue(t *testing.T) {
	b := newFleet(t, 4, fleetMTU("on-failure=continue")+proof+strings.Replace(forward, "%s", "max-failures=1", 1))
	b.hosts["h2"].gone()
	op, err := b.run()
	b.check()
	if !errors.Is(err, ErrFailed) || left(op) != "h2:forward" {
		t.Fatalf("%s %v", left(op), err)
	}
	for _, name := range []string{"h1", "h3", "h4"} {
		s := b.hosts[name].m.State()
		if s.Sysctls["net.ipv4.ip_forward"] != "1" || link(s, "eth0").Attrs["mtu"] != "1500" {
			t.Errorf("%s: %v", name, s.Sysctls)
		}
	}
}

// Waves are those of the hosts that are there: a canary that is missing would
// prove nothing.
func TestMissingCanary(t *testing.T) {
	b := newFleet(t, 5, fleetMTU("batch=1,rest max-failures=1")+proof)
	b.hosts["h1"].gone()
	op, err := b.run()
	if !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	if got := statuses(op, "mtu"); got != "skipped 1:ok 2:ok*3" {
		t.Error(got)
	}
}

// TestMissingCount: the hosts that are missing take from what may fail. It is said,
// where a number of failures that looks allowed ends the operation.
func TestMissingCount(t *testing.T) {
	b := newFleet(t, 5, fleetMTU("max-failures=2")+proof)
	b.hosts["h1"].gone()
	for _, name := range []string{"h2", "h4"} {
		b.hosts[name].fail = func(call string) error {
			if call == "apply" {
				return errors.New("no")
			}
			return nil
		}
	}
	op, err := b.run()
	if !errors.Is(err, ErrRolledBack) {
		t.Fatal(err)
	}
	const want = "mtu failed on h2, h4; of the 2 that may fail (max-failures=2) 1 had been left out before."
	if !slices.Contains(op.Notes, want) {
		t.Errorf("%q is not said: %q", want, op.Notes)
	}
}

// A host that is lost between the plan and the first step is left out, too.
func TestLostAfterPlan(t *testing.T) {
	b := newFleet(t, 4, pre+fleetMTU("max-failures=1")+proof)
	d := b.doc()
	p := b.plan(d)
	b.hosts["h4"].gone()
	b.o.Approve = p.Hash
	op, err := Run(context.Background(), d, p, b.o)
	b.check()
	if !errors.Is(err, ErrFailed) || left(op) != "h4:mtu" {
		t.Fatalf("%v", err)
	}
	b.touched(1, 3)

	// What was approved with all of the hosts is another plan without one.
	again := b.plan(b.doc())
	b.o.Approve = again.Hash
	b.hosts["h3"].gone()
	b.hosts["h4"].back()
	if now := b.plan(b.doc()); now.Hash == again.Hash {
		t.Error("the plans without h4 and without h3 have one hash")
	} else if _, err := Run(context.Background(), b.doc(), now, b.o); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

// After it ended, such an operation is rolled back where it changed something,
// whether the missing host is back by then or not.
func TestRollbackOfMissing(t *testing.T) {
	for _, back := range []bool{true, false} {
		b := newFleet(t, 4, pre+fleetMTU("max-failures=1")+proof)
		b.hosts["h2"].gone()
		if _, err := b.run(); !errors.Is(err, ErrFailed) {
			t.Fatal(err)
		}
		if back {
			b.hosts["h2"].back()
		}
		op, err := Rollback(context.Background(), b.doc(), b.o)
		b.check()
		if err != nil || op.Status != runbook.RolledBack || left(op) != "h2:mtu" {
			t.Errorf("%v %v", op, err)
		}
		b.untouched(1, 4)
	}
}

// A host that is gone when the operation is to be rolled back does not keep the
// others from it; it is undone when it is back.
func TestRollbackWithoutHost(t *testing.T) {
	b := newFleet(t, 4, pre+fleetMTU("")+proof)
	if _, err := b.run(); err != nil {
		t.Fatal(err)
	}
	b.hosts["h3"].gone()
	op, err := Rollback(context.Background(), b.doc(), b.o)
	b.check()
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "no route to the host") {
		t.Fatalf("%v", err)
	}
	if got := statuses(op, "mtu"); got != "rolled-back*2 incomplete rolled-back" {
		t.Error(got)
	}
	b.untouched(1, 2)
	b.untouched(4, 4)
	for _, h := range b.hosts {
		h.gone()
	}
	if _, err := Rollback(context.Background(), b.doc(), b.o); err == nil || errors.Is(err, ErrIncomplete) {
		t.Errorf("with no host there: %v", err)
	}
	b.hosts["h3"].back()
	if op, err = Rollback(context.Background(), b.doc(), b.o); err != nil || op.Status != runbook.RolledBack {
		t.Errorf("%v %v", op, err)
	}
	b.untouched(1, 4)
	b.check()
}

// Checks look at the hosts that are there, and fail on the others.
func TestCheckWithoutHost(t *testing.T) {
	b := newFleet(t, 3, pre+fleetMTU(""))
	b.hosts["h2"].gone()
	op, err := Check(context.Background(), b.doc(), b.o)
	if !errors.Is(err, ErrFailed) || len(op.Outcomes) != 3 {
		t.Fatalf("%v %v", op, err)
	}
	if got := op.Outcomes[1]; got.Status != runbook.Failed || !strings.Contains(got.Error, "no route to the host") || op.Outcomes[2].Status != runbook.OK {
		t.Errorf("%+v", op.Outcomes)
	}
}

// An operation that began without a host dies at every record, and is taken up
// again, with the host back or not: it stays without it.
func TestCrashWithoutHost(t *testing.T) {
	for _, attrs := range []string{"max-failures=1 confirm=60s", "max-failures=1 batch=1,rest"} {
		for at := 1; ; at += 3 {
			b := newFleet(t, 4, pre+fleetMTU(attrs)+proof)
			b.hosts["h2"].gone()
			d := b.doc()
			p := b.plan(d)
			died, err := b.crashing("after", at, func() error { _, err := Run(context.Background(), d, p, b.o); return err })
			if !died {
				if at < 15 || !errors.Is(err, ErrFailed) {
					t.Fatalf("only %d records: %v", at, err)
				}
				break
			}
			if at%2 == 0 {
				b.hosts["h2"].back()
			}
			op, err := Resume(context.Background(), b.doc(), b.o)
			b.check()
			if errors.Is(err, ErrNothing) {
				continue
			}
			if !errors.Is(err, ErrFailed) || left(op) != "h2:mtu" {
				t.Fatalf("after record %d: %v", at, err)
			}
			b.touched(1, 1)
			b.untouched(2, 2)
			b.touched(3, 4)
		}
	}
}

// A host that is lost while stet is dead: what nobody did on it yet is left out;
// what waits there for its confirmation keeps resume from going on.
func TestResumeWithoutHost(t *testing.T) {
	for at, seen := 4, map[bool]bool{}; ; at++ {
		b := newFleet(t, 3, pre+fleetMTU("max-failures=1 confirm=60s")+proof)
		d := b.doc()
		p := b.plan(d)
		died, _ := b.crashing("after", at, func() error { _, err := Run(context.Background(), d, p, b.o); return err })
		if !died {
			if !seen[true] || !seen[false] {
				t.Errorf("it went on and it did not: %v", seen)
			}
			return
		}
		b.hosts["h3"].gone()
		op, err := Resume(context.Background(), b.doc(), b.o)
		b.check()
		if errors.Is(err, ErrNothing) {
			continue
		}
		seen[op != nil] = true
		switch {
		case op == nil:
			if !strings.Contains(err.Error(), "is not confirmed, and h3 cannot be used") {
				t.Errorf("after record %d: %v", at, err)
			}
			b.hosts["h3"].back()
			if _, err := Resume(context.Background(), b.doc(), b.o); err != nil {
				t.Errorf("after record %d, with h3 back: %v", at, err)
			}
			b.touched(1, 3)
		case errors.Is(err, ErrFailed) && left(op) == "h3:mtu":
			b.touched(1, 2)
			b.untouched(3, 3)
		case err != nil:
			t.Errorf("after record %d: %v", at, err)
		}
	}
}

// A clock that is wrong is told; a second is nothing to tell.
func TestClocks(t *testing.T) {
	b := newFleet(t, 4, pre+fleetMTU(""))
	b.hosts["h1"].clock, b.hosts["h2"].clock, b.hosts["h4"].clock = time.Hour, -2*time.Hour, time.Second
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	want := "Clocks that differ from this machine's: h1 (1 h ahead), h2 (2 h behind). The times here are this machine's."
	if !slices.Contains(op.Notes, want) {
		t.Errorf("%q", op.Notes)
	}
}
