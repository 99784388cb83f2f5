package apply

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// longestLine is where a line without an end is broken.
const longestLine = 16 << 10

// liner makes lines of text, safe to show, of what a program writes to a
// terminal: escape sequences go away, a carriage return starts the line over so
// that its last state is what stays, and bytes that are no text are shown as
// \xNN. It holds one line.
type liner struct {
	// emit gets a line; more tells that it is a part of one, which goes on.
	emit  func(line []byte, more bool)
	line  []byte
	state escape
	over  bool   // a carriage return was the last character
	part  []byte // the beginning of a character
}

// escape is where in an escape sequence (ECMA-48) the liner is.
type escape uint8

const (
	text         escape = iota
	esc                 // after ESC
	csi                 // in a control sequence, up to its final byte
	osc                 // in an operating system command, up to BEL or ST
	oscEsc              // after an ESC in one
	intermediate        // after ESC and an intermediate byte: one more
)

func (l *liner) write(p []byte) {
	for i := 0; i < len(p); {
		if l.state == text && len(l.part) == 0 && !l.over {
			n := printable(p[i:])
			l.add(p[i : i+n])
			if i += n; i == len(p) {
				return
			}
		}
		l.byte(p[i])
		i++
	}
}

// printable counts the leading bytes that need no thought.
func printable(p []byte) int {
	for i, c := range p {
		if c < 0x20 || c > 0x7e {
			return i
		}
	}
	return len(p)
}

func (l *liner) byte(c byte) {
	if l.state != text {
		l.sequence(c)
		return
	}
	if len(l.part) > 0 {
		if c&0xc0 == 0x80 {
			l.part = append(l.part, c)
			l.character()
			return
		}
		l.visible(l.part)
		l.part = l.part[:0]
	}
	if c >= 0x80 {
		l.restart()
		l.part = append(l.part, c)
		l.character()
		return
	}
	l.ascii(c)
}

func (l *liner) ascii(c byte) {
	switch {
	case c == '\n':
		l.over = false
		l.flush()
	case c == '\r':
		l.over = true
	case c == 0x1b:
		l.state = esc
	case c == '\b':
		_, n := utf8.DecodeLastRune(l.line)
		l.line = l.line[:len(l.line)-n]
	case c == 7: // a bell is no text
	case c == '\t' || c >= 0x20 && c != 0x7f:
		l.restart()
		l.add([]byte{c})
	default:
		l.restart()
		l.visible([]byte{c})
	}
}

// restart begins the line anew when something follows a carriage return.
func (l *liner) restart() {
	if l.over {
		l.line, l.over = l.line[:0], false
	}
}

// character takes the bytes of part as a character once they are one, or
// shows them once they cannot become one.
func (l *liner) character() {
	if !utf8.FullRune(l.part) {
		return
	}
	r, n := utf8.DecodeRune(l.part)
	switch {
	case r == utf8.RuneError && n <= 1:
		l.visible(l.part)
	case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
		l.add(fmt.Appendf(nil, `\u%04x`, r))
	default:
		l.add(l.part)
	}
	l.part = l.part[:0]
}

func (l *liner) visible(p []byte) {
	for _, c := range p {
		l.add(fmt.Appendf(nil, `\x%02x`, c))
	}
}

// sequence swallows an escape sequence.
func (l *liner) sequence(c byte) {
	switch l.state {
	case esc:
		switch {
		case c == '[':
			l.state = csi
		case c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_':
			l.state = osc
		case c >= 0x20 && c <= 0x2f:
			l.state = intermediate
		default:
			l.state = text
		}
	case csi:
		if c >= 0x40 && c <= 0x7e {
			l.state = text
		}
	case osc:
		switch c {
		case 7:
			l.state = text
		case 0x1b:
			l.state = oscEsc
		}
	case oscEsc:
		l.state = osc
		if c == '\\' {
			l.state = text
		}
	case intermediate:
		l.state = text
	case text:
	}
	if c == '\n' { // a sequence that was never ended must not swallow the rest
		l.state = text
		l.flush()
	}
}

func (l *liner) add(p []byte) {
	for len(p) > 0 {
		n := min(len(p), longestLine-len(l.line))
		l.line = append(l.line, p[:n]...)
		if p = p[n:]; len(l.line) == longestLine {
			l.pass(true)
		}
	}
}

func (l *liner) flush() { l.pass(false) }

func (l *liner) pass(more bool) {
	l.emit(l.line, more)
	l.line = l.line[:0]
}

// end shows what is left when the output is over.
func (l *liner) end() {
	l.visible(l.part)
	l.part = nil
	if len(l.line) > 0 {
		l.flush()
	}
}
