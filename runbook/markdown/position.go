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
	// marks has, by number of a line that is long, where every markEvery-th
	// character of it starts: a place in it is found without reading it all.
	marks map[int][]int
}

const markEvery = 256

func newIndex(src []byte) *index {
	x := &index{src: src, lines: []int{0}, marks: map[int][]int{}}
	for at := 0; ; {
		i := bytes.IndexByte(src[at:], '\n')
		if i < 0 {
			return x
		}
		at += i + 1
		x.lines = append(x.lines, at)
	}
}

// text is a line without its end and without a byte order mark; start is its
// offset.
func (x *index) text(line int) (text []byte, start int) {
	start, end := x.lines[line], len(x.src)
	if line+1 < len(x.lines) {
		end = x.lines[line+1]
	}
	if line == 0 {
		start = bom(x.src)
	}
	return trimEnd(x.src[start:end]), start
}

// marked are the marks of a line, from the start of its text.
func (x *index) marked(line int, text []byte) []int {
	if len(text) < 4*markEvery {
		return []int{0}
	}
	list, ok := x.marks[line]
	if ok {
		return list
	}
	for at := 0; at < len(text); at += runes(text[at:], markEvery) {
		list = append(list, at)
	}
	x.marks[line] = list
	return list
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
	text, start := x.text(line)
	offset = max(offset-start, 0)
	marks := x.marked(line, text)
	i := sort.SearchInts(marks, offset+1) - 1
	column := i*markEvery + utf8.RuneCount(x.src[start+marks[i]:start+offset])
	return runbook.Position{Line: line + 1, Column: column + 1}
}

// at is the offset of a place; past a line's end it is the line's end.
func (x *index) at(p runbook.Position) int {
	if p.Line < 1 {
		return 0
	}
	if p.Line > len(x.lines) {
		return len(x.src)
	}
	text, start := x.text(p.Line - 1)
	marks := x.marked(p.Line-1, text)
	column := max(p.Column-1, 0)
	i := min(column/markEvery, len(marks)-1)
	return start + marks[i] + runes(text[marks[i]:], column-i*markEvery)
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
	at := b.Lines[line-1]
	first := b.Start.Line + 1
	if b.Kind == runbook.Manual {
		first = b.Start.Line
	}
	start := bytes.LastIndexByte(d.Source[:at.Start], '\n') + 1
	if start == 0 {
		start = min(bom(d.Source), at.Start)
	}
	before := utf8.RuneCount(d.Source[start:at.Start])
	text := d.Source[at.Start:at.End]
	if b.Pads != nil {
		column -= b.Pads[line-1]
	}
	if column > len(text) {
		column = min(column, utf8.RuneCount(text)+1)
	}
	return runbook.Position{Line: first + line - 1, Column: before + max(column, 1)}
}

// BodyWord is the end of the word of YAML that starts at a place in a block's
// body, given with its position in the document: up to the blank, comma, colon
// or bracket behind it. A value in quotes, or none, has its end at its start.
func BodyWord(d *runbook.Document, b *runbook.Block, line int, start runbook.Position) runbook.Position {
	if line < 1 || line > len(b.Lines) || b.Lines[line-1].End-b.Lines[line-1].Start > maxWordLine {
		return start
	}
	lineStart := bytes.LastIndexByte(d.Source[:b.Lines[line-1].Start], '\n') + 1
	if lineStart == 0 {
		lineStart = bom(d.Source)
	}
	text := d.Source[lineStart:b.Lines[line-1].End]
	text = text[runes(text, start.Column-1):]
	end := bytes.IndexAny(text, " \t,:[]{}#\"'")
	if end < 0 {
		end = len(text)
	}
	start.Column += utf8.RuneCount(text[:end])
	return start
}

// maxWordLine bounds the lines in which the end of a word is looked for.
const maxWordLine = 64 << 10
