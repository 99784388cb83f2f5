package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/plan"
)

const farFront = `---
title: Far
targets: {r1: "ssh://r1", r2: "ssh://r2"}
defaults: {on: [r1, r2], timeout: 60s}
---

`

// leaver is a session that can be left, once.
type leaver struct {
	*session
	mu   *sync.Mutex
	left map[string]int
}

func (l *leaver) Leave(ctx context.Context) error {
	l.mu.Lock()
	l.left[l.name]++
	l.mu.Unlock()
	return l.Unlock(ctx)
}

// leavers makes the sessions of a bench ones that can be left, and counts how often.
func (b *bench) leavers() map[string]int {
	left, open := map[string]int{}, b.o.Open
	var mu sync.Mutex
	b.o.Open = func(ctx context.Context, t executors.Target) (executors.Session, error) {
		s, err := open(ctx, t)
		if err != nil {
			return nil, err
		}
		return &leaver{s.(*session), &mu, left}, nil
	}
	return left
}

func (h *host) held() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.holder != nil
}

// A host that is over is free at once, while the operation goes on elsewhere; until
// its last step it is held.
func TestOverIsLeft(t *testing.T) {
	b := newBench(t, farFront+"```sh { run name=one }\ntrue\n```\n\n```sh { run name=two parallel=2 }\ntrue\n```\n")
	left := b.leavers()
	calls := 0
	b.hosts["r1"].fail = func(call string) error {
		if call == "run" && !b.hosts["r1"].held() {
			t.Error("r1 was left before its last step")
		}
		return nil
	}
	b.hosts["r2"].fail = func(call string) error {
		if call != "run" {
			return nil
		}
		if calls++; calls == 2 {
			for deadline := time.Now().Add(time.Minute); b.hosts["r1"].held(); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					return errors.New("r1 is held, and nothing needs it")
				}
			}
		}
		return nil
	}
	if _, err := b.run(); err != nil {
		t.Fatal(err)
	}
	b.check()
	if d := cmp.Diff(map[string]int{"r1": 1, "r2": 1}, left); d != "" {
		t.Errorf("left: %s", d)
	}
}

// What becomes of an operation is the same whether a host was left or not: also
// when it fails elsewhere and everything is to be undone.
func TestOverChangesNothing(t *testing.T) {
	var want string
	for _, leaves := range []bool{false, true} {
		b := newBench(t, farFront+"```sh { run name=one }\ntrue\n```\n\n```sh { run name=two on=r2 }\nfalse\n```\n")
		left := map[string]int{}
		if leaves {
			left = b.leavers()
		}
		op, err := b.run()
		b.check()
		var got strings.Builder
		fmt.Fprintf(&got, "%v %s\n", err, op.Status)
		for _, o := range op.Outcomes {
			fmt.Fprintf(&got, "%s %s %s %s", o.Step, o.Target, o.Status, o.Error)
			if o.Undo != nil {
				fmt.Fprintf(&got, " %s %s", o.Undo.Status, o.Undo.Error)
			}
			got.WriteByte('\n')
		}
		for _, n := range op.Notes {
			got.WriteString(n + "\n")
		}
		if !leaves {
			want = got.String()
			continue
		}
		if left["r1"] != 1 || left["r2"] != 1 {
			t.Errorf("left: %v", left)
		}
		if d := cmp.Diff(want, got.String()); d != "" {
			t.Errorf("it is another operation: %s", d)
		}
	}
}

// What may still be needed is not over.
func TestOver(t *testing.T) {
	run := func(attributes string) string {
		return "```sh { run name=one " + attributes + " }\ntrue\n```\n\n"
	}
	for name, tt := range map[string]struct {
		body string
		want map[string]string
	}{
		"a command":               {run(""), map[string]string{"r1": "one", "r2": "one"}},
		"on one of them":          {run("on=r1"), map[string]string{"r1": "one"}},
		"and another on one":      {run("") + "```sh { run name=two on=r2 }\ntrue\n```\n", map[string]string{"r1": "one", "r2": "two"}},
		"its output is wanted":    {run("on=r1 register=x") + "```sh { run name=two on=r2 }\ntrue\n```\n", map[string]string{"r1": "one", "r2": "two"}},
		"a check":                 {run("") + "```check { on=r2 }\n1 == 1\n```\n", map[string]string{}},
		"a pre-check on one":      {"```check { on=r2 }\n1 == 1\n```\n\n" + run(""), map[string]string{"r1": "one"}},
		"a rollback block":        {run("") + "```rollback\ntrue\n```\n", map[string]string{}},
		"a guard":                 {run("confirm=60s") + "```rollback\ntrue\n```\n", map[string]string{}},
		"waves":                   {run("batch=1,1"), map[string]string{}},
		"failures that may be":    {run("max-failures=1"), map[string]string{}},
		"a change on one of them": {run("") + strings.Replace(bridge, "name=bridge", "name=bridge on=r2 confirm=60s", 1), map[string]string{"r1": "one"}},
		"a snapshot":              {"```snapshot { name=before }\nlinks\n```\n\n" + run(""), map[string]string{}},
	} {
		b := newBench(t, farFront+tt.body)
		p := b.plan(b.doc())
		if d := cmp.Diff(tt.want, plan.Over(p)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for name, targets := range map[string]string{
		"one host":              `{r1: "ssh://r1", r2: "ssh://r1"}`,
		"a namespace of a host": `{r1: "ssh://r1", r2: {address: "netns://x", at: "ssh://r1"}}`,
		"this host":             `{r1: local, r2: netns://r2}`,
	} {
		b := newBench(t, strings.Replace(farFront, `{r1: "ssh://r1", r2: "ssh://r2"}`, targets, 1)+run(""))
		if over := plan.Over(b.plan(b.doc())); len(over) != 0 {
			t.Errorf("%s: %v", name, over)
		}
	}
	if over := plan.Over(&runbook.Plan{}); len(over) != 0 {
		t.Errorf("an empty plan: %v", over)
	}
}

// An operation that is taken up leaves alone the hosts that it was done with: they
// are neither reached nor locked, whether it goes on or goes back.
func TestOverIsNotMetAgain(t *testing.T) {
	for name, again := range map[string]func(context.Context, *runbook.Document, Options) (*runbook.Operation, error){
		"resume": Resume, "rollback": Rollback,
	} {
		t.Run(name, func(t *testing.T) {
			tried := 0
			for at := 1; ; at++ {
				b := newBench(t, farFront+"```sh { run name=one on=r1 }\ntrue\n```\n\n```sh { run name=two on=r2 }\ntrue\n```\n\n```sh { run name=three on=r2 }\ntrue\n```\n")
				left := b.leavers()
				d := b.doc()
				p := b.plan(d)
				died, _ := b.crashing("after", at, func() error { _, err := Run(context.Background(), d, p, b.o); return err })
				if !died {
					break
				}
				if left["r1"] == 0 {
					continue // it was not done with r1
				}
				tried++
				b.hosts["r1"].fail = func(call string) error { return fmt.Errorf("r1 is met again: %s", call) }
				op, err := again(context.Background(), b.doc(), b.o)
				if err != nil && !errors.Is(err, ErrNothing) {
					t.Fatalf("record %d: %v", at, err)
				}
				b.check()
				if op == nil {
					continue
				}
				if o := outcome(t, op, "one", "r1"); name == "resume" && o.Status != runbook.OK {
					t.Errorf("record %d: %+v", at, o)
				}
			}
			if tried < 3 {
				t.Errorf("only %d operations died when they were done with r1", tried)
			}
		})
	}
}
