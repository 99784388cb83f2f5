package runbook

import (
	"slices"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// Plan is what running a document would do, step by step and target by
// target, each step simulated upon the ones before it.
type Plan struct {
	Document string `json:"document"`
	// SourceHash is the SHA-256 of the document without its results.
	SourceHash string `json:"source-hash"`
	// Hash names the plan: it covers everything that approval is about (steps,
	// targets, commands, changes), and neither times nor results.
	Hash    string             `json:"hash"`
	Made    time.Time          `json:"made"`
	Targets []executors.Target `json:"targets"`
	// Vars are the document's variables by name, as they were set; those of
	// targets are with them, and secrets are nowhere.
	Vars map[string]any `json:"vars,omitempty"`
	// Facts are what was found of the targets' machines, by target, where the
	// document uses it.
	Facts  map[string]*Facts `json:"facts,omitempty"`
	Groups []Group           `json:"groups"`
	// Missing are the targets that the plan says nothing about, in the
	// document's order; no step runs on them.
	Missing []Missing `json:"missing,omitempty"`
	// Duration bounds how long the operation and its undoing may take.
	Duration time.Duration `json:"duration"`
}

// Missing is a target that could not be reached or read, or that a step does
// not fit.
type Missing struct {
	Target string `json:"target"`
	// Code is the code of the *executors.Error, or "".
	Code string `json:"code,omitempty"`
	// Error says why, in a sentence; Remedy what to do about it.
	Error  string `json:"error"`
	Remedy string `json:"remedy,omitempty"`
}

// Lacks reports whether a target is one of the missing ones.
func (p *Plan) Lacks(target string) bool {
	return slices.ContainsFunc(p.Missing, func(m Missing) bool { return m.Target == target })
}

// Group is a changing step and what follows it up to the next changing step.
// Steps before the first changing one form a group without a change: the
// pre-checks.
type Group struct {
	// Name is that of its changing step, or of its first step.
	Name  string `json:"name"`
	Steps []Step `json:"steps"`
	// Change is the index in Steps of the changing step, or -1.
	Change int    `json:"change"`
	Policy Policy `json:"policy"`
}

// Step is one block to be run, with what it would do on each target.
type Step struct {
	Block   Block      `json:"-"`
	Name    string     `json:"name"`
	Kind    BlockKind  `json:"kind"`
	Line    int        `json:"line"`
	Targets []StepPlan `json:"targets"`
}

// StepPlan is a step on one target.
type StepPlan struct {
	Target string `json:"target"`
	// Wave is the wave of the group in which the step runs on the target, from
	// 1; 0 if the group has no waves, or the step runs with each of them.
	Wave int `json:"wave,omitempty"`
	// Body is the block's text with ${…} filled in; Secrets stand as
	// [redacted:NAME].
	Body string `json:"body,omitempty"`
	// Facts are those of the target's machine that the step uses, with their
	// values as JSON: `target.kernel = "6.1.0"`.
	Facts []string `json:"facts,omitempty"`
	// Files are the tables that the block names, as they were planned with.
	Files []netstate.File `json:"files,omitempty"`
	// Change is what a netconfig block would do; nil for others.
	Change *netstate.Change `json:"change,omitempty"`
	// WayIn names what in the change carries the operator's connection to the
	// target, one line an edit.
	WayIn []string `json:"way-in,omitempty"`
	// Deferred says why the change can only be known when it runs: it depends
	// on the output of an earlier step.
	Deferred string `json:"deferred,omitempty"`
}

// Empty reports whether no step would change anything: no netconfig change,
// no run step, no manual step.
func (p *Plan) Empty() bool {
	for _, g := range p.Groups {
		for _, s := range g.Steps {
			if s.Kind == Run || s.Kind == Manual {
				return false
			}
			for _, t := range s.Targets {
				if !t.Change.Empty() || t.Deferred != "" {
					return false
				}
			}
		}
	}
	return true
}
