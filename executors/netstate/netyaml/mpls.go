package netyaml

import (
	"net/netip"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// mpls decodes the extension for routes of MPLS labels.
func (d *decoder) mpls(n *yaml.Node) { d.extensionList(n, "mpls-routes", d.mplsRoute) }

func (d *decoder) mplsRoute(n *yaml.Node) {
	c := netstate.RouteConfig{Pos: pos(n)}
	r := &c.Route
	var own netstate.NextHop
	faults := len(d.problems)
	keys := d.mplsHop(&own)
	keys["label"] = field{decode: scalar(d, "label", parseUint(16, 1<<20-1), func(v uint64) { r.Label = uint32(v) }), needed: true}
	keys["state"] = field{decode: scalar(d, "state", oneOf("absent"), func(string) { c.Absent = true })}
	keys["protocol"] = field{decode: scalar(d, "protocol", parseProtocol, func(v uint8) { r.Protocol = v })}
	keys["ttl-propagate"] = field{decode: scalar(d, "ttl-propagate", parseBool, func(v bool) {
		r.Metrics = map[string]uint32{"ttl-propagate": map[bool]uint32{true: 1}[v]}
	})}
	keys["next-hops"] = field{decode: func(v *yaml.Node) {
		d.list(v, "`next-hops`", func(item *yaml.Node) {
			h := netstate.NextHop{Weight: 1}
			d.mapping(item, "a next hop", d.mplsHop(&h))
			r.NextHops = append(r.NextHops, h)
		})
	}}
	d.mapping(n, "a route of a label", keys)
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return
	}
	if own != (netstate.NextHop{}) {
		if v := n.Get("next-hops"); v != nil {
			d.fail(v, "contradiction", "a route has either `next-hops` or one next hop", "Put all of them into `next-hops`.")
			return
		}
		r.NextHops = []netstate.NextHop{own}
	}
	nowhere := len(r.NextHops) == 0
	for i := range r.NextHops {
		nowhere = nowhere || r.NextHops[i].Device == "" && !r.NextHops[i].Via.IsValid()
	}
	switch {
	case r.Label == 0:
		d.fail(n, "missing-key", "a route of a label without `label`", "Add that of the packets that come in.")
	case !c.Absent && nowhere:
		d.fail(n, "missing-key", "the route of the label "+n.Get("label").Value+" leads nowhere", "Add `next-hop-interface` or `next-hop-address`.")
	default:
		d.config.MPLS = append(d.config.MPLS, c)
	}
}

// mplsHop are the keys of a next hop.
func (d *decoder) mplsHop(h *netstate.NextHop) fields {
	return fields{
		"next-hop-interface": {decode: scalar(d, "next-hop-interface", parseName, func(v string) { h.Device = v })},
		"next-hop-address":   {decode: scalar(d, "next-hop-address", parseAddr, func(v netip.Addr) { h.Via = v })},
		"next-hop-labels":    {decode: scalar(d, "next-hop-labels", parseLabels, func(v string) { h.Encap = v })},
	}
}

func parseLabels(text string) (string, error) {
	list, err := netstate.ParseLabels(text)
	return netstate.FormatLabels(list), err
}

func encodeMPLS(r *netstate.Route) *yaml.Node {
	m := &mapping{}
	m.number("label", uint64(r.Label))
	hop := func(m *mapping, h *netstate.NextHop) {
		m.text("next-hop-interface", h.Device)
		m.addr("next-hop-address", h.Via)
		m.text("next-hop-labels", h.Encap)
	}
	if len(r.NextHops) == 1 {
		hop(m, &r.NextHops[0])
	} else {
		m.list("next-hops", encodeEach(r.NextHops, func(h *netstate.NextHop) *yaml.Node {
			one := &mapping{}
			hop(one, h)
			return one.node()
		}))
	}
	if n, ok := r.Metrics["ttl-propagate"]; ok {
		m.add("ttl-propagate", &yaml.Node{Kind: yaml.Scalar, Tag: "!!bool", Value: map[uint32]string{0: "false", 1: "true"}[n]})
	}
	if r.Protocol != 4 {
		m.text("protocol", protocolName(r.Protocol))
	}
	return m.node()
}
