package report

import (
	"strings"
	"testing"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

// TestSentenceSaysNoMore has the mixes of what was done, undone and left, with the
// first sentence of the report.
func TestSentenceSaysNoMore(t *testing.T) {
	step := func(name string, kind runbook.BlockKind, s runbook.Status, f func(*runbook.Outcome)) runbook.Outcome {
		o := base(kind, "r1", s)
		o.Step = name
		if kind == runbook.Netconfig {
			o.Change = bridge()
		}
		if s == runbook.Failed {
			o.Error = "it broke"
		}
		if f != nil {
			f(&o)
		}
		return o
	}
	undo := func(s runbook.Status, why string, r *executors.Result) func(*runbook.Outcome) {
		return func(o *runbook.Outcome) { o.Undo = &runbook.Outcome{Kind: o.Kind, Status: s, Error: why, Result: r} }
	}
	noBlock := undo(runbook.Skipped, "there is no rollback block for it", nil)
	back := &executors.Result{Undone: true}
	drain := step("drain", runbook.Run, runbook.Failed, noBlock)
	ran := step("ran", runbook.Run, runbook.OK, noBlock)
	net := step("net", runbook.Netconfig, runbook.OK, nil)
	netBack := step("net", runbook.Netconfig, runbook.RolledBack, undo(runbook.RolledBack, "", back))
	runBack := step("run", runbook.Run, runbook.RolledBack, undo(runbook.RolledBack, "", nil))
	unarmed := step("net", runbook.Netconfig, runbook.Failed, func(o *runbook.Outcome) { o.Untouched = true })
	midway := step("net", runbook.Netconfig, runbook.Failed, func(o *runbook.Outcome) { o.Result = back })
	check := step("proof", runbook.Check, runbook.Failed, nil)
	call := step("call", runbook.Manual, runbook.OK, func(o *runbook.Outcome) { o.Target, o.Answer = "", &runbook.Answer{Done: true} })
	skipped := step("net", runbook.Netconfig, runbook.Skipped, nil)
	cut := step("drain", runbook.Run, runbook.Running, nil)
	block := step("back", runbook.RollbackBlock, runbook.Failed, nil)
	differs := &executors.Result{Remains: []netstate.Mismatch{{Object: "link br0"}}}
	incomplete := func(kind runbook.BlockKind, r *executors.Result) runbook.Outcome {
		return step("x", kind, runbook.Incomplete, undo(runbook.Incomplete, "no", r))
	}
	const because = " Step `drain` on `r1`: it broke."
	const proof = " Step `proof` on `r1`: it broke."
	const kept = " Not undone, because there is no rollback block: "
	for _, c := range []struct {
		want   string
		status runbook.Status
		os     []runbook.Outcome
	}{
		{"**Failed.**" + because + kept + "`drain` on `r1`.", runbook.Failed, []runbook.Outcome{drain}},
		{"**Failed.**" + because + kept + "`drain` on `r1`.", runbook.RolledBack, []runbook.Outcome{drain}}, // of an older journal
		{"**Failed.**" + because + kept + "`ran` on `r1`, `drain` on `r1`.", runbook.Failed, []runbook.Outcome{ran, drain}},
		{"**Failed.**" + because + " Still in place: `net` on `r1`." + kept + "`drain` on `r1`.", runbook.Failed, []runbook.Outcome{net, drain}},
		{"**Failed and rolled back.**" + because + " What could be undone was undone." + kept + "`drain` on `r1`.", runbook.RolledBack, []runbook.Outcome{netBack, drain}},
		{"**Failed and rolled back.**" + proof + " What had been changed was undone.", runbook.RolledBack, []runbook.Outcome{netBack, check}},
		{"**Failed and rolled back.**" + proof + " What had been changed was undone; what was not network state, by its rollback blocks.", runbook.RolledBack, []runbook.Outcome{runBack, netBack, check}},
		{"**Failed and rolled back.** Step `net` on `r1`: it broke. What had been changed was undone.", runbook.RolledBack, []runbook.Outcome{midway}},
		{"**Failed and rolled back.**" + proof + " What had been changed was undone. Done by hand, and not undone: `call`.", runbook.RolledBack, []runbook.Outcome{netBack, call, check}},
		{"**Failed.** Step `net` on `r1`: it broke. Nothing was changed.", runbook.Failed, []runbook.Outcome{unarmed}},
		{"**Failed.**" + proof + " Nothing was changed. Done by hand, and not undone: `call`.", runbook.Failed, []runbook.Outcome{call, check}},
		{"**Rolled back.** What had been changed was undone.", runbook.RolledBack, []runbook.Outcome{netBack}},
		{"**Rolled back.** Nothing had been changed.", runbook.RolledBack, []runbook.Outcome{skipped}},
		{"**Nothing could be rolled back.**" + kept + "`ran` on `r1`.", runbook.RolledBack, []runbook.Outcome{ran}},
		{"**Interrupted by the operator.**" + kept + "`ran` on `r1`.", runbook.Aborted, []runbook.Outcome{ran}},
		{"**Interrupted by the operator.** Undone: `net` on `r1`." + kept + "`ran` on `r1`.", runbook.Aborted, []runbook.Outcome{netBack, ran}},
		{"**Rollback incomplete.**" + proof + " Not back to what it was before: `x` on `r1`.", runbook.Incomplete, []runbook.Outcome{incomplete(runbook.Netconfig, differs), check}},
		{"**Rollback incomplete.**" + proof + " Nobody saw whether it is back to what it was before: `x` on `r1`.", runbook.Incomplete, []runbook.Outcome{incomplete(runbook.Netconfig, nil), check}},
		{"**Rollback incomplete.**" + proof + " The way back failed: `x` on `r1`.", runbook.Incomplete, []runbook.Outcome{incomplete(runbook.Netconfig, back), block, check}},
		{"**Rollback incomplete.**" + proof + " The way back failed: `x` on `r1`.", runbook.Incomplete, []runbook.Outcome{incomplete(runbook.Run, nil), block, check}},
		{"**Rollback incomplete.**" + proof + " What could be undone was undone, but a pre-check that had held before fails now.", runbook.Incomplete, []runbook.Outcome{netBack, check}},
		{"**Unfinished.** Stet, or its machine, died before the operation ended. Nothing had been changed.", runbook.Unfinished, []runbook.Outcome{skipped}},
		{"**Unfinished.** Stet, or its machine, died before the operation ended. It had begun: `drain` on `r1`. Take it up with stet resume, or undo it with stet rollback.", runbook.Unfinished, []runbook.Outcome{cut}},
		{"**Unfinished.** Stet, or its machine, died before the operation ended. Undone before that: `net` on `r1`." + kept + "`drain` on `r1`.", runbook.Unfinished, []runbook.Outcome{netBack, drain}},
		{"**Done.** Nothing was changed.", runbook.OK, []runbook.Outcome{skipped}},
		{"**Done.** Nothing had to be changed.", runbook.OK, []runbook.Outcome{step("net", runbook.Netconfig, runbook.Unchanged, nil)}},
	} {
		if got := sentence(&runbook.Operation{Status: c.status, Outcomes: c.os}); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestCauseIsNotWhatWasTolerated: a target that the operation went on without is not
// why it failed afterwards.
func TestCauseIsNotWhatWasTolerated(t *testing.T) {
	left := base(runbook.Netconfig, "r2", runbook.Failed)
	left.Step, left.Error = "net", "no answer"
	proof := base(runbook.Check, "r1", runbook.Failed)
	proof.Step, proof.Error = "proof", "does not hold"
	op := &runbook.Operation{Status: runbook.Failed, Outcomes: []runbook.Outcome{left, proof},
		LeftOut: []runbook.LeftOut{{Target: "r2", Step: "net", Error: "no answer", Remedy: "see that it is | up"}}}
	if got := sentence(op); !strings.HasPrefix(got, "**Failed.** Step `proof` on `r1`: does not hold. Left out: `r2`.") {
		t.Error(got)
	}
	if got := Head(op); !strings.Contains(got, "| `r2` | `net` | no answer<br>Hint: see that it is \\| up |\n") {
		t.Error(got)
	}
	op.Outcomes = op.Outcomes[:1]
	if got := sentence(op); !strings.HasPrefix(got, "**Failed.** Step `net` on `r2`: no answer. Left out: `r2`.") {
		t.Error(got)
	}
	op.Error = "the window closed"
	if got := sentence(op); !strings.HasPrefix(got, "**Failed:** the window closed. Left out: `r2`.") {
		t.Error(got)
	}
}
