package netstate

import (
	"maps"
	"slices"
)

// What the kernel does with ports of a bond (bond_enslave, __bond_release_one)
// and of a team (team_port_add, team_port_del):
// only an interface that is down becomes one, and is up then, with the bond's
// hardware address and MTU; one that leaves is down, with its own.

// bonded tells that an interface is a port of a bond, or of a team, in this state.
func bonded(s *State, i *Interface) bool {
	controller := s.Interface(attrOf(i, "controller"))
	return i != nil && i.Netns == "" && controller != nil && (controller.Type == "bond" || controller.Type == "team")
}

// bondSteps leads a port out of its bond and into its new one: edits of their
// own for what the kernel insists on. It returns what the port is then.
func (d *differ) bondSteps(before, after *Interface) *Interface {
	moved := attrOf(before, "controller") != attrOf(after, "controller")
	if moved && bonded(d.from, before) && attrOf(before, "controller") != "" {
		freed := bondFreed(before)
		d.edit(before, freed)
		before = freed
	}
	if !moved || !bonded(d.to, after) {
		return before
	}
	if attrOf(before, "state") == "up" {
		down := withState(before, "down")
		d.edit(before, down)
		before = down
	}
	if attrOf(after, "state") == "down" {
		up := withState(after, "up")
		d.edit(before, up)
		before = up
	}
	return before
}

// edit changes a link early.
func (d *differ) edit(before, after *Interface) {
	d.linksEarly = append(d.linksEarly, Edit{Op: Modify, Before: Object{Link: withoutAddresses(before)}, After: Object{Link: withoutAddresses(after)}})
}

func withState(i *Interface, state string) *Interface {
	c := withoutAddresses(i)
	c.Attrs = cloneOrNew(i.Attrs)
	c.Attrs["state"] = state
	return c
}

// bondFreed is a port as its bond leaves it.
func bondFreed(i *Interface) *Interface {
	c := withState(released(i), "down")
	delete(c.Attrs, "mac-address")
	delete(c.Attrs, "mtu")
	return c
}

// leftBond gives a former port what it had before it was one: the kernel gives
// it back, and it is not the bond's to keep.
func leftBond(back, before *Interface) {
	for _, key := range []string{"mac-address", "mtu"} {
		value, known := before.Attrs[key]
		if known && attrOf(before, "controller") == "" {
			back.Attrs[key] = value
			continue
		}
		delete(back.Attrs, key)
	}
}

// emptyBond releases the ports of a bond before it is changed in a way that
// they forbid.
func (d *differ) emptyBond(before, after *Interface) {
	if before.Type != "bond" || before.Netns != "" || !slices.ContainsFunc(Differences(before, after), func(x Difference) bool { return slices.Contains(bondEmpty, x.Key) }) {
		return
	}
	for n := range d.from.Interfaces {
		port := &d.from.Interfaces[n]
		if port.Netns != "" || attrOf(port, "controller") != before.Name || d.trans[port.Name].gone == early {
			continue
		}
		freed := bondFreed(port)
		d.edit(port, freed)
		if d.freed == nil {
			d.freed = map[string]*Interface{}
		}
		d.freed[port.Name] = freed
	}
}

// later takes out of an interface what can only be set when its ports are
// there, or have gone: their names, what is of their VLANs, and a bond's address,
// which the last port that leaves takes along. The rest is set by an edit after those of the ports.
func (d *differ) later(before, after *Interface) *Interface {
	if after.Netns != "" {
		return after
	}
	first := *withoutAddresses(after)
	first.Attrs = maps.Clone(after.Attrs)
	attrs := kindOf(after).Attrs
	if attrOf(after, "controller") != "" {
		attrs = slices.Concat(attrs, kindOf(d.to.Interface(attrOf(after, "controller"))).PortAttrs)
	}
	for i := range attrs {
		a := &attrs[i]
		value, wanted := a.value(after.Attrs)
		was, known := a.value(attrsOf(before))
		late := a.Late || a.Key == mstEnabled && value == "false" && was == "true"
		if !late || !wanted || before != nil && known && a.equal(was, value) && !d.portsChange(after.Name) {
			continue
		}
		delete(first.Attrs, a.Key)
		if IsPortKey(a.Key) && attrOf(before, "controller") != attrOf(after, "controller") {
			continue // it begins anew there
		}
		if v, ok := attrsOf(before)[a.Key]; ok {
			first.Attrs[a.Key] = v
		}
	}
	empties := after.Type == "bond" && before != nil && len(portsOf(d.from, after.Name)) > 0 && len(portsOf(d.to, after.Name)) == 0
	if mac := after.Attrs["mac-address"]; empties && mac != "" {
		first.Attrs["mac-address"] = before.Attrs["mac-address"]
	}
	last := &first
	if empties {
		// The kernel makes an address up (eth_hw_addr_random).
		last = withMAC(last, "")
		d.taken = append(d.taken, Edit{Op: Modify, Before: Object{Link: withoutAddresses(&first)}, After: Object{Link: last}, Implied: true})
	}
	if text := d.vlanGlobalLeft(before, after); text != attrsOf(before)[vlanGlobal] {
		last = withoutAddresses(last)
		last.put(vlanGlobal, text)
		d.taken = append(d.taken, Edit{Op: Modify, Before: Object{Link: withoutAddresses(&first)}, After: Object{Link: last}, Implied: true})
	}
	if len(Differences(last, after)) > 0 {
		d.taken = append(d.taken, Edit{Op: Modify, Before: Object{Link: last}, After: Object{Link: withoutAddresses(after)}})
	}
	return &first
}

func attrsOf(i *Interface) Attrs {
	if i == nil {
		return nil
	}
	return i.Attrs
}

// portsOf are the names of an interface's ports.
func portsOf(s *State, controller string) []string {
	var names []string
	for n := range s.Interfaces {
		if p := &s.Interfaces[n]; p.Netns == "" && attrOf(p, "controller") == controller {
			names = append(names, p.Name)
		}
	}
	return names
}

// portsChange tells that an interface gets or loses ports.
func (d *differ) portsChange(controller string) bool {
	return !slices.Equal(portsOf(d.from, controller), portsOf(d.to, controller))
}
