package netyaml

import (
	"net/netip"
	"slices"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// family decodes an interface's ipv4 or ipv6.
func (d *decoder) family(n *yaml.Node, name string, i *netstate.InterfaceConfig) *netstate.IPConfig {
	ip := &netstate.IPConfig{Pos: pos(n)}
	off := func(key, why string) field {
		return field{hidden: true, decode: scalar(d, key, parseBool, func(on bool) {
			if on {
				d.fail(n.Get(key), "unsupported", "`"+key+": true` needs "+why, "Give static addresses, or use a run block.")
			}
		})}
	}
	refuse := func(key string) field {
		return field{refuse: "`" + key + "` belongs to DHCP or autoconfiguration, which need a daemon", detail: "Leave it out, and give static addresses."}
	}
	known := fields{
		"enabled":             {decode: scalar(d, "enabled", parseBool, func(on bool) { ip.Enabled = &on })},
		"address":             {decode: func(v *yaml.Node) { ip.Addresses = d.addressList(v, name) }},
		"dhcp":                off("dhcp", "a DHCP client"),
		"allow-extra-address": {decode: d.ignore, hidden: true},
	}
	for _, key := range []string{"dhcp-client-id", "dhcp-duid", "auto-dns", "auto-gateway", "auto-routes", "auto-route-table-id",
		"auto-route-metric", "dhcp-send-hostname", "dhcp-custom-hostname"} {
		known[key] = refuse(key)
	}
	d.inet6(name, i, known)
	d.mapping(n, "`"+name+"`", known)
	return ip
}

func (d *decoder) addressList(n *yaml.Node, family string) *[]netstate.Address {
	list := []netstate.Address{}
	d.list(n, "`address`", func(item *yaml.Node) {
		a, ok := d.address(item, family)
		if !ok {
			return
		}
		if slices.ContainsFunc(list, func(o netstate.Address) bool { return o.Prefix == a.Prefix && o.Peer == a.Peer }) {
			d.fail(item, "duplicate-address", "address "+a.Prefix.String()+" stands twice", "Leave one of the two out.")
			return
		}
		if slices.ContainsFunc(list, func(o netstate.Address) bool { return scopesDiffer(&o, &a) }) {
			d.fail(item, "contradiction", "address "+a.Prefix.String()+" has another scope than one before it in the same network", "The kernel takes one scope for a network: give both the same.")
			return
		}
		list = append(list, a)
	})
	return &list
}

// scopesDiffer tells of two addresses of a network that the kernel does not take
// together (__inet_insert_ifa).
func scopesDiffer(a, b *netstate.Address) bool {
	return a.Scope != b.Scope && a.Prefix.Addr().Is4() && !a.Peer.IsValid() && !b.Peer.IsValid() && a.Prefix.Masked() == b.Prefix.Masked()
}

// address decodes one address; false if it has none.
func (d *decoder) address(n *yaml.Node, family string) (netstate.Address, bool) {
	var a netstate.Address
	var addr netip.Addr
	bits := -1
	faults := len(d.problems)
	life := func(key string, set func(seconds uint32, forever bool)) field {
		return field{decode: func(v *yaml.Node) {
			if text, ok := d.text(v, "`"+key+"`"); ok {
				seconds, forever, err := parseLifetime(text)
				if err != nil {
					d.fail(v, "bad-value", "`"+key+"`: "+err.Error(), "Correct the value.")
					return
				}
				set(seconds, forever)
			}
		}}
	}
	valid := life("valid-life-time", func(s uint32, forever bool) {
		if a.ValidLifetime = s; s == 0 && !forever {
			d.fail(n, "bad-value", "`valid-life-time`: an address that is there for no time is none", "Give seconds, from 1, or `forever`; leave the address out of the list to remove it.")
		}
	})
	preferred := life("preferred-life-time", func(s uint32, forever bool) { a.PreferredLifetime, a.Deprecated = s, s == 0 && !forever })
	known := fields{
		"ip":                  {decode: scalar(d, "ip", parseAddr, func(v netip.Addr) { addr = v }), needed: true},
		"prefix-length":       {decode: scalar(d, "prefix-length", parseUint(0, 128), func(v uint64) { bits = int(v) }), needed: true},
		"peer":                {decode: scalar(d, "peer", parsePeer, func(v netip.Prefix) { a.Peer = v })},
		"broadcast":           {decode: scalar(d, "broadcast", parseAddr, func(v netip.Addr) { a.Broadcast = v })},
		"scope":               {decode: scalar(d, "scope", parseScope, func(v uint8) { a.Scope = scopeName(v) })},
		"label":               {decode: scalar(d, "label", parseLabel, func(v string) { a.Label = v })},
		"metric":              {decode: scalar(d, "metric", parseUint(0, 1<<32-1), func(v uint64) { a.Metric = uint32(v) })},
		"flags":               {decode: func(v *yaml.Node) { a.Flags = d.flags(v) }},
		"valid-life-time":     valid,
		"preferred-life-time": preferred,
		"mptcp-flags":         {decode: d.ignore, hidden: true},
	}
	for alias, f := range map[string]field{"valid-left": valid, "valid-lft": valid, "preferred-left": preferred, "preferred-lft": preferred} {
		f.hidden = true
		known[alias] = f
	}
	d.mapping(n, "an address", known)
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return a, false
	}
	return d.checkAddress(n, a, addr, bits, family)
}

func (d *decoder) checkAddress(n *yaml.Node, a netstate.Address, addr netip.Addr, bits int, family string) (netstate.Address, bool) {
	fault := func(key, summary, detail string) (netstate.Address, bool) {
		at := n
		if v := n.Get(key); v != nil {
			at = v
		}
		d.fail(at, "bad-value", summary, detail)
		return a, false
	}
	switch six := family == "ipv6"; {
	case !addr.IsValid():
		d.fail(n, "missing-key", "an address without `ip`", "Add `ip:` and `prefix-length:`.")
		return a, false
	case addr.Is6() != six:
		return fault("ip", addr.String()+" does not belong under `"+family+"`", "Move it to the other family.")
	case bits < 0:
		d.fail(n, "missing-key", "address "+addr.String()+" without `prefix-length`", "Add `prefix-length:`.")
		return a, false
	case bits > addr.BitLen():
		return fault("prefix-length", "the prefix length of an IPv4 address is 0 to 32", "Correct the value.")
	case addr.IsMulticast() && !slices.Contains(a.Flags, "autojoin") || addr.IsUnspecified():
		return fault("ip", addr.String()+" cannot be the address of an interface", "Give an address of a host; the group of a multicast address is joined with `flags: [autojoin]`.")
	case a.Peer.IsValid() && a.Peer.Addr().Is6() != six, a.Broadcast.IsValid() && (six || a.Broadcast.Is6()):
		return fault("peer", "`peer` and `broadcast` must be of the family of the address", "IPv6 has no broadcast.")
	case six && a.Scope != "":
		return fault("scope", "only IPv4 addresses have a scope that can be set", "Leave it out: that of an IPv6 address follows from the address.")
	case six && a.Label != "":
		return fault("label", "only IPv4 addresses have a label", "Leave it out.")
	case !six && slices.ContainsFunc(a.Flags, ofIPv6):
		return fault("flags", "`home`, `mngtmpaddr` and `nodad` are flags of IPv6 addresses", "Leave them out.")
	case a.ValidLifetime != 0 && a.PreferredLifetime > a.ValidLifetime:
		return fault("preferred-life-time", "the preferred lifetime is longer than the valid one", "Give a shorter one.")
	case a.ValidLifetime != 0 && a.PreferredLifetime == 0 && !a.Deprecated:
		a.PreferredLifetime = a.ValidLifetime
	}
	if a.Peer.IsValid() && a.Peer.Bits() < 0 {
		a.Peer = netip.PrefixFrom(a.Peer.Addr(), bits)
	}
	a.Prefix = netip.PrefixFrom(addr, bits)
	if a.Label != "" && len(a.Label) > 15 {
		return fault("label", "a label has 15 bytes at most", "Shorten it.")
	}
	return a, true
}

// labels refuses labels that ip(8) would refuse: they are names of the interface
// to programs of old, which find it by their beginning.
func (d *decoder) labels(ipv4 *yaml.Node, name string) {
	if ipv4 == nil || ipv4.Get("address") == nil {
		return
	}
	for _, item := range ipv4.Get("address").Items {
		if label := item.Get("label"); label != nil && !strings.HasPrefix(label.Value, name) {
			d.fail(label, "bad-value", "label \""+label.Value+"\" does not begin with the interface's name", "Call it \""+name+":WORD\", or leave it out.")
		}
	}
}

// parsePeer reads an address with or without prefix length.
func parsePeer(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, nil
	}
	a, err := parseAddr(text)
	return netip.PrefixFrom(a, a.BitLen()), err
}

func ofIPv6(flag string) bool { return flag == "home" || flag == "mngtmpaddr" || flag == "nodad" }

func parseLabel(text string) (string, error) { return text, nil }

// addressFlags are the flags that can be set, in ip-address(8)'s words.
var addressFlags = []string{"autojoin", "home", "mngtmpaddr", "nodad", "noprefixroute"}

func (d *decoder) flags(n *yaml.Node) []string {
	out := []string{}
	d.list(n, "`flags`", func(item *yaml.Node) {
		if d.takes(item, Value{Words: addressFlags}) {
			return
		}
		text, ok := d.text(item, "a flag")
		switch {
		case !ok:
		case !slices.Contains(addressFlags, text):
			d.unknownName(item, "bad-value", "unknown flag `"+text+"`", addressFlags)
		case !slices.Contains(out, text):
			out = append(out, text)
		}
	})
	slices.Sort(out)
	return out
}

// inet6 adds what only IPv6 has besides addresses.
func (d *decoder) inet6(name string, i *netstate.InterfaceConfig, known fields) {
	if name != "ipv6" {
		known["autoconf"] = field{decode: d.ignore, hidden: true}
		return
	}
	for _, a := range netstate.LinkAttrs() {
		key, own := strings.CutPrefix(a.Key, "ipv6.")
		if !own {
			continue
		}
		known[key] = field{decode: func(v *yaml.Node) {
			if d.attr(v, &a, i); key == "token" && i.Attrs[a.Key] == "::" {
				i.Attrs[a.Key] = "" // as nmstate takes one away
			}
		}}
	}
}
