package view

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"stet/runbook"
	"stet/runbook/plan"
	"stet/runbook/report"
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

// Steps is a table of an operation's steps: status, step, target, what it did,
// and the targets that it went on without.
// Of a step on many targets, those that came to the same are one row.
func Steps(op *runbook.Operation) string {
	rows := stepRows(op)
	var widths [2]int
	for _, row := range rows {
		widths[0] = max(widths[0], utf8.RuneCountInString(row.step))
		widths[1] = max(widths[1], utf8.RuneCountInString(row.on()))
	}
	var b strings.Builder
	for _, row := range rows {
		line := fmt.Sprintf("%-*s  %-*s  %s", widths[0], row.step, widths[1], row.on(), row.did)
		b.WriteString(label(string(row.status), statusPaint(row.status)) + strings.TrimRight(line, " ") + "\n")
	}
	b.WriteString(leftOutLines(op))
	return b.String()
}

// leftOutLines names the targets that the operation went on without.
func leftOutLines(op *runbook.Operation) string {
	if len(op.LeftOut) == 0 {
		return ""
	}
	var missing []runbook.Missing
	var all []string
	for _, l := range op.LeftOut {
		text, _, _ := strings.Cut(l.Error, "\n")
		missing = append(missing, runbook.Missing{Target: l.Target, Error: text})
		all = append(all, l.Target)
	}
	return label("left out", red) + count(len(all), "target") + " (" + who(all) + ")\n" + plan.Reasons(missing, label("", faint)) + "\n"
}

type stepRow struct {
	step, did string
	status    runbook.Status
	targets   []string
}

func (r *stepRow) on() string {
	if n := len(r.targets); n > 2 {
		return fmt.Sprintf("%s (%d)", who(r.targets), n)
	}
	return who(r.targets)
}

func stepRows(op *runbook.Operation) []*stepRow {
	number := map[string]int{}
	for _, o := range op.Outcomes {
		number[o.Step]++
	}
	var rows []*stepRow
	by := map[string]*stepRow{}
	for i := range op.Outcomes {
		o := &op.Outcomes[i]
		row := &stepRow{step: o.Step, did: outcomeSummary(o), status: o.Status, targets: []string{o.Target}}
		if o.Wave > 0 {
			row.step += fmt.Sprintf(", wave %d", o.Wave)
		}
		key := fmt.Sprintf("%s %s %s", row.step, row.status, row.did)
		if same := by[key]; same != nil && number[o.Step] > each {
			same.targets = append(same.targets, o.Target)
			continue
		}
		by[key] = row
		rows = append(rows, row)
	}
	return rows
}

func verdict(op *runbook.Operation) string {
	text := statusWord(op.Status) + verdictWords(op)
	if !op.End.IsZero() {
		text += dot + report.Duration(op.End.Sub(op.Start))
	}
	return text + faint(dot+"run "+op.Run)
}

func verdictWords(op *runbook.Operation) string {
	switch op.Status {
	case runbook.RolledBack:
		return ": " + undoneWords(op) + byHand(op)
	case runbook.Incomplete:
		return ": " + incompleteWords(op)
	case runbook.Aborted:
		text := ": interrupted"
		if op.InterruptedBy != "" {
			text += " by " + op.InterruptedBy
		}
		if changed(op) || len(kept(op)) > 0 {
			text += ", and not all of it is undone"
		}
		return text
	case runbook.Refused:
		return ": nothing was changed"
	case runbook.Unfinished:
		return ": stet, or its machine, died before it ended"
	case runbook.Failed:
		if why, _, _ := strings.Cut(op.Error, "\n"); why != "" {
			return ": " + why
		}
		if left := kept(op); len(left) > 0 {
			return ": not undone, because there is no rollback block: " + strings.Join(left, ", ")
		}
	}
	return ""
}

// incompleteWords say why the rollback of an operation is incomplete.
func incompleteWords(op *runbook.Operation) string {
	unseen, failed := false, false
	for _, o := range op.Outcomes {
		switch {
		case o.Status != runbook.Incomplete:
		case o.Differs():
			return "something still differs from before, see above"
		case o.Unseen():
			unseen = true
		default:
			failed = true
		}
	}
	switch {
	case failed:
		return "a way back failed, see above"
	case unseen:
		return "nobody saw whether all is as it was before, see above"
	}
	return "a pre-check that had held before fails now, see above"
}

// byHand names what a person did, which nobody took back.
func byHand(op *runbook.Operation) string {
	var did []string
	for _, o := range op.Outcomes {
		if o.Answer != nil && o.Answer.Done && o.Undo == nil {
			did = append(did, place(o.Step, o.Target))
		}
	}
	if len(did) == 0 {
		return ""
	}
	return "; done by hand, and not undone: " + strings.Join(did, ", ")
}

// kept are the places of what was to be undone and has no rollback block.
func kept(op *runbook.Operation) []string {
	var left []string
	for _, o := range op.Outcomes {
		if o.Undo != nil && o.Undo.Status == runbook.Skipped {
			left = append(left, place(o.Step, o.Target))
		}
	}
	return left
}

// undoneWords say of what was undone no more than is known: network state was
// read back; what commands did was undone as well as their rollback blocks do,
// or not at all.
func undoneWords(op *runbook.Operation) string {
	commands, back := false, false
	for _, o := range op.Outcomes {
		if o.Status == runbook.RolledBack || o.Result != nil && o.Result.Undone {
			back = true
			commands = commands || o.Undo != nil && o.Kind != runbook.Netconfig
		}
	}
	switch left := kept(op); {
	case len(left) > 0 && !back:
		return "nothing could be undone: there is no rollback block for " + strings.Join(left, ", ")
	case len(left) > 0:
		return "undone, except for what has no rollback block: " + strings.Join(left, ", ")
	case commands:
		return "everything was undone"
	}
	return "everything is as it was before"
}
