package netstate

import "slices"

// traffic finds the edits of traffic control, one an interface.
func (d *differ) traffic() {
	eachPair(d.from.TrafficControl, d.to.TrafficControl, CompareTrafficControl, equalTrafficControl, func(p pair[TrafficControl]) {
		when := never
		if p.before != nil {
			when = d.trans[p.before.Device].gone
		}
		before, after := Object{Traffic: p.before}, Object{Traffic: p.after}
		switch {
		case p.before != nil && when == late:
			d.lost = append(d.lost, Edit{Op: Delete, Before: before, Implied: true})
			return
		case p.before != nil && when == early:
			d.addressEarly = append(d.addressEarly, Edit{Op: Delete, Before: before, Implied: true})
			p.before = nil
		}
		switch {
		case p.before == nil && p.after == nil:
		case p.before == nil:
			d.trafficChanged = append(d.trafficChanged, Edit{Op: Add, After: after})
		case p.after == nil:
			d.trafficChanged = append(d.trafficChanged, Edit{Op: Delete, Before: before})
		default:
			if cut := d.cutRedirects(p.before); cut != nil {
				d.trafficChanged = append(d.trafficChanged, Edit{Op: Modify, Before: before, After: Object{Traffic: cut}, Implied: true})
				before = Object{Traffic: cut}
			}
			if !equalTrafficControl(before.Traffic, p.after) {
				d.trafficChanged = append(d.trafficChanged, Edit{Op: Modify, Before: before, After: after})
			}
		}
	})
}

// cutRedirects is what the kernel makes of t when interfaces are made anew that
// its filters send packets to: they send them nowhere (mirred_device_event). It
// is nil if there are none.
func (d *differ) cutRedirects(t *TrafficControl) *TrafficControl {
	var cut *TrafficControl
	for i := range t.Entries {
		for n := range t.Entries[i].Actions {
			if d.trans[t.Entries[i].Actions[n].Options["dev"]].gone != early {
				continue
			}
			if cut == nil {
				c := t.clone()
				cut = &c
			}
			delete(cut.Entries[i].Actions[n].Options, "dev")
		}
	}
	return cut
}

func (c *Change) trafficRecords() []record[*TrafficControl] {
	return records(c.Edits, trafficOf, CompareTrafficControl, equalTrafficControl)
}

// sides are what a record knows of an interface before and after.
func trafficSides(r *record[*TrafficControl]) (device string, before, after *TrafficControl) {
	return r.key().Device, firstOf(r.before), lastOf(r.after)
}

// undoTraffic puts back the entries that c changed, and leaves the others.
func (c *Change) undoTraffic(to *State) {
	recs := c.trafficRecords()
	for i := range recs {
		device, before, after := trafficSides(&recs[i])
		now := TrafficControl{Device: device}
		for _, e := range to.traffic(device).entries() {
			if b, a := before.at(e.Object, e.place()), after.at(e.Object, e.place()); a == nil && b == nil || a != nil && b != nil && sameTCEntry(a, b) {
				now.Entries = append(now.Entries, e.clone())
			}
		}
		for _, b := range before.entries() {
			if a := after.at(b.Object, b.place()); a == nil || !sameTCEntry(a, &b) {
				now.Entries = append(now.Entries, b.clone())
			}
		}
		now.Entries = slices.DeleteFunc(now.Entries, func(e TCEntry) bool { return !now.holds(&e) })
		to.putTraffic(now)
	}
}

// holds tells that what an entry hangs on is there.
func (t *TrafficControl) holds(e *TCEntry) bool {
	number := e.Parent
	if e.Object == TCQdisc && (e.Parent == "root" || e.Parent == "ingress") {
		return true
	}
	return qdiscOf(t.Entries, major(number)) != nil
}

// traffic compares the entries that c changed.
func (v *verifier) traffic(c *Change, undone bool) {
	recs := c.trafficRecords()
	for i := range recs {
		device, before, after := trafficSides(&recs[i])
		if undone {
			before, after = after, before
		} else if recs[i].implied {
			continue
		}
		now := v.now.traffic(device)
		for _, want := range after.entries() {
			name := trafficEntryName(device, &want)
			switch got := now.at(want.Object, want.place()); {
			case got == nil:
				v.differs(name, "", trafficEntryText(&want), absent)
			case !sameTCEntry(got, &want):
				v.differs(name, "", trafficEntryText(&want), trafficEntryText(got))
			}
		}
		for _, was := range before.entries() {
			if after.at(was.Object, was.place()) == nil && now.at(was.Object, was.place()) != nil {
				v.differs(trafficEntryName(device, &was), "", absent, present)
			}
		}
	}
}
