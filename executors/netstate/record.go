package netstate

import (
	"slices"
	"strings"
)

// record is what a change knows of one key: what was there before it, and what
// is there after it. P is a pointer to the kind of object: all pointers share one
// body of code, where objects would have one each.
type record[P any] struct {
	before, after []P
	// implied tells that the kernel does all of it by itself.
	implied bool
}

// key is any object of the record.
func (r *record[P]) key() P {
	if len(r.before) > 0 {
		return r.before[0]
	}
	return r.after[0]
}

// side is what one edit knows of one key.
type side[P any] struct {
	key, before, after P
	implied            bool
}

// none tells that a pointer is nil.
func none[P any](p P) bool {
	var nothing P
	return any(p) == any(nothing)
}

// records collects what the edits know of one kind of object, sorted by key.
// What is made on the way and gone in the end is in neither list.
func records[P any](edits []Edit, of func(Object) P, compare func(a, b P) int, equal func(a, b P) bool) []record[P] {
	var sides []side[P]
	var nothing P
	for i := range edits {
		b, a := of(edits[i].Before), of(edits[i].After)
		switch {
		case none(b) && none(a):
		case !none(b) && !none(a) && compare(b, a) != 0:
			sides = append(sides, side[P]{b, b, nothing, edits[i].Implied}, side[P]{a, nothing, a, edits[i].Implied})
		case !none(b):
			sides = append(sides, side[P]{b, b, a, edits[i].Implied})
		default:
			sides = append(sides, side[P]{a, nothing, a, edits[i].Implied})
		}
	}
	sortStable(sides, func(x, y *side[P]) int { return compare(x.key, y.key) })
	var out []record[P]
	var last P
	for _, s := range sides {
		if none(last) || compare(last, s.key) != 0 {
			out = append(out, record[P]{implied: true})
			last = s.key
		}
		r := &out[len(out)-1]
		r.implied = r.implied && s.implied
		if !none(s.before) && !r.consume(s.before, equal) {
			r.before = append(r.before, s.before)
		}
		if !none(s.after) {
			r.after = append(r.after, s.after)
		}
	}
	return slices.DeleteFunc(out, func(r record[P]) bool { return len(r.before)+len(r.after) == 0 })
}

// consume takes an object that an earlier edit made out of after.
func (r *record[P]) consume(o P, equal func(a, b P) bool) bool {
	for i := range r.after {
		if equal(r.after[i], o) {
			r.after = slices.Delete(r.after, i, i+1)
			return true
		}
	}
	return false
}

// restore returns list with the objects of every record's key replaced by what
// was there before, and what was there before, by itself.
func restore[T any](list []T, recs []record[*T], compare func(a, b *T) int) []T {
	if len(recs) == 0 {
		return list
	}
	out := make([]T, 0, len(list)+len(recs))
	n := 0
	for i := range recs {
		key := recs[i].key()
		for n < len(list) && compare(&list[n], key) < 0 {
			out = append(out, list[n])
			n++
		}
		for n < len(list) && compare(&list[n], key) == 0 {
			n++
		}
		for _, o := range recs[i].before {
			out = append(out, *o)
		}
	}
	return append(out, list[n:]...)
}

// befores are the objects that were there before, sorted by key.
func befores[T any](recs []record[*T]) []T {
	var out []T
	for i := range recs {
		for _, o := range recs[i].before {
			out = append(out, *o)
		}
	}
	return out
}

func compareSysctls(a, b *Sysctl) int { return strings.Compare(a.Key, b.Key) }

func equalSysctls(a, b *Sysctl) bool { return a.Value == b.Value }

func compareInterfaceAddresses(a, b *InterfaceAddress) int {
	if c := strings.Compare(a.Device, b.Device); c != 0 {
		return c
	}
	return compareAddresses(&a.Address, &b.Address)
}

func equalInterfaceAddresses(a, b *InterfaceAddress) bool {
	return equalAddresses(&a.Address, &b.Address)
}

// sameLink tells that an edit continues from what an earlier one made.
func sameLink(a, b *Interface) bool {
	return a.Name == b.Name && a.Netns == b.Netns && a.Type == b.Type
}

func (c *Change) linkRecords() []record[*Interface] {
	return records(c.Edits, linkOf, CompareInterfaces, sameLink)
}

func (c *Change) addressRecords() []record[*InterfaceAddress] {
	return records(c.Edits, addressOf, compareInterfaceAddresses, equalInterfaceAddresses)
}

func (c *Change) routeRecords() []record[*Route] {
	return records(c.Edits, routeOf, CompareRoutes, equalRoutes)
}

func (c *Change) ruleRecords() []record[*Rule] {
	return records(c.Edits, ruleOf, CompareRules, equalRules)
}

func (c *Change) neighborRecords() []record[*Neighbor] {
	return records(c.Edits, neighborOf, CompareNeighbors, equalNeighbors)
}

func (c *Change) fdbRecords() []record[*FDBEntry] {
	return records(c.Edits, fdbOf, CompareFDB, equalFDB)
}

func (c *Change) sysctlRecords() []record[*Sysctl] {
	return records(c.Edits, sysctlOf, compareSysctls, equalSysctls)
}

// touched are the attributes of each interface that the change sets: all of
// them where it makes, makes anew or removes the interface. What the kernel
// changes by itself is among them only on request.
func (c *Change) touched(implied bool) map[string]map[string]bool {
	m := map[string]map[string]bool{}
	all := func(i *Interface, keys map[string]bool) {
		if i == nil {
			return
		}
		for key := range i.Attrs {
			if a := AttrByKey(key); a != nil && a.Set != ReadOnly {
				keys[key] = true
			}
		}
	}
	for _, e := range c.Edits {
		o := e.object().Link
		if o == nil {
			continue
		}
		for _, i := range []*Interface{e.Before.Link, e.After.Link} {
			if i == nil {
				continue
			}
			name := i.Netns + "/" + i.Name
			if m[name] == nil {
				m[name] = map[string]bool{}
			}
			if e.Op != Modify || e.Replaces || e.Before.Link.Netns != e.After.Link.Netns {
				all(e.Before.Link, m[name])
				all(e.After.Link, m[name])
				continue
			}
			if e.Implied && !implied {
				continue
			}
			for _, d := range Differences(e.Before.Link, e.After.Link) {
				m[name][d.Key] = true
			}
			for key := range e.Before.Link.Attrs {
				if _, known := e.After.Link.Attrs[key]; (e.Implied || IsInet6(key)) && !known {
					m[name][key] = true // it becomes what nobody could tell
				}
			}
		}
	}
	return m
}
