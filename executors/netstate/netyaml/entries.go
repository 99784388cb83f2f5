package netyaml

import (
	"net/netip"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// neighbors decodes the extension for ARP and NDP entries.
func (d *decoder) neighbors(n *yaml.Node) { d.extensionList(n, "neighbors", d.neighbor) }

func (d *decoder) neighbor(n *yaml.Node) {
	c := netstate.NeighborConfig{Pos: pos(n)}
	e := &c.Neighbor
	faults := len(d.problems)
	d.mapping(n, "a neighbour", fields{
		"state": {decode: scalar(d, "state", oneOf("permanent", "noarp", netstate.Managed, "absent"), func(v string) {
			if c.Absent = v == "absent"; !c.Absent {
				e.State = v
			}
		})},
		"device":       {decode: scalar(d, "device", parseName, func(v string) { e.Device = v }), needed: true},
		"ip":           {decode: scalar(d, "ip", parseAddr, func(v netip.Addr) { e.IP = v }), needed: true},
		"mac-address":  {decode: scalar(d, "mac-address", netstate.CanonicalMAC, func(v string) { e.MAC = v })},
		"proxy":        {decode: scalar(d, "proxy", parseBool, func(v bool) { e.Proxy = v })},
		"router":       {decode: scalar(d, "router", parseBool, func(v bool) { e.Router = v })},
		"extern-learn": {decode: scalar(d, "extern-learn", parseBool, func(v bool) { e.Learned = v })},
	})
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return
	}
	switch {
	case e.Device == "" || !e.IP.IsValid():
		d.fail(n, "missing-key", "a neighbour without `device` or `ip`", "Add both.")
	case e.State == netstate.Managed && e.MAC != "":
		d.fail(n.Get("mac-address"), "contradiction", "the kernel asks for the hardware address of a managed neighbour", "Leave one of the two out.")
	case !c.Absent && !e.Proxy && e.MAC == "" && e.State != netstate.Managed:
		d.fail(n, "missing-key", "neighbour "+e.IP.String()+" without `mac-address`", "Add it, or `proxy: true` to answer for the address.")
	case e.Proxy && (e.MAC != "" || e.State != ""):
		d.fail(n, "contradiction", "a proxy entry has neither `mac-address` nor a state", "Leave them out.")
	default:
		d.config.Neighbors = append(d.config.Neighbors, c)
	}
}

// fdb decodes the extension for forwarding entries of bridges and VXLANs.
func (d *decoder) fdb(n *yaml.Node) { d.extensionList(n, "fdb", d.fdbEntry) }

func (d *decoder) fdbEntry(n *yaml.Node) {
	c := netstate.FDBConfig{Pos: pos(n)}
	e := &c.Entry
	faults := len(d.problems)
	d.mapping(n, "a forwarding entry", fields{
		"state": {decode: scalar(d, "state", oneOf("permanent", "static", "absent"), func(v string) {
			if c.Absent = v == "absent"; !c.Absent {
				e.State = v
			}
		})},
		"device":       {decode: scalar(d, "device", parseName, func(v string) { e.Device = v }), needed: true},
		"mac-address":  {decode: scalar(d, "mac-address", netstate.CanonicalMAC, func(v string) { e.MAC = v }), needed: true},
		"vlan":         {decode: scalar(d, "vlan", parseUint(1, 4094), func(v uint64) { e.VLAN = uint16(v) })},
		"remote":       {decode: scalar(d, "remote", parseAddr, func(v netip.Addr) { e.Dst = v })},
		"port":         {decode: scalar(d, "port", parseUint(1, 65535), func(v uint64) { e.Port = uint16(v) })},
		"vni":          {decode: scalar(d, "vni", parseUint(1, 1<<24-1), func(v uint64) { e.VNI = uint32(v) })},
		"source-vni":   {decode: scalar(d, "source-vni", parseUint(1, 1<<24-1), func(v uint64) { e.SourceVNI = uint32(v) })},
		"nexthop-id":   {decode: scalar(d, "nexthop-id", parseUint(1, 1<<32-1), func(v uint64) { e.NexthopID = uint32(v) })},
		"via":          {decode: scalar(d, "via", parseName, func(v string) { e.Via = v })},
		"owner":        {decode: scalar(d, "owner", oneOf("master", "self"), func(v string) { e.Owner = v })},
		"sticky":       {decode: scalar(d, "sticky", parseBool, func(v bool) { e.Sticky = v })},
		"extern-learn": {decode: scalar(d, "extern-learn", parseBool, func(v bool) { e.Learned = v })},
	})
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return
	}
	remote := e.Dst.IsValid()
	switch {
	case e.Device == "" || e.MAC == "":
		d.fail(n, "missing-key", "a forwarding entry without `device` or `mac-address`", "Add both.")
	case remote && e.NexthopID != 0:
		d.fail(n, "contradiction", "an entry leads to a `remote` or by a `nexthop-id`", "Leave one of the two out.")
	case (remote || e.NexthopID != 0) && e.Owner == "master":
		d.fail(n, "contradiction", "an entry with `remote` or `nexthop-id` is in the VXLAN's own table", "Write `owner: self`, or leave it out.")
	case !remote && (e.Port != 0 || e.VNI != 0 || e.Via != ""):
		d.fail(n, "missing-key", "`port`, `vni` and `via` belong to an entry with `remote`", "Add `remote:`, the VXLAN peer's address.")
	case !remote && e.NexthopID == 0 && e.SourceVNI != 0:
		d.fail(n, "missing-key", "`source-vni` belongs to an entry with `remote` or `nexthop-id`", "Add one of the two.")
	default:
		d.config.FDB = append(d.config.FDB, c)
	}
}
