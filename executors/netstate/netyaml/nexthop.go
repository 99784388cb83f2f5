package netyaml

import (
	"net/netip"
	"strconv"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// nexthops decodes the extension for nexthop objects.
func (d *decoder) nexthops(n *yaml.Node) { d.extensionList(n, "nexthops", d.nexthop) }

func (d *decoder) nexthop(n *yaml.Node) {
	c := netstate.NexthopConfig{Pos: pos(n), Has: map[string]bool{}}
	o := &c.Nexthop
	faults := len(d.problems)
	r := netstate.Resilient{Buckets: 128, IdleTimer: 120} // the kernel's
	timed, resilient := "", false
	d.mapping(n, "a nexthop object", fields{
		"encap":              {decode: scalar(d, "encap", netstate.CanonicalEncap, func(v string) { o.Encap = v })},
		"type":               {decode: scalar(d, "type", oneOf("mpath", "resilient"), func(v string) { resilient = v == "resilient" })},
		"buckets":            {decode: scalar(d, "buckets", parseUint(1, 65535), func(v uint64) { r.Buckets, timed = uint16(v), "buckets" })},
		"idle-timer":         {decode: scalar(d, "idle-timer", parseUint(0, 42949672), func(v uint64) { r.IdleTimer, timed = uint32(v), "idle-timer" })},
		"unbalanced-timer":   {decode: scalar(d, "unbalanced-timer", parseUint(0, 42949672), func(v uint64) { r.UnbalancedTimer, timed = uint32(v), "unbalanced-timer" })},
		"state":              {decode: scalar(d, "state", oneOf("absent"), func(string) { c.Absent = true })},
		"id":                 {decode: scalar(d, "id", parseUint(1, 1<<32-1), func(v uint64) { o.ID = uint32(v) }), needed: true},
		"family":             {decode: scalar(d, "family", oneOf("ipv4", "ipv6"), func(v string) { o.Family = int(v[3] - '0') })},
		"next-hop-interface": {decode: scalar(d, "next-hop-interface", parseName, func(v string) { o.Device = v })},
		"next-hop-address":   {decode: scalar(d, "next-hop-address", parseAddr, func(v netip.Addr) { o.Via = v })},
		"onlink":             {decode: scalar(d, "onlink", parseBool, func(v bool) { o.OnLink = v })},
		"blackhole":          {decode: scalar(d, "blackhole", parseBool, func(v bool) { o.Blackhole = v })},
		"fdb":                {decode: scalar(d, "fdb", parseBool, func(v bool) { o.FDB = v })},
		"protocol":           {decode: scalar(d, "protocol", parseProtocol, func(v uint8) { o.Protocol = v; c.Has["protocol"] = true })},
		"group":              {decode: func(v *yaml.Node) { o.Group = d.members(v) }},
	})
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return
	}
	if o.Via.IsValid() {
		family := 4
		if o.Via.Is6() {
			family = 6
		}
		if o.Family != 0 && o.Family != family {
			d.fail(n.Get("family"), "contradiction", "`family` is another one than that of `next-hop-address`", "Leave it out.")
			return
		}
		o.Family = family
	}
	if o.Family == 0 && len(o.Group) == 0 {
		o.Family = 4
	}
	if resilient {
		o.Resilient = &r
	}
	single := o.Device != "" || o.Via.IsValid()
	switch {
	case o.ID == 0:
		d.fail(n, "missing-key", "a nexthop object without `id`", "Add a number that routes name it by.")
	case timed != "" && !resilient:
		d.fail(n.Get(timed), "contradiction", "`"+timed+"` belongs to a group of `type: resilient`", "Add the type, or leave the key out.")
	case resilient && len(o.Group) == 0 && !c.Absent:
		d.fail(n.Get("type"), "contradiction", "only a group is resilient", "Add `group:`, or leave `type` out.")
	case o.Encap != "" && (len(o.Group) > 0 || o.Blackhole || o.FDB):
		d.fail(n.Get("encap"), "contradiction", "an encapsulation belongs to a single way", "Give it to the members of the group.")
	case c.Absent:
		d.config.Nexthops = append(d.config.Nexthops, c)
	case len(o.Group) > 0 && (single || o.Blackhole || o.OnLink || o.Family != 0), o.Blackhole && single:
		d.fail(n, "contradiction", "a nexthop object is one of three: a way, a blackhole, or a group", "Leave the others out.")
	case len(o.Group) == 0 && !o.Blackhole && o.Device == "" && !o.FDB:
		d.fail(n, "missing-key", "a nexthop object without `next-hop-interface`", "Add it, or `blackhole: true`, or `group:`.")
	default:
		d.config.Nexthops = append(d.config.Nexthops, c)
	}
}

func (d *decoder) members(n *yaml.Node) []netstate.NexthopMember {
	var out []netstate.NexthopMember
	d.list(n, "`group`", func(item *yaml.Node) {
		m := netstate.NexthopMember{Weight: 1}
		d.mapping(item, "a member of a group", fields{
			"id":     {decode: scalar(d, "id", parseUint(1, 1<<32-1), func(v uint64) { m.ID = uint32(v) }), needed: true},
			"weight": {decode: scalar(d, "weight", parseUint(1, 256), func(v uint64) { m.Weight = uint16(v) })},
		})
		if m.ID == 0 {
			d.fail(item, "missing-key", "a member without `id`", "Add the number of a nexthop object.")
			return
		}
		out = append(out, m)
	})
	return out
}

func encodeNexthop(n *netstate.Nexthop) *yaml.Node {
	m := &mapping{}
	m.number("id", uint64(n.ID))
	m.text("next-hop-interface", n.Device)
	m.addr("next-hop-address", n.Via)
	if n.Family == 6 && !n.Via.IsValid() {
		m.text("family", "ipv6")
	}
	m.truth("onlink", n.OnLink)
	m.truth("blackhole", n.Blackhole)
	m.truth("fdb", n.FDB)
	m.list("group", encodeEach(n.Group, func(o *netstate.NexthopMember) *yaml.Node {
		one := &mapping{}
		one.number("id", uint64(o.ID))
		one.number("weight", uint64(o.Weight))
		return one.node()
	}))
	m.text("encap", n.Encap)
	if r := n.Resilient; r != nil {
		m.text("type", "resilient")
		m.number("buckets", uint64(r.Buckets))
		m.text("idle-timer", strconv.FormatUint(uint64(r.IdleTimer), 10))
		m.number("unbalanced-timer", uint64(r.UnbalancedTimer))
	}
	if n.Protocol > 2 && n.Protocol != 9 {
		m.text("protocol", protocolName(n.Protocol))
	}
	return m.node()
}
