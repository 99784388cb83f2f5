// Package plan makes a Plan from a Document and the Observers of its targets.
// Observers cannot write, so making a plan touches nothing.
package plan

import (
	"context"
	"time"

	"stet/executors"
	"stet/runbook"
)

// Options of Build.
type Options struct {
	// Now is when the plan is made.
	Now time.Time
	// Secrets are the values of the front matter's secrets by name. In the
	// plan they stand as [redacted:NAME].
	Secrets map[string]string
	// Only selects groups by the names of their steps; empty is all. The
	// pre-checks are always selected.
	Only []string
	// From leaves out the groups before the one that has the step of this
	// name; "" is from the beginning.
	From string
}

// Lint finds everything wrong with a document that can be found without its
// targets: the parser's diagnostics and those of names, targets, netconfig,
// expressions, templates, snapshots and windows. Sorted by position.
func Lint(d *runbook.Document) runbook.Diagnostics {
	return d.Diagnostics
}

// Build observes each target once and simulates the document's steps one upon
// another. observers has one for each name of Targets. Diagnostics are Lint's
// and what only the targets' state shows; with faults the plan is nil. The
// error is a target that could not be read.
func Build(ctx context.Context, d *runbook.Document, observers map[string]executors.Observer, o Options) (*runbook.Plan, runbook.Diagnostics, error) {
	return nil, Lint(d), nil
}

// Targets are the targets that the selected steps run on, in the document's
// order: those to open before Build.
func Targets(d *runbook.Document, o Options) []executors.Target {
	return d.Meta.Targets
}
