package netstate

import "slices"

// fdbVLANs are the VLANs in which the kernel makes, changes and deletes an entry
// that names none, too: those of the port, or of the bridge itself, whether or
// not the bridge filters (br_fdb_add, br_fdb_delete).
func fdbVLANs(s *State, e *FDBEntry) []VLANRange {
	v := s.Interface(e.Device)
	if v == nil || e.VLAN != 0 || fdbOwner(e) != "master" {
		return nil
	}
	return vlansOf(s, v)
}

// inVLANs calls yield with the entry of each of the VLANs.
func inVLANs(e *FDBEntry, list []VLANRange, yield func(e FDBEntry)) {
	for _, r := range list {
		for vid := r.Min; vid <= r.Max; vid++ {
			tagged := *e
			tagged.VLAN = vid
			yield(tagged)
		}
	}
}

func findFDB(list []FDBEntry, e *FDBEntry) *FDBEntry {
	if at, ok := slices.BinarySearchFunc(list, *e, func(a, b FDBEntry) int { return CompareFDB(&a, &b) }); ok {
		return &list[at]
	}
	return nil
}

// fdbInVLANs makes or removes what comes and goes with an entry without VLAN.
func (m *simulation) fdbInVLANs(e *FDBEntry, absent bool) {
	was := findFDB(m.from.FDB, e)
	if was == nil && absent || was != nil && !absent && equalFDB(was, e) {
		return // nothing is sent
	}
	inVLANs(e, fdbVLANs(m.to, e), func(tagged FDBEntry) {
		m.to.FDB = slices.DeleteFunc(m.to.FDB, func(o FDBEntry) bool { return !o.Kernel && CompareFDB(&o, &tagged) == 0 })
		if !absent {
			m.to.FDB = append(m.to.FDB, tagged)
			m.kept.FDB = append(m.kept.FDB, tagged)
		}
	})
}

// untagged is the entry without VLAN that those after it may follow.
type untagged struct {
	pair[FDBEntry]
	vlans []VLANRange
}

// leads tells that the kernel does to the entry what is done to u.
func (u *untagged) leads(e *FDBEntry) bool {
	key := u.before
	if key == nil {
		key = u.after
	}
	if key == nil {
		return false
	}
	plain := *e
	plain.VLAN = 0
	return CompareFDB(key, &plain) == 0 && slices.ContainsFunc(u.vlans, func(r VLANRange) bool { return r.Min <= e.VLAN && e.VLAN <= r.Max })
}

// untagged is what becomes of the entries that follow one without VLAN, which
// is sent.
func (d *differ) untagged(p pair[FDBEntry]) *untagged {
	if p.before != nil && p.after != nil && equalFDB(p.before, p.after) {
		return &untagged{}
	}
	u := &untagged{pair: p}
	if p.after == nil {
		u.vlans = fdbVLANs(d.to, p.before)
		return u
	}
	u.vlans = fdbVLANs(d.to, p.after)
	return u
}

// unwanted deletes what comes with an entry without VLAN and is to be in none
// of the states.
func (d *differ) unwanted(u *untagged) {
	if u.after == nil {
		return
	}
	inVLANs(u.after, u.vlans, func(tagged FDBEntry) {
		if findFDB(d.from.FDB, &tagged) == nil && findFDB(d.to.FDB, &tagged) == nil {
			d.entries = append(d.entries, Edit{Op: Add, After: Object{FDB: &tagged}, Implied: true}, Edit{Op: Delete, Before: Object{FDB: &tagged}})
		}
	})
}

// follow finds the edits of an entry to which the kernel does what it does to u.
func (d *differ) follow(u *untagged, before, after *FDBEntry) {
	if u.after == nil {
		if before != nil {
			d.entriesGone = append(d.entriesGone, Edit{Op: Delete, Before: Object{FDB: before}, Implied: true})
		}
		if after != nil {
			d.post = append(d.post, Edit{Op: Add, After: Object{FDB: after}})
		}
		return
	}
	made := *u.after
	if before != nil {
		made.VLAN = before.VLAN
	} else {
		made.VLAN = after.VLAN
	}
	switch {
	case before == nil:
		d.entries = append(d.entries, Edit{Op: Add, After: Object{FDB: &made}, Implied: true})
	case !equalFDB(before, &made):
		d.entries = append(d.entries, Edit{Op: Modify, Before: Object{FDB: before}, After: Object{FDB: &made}, Implied: true})
	}
	switch {
	case after == nil:
		d.entriesGone = append(d.entriesGone, Edit{Op: Delete, Before: Object{FDB: &made}})
	case !equalFDB(&made, after):
		d.entries = append(d.entries, Edit{Op: Modify, Before: Object{FDB: &made}, After: Object{FDB: after}})
	}
}
