package netyaml

import (
	"fmt"
	"net/netip"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// mdb decodes the extension for the multicast databases of bridges.
func (d *decoder) mdb(n *yaml.Node) { d.extensionList(n, "mdb", d.mdbEntry) }

func (d *decoder) mdbEntry(n *yaml.Node) {
	c := netstate.MDBConfig{Pos: pos(n)}
	e := &c.Entry
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
		"remote":      {decode: scalar(d, "remote", parseAddr, func(v netip.Addr) { e.Dst = v })},
		"remote-port": {decode: scalar(d, "remote-port", parseUint(1, 65535), func(v uint64) { e.DstPort = uint16(v) })},
		"vni":         {decode: scalar(d, "vni", parseUint(1, 1<<24-1), func(v uint64) { e.VNI = uint32(v) })},
		"source-vni":  {decode: scalar(d, "source-vni", parseUint(1, 1<<24-2), func(v uint64) { e.SourceVNI = uint32(v) })},
		"via":         {decode: scalar(d, "via", parseName, func(v string) { e.Via = v })},
		"source":      {decode: scalar(d, "source", parseAddr, func(v netip.Addr) { e.Source = v })},
	})
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return
	}
	group, _ := netip.ParseAddr(e.Group)
	remote := e.Dst.IsValid()
	if remote && e.Port == "" {
		e.Port = e.Device
	}
	switch {
	case !remote && (e.DstPort != 0 || e.VNI != 0 || e.SourceVNI != 0 || e.Via != ""):
		d.fail(n, "missing-key", "`remote-port`, `vni`, `source-vni` and `via` belong to an entry with `remote`", "Add `remote:`, the VXLAN peer's address.")
		return
	case remote && e.Port != e.Device:
		d.fail(n.Get("port"), "contradiction", "an entry with `remote` is in the VXLAN's own table", "Leave `port` out.")
		return
	case remote && (e.VLAN != 0 || e.State == "temp" || e.Group != "" && !group.IsValid()):
		d.fail(n, "contradiction", "a VXLAN's groups are IP addresses, without VLAN, and stay", "Leave `vlan` and `state` out, and give an address as `group`.")
		return
	}
	switch {
	case e.Device == "" || e.Port == "" || e.Group == "":
		d.fail(n, "missing-key", "a multicast entry without `device`, `port` or `group`", "Add all three: the bridge, its port, the group.")
	case e.Source.IsValid() && (!group.IsValid() || group.Is4() != e.Source.Is4() || e.Source.IsMulticast()):
		d.fail(n.Get("source"), "bad-value", "`source` is no sender to the group "+e.Group, "Give an address of a host, of the group's family.")
	case !remote && e.Port == e.Device && group.IsLinkLocalMulticast():
		d.fail(n.Get("group"), "bad-value", "the bridge itself listens to "+e.Group+" as its addresses want it", "Name a port of the bridge, or leave the entry out.")
	case !remote && e.Port == e.Device && (e.Source.IsValid() || e.State != ""):
		d.fail(n, "contradiction", "what the bridge itself listens to has neither `source` nor a state", "Leave them out.")
	default:
		d.config.MDB = append(d.config.MDB, c)
	}
}

// parseGroup reads an address that several listen to. Bridges flood those of the
// link itself, and take no entries for them.
func parseGroup(text string) (string, error) {
	if a, err := netip.ParseAddr(text); err == nil {
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
