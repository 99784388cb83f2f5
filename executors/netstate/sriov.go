package netstate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Virtual functions of a network card (SR-IOV: Documentation/PCI/pci-iov-howto.rst):
// their number is a file of the device, what each is like travels in
// IFLA_VFINFO_LIST of the card.
const (
	sriovSection = "ethernet.sr-iov."
	// TotalVFs is how many there are.
	TotalVFs = sriovSection + "total-vfs"
	// VFs are what each is like: all of them in a state, and in a configuration
	// those that are named.
	VFs = sriovSection + "vfs"
	// VFAutoprobe is whether drivers look for those that are made.
	VFAutoprobe = sriovSection + "drivers-autoprobe"
	// VFInterfaces can only be read: the interfaces of the virtual functions in
	// the card's namespace, with commas. They come and go with them, and are among
	// the Attrs, so that a change can say so.
	VFInterfaces = sriovSection + "interfaces"
)

var sriovAttrs = []Attr{
	{Key: TotalVFs, Type: Uint32, Max: 65535, Set: Anytime},
	{Key: VFAutoprobe, Type: Bool, Set: Anytime},
	{Key: VFInterfaces, Type: String, Set: ReadOnly},
	{Key: VFs, Type: List, Set: Anytime, Fields: []Attr{
		{Key: "id", Type: Uint32, Max: 65534, Set: OnCreate},
		{Key: "iface-name", Type: String, Set: ReadOnly},
		{Key: "mac-address", Type: MAC, Set: Anytime, Untold: true, IP: "mac"},
		{Key: "vlan-id", Type: Uint32, Max: 4095, Set: Anytime, Untold: true, IP: "vlan"},
		{Key: "qos", Type: Uint32, Max: 7, Set: Anytime, Untold: true, IP: "qos"},
		{Key: "vlan-proto", Type: Enum, Wire: Uint16, Enum: []EnumValue{{"802.1q", 0x8100}, {"802.1ad", 0x88a8}}, Set: Anytime, Untold: true, IP: "proto"},
		{Key: "min-tx-rate", Type: Uint32, Set: Anytime, Untold: true, IP: "min_tx_rate"},
		{Key: "max-tx-rate", Type: Uint32, Set: Anytime, Untold: true, IP: "max_tx_rate"},
		{Key: "spoof-check", Type: Bool, Set: Anytime, Untold: true, IP: "spoofchk"},
		{Key: "trust", Type: Bool, Set: Anytime, Untold: true, IP: "trust"},
		{Key: "link-state", Type: Enum, Wire: Uint32, Enum: []EnumValue{{"auto", 0}, {"enable", 1}, {"disable", 2}}, Set: Anytime, Untold: true, IP: "state", Extension: true},
		{Key: "query-rss", Type: Bool, Set: Anytime, Untold: true, IP: "query_rss", Extension: true},
	}},
}

// IsSRIOV tells that an attribute is about the virtual functions of a card.
func IsSRIOV(key string) bool { return strings.HasPrefix(key, sriovSection) }

// sriov predicts the virtual functions: those that are named are as they are
// asked for, the others as they are.
func (m *simulation) sriov(i *InterfaceConfig, v *Interface) {
	was := m.from.Interface(i.Name)
	if was == nil || !given(i, TotalVFs) && !given(i, VFs) && !given(i, VFAutoprobe) {
		return
	}
	fault := func(key, code, summary, detail string) { m.problem(i.at(key), code, i.Name+": "+summary, detail) }
	asked := AttrByKey(VFs).Entries(i.Attrs[VFs])
	total, capable := was.Attrs[TotalVFs]
	if !capable {
		delete(v.Attrs, VFAutoprobe)
		if len(asked) > 0 || i.Attrs[TotalVFs] != "" && i.Attrs[TotalVFs] != "0" {
			fault(firstGiven(i, TotalVFs, VFs), "unsupported", "its driver has no virtual functions", "Leave `sr-iov` out. A card without the file /sys/class/net/"+i.Name+"/device/sriov_numvfs has none, or they are switched off in its firmware.")
		}
		delete(v.Attrs, TotalVFs)
		delete(v.Attrs, VFs)
		return
	}
	if _, known := was.Attrs[VFAutoprobe]; given(i, VFAutoprobe) && known {
		v.Attrs[VFAutoprobe] = i.Attrs[VFAutoprobe]
	} else if given(i, VFAutoprobe) {
		fault(VFAutoprobe, "unsupported", "its driver has no drivers-autoprobe", "Leave it out: it is for cards on PCI.")
	}
	count, _ := strconv.Atoi(cmp.Or(i.Attrs[TotalVFs], total)) // canonical
	if !given(i, TotalVFs) && count == 0 {
		for _, e := range asked {
			id, _ := strconv.Atoi(e["id"])
			count = max(count, id+1)
		}
	}
	if v.Attrs[TotalVFs] = strconv.Itoa(count); v.Attrs[TotalVFs] != total {
		m.leavingVFs(i, was, fault)
	}
	list := make([]Entry, count)
	for id := range list {
		list[id] = Entry{"id": strconv.Itoa(id)}
	}
	there := 0
	for _, e := range AttrByKey(VFs).Entries(was.Attrs[VFs]) {
		if id, err := strconv.Atoi(e["id"]); err == nil && id < count {
			list[id], there = e, there+1
		}
	}
	for _, e := range asked {
		id, _ := strconv.Atoi(e["id"])
		if id >= count {
			fault(VFs, "contradiction", "there is no virtual function "+e["id"]+": they are "+strconv.Itoa(count)+", from 0 on", "Give a larger `total-vfs`, or leave it out.")
			continue
		}
		is := list[id]
		for key, value := range e {
			if _, known := is[key]; !known && id < there && key != "vlan-proto" {
				fault(VFs, "unsupported", "its driver has no "+key+" of virtual functions", "Leave it out.")
			}
			is[key] = value
		}
		checkVF(is, func(summary, detail string) {
			fault(VFs, "contradiction", "virtual function "+e["id"]+": "+summary, detail)
		})
	}
	v.Attrs[VFs] = AttrByKey(VFs).List(list)
	if AttrByKey(VFs).equal(v.Attrs[VFs], was.Attrs[VFs]) {
		v.Attrs[VFs] = was.Attrs[VFs]
	}
}

// firstGiven is the first of the keys that a configuration has.
func firstGiven(i *InterfaceConfig, keys ...string) string {
	return keys[max(0, slices.IndexFunc(keys, func(key string) bool { return given(i, key) }))]
}

// checkVF finds contradictions within one virtual function.
func checkVF(e Entry, fault func(summary, detail string)) {
	if e["vlan-proto"] == "802.1ad" && cmp.Or(e["vlan-id"], "0") == "0" && cmp.Or(e["qos"], "0") == "0" {
		fault("802.1ad without a VLAN", "Give a `vlan-id` or `qos`, or leave `vlan-proto` out.")
	}
	if least, most := cmp.Or(e["min-tx-rate"], "0"), cmp.Or(e["max-tx-rate"], "0"); most != "0" && more(least, most) {
		fault("min-tx-rate is "+least+", and max-tx-rate "+most, "The least cannot be more than the most; a max-tx-rate of 0 is no bound.")
	}
	if mac := e["mac-address"]; len(mac) > 1 && strings.ContainsRune("13579bdf", rune(mac[1])) {
		fault("mac-address "+mac+" is a group's", "Give the address of one interface: its first byte is even.")
	}
}

// leavingVFs refuses another number of virtual functions where something uses
// those that are there: all of them go, whatever the number is to be.
func (m *simulation) leavingVFs(i *InterfaceConfig, was *Interface, fault func(key, code, summary, detail string)) {
	for _, name := range was.vfInterfaces() {
		why := m.usedBy(name)
		if why == "" {
			continue
		}
		fault(firstGiven(i, TotalVFs, VFs), "in-use", "all of its virtual functions go away for another number of them, and with them "+name+", which "+why,
			"Take that away first, in a block before this one.")
	}
}

// usedBy says what an interface has that would be lost with it; "" is nothing.
func (m *simulation) usedBy(name string) string {
	v := m.from.Interface(name)
	if v == nil {
		return ""
	}
	for a := range v.Addresses {
		if !v.Addresses[a].Kernel {
			return "has the address " + v.Addresses[a].Prefix.String()
		}
	}
	if c := attrOf(v, "controller"); c != "" {
		return "is a port of " + c
	}
	for n := range m.from.Interfaces {
		o := &m.from.Interfaces[n]
		if o.Netns == "" && (attrOf(o, "controller") == name || lower(o) == name) {
			return "carries " + o.Name
		}
	}
	for n := range m.from.Routes {
		r := &m.from.Routes[n]
		if !kernelRoute(r) && r.Type != "local" && r.Type != "multicast" && slices.ContainsFunc(r.NextHops, func(h NextHop) bool { return h.Device == name }) {
			return "has the route to " + r.Destination.String()
		}
	}
	if m.config[name] != nil && m.config[name].State != "ignore" {
		return "this block is about, too"
	}
	return ""
}

// vfInterfaces are the names of the interfaces of a card's virtual functions.
func (i *Interface) vfInterfaces() []string {
	return strings.FieldsFunc(i.Attrs[VFInterfaces], func(r rune) bool { return r == ',' })
}

// vfChange says what else happens when the number of virtual functions changes.
func vfChange(before *Interface, d *Difference) string {
	if cmp.Or(d.Before, "0") == "0" {
		return ""
	}
	say := " (those that are there go away"
	if d.After != "0" {
		say += " and come anew"
	}
	if names := before.vfInterfaces(); len(names) > 0 {
		say += ", with " + strings.Join(names, ", ")
	}
	return say + ")"
}

// vfLines say what becomes of each virtual function.
func vfLines(i *Interface, d *Difference) (lines []string) {
	a := AttrByKey(VFs)
	for _, e := range a.listDifferences(d.Before, d.After) {
		var w []string
		for k := range a.Fields {
			f := &a.Fields[k]
			if b, now := e.Before[f.Key], e.After[f.Key]; f.Set == Anytime && now != "" && now != b {
				w = append(w, f.Key+" "+cmp.Or(b, "unknown")+" → "+now)
			}
		}
		if len(w) > 0 {
			lines = append(lines, "! link "+i.Name+" vf "+e.After["id"]+" "+strings.Join(w, ", "))
		}
	}
	return lines
}

// sriovOnly are those of the differences that are about virtual functions.
func sriovOnly(diffs []Difference) []Difference {
	return slices.DeleteFunc(slices.Clone(diffs), func(d Difference) bool { return !IsSRIOV(d.Key) })
}

// sriovCommands are the commands for virtual functions.
func sriovCommands(i *Interface, diffs []Difference) (out []string) {
	if len(diffs) == 0 {
		return nil
	}
	before, after, total := i.Attrs[VFs], i.Attrs[VFs], Difference{}
	for _, d := range diffs {
		switch d.Key {
		case TotalVFs:
			total = d
		case VFAutoprobe:
			out = append(out, "echo "+bit(d.After)+" > "+quote("/sys/class/net/"+i.Name+"/device/sriov_drivers_autoprobe"))
		case VFs:
			before, after = d.Before, d.After
		}
	}
	if total.Key != "" {
		file := " > " + quote("/sys/class/net/"+i.Name+"/device/sriov_numvfs")
		if cmp.Or(total.Before, "0") != "0" && total.After != "0" {
			out = append(out, "echo 0"+file)
		}
		out = append(out, "echo "+total.After+file)
		before = "" // they are new
	}
	a := AttrByKey(VFs)
	for _, e := range a.listDifferences(before, after) {
		if w := vfWords(a, e.Before, e.After); len(w) > 0 {
			out = append(out, words(slices.Concat(ipIn(i.Netns), []string{"link", "set", "dev", i.Name, "vf", e.After["id"]}, w)...))
		}
	}
	return out
}

// vfWords are what ip-link(8) is told of one virtual function. VLANs and rates are
// told whole.
func vfWords(a *Attr, before, after Entry) (w []string) {
	whole := map[string]string{"vlan-id": "vlan", "qos": "vlan", "vlan-proto": "vlan", "min-tx-rate": "rate", "max-tx-rate": "rate"}
	changed := map[string]bool{}
	for key, value := range after {
		if before[key] != value {
			changed[cmp.Or(whole[key], key)] = true
		}
	}
	for k := range a.Fields {
		f := &a.Fields[k]
		if value := after[f.Key]; f.IP != "" && value != "" && changed[cmp.Or(whole[f.Key], f.Key)] {
			if f.Type == Bool {
				value = onOff(value)
			}
			w = append(w, f.IP, value)
		}
	}
	return w
}
