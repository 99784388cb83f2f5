package netstate

// links finds the edits of interfaces, in linksEarly and linksLate.
func (d *differ) links() {
	made := map[string]bool{} // names whose edit makes a veth's other end too
	wanted := make([]*Interface, 0, len(d.to.Interfaces))
	for _, later := range []bool{false, true} { // what takes others along before those
		for i := range d.to.Interfaces {
			v := &d.to.Interfaces[i]
			if later == d.trans[v.Name].swept {
				wanted = append(wanted, v)
			}
		}
	}
	taken := map[*Interface]bool{}
	far := farEnds(d.to)
	for _, after := range byDependency(wanted) {
		before := d.counterpart(after)
		if before != nil {
			taken[before] = true
		}
		if near := far[[2]string{after.Netns, after.Name}]; before == nil && near != nil && d.from.Interface(near.Name) == nil {
			d.bornWith(near, after)
			continue
		}
		if near := d.holder(after, far); near != nil && before != nil && d.sweeps(near, after) {
			d.linksEarly = append(d.linksEarly, Edit{Op: Delete, Before: Object{Link: lean(before)}, Implied: true})
			if after.LowerHere {
				d.addLink(lean(after), made)
			} else {
				d.bornWith(near, lean(after))
			}
			continue
		}
		d.link(before, after, made)
	}
	d.linksEarly = append(d.linksEarly, d.taken...)
	d.deleteLinks(taken)
}

// counterpart is what the interface was before: the one of its name, or one
// that is to be moved between namespaces.
func (d *differ) counterpart(after *Interface) *Interface {
	if before := d.from.interfaceIn(after.Netns, after.Name); before != nil {
		return before
	}
	for i := range d.from.Interfaces {
		before := &d.from.Interfaces[i]
		if before.Name == after.Name && before.Netns != after.Netns && before.Type == after.Type &&
			(before.Netns == "" || after.Netns == "") && d.to.interfaceIn(before.Netns, before.Name) == nil {
			return before
		}
	}
	return nil
}

func (d *differ) link(before, after *Interface, made map[string]bool) {
	switch {
	case before == nil:
		d.addLink(after, made)
	case before.Netns != after.Netns:
		d.moveLink(before, after)
	case d.trans[after.Name].gone == early && after.Netns == "":
		d.remakeLink(before, after, made)
	default:
		d.changeLink(before, after)
	}
}

// addLink makes an interface. Of a veth pair the first end is made, and with
// it the second, which is then given its own attributes.
func (d *differ) addLink(after *Interface, made map[string]bool) {
	bare := withoutAddresses(after)
	if first := peer(after); first != "" && made[after.Netns+"/"+first] {
		d.bornWith(&Interface{Name: first}, after)
		return
	}
	made[after.Netns+"/"+after.Name] = true
	if port := d.to.Interface(attrOf(after, "controller")); bonded(d.to, after) && port != nil {
		d.addPort(after)
		return
	}
	d.linksEarly = append(d.linksEarly, Edit{Op: Add, After: Object{Link: withoutAddresses(d.later(nil, bare))}})
}

// addPort makes an interface that is to be a port of a bond: alone and down,
// and then its port.
func (d *differ) addPort(after *Interface) {
	alone := withState(released(after), "down")
	d.linksEarly = append(d.linksEarly, Edit{Op: Add, After: Object{Link: alone}})
	d.changeLink(alone, after)
}

// bornWith makes the end of a veth that comes into being with near: down, and
// then changed into what it is to be.
func (d *differ) bornWith(near, after *Interface) {
	born := Interface{Name: after.Name, Type: after.Type, Netns: after.Netns, Index: after.Index,
		Attrs: Attrs{"state": "down", kindOf(after).PeerKey(): near.Name}}
	key := kindOf(after).PeerTargetKey()
	if target, ok := after.Attrs[key]; ok {
		born.Attrs[key] = target
	}
	d.linksEarly = append(d.linksEarly, Edit{Op: Add, After: Object{Link: &born}, Implied: true})
	d.changeLink(&born, after)
}

// moveLink changes an interface's namespace. Moving away is late, because what
// lies on the interface is lost.
func (d *differ) moveLink(before, after *Interface) {
	e := Edit{Op: Modify, Before: Object{Link: withoutAddresses(before)}, After: Object{Link: withoutAddresses(after)}}
	if before.Netns == "" {
		d.linksLate = append(d.linksLate, e)
		return
	}
	d.linksEarly = append(d.linksEarly, e)
}

// remakeLink deletes an interface and makes it anew, or only makes it anew when
// it vanishes with another one.
func (d *differ) remakeLink(before, after *Interface, made map[string]bool) {
	b, a := lean(before), lean(after)
	switch again, why := anew(before, after); {
	case retyped(before, after):
		d.linksEarly = append(d.linksEarly, Edit{Op: Delete, Before: Object{Link: b}})
		d.addLink(after, made)
	case d.trans[after.Name].swept:
		d.linksEarly = append(d.linksEarly, Edit{Op: Delete, Before: Object{Link: b}, Implied: true})
		d.addLink(a, made)
	case again:
		d.linksEarly = append(d.linksEarly, Edit{Op: Modify, Before: Object{Link: b}, After: Object{Link: a}, Replaces: true, Why: why})
		made[after.Netns+"/"+after.Name] = true
	}
}

// changeLink changes an interface in place. A port of a bridge that is made
// anew is released by that, and taken in again.
func (d *differ) changeLink(before, after *Interface) {
	if c := attrOf(before, "controller"); c != "" && d.trans[c].gone == early && before.Netns == "" {
		freed := released(before)
		d.linksEarly = append(d.linksEarly, Edit{Op: Modify, Before: Object{Link: withoutAddresses(before)}, After: Object{Link: freed}, Implied: true})
		before = freed
	}
	if i := dragged(d.from, d.to, before); i != nil {
		d.linksEarly = append(d.linksEarly, Edit{Op: Modify, Before: Object{Link: withoutAddresses(before)}, After: Object{Link: i}, Implied: true})
		before = i
	}
	if i := d.freed[before.Name]; i != nil && before.Netns == "" {
		before = i
	}
	if replugged(before, after) {
		freed := withState(released(before), "down")
		d.linksEarly = append(d.linksEarly, Edit{Op: Modify, Before: Object{Link: withoutAddresses(before)}, After: Object{Link: freed}})
		before = freed
	}
	if before.Netns == "" && after.Netns == "" {
		before = d.bondSteps(before, after)
		d.emptyBond(before, after)
		after = d.later(before, after)
	}
	after = d.firstPorts(before, after)
	if len(Differences(before, after)) == 0 {
		return
	}
	e := Edit{Op: Modify, Before: Object{Link: withoutAddresses(before)}, After: Object{Link: withoutAddresses(after)}}
	if d.trans[after.Name].down && after.Netns == "" {
		d.linksLate = append(d.linksLate, e)
		return
	}
	d.linksEarly = append(d.linksEarly, e)
}

// firstPorts takes the hardware address that a bridge takes over from its first
// ports out of what is to be set. Where the address is not known, and where it
// may have been set before and stays, the edit is there all the same: it says
// that it happens.
func (d *differ) firstPorts(before, after *Interface) *Interface {
	if !takesMAC(after) || before.Netns != "" {
		return after
	}
	mac, gains := firstPortsMAC(d.from, d.to, after.Name)
	if !gains || mac != after.Attrs["mac-address"] {
		return after
	}
	own := withMAC(after, before.Attrs["mac-address"])
	then := own // what else is to be changed has been, by then
	if d.trans[after.Name].down {
		then = before
	}
	d.taken = append(d.taken, Edit{Op: Modify, Before: Object{Link: withoutAddresses(then)}, After: Object{Link: withMAC(then, mac)}, Implied: true})
	return own
}

// withMAC is the interface with another hardware address; "" is unknown.
func withMAC(i *Interface, mac string) *Interface {
	c := withoutAddresses(i)
	c.Attrs = cloneOrNew(i.Attrs)
	if c.Attrs["mac-address"] = mac; mac == "" {
		delete(c.Attrs, "mac-address")
	}
	return c
}

// deleteLinks deletes what is not wanted, upper interfaces first. One end of a
// veth takes the other along.
func (d *differ) deleteLinks(taken map[*Interface]bool) {
	var doomed []*Interface
	for i := range d.from.Interfaces {
		if before := &d.from.Interfaces[i]; !taken[before] {
			doomed = append(doomed, before)
		}
	}
	doomed = byDependency(doomed)
	gone := map[string]bool{}
	far := farEnds(d.from)
	for n := len(doomed) - 1; n >= 0; n-- {
		before := doomed[n]
		e := Edit{Op: Delete, Before: Object{Link: lean(before)}}
		if p := peer(before); p != "" && gone[before.Netns+"/"+p] {
			e.Implied = true
		}
		if near := d.holder(before, far); near != nil && d.trans[near.Name].gone != never {
			e.Implied = true
		}
		if below := lower(before); before.Netns == "" && below != "" && d.vanished(below, gone) {
			e.Implied = true
		}
		gone[before.Netns+"/"+before.Name] = true
		d.linksLate = append(d.linksLate, e)
	}
}

// vanished tells that an interface has gone with its pair's other end, which was
// removed before it, or with what it lies on.
func (d *differ) vanished(name string, gone map[string]bool) bool {
	const deepest = 64 // a state that was read from somewhere may go in circles
	for range deepest {
		i := d.from.Interface(name)
		if i == nil {
			return false
		}
		if gone["/"+name] || gone["/"+peer(i)] {
			return true
		}
		name = lower(i)
	}
	return false
}

// released is a port as its controller leaves it.
func released(i *Interface) *Interface {
	c := i.clone()
	c.Addresses = nil
	c.Attrs["controller"] = ""
	for key := range c.Attrs {
		if IsPortKey(key) {
			delete(c.Attrs, key)
		}
	}
	return &c
}

// withoutAddresses is the interface as an edit carries it: addresses are
// objects of their own, and what can only be read is no part of a change. The
// number stays, so that what is made anew can have it again.
func withoutAddresses(i *Interface) *Interface {
	c := *i
	c.Addresses = nil
	c.Status = nil
	return &c
}
