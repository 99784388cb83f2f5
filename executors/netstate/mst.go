package netstate

import (
	"fmt"
	"slices"
	"strconv"
)

const (
	mstEnabled = "bridge.options.mst-enabled"
	vlanGlobal = "bridge.vlan-global"
	portMST    = "bridge-port.mst"
)

// Fields of vlanGlobal (BRIDGE_VLANDB_GOPTS_* of linux/if_bridge.h) and portMST.
var (
	vlanGlobalFields = []Attr{
		{Key: "msti", Type: Uint16, IFLA: 18, Max: 4094, Default: "0"},
		{Key: "mcast_snooping", Type: Bool, IFLA: 3, Default: "true"},
		{Key: "mcast_querier", Type: Bool, IFLA: 15, Default: "false"},
		{Key: "mcast_igmp_version", Type: Uint8, IFLA: 4, Min: 2, Max: 3, Default: "2"},
		{Key: "mcast_mld_version", Type: Uint8, IFLA: 5, Min: 1, Max: 2, Default: "1"},
		{Key: "mcast_last_member_count", Type: Uint32, IFLA: 6, Default: "2"},
		{Key: "mcast_startup_query_count", Type: Uint32, IFLA: 7, Default: "2"},
		{Key: "mcast_last_member_interval", Type: Hundredths, IFLA: 8, Default: "100"},
		{Key: "mcast_membership_interval", Type: Hundredths, IFLA: 10, Default: "26000"},
		{Key: "mcast_querier_interval", Type: Hundredths, IFLA: 11, Default: "25500"},
		{Key: "mcast_query_interval", Type: Hundredths, IFLA: 12, Min: 100, Max: 8640000, Default: "12500"},
		{Key: "mcast_query_response_interval", Type: Hundredths, IFLA: 13, Default: "1000"},
		{Key: "mcast_startup_query_interval", Type: Hundredths, IFLA: 14, Min: 100, Max: 8640000, Default: "3125"},
	}
	mstFields = []Attr{{Key: "state", Type: Enum, Wire: Uint8, Enum: stpStates, IFLA: 2, Default: "disabled"}}
	stpStates = []EnumValue{{"disabled", 0}, {"listening", 1}, {"learning", 2}, {"forwarding", 3}, {"blocking", 4}}
)

// mst lets the spanning trees of VLANs, and the states of ports in them, go with
// the VLANs (br_vlan_put_master, br_mst_fill_info), and refuses what the kernel
// would, or would take and do nothing with.
func (m *simulation) mst() {
	for n := range m.to.Interfaces {
		if v := &m.to.Interfaces[n]; v.Netns == "" && v.Type == "linux-bridge" {
			m.mstOf(v)
		}
	}
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		bridge := m.to.Interface(attrOf(v, "controller"))
		if v.Netns == "" && bridge != nil && bridge.Type == "linux-bridge" && bridge.Netns == "" {
			m.mstOfPort(v, bridge)
		}
	}
}

// mstOf looks at a bridge.
func (m *simulation) mstOf(v *Interface) {
	c, was := m.configOf(v), m.from.Interface(v.Name)
	if on := v.Attrs[mstEnabled] == "true"; was != nil && given(c, mstEnabled) && on != (attrOf(was, mstEnabled) == "true") {
		s := m.from // it is switched on before its ports change, and off after that
		if !on {
			s = m.to
		}
		for _, name := range portsOf(s, v.Name) {
			if len(vlansOf(s, s.Interface(name))) > 0 {
				m.problem(c.at(mstEnabled), "contradiction", "`mst-enabled` of "+v.Name+" cannot change while its port "+name+" is in VLANs",
					"Take the VLANs of all ports away (`vlan: {tags: []}`) in a block before this one.")
				break
			}
		}
	}
	a := AttrByKey(vlanGlobal)
	list, err := a.Ranges(v.Attrs[vlanGlobal])
	if err != nil || len(list) == 0 {
		return
	}
	asked := given(c, vlanGlobal)
	if asked && v.Attrs[mstEnabled] != "true" && slices.ContainsFunc(list, func(e RangeEntry) bool { return valueAt(&e, 0) != "" }) {
		m.problem(c.at(vlanGlobal), "contradiction", v.Name+" puts VLANs into spanning trees (`msti`) only with `mst-enabled: true`", "Set it, or leave the trees out.")
		return
	}
	there := *singles(vlansOf(m.to, v))
	for _, name := range portsOf(m.to, v.Name) {
		for vid, r := range singles(vlansOf(m.to, m.to.Interface(name))) {
			if r.Min != 0 {
				there[vid] = r
			}
		}
	}
	var left []RangeEntry
	for vid, e := range singleRanges(list) {
		switch {
		case e.Min == 0:
		case there[vid].Min != 0:
			left = append(left, e)
		case asked:
			m.problem(c.at(vlanGlobal), "contradiction", fmt.Sprintf("neither %s nor a port of it is in VLAN %d", v.Name, vid), "Add the VLAN to the `vlan` of a port, or leave its options out.")
			return
		}
	}
	v.put(vlanGlobal, a.FormatRanges(joinRanges(left)))
}

// vlanGlobalLeft is what is left of the options of a bridge's VLANs when its ports
// have changed: a VLAN that none of them has all the time begins anew, without
// (br_vlan_put_master).
func (d *differ) vlanGlobalLeft(before, after *Interface) string {
	text := attrsOf(before)[vlanGlobal]
	if text == "" || after.Type != "linux-bridge" || after.Attrs[vlanGlobal] == "" {
		return text
	}
	a := AttrByKey(vlanGlobal)
	list, err := a.Ranges(text)
	if err != nil {
		return text
	}
	all := singleRanges(list)
	var safe [4095]bool
	for _, name := range append(portsOf(d.from, before.Name), before.Name) {
		was, is := d.from.Interface(name), d.to.Interface(name)
		if is == nil || d.trans[name].gone != never || attrOf(was, "controller") != attrOf(is, "controller") {
			continue
		}
		have, want := singles(vlansOf(d.from, was)), singles(vlansOf(d.to, is))
		for vid := range safe {
			safe[vid] = safe[vid] || have[vid].Min != 0 && want[vid].Min != 0
		}
	}
	var left []RangeEntry
	for vid := range all {
		if safe[vid] {
			left = append(left, all[vid])
		}
	}
	return a.FormatRanges(joinRanges(left))
}

// put sets an attribute of an interface that another state may have, too.
func (i *Interface) put(key, value string) {
	if i.Attrs[key] != value {
		i.Attrs = cloneOrNew(i.Attrs)
		i.Attrs[key] = value
	}
}

// mstOfPort looks at a port.
func (m *simulation) mstOfPort(v, bridge *Interface) {
	a := AttrByKey(portMST)
	c := m.configOf(v)
	text, known := v.Attrs[portMST]
	list, err := a.Ranges(text)
	if err != nil || !known {
		return
	}
	asked := given(c, portMST)
	if asked && text != "" && bridge.Attrs[mstEnabled] != "true" {
		m.problem(c.at(portMST), "contradiction", v.Name+" has states in spanning trees only where "+bridge.Name+" has `mst-enabled: true`", "Set it, or leave the states out.")
		return
	}
	trees := treesOf(m.to, v, bridge)
	var left []RangeEntry
	for n, e := range singleRanges(list) {
		switch {
		case e.Min == 0:
		case trees[n]:
			left = append(left, e)
		case asked:
			m.problem(c.at(portMST), "contradiction", fmt.Sprintf("no VLAN of %s is in spanning tree %d", v.Name, n), "Name the tree of a VLAN with `vlan-global` of "+bridge.Name+", or leave the state out.")
			return
		}
	}
	if asked {
		return
	}
	was := m.from.Interface(v.Name)
	before := treesOf(m.from, was, m.from.Interface(attrOf(was, "controller")))
	for tree := range trees {
		if !before[tree] { // the kernel chooses the state, by what the port does then
			v.Attrs = cloneOrNew(v.Attrs)
			delete(v.Attrs, portMST)
			return
		}
	}
	v.put(portMST, a.FormatRanges(joinRanges(left)))
}

// treesOf are the spanning trees but 0 that VLANs of a port are in.
func treesOf(s *State, v, bridge *Interface) map[int]bool {
	trees := map[int]bool{}
	if v == nil || bridge == nil {
		return trees
	}
	list, _ := AttrByKey(vlanGlobal).Ranges(bridge.Attrs[vlanGlobal]) // the kernel's own, or checked
	global := singleRanges(list)
	for vid, r := range singles(vlansOf(s, v)) {
		if r.Min == 0 {
			continue
		}
		if tree, err := strconv.Atoi(valueAt(&global[vid], 0)); err == nil {
			trees[tree] = true
		}
	}
	return trees
}
