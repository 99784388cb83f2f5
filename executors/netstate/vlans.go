package netstate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// VLANRange is VLANs of a port of a bridge, or of the bridge itself, with what
// they have in common (struct bridge_vlan_info, BRIDGE_VLAN_INFO_*).
type VLANRange struct {
	Min, Max uint16 // 1 to 4094, both included
	// PVID is set for the VLAN of untagged packets that arrive: one at most.
	PVID bool
	// Untagged is set where packets leave without a tag.
	Untagged bool
}

// String is a range in bridge(8)'s words: "10 pvid untagged", "20-30".
func (r VLANRange) String() string {
	s := strconv.Itoa(int(r.Min))
	if r.Max != r.Min {
		s += "-" + strconv.Itoa(int(r.Max))
	}
	if r.PVID {
		s += " pvid"
	}
	if r.Untagged {
		s += " untagged"
	}
	return s
}

// ParseVLANs reads what FormatVLANs writes; ranges may be in any order.
func ParseVLANs(text string) ([]VLANRange, error) {
	var list []VLANRange
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		r, err := parseVLAN(words)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	sortShort(list, func(a, b VLANRange) int { return cmp.Compare(a.Min, b.Min) })
	pvids := 0
	for i, r := range list {
		if i > 0 && list[i-1].Max >= r.Min {
			return nil, fmt.Errorf("VLAN %d stands twice", r.Min)
		}
		if r.PVID {
			pvids++
		}
	}
	if pvids > 1 {
		return nil, fmt.Errorf("more than one VLAN for untagged packets (pvid)")
	}
	return list, nil
}

func parseVLAN(words []string) (r VLANRange, err error) {
	low, high, err := parseEnds(words[0], "VLAN", 1, 4094)
	if err != nil {
		return r, err
	}
	r.Min, r.Max = uint16(low), uint16(high)
	for _, w := range words[1:] {
		switch w {
		case "pvid":
			r.PVID = true
		case "untagged":
			r.Untagged = true
		default:
			return r, fmt.Errorf("%q is neither `pvid` nor `untagged`", w)
		}
	}
	if r.PVID && r.Min != r.Max {
		return r, fmt.Errorf("%q: only one VLAN can be the one for untagged packets (pvid)", words[0])
	}
	return r, nil
}

// FormatVLANs is the canonical text of VLANs: sorted, neighbours with the same
// flags as one range, commas between the ranges.
func FormatVLANs(list []VLANRange) string {
	list = slices.Clone(list)
	sortShort(list, func(a, b VLANRange) int { return cmp.Compare(a.Min, b.Min) })
	var merged []VLANRange
	for _, r := range list {
		if n := len(merged) - 1; n >= 0 && !r.PVID && !merged[n].PVID && merged[n].Untagged == r.Untagged && merged[n].Max+1 == r.Min {
			merged[n].Max = r.Max
			continue
		}
		merged = append(merged, r)
	}
	out := make([]string, 0, len(merged))
	for _, r := range merged {
		out = append(out, r.String())
	}
	return strings.Join(out, ",")
}

func canonicalVLANs(text string) (string, error) {
	list, err := ParseVLANs(text)
	return FormatVLANs(list), err
}

// VLANDelta is what leads from some VLANs to others: what is to be added, or
// set anew with other flags, and what is to be removed.
func VLANDelta(from, to []VLANRange) (add, remove []VLANRange) {
	have, want := singles(from), singles(to)
	for vid, r := range want {
		if r.Min != 0 && have[vid] != r {
			add = append(add, r)
		}
	}
	for vid, r := range have {
		if r.Min != 0 && want[vid].Min == 0 {
			remove = append(remove, VLANRange{Min: r.Min, Max: r.Min})
		}
	}
	return joined(add), joined(remove)
}

// singles has each VLAN by itself; Min 0 is none.
func singles(list []VLANRange) *[4095]VLANRange {
	var all [4095]VLANRange
	for _, r := range list {
		for vid := r.Min; vid <= r.Max && vid < 4095; vid++ {
			all[vid] = VLANRange{vid, vid, r.PVID, r.Untagged}
		}
	}
	return &all
}

// joined makes ranges of neighbours.
func joined(list []VLANRange) []VLANRange {
	merged, _ := ParseVLANs(FormatVLANs(list)) // what was formatted parses
	return merged
}

const (
	portVLANs  = "bridge-port.vlan"
	selfVLANs  = "bridge.vlan"
	filtering  = "bridge.options.vlan-filtering"
	defaultVID = "bridge.options.vlan-default-pvid"
)

// filterVLANs switches VLAN filtering on where VLANs are declared of a bridge
// or its ports and nothing is said of filtering, as nmstate does.
func (m *simulation) filterVLANs() {
	for name, c := range m.config {
		if c.State == "absent" || c.State == "ignore" {
			continue
		}
		bridge := m.to.Interface(name)
		if bridge != nil && given(c, portVLANs) {
			bridge = m.to.Interface(attrOf(bridge, "controller"))
		}
		if bridge == nil || bridge.Type != "linux-bridge" || (!given(c, portVLANs) && !given(c, selfVLANs)) {
			continue
		}
		if m.from.Lacks[filtering] != "" {
			continue // said where it is given
		}
		if !given(m.configOf(bridge), filtering) && bridge.Attrs[filtering] != "true" {
			bridge.Attrs = cloneOrNew(bridge.Attrs)
			bridge.Attrs[filtering] = "true"
		}
	}
}

// movePVIDs lets the VLAN that ports begin with follow the bridge's default
// (__br_vlan_set_default_pvid).
func (m *simulation) movePVIDs() {
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		if was := m.from.Interface(v.Name); v.Netns == "" && was != nil {
			if list, key, moved := movedPVID(m.from, m.to, was); moved && !given(m.configOf(v), key) && v.Attrs[key] == was.Attrs[key] {
				v.Attrs = cloneOrNew(v.Attrs)
				v.Attrs[key] = list
			}
		}
	}
}

// movedPVID is what the kernel makes of the VLANs of a port, or of a bridge
// itself, because the bridge's default changes: those that have the old one for
// their untagged packets, and all where there was none, get the new one in its
// place, unless they are in it already. Without a new one the old one goes.
func movedPVID(from, to *State, before *Interface) (list, key string, moved bool) {
	bridge, key := before, selfVLANs
	if before.Type != "linux-bridge" {
		bridge, key = from.Interface(attrOf(before, "controller")), portVLANs
	}
	text, known := before.Attrs[key]
	if bridge == nil || bridge.Type != "linux-bridge" || before.Netns != "" || to.Interface(bridge.Name) == nil || !known {
		return "", key, false
	}
	old, hadOne := defaultPVID(bridge)
	next, hasOne := defaultPVID(to.Interface(bridge.Name))
	ranges, err := ParseVLANs(text)
	if old == next || !hadOne || !hasOne || err != nil {
		return "", key, false
	}
	all := singles(ranges)
	if old != 0 && (!all[old].PVID || !all[old].Untagged) || next != 0 && all[next].Min != 0 {
		return "", key, false
	}
	all[old] = VLANRange{}
	if next != 0 {
		for vid := range all {
			all[vid].PVID = false
		}
		all[next] = VLANRange{next, next, true, true}
	}
	out := slices.DeleteFunc(all[:], func(r VLANRange) bool { return r.Min == 0 })
	return FormatVLANs(out), key, true
}

// defaultPVID is the VLAN that ports of a bridge begin with, 0 for none; false
// where it is not known.
func defaultPVID(bridge *Interface) (vid uint16, known bool) {
	n, err := strconv.ParseUint(bridge.Attrs[defaultVID], 10, 16)
	return uint16(n), err == nil && n < 4095
}

// vlansOf are the VLANs of a port, or of a bridge itself: of a new one those that it
// begins with.
func vlansOf(s *State, v *Interface) []VLANRange {
	bridge, key := v, selfVLANs
	if v.Type != "linux-bridge" {
		bridge, key = s.Interface(attrOf(v, "controller")), portVLANs
	}
	if bridge == nil || bridge.Type != "linux-bridge" {
		return nil
	}
	text, known := v.Attrs[key]
	if !known { // it is new there
		reason, asked := s.Lacks[filtering]
		if !asked || reason != "" {
			return nil
		}
		text = cmp.Or(bridge.Attrs[defaultVID], "1")
		if text == "0" {
			return nil
		}
	}
	list, _ := ParseVLANs(text) // the kernel's own
	return list
}

// vlanCommands are bridge(8)'s commands from some VLANs to others.
func vlanCommands(i *Interface, d Difference) []string {
	from, _ := ParseVLANs(d.Before)
	to, err := ParseVLANs(d.After)
	if err != nil {
		return nil
	}
	prefix := append([]string{"bridge"}, ipIn(i.Netns)[1:]...)
	var out []string
	line := func(verb string, r VLANRange) {
		w := append(slices.Clone(prefix), "vlan", verb, "dev", i.Name, "vid")
		w = append(w, strings.Fields(r.String())...)
		if d.Key == selfVLANs {
			w = append(w, "self")
		}
		out = append(out, words(w...))
	}
	add, remove := VLANDelta(from, to)
	for _, r := range add {
		line("add", r)
	}
	for _, r := range remove {
		line("delete", r)
	}
	return out
}
