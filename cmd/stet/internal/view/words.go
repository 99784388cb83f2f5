package view

import (
	"fmt"
	"strings"
	"time"

	"stet/executors/netstate"
	"stet/runbook"
)

// statusWord is a status in its colour.
func statusWord(s runbook.Status) string {
	return statusPaint(s)(string(s))
}

func statusPaint(s runbook.Status) func(string) string {
	switch s {
	case runbook.OK, runbook.Unchanged:
		return green
	case runbook.Failed, runbook.Incomplete, runbook.Unfinished:
		return red
	case runbook.RolledBack, runbook.Refused, runbook.Aborted:
		return yellow
	case runbook.Skipped, runbook.Running:
		return faint
	}
	return func(s string) string { return s }
}

// label is a line's first word, padded to the column where its text begins.
func label(word string, paint func(string) string) string {
	const width = 12
	return paint(word) + strings.Repeat(" ", max(1, width-len(word)))
}

// clock is a time of day in UTC, as results say it.
func clock(t time.Time) string { return t.UTC().Format("15:04:05Z") }

// count is a number with its noun: "1 edit", "3 edits".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// place is a step with its target: "uplink on r1".
func place(step, target string) string {
	if target == "" {
		return step
	}
	return step + " on " + target
}

// sent counts the edits that stet makes itself.
func sent(c *netstate.Change) int {
	return c.Count()
}

// indent puts prefix before every line of text and ends it with a line end.
func indent(prefix, text string) string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return ""
	}
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix) + "\n"
}
