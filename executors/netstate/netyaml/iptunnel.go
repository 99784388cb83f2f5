package netyaml

import (
	"maps"
	"net/netip"
	"slices"

	"stet/internal/yaml"
)

// tunnelModes are nmstate's modes of `type: ip-tunnel`: the type that each is,
// and its `mode` there.
var tunnelModes = map[string][2]string{
	"ipip": {"ipip", "ipip"}, "sit": {"sit", "ip6ip"}, "ip6ip6": {"ip6tnl", "ip6ip6"}, "ipip6": {"ip6tnl", "ipip6"},
}

// tunnelKeys are the keys below `ip-tunnel` that are called otherwise here.
var tunnelKeys = map[string]string{
	"pmtu-disc": "path-mtu-discovery", "encap-limit": "encapsulation-limit",
}

// tunnelFlags are those of `ip6tun-flags`. What the kernel sets by itself is "".
var tunnelFlags = map[string]string{
	"ign-encap-limit": "no-encapsulation-limit", "use-orig-tclass": "inherit-traffic-class", "use-orig-flowlabel": "inherit-flow-label",
	"rcv-dscp-copy": "copy-dscp", "use-orig-fw-mark": "inherit-fwmark", "allow-local-remote": "allow-local-remote",
	"cap-xmit": "", "cap-rcv": "", "cap-per-packet": "",
}

// ipTunnel reads nmstate's `type: ip-tunnel` as the type that it stands for.
// Everything keeps its place. Other interfaces are given back as they are.
func (d *decoder) ipTunnel(n *yaml.Node) *yaml.Node {
	section, typ := n.Get("ip-tunnel"), n.Get("type")
	if section == nil && (typ == nil || typ.Value != "ip-tunnel") {
		return n
	}
	if section != nil && section.Kind != yaml.Mapping && !section.Null() {
		d.fail(section, "bad-value", "`ip-tunnel` is a mapping", "Write its keys below it, indented.")
	}
	if section == nil || section.Kind != yaml.Mapping {
		// An interface that is there, or goes: what it is need not be known.
		return without(n, "type", "ip-tunnel")
	}
	if typ != nil && typ.Value != "ip-tunnel" {
		d.fail(section, "contradiction", "`ip-tunnel` belongs to `type: ip-tunnel`", "Write the section of the type: `"+typ.Value+":`.")
		return without(n, "ip-tunnel")
	}
	mode := section.Get("mode")
	if mode == nil {
		mode = section.Get("type") // as in an example of nmstate's documentation
	}
	if mode == nil {
		d.fail(section, "missing-key", "`ip-tunnel` without `mode`", "Add `mode:` ipip, sit, ip6ip6 or ipip6.")
		return without(n, "type", "ip-tunnel")
	}
	as, ok := tunnelModes[mode.Value]
	if !ok {
		d.fail(mode, "bad-value", "`mode`: \""+mode.Value+"\" is none of ipip, sit, ip6ip6, ipip6", "Correct the value, or use the types of stet's own: gre, vti and others.")
		return without(n, "type", "ip-tunnel")
	}
	out := *n
	out.Pairs = nil
	for _, p := range n.Pairs {
		switch p.Key.Value {
		case "type":
			p.Value = renamed(p.Value, as[0])
		case "ip-tunnel":
			p.Key, p.Value = renamed(p.Key, as[0]), d.tunnelSection(p.Value, mode, as)
		}
		out.Pairs = append(out.Pairs, p)
	}
	if typ == nil {
		out.Pairs = append(out.Pairs, yaml.Pair{Key: renamed(mode, "type"), Value: renamed(mode, as[0])})
	}
	return &out
}

// tunnelSection is what stands below `ip-tunnel`, in the words of the type.
func (d *decoder) tunnelSection(n, mode *yaml.Node, as [2]string) *yaml.Node {
	out := *n
	out.Pairs = []yaml.Pair{{Key: renamed(mode, "mode"), Value: renamed(mode, as[1])}}
	for _, p := range n.Pairs {
		switch key := p.Key.Value; {
		case key == "mode", key == "type":
		case key == "ip6tun-flags" && as[0] == "ip6tnl":
			out.Pairs = append(out.Pairs, d.tunnelFlagPairs(p)...)
		case key == "tos" && as[0] == "ip6tnl":
			out.Pairs = append(out.Pairs, yaml.Pair{Key: renamed(p.Key, "traffic-class"), Value: p.Value})
		case tunnelKeys[key] != "":
			out.Pairs = append(out.Pairs, yaml.Pair{Key: renamed(p.Key, tunnelKeys[key]), Value: p.Value})
		default:
			out.Pairs = append(out.Pairs, p)
		}
	}
	return &out
}

// tunnelFlagPairs are the flags one by one: those that the list does not have
// are off.
func (d *decoder) tunnelFlagPairs(p yaml.Pair) []yaml.Pair {
	on := map[string]bool{}
	d.list(p.Value, "`ip6tun-flags`", func(item *yaml.Node) {
		own, known := tunnelFlags[item.Value]
		if !known {
			d.fail(item, "bad-value", "`ip6tun-flags`: \""+item.Value+"\" is not supported", "Known are ign-encap-limit, use-orig-tclass, use-orig-flowlabel, rcv-dscp-copy, use-orig-fw-mark and allow-local-remote.")
		}
		on[own] = true
	})
	var keys []string
	for _, own := range tunnelFlags {
		if own != "" {
			keys = append(keys, own)
		}
	}
	slices.Sort(keys)
	var out []yaml.Pair
	for _, own := range keys {
		value := renamed(p.Key, "false")
		if on[own] {
			value.Value = "true"
		}
		value.Tag = "!!bool"
		out = append(out, yaml.Pair{Key: renamed(p.Key, own), Value: value})
	}
	return out
}

// renamed is a scalar at the place of another.
func renamed(n *yaml.Node, value string) *yaml.Node {
	c := *n
	c.Kind, c.Tag, c.Value = yaml.Scalar, "!!str", value
	return &c
}

// without is a mapping without some of its keys.
func without(n *yaml.Node, keys ...string) *yaml.Node {
	c := *n
	c.Pairs = slices.DeleteFunc(slices.Clone(n.Pairs), func(p yaml.Pair) bool { return slices.Contains(keys, p.Key.Value) })
	return &c
}

// tunnelShape says what may stand below `ip-tunnel`: it is read as another
// section.
func (d *decoder) tunnelShape(n *yaml.Node) {
	number := func(key string, most uint64) field {
		return field{decode: scalar(d, key, parseUint(0, most), func(uint64) {})}
	}
	address := func(key string) field { return field{decode: scalar(d, key, parseAddr, func(netip.Addr) {})} }
	text := func(key string, words ...string) field {
		return field{decode: scalar(d, key, oneOf(words...), func(string) {})}
	}
	modes := []string{"ipip", "sit", "ip6ip6", "ipip6"}
	d.mapping(n, "`ip-tunnel`", fields{
		"mode": text("mode", modes...), "type": text("type", modes...),
		"base-iface": {decode: scalar(d, "base-iface", parseName, func(string) {})},
		"local":      address("local"), "remote": address("remote"),
		"ttl": number("ttl", 255), "tos": number("tos", 255), "flow-label": number("flow-label", 1<<20-1),
		"encap-limit": number("encap-limit", 255), "fwmark": number("fwmark", 1<<32-1),
		"pmtu-disc": {decode: scalar(d, "pmtu-disc", parseBool, func(bool) {})},
		"ip6tun-flags": {decode: func(v *yaml.Node) {
			d.list(v, "`ip6tun-flags`", scalar(d, "ip6tun-flags", oneOf(slices.Sorted(maps.Keys(tunnelFlags))...), func(string) {}))
		}},
	})
}
