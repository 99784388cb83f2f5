package netyaml

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// mdb decodes the extension for the multicast databases of bridges.
func (d *decoder) mdb(n *yaml.Node) { d.extensionList(n, "mdb", d.mdbEntry) }

func (d *decoder) mdbEntry(n *yaml.Node) {
	c := netstate.MDBConfig{Pos: pos(n)}
	e := &c.Entry
	var mode string
	var sources []netip.Addr
	faults := len(d.problems)
	d.mapping(n, "a multicast entry", fields{
		"state": {decode: scalar(d, "state", oneOf("permanent", "temp", "absent"), func(v string) {
			if c.Absent = v == "absent"; !c.Absent {
				e.State = v
			}
		})},
		"device":      {decode: scalar(d, "device", parseName, func(v string) { e.Device = v })},
		"port":        {decode: scalar(d, "port", parseName, func(v string) { e.Port = v })},
		"group":       {decode: scalar(d, "group", parseGroup, func(v string) { e.Group = v })},
		"vlan":        {decode: scalar(d, "vlan", parseUint(1, 4094), func(v uint64) { e.VLAN = uint16(v) })},
		"source":      {decode: scalar(d, "source", parseSender, func(v netip.Addr) { e.Source = v })},
		"filter-mode": {decode: scalar(d, "filter-mode", oneOf("include", "exclude"), func(v string) { mode = v })},
		"source-list": {decode: func(v *yaml.Node) {
			d.list(v, "`source-list`", scalar(d, "source-list", parseSender, func(a netip.Addr) { sources = append(sources, a) }))
		}},
		"protocol":    {decode: scalar(d, "protocol", parseMDBProtocol, func(v uint8) { e.Protocol = v })},
		"remote":      {decode: scalar(d, "remote", parseAddr, func(v netip.Addr) { e.Dst = v })},
		"remote-port": {decode: scalar(d, "remote-port", parseUint(1, 65535), func(v uint64) { e.DstPort = uint16(v) })},
		"vni":         {decode: scalar(d, "vni", parseUint(1, 1<<24-1), func(v uint64) { e.VNI = uint32(v) })},
		"source-vni":  {decode: scalar(d, "source-vni", parseUint(1, 1<<24-2), func(v uint64) { e.SourceVNI = uint32(v) })},
		"via":         {decode: scalar(d, "via", parseName, func(v string) { e.Via = v })},
	})
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return
	}
	if e.Dst.IsValid() && e.Port == "" {
		e.Port = e.Device
	}
	e.Include = mode == "include"
	e.Sources = sourceTexts(sources)
	if d.mdbRemote(n, e) && d.mdbGroup(n, e) && d.mdbSources(n, e, mode, sources) {
		d.config.MDB = append(d.config.MDB, c)
	}
}

// refuse reports a fault, and is false.
func (d *decoder) refuse(n *yaml.Node, code, summary, detail string) bool {
	d.fail(n, code, summary, detail)
	return false
}

// mdbRemote checks what only entries of VXLANs have, and what they have not.
func (d *decoder) mdbRemote(n *yaml.Node, e *netstate.MDBEntry) bool {
	remote := e.Dst.IsValid()
	switch {
	case !remote && (e.DstPort != 0 || e.VNI != 0 || e.SourceVNI != 0 || e.Via != ""):
		return d.refuse(n, "missing-key", "`remote-port`, `vni`, `source-vni` and `via` belong to an entry with `remote`", "Add `remote:`, the VXLAN peer's address.")
	case remote && e.Port != e.Device:
		return d.refuse(n.Get("port"), "contradiction", "an entry with `remote` is in the VXLAN's own table", "Leave `port` out.")
	case remote && (e.VLAN != 0 || e.State == "temp" || e.Group != "" && !groupOf(e).IsValid()):
		return d.refuse(n, "contradiction", "a VXLAN's groups are IP addresses, without VLAN, and stay", "Leave `vlan` and `state` out, and give an address as `group`.")
	}
	return true
}

// mdbGroup checks what listens to what.
func (d *decoder) mdbGroup(n *yaml.Node, e *netstate.MDBEntry) bool {
	group, host := groupOf(e), e.Port == e.Device && !e.Dst.IsValid()
	switch {
	case e.Device == "" || e.Port == "" || e.Group == "":
		return d.refuse(n, "missing-key", "a multicast entry without `device`, `port` or `group`", "Add all three: the bridge, its port, the group.")
	case group.IsUnspecified() && (!e.Dst.IsValid() || e.Source.IsValid() || e.Sources != ""):
		return d.refuse(n.Get("group"), "contradiction", e.Group+" stands for all groups that a VXLAN has no entry for, from anywhere", "Name a group, or only the `remote` of a VXLAN.")
	case e.Source.IsValid() && group.Is4() != e.Source.Is4():
		return d.refuse(n.Get("source"), "bad-value", "`source` is no sender to the group "+e.Group, "Give an address of a host, of the group's family.")
	case host && group.IsLinkLocalMulticast():
		return d.refuse(n.Get("group"), "bad-value", "the bridge itself listens to "+e.Group+" as its addresses want it", "Name a port of the bridge, or leave the entry out.")
	case host && (e.Source.IsValid() || e.State != "" || e.Sources != "" || e.Protocol != 0):
		return d.refuse(n, "contradiction", "what the bridge itself listens to has neither `source` nor a state", "Leave them out, and `source-list` and `protocol`.")
	}
	return true
}

// mostSources is what the kernel takes in a list of a bridge (PG_SRC_ENT_LIMIT).
const mostSources = 31

// mdbSources checks a list of sources.
func (d *decoder) mdbSources(n *yaml.Node, e *netstate.MDBEntry, mode string, sources []netip.Addr) bool {
	at, group := n.Get("source-list"), groupOf(e)
	switch {
	case len(sources) == 0 && mode == "include":
		return d.refuse(n.Get("filter-mode"), "missing-key", "`filter-mode: include` without `source-list` listens to nobody", "Add `source-list:`.")
	case len(sources) == 0:
		return true
	case mode == "":
		return d.refuse(at, "missing-key", "`source-list` does not tell whether its senders are listened to", "Add `filter-mode: include` or `filter-mode: exclude`.")
	case e.Source.IsValid():
		return d.refuse(at, "contradiction", "an entry has either `source` or `source-list`", "Write one of them, or two entries.")
	case !group.IsValid():
		return d.refuse(at, "contradiction", e.Group+" is a hardware address, of which no senders are told apart", "Leave `source-list` out, or give an IP address as `group`.")
	case !e.Dst.IsValid() && len(sources) > mostSources:
		return d.refuse(at, "bad-value", fmt.Sprintf("a bridge takes %d sources of a group, not %d", mostSources, len(sources)), "Shorten the list.")
	}
	for i, a := range sources {
		if a.Is4() != group.Is4() {
			return d.refuse(at.Items[i], "bad-value", a.String()+" is no sender to the group "+e.Group, "Give an address of the group's family.")
		}
		if slices.Contains(sources[:i], a) {
			return d.refuse(at.Items[i], "bad-value", a.String()+" stands twice in `source-list`", "Write it once.")
		}
	}
	return true
}

func groupOf(e *netstate.MDBEntry) netip.Addr {
	group, _ := netip.ParseAddr(e.Group)
	return group
}

// sourceTexts are addresses in the order of their texts, with commas.
func sourceTexts(list []netip.Addr) string {
	var texts []string
	for _, a := range list {
		texts = append(texts, a.String())
	}
	slices.Sort(texts)
	return strings.Join(texts, ",")
}

// parseSender reads an address of one host.
func parseSender(text string) (netip.Addr, error) {
	a, err := parseAddr(text)
	if err == nil && (a.IsMulticast() || a.IsUnspecified() || a.Zone() != "") {
		err = fmt.Errorf("%s is no address of a host that sends", text)
	}
	return a, err
}

// parseMDBProtocol reads an origin of entries: the kernel takes none below
// RTPROT_STATIC.
func parseMDBProtocol(text string) (uint8, error) {
	p, err := parseProtocol(text)
	if err == nil && p > 3 {
		return p, nil
	}
	words := slices.DeleteFunc(slices.Sorted(maps.Keys(protocols)), func(w string) bool { return protocols[w] < 4 })
	return 0, &domain{message: fmt.Sprintf("%q is no origin of an entry such as static, bgp or a number from 4 to 255 (but 9, which is the kernel's)", text),
		words: words, number: true, least: 4, most: 255}
}

// parseGroup reads an address that several listen to. Bridges flood those of the
// link itself, and take no entries for them.
func parseGroup(text string) (string, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		if a.IsUnspecified() {
			return a.String(), nil // of a VXLAN
		}
		if !a.IsMulticast() || a.Is4() && a.IsLinkLocalMulticast() || a == netip.IPv6LinkLocalAllNodes() || a.Zone() != "" {
			return "", fmt.Errorf("%s is no group that bridges keep apart", text)
		}
		return a.String(), nil
	}
	mac, err := netstate.CanonicalMAC(text)
	if err != nil {
		return "", fmt.Errorf("%q is neither an address nor a hardware address", text)
	}
	if !strings.ContainsRune("13579bdf", rune(mac[1])) {
		return "", fmt.Errorf("%s is the address of one host", text)
	}
	return mac, nil
}

func encodeMDB(e *netstate.MDBEntry) *yaml.Node {
	const kernel = 2
	if e.Protocol == kernel {
		return nil // learned
	}
	m := &mapping{}
	m.text("device", e.Device)
	if !e.Dst.IsValid() {
		m.text("port", e.Port)
	}
	m.add("group", word(e.Group))
	m.number("vlan", uint64(e.VLAN))
	m.addr("source", e.Source)
	if e.Sources != "" {
		m.text("filter-mode", map[bool]string{true: "include", false: "exclude"}[e.Include])
		var items []*yaml.Node
		for source := range strings.SplitSeq(e.Sources, ",") {
			items = append(items, word(source))
		}
		m.list("source-list", items)
	}
	if e.Protocol > 4 {
		m.text("protocol", protocolName(e.Protocol))
	}
	m.addr("remote", e.Dst)
	m.number("remote-port", uint64(e.DstPort))
	m.number("vni", uint64(e.VNI))
	m.number("source-vni", uint64(e.SourceVNI))
	m.text("via", e.Via)
	if e.Port != e.Device && e.State != "permanent" {
		m.text("state", e.State)
	}
	return m.node()
}
