// Package markdown reads runbooks and writes results back into them.
//
// A document is parsed with a CommonMark parser; what is written goes between
// the author's bytes at the spans that the parser tells, so that nothing
// outside of stet's own regions ever changes.
package markdown

import (
	"bytes"
	"sort"

	"stet/runbook"
)

// role is what a region belongs to.
type role uint8

const (
	resultRegion role = iota
	reportRegion
	orphanRegion
)

// regionAt is a region with what only this package needs.
type regionAt struct {
	runbook.Region
	marker      marker
	prefix      string
	open, close span // whole lines of the markers
	role        role
	block       int // of a result
}

// reading is a document while it is read.
type reading struct {
	path     string
	src      []byte
	index    *index
	meta     span // the front matter with its fences
	head     int
	blocks   []block
	regions  []regionAt // in the document's order
	faults   runbook.Diagnostics
	mistaken []mistaken
	unread   bool // the front matter is no YAML: what it says is not known
	// targetSet has the names of the first counted targets.
	targetSet   map[string]bool
	counted     int
	targetWords []string // of targetNames
	suggested   int      // words that remedy has looked at
}

// Parse reads a document. It never fails: what is wrong with the document is
// in its Diagnostics, in the order of their places.
func Parse(path string, src []byte) *runbook.Document {
	r, meta := read(path, src)
	d := &runbook.Document{
		Path: path, Source: src, Meta: meta, Head: r.head, Newline: newline(src), Diagnostics: r.faults,
	}
	for i := range r.blocks {
		d.Blocks = append(d.Blocks, r.blocks[i].Block)
	}
	for i := range r.regions {
		region := &r.regions[i].Region
		switch r.regions[i].role {
		case resultRegion:
			d.Blocks[r.regions[i].block].Result = region
		case reportRegion:
			d.Report = region
		default:
			d.Orphans = append(d.Orphans, *region)
		}
	}
	return d
}

// read does all of Parse's work.
func read(path string, src []byte) (*reading, runbook.Meta) {
	r := structure(path, src)
	meta := r.frontMatter()
	r.apply(&meta)
	r.mistakes(meta)
	sort.SliceStable(r.faults, func(i, j int) bool { return r.faults[i].Span.Start < r.faults[j].Span.Start })
	return r, meta
}

// structure finds blocks and regions, without what front matter and
// attributes mean.
func structure(path string, src []byte) *reading {
	r := &reading{path: path, src: src, index: newIndex(src)}
	r.head = bom(src)
	if end := frontMatterEnd(src); end > 0 {
		r.meta = span{Start: r.head, End: end}
		r.head = end
	} else {
		r.meta = span{Start: r.head, End: r.head}
	}
	w := &walker{reading: r, base: r.head, text: src[r.head:]}
	w.tree = parseTree(w.text)
	w.children(w.tree.root)
	r.names()
	return r
}

// newline is the prevailing line end.
func newline(src []byte) string {
	if crlf := bytes.Count(src, []byte("\r\n")); crlf > 0 && 2*crlf >= bytes.Count(src, []byte("\n")) {
		return "\r\n"
	}
	return "\n"
}

// line is the whole line of an offset.
func (r *reading) line(offset int) span {
	start := r.index.start(offset)
	return span{Start: start, End: r.index.end(start)}
}

func (r *reading) diagnose(severity runbook.Severity, code string, s span, summary, detail string) {
	text := r.src[s.Start:s.End]
	s.End = s.Start + len(bytes.TrimRight(text, "\r\n"))
	r.faults = append(r.faults, runbook.Diagnostic{
		Severity: severity, Code: code, Path: r.path, Span: s,
		Start: r.index.position(s.Start), End: r.index.position(s.End),
		Summary: summary, Detail: detail,
	})
}

func (r *reading) fault(code string, s span, summary, detail string) {
	r.diagnose(runbook.Fault, code, s, summary, detail)
}

func (r *reading) warn(code string, s span, summary, detail string) {
	r.diagnose(runbook.Warning, code, s, summary, detail)
}
