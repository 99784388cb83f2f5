package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/runbook"
)

// fleet is a step on n targets; change makes of each what it came to.
func fleet(n int, change func(i int, o *runbook.Outcome)) []runbook.Outcome {
	var out []runbook.Outcome
	for i := 1; i <= n; i++ {
		o := base(runbook.Netconfig, fmt.Sprintf("h%d", i), runbook.OK)
		o.Start = when.Add(time.Duration(i) * time.Millisecond)
		o.End = o.Start.Add(time.Duration(100+10*i) * time.Millisecond)
		change(i, &o)
		out = append(out, o)
	}
	return out
}

// canary is a step in waves of 1, 3 and the rest, the second of which failed.
func canary(i int, o *runbook.Outcome) {
	o.Change = bridge()
	switch {
	case i == 1:
		o.Wave, o.Status, o.Confirmed = 1, runbook.RolledBack, when.Add(time.Second)
	case i <= 4:
		o.Wave, o.Status = 2, runbook.RolledBack
		if i == 3 {
			o.Status, o.Error, o.Change = runbook.Failed, "the kernel refused it", nil
			return
		}
	default:
		*o = runbook.Outcome{Step: o.Step, Kind: o.Kind, Target: o.Target, Wave: 3, Status: runbook.Skipped, Error: "never touched: wave 3 was not begun"}
		return
	}
	u := base(runbook.Netconfig, o.Target, runbook.RolledBack)
	u.Start, u.End = when.Add(time.Minute), when.Add(time.Minute+time.Duration(i)*time.Millisecond)
	o.Undo = &u
}

func printed(text func(i int) string) func(i int, o *runbook.Outcome) {
	return func(i int, o *runbook.Outcome) {
		o.Kind, o.Exit = runbook.Run, &executors.ExitStatus{}
		s := text(i)
		o.Output = &runbook.Output{Head: s, Bytes: int64(len(s)), Lines: int64(strings.Count(s, "\n")), File: fmt.Sprintf("output-%04d.log", i)}
	}
}

func TestFleet(t *testing.T) {
	for name, os := range map[string][]runbook.Outcome{
		"fleet canary": fleet(20, canary),
		"fleet same":   fleet(40, func(_ int, o *runbook.Outcome) { o.Change, o.Confirmed = bridge(), o.End.Add(time.Second) }),
		"fleet output": fleet(40, func(i int, o *runbook.Outcome) {
			printed(func(i int) string {
				if i == 7 || i == 9 {
					return "another\nanswer\n"
				}
				return "the same\nanswer\n"
			})(i, o)
			if i == 40 {
				o.Status, o.Error, o.Exit = runbook.Failed, "exit code 3", &executors.ExitStatus{Code: 3}
			}
		}),
		"fleet measured": fleet(40, func(i int, o *runbook.Outcome) {
			o.Kind, o.Checks = runbook.Check, []runbook.Assertion{{Text: "ping(peer).avg < 20", OK: true, Operands: []runbook.Operand{{Text: "ping(peer).avg", Value: fmt.Sprint(i)}}}}
			if i == 7 {
				o.Status, o.Checks[0].OK, o.Checks[0].Operands[0].Value = runbook.Failed, false, "21"
			}
		}),
		"fleet lines": fleet(5, printed(func(i int) string { return fmt.Sprintf("6.8.%d|x\n", i/2) })),
	} {
		t.Run(name, func(t *testing.T) { golden(t, "result-"+name, Result(os)) })
	}
	op := &runbook.Operation{Run: "01JD0000000000000000000000", Operator: "alice", Host: "noc", Tool: "stet 0.1", Start: when, End: when.Add(time.Minute),
		Status: runbook.RolledBack, Outcomes: fleet(20, canary)}
	golden(t, "head-fleet", Head(op))
	op.Status, op.Outcomes = runbook.Failed, fleet(20, func(i int, o *runbook.Outcome) {
		if o.Change = bridge(); i == 7 {
			o.Status = runbook.RolledBack
		}
	})
	golden(t, "head-fleet-stands", Head(op))
}

// A thousand hosts that all say something else still make a page that can be
// read, and a list of all of them where they are together.
func TestFleetIsBounded(t *testing.T) {
	long := fleet(1000, printed(func(i int) string { return strings.Repeat(fmt.Sprintf("host %d\n", i), 50) }))
	long[700].Status, long[700].Error = runbook.Failed, "it failed"
	s := Result(long)
	if n := strings.Count(s, "\n"); n > mostRows+mostDetails*70 || !strings.Contains(s, "it failed") || !strings.Contains(s, "900 more targets, in the journal") {
		t.Errorf("%d lines", n)
	}
	if s := Result(fleet(1000, func(i int, o *runbook.Outcome) {
		if o.Target = fmt.Sprintf("host-%d", i*i); i%2 == 0 {
			o.Change = bridge()
		}
	})); !strings.Contains(s, "host-998001") && !strings.Contains(s, "host-1000000") || len(s) > 20000 {
		t.Errorf("%d bytes:\n%.2000s", len(s), s)
	}
	op := &runbook.Operation{Start: when, End: when, Status: runbook.Failed, Outcomes: long}
	if s := Head(op); len(s) > 3000 {
		t.Errorf("the head has %d bytes", len(s))
	}
}

func BenchmarkResultOfAThousand(b *testing.B) {
	os := fleet(1000, func(i int, o *runbook.Outcome) { o.Change = bridge() })
	for b.Loop() {
		Result(os)
	}
}
