package netstate

// dragged is what the kernel makes of an interface by itself because the one
// below it changes on the way from one state to another, before anything is
// said of the interface itself; nil if nothing.
//
// A VLAN comes up with its lower interface, unless it is loosely bound, whether
// or not it was up before (vlan_device_event). An ipvlan takes the MTU of its
// lower interface (ipvlan_device_event). A port of a bridge follows the bridge's
// default VLAN.
func dragged(from, to *State, before *Interface) *Interface {
	if before.Netns != "" {
		return nil
	}
	if list, key, moved := movedPVID(from, to, before); moved && before.Type != "linux-bridge" {
		i := before.clone()
		i.Addresses = nil
		i.Attrs[key] = list
		return &i
	}
	if lower(before) == "" {
		return nil
	}
	was, is := from.Interface(lower(before)), to.Interface(lower(before))
	if was == nil || is == nil {
		return nil
	}
	i := before.clone()
	i.Addresses = nil
	if boundVLAN(before) && attrOf(was, "state") == "down" && attrOf(is, "state") == "up" {
		i.Attrs["state"] = "up"
	}
	if sharesMTU(before) && changed(was, is, "mtu") {
		i.Attrs["mtu"] = attrOf(is, "mtu")
	}
	if len(Differences(before, &i)) == 0 {
		return nil
	}
	return &i
}

// boundVLAN tells that an interface goes up and down with the one below it.
func boundVLAN(i *Interface) bool {
	return i.Type == "vlan" && i.Attrs["vlan.loose-binding"] != "true"
}

// sharesMTU tells that an interface's MTU follows every change of the one
// below it.
func sharesMTU(i *Interface) bool { return i.Type == "ipvlan" || i.Type == "ipvtap" }

// dragUppers lets what lies on interfaces follow them, as far as the
// configuration does not say otherwise.
func (m *simulation) dragUppers() {
	list := make([]*Interface, 0, len(m.to.Interfaces))
	for n := range m.to.Interfaces {
		if m.to.Interfaces[n].Netns == "" {
			list = append(list, &m.to.Interfaces[n])
		}
	}
	for _, v := range byDependency(list) {
		if lower(v) == "" {
			continue
		}
		m.dragState(v)
		if was := m.from.Interface(v.Name); was != nil && sharesMTU(v) {
			if d := dragged(m.from, m.to, was); d != nil && !given(m.configOf(v), "mtu") {
				v.Attrs = cloneOrNew(v.Attrs)
				v.Attrs["mtu"] = d.Attrs["mtu"]
			}
		}
	}
}

// configOf is what the configuration says of an interface, if anything.
func (m *simulation) configOf(v *Interface) *InterfaceConfig {
	if c := m.config[v.Name]; c != nil {
		return c
	}
	return &InterfaceConfig{}
}

// dragState takes a VLAN down and up with the interface below it, and refuses
// one that is to be up over one that is down (vlan_dev_open).
func (m *simulation) dragState(v *Interface) {
	base := m.to.Interface(lower(v))
	if base == nil || !boundVLAN(v) {
		return
	}
	c := m.configOf(v)
	set := func(state string) {
		v.Attrs = cloneOrNew(v.Attrs)
		v.Attrs["state"] = state
	}
	below, was := attrOf(base, "state"), attrOf(m.from.Interface(base.Name), "state")
	switch {
	case below == "down" && attrOf(v, "state") == "up" && c.State == "up":
		m.problem(c.Pos, "contradiction", v.Name+" cannot be up: "+base.Name+", which it lies on, is down",
			"Write `state: up` for "+base.Name+", or `state: down` for "+v.Name+", or set `loose-binding`.")
	case below == "down" && attrOf(v, "state") == "up":
		set("down")
		if m.made[v.Name] {
			m.problem(c.Pos, "contradiction", v.Name+" cannot be made up: "+base.Name+", which it lies on, is down",
				"Write `state: up` for "+base.Name+", or `state: down` for "+v.Name+".")
		}
	case below == "up" && was == "down" && c.State == "":
		set("up")
	}
}
