package check

import (
	"strings"
	"unicode"
)

// line is one assertion of a body: its text as it stands there (with the line
// ends of continued lines) and where it starts.
type line struct {
	text   string
	offset int // in characters of the body
	row    int // counts from 1
	column int // counts from 1
	// open is the offset in text of a bracket that nothing closes, or -1.
	open int
}

// flat is the assertion on one line, for people.
func (l line) flat() string {
	var parts []string
	for _, part := range strings.Split(l.text, "\n") {
		parts = append(parts, strings.TrimSpace(part))
	}
	return strings.Join(nonEmpty(parts...), " ")
}

// split cuts a body into assertions. An assertion ends with its line, unless
// brackets or a raw string are open, or the line ends in an operator that
// needs a right side. A line that starts with #, and what follows a # outside
// brackets and strings, is a comment.
func split(body string) []line {
	var lines []line
	text := []rune(body)
	row := 1
	for i := 0; i < len(text); {
		end, open := extent(text, i)
		if open >= 0 && end == len(text) {
			// Nothing closes it: only this line is at fault, so that the
			// others are still looked at.
			end = lineEnd(text, i)
		}
		l := line{offset: i, row: row, column: 1, open: -1}
		content := text[i:end]
		for len(content) > 0 && unicode.IsSpace(content[0]) {
			if content[0] == '\n' {
				break
			}
			content, l.offset, l.column = content[1:], l.offset+1, l.column+1
		}
		if open >= 0 && open < end {
			l.open = open - l.offset
		} else if open >= 0 {
			l.open = 0
		}
		l.text = strings.TrimRightFunc(string(withoutComments(content)), unicode.IsSpace)
		if l.text != "" {
			lines = append(lines, l)
		}
		row += 1 + count(text[i:end], '\n')
		i = end + 1
	}
	return lines
}

func lineEnd(text []rune, i int) int {
	for i < len(text) && text[i] != '\n' {
		i++
	}
	return i
}

func count(text []rune, r rune) int {
	n := 0
	for _, c := range text {
		if c == r {
			n++
		}
	}
	return n
}

// extent finds the end of the assertion that starts at i: the offset of its
// last line end. open is the offset of the last bracket that is still open at
// the end of the text, or -1.
func extent(text []rune, i int) (end, open int) {
	s := scanner{text: text, pos: i}
	for {
		stop := s.toLineEnd()
		if stop || len(s.open) == 0 && !s.dangling() {
			break
		}
		if s.pos-i > maxLength {
			return len(text), firstOr(s.open, i)
		}
		s.pos++
	}
	if len(s.open) > 0 {
		return s.pos, s.open[len(s.open)-1]
	}
	return s.pos, -1
}

func firstOr(open []int, i int) int {
	if len(open) > 0 {
		return open[0]
	}
	return i
}

// withoutComments puts blanks in the place of # comments, so that what stands
// behind them keeps its place.
func withoutComments(content []rune) []rune {
	clean := append([]rune(nil), content...)
	s := scanner{text: clean, blank: true}
	for !s.toLineEnd() {
		s.pos++
	}
	return clean
}

// scanner walks over an expression's text as expr's lexer does, as far as
// brackets, strings and comments go.
type scanner struct {
	text []rune
	pos  int
	open []int
	// word is what stands on the last line that has anything but comments.
	word []rune
	// blank makes the scanner put blanks in the place of # comments.
	blank bool
}

// toLineEnd moves to the next line end outside raw strings and block comments
// and reports whether the text ends there.
func (s *scanner) toLineEnd() bool {
	fresh := true
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		if fresh && !unicode.IsSpace(c) && c != '#' {
			s.word, fresh = s.word[:0], false
		}
		switch {
		case c == '\n':
			return false
		case c == '"' || c == '\'':
			s.quoted(c)
			s.word = append(s.word, c)
			continue
		case c == '`':
			s.raw()
			s.word = append(s.word, c)
			continue
		case c == '#' && len(s.open) == 0 || c == '/' && s.at(1) == '/':
			end := lineEnd(s.text, s.pos)
			for i := s.pos; s.blank && c == '#' && i < end; i++ {
				s.text[i] = ' '
			}
			s.pos = end
			continue
		case c == '/' && s.at(1) == '*':
			s.block()
			continue
		case c == '(' || c == '[' || c == '{':
			s.open = append(s.open, s.pos)
		case (c == ')' || c == ']' || c == '}') && len(s.open) > 0:
			s.open = s.open[:len(s.open)-1]
		}
		s.word = append(s.word, c)
		s.pos++
	}
	return true
}

func (s *scanner) at(ahead int) rune {
	if s.pos+ahead < len(s.text) {
		return s.text[s.pos+ahead]
	}
	return 0
}

// quoted skips a string; one that its line does not close ends there.
func (s *scanner) quoted(quote rune) {
	for s.pos++; s.pos < len(s.text) && s.text[s.pos] != '\n'; s.pos++ {
		switch s.text[s.pos] {
		case '\\':
			if s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n' {
				s.pos++
			}
		case quote:
			s.pos++
			return
		}
	}
}

// raw skips a raw string, which may span lines; "“" stands for "`".
func (s *scanner) raw() {
	for i := s.pos + 1; i < len(s.text); i++ {
		if s.text[i] == '`' {
			s.pos = i + 1
			return
		}
	}
	s.pos = lineEnd(s.text, s.pos)
}

func (s *scanner) block() {
	for i := s.pos + 2; i+1 < len(s.text); i++ {
		if s.text[i] == '*' && s.text[i+1] == '/' {
			s.pos = i + 2
			return
		}
	}
	s.pos = lineEnd(s.text, s.pos)
}

// dangling reports whether the line that was just walked ends in an operator
// that needs a right side.
func (s *scanner) dangling() bool {
	text := strings.TrimRightFunc(string(s.word), unicode.IsSpace)
	for _, op := range []string{"&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "*", "??", ","} {
		if strings.HasSuffix(text, op) {
			return true
		}
	}
	words := strings.Fields(text)
	if len(words) < 2 {
		return false
	}
	switch words[len(words)-1] {
	case "and", "or", "not", "in", "contains", "matches", "startsWith", "endsWith":
		return true
	}
	return false
}
