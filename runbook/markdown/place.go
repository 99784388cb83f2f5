package markdown

import (
	"bytes"
	"slices"
	"strings"
)

// located is an edit with the index of its block in the document at hand.
type located struct {
	Edit
	block int
	wider int // spaces after the prefix of the block
	// stale tells that the block is not what it was: the result is of another text.
	stale bool
}

func (e *located) prefix(b *block) string { return b.Prefix + strings.Repeat(" ", e.wider) }

// What is written is read again before it counts. A document in which many
// results have no place is read often: the budget bounds that, in bytes. What
// is left when it is used up is lost, as if it had no place.
const (
	maxReadings = 40
	minBudget   = 4 << 20
)

// placing is the work of one Splice.
type placing struct{ budget int }

// place writes edits and proves the outcome. When it does not hold, the edits
// that are to blame are set apart and tried again by themselves; when they
// cannot be told, the edits are halved until those that do not fit are alone.
func (p *placing) place(r *reading, head string, edits []located) ([]byte, []Edit) {
	if head == "" && len(edits) == 0 {
		return r.src, nil
	}
	if p.budget <= 0 {
		return r.src, unplaced(head, edits)
	}
	out := splice(r.src, r.replacements(head, edits))
	p.budget -= len(out)
	now := structure("", out)
	if r.proven(now, head, edits) {
		return out, nil
	}
	if head != "" && len(edits) > 0 {
		headed, lost := p.place(r, head, nil)
		return p.then(headed, lost, edits)
	}
	if len(edits) <= 1 {
		return p.alone(r, head, edits)
	}
	first, second := r.blame(now, edits)
	if len(first) == 0 || len(second) == 0 {
		first, second = edits[:len(edits)/2], edits[len(edits)/2:]
	}
	half, lost := p.place(r, "", first)
	return p.then(half, lost, second)
}

// then places more edits into what others led to.
func (p *placing) then(src []byte, lost []Edit, edits []located) ([]byte, []Edit) {
	p.budget -= len(src)
	out, more := p.place(structure("", src), "", edits)
	return out, append(lost, more...)
}

// alone places a single edit. In lists whose markers are followed by tabs, the
// parser may see an item's content further to the right than the prefix is.
func (p *placing) alone(r *reading, head string, edits []located) ([]byte, []Edit) {
	for i := range edits {
		e := edits[i]
		for e.wider = 1; e.wider <= 3; e.wider++ {
			out := splice(r.src, r.replacements("", []located{e}))
			p.budget -= len(out)
			if r.proven(structure("", out), "", []located{e}) {
				return out, nil
			}
		}
	}
	return r.src, unplaced(head, edits)
}

// unplaced are edits that are lost. A report is one without a block.
func unplaced(head string, edits []located) []Edit {
	var lost []Edit
	if head != "" {
		lost = append(lost, Edit{Markdown: head})
	}
	for i := range edits {
		lost = append(lost, edits[i].Edit)
	}
	return lost
}

// blame divides edits into those that may be good and those after which the
// outcome is wrong: every edit whose own result is, or the last one before the
// first block that is not what it was.
func (r *reading) blame(now *reading, edits []located) (good, bad []located) {
	first := 0
	for first < len(r.blocks) && first < len(now.blocks) && same(&r.blocks[first], &now.blocks[first]) {
		first++
	}
	if first < len(r.blocks) || first < len(now.blocks) {
		last := -1
		for i := range edits {
			if edits[i].block <= first && (last < 0 || edits[i].block > edits[last].block) {
				last = i
			}
		}
		if last < 0 {
			return edits, nil
		}
		return slices.Concat(edits[:last], edits[last+1:]), edits[last : last+1]
	}
	results := now.results()
	for i := range edits {
		if edits[i].written(results[edits[i].block]) {
			good = append(good, edits[i])
		} else {
			bad = append(bad, edits[i])
		}
	}
	return good, bad
}

// proven looks at the outcome: the same blocks, each result behind its block,
// and the same bytes once the regions are taken out.
func (r *reading) proven(now *reading, head string, edits []located) bool {
	if len(now.blocks) != len(r.blocks) || now.meta != r.meta {
		return false
	}
	for i := range r.blocks {
		if !same(&r.blocks[i], &now.blocks[i]) {
			return false
		}
	}
	results := now.results()
	for i := range edits {
		if !edits[i].written(results[edits[i].block]) {
			return false
		}
	}
	if head != "" && !now.reports(cleanBody(safeBody(head))) {
		return false
	}
	return bytes.Equal(now.strip(), r.strip())
}

func same(a, b *block) bool {
	return a.Hash == b.Hash && a.Name == b.Name && a.Heading == b.Heading && a.closed == b.closed
}

// written reports whether a region is what the edit says.
func (e *located) written(region *regionAt) bool {
	body := e.body()
	if region == nil {
		return body == ""
	}
	return region.Body == body && !region.Edited
}

func (r *reading) reports(body string) bool {
	for _, region := range r.regions {
		if region.role == reportRegion {
			return region.Body == body
		}
	}
	return false
}
