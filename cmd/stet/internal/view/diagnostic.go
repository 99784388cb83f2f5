package view

import (
	"fmt"
	"strings"

	"stet/runbook"
)

// Diagnostic is a fault or warning for people: place and summary, the source
// line with a caret below the place, and the remedy. src may be nil.
func Diagnostic(d runbook.Diagnostic, src []byte) string {
	var b strings.Builder
	paint := red
	if d.Severity == runbook.Warning {
		paint = yellow
	}
	fmt.Fprintf(&b, "%s:%d:%d: %s: %s\n", d.Path, d.Start.Line, d.Start.Column, paint(string(d.Severity)), bold(d.Summary))
	if line, ok := sourceLine(src, d.Start.Line); ok {
		number := fmt.Sprintf("%5d", d.Start.Line)
		fmt.Fprintf(&b, "%s | %s\n", faint(number), line)
		fmt.Fprintf(&b, "%s | %s\n", strings.Repeat(" ", len(number)), caret(line, d, paint))
	}
	if d.Detail != "" {
		b.WriteString(indent("      = ", d.Detail))
	}
	return b.String()
}

// sourceLine is line n of src, counted from 1, made safe for a terminal.
func sourceLine(src []byte, n int) (string, bool) {
	if n < 1 || len(src) == 0 {
		return "", false
	}
	text := strings.TrimPrefix(string(src), "\ufeff")
	for line := range strings.Lines(text) {
		if n--; n == 0 {
			return printable(strings.TrimRight(line, "\r\n")), true
		}
	}
	return "", false
}

// printable replaces control characters, so that a document cannot play with
// the terminal; a tab stays, it is one column here and in the caret's line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0) {
			return '\ufffd'
		}
		return r
	}, s)
}

// caret is the line below the source line: blanks up to the place, then a mark
// under each of its characters.
func caret(line string, d runbook.Diagnostic, paint func(string) string) string {
	runes := []rune(line)
	from := min(max(d.Start.Column-1, 0), len(runes))
	to := from + 1
	if d.End.Line == d.Start.Line && d.End.Column > d.Start.Column {
		to = d.End.Column - 1
	} else if d.End.Line > d.Start.Line {
		to = len(runes)
	}
	to = max(min(to, len(runes)), from+1)
	var blank strings.Builder
	for _, r := range runes[:from] {
		if r != '\t' {
			r = ' '
		}
		blank.WriteRune(r)
	}
	return blank.String() + paint(strings.Repeat("^", to-from))
}

// Tally counts faults and warnings: "2 errors, 1 warning".
func Tally(ds runbook.Diagnostics) string {
	faults := 0
	for _, d := range ds {
		if d.Severity == runbook.Fault {
			faults++
		}
	}
	var parts []string
	if faults > 0 {
		parts = append(parts, count(faults, "error"))
	}
	if n := len(ds) - faults; n > 0 {
		parts = append(parts, count(n, "warning"))
	}
	return strings.Join(parts, ", ")
}
