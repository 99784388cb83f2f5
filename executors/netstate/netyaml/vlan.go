package netyaml

import (
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// portVLAN is what nmstate says of a port's VLANs.
type portVLAN struct {
	mode   string
	tag    uint64
	native bool
	ranges []netstate.VLANRange
	// tags are the VLANs in bridge(8)'s words: an extension, for what nmstate
	// has no words for.
	tags   []string
	tagged bool // tags was given
}

// vlan decodes `vlan` of a port, or of a bridge itself.
func (d *decoder) vlan(n *yaml.Node, a *netstate.Attr, i *netstate.InterfaceConfig) {
	if n.Kind == yaml.Mapping && len(n.Pairs) == 0 {
		return // as nmstate shows a bridge without filtering
	}
	var v portVLAN
	faults := len(d.problems)
	d.mapping(n, "`vlan`", fields{
		"mode":          {decode: scalar(d, "mode", oneOf("access", "trunk"), func(s string) { v.mode = s })},
		"tag":           {decode: scalar(d, "tag", parseUint(1, 4094), func(u uint64) { v.tag = u })},
		"enable-native": {decode: scalar(d, "enable-native", parseBool, func(b bool) { v.native = b })},
		"trunk-tags":    {decode: func(list *yaml.Node) { d.list(list, "`trunk-tags`", func(item *yaml.Node) { d.trunkTag(item, &v) }) }},
		"tags": {decode: func(list *yaml.Node) {
			v.tagged = true
			d.list(list, "`tags`", func(item *yaml.Node) {
				if text, ok := d.text(item, "an entry of `tags`"); ok {
					v.tags = append(v.tags, text)
				}
			})
		}},
	})
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return
	}
	text, fault, detail := v.text()
	if fault != "" {
		d.fail(n, "contradiction", fault, detail)
		return
	}
	canonical, err := a.Canonical(text)
	if err != nil {
		d.fail(n, "bad-value", "`vlan`: "+err.Error(), "Each VLAN stands once, and one at most is for untagged packets.")
		return
	}
	i.Attrs[a.Key], i.AttrPos[a.Key] = canonical, pos(n)
}

func (d *decoder) trunkTag(n *yaml.Node, v *portVLAN) {
	var r netstate.VLANRange
	vid := func(set ...*uint16) func(uint64) {
		return func(u uint64) {
			for _, s := range set {
				*s = uint16(u)
			}
		}
	}
	faults := len(d.problems)
	d.mapping(n, "an entry of `trunk-tags`", fields{
		"id": {decode: scalar(d, "id", parseUint(1, 4094), vid(&r.Min, &r.Max))},
		"id-range": {decode: func(m *yaml.Node) {
			d.mapping(m, "`id-range`", fields{
				"min": {decode: scalar(d, "min", parseUint(1, 4094), vid(&r.Min))},
				"max": {decode: scalar(d, "max", parseUint(1, 4094), vid(&r.Max))},
			})
		}},
	})
	switch {
	case len(d.problems) > faults:
	case r.Min == 0 || r.Max == 0 || r.Min > r.Max:
		d.fail(n, "bad-value", "an entry of `trunk-tags` is `id`, or `id-range` with `min` and a `max` that is not less", "Correct the entry.")
	default:
		v.ranges = append(v.ranges, r)
	}
}

// text is the same in the words of the tables, or what is wrong with it.
func (v *portVLAN) text() (text, fault, detail string) {
	list := v.ranges
	own := netstate.VLANRange{Min: uint16(v.tag), Max: uint16(v.tag), PVID: true, Untagged: true}
	switch {
	case v.tagged && (v.mode != "" || v.tag != 0 || v.native || len(v.ranges) > 0):
		return "", "`tags` says everything: `mode`, `tag`, `trunk-tags` and `enable-native` do not go with it", "Use one of the two ways."
	case v.tagged:
		return strings.Join(v.tags, ","), "", ""
	case v.mode == "trunk" && v.native != (v.tag != 0):
		return "", "a trunk has both `enable-native: true` and a `tag`, or neither", "The tag is the VLAN of untagged packets."
	case v.mode == "trunk" && v.native:
		list = append(list, own)
	case v.mode == "trunk":
	case len(v.ranges) > 0 || v.native:
		return "", "`trunk-tags` and `enable-native` are for `mode: trunk`", "Write `mode: trunk`, or leave them out."
	case v.tag == 0:
		return "", "an access port needs a `tag`", "Write the VLAN of its packets."
	default:
		list = []netstate.VLANRange{own}
	}
	parts := make([]string, 0, len(list))
	for _, r := range list {
		parts = append(parts, r.String())
	}
	return strings.Join(parts, ","), "", ""
}

// encodeVLAN is `vlan` in nmstate's words, where it has them.
func encodeVLAN(text string) *yaml.Node {
	list, err := netstate.ParseVLANs(text)
	m := &mapping{}
	if err != nil {
		return m.node()
	}
	native := uint16(0)
	plain := true
	var tags, words []*yaml.Node
	for _, r := range list {
		words = append(words, word(r.String()))
		switch {
		case r.PVID && r.Untagged:
			native = r.Min
		case r.PVID || r.Untagged:
			plain = false
		default:
			tags = append(tags, encodeTag(r))
		}
	}
	switch {
	case !plain || len(list) == 0:
		m.add("tags", &yaml.Node{Kind: yaml.Sequence, Items: words})
	case native != 0 && len(tags) == 0:
		m.add("mode", word("access"))
		m.text("tag", strconv.Itoa(int(native)))
	default:
		m.add("mode", word("trunk"))
		m.add("trunk-tags", &yaml.Node{Kind: yaml.Sequence, Items: tags})
		if native != 0 {
			m.truth("enable-native", true)
			m.text("tag", strconv.Itoa(int(native)))
		}
	}
	return m.node()
}

func encodeTag(r netstate.VLANRange) *yaml.Node {
	m := &mapping{}
	if r.Min == r.Max {
		m.text("id", strconv.Itoa(int(r.Min)))
		return m.node()
	}
	ends := &mapping{}
	ends.text("min", strconv.Itoa(int(r.Min)))
	ends.text("max", strconv.Itoa(int(r.Max)))
	m.add("id-range", ends.node())
	return m.node()
}

// saysVLANs tells that VLANs of a bridge or of its ports have to be said.
func saysVLANs(s *netstate.State, bridge *netstate.Interface) bool {
	if text, known := bridge.Attrs["bridge.vlan"]; known && !beginningVLANs(bridge, text) {
		return true
	}
	for i := range s.Interfaces {
		port := &s.Interfaces[i]
		if text, known := port.Attrs["bridge-port.vlan"]; known && port.Attrs["controller"] == bridge.Name && !beginningVLANs(bridge, text) {
			return true
		}
	}
	return false
}

// beginningVLANs tells that VLANs are those that the kernel gives to a bridge
// and its new ports.
func beginningVLANs(bridge *netstate.Interface, text string) bool {
	pvid := bridge.Attrs["bridge.options.vlan-default-pvid"]
	return text == pvid+" pvid untagged" || (pvid == "" || pvid == "0") && text == ""
}
