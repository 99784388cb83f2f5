package markdown

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
)

// The words that open stet's regions. A closing marker has a "/" before them.
const (
	resultWord = "stet:result"
	reportWord = "stet:report"
)

// marker is a comment that opens or closes a region.
type marker struct {
	word   string
	closes bool
	fields []field
}

type field struct{ key, value string }

func (m marker) get(key string) string {
	for _, f := range m.fields {
		if f.key == key {
			return f.value
		}
	}
	return ""
}

func (m marker) set(key, value string) marker {
	out := marker{word: m.word, closes: m.closes}
	found := false
	for _, f := range m.fields {
		if f.key == key {
			f.value, found = value, true
		}
		if f.value != "" {
			out.fields = append(out.fields, f)
		}
	}
	if !found && value != "" {
		out.fields = append(out.fields, field{key, value})
	}
	return out
}

// String writes the marker on one line.
func (m marker) String() string {
	var b strings.Builder
	b.WriteString("<!-- ")
	if m.closes {
		b.WriteByte('/')
	}
	b.WriteString(m.word)
	for _, f := range m.fields {
		fmt.Fprintf(&b, " %s=%s", f.key, escapeField(f.value))
	}
	b.WriteString(" -->")
	return b.String()
}

// closing is the marker that closes m.
func (m marker) closing() marker {
	out := marker{word: m.word, closes: true}
	if name := m.get("name"); name != "" {
		out.fields = []field{{"name", name}}
	}
	return out
}

// escapeField writes what could end the comment or the word as %XX.
func escapeField(value string) string {
	var b strings.Builder
	for _, r := range value {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._:/+@-,", r) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func unescapeField(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := hex.DecodeString(text[i+1 : i+3]); err == nil {
				b.Write(c)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// comment is the text of an HTML block that is one comment on one line.
func comment(node ast.Node, src []byte) (string, bool) {
	html, ok := node.(*ast.HTMLBlock)
	if !ok || html.HTMLBlockType != ast.HTMLBlockType2 || html.Lines().Len() != 1 || html.HasClosure() {
		return "", false
	}
	line := html.Lines().At(0)
	text := bytes.TrimSpace(src[line.Start:line.Stop])
	text, opened := bytes.CutPrefix(text, []byte("<!--"))
	text, closed := bytes.CutSuffix(text, []byte("-->"))
	if !opened || !closed || bytes.Contains(text, []byte("-->")) {
		return "", false
	}
	return string(text), true
}

// readMarker reads a comment as a marker of stet.
func readMarker(node ast.Node, src []byte) (marker, bool) {
	text, ok := comment(node, src)
	if !ok {
		return marker{}, false
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return marker{}, false
	}
	word, closes := strings.CutPrefix(words[0], "/")
	if word != resultWord && word != reportWord {
		return marker{}, false
	}
	m := marker{word: word, closes: closes}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		m.fields = append(m.fields, field{key, unescapeField(value)})
	}
	return m, true
}

// bodyHash is the sha256 field of a region: line ends and blanks at the end
// of lines, which editors change, do not count.
func bodyHash(body string) string {
	h := sha256.New()
	for line := range strings.SplitSeq(strings.Trim(body, "\n"), "\n") {
		h.Write([]byte(strings.TrimRight(line, " \t\r")))
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// cleanBody is text as a region holds it: valid UTF-8, "\n" line ends, no
// blank lines around.
func cleanBody(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	lines := strings.Split(text, "\n")
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// containerPrefix makes the prefix that puts a line into the same container
// as the one whose content starts behind raw: list markers and tabs become
// spaces, and each ">" is followed by the one space that belongs to it.
// padding is how many columns of raw's last tab belong to the content.
func containerPrefix(raw []byte, padding int) string {
	var b strings.Builder
	column := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '\t':
			width := 4 - column%4
			b.WriteString(strings.Repeat(" ", width))
			column += width
			continue
		case '>':
			b.WriteByte('>')
			if i+1 == len(raw) || raw[i+1] != ' ' && raw[i+1] != '\t' {
				b.WriteByte(' ')
			}
		default:
			b.WriteByte(' ')
		}
		column++
	}
	return b.String()[:max(b.Len()-padding, 0)]
}

// cutPrefix takes a container's prefix off a line of a region. Lines that
// were moved by hand lose what they have of it.
func cutPrefix(line, prefix string) string {
	if rest, ok := strings.CutPrefix(line, prefix); ok {
		return rest
	}
	for _, r := range prefix {
		switch {
		case line == "":
			return ""
		case line[0] == byte(r):
			line = line[1:]
		case r == ' ':
		default:
			return line
		}
	}
	return line
}
