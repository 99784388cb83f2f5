package markdown

import "stet/runbook"

// likeness is what two blocks have in common. Fields that do not count are
// empty.
type likeness struct {
	name          string // the author's
	kind          runbook.BlockKind
	hash, heading string
}

// places are the blocks of a document by what they have in common with
// others, so that each edit finds its own without looking at all.
type places map[likeness][]int

func (r *reading) places() places {
	p := places{}
	for i := range r.blocks {
		b := &r.blocks[i]
		like := []likeness{{hash: b.Hash}, {hash: b.Hash, heading: underneath(b.Heading)}}
		if b.Named {
			like = append(like, likeness{name: b.Name, kind: b.Kind}, likeness{name: b.Name, kind: b.Kind, hash: b.Hash},
				likeness{name: b.Name, kind: b.Kind, hash: b.Hash, heading: underneath(b.Heading)})
		}
		for _, l := range like {
			p[l] = append(p[l], i)
		}
	}
	return p
}

// underneath sets a block under no heading apart from one whose heading does
// not count.
func underneath(heading string) string { return "# " + heading }

// locate finds the blocks of edits in the document as it is now: by the name
// that the author gave, else by content and by which of its equals it is. A
// block that an edit claims by name is nobody else's.
func (r *reading) locate(edits []Edit) (found []located, lost []Edit) {
	p := r.places()
	taken := claims{}
	block := make([]int, len(edits)) // or -1
	for i := range edits {
		block[i] = taken.claim(&edits[i].Block, p.named)
	}
	for i := range edits {
		if block[i] < 0 {
			block[i] = taken.claim(&edits[i].Block, func(b *runbook.Block) (int, bool) { return r.twin(p, b) })
		}
	}
	at := map[int]int{} // block → index in found
	for i, e := range edits {
		if block[i] < 0 || !r.blocks[block[i]].closed {
			lost = append(lost, e)
			continue
		}
		stale := e.Block.Hash != "" && e.Block.Hash != r.blocks[block[i]].Hash
		if earlier, twice := at[block[i]]; twice {
			found[earlier].Edit, found[earlier].stale = e, stale // the later word on a block counts
			continue
		}
		at[block[i]] = len(found)
		found = append(found, located{Edit: e, block: block[i], stale: stale})
	}
	return found, lost
}

// claims tells which block of the document as it was has which one of the
// document as it is.
type claims map[int]int

// claim finds the block of b, or -1.
func (c claims) claim(b *runbook.Block, find func(*runbook.Block) (int, bool)) int {
	i, ok := find(b)
	if !ok {
		return -1
	}
	if owner, taken := c[i]; taken && owner != b.Ordinal {
		return -1
	}
	c[i] = b.Ordinal
	return i
}

// only is the single block of a kind.
func (p places) only(l likeness) (int, bool) {
	if same := p[l]; len(same) == 1 {
		return same[0], true
	}
	return 0, false
}

// named finds a block by the author's name. If it was copied meanwhile, that
// with the same content is meant, or of several the one under the same
// heading.
func (p places) named(b *runbook.Block) (int, bool) {
	if !b.Named {
		return 0, false
	}
	if i, ok := p.only(likeness{name: b.Name, kind: b.Kind}); ok {
		return i, true
	}
	if i, ok := p.only(likeness{name: b.Name, kind: b.Kind, hash: b.Hash}); ok {
		return i, true
	}
	return p.only(likeness{name: b.Name, kind: b.Kind, hash: b.Hash, heading: underneath(b.Heading)})
}

// twin picks a block among those of equal content: the one at the same place
// when none of them came or went, in the document or under its heading.
func (r *reading) twin(p places, b *runbook.Block) (int, bool) {
	i, ok := nth(p[likeness{hash: b.Hash}], b.Twin, b.Twins)
	if !ok {
		i, ok = nth(p[likeness{hash: b.Hash, heading: underneath(b.Heading)}], b.NearTwin, b.NearTwins)
		// One of them went: where the author's names differ, it was this one.
		ok = ok && (!b.Named || !r.blocks[i].Named)
	}
	return i, ok
}

// nth is one of as many as there should be.
func nth(equals []int, n, of int) (int, bool) {
	if len(equals) != max(of, 1) || n >= len(equals) {
		return 0, false
	}
	return equals[n], true
}
