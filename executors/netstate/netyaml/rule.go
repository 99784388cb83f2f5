package netyaml

import (
	"net/netip"
	"strconv"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

func (d *decoder) rules(n *yaml.Node) { d.configList(n, "route-rules", d.rule) }

// rule decodes one entry of route-rules.config.
func (d *decoder) rule(n *yaml.Node) {
	c := netstate.RuleConfig{Pos: pos(n), Has: map[string]bool{}}
	r := &c.Rule
	faults := len(d.problems)
	has := func(key string) { c.Has[key] = true }
	number := func(key string, most uint64, set func(uint64)) field {
		return field{decode: scalar(d, key, parseUint(0, most), func(v uint64) { set(v); has(key) })}
	}
	word := func(key string, parse func(string) (string, error), set func(string)) field {
		return field{decode: scalar(d, key, parse, func(v string) { set(v); has(key) })}
	}
	flag := func(key string, set func(bool)) field {
		return field{decode: scalar(d, key, parseBool, func(v bool) { set(v); has(key) })}
	}
	network := func(key string, set func(netip.Prefix)) field {
		return field{decode: optional(d, key, parsePrefix, func(v netip.Prefix) { set(v); has(key) })}
	}
	suppress := number("suppress-prefix-length", 128, func(v uint64) { r.SuppressPrefixLength = pointer(int(v)) })
	known := fields{
		"state":                  {decode: scalar(d, "state", oneOf("absent"), func(string) { c.Absent = true })},
		"family":                 word("family", oneOf("ipv4", "ipv6"), func(v string) { r.Family = int(v[3] - '0') }),
		"ip-from":                network("ip-from", func(p netip.Prefix) { r.From = p }),
		"ip-to":                  network("ip-to", func(p netip.Prefix) { r.To = p }),
		"priority":               {decode: scalar(d, "priority", parseSigned, func(v int64) { r.Priority = uint32(max(v, 0)); c.Has["priority"] = v >= 0 })},
		"route-table":            {decode: scalar(d, "route-table", parseTable, func(v uint32) { r.Table = v; has("route-table") })},
		"fwmark":                 number("fwmark", 1<<32-1, func(v uint64) { r.FwMark = uint32(v) }),
		"fwmask":                 number("fwmask", 1<<32-1, func(v uint64) { r.FwMask = uint32(v) }),
		"iif":                    word("iif", parseName, func(v string) { r.IIF = v }),
		"oif":                    word("oif", parseName, func(v string) { r.OIF = v }),
		"action":                 word("action", oneOf("lookup", "goto", "nop", "blackhole", "unreachable", "prohibit"), func(v string) { r.Action = v }),
		"goto":                   number("goto", 1<<32-1, func(v uint64) { r.Goto = uint32(v) }),
		"tos":                    {decode: scalar(d, "tos", parseTOS, func(v uint64) { r.TOS = uint8(v); has("tos") })},
		"not":                    flag("not", func(v bool) { r.Not = v }),
		"l3mdev":                 flag("l3mdev", func(v bool) { r.L3MDev = v }),
		"suppress-prefix-length": suppress,
		"suppress_prefixlength":  {decode: suppress.decode, hidden: true},
		"suppress-group":         number("suppress-group", 1<<31-1, func(v uint64) { r.SuppressGroup = pointer(int(v)) }),
		"ip-proto":               {decode: scalar(d, "ip-proto", parseIPProtocol, func(v uint8) { r.IPProto = v; has("ip-proto") })},
		"source-ports":           word("source-ports", parsePorts, func(v string) { r.SourcePorts = v }),
		"destination-ports":      word("destination-ports", parsePorts, func(v string) { r.DestinationPorts = v }),
		"uid-range":              word("uid-range", parseUIDs, func(v string) { r.UIDRange = v }),
		"protocol":               {decode: scalar(d, "protocol", parseProtocol, func(v uint8) { r.Protocol = v; has("protocol") })},
	}
	d.mapping(n, "a rule", known)
	if n.Kind != yaml.Mapping || len(d.problems) > faults || !d.checkRule(n, &c) {
		return
	}
	d.config.Rules = append(d.config.Rules, c)
}

func pointer(n int) *int { return &n }

// parseSigned reads a priority; nmstate's -1 means "not given".
func parseSigned(text string) (int64, error) {
	if text == "-1" {
		return -1, nil
	}
	n, err := parseUint(0, 1<<32-1)(text)
	return int64(n), err
}

// checkRule checks the parts of a rule against each other and finds its family.
func (d *decoder) checkRule(n *yaml.Node, c *netstate.RuleConfig) bool {
	r := &c.Rule
	fault := func(code, summary, detail string) bool {
		d.fail(n, code, summary, detail)
		return false
	}
	for _, p := range []netip.Prefix{r.From, r.To} {
		if !p.IsValid() {
			continue
		}
		family := 4
		if p.Addr().Is6() {
			family = 6
		}
		if r.Family != 0 && r.Family != family {
			return fault("contradiction", "`family`, `ip-from` and `ip-to` are of different families", "A rule is for one family: correct one of them.")
		}
		r.Family = family
	}
	if r.Family != 0 && !c.Absent {
		c.Has["family"] = true
	}
	if r.Family != 0 && (r.From.IsValid() || r.To.IsValid()) {
		c.Has["family"] = true
	}
	switch {
	case c.Absent && len(c.Has) == 0:
		return fault("missing-key", "`state: absent` alone would remove every rule", "Name what the rules to be removed have in common.")
	case c.Absent:
		return true
	case r.Family == 0:
		return fault("missing-key", "a rule without `family`, `ip-from` and `ip-to`", "Add `family: ipv4` or `family: ipv6`.")
	case c.Has["fwmask"] && !c.Has["fwmark"]:
		return fault("missing-key", "`fwmask` without `fwmark`", "Add the mark that the mask is for.")
	case r.Action != "goto" && c.Has["goto"]:
		return fault("contradiction", "`goto` belongs to action goto", "Add `action: goto`, or leave it out.")
	case r.Action == "goto" && r.Goto <= r.Priority:
		return fault("bad-value", "`goto` leads to a rule of higher priority number, not to "+strconv.FormatUint(uint64(r.Goto), 10), "Give the priority of a later rule.")
	case r.Action != "" && r.Action != "lookup" && r.Table != 0:
		return fault("contradiction", "`route-table` belongs to action lookup, not to "+r.Action, "Leave one of the two out.")
	case r.Family == 4 && r.TOS > 28:
		return fault("bad-value", "`tos` of an IPv4 rule is 28 at most", "The kernel has three bits for it there: 4, 8, 16 and their sums.")
	case r.L3MDev && r.Table != 0:
		return fault("contradiction", "`l3mdev` finds the table by itself", "Leave `route-table` out.")
	}
	return true
}
