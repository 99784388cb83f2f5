package netstate

import (
	"maps"
	"slices"
	"sort"
)

// Objects of IPsec go their own way through a change: by name in a map, because
// the functions that all objects share are made anew for each type, and agents
// are to be small.

// sortXfrm returns a list by name, itself if it is so already.
func sortXfrm(list []Xfrm) []Xfrm {
	less := func(i, j int) bool { return CompareXfrm(&list[i], &list[j]) < 0 }
	if !sort.SliceIsSorted(list, less) {
		list = slices.Clone(list)
		sort.SliceStable(list, func(i, j int) bool { return CompareXfrm(&list[i], &list[j]) < 0 })
	}
	return list
}

// findXfrm is an object of a list that is sorted, and where it is or would be.
func findXfrm(list []Xfrm, key *Xfrm) (at int, there bool) {
	at = sort.Search(len(list), func(i int) bool { return CompareXfrm(&list[i], key) >= 0 })
	return at, at < len(list) && CompareXfrm(&list[at], key) == 0
}

// withXfrm is a list in which the object with a key is x, or is not if x is nil.
func withXfrm(list []Xfrm, key, x *Xfrm) []Xfrm {
	at, there := findXfrm(list, key)
	out := append([]Xfrm(nil), list[:at]...)
	if x != nil {
		out = append(out, *x)
	}
	if there {
		at++
	}
	return append(out, list[at:]...)
}

// xfrmRecord is what a change knows of one object; nil is not there.
type xfrmRecord struct{ key, before, after *Xfrm }

// xfrmRecords are the objects of a change, each once.
func (c *Change) xfrmRecords() (list []xfrmRecord) {
	known := map[string]int{}
	for i := range c.Edits {
		e := &c.Edits[i]
		x := e.object().Xfrm
		if x == nil {
			continue
		}
		if n, ok := known[x.Key()]; ok {
			list[n].after = e.After.Xfrm
			continue
		}
		known[x.Key()] = len(list)
		list = append(list, xfrmRecord{x, e.Before.Xfrm, e.After.Xfrm})
	}
	return list
}

// applyXfrm does the edits of IPsec's objects in a predicted state.
func (s *State) applyXfrm(c *Change) {
	for _, r := range c.xfrmRecords() {
		s.Xfrm = withXfrm(s.Xfrm, r.key, r.after)
	}
}

// undoXfrm puts into to what was there before c.
func (c *Change) undoXfrm(to *State) {
	for _, r := range c.xfrmRecords() {
		to.Xfrm = withXfrm(to.Xfrm, r.key, to.possible(r.before))
	}
}

// possible is an object as it can be brought back: one whose interface has gone
// since stays on what it is on, and is not made without it. A number (if7) is of one
// that had gone before; the kernel takes that.
func (s *State) possible(x *Xfrm) *Xfrm {
	if x == nil || !x.MPTCP() || x.Attrs["dev"] == "" || s.Interface(x.Attrs["dev"]) != nil || NumberedLink(x.Attrs["dev"]) > 0 {
		return x
	}
	at, there := findXfrm(s.Xfrm, x)
	if !there {
		return nil
	}
	y := *x
	y.Attrs = maps.Clone(x.Attrs)
	y.Attrs["dev"] = s.Xfrm[at].Attrs["dev"]
	if y.Attrs["dev"] == "" {
		delete(y.Attrs, "dev")
	}
	return &y
}

// verifyXfrm compares with what c asked for, or with what was there before.
func (v *verifier) verifyXfrm(c *Change, undone bool) {
	for _, r := range c.xfrmRecords() {
		want := r.after
		if undone {
			want = r.before
		}
		at, there := findXfrm(v.now.Xfrm, r.key)
		switch {
		case there && want == nil:
			v.differs(xfrmName(r.key), "", absent, xfrmText(&v.now.Xfrm[at]))
		case !there && want != nil:
			v.differs(xfrmName(want), "", xfrmText(want), absent)
		case there && !equalXfrm(&v.now.Xfrm[at], want):
			v.differs(xfrmName(want), "", xfrmText(want), xfrmText(&v.now.Xfrm[at]))
		}
	}
}

// xfrm finds the edits of states, policies and the default. States come before
// the policies that use them, and go after them; a policy that lets packets in
// comes before the one by which they go. Endpoints of MPTCP that go are gone before
// others come: these may have their numbers, or be given one of them by the kernel.
func (d *differ) xfrm() {
	from, to := sortXfrm(d.from.Xfrm), sortXfrm(d.to.Xfrm)
	var added, gone [8][]Edit
	for i := range from {
		x := &from[i]
		if _, there := findXfrm(to, x); !there {
			list := &gone[len(gone)-1-x.rank()]
			if x.MPTCP() {
				list = &added[rankMPTCP]
			}
			*list = append(*list, Edit{Op: Delete, Before: Object{Xfrm: x}})
		}
	}
	for i := range to {
		after := &to[i]
		rank := after.rank()
		e := Edit{Op: Add, After: Object{Xfrm: after}}
		if at, there := findXfrm(from, after); there {
			before := &from[at]
			why := xfrmAnew(before, after)
			if before.MPTCP() && d.trans[before.Attrs["dev"]].gone != never {
				why = "dev" // the kernel keeps the number of the interface that was
			}
			if why == "" && equalXfrm(before, after) {
				continue
			}
			e = Edit{Op: Modify, Before: Object{Xfrm: before}, After: Object{Xfrm: after}, Replaces: why != "", Why: why}
			rank = min(rank, rankMPTCP)
		}
		added[rank] = append(added[rank], e)
	}
	for n := range added {
		d.xfrmAdded = append(d.xfrmAdded, added[n]...)
		d.xfrmGone = append(d.xfrmGone, gone[n]...)
	}
}

// rankMPTCP is the place of the edits of MPTCP but for new endpoints: those with a
// number come next, and then those that the kernel gives one.
const rankMPTCP = 5

// rank is an object's place among those that are made together.
func (x *Xfrm) rank() int {
	word := x.Sort
	switch {
	case word == XfrmPolicy:
		word = x.Attrs["dir"]
	case !x.MPTCP():
	case x.Attrs["id"] != "":
		return rankMPTCP + 1
	default:
		return rankMPTCP + 2
	}
	return max(0, slices.Index([]string{XfrmState, "in", "fwd", "out", XfrmDefault}, word))
}
