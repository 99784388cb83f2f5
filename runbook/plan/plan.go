// Package plan makes a Plan from a Document and the Observers of its targets.
// Observers cannot write, so making a plan touches nothing.
package plan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/markdown"
	"stet/runbook/redact"
)

// Options of Build.
type Options struct {
	// Now is when the plan is made.
	Now time.Time
	// Secrets are the values of the front matter's secrets by name. In the
	// plan they stand as [redacted:NAME].
	Secrets map[string]string
	// Only selects steps by name: a changing step with all of its group,
	// another step alone. Empty is all. The pre-checks are always selected.
	Only []string
	// From leaves out the groups before the one that has the step of this
	// name, apart from the pre-checks; "" is from the beginning.
	From string
	// Missing are the targets that could not be opened, with no observer.
	Missing []runbook.Missing
}

// Build observes each target once and simulates the document's steps one upon
// another. observers has one for each name of Targets that is not missing.
// Diagnostics are Lint's and what only the targets' state shows; with faults the
// plan is nil. Targets that cannot be read are among the plan's missing ones;
// whether it may be run without them is for Absent to say. The error is an
// interruption, or a secret that is unfit.
func Build(ctx context.Context, d *runbook.Document, observers map[string]executors.Observer, o Options) (*runbook.Plan, runbook.Diagnostics, error) {
	diags := Lint(d)
	groups, unknown := Selected(d, o)
	diags = tidy(append(diags, unknown...))
	if diags.Faults() {
		return nil, diags, nil
	}
	red, err := redact.New(o.Secrets)
	if err != nil {
		return nil, diags, fmt.Errorf("preparing secrets: %w", err)
	}
	b := &builder{
		d: d, scopes: newScopes(d), o: o, red: red, states: map[string]*netstate.State{}, ways: map[string]*executors.Way{},
		ran: map[string]bool{}, missing: map[string]runbook.Missing{}, unfit: map[string]runbook.Diagnostics{},
	}
	for _, m := range o.Missing {
		b.missing[m.Target] = m
	}
	if err := b.know(ctx, groups, observers); err != nil {
		return nil, diags, err
	}
	b.twice(groups, observers)
	b.decode(groups)
	if !b.diags.Faults() {
		if err := b.foresee(ctx, observers, groups); err != nil {
			return nil, diags, err
		}
		b.spare(groups)
	}
	if diags = tidy(append(diags, b.diags...)); diags.Faults() {
		return nil, diags, nil
	}
	p := &runbook.Plan{
		Document:   d.Path,
		SourceHash: SourceHash(d.Source),
		Made:       o.Now,
		Targets:    Targets(d, o),
		Vars:       documentVars(d),
		Facts:      b.facts,
		Groups:     groups,
	}
	for _, t := range p.Targets {
		if m, ok := b.missing[t.Name]; ok {
			p.Missing = append(p.Missing, m)
		}
	}
	for i := range groups {
		setWaves(&groups[i], p.Lacks)
	}
	p.Duration = duration(p)
	p.Hash = hash(p)
	return p, diags, nil
}

// SourceHash is the SHA-256, in hexadecimal, of a document without its results
// and report: what a plan was made from.
func SourceHash(src []byte) string {
	sum := sha256.Sum256(markdown.Strip(src))
	return hex.EncodeToString(sum[:])
}

// Targets are the targets that the selected steps run on, in the document's
// order: those to open before Build.
func Targets(d *runbook.Document, o Options) []executors.Target {
	used := map[string]bool{}
	groups, _ := Selected(d, o)
	for _, g := range groups {
		for _, s := range g.Steps {
			for _, t := range s.Targets {
				used[t.Target] = true
			}
		}
	}
	var out []executors.Target
	for _, t := range d.Meta.Targets {
		if used[t.Name] {
			out = append(out, t)
		}
	}
	return out
}

// Target finds a target of a document by name.
func Target(d *runbook.Document, name string) (executors.Target, bool) {
	for _, t := range d.Meta.Targets {
		if t.Name == name {
			return t, true
		}
	}
	return executors.Target{}, false
}
