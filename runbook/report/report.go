// Package report writes outcomes as Markdown: the result under a block and the
// report at a document's head. It says what happened and no more, and the same
// outcomes always give the same text. Text in outcomes is already redacted.
package report

import (
	"fmt"
	"strings"

	"stet/runbook"
)

// Result writes what one block did, one outcome a target, as the Markdown that
// stands between the result's markers. No outcomes give "".
func Result(outcomes []runbook.Outcome) string {
	var b strings.Builder
	switch len(outcomes) {
	case 0:
		return ""
	case 1:
		b.WriteString(status(outcomes[0]) + "\n")
		details(&b, outcomes[0])
	default:
		summary(&b, outcomes)
		for _, o := range outcomes {
			var in strings.Builder
			details(&in, o)
			if in.Len() == 0 {
				continue
			}
			fmt.Fprintf(&b, "\n<details>\n<summary>%s: %s</summary>\n", html(o.Target), word(o.Status))
			b.WriteString(in.String())
			b.WriteString("\n</details>\n")
		}
	}
	return b.String()
}

// status is the line that every single outcome starts with.
func status(o runbook.Outcome) string {
	s := "**" + word(o.Status) + "**"
	if o.Target != "" {
		s += " on " + code(o.Target)
	}
	if !o.Start.IsZero() {
		s += " · " + clock(o.Start)
		if !o.End.IsZero() {
			s += ", " + duration(o.End.Sub(o.Start))
		}
	}
	if !o.Confirmed.IsZero() {
		s += " · confirmed " + clock(o.Confirmed)
	}
	return s
}

// summary is the table of a block that ran on several targets.
func summary(b *strings.Builder, outcomes []runbook.Outcome) {
	b.WriteString("| target | status | start | took | |\n|---|---|---|---|---|\n")
	for _, o := range outcomes {
		start, took := "", ""
		if !o.Start.IsZero() {
			start = clock(o.Start)
			if !o.End.IsZero() {
				took = duration(o.End.Sub(o.Start))
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", cellCode(o.Target), statusCell(o), start, took, remark(o))
	}
}

// statusCell is a status in a table, with what makes it final.
func statusCell(o runbook.Outcome) string {
	s := word(o.Status)
	if o.Status == runbook.Failed || o.Status == runbook.Incomplete {
		s = "**" + s + "**"
	}
	if !o.Confirmed.IsZero() {
		s += ", confirmed " + clock(o.Confirmed)
	}
	return s
}

// remark is the one thing worth a table's last column.
func remark(o runbook.Outcome) string {
	switch {
	case o.Error != "":
		return cell(firstLine(o.Error))
	case o.Undo != nil && o.Undo.Error != "":
		return cell(firstLine(o.Undo.Error))
	case o.Checks != nil:
		held := 0
		for _, a := range o.Checks {
			if a.OK {
				held++
			}
		}
		return fmt.Sprintf("%d of %s held", held, count(len(o.Checks), "assertion"))
	case !o.Change.Empty():
		return count(edits(o.Change), "edit")
	case o.Exit != nil:
		return exit(o)
	}
	return ""
}

// word is a status in prose.
func word(s runbook.Status) string {
	if s == runbook.RolledBack {
		return "rolled back"
	}
	return string(s)
}
