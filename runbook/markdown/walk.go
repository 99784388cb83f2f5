package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"

	"stet/runbook"
)

// walker goes through a document's tree and collects what stet knows in it.
type walker struct {
	*reading
	tree    tree
	base    int    // offset of the tree's text in the source
	text    []byte // the source from base on
	heading string
	report  bool // one was found
}

// last is what stands right before a node in its container.
type last struct {
	block   int         // index of the block, or -1
	comment *commentTag // attributes for the fence that follows
}

// commentTag is a comment line "<!-- netconfig: … -->".
type commentTag struct {
	kind string
	text span
}

type span = runbook.Span

// children visits what a container holds, in order.
func (w *walker) children(parent ast.Node) {
	before := last{block: -1}
	for c := parent.FirstChild(); c != nil; c = c.NextSibling() {
		now := last{block: -1}
		switch n := c.(type) {
		case *ast.HTMLBlock:
			if end := w.html(n, before, &now); end != nil {
				c = end
			}
		case *ast.Heading:
			w.heading = w.headingText(n)
		case *ast.CodeBlock:
			w.hidden(n)
		case *ast.FencedCodeBlock:
			now.block = w.fenced(n, before.comment)
		case *ast.Paragraph, *ast.TextBlock:
			if _, item := parent.(*ast.ListItem); item && c == parent.FirstChild() {
				now.block = w.task(n)
			}
		case *ast.List, *ast.ListItem, *ast.Blockquote:
			w.children(c)
		}
		if before.comment != nil && c.Kind() != ast.KindFencedCodeBlock {
			w.astray(before.comment)
		}
		before = now
	}
	if before.comment != nil {
		w.astray(before.comment)
	}
}

func (w *walker) headingText(n *ast.Heading) string {
	var words []string
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		words = append(words, strings.Fields(string(line.Value(w.text)))...)
	}
	return strings.ToValidUTF8(strings.Join(words, " "), "\uFFFD")
}

// html reads a marker or a comment with attributes. It returns the closing
// marker of the region that starts here, or nil.
func (w *walker) html(n *ast.HTMLBlock, before last, now *last) ast.Node {
	open, ok := readMarker(n, w.text)
	if !ok {
		w.hidden(n)
		now.comment = w.commentTag(n)
		return nil
	}
	at := w.base + n.Lines().At(0).Start
	here := span{Start: at, End: w.base + n.Lines().At(0).Stop}
	if open.closes {
		w.warn("stray-marker", here, "this closes no region of stet",
			"The marker that opens it is missing or stands in another list item or quote. Remove this line.")
		return nil
	}
	end := w.closing(n, open)
	start := w.index.start(at)
	if end == nil || len(bytes.Trim(w.src[start+bomAt(start, w.src):at], " \t>")) > 0 {
		w.warn("unclosed-region", here, "this region of stet has no end in the same list item or quote",
			"What follows is taken for text of yours. Remove this line, or put back "+open.closing().String()+".")
		return nil
	}
	w.region(n, end, open, before.block)
	return end
}

// bomAt is the length of the byte order mark at the very start.
func bomAt(offset int, src []byte) int {
	if offset == 0 {
		return bom(src)
	}
	return 0
}

// closing finds the end of a region among what follows in its container.
func (w *walker) closing(open ast.Node, m marker) ast.Node {
	for c := open.NextSibling(); c != nil; c = c.NextSibling() {
		if got, ok := readMarker(c, w.text); ok {
			if got.closes && got.word == m.word && got.get("name") == m.get("name") {
				return c
			}
			return nil
		}
	}
	return nil
}

func (w *walker) region(open, end ast.Node, m marker, block int) {
	first, final := open.Lines().At(0), end.Lines().At(0)
	start := w.index.start(w.base + first.Start)
	prefixStart := start + bomAt(start, w.src)
	indented := w.base + first.Start + bytes.IndexByte(w.text[first.Start:first.Stop], '<')
	r := regionAt{
		marker: m,
		prefix: containerPrefix(w.src[prefixStart:indented], 0),
		open:   span{Start: prefixStart, End: w.index.end(start)},
	}
	close := w.index.start(w.base + final.Start)
	r.close = span{Start: close, End: w.index.end(close)}
	r.Start = w.index.position(w.base + first.Start)
	r.Body = w.regionBody(r)
	r.Edited = m.get("sha256") != "" && m.get("sha256") != bodyHash(r.Body)
	r.Fields = map[string]string{}
	for _, f := range m.fields {
		r.Fields[f.key] = f.value
	}
	switch {
	case m.word == reportWord && !w.report && open.Parent() == w.tree.root:
		w.report = true
		r.role = reportRegion
	case m.word == resultWord && block >= 0:
		r.role, r.block = resultRegion, block
	default:
		r.role = orphanRegion
		w.warn("orphan-region", span{Start: w.base + first.Start, End: w.base + first.Stop}, "this result has no block",
			"The block before it is gone or stands elsewhere. `stet fmt` keeps it; remove it when nobody needs it.")
	}
	if r.Edited && r.role != orphanRegion {
		w.warn("edited-region", span{Start: w.base + first.Start, End: w.base + first.Stop}, "this was changed after stet wrote it",
			"The next run replaces it. Move what should stay out of the region.")
	}
	r.Span = w.regionSpan(r)
	w.regions = append(w.regions, r)
}

func (w *walker) regionBody(r regionAt) string {
	var lines []string
	for at := r.open.End; at < r.close.Start; {
		end := w.index.end(at)
		lines = append(lines, cutPrefix(string(trimEnd(w.src[at:end])), r.prefix))
		at = end
	}
	return cleanBody(strings.Join(lines, "\n"))
}

// regionSpan is everything that stet wrote for a region: the blank line
// before it; and where the document ends without a line end, the one that
// stet put before the region instead of after it.
func (w *walker) regionSpan(r regionAt) span {
	s := span{Start: r.open.Start, End: r.close.End}
	lowest := bom(w.src)
	if n := len(w.regions); n > 0 {
		lowest = w.regions[n-1].Span.End
	}
	floor := max(w.head, lowest)
	if r.role == resultRegion {
		floor = max(floor, w.blocks[r.block].Insert)
	}
	blank := w.blankBefore(s.Start)
	if r.role == orphanRegion && !w.blankAfter(s.End) {
		blank = s.Start // without it, the paragraphs around would be one
	}
	atTop := r.role == reportRegion && s.Start == w.head && w.meta == (span{Start: w.head, End: w.head})
	switch {
	case atTop && s.End < len(w.src):
		if next := w.index.end(s.End); len(bytes.TrimSpace(w.src[s.End:next])) == 0 {
			s.End = next
		}
	case blank >= floor:
		s.Start = blank
	}
	if s.End == len(w.src) && w.src[s.End-1] != '\n' && s.Start > lowest {
		s.Start -= len(w.src[:s.Start]) - len(trimEnd(w.src[:s.Start]))
	}
	return s
}

// blankBefore is the start of the blank line before a line, or the line's
// own start.
func (w *walker) blankBefore(start int) int {
	if start == 0 {
		return start
	}
	previous := w.index.start(start - 1)
	if len(bytes.Trim(w.src[previous:start], " \t>\r\n")) > 0 {
		return start
	}
	return previous
}

func (w *walker) blankAfter(end int) bool {
	return end >= len(w.src) || len(bytes.Trim(w.src[end:w.index.end(end)], " \t>\r\n")) == 0
}
