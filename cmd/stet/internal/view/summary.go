package view

import (
	"fmt"
	"strings"

	"stet/runbook"
)

// Summary is an operation that ended: a table of its steps, and the verdict.
func Summary(op *runbook.Operation) string {
	var b strings.Builder
	b.WriteString(Steps(op))
	for _, note := range op.Notes {
		b.WriteString(label("note", cyan) + note + "\n")
	}
	b.WriteString(verdict(op) + "\n")
	return b.String()
}

// Steps is a table of an operation's steps: status, step, target, what it did.
func Steps(op *runbook.Operation) string {
	rows := make([][3]string, 0, len(op.Outcomes))
	var widths [2]int
	for i := range op.Outcomes {
		o := &op.Outcomes[i]
		row := [3]string{o.Step, o.Target, outcomeSummary(o)}
		rows = append(rows, row)
		for c := range widths {
			widths[c] = max(widths[c], len(row[c]))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		status := op.Outcomes[i].Status
		line := fmt.Sprintf("%-*s  %-*s  %s", widths[0], row[0], widths[1], row[1], row[2])
		b.WriteString(label(string(status), statusPaint(status)) + strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func verdict(op *runbook.Operation) string {
	text := statusWord(op.Status) + verdictWords(op)
	if !op.End.IsZero() {
		text += dot + Duration(op.End.Sub(op.Start))
	}
	return text + faint(dot+"run "+op.Run)
}

func verdictWords(op *runbook.Operation) string {
	switch op.Status {
	case runbook.RolledBack:
		return ": " + undoneWords(op)
	case runbook.Incomplete:
		return ": something still differs from before, see above"
	case runbook.Refused:
		return ": nothing was started"
	case runbook.Unfinished:
		return ": stet, or its machine, died before it ended"
	}
	return ""
}

// undoneWords say of what was undone no more than is known: network state was
// read back; what commands did was undone as well as their rollback blocks do,
// or not at all.
func undoneWords(op *runbook.Operation) string {
	var kept []string
	commands := false
	for _, o := range op.Outcomes {
		switch {
		case o.Undo == nil:
		case o.Undo.Status == runbook.Skipped:
			kept = append(kept, place(o.Step, o.Target))
		case o.Kind != runbook.Netconfig:
			commands = true
		}
	}
	switch {
	case len(kept) > 0:
		return "undone, except for what has no rollback block: " + strings.Join(kept, ", ")
	case commands:
		return "everything was undone"
	}
	return "everything is as it was before"
}
