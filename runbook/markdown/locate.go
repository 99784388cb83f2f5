package markdown

import "stet/runbook"

// locate finds the blocks of edits in the document as it is now: by the name
// that the author gave, else by content and by which of its equals it is.
func (r *reading) locate(edits []Edit) (found []located, lost []Edit) {
	byName := map[string][]int{}
	byHash := map[string][]int{}
	for i := range r.blocks {
		b := &r.blocks[i]
		if b.Named {
			byName[b.Name] = append(byName[b.Name], i)
		}
		byHash[b.Hash] = append(byHash[b.Hash], i)
	}
	at := map[int]int{} // block → index in found
	for _, e := range edits {
		i, ok := r.named(e.Block, byName)
		if !ok {
			i, ok = r.twin(e.Block, byHash[e.Block.Hash])
		}
		if !ok || !r.blocks[i].closed {
			lost = append(lost, e)
			continue
		}
		if earlier, twice := at[i]; twice {
			found[earlier].Edit = e // the later word on a block counts
			continue
		}
		at[i] = len(found)
		found = append(found, located{e, i})
	}
	return found, lost
}

// named finds a block by the author's name.
func (r *reading) named(b runbook.Block, byName map[string][]int) (int, bool) {
	if !b.Named {
		return 0, false
	}
	var same []int
	for _, i := range byName[b.Name] {
		if r.blocks[i].Kind == b.Kind {
			same = append(same, i)
		}
	}
	if len(same) > 1 { // it was copied meanwhile
		var equals []int
		for _, i := range same {
			if r.blocks[i].Hash == b.Hash {
				equals = append(equals, i)
			}
		}
		same = equals
	}
	if len(same) == 1 {
		return same[0], true
	}
	return r.underHeading(b, same)
}

// twin picks a block among those of equal content: the one at the same place
// when none came or went, else the only one under the same heading.
func (r *reading) twin(b runbook.Block, equals []int) (int, bool) {
	if len(equals) == max(b.Twins, 1) && b.Twin < len(equals) {
		return equals[b.Twin], true
	}
	return r.underHeading(b, equals)
}

func (r *reading) underHeading(b runbook.Block, among []int) (int, bool) {
	found := -1
	for _, i := range among {
		if r.blocks[i].Heading != b.Heading {
			continue
		}
		if found >= 0 {
			return 0, false
		}
		found = i
	}
	return found, found >= 0
}
