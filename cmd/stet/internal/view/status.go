package view

import (
	"fmt"
	"strings"
	"time"

	"stet/executors"
	"stet/runbook"
)

// Waiting is a guard with the target that it is on.
type Waiting struct {
	Target string               `json:"target"`
	Guard  executors.GuardState `json:"guard"`
	// Unseen tells that it cannot be confirmed yet: see apply.Pending.
	Unseen bool `json:"unseen,omitempty"`
}

// Headline is one operation on one line.
func Headline(op *runbook.Operation) string {
	parts := []string{first(op.Title, op.Document)}
	if op.Ticket != "" {
		parts = append(parts, op.Ticket)
	}
	parts = append(parts, op.Start.UTC().Format(time.DateTime)+"Z", op.Operator+" at "+op.Host)
	return label(string(op.Status), statusPaint(op.Status)) + strings.Join(parts, dot) + faint(dot+"run "+op.Run) + "\n"
}

// Listed is one operation of many: its headline, and below it which document to
// name for more.
func Listed(op *runbook.Operation) string {
	if op.Title == "" {
		return Headline(op)
	}
	return Headline(op) + strings.Repeat(" ", 12) + faint(op.Document) + "\n"
}

// Guards lists guards, each with the word given: how long each has left, or how
// it ended.
func Guards(waiting []Waiting, word string) string {
	var b strings.Builder
	for _, w := range waiting {
		text := place(w.Guard.Step, w.Target)
		switch w.Guard.Phase {
		case executors.Armed:
			b.WriteString(label(word, cyan) + text)
			if word == "pending" {
				fmt.Fprintf(&b, " goes back at %s, in %s", clock(w.Guard.Deadline), countdown(w.Guard.Left))
				b.WriteString(beware(w.Guard.Footing))
			}
			b.WriteString("\n")
		default:
			b.WriteString(label(string(w.Guard.Phase), yellow) + text + "\n")
		}
	}
	return b.String()
}

// Next says what to do next.
func Next(op *runbook.Operation, file string, waiting []Waiting) string {
	var advice []string
	for _, w := range waiting {
		if w.Guard.Phase == executors.Armed && !w.Unseen {
			advice = append(advice, "stet confirm "+file+"     let it stand, before the guard goes back")
			break
		}
	}
	switch op.Status {
	case runbook.Unfinished:
		advice = append(advice,
			"stet resume "+file+"      go on with it",
			"stet rollback "+file+"    undo it")
	case runbook.Incomplete:
		advice = append(advice, "stet rollback "+file+"    try to undo the rest, when its cause is gone")
	case runbook.OK, runbook.Failed, runbook.Aborted:
		if changed(op) {
			advice = append(advice, "stet rollback "+file+"    undo it")
		}
	}
	if len(advice) == 0 {
		return ""
	}
	return faint("next:") + "\n" + indent("  ", strings.Join(advice, "\n"))
}

// changed reports whether something that the operation did still stands.
func changed(op *runbook.Operation) bool {
	for _, o := range op.Outcomes {
		if o.Status == runbook.OK && o.Kind.Changing() && o.Undo == nil {
			return true
		}
	}
	return false
}
