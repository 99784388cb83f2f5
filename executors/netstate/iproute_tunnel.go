package netstate

import (
	"slices"
	"strconv"
	"strings"
)

// tunnels are the sections of the kinds whose attributes tunnelWords says.
var tunnels = []string{"gre", "gretap", "ip6gre", "ip6gretap", "ipip", "sit", "ip6tnl", "vti", "vti6", "xfrm"}

// tunnelWords are an attribute of a tunnel as ip-link(8) has it; ok is false
// for other kinds.
func tunnelWords(a *Attr, v string) (w []string, ok bool) {
	section, key, _ := strings.Cut(a.Key, ".")
	if !slices.Contains(tunnels, section) {
		return nil, false
	}
	switch {
	case v == "" && a.Type == TunnelKey:
		return []string{"no" + a.IP}, true
	case v == "" && a.Type == IPAddress:
		return []string{a.IP, "any"}, true
	case v == "", strings.HasPrefix(key, "6rd-"): // sixRDCommand
		return nil, true
	case key == "tos" || key == "traffic-class" || key == "flow-label":
		n, _ := strconv.ParseUint(v, 10, 32)
		return []string{a.IP, "0x" + strconv.FormatUint(n, 16)}, true
	case key == "ttl" && v == "0" && a.IP == "ttl":
		return []string{"ttl", "inherit"}, true
	case strings.Contains(a.IP, " ") || a.Type == Flag || key == "isatap": // of which ip knows no opposite
		if v == "true" {
			return strings.Fields(a.IP), true
		}
		return nil, true
	case a.Type == Bool || a.Type == FlagBit:
		if v == "true" {
			return []string{a.IP}, true
		}
		return []string{"no" + a.IP}, true
	}
	return []string{a.IP, v}, true
}

// sixRDCommand is ip-tunnel(8)'s command for 6rd, where it differs.
func sixRDCommand(i *Interface, diffs []Difference) []string {
	const prefix, relay = "sit.6rd-prefix", "sit.6rd-relay-prefix"
	if !slices.ContainsFunc(diffs, func(d Difference) bool { return strings.HasPrefix(d.Key, "sit.6rd-") }) {
		return nil
	}
	with := func(key string) string {
		address, _ := AttrByKey(key).value(i.Attrs)
		length, _ := AttrByKey(key + "-length").value(i.Attrs)
		return address + "/" + length
	}
	return []string{words(append(ipIn(i.Netns), "tunnel", "6rd", "dev", i.Name, "6rd-prefix", with(prefix), "6rd-relay_prefix", with(relay))...)}
}
