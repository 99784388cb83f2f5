package yaml

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// source finds where values end: the library tells only where they start.
type source struct {
	lines []string // without their ends
	// The last place looked up: going on from it keeps a long line linear.
	line, column, offset int
}

func newSource(src string) *source {
	lines := strings.Split(strings.TrimPrefix(src, "\uFEFF"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return &source{lines: lines}
}

// at is the byte offset of a column in a line.
func (s *source) at(line, column int) int {
	if line != s.line || column < s.column {
		s.line, s.column, s.offset = line, 1, 0
	}
	text := s.lines[line-1]
	for s.column < column && s.offset < len(text) {
		_, size := utf8.DecodeRuneInString(text[s.offset:])
		s.offset += size
		s.column++
	}
	return s.offset
}

// extent sets the node's end, and moves its start behind anchor and tag.
func (s *source) extent(n *yaml.Node, out *Node) {
	out.EndLine, out.EndColumn = out.Line, out.Column
	if out.Line < 1 || out.Line > len(s.lines) {
		return
	}
	c := cursor{s: s, line: out.Line, column: out.Column}
	c.rest = s.lines[c.line-1][s.at(c.line, c.column):]
	c.properties()
	if c.line == out.Line {
		out.Column = c.column
	}
	switch {
	case out.Kind == Scalar:
		c.scalar(n)
	case n.Style&yaml.FlowStyle != 0:
		c.flow(out)
	default:
		c.last(out)
	}
	out.EndLine, out.EndColumn = c.line, c.column
	s.at(min(c.line, len(s.lines)), c.column)
}

// cursor walks over the source from a value's start.
type cursor struct {
	s            *source
	line, column int
	rest         string // of the line
}

func (c *cursor) skip(bytes int) {
	c.column += utf8.RuneCountInString(c.rest[:bytes])
	c.rest = c.rest[bytes:]
}

func (c *cursor) nextLine() bool {
	if c.line >= len(c.s.lines) {
		return false
	}
	c.line++
	c.column, c.rest = 1, c.s.lines[c.line-1]
	return true
}

// blank skips spaces, and line ends too.
func (c *cursor) blank() bool {
	for {
		c.skip(len(c.rest) - len(strings.TrimLeft(c.rest, " \t")))
		if c.rest != "" {
			return true
		}
		if !c.nextLine() {
			return false
		}
	}
}

// properties skips anchor and tag.
func (c *cursor) properties() {
	for strings.HasPrefix(c.rest, "&") || strings.HasPrefix(c.rest, "!") {
		end := strings.IndexAny(c.rest, " \t")
		if end < 0 {
			end = len(c.rest)
		}
		c.skip(end)
		c.skip(len(c.rest) - len(strings.TrimLeft(c.rest, " \t")))
	}
}

func (c *cursor) scalar(n *yaml.Node) {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		c.quoted('"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		c.quoted('\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		c.block()
	default:
		c.plain(n.Value)
	}
}

func (c *cursor) quoted(quote byte) {
	if c.rest == "" || c.rest[0] != quote {
		return
	}
	c.skip(1)
	for {
		for i := 0; i < len(c.rest); i++ {
			switch {
			case quote == '"' && c.rest[i] == '\\':
				i++
			case quote == '\'' && c.rest[i] == quote && i+1 < len(c.rest) && c.rest[i+1] == quote:
				i++
			case c.rest[i] == quote:
				c.skip(i + 1)
				return
			}
		}
		if !c.nextLine() {
			return
		}
	}
}

// block goes to the end of a "|" or ">" scalar: its lines are indented at
// least like its first one.
func (c *cursor) block() {
	c.skip(len(c.rest))
	indent := -1
	for i := c.line; i < len(c.s.lines); i++ {
		text := c.s.lines[i]
		body := strings.TrimLeft(text, " ")
		if body == "" {
			continue
		}
		if indent < 0 {
			indent = len(text) - len(body)
		}
		if len(text)-len(body) < indent || indent == 0 {
			return
		}
		c.line, c.rest, c.column = i+1, text, 1
		c.skip(len(c.rest))
	}
}

// plain follows the value's words over the lines that it is folded from.
func (c *cursor) plain(value string) {
	if strings.HasPrefix(c.rest, value) {
		c.skip(len(value))
		return
	}
	for _, word := range strings.Fields(value) {
		if !c.blank() || !strings.HasPrefix(c.rest, word) {
			return
		}
		c.skip(len(word))
	}
}

// last goes to the end of a collection's last child.
func (c *cursor) last(out *Node) {
	var child *Node
	switch {
	case len(out.Pairs) > 0:
		child = out.Pairs[len(out.Pairs)-1].Value
		if k := out.Pairs[len(out.Pairs)-1].Key; after(k, child) {
			child = k
		}
	case len(out.Items) > 0:
		child = out.Items[len(out.Items)-1]
	}
	if child == nil || child.EndLine < c.line || child.EndLine > len(c.s.lines) || child.EndLine == c.line && child.EndColumn < c.column {
		return // an alias or a merge, whose values stand elsewhere
	}
	c.line, c.column = child.EndLine, child.EndColumn
	c.rest = c.s.lines[c.line-1][c.s.at(c.line, c.column):]
}

func after(a, b *Node) bool {
	return a.EndLine > b.EndLine || a.EndLine == b.EndLine && a.EndColumn > b.EndColumn
}

// flow goes behind the bracket that closes a flow collection.
func (c *cursor) flow(out *Node) {
	start := *c
	c.last(out)
	if c.line == start.line && c.column == start.column && c.rest != "" {
		c.skip(1) // the opening bracket of an empty one
	}
	for c.blank() {
		switch c.rest[0] {
		case '#':
			c.skip(len(c.rest))
		case ']', '}':
			c.skip(1)
			return
		case ',', '*', ':':
			c.skip(1)
		default: // an alias's name
			end := strings.IndexAny(c.rest, " ,]}")
			if end <= 0 {
				end = len(c.rest)
			}
			c.skip(end)
		}
	}
}
