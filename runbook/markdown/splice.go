package markdown

import (
	"sort"
	"strings"

	"stet/runbook"
)

// Edit is a result to be written after a block.
type Edit struct {
	// Block as it was when the document was planned; the document may have
	// changed since.
	Block runbook.Block
	// Markdown is what stands in the result. Empty, and without Tick, it
	// removes the result that is there.
	Markdown string
	Run      string
	Status   runbook.Status
	// Tick checks the box of a manual step and tells who did, and when.
	Tick *runbook.Answer
}

// replacement puts text at the place of a span of the source.
type replacement struct {
	span
	text string
}

// splice applies replacements, which must not overlap, in one pass.
func splice(src []byte, list []replacement) []byte {
	sort.SliceStable(list, func(i, j int) bool { return list[i].Start < list[j].Start })
	size := len(src)
	for _, r := range list {
		size += len(r.text)
	}
	out := make([]byte, 0, size)
	at := 0
	for _, r := range list {
		out = append(out, src[at:max(r.Start, at)]...)
		out = append(out, r.text...)
		at = max(r.End, at)
	}
	return append(out, src[at:]...)
}

// Splice writes results after their blocks and the report at the head of the
// document; head "" leaves the report alone. Outside of stet's regions, and of
// boxes that are ticked, no byte changes. An edit whose block is gone, or that
// cannot be placed without changing what the rest of the document means, is
// returned as lost; a report without a place is an Edit without a block. A result
// whose block has another text by now says so.
func Splice(src []byte, head string, edits []Edit) (out []byte, lost []Edit) {
	return structure("", src).splice(head, edits)
}

func (r *reading) splice(head string, edits []Edit) (out []byte, lost []Edit) {
	located, lost := r.locate(edits)
	p := placing{budget: minBudget + maxReadings*len(r.src)}
	out, unplaced := p.place(r, head, located)
	return out, append(lost, unplaced...)
}

// results are the result regions by block.
func (r *reading) results() []*regionAt {
	out := make([]*regionAt, len(r.blocks))
	for i := range r.regions {
		if r.regions[i].role == resultRegion {
			out[r.regions[i].block] = &r.regions[i]
		}
	}
	return out
}

// body is what the edit writes between its markers.
func (e *located) body() string {
	text := e.Markdown
	if strings.TrimSpace(text) == "" && e.Tick != nil {
		text = stamp(e.Tick)
	}
	if e.stale && strings.TrimSpace(text) != "" {
		text = staleNote + "\n\n" + text
	}
	return cleanBody(safeBody(text))
}

// staleNote stands at the head of a result whose block was edited since.
const staleNote = "**The block above was edited since.** This is the result of the text that it had when the operation began; the journal has that."

// stamp says who did a manual step, and when.
func stamp(a *runbook.Answer) string {
	text := "**done**"
	if !a.Done {
		text = "**not done**"
	}
	if a.By != "" {
		text += " by " + a.By
	}
	if !a.At.IsZero() {
		text += " · " + a.At.UTC().Format("2006-01-02 15:04:05Z")
	}
	if a.Note != "" {
		text += "\n\n" + a.Note
	}
	return text
}

// replacements are the changes to the source that write head and edits.
func (r *reading) replacements(head string, edits []located) []replacement {
	var list []replacement
	nl := newline(r.src)
	results := r.results()
	names := map[string]bool{}
	for _, e := range edits {
		b := &r.blocks[e.block]
		list = append(list, r.result(e, b, results[e.block], nl)...)
		names[b.Name] = b.Named
	}
	for _, region := range r.regions {
		if region.role == orphanRegion && region.marker.word == resultWord && names[region.marker.get("name")] {
			list = append(list, replacement{span: region.Span})
		}
	}
	if head != "" {
		list = append(list, r.report(head, nl))
	}
	return list
}

// result replaces the region of one block, and ticks its box.
func (r *reading) result(e located, b *block, old *regionAt, nl string) []replacement {
	var list []replacement
	m := marker{word: resultWord, fields: []field{{"name", b.Name}, {"run", e.Run}, {"status", string(e.Status)}}}
	if old != nil && b.Ticked {
		m = m.set("box", old.marker.get("box"))
	}
	if e.Tick != nil && e.Tick.Done && b.Kind == runbook.Manual && !b.Ticked {
		m = m.set("box", "open")
		list = append(list, replacement{span{Start: b.Box.Start + 1, End: b.Box.Start + 2}, "x"})
	}
	at := span{Start: b.Insert, End: b.Insert}
	if old != nil {
		at = old.Span
	}
	body := e.body()
	if body == "" {
		return append(list, replacement{span: at})
	}
	return append(list, replacement{at, r.regionText(at, m, e.prefix(b), body, nl, true, false)})
}

// report replaces the report at the head of the document.
func (r *reading) report(head, nl string) replacement {
	at := span{Start: r.head, End: r.head}
	prefix := ""
	top := r.meta.Start == r.meta.End
	for _, region := range r.regions {
		if region.role == reportRegion {
			at, prefix = region.Span, region.prefix
			top = top && region.open.Start == r.head
		}
	}
	body := cleanBody(safeBody(head))
	return replacement{at, r.regionText(at, marker{word: reportWord}, prefix, body, nl, !top, top)}
}

// regionText is a region as it is written at a place: with a blank line
// before it, or after it at the very top of a document; and where the document
// ends without a line end, it stays so.
func (r *reading) regionText(at span, m marker, prefix, body, nl string, before, after bool) string {
	blank := strings.TrimRight(prefix, " ")
	m = m.set("sha256", bodyHash(body))
	lines := []string{prefix + m.String(), blank}
	for line := range strings.SplitSeq(body, "\n") {
		if line == "" {
			lines = append(lines, blank)
		} else {
			lines = append(lines, prefix+line)
		}
	}
	lines = append(lines, blank, prefix+m.closing().String())
	if before {
		lines = append([]string{blank}, lines...)
	}
	open := at.End == len(r.src) && (at.Start == r.head || at.Start > 0 && r.src[at.Start-1] != '\n')
	switch {
	case open && at.Start > r.head || open && r.meta.End > r.meta.Start:
		return nl + strings.Join(lines, nl)
	case open:
		return strings.Join(lines, nl)
	case after:
		lines = append(lines, blank)
	}
	return strings.Join(lines, nl) + nl
}

// Strip returns the document without results and report: what the author
// wrote. Boxes that stet ticked are open again.
func Strip(src []byte) []byte {
	return structure("", src).strip()
}

func (r *reading) strip() []byte {
	var list []replacement
	for _, region := range r.regions {
		list = append(list, replacement{span: region.Span})
		if region.role != resultRegion || region.marker.get("box") != "open" {
			continue
		}
		if b := r.blocks[region.block]; b.Ticked {
			list = append(list, replacement{span{Start: b.Box.Start + 1, End: b.Box.Start + 2}, " "})
		}
	}
	return splice(r.src, list)
}
