// Picture draws a runbook with its results as SVG, roughly as a forge shows it:
// picture REPORT.md OUT.svg.
package main

import (
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
)

const (
	width  = 860
	margin = 28
	// most is how many lines are drawn; the rest is cut, with an ellipsis.
	most = 74
	// charWidth is that of the monospaced font at 13 pixels.
	charWidth = 7.83
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: picture REPORT.md OUT.svg")
	}
	src, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	if err := os.WriteFile(args[1], []byte(draw(string(src))), 0o644); err != nil {
		return fmt.Errorf("writing the picture: %w", err)
	}
	return nil
}

// page is the picture so far; y is the next line's baseline.
type page struct {
	b     strings.Builder
	y     float64
	lines int
}

var comment = regexp.MustCompile(`^\s*<!--.*-->\s*$`)

func draw(src string) string {
	p := &page{y: margin + 10}
	lines := strings.Split(withoutFrontMatter(src), "\n")
	for i := 0; i < len(lines) && p.lines < most; {
		i += p.block(lines[i:])
	}
	if p.lines >= most {
		p.text(margin, "dim", "…")
	}
	height := int(p.y) + margin/2
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<title>A runbook after it ran</title>
<style>
text { font: 14px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; white-space: pre }
.h1 { font-size: 24px; font-weight: 600 }
.h2 { font-size: 19px; font-weight: 600 }
.code, .add, .del { font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.add { fill: #116329 }
.del { fill: #82071e }
.dim { fill: #59636e }
.b { font-weight: 600 }
.box { fill: #f6f8fa }
.line { stroke: #d1d9e0 }
</style>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="6" fill="#ffffff" stroke="#d1d9e0"/>
%s</svg>
`, width, height, width, height, width-1, height-1, p.b.String())
}

func withoutFrontMatter(src string) string {
	if rest, ok := strings.CutPrefix(src, "---\n"); ok {
		if _, body, ok := strings.Cut(rest, "\n---\n"); ok {
			return body
		}
	}
	return src
}

// block draws what begins at lines[0] and returns how many lines that took.
func (p *page) block(lines []string) int {
	line := lines[0]
	switch {
	case strings.TrimSpace(line) == "", comment.MatchString(line):
		return 1
	case strings.HasPrefix(line, "# "):
		p.heading("h1", line[2:], 20)
		return 1
	case strings.HasPrefix(line, "## "):
		p.heading("h2", line[3:], 14)
		return 1
	case strings.HasPrefix(line, "```"):
		return p.fence(lines)
	case strings.HasPrefix(line, "|"):
		return p.table(lines)
	}
	return p.paragraph(lines)
}

func (p *page) heading(class, text string, space float64) {
	p.y += space
	p.text(margin, class, text)
	p.y += 6
}

func (p *page) fence(lines []string) int {
	n := 1
	for n < len(lines) && !strings.HasPrefix(lines[n], "```") {
		n++
	}
	body := lines[1:min(n, len(lines))]
	p.box(len(body))
	for _, line := range body {
		class := "code"
		if strings.HasPrefix(lines[0], "```diff") {
			class = diffClass(line)
		}
		// Blanks at the beginning count, and not every renderer keeps them.
		p.text(margin+12, class, strings.ReplaceAll(line, " ", "\u00a0"))
	}
	p.y += 16
	return n + 1
}

func diffClass(line string) string {
	switch {
	case strings.HasPrefix(line, "+"):
		return "add"
	case strings.HasPrefix(line, "-"):
		return "del"
	}
	return "code"
}

func (p *page) box(lines int) {
	fmt.Fprintf(&p.b, "<rect class=\"box\" x=\"%d\" y=\"%.0f\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n",
		margin, p.y-14, width-2*margin, lines*20+14)
	p.y += 5
}

// table draws a table of Markdown with columns as wide as their widest cell.
func (p *page) table(lines []string) int {
	var rows [][]string
	n := 0
	for n < len(lines) && strings.HasPrefix(lines[n], "|") {
		if n != 1 {
			cells := strings.Split(strings.Trim(strings.ReplaceAll(lines[n], `\|`, "\u00a6"), "|"), "|")
			for i := range cells {
				cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "\u00a6", "|")
			}
			rows = append(rows, cells)
		}
		n++
	}
	at := columns(rows)
	for r, row := range rows {
		for c, cell := range row {
			if c >= len(at) {
				break
			}
			class := ""
			if r == 0 {
				class = "b"
			}
			p.inline(at[c], class, cell)
		}
		fmt.Fprintf(&p.b, "<line class=\"line\" x1=\"%d\" x2=\"%d\" y1=\"%.0f\" y2=\"%.0f\"/>\n", margin, width-margin, p.y+6, p.y+6)
		p.y += 24
		p.lines++
	}
	p.y += 8
	return n
}

// columns is where each column begins; those that do not fit are left out.
func columns(rows [][]string) []float64 {
	var at []float64
	next := float64(margin + 6)
	for c := range rows[0] {
		widest := 0
		for _, row := range rows {
			if c < len(row) {
				widest = max(widest, len([]rune(strings.Trim(row[c], "`*"))))
			}
		}
		end := next + float64(widest)*charWidth
		if end > width-margin {
			break
		}
		at = append(at, next)
		next = end + 18
	}
	return at
}

func (p *page) paragraph(lines []string) int {
	n := 0
	for n < len(lines) && strings.TrimSpace(lines[n]) != "" && !strings.HasPrefix(lines[n], "```") && !comment.MatchString(lines[n]) {
		p.inline(margin, "", lines[n])
		p.y += 20
		p.lines++
		n++
	}
	p.y += 8
	return max(n, 1)
}

func (p *page) text(x int, class, text string) {
	fmt.Fprintf(&p.b, "<text class=%q x=\"%d\" y=\"%.0f\">%s</text>\n", class, x, p.y, html.EscapeString(text))
	p.y += 20
	p.lines++
}

var mark = regexp.MustCompile("`[^`]+`|\\*\\*[^*]+\\*\\*")

// inline draws text with its code and its bold parts.
func (p *page) inline(x float64, class, text string) {
	fmt.Fprintf(&p.b, "<text class=%q x=\"%.0f\" y=\"%.0f\">", class, x, p.y)
	last := 0
	for _, m := range mark.FindAllStringIndex(text, -1) {
		p.b.WriteString(html.EscapeString(text[last:m[0]]))
		part := text[m[0]:m[1]]
		if part[0] == '`' {
			fmt.Fprintf(&p.b, "<tspan class=\"code\">%s</tspan>", html.EscapeString(strings.Trim(part, "`")))
		} else {
			fmt.Fprintf(&p.b, "<tspan class=\"b\">%s</tspan>", html.EscapeString(strings.Trim(part, "*")))
		}
		last = m[1]
	}
	p.b.WriteString(html.EscapeString(text[last:]) + "</text>\n")
}
