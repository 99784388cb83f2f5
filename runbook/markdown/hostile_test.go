package markdown

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// filled writes s over and over between two ends.
func filled(head, s, tail string) func(size int) string {
	return func(size int) string { return head + strings.Repeat(s, size/len(s)) + tail }
}

// counted writes numbered lines between two ends.
func counted(head, format, tail string) func(size int) string {
	return func(size int) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String() + tail
	}
}

// both is one half of each.
func both(first, second func(size int) string) func(size int) string {
	return func(size int) string { return first(size/2) + second(size/2) }
}

// stairs goes one list deeper with each line, and back from time to time.
func stairs(every int) func(size int) string {
	return func(size int) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			b.WriteString(strings.Repeat(" ", 2*(i%every)) + "- x\n")
		}
		return b.String()
	}
}

var deepQuote, deepList = strings.Repeat("> ", 90), strings.Repeat("- ", 90)

// hostile are documents for which a parser, or stet, could take time that
// grows faster than their size.
var hostile = map[string]func(size int) string{
	"quotes in a line":         filled("", ">", "\n"),
	"quotes in all lines":      filled("", deepQuote+"x\n", ""),
	"lazy lines in quotes":     filled(deepQuote+"x\n", "x\n", ""),
	"lists in a line":          filled("", "- ", "x\n"),
	"lists in all lines":       filled("", deepList+"x\n", ""),
	"stairs":                   stairs(90),
	"endless stairs":           stairs(1 << 30),
	"blanks in an item":        filled("- x\n", "\n", "  y\n"),
	"items":                    filled("", "- x\n", ""),
	"loose items":              filled("", "1. x\n\n   y\n", ""),
	"tasks":                    filled("", "- [ ] x\n", ""),
	"loose tasks":              filled("", "- [ ] x\n\n\n", ""),
	"task with braces":         filled("- [ ] ", "{", "}\n"),
	"fences":                   filled("", "```sh { run }\n```\n", ""),
	"open fences":              filled("", "> ```sh { run }\n\n", ""),
	"long body":                filled("```sh { run }\n", "x\n", "```\n"),
	"long body in quotes":      filled(deepQuote+"```sh { run }\n", deepQuote+"x\n", deepQuote+"```\n"),
	"long fence":               filled("", "~", "\n"),
	"long comment":             filled("<!--\n", "x\n", ""),
	"open comments":            filled("", "<!-- x\n\n", ""),
	"elements":                 filled("", "<div>\n", ""),
	"elements and blanks":      filled("", "<div>\n\n", ""),
	"instructions":             filled("", "<?\n", ""),
	"CDATA":                    filled("", "<![CDATA[\n", ""),
	"less":                     filled("", "<", ""),
	"open tags":                filled("", "<a\n", ""),
	"attributes of a tag":      filled("<a", " b", "\n"),
	"open attribute":           filled("<a ", "x='", "\n"),
	"tags in paragraphs":       filled("", "<a b c d e f\n\n", ""),
	"markers":                  filled("", "<!-- stet:result name=x -->\n", ""),
	"closing markers":          filled("", "<!-- /stet:result name=x -->\n", ""),
	"markers apart":            counted("", "<!-- stet:result name=x%d -->\n\np\n\n", ""),
	"long marker":              filled("<!-- stet:result ", "a=b ", "-->\n\n<!-- /stet:result -->\n"),
	"regions":                  filled("", "<!-- stet:result name=x -->\n<!-- /stet:result name=x -->\n", ""),
	"regions of blocks":        filled("", "```check\n```\n<!-- stet:result name=x -->\n<!-- /stet:result name=x -->\n", ""),
	"references":               filled("", "[a]: b\n", ""),
	"references in paragraphs": filled("", strings.Repeat("[a]: b\n", 1900)+"\n", ""),
	"open references":          filled("", "[a\n", ""),
	"open brackets":            filled("", "[", ""),
	"open addresses":           filled("", "[a]: <\n", ""),
	"open titles":              filled("", "[a]: b '\n", ""),
	"titles in paragraphs":     filled("", "[a]: b '\n\n", ""),
	"long label":               filled("[", "a", "]: b\n"),
	"backslashes":              filled("[", `\`, "]: b\n"),
	"paragraph":                filled("", "word\n", ""),
	"indented paragraph":       filled("w\n", "    word\n", ""),
	"setext headings":          filled("", "a\n---\n", ""),
	"long setext heading":      filled("", "a\n", "---\n"),
	"headings":                 filled("", "# a\n", ""),
	"long heading":             filled("# ", "a ", "\n"),
	"closing heading":          filled("# ", "#", "\n"),
	"dashes":                   filled("", "-", "\n"),
	"dashes apart":             filled("", "- ", "\n"),
	"stars apart":              filled("", "* ", "a\n"),
	"rules":                    filled("", "* * *\n", ""),
	"one line":                 filled("", "é", ""),
	"spaces":                   filled("", " ", "\n"),
	"lines of spaces":          filled("", "      \n", ""),
	"tabs":                     filled("", "\t", "x\n"),
	"tabs in a list":           filled("", "-\t", "x\n"),
	"lines of tabs":            filled("- x\n", "\t\t\tx\n", ""),
	"CR":                       filled("", "x\r", ""),
	"CRLF":                     filled("", "x\r\n", ""),
	"NUL":                      filled("", "\x00", ""),
	"blank lines":              filled("", "\n", ""),
	"table":                    filled("|a|\n|-|\n", "|a|\n", ""),
	"code":                     filled("", "    x\n", ""),
	"code with blanks":         filled("    x\n", "\n", "    y\n"),
	"code in a quote":          filled(">     x\n", ">\n", ">     y\n"),
	"long key":                 filled("```check { ", "a", " }\n```\n"),
	"unknown attributes":       filled("```check { ", "é ", "}\n```\n"),
	"unknown targets":          filled("```check { on=", "a,", " }\n```\n"),
	"environment":              filled("```sh { run ", "env=A=1 ", "}\n```\n"),
	"JSON":                     filled("```check {", `"é":1,`, "\"b\":1}\n```\n"),
	"JSON in JSON":             filled(`check { "a":`, "[", "}\n```\n"),
	"equal names":              filled("", "```check { name=x }\n```\n", ""),
	"made names":               both(counted("", "```check { name=check-1-%d }\n```\n", ""), filled("", "```check\n```\n", "")),
	"unknown changes":          both(counted("", "```sh { run name=a%d }\n```\n", ""), filled("", "```rollback { for=nothere }\n```\n", "")),
	"tags":                     filled("", "<!-- check: name=x -->\n", ""),
	"unknown keys":             counted("---\n", "k%d: 1\n", "---\n"),
	"equal keys":               filled("---\n", "a: 1\n", "---\n"),
	"variables and secrets":    both(counted("---\nvars:\n", "  k%d: 1\n", "secrets:\n"), counted("", "  k%d: env:X\n", "---\n")),
	"group":                    both(counted("---\ntargets:\n", "  k%d: local\n", "  g: ["), counted("", "k%d, ", "]\n---\n")),
	"unknown members":          both(counted("---\ntargets:\n", "  k%d: local\n", "  g: ["), counted("", "j%d, ", "]\n---\n")),
	"group on blocks":          both(counted("---\ntargets:\n", "  k%d: local\n", "  g: [k1, k2]\n---\n"), filled("", "```check { on=g }\n```\n", "")),
	"unknown target on blocks": both(counted("---\ntargets:\n", "  k%d: local\n", "---\n"), filled("", "```check { on=kx }\n```\n", "")),
	"groups of groups":         counted("---\ntargets:\n", "  a%[1]d: [a%[1]d, x]\n", "---\n"),
	"deep YAML":                filled("---\na: ", "[", "\n---\n"),
	"long list":                filled("---\na: [", "é, ", "]\n---\n"),
	"bad YAML":                 filled("---\n", "a: b: c\n", "---\n"),
	"aliases":                  filled("---\na: &a [x]\nb: [", "*a, ", "]\n---\n"),
	"open front matter":        filled("---\n", "a: b\n", ""),
}

// TestHostile compares the time of the processor for each hostile document
// with that for one of four times its size: four is linear, sixteen quadratic.
// What else the machine does makes it longer, so that the least of some tries
// counts; and what only begins to be collected as garbage at a size, or leaves the
// processor's caches, does not grow so again at the next one.
func TestHostile(t *testing.T) {
	const size, tries = 24 << 10, 6
	for name, write := range hostile {
		small, faults := busy(t, []byte(write(size)))
		big, _ := busy(t, []byte(write(4*size)))
		for try := 1; try < tries && big > 300*time.Millisecond && big > 9*small; try++ {
			again, _ := busy(t, []byte(write(4*size)))
			big = min(big, again)
		}
		if big <= 300*time.Millisecond || big <= 9*small {
			continue
		}
		if huge, _ := busy(t, []byte(write(16*size))); huge > 9*big {
			t.Errorf("%s: %v, %v for four times as much, and %v for sixteen times (%d diagnostics)", name, small, big, huge, faults)
		}
	}
}

// busy is how long the processor reads a document and writes its results.
func busy(t *testing.T, src []byte) (took time.Duration, diagnostics int) {
	t.Helper()
	start := processor(t)
	d := Parse("x.md", src)
	out, _ := Splice(src, "head", results(d, "x"))
	if !bytes.Equal(Strip(out), Strip(src)) {
		t.Errorf("%.60q… changed", src)
	}
	Format(out, FormatOptions{Attributes: true})
	return processor(t) - start, len(d.Diagnostics)
}

func processor(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
