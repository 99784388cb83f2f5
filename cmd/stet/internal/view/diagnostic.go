package view

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"stet/runbook"
)

// Source is a document whose lines are shown below diagnostics.
type Source struct {
	text  []byte
	lines []int // where each starts
}

// NewSource splits a document into lines. src may be nil: then none is shown.
func NewSource(src []byte) *Source {
	s := &Source{text: bytes.TrimPrefix(src, []byte("\ufeff"))}
	for at := 0; at < len(s.text); {
		s.lines = append(s.lines, at)
		next := bytes.IndexByte(s.text[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return s
}

// Diagnostic is a fault or warning for people: place and summary, the source
// line with a caret below the place, and the remedy.
func (s *Source) Diagnostic(d runbook.Diagnostic) string {
	var b strings.Builder
	paint := red
	if d.Severity == runbook.Warning {
		paint = yellow
	}
	fmt.Fprintf(&b, "%s:%d:%d: %s: %s\n", d.Path, d.Start.Line, d.Start.Column, paint(string(d.Severity)), bold(d.Summary))
	if line, ok := s.line(d.Start.Line); ok {
		shown, place := excerpt(line, d)
		number := fmt.Sprintf("%5d", d.Start.Line)
		fmt.Fprintf(&b, "%s | %s\n", faint(number), shown)
		fmt.Fprintf(&b, "%s | %s\n", strings.Repeat(" ", len(number)), caret(shown, place, paint))
	}
	if d.Detail != "" {
		b.WriteString(indent("      = ", d.Detail))
	}
	return b.String()
}

// line is line n, counted from 1, without its end.
func (s *Source) line(n int) (string, bool) {
	if n < 1 || n > len(s.lines) {
		return "", false
	}
	text := s.text[s.lines[n-1]:]
	if n < len(s.lines) {
		text = s.text[s.lines[n-1]:s.lines[n]]
	}
	return string(bytes.TrimRight(text, "\r\n")), true
}

// Of a line that is longer than maxLine bytes, only what is around the place
// is shown.
const (
	maxLine     = 400
	excerptSize = 120 // characters
)

// excerpt makes a line safe for a terminal and, when it is long, cuts it to
// what is around the place; the diagnostic's columns are those in the excerpt.
func excerpt(line string, d runbook.Diagnostic) (string, runbook.Diagnostic) {
	if len(line) <= maxLine {
		return printable(line), d
	}
	from := max(d.Start.Column-1-excerptSize/3, 0)
	start := skip(line, from)
	if start == len(line) { // the place is behind the end
		return "…", runbook.Diagnostic{Start: runbook.Position{Line: d.Start.Line, Column: 2}}
	}
	rest := line[start:]
	end := skip(rest, excerptSize)
	out, before := printable(rest[:end]), 0
	if start > 0 {
		out, before = "…"+out, 1
	}
	if end < len(rest) {
		out += "…"
	}
	d.Start.Column += before - from
	d.End.Column += before - from
	return out, d
}

// skip is how many bytes the first n characters take.
func skip(s string, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

// printable replaces control characters, and those that change the direction of writing, so that a document cannot play with
// the terminal; a tab stays, it is one column here and in the caret's line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Bidi_Control, r)) {
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
