package markdown

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"

	"stet/runbook"
)

// block is a block with what only this package needs.
type block struct {
	runbook.Block
	closed bool   // its fence has a closing line
	attrs  []attr // with the places of their values
	braces span   // what holds the attributes, with its brackets
	spell  spelling
	// infoLang is the language in the info string; Lang may be another one.
	infoLang string
}

// kinds are the languages that name a kind themselves.
var kinds = map[string]runbook.BlockKind{
	"netconfig": runbook.Netconfig,
	"check":     runbook.Check,
	"rollback":  runbook.RollbackBlock,
	"snapshot":  runbook.Snapshot,
}

// fenced reads a fenced code block. It returns the index of the block that it
// is, or -1 for prose.
func (w *walker) fenced(n *ast.FencedCodeBlock, tag *commentTag) int {
	f := w.tree.fences[n]
	info := w.infoSpan(n, f)
	lang, attrs := w.infoString(info)
	kind, isKind := kinds[lang]
	if !isKind && attrs.has("run") {
		kind, isKind = runbook.Run, true
	}
	if tag != nil {
		kind, isKind = w.tagged(tag, lang, kind, isKind, &attrs)
	}
	w.swallowed(n, f, isKind)
	if !isKind {
		w.mistake(info, lang, attrs)
		return -1
	}
	start := w.index.start(w.base + f.open.Start)
	b := block{closed: f.closed, attrs: attrs.list, braces: attrs.span, spell: attrs.spelling, infoLang: lang}
	b.Kind, b.Lang, b.Info = kind, lang, info
	b.Span = span{Start: start, End: w.index.end(w.base + f.open.Start)}
	b.Start = w.index.position(w.fenceStart(f))
	w.body(&b, n)
	w.encoded(append([]span{info}, b.Lines...))
	if f.closed {
		closing := w.index.start(w.base + f.close.Start)
		b.Span.End = w.index.end(closing)
		b.Prefix = containerPrefix(w.src[closing:w.base+f.close.Start], f.close.Padding)
	} else {
		w.fault("unclosed-fence", w.line(b.Span.Start), "this block has no closing fence",
			"It reaches to the end of its list item, quote or document, and may hide what follows. Add a closing fence.")
	}
	b.Insert = b.Span.End
	w.faults = append(w.faults, attrs.faults...)
	return w.add(b)
}

// swallowed looks for a block that starts inside a fence, because the closing
// one was forgotten: it would be run as a part of the block around it, or, in
// prose, not at all. A fence that is longer than those in it means them as
// text.
func (w *walker) swallowed(n *ast.FencedCodeBlock, f *fence, isKind bool) {
	outer := w.fenceStart(f)
	mark := w.src[outer]
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		text := w.text[line.Start:line.Stop]
		inner := bytes.TrimLeft(text, " ")
		length := len(inner) - len(bytes.TrimLeft(inner, string(mark)))
		if len(text)-len(inner) > 3 || length < 3 || length < runLength(w.src[outer:], mark) || !startsBlock(inner[length:]) {
			continue
		}
		at := w.base + line.Stop - len(inner)
		here := span{Start: at, End: w.base + line.Stop}
		const remedy = "Add a closing fence before this line. If all of it is meant as text, make the fence around it longer."
		opened := w.index.position(outer).Line
		if isKind {
			w.fault("swallowed-block", here, fmt.Sprintf("a block starts inside the block of line %d", opened), remedy)
		} else {
			w.warn("swallowed-block", here, fmt.Sprintf("this block is not run: it stands inside the fence of line %d", opened), remedy)
		}
		return
	}
}

// startsBlock reports whether an info string makes a block of its fence.
func startsBlock(info []byte) bool {
	text := string(bytes.TrimSpace(info))
	lang, braces, attributed := strings.Cut(text, "{")
	if _, ok := kinds[strings.TrimSpace(lang)]; ok {
		return true
	}
	braces, closed := strings.CutSuffix(braces, "}")
	if !attributed || !closed {
		return false
	}
	words := strings.FieldsFunc(braces, func(r rune) bool { return strings.ContainsRune(" \t,:.\"", r) })
	return slices.ContainsFunc(words, func(word string) bool {
		_, ok := kinds[word]
		return word == "run" || ok && lang == ""
	})
}

// runLength is how often c stands at the start of text.
func runLength(text []byte, c byte) int { return len(text) - len(bytes.TrimLeft(text, string(c))) }

// fenceStart is the offset of the opening fence's first character.
func (w *walker) fenceStart(f *fence) int {
	at := w.base + f.open.Start
	for at < w.base+f.open.Stop && (w.src[at] == ' ' || w.src[at] == '\t') {
		at++
	}
	return at
}

// infoSpan is the info string: what follows the fence on its line.
func (w *walker) infoSpan(n *ast.FencedCodeBlock, f *fence) span {
	at := w.fenceStart(f)
	for fence := w.src[at]; at < len(w.src) && w.src[at] == fence; at++ {
	}
	line := w.src[at:w.index.end(at)]
	text := bytes.TrimSpace(line)
	if n.Info == nil || len(text) == 0 {
		return span{Start: at, End: at}
	}
	at += bytes.Index(line, text)
	return span{Start: at, End: at + len(text)}
}

// body takes the lines of a fence without the container's prefix.
func (w *walker) body(b *block, n *ast.FencedCodeBlock) {
	var text strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Span.End = max(b.Span.End, w.base+line.Stop)
		content := trimEnd(w.text[line.Start:line.Stop])
		b.Lines = append(b.Lines, span{Start: w.base + line.Start, End: w.base + line.Start + len(content)})
		if line.Padding > 0 && b.Pads == nil {
			b.Pads = make([]int, n.Lines().Len())
		}
		if b.Pads != nil {
			b.Pads[i] = line.Padding
		}
		text.WriteString(strings.Repeat(" ", line.Padding))
		text.Write(content)
		text.WriteByte('\n')
	}
	b.Body = text.String()
}

// encoded finds a byte of a block that is no UTF-8. On the way to a target, and in
// the journal, it would become another character, and the block another one.
func (w *walker) encoded(parts []span) {
	for _, p := range parts {
		if utf8.Valid(w.src[p.Start:p.End]) {
			continue
		}
		for at := p.Start; at < p.End; {
			r, n := utf8.DecodeRune(w.src[at:p.End])
			if r == utf8.RuneError && n == 1 {
				w.fault("not-utf8", span{Start: at, End: at + 1}, fmt.Sprintf("the byte \\x%02x is not UTF-8", w.src[at]),
					"Save the document as UTF-8. A command that needs this very byte makes it: printf '\\ooo', in octal.")
				return
			}
			at += n
		}
	}
}

// task reads the first paragraph of a list item: a manual step if it starts
// with a box. It returns the index of the block, or -1.
func (w *walker) task(n ast.Node) int {
	lines := n.Lines()
	if lines.Len() == 0 {
		return -1
	}
	first := lines.At(0)
	text := w.text[first.Start:first.Stop]
	if len(text) < 5 || text[0] != '[' || text[2] != ']' || !strings.ContainsRune(" xX", rune(text[1])) ||
		text[3] != ' ' && text[3] != '\t' || len(bytes.TrimSpace(text[3:])) == 0 {
		w.almostTask(w.base+first.Start, text)
		return -1
	}
	at := w.base + first.Start
	b := block{closed: true}
	b.Kind = runbook.Manual
	b.Box = span{Start: at, End: at + 3}
	b.Ticked = text[1] != ' '
	b.Span = w.line(at)
	b.Start = w.index.position(at)
	behind := w.tree.items[n.Parent()]
	b.Prefix = containerPrefix(w.src[b.Span.Start+bomAt(b.Span.Start, w.src):w.base+behind.Start], behind.Padding)
	// goldmark counts a tab after a nested list marker from the marker, not
	// from the line's start: the wider of the two is right for both.
	if by := nesting(n.Parent()); len(by) > len(b.Prefix) {
		b.Prefix = by
	}
	b.Insert = w.index.end(max(w.base+lines.At(lines.Len()-1).Stop-1, at))
	w.taskBody(&b, n)
	return w.add(b)
}

// nesting is the prefix of a container's lines as the tree has it.
func nesting(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Blockquote:
		return nesting(n.Parent()) + "> "
	case *ast.ListItem:
		return nesting(n.Parent()) + strings.Repeat(" ", n.Offset)
	case *ast.List:
		return nesting(n.Parent())
	}
	return ""
}

// taskBody takes the text of a task, without its box and its attributes.
func (w *walker) taskBody(b *block, n ast.Node) {
	var text strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		s := span{Start: w.base + line.Start, End: w.base + line.Stop}
		if i == 0 {
			s.Start += 3
		}
		for s.Start < s.End && (w.src[s.Start] == ' ' || w.src[s.Start] == '\t') {
			s.Start++
		}
		s.End = s.Start + len(bytes.TrimRight(w.src[s.Start:s.End], " \t\r\n"))
		if i == 0 {
			if open, ok := taskBraces(w.src[s.Start:s.End]); ok {
				attrs := w.braced(span{Start: s.Start + open, End: s.End})
				b.attrs, b.braces, b.spell = attrs.list, attrs.span, attrs.spelling
				w.faults = append(w.faults, attrs.faults...)
				s.End = s.Start + len(bytes.TrimRight(w.src[s.Start:s.Start+open], " \t"))
			}
		}
		b.Lines = append(b.Lines, s)
		text.Write(w.src[s.Start:s.End])
		text.WriteByte('\n')
	}
	b.Body = text.String()
}

// taskBraces finds attributes at the end of a task's first line. Braces
// without "key=value" or "#id" are text.
func taskBraces(line []byte) (int, bool) {
	open := bytes.LastIndexByte(line, '{')
	if open < 0 || line[len(line)-1] != '}' || open > 0 && line[open-1] != ' ' && line[open-1] != '\t' {
		return 0, false
	}
	inside := bytes.TrimSpace(line[open+1 : len(line)-1])
	return open, bytes.HasPrefix(inside, []byte("#")) || bytes.ContainsAny(inside, "=:")
}

// add counts the block in.
func (w *walker) add(b block) int {
	b.Ordinal = len(w.blocks)
	b.Heading = w.heading
	b.Hash = blockHash(&b.Block)
	for _, a := range b.attrs {
		b.Attrs = append(b.Attrs, a.Attr)
	}
	w.blocks = append(w.blocks, b)
	return b.Ordinal
}

// blockHash is over what a block does, not over where it stands or what it is
// called.
func blockHash(b *runbook.Block) string {
	h := sha256.New()
	for _, part := range []string{string(b.Kind), b.Lang, b.Body} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
