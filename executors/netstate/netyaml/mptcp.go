package netyaml

import (
	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
	"stet/internal/yaml"
)

// mptcp decodes the extension for Multipath TCP.
func (d *decoder) mptcp(n *yaml.Node) {
	d.mapping(n, "`mptcp`", fields{
		"endpoints": {decode: func(v *yaml.Node) { d.list(v, "`endpoints`", d.mptcpEndpoint) }},
		"limits": {decode: func(v *yaml.Node) {
			if c, ok := d.tabled(v, "`limits`", "mptcp.limits.", netstate.MPTCPLimits, false); ok {
				d.config.MPTCP = append(d.config.MPTCP, c)
			}
		}},
	})
}

func (d *decoder) mptcpEndpoint(n *yaml.Node) {
	const what = "an endpoint of MPTCP"
	c, ok := d.tabled(n, what, "mptcp.endpoint.", netstate.MPTCPEndpoint, true)
	if !ok {
		return
	}
	if c.Attrs["address"] == "" && !c.Absent {
		d.fail(n, "missing-key", what+" without `address`", "Add `address:`. "+netdoc.Key("mptcp.endpoint.address"))
		return
	}
	x := netstate.Xfrm{Sort: c.Sort, Attrs: c.Attrs}
	for i := range d.config.MPTCP {
		other := &d.config.MPTCP[i]
		y := netstate.Xfrm{Sort: other.Sort, Attrs: other.Attrs}
		if !c.Absent && !other.Absent && netstate.CompareXfrm(&x, &y) == 0 {
			d.fail(n, "duplicate-entry", "the same "+what[3:]+" stands twice", "The kernel tells one by `address` and `port`. Put everything about it into one entry.")
			return
		}
	}
	d.config.MPTCP = append(d.config.MPTCP, c)
}

// encodeMPTCP is the extension for Multipath TCP.
func encodeMPTCP(s *netstate.State) *yaml.Node {
	m := &mapping{}
	var endpoints []*yaml.Node
	for i := range s.Xfrm {
		switch x := &s.Xfrm[i]; x.Sort {
		case netstate.MPTCPLimits:
			if one := encodeTabled(x); len(one.pairs) > 0 {
				m.add("limits", one.node())
			}
		case netstate.MPTCPEndpoint:
			endpoints = append(endpoints, encodeTabled(x).node())
		}
	}
	m.list("endpoints", endpoints)
	return m.node()
}
