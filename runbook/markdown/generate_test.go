package markdown

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generate writes a document that nests what Markdown has.
func generate(r *rand.Rand) []byte {
	g := &generator{Rand: r}
	lines := g.blocks(0)
	if r.IntN(3) == 0 {
		lines = append([]string{"---", "title: generated", "targets: {here: local}", "---"}, lines...)
	}
	var b strings.Builder
	if r.IntN(5) == 0 {
		b.WriteString("\uFEFF")
	}
	ends := r.IntN(3)
	for i, line := range lines {
		b.WriteString(line)
		switch {
		case i == len(lines)-1 && r.IntN(3) == 0: // no final line end
		case ends == 1 || ends == 2 && r.IntN(2) == 0:
			b.WriteString("\r\n")
		default:
			b.WriteString("\n")
		}
	}
	return []byte(b.String())
}

type generator struct {
	*rand.Rand
	n int // names given
}

func (g *generator) pick(words ...string) string { return words[g.IntN(len(words))] }

func (g *generator) blocks(depth int) []string {
	var out []string
	for range 1 + g.IntN(6-min(depth, 4)) {
		out = append(out, g.block(depth)...)
		for range g.IntN(3) {
			out = append(out, g.pick("", "", "", "  "))
		}
	}
	return out
}

func (g *generator) block(depth int) []string {
	kind := g.IntN(12)
	if depth > 4 && kind < 5 {
		kind = 5
	}
	switch kind {
	case 0, 1:
		return g.list(depth)
	case 2:
		return g.quote(depth)
	case 3:
		return g.tasks(depth)
	case 4, 5, 6, 7:
		return g.fence()
	case 8:
		return g.html()
	case 9:
		return []string{g.pick("# Heading", "## Two ##", "Setext\n---", "***", "| a | b |\n|---|---|\n| 1 | 2 |", "[ref]: /url", "    indented\n    <!-- stet:like -->")}
	case 10:
		return []string{"Text ends in two spaces  ", g.pick("and goes on", "\tafter a tab", "  `code`", "<b>inline</b>"), "end."}
	}
	return []string{g.pick("a word", "1) one", "+ plus", "`ticks`", "é — ü", "&nbsp;", "\\# no heading", "latin-1: \xe9\xff", "NUL \x00 and ESC \x1b", "\u2028\u00a0\v\f")}
}

func (g *generator) list(depth int) []string {
	marker := g.pick("- ", "* ", "+  ", "1. ", "23)   ", "-\t", "-    ")
	rest := strings.Repeat(" ", len(marker))
	if marker == "-\t" {
		rest = g.pick("\t", "    ")
	}
	var out []string
	for range 1 + g.IntN(3) {
		for i, line := range lines(g.blocks(depth + 1)) {
			switch {
			case i == 0:
				out = append(out, marker+line)
			case line == "":
				out = append(out, "")
			default:
				out = append(out, rest+line)
			}
		}
	}
	return out
}

func (g *generator) quote(depth int) []string {
	prefix := g.pick("> ", ">", "  > ", ">\t")
	var out []string
	for _, line := range lines(g.blocks(depth + 1)) {
		out = append(out, prefix+line)
	}
	return out
}

func (g *generator) tasks(depth int) []string {
	marker := g.pick("- ", "* ", "2. ")
	rest := strings.Repeat(" ", len(marker))
	var out []string
	for range 1 + g.IntN(3) {
		out = append(out, marker+g.pick("[ ] ", "[x] ", "[ ] ", "[ ]\t", "[X]  ")+g.pick("Call the NOC", "Wait", "Look { on=here }", "Use {braces}"))
		switch g.IntN(4) {
		case 0:
			out = append(out, rest+"goes on", "lazily")
		case 1:
			out = append(out, "")
			for _, line := range lines(g.blocks(depth + 2)) {
				if line != "" {
					line = rest + line
				}
				out = append(out, line)
			}
		}
	}
	return out
}

func (g *generator) fence() []string {
	mark := strings.Repeat(g.pick("`", "~"), 3+g.IntN(3))
	indent := strings.Repeat(" ", g.IntN(4)*g.IntN(2))
	info := g.pick("sh { run }", "netconfig", "check { name=%d within=3s }", "sh { run name=%d }", "rollback", "snapshot {#%d}", `bash {"run": true, "name": "%d"}`,
		"{.netconfig #%d}", "sh", "text", "", "  python   { run timeout=5s env=\"A=1 B='x y'\" }  ")
	if strings.Contains(info, "%d") {
		g.n++
		info = fmt.Sprintf(strings.Replace(info, "%d", "n%d", 1), g.n)
	}
	var out []string
	if g.IntN(5) == 0 {
		g.n++
		out = append(out, g.pick("<!-- netconfig: name=%d -->", "<!-- run: name=%d on=here -->", "<!-- check: name=%d -->", "<!-- a remark %d -->"))
		out[0] = strings.Replace(out[0], "%d", fmt.Sprint("c", g.n), 1)
	}
	out = append(out, indent+mark+info)
	for range g.IntN(5) {
		out = append(out, indent+g.pick("line", "", "\ttab", "    four", "   ", "> quote", "- item", "``", "<!-- stet:like name=x -->", "<!-- /stet:like -->", "# no heading", "é → ü", "\xe9 \x00 \xff"))
	}
	if g.IntN(3) == 0 { // a shorter fence inside
		out = append(out, indent+mark[:len(mark)-1]+" inner", indent+mark[:len(mark)-1])
	}
	return append(out, g.pick(indent, "", " ")+mark+g.pick("", "", "  ", mark[:1]))
}

func (g *generator) html() []string {
	return lines([]string{g.pick("<div>\n\n", "<div>\ntext\n</div>\n", "<!-- a comment -->", "<!--\nlong\n\n```sh {run}\n```\n-->", "<pre>\n\n```sh {run}\n```\n</pre>",
		"<details><summary>s</summary>\n", "</details>\n", "<b>x</b>", "<script>\nx\n</script>", "<?php\n?>", "<![CDATA[\n]]>")})
}

// lines splits elements that hold several lines.
func lines(list []string) []string { return strings.Split(strings.Join(list, "\n"), "\n") }
