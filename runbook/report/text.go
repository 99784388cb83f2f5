package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"stet/executors/netstate"
)

// escaper takes every meaning from punctuation that CommonMark or GFM gives
// one in a line of text.
var escaper = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `>`, `\>`,
	`&`, `\&`, `#`, `\#`, `|`, `\|`, `~`, `\~`, `$`, `\$`, "\r\n", " ", "\n", " ", "\r", " ",
)

// escape makes one line of plain text of s.
func escape(s string) string { return escaper.Replace(strings.TrimSpace(s)) }

// cell is text in a table.
func cell(s string) string {
	return strings.ReplaceAll(escape(strings.ReplaceAll(strings.TrimSpace(s), "\n", "\x00")), "\x00", "<br>")
}

// html is text in an element's content.
func html(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", " ", "\r", " ").Replace(s)
}

// code is a code span: its delimiters are longer than any run of backticks in
// it (CommonMark 6.1).
func code(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	d := strings.Repeat("`", longestRun(s, '`')+1)
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' && s[len(s)-1] == ' ' {
		s = " " + s + " "
	}
	return d + s + d
}

// cellCode is a code span in a table, where a pipe needs a backslash even in
// code (GFM 4.10).
func cellCode(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }

// paragraph writes text: a line as prose, several as they are.
func paragraph(b *strings.Builder, s string) {
	s = strings.TrimSpace(s)
	if strings.Contains(s, "\n") {
		fence(b, "text", s)
		return
	}
	fmt.Fprintf(b, "\n%s\n", sentenceStart(escape(s)))
}

// sentenceStart keeps text at the beginning of a line from being a list, a
// heading or a table: those begin with what a sentence does not.
func sentenceStart(text string) string {
	rest := strings.TrimLeft(text, "0123456789")
	numbered := len(rest) < len(text) && rest != "" && (rest[0] == '.' || rest[0] == ')')
	if numbered || text != "" && strings.ContainsRune("+-=:", rune(text[0])) {
		return "&#8203;" + text
	}
	return text
}

// fence writes a code block whose fence is longer than any run of backticks in
// its content (CommonMark 4.5).
func fence(b *strings.Builder, lang, content string) {
	f := strings.Repeat("`", max(3, longestRun(content, '`')+1))
	content = strings.TrimRight(content, "\n")
	fmt.Fprintf(b, "\n%s%s\n%s\n%s\n", f, lang, content, f)
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

func firstLine(s string) string {
	line, _, more := strings.Cut(strings.TrimSpace(s), "\n")
	if more {
		line += " …"
	}
	return line
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05Z") }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// Duration is d as people say it: "0.13 s", "12 s", "2 min 5 s", "1 h 2 min".
func Duration(d time.Duration) string {
	switch seconds := d.Round(time.Second); {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case seconds < time.Minute:
		return fmt.Sprintf("%d s", int(seconds.Seconds()))
	case seconds < time.Hour:
		return parts(int(seconds.Minutes()), "min", int(seconds.Seconds())%60, "s")
	}
	minutes := int(d.Round(time.Minute).Minutes())
	return parts(minutes/60, "h", minutes%60, "min")
}

func parts(n int, unit string, rest int, of string) string {
	text := strconv.Itoa(n) + " " + unit
	if rest > 0 {
		text += " " + strconv.Itoa(rest) + " " + of
	}
	return text
}

func count(n int, what string) string { return countOf(int64(n), what) }

func countOf(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(n) + " " + what
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// edits counts what a change does itself, without what follows by itself.
func edits(c *netstate.Change) int {
	return c.Count()
}
