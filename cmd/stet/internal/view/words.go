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

// Duration is d as people say it: "0.13 s", "12 s", "2m05s".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
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
