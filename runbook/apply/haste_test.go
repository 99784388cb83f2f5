package apply

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/runbook"
)

// A hundred quick steps do not write the document a hundred times, each time all
// of it; at the end it holds every result all the same.
func TestQuickStepsWriteTogether(t *testing.T) {
	const count = 100
	var body strings.Builder
	for i := range count {
		fmt.Fprintf(&body, "```sh { run name=s%d }\ntrue\n```\n\n", i)
	}
	b := newBench(t, body.String())
	written := 0
	b.o.Sink = func(e runbook.Event) {
		if e.Kind == runbook.EventDocument {
			written++
		}
	}
	if _, err := b.run(); err != nil {
		t.Fatal(err)
	}
	if written > count/2 {
		t.Errorf("the document was written %d times for %d steps", written, count)
	}
	for i := range count {
		if name := fmt.Sprintf("stet:result name=s%d ", i); !strings.Contains(b.source(), name) {
			t.Errorf("there is no %s", name)
		}
	}
	b.check()
}

// A step that runs where the document is finds in it what was before; a step on
// another host does not wait for that, and it is written while that runs.
func TestWrittenBesideWhatRunsElsewhere(t *testing.T) {
	const body = "```sh { run name=one }\ntrue\n```\n\n```sh { run name=two }\ntrue\n```\n"
	has := func(b *bench) bool { return strings.Contains(b.source(), "stet:result name=one ") }

	here := newBench(t, body)
	here.hosts["r1"].fail = func(call string) error {
		if call == "run" && here.heard(runbook.EventOutcome) == 1 && !has(here) {
			t.Error("the result of the step before is not in the document")
		}
		return nil
	}
	if _, err := here.run(); err != nil {
		t.Fatal(err)
	}
	here.check()

	far := newBench(t, farFront+body)
	far.hosts["r1"].fail = func(call string) error {
		if call != "run" || far.heard(runbook.EventOutcome) != 2 { // of both hosts
			return nil
		}
		for deadline := time.Now().Add(time.Minute); !has(far); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return errors.New("the result of the step before is not written")
			}
		}
		return nil
	}
	if _, err := far.run(); err != nil {
		t.Fatal(err)
	}
	far.check()
}

// What is done on other hosts, and by nobody in person, cannot see the document.
func TestAway(t *testing.T) {
	x := &operation{p: &runbook.Plan{Targets: []executors.Target{
		{Name: "far", Address: "ssh://far"}, {Name: "inside", Address: "netns://lab", At: "ssh://far"}, {Name: "lab", Address: "netns://lab"}, {Name: "here", Address: "local"},
	}}}
	step := func(kind runbook.BlockKind, targets ...string) runbook.Step {
		s := runbook.Step{Kind: kind}
		for _, name := range targets {
			s.Targets = append(s.Targets, runbook.StepPlan{Target: name})
		}
		return s
	}
	for _, c := range []struct {
		steps []runbook.Step
		want  bool
	}{
		{[]runbook.Step{step(runbook.Run, "far")}, true},
		{[]runbook.Step{step(runbook.Run, "far"), step(runbook.Check, "inside", "far")}, true},
		{[]runbook.Step{step(runbook.Run, "far", "lab")}, false},
		{[]runbook.Step{step(runbook.Run, "far"), step(runbook.Check, "here")}, false},
		{[]runbook.Step{step(runbook.Manual, "far")}, false},
		{[]runbook.Step{step(runbook.Run)}, false},
		{[]runbook.Step{step(runbook.Run, "unknown")}, false},
	} {
		if got := x.away(&runbook.Group{Steps: c.steps}); got != c.want {
			t.Errorf("%+v: %v", c.steps, got)
		}
	}
}
