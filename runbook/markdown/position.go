package markdown

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"stet/runbook"
)

// byteOrderMark may open a file; it counts as no column.
const byteOrderMark = "\uFEFF"

// index finds lines and columns of offsets. Its lines are computed once.
type index struct {
	src   []byte
	lines []int // where each line starts
	// The last place looked up: going on from it keeps a long line linear.
	line, offset, column int
}

func newIndex(src []byte) *index {
	x := &index{src: src, lines: []int{0}, line: -1}
	for at := 0; ; {
		i := bytes.IndexByte(src[at:], '\n')
		if i < 0 {
			return x
		}
		at += i + 1
		x.lines = append(x.lines, at)
	}
}

// lineOf is the line, from 0, in which an offset stands.
func (x *index) lineOf(offset int) int {
	return sort.Search(len(x.lines), func(i int) bool { return x.lines[i] > offset }) - 1
}

// start is where the line of an offset starts.
func (x *index) start(offset int) int { return x.lines[x.lineOf(offset)] }

// end is where the line of an offset ends, with its line end.
func (x *index) end(offset int) int {
	if line := x.lineOf(offset); line+1 < len(x.lines) {
		return x.lines[line+1]
	}
	return len(x.src)
}

func (x *index) position(offset int) runbook.Position {
	offset = min(max(offset, 0), len(x.src))
	line := x.lineOf(offset)
	if line != x.line || offset < x.offset {
		x.line, x.offset, x.column = line, x.lines[line], 1
		if line == 0 && bytes.HasPrefix(x.src, []byte(byteOrderMark)) && offset >= len(byteOrderMark) {
			x.offset = len(byteOrderMark)
		}
	}
	x.column += utf8.RuneCount(x.src[x.offset:offset])
	x.offset = offset
	return runbook.Position{Line: line + 1, Column: x.column}
}

// at is the offset of a place; past a line's end it is the line's end.
func (x *index) at(p runbook.Position) int {
	if p.Line < 1 {
		return 0
	}
	if p.Line > len(x.lines) {
		return len(x.src)
	}
	start := x.lines[p.Line-1]
	if p.Line == 1 {
		start = bom(x.src)
	}
	text := trimEnd(x.src[start:x.end(start)])
	return start + runes(text, p.Column-1)
}

// runes is how many bytes the first n characters of text take.
func runes(text []byte, n int) int {
	at := 0
	for ; n > 0 && at < len(text); n-- {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}

// bom is the length of the byte order mark that src starts with, if any.
func bom(src []byte) int {
	if bytes.HasPrefix(src, []byte(byteOrderMark)) {
		return len(byteOrderMark)
	}
	return 0
}

// trimEnd cuts a line's end off.
func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// Position is the place of a byte of src for people: both numbers count from
// 1, columns in characters. An offset outside of src is its nearer end.
func Position(src []byte, offset int) runbook.Position {
	offset = min(max(offset, 0), len(src))
	start := bytes.LastIndexByte(src[:offset], '\n') + 1
	line := bytes.Count(src[:start], []byte("\n"))
	if start == 0 {
		start = min(bom(src), offset)
	}
	return runbook.Position{Line: line + 1, Column: utf8.RuneCount(src[start:offset]) + 1}
}

// BodyPosition is the place in the document of a place in a block's body,
// both counted from 1: behind the fence's line, the prefix of lists and quotes
// and a tab of which only a part belongs to the body.
func BodyPosition(d *runbook.Document, b *runbook.Block, line, column int) runbook.Position {
	if len(b.Lines) == 0 || line < 1 {
		return b.Start
	}
	if line > len(b.Lines) {
		line, column = len(b.Lines), 1<<30
	}
	span := b.Lines[line-1]
	first := b.Start.Line + 1
	if b.Kind == runbook.Manual {
		first = b.Start.Line
	}
	start := bytes.LastIndexByte(d.Source[:span.Start], '\n') + 1
	if start == 0 {
		start = min(bom(d.Source), span.Start)
	}
	before := utf8.RuneCount(d.Source[start:span.Start])
	text := d.Source[span.Start:span.End]
	column -= len(bodyLine(b.Body, line)) - len(text) // spaces that are a part of a tab
	column = min(max(column, 1), utf8.RuneCount(text)+1)
	return runbook.Position{Line: first + line - 1, Column: before + column}
}

// bodyLine is a line of text, counted from 1.
func bodyLine(body string, line int) string {
	rest := []byte(body)
	for ; line > 1; line-- {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	head, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(head)
}
