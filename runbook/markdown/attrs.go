package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"

	"stet/runbook"
)

// spelling is how attributes were written.
type spelling uint8

const (
	plainBraces   spelling = iota // { k=v run }
	jsonBraces                    // {"k": "v"}
	commentedLine                 // <!-- netconfig: k=v -->
)

// attr is an attribute with the place of its value.
type attr struct {
	runbook.Attr
	value span // without quotes
	class bool // written ".word"
}

// attributes are those of one block.
type attributes struct {
	list     []attr
	span     span // with the brackets
	spelling spelling
	faults   runbook.Diagnostics
}

func (a attributes) has(key string) bool {
	for _, x := range a.list {
		if x.Key == key && (x.Bare || x.Value == "true") {
			return true
		}
	}
	return false
}

// infoString splits an info string into language and attributes.
func (r *reading) infoString(info span) (string, attributes) {
	text := r.src[info.Start:info.End]
	end := bytes.IndexAny(text, " \t{")
	if end < 0 {
		end = len(text)
	}
	lang := string(text[:end])
	rest := bytes.TrimLeft(text[end:], " \t")
	at := span{Start: info.End - len(rest), End: info.End}
	if len(rest) == 0 {
		return lang, attributes{span: at}
	}
	if rest[0] != '{' {
		a := attributes{span: at}
		r.into(&a, at, "attributes stand in braces",
			"Write them after the language as { key=value }.")
		return lang, a
	}
	a := r.braced(at)
	if lang == "" { // {.netconfig #uplink}
		for i, x := range a.list {
			if _, ok := kinds[x.Key]; ok && x.class {
				a.list = append(a.list[:i:i], a.list[i+1:]...)
				return x.Key, a
			}
		}
		for i, x := range a.list {
			if x.class && x.Key != "run" {
				a.list = append(a.list[:i:i], a.list[i+1:]...)
				return x.Key, a
			}
		}
	}
	return lang, a
}

// braced reads attributes in braces, in either spelling.
func (r *reading) braced(s span) attributes {
	a := attributes{span: s}
	text := r.src[s.Start:s.End]
	if text[len(text)-1] != '}' {
		r.into(&a, s, "the braces of the attributes are not closed", "End them with } on the same line.")
		s.End++ // read what is there as if they were
	}
	inside := span{Start: s.Start + 1, End: s.End - 1}
	if trimmed := bytes.TrimLeft(r.src[inside.Start:inside.End], " \t"); bytes.HasPrefix(trimmed, []byte(`"`)) {
		a.spelling = jsonBraces
		r.jsonAttributes(&a)
		return a
	}
	r.words(&a, inside)
	return a
}

// into keeps a fault until it is known whether the fence is a block at all.
func (r *reading) into(a *attributes, s span, summary, detail string) {
	kept := r.faults
	r.faults = nil
	r.fault("attributes", s, summary, detail)
	a.faults = append(a.faults, r.faults...)
	r.faults = kept
}

// words reads `k=v k="v w" run #id .class`.
func (r *reading) words(a *attributes, s span) {
	for at := s.Start; at < s.End; {
		switch r.src[at] {
		case ' ', '\t':
			at++
		default:
			x := attr{}
			x.Start, x.Span.Start = r.index.position(at), at
			at = r.word(a, &x, span{Start: at, End: s.End})
			x.Span.End = at
			a.list = append(a.list, x)
		}
	}
}

// word reads one attribute and returns where it ends.
func (r *reading) word(a *attributes, x *attr, s span) int {
	text := r.src[s.Start:s.End]
	end := bytes.IndexAny(text, " \t=")
	if end < 0 {
		end = len(text)
	}
	x.Key = clean(text[:end])
	x.value = span{Start: s.Start, End: s.Start + end}
	if end == len(text) || text[end] != '=' {
		x.Bare = true
		switch {
		case len(x.Key) > 1 && x.Key[0] == '#':
			x.Value, x.Key, x.Bare = x.Key[1:], "name", false
			x.value.Start++
		case len(x.Key) > 1 && x.Key[0] == '.':
			x.Key, x.class = x.Key[1:], true
		}
		return s.Start + end
	}
	at := s.Start + end + 1
	if at < s.End && (r.src[at] == '"' || r.src[at] == '\'') {
		return r.quoted(a, x, span{Start: at, End: s.End})
	}
	rest := r.src[at:s.End]
	end = bytes.IndexAny(rest, " \t")
	if end < 0 {
		end = len(rest)
	}
	x.value = span{Start: at, End: at + end}
	x.Value = clean(rest[:end])
	return at + end
}

// quoted reads a value in quotes; a backslash takes the next character as it
// is.
func (r *reading) quoted(a *attributes, x *attr, s span) int {
	quote := r.src[s.Start]
	var value []byte
	for at := s.Start + 1; at < s.End; at++ {
		switch c := r.src[at]; {
		case c == '\\' && at+1 < s.End && (r.src[at+1] == quote || r.src[at+1] == '\\'):
			at++
			value = append(value, r.src[at])
		case c == quote:
			x.value = span{Start: s.Start + 1, End: at}
			x.Value = clean(value)
			return at + 1
		default:
			value = append(value, c)
		}
	}
	x.value = span{Start: s.Start + 1, End: s.End}
	x.Value = clean(value)
	r.into(a, s, "the quote of this value is not closed", "End the value with "+string(quote)+".")
	return s.End
}

// commentTag reads "<!-- netconfig: k=v -->". It returns nil for any other
// comment.
func (w *walker) commentTag(n *ast.HTMLBlock) *commentTag {
	text, ok := comment(n, w.text)
	if !ok {
		return nil
	}
	kind, rest, found := strings.Cut(text, ":")
	kind = strings.TrimSpace(kind)
	if _, known := kinds[kind]; !found || !known && kind != "run" {
		return nil
	}
	line := n.Lines().At(0)
	all := span{Start: w.base + line.Start, End: w.base + line.Stop}
	start := all.Start + bytes.Index(w.src[all.Start:all.End], []byte("<!--")) + len("<!--") + len(text) - len(rest)
	return &commentTag{kind: kind, text: span{Start: start, End: start + len(rest)}}
}

// tagged adds the attributes of the comment line above a fence. A comment can
// make a block of a fence in another language; then all of it must be
// attributes, for otherwise it is somebody's remark.
func (w *walker) tagged(tag *commentTag, lang string, kind runbook.BlockKind, isKind bool, attrs *attributes) (runbook.BlockKind, bool) {
	var above attributes
	w.words(&above, tag.text)
	wanted := runbook.Run
	if k, ok := kinds[tag.kind]; ok {
		wanted = k
	}
	if isKind && kind != wanted {
		w.warn("attributes", tag.text, "this comment is for another kind of block than the "+string(kind)+" fence below it",
			"Name the fence's kind in the comment, or remove the comment.")
		return kind, isKind
	}
	if !isKind {
		for _, x := range above.list {
			if x.Bare {
				return kind, false
			}
		}
		if len(above.list) == 0 || len(above.faults) > 0 || lang == "" && wanted == runbook.Run {
			return kind, false
		}
		attrs.faults = nil // about attributes that are for somebody else
		attrs.list = nil
	}
	if len(attrs.list) == 0 {
		attrs.span, attrs.spelling = tag.text, commentedLine
	}
	attrs.list = append(above.list, attrs.list...)
	attrs.faults = append(above.faults, attrs.faults...)
	return wanted, true
}

// clean makes text of bytes.
func clean(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
