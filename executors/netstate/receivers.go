package netstate

import "slices"

// receivers refuses an interface that two others want to have all packets of:
// the kernel has one place for that (netdev_rx_handler_register).
func (m *simulation) receivers(c *Config) {
	takers := map[string][]string{}
	take := func(below, taker string) {
		if below != "" && !slices.Contains(takers[below], taker) {
			takers[below] = append(takers[below], taker)
		}
	}
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		if v.Netns != "" {
			continue
		}
		if controller := m.to.Interface(attrOf(v, "controller")); kindOf(controller).NoAddresses {
			take(v.Name, "port of "+controller.Name)
		}
		switch v.Type {
		case "mac-vlan", "mac-vtap":
			take(lower(v), "base of mac-vlan and mac-vtap interfaces")
		case "ipvlan", "ipvtap":
			take(lower(v), "base of ipvlan and ipvtap interfaces")
		case "hsr":
			take(v.Attrs["hsr.port1"], "port of "+v.Name)
			take(v.Attrs["hsr.port2"], "port of "+v.Name)
			take(v.Attrs["hsr.interlink"], "port of "+v.Name)
		}
	}
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		v := m.to.Interface(i.Name)
		if v == nil || i.State == "absent" || i.State == "ignore" {
			continue
		}
		for _, below := range append(i.taken(v), i.Name) {
			if list := takers[below]; len(list) > 1 {
				slices.Sort(list)
				m.problem(i.Pos, "contradiction", below+" cannot be both "+list[0]+" and "+list[1],
					"Only one of them can have the packets of "+below+": leave one out.")
				delete(takers, below) // once is enough
			}
		}
	}
}

// taken are the interfaces whose packets v takes by what i says.
func (i *InterfaceConfig) taken(v *Interface) []string {
	list := []string{lower(v), v.Attrs["hsr.port1"], v.Attrs["hsr.port2"], v.Attrs["hsr.interlink"]}
	if i.Ports != nil {
		list = append(list, *i.Ports...)
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// ipVlanSiblings refuses interfaces on one lower interface with different
// modes: the kernel has one mode and one set of flags for all of them.
func (m *simulation) ipVlanSiblings(c *Config) {
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		v := m.to.Interface(i.Name)
		if v == nil || !sharesMTU(v) || i.State == "absent" || i.State == "ignore" {
			continue
		}
		for k := range m.to.Interfaces {
			other := &m.to.Interfaces[k]
			if other.Netns != "" || !sharesMTU(other) || lower(other) != lower(v) || other.Name == v.Name {
				continue
			}
			for _, key := range []string{"mode", "private", "vepa"} {
				mine, theirs := ownValue(v, key), ownValue(other, key)
				if mine != theirs && (given(i, v.Type+"."+key) || m.made[v.Name]) {
					m.problem(i.at(v.Type+"."+key), "contradiction",
						v.Name+" would have `"+key+"` "+mine+" and "+other.Name+" "+theirs+", on the same "+lower(v),
						"All on one interface have the same: say it of each of them.")
					return
				}
			}
		}
	}
}

// ownValue is an attribute in the section of the interface's kind, or what the
// kernel takes for it.
func ownValue(i *Interface, name string) string {
	key := kindOf(i).Section + "." + name
	if v := i.Attrs[key]; v != "" {
		return v
	}
	if a := AttrByKey(key); a != nil {
		return a.Default
	}
	return ""
}
