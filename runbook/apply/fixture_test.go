package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/markdown"
	"stet/runbook/plan"
)

// bench is a document and the hosts that it names.
type bench struct {
	t      testing.TB
	path   string
	state  string
	prose  []byte
	hosts  map[string]*host
	o      Options
	mu     sync.Mutex
	events []runbook.Event
}

const front = `---
title: Test
targets:
  r1: netns://r1
  r2: netns://r2
defaults: {on: r1, timeout: 20s}
vars: {mtu: 1400, name: two words}
---

# Test

Prose that must not change.

`

func newBench(t testing.TB, body string) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, path: filepath.Join(dir, "doc.md"), state: filepath.Join(dir, "state"), hosts: map[string]*host{}}
	b.prose = []byte(front + body)
	if strings.HasPrefix(body, "---") {
		b.prose = []byte(body)
	}
	if err := os.WriteFile(b.path, b.prose, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"r1", "r2"} {
		b.hosts[name] = newHost(name, initial())
	}
	b.o = Options{
		StateDir: b.state, Operator: "alice", Host: "noc", Tool: "stet test",
		Open: func(_ context.Context, t executors.Target) (executors.Session, error) {
			h := b.hosts[t.Name]
			if h == nil {
				return nil, fmt.Errorf("no host %s", t.Name)
			}
			if err := h.called("open"); err != nil {
				return nil, err
			}
			return &session{h, t}, nil
		},
		Sink: func(e runbook.Event) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, e)
		},
	}
	return b
}

func (b *bench) doc() *runbook.Document {
	b.t.Helper()
	src, err := os.ReadFile(b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	return markdown.Parse(b.path, src)
}

func (b *bench) plan(d *runbook.Document) *runbook.Plan {
	b.t.Helper()
	o := plan.Options{Now: time.Now(), Secrets: b.o.Secrets, Only: b.o.Only, From: b.o.From}
	observers := map[string]executors.Observer{}
	for _, t := range plan.Targets(d, o) {
		s, err := b.o.Open(context.Background(), t)
		if err != nil {
			o.Missing = append(o.Missing, plan.Lost(t.Name, err))
			continue
		}
		observers[t.Name] = s
	}
	p, diags, err := plan.Build(context.Background(), d, observers, o)
	if err != nil || diags.Faults() {
		b.t.Fatalf("planning: %v %v", err, diags)
	}
	return p
}

func (b *bench) run() (*runbook.Operation, error) {
	b.t.Helper()
	d := b.doc()
	return Run(context.Background(), d, b.plan(d), b.o)
}

// check looks at what must hold after every operation: the prose is as it was,
// the document parses, the journals replay, nothing is locked.
func (b *bench) check() {
	b.t.Helper()
	src, err := os.ReadFile(b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	if got := markdown.Strip(src); string(got) != string(b.prose) {
		b.t.Errorf("the prose changed:\n%s", got)
	}
	if d := markdown.Parse(b.path, src); d.Diagnostics.Faults() {
		b.t.Errorf("the document has faults: %v", d.Diagnostics)
	}
	dirs, err := journal.List(b.state, b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := Load(dir); err != nil && !errors.Is(err, ErrNothing) {
			b.t.Errorf("loading: %v", err)
		}
	}
	for _, h := range b.hosts {
		if h.holder != nil {
			b.t.Errorf("%s is locked", h.name)
		}
	}
}

func (b *bench) source() string {
	b.t.Helper()
	src, err := os.ReadFile(b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(src)
}

func (b *bench) heard(kind runbook.EventKind) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, e := range b.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func outcome(t testing.TB, op *runbook.Operation, step, target string) runbook.Outcome {
	t.Helper()
	for _, o := range op.Outcomes {
		if o.Step == step && o.Target == target {
			return o
		}
	}
	t.Fatalf("no outcome of %s on %s in %+v", step, target, op.Outcomes)
	return runbook.Outcome{}
}
