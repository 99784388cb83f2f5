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
		several(&b, outcomes)
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
			s += ", " + Duration(o.End.Sub(o.Start))
		}
	}
	if !o.Confirmed.IsZero() {
		s += " · " + confirmed(o.Status) + clock(o.Confirmed)
	}
	return s
}

// statusCell is a status in a table, with what makes it final.
func statusCell(o runbook.Outcome) string {
	s := word(o.Status)
	if o.Status == runbook.Failed || o.Status == runbook.Incomplete {
		s = "**" + s + "**"
	}
	if !o.Confirmed.IsZero() {
		s += ", " + confirmed(o.Status) + clock(o.Confirmed)
	}
	return s
}

// confirmed is said before the time when a step was: what was undone after that does
// not stand.
func confirmed(s runbook.Status) string {
	if s == runbook.RolledBack || s == runbook.Incomplete {
		return "had been confirmed "
	}
	return "confirmed "
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
	case o.Output != nil && oneLine(o.Output) != "" && o.Exit != nil && o.Exit.Code == 0 && o.Exit.Signal == "":
		return cellCode(oneLine(o.Output))
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
