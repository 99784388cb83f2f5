package check

import (
	"fmt"
	"strconv"
	"strings"

	"stet/executors/netstate"
)

// protocolName is a routing protocol's name: RTPROT_* of linux/rtnetlink.h as
// iproute2's rt_protos has them.
func protocolName(p uint8) string {
	names := map[uint8]string{
		0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 8: "gated", 9: "ra", 10: "mrt", 11: "zebra",
		12: "bird", 13: "dnrouted", 14: "xorp", 15: "ntk", 16: "dhcp", 17: "mrouted", 18: "keepalived", 42: "babel",
		186: "bgp", 187: "isis", 188: "ospf", 189: "rip", 192: "eigrp",
	}
	if name, ok := names[p]; ok {
		return name
	}
	return strconv.Itoa(int(p))
}

// scopeName is a route's scope: RT_SCOPE_* of linux/rtnetlink.h.
func scopeName(s uint8) string {
	switch s {
	case 0:
		return "global"
	case 200:
		return "site"
	case 253:
		return "link"
	case 254:
		return "host"
	case 255:
		return "nowhere"
	}
	return strconv.Itoa(int(s))
}

// ruleText is a rule as ip-rule(8) writes one.
func ruleText(r *netstate.Rule) string {
	words := []string{strconv.Itoa(int(r.Priority)) + ":"}
	if r.Not {
		words = append(words, "not")
	}
	from := prefixText(r.From)
	if from == "" {
		from = "all"
	}
	words = append(words, "from", from)
	add := func(word, value string) {
		if value != "" {
			words = append(words, word, value)
		}
	}
	add("to", prefixText(r.To))
	add("iif", r.IIF)
	add("oif", r.OIF)
	if r.FwMark != 0 || r.FwMask != 0 {
		add("fwmark", fmt.Sprintf("%#x/%#x", r.FwMark, r.FwMask))
	}
	if r.TOS != 0 {
		add("tos", fmt.Sprintf("%#x", r.TOS))
	}
	if r.IPProto != 0 {
		add("ipproto", strconv.Itoa(int(r.IPProto)))
	}
	add("sport", r.SourcePorts)
	add("dport", r.DestinationPorts)
	add("uidrange", r.UIDRange)
	if r.L3MDev {
		words = append(words, "l3mdev")
	}
	switch r.Action {
	case "", "lookup":
		add("lookup", tableName(r.Table))
	case "goto":
		add("goto", strconv.Itoa(int(r.Goto)))
	default:
		words = append(words, r.Action)
	}
	if r.SuppressPrefixLength != nil {
		add("suppress_prefixlength", strconv.Itoa(*r.SuppressPrefixLength))
	}
	if r.SuppressGroup != nil {
		add("suppress_ifgroup", strconv.Itoa(*r.SuppressGroup))
	}
	return strings.Join(words, " ")
}

// tableName is a table's name where the kernel has one (ip-route(8)).
func tableName(t uint32) string {
	switch t {
	case 253:
		return "default"
	case 254:
		return "main"
	case 255:
		return "local"
	}
	return strconv.FormatUint(uint64(t), 10)
}

// wholeNumbers turns JSON's float64 into int where it is one, so that they
// compare and print as people write them.
func wholeNumbers(v any, depth int) any {
	if depth > 200 {
		return v
	}
	switch x := v.(type) {
	case float64:
		if x == float64(int(x)) && x < 1<<53 && x > -1<<53 {
			return int(x)
		}
	case []any:
		for i := range x {
			x[i] = wholeNumbers(x[i], depth+1)
		}
	case map[string]any:
		for k := range x {
			x[k] = wholeNumbers(x[k], depth+1)
		}
	}
	return v
}
