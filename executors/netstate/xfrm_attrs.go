package netstate

import (
	"slices"
	"sync"
)

// Attributes of IPsec's objects. Those that are set OnCreate are what the kernel
// tells one from another by. IFLA is the attribute's number in the message
// (XFRMA_*), where package linux needs nothing else to know; IP is the word of
// ip-xfrm(8).

// Protocols, modes and the like of linux/xfrm.h.
var (
	xfrmProtocols = []EnumValue{{"esp", 50}, {"ah", 51}, {"comp", 108}}
	xfrmModes     = []EnumValue{{"transport", 0}, {"tunnel", 1}, {"beet", 4}}
	xfrmShares    = []EnumValue{{"any", 0}, {"session", 1}, {"user", 2}, {"unique", 3}}
)

// XfrmAttrs are the attributes of a sort of IPsec's objects, or of MPTCP's.
func XfrmAttrs(sort string) []Attr {
	switch sort {
	case XfrmState:
		return xfrmStateAttrs()
	case XfrmPolicy:
		return xfrmPolicyAttrs()
	case XfrmDefault:
		return xfrmDefaultAttrs()
	case MPTCPEndpoint:
		return mptcpEndpointAttrs
	case MPTCPLimits:
		return mptcpLimitsAttrs
	}
	return nil
}

func xfrmSelector(section string, set Settable) []Attr {
	return []Attr{
		{Key: section + "src", Type: CIDR, Set: set, IP: "src"},
		{Key: section + "dst", Type: CIDR, Set: set, IP: "dst"},
		{Key: section + "proto", Type: IPProto, Set: set, IP: "proto"},
		{Key: section + "sport", Type: Uint16, Set: set, IP: "sport"},
		{Key: section + "dport", Type: Uint16, Set: set, IP: "dport"},
		{Key: section + "dev", Type: LinkRef, Set: set, IP: "dev"},
	}
}

// xfrmMarks are a mark and its mask. Those of zero are none.
func xfrmMarks(set Settable) []Attr {
	return []Attr{
		{Key: "mark", Type: Hex32, Set: set, Default: "0x0", IP: "mark"},
		{Key: "mark-mask", Type: Hex32, Set: set, Default: "0x0", IP: "mask"},
	}
}

func xfrmLimits() []Attr {
	var out []Attr
	for _, what := range []string{"byte", "packet", "time", "use"} {
		for _, how := range []string{"-soft", "-hard"} {
			word := what + how
			if what == "use" {
				word = "time-" + word
			}
			out = append(out, Attr{Key: "limit." + what + how, Type: Uint64, Set: Anytime, Default: "0", IP: word})
		}
	}
	return out
}

var xfrmStateAttrs = sync.OnceValue(func() []Attr {
	return slices.Concat([]Attr{
		{Key: "src", Type: IPAddress, IFLA: 1, IFLA6: 1, Set: Anytime},
		{Key: "dst", Type: IPAddress, IFLA: 1, IFLA6: 1, Set: OnCreate},
		{Key: "proto", Type: Enum, Enum: xfrmProtocols, Set: OnCreate},
		{Key: "spi", Type: Hex32, Min: 1, Set: OnCreate},
	}, xfrmMarks(OnCreate), []Attr{
		{Key: "mode", Type: Enum, Enum: xfrmModes, Set: Anytime, Default: "transport", IP: "mode"},
		{Key: "reqid", Type: Uint32, Set: Anytime, Default: "0", IP: "reqid"},
		{Key: "replay-window", Type: Uint32, Max: 4096, Set: Anytime, Default: "0", IP: "replay-window"},
		{Key: "replay-seq", Type: Uint64, Set: Anytime, Running: true},
		{Key: "replay-oseq", Type: Uint64, Set: Anytime, Running: true},
		{Key: "esn", Type: FlagBit, Bit: 7, Set: Anytime, Default: "false", IP: "esn"},
		{Key: "noecn", Type: FlagBit, Set: Anytime, Default: "false", IP: "noecn"},
		{Key: "decap-dscp", Type: FlagBit, Bit: 1, Set: Anytime, Default: "false", IP: "decap-dscp"},
		{Key: "nopmtudisc", Type: FlagBit, Bit: 2, Set: Anytime, Default: "false", IP: "nopmtudisc"},
		{Key: "icmp", Type: FlagBit, Bit: 4, Set: Anytime, Default: "false", IP: "icmp"},
		{Key: "af-unspec", Type: FlagBit, Bit: 5, Set: Anytime, Default: "false", IP: "af-unspec"},
		{Key: "align4", Type: FlagBit, Bit: 6, Set: Anytime, Default: "false", IP: "align4"},
		{Key: "dont-encap-dscp", Type: FlagBit, IFLA: 24, Set: Anytime, Default: "false", IP: "dont-encap-dscp"},
		{Key: "oseq-may-wrap", Type: FlagBit, Bit: 1, IFLA: 24, Set: Anytime, Default: "false", IP: "oseq-may-wrap"},
		{Key: "auth.name", Type: String, Set: Anytime},
		{Key: "auth.key", Type: KeyHex, Max: 512, Set: Anytime},
		{Key: "auth.trunc-len", Type: Uint32, Set: Anytime},
		{Key: "enc.name", Type: String, Set: Anytime},
		{Key: "enc.key", Type: KeyHex, Max: 512, Set: Anytime},
		{Key: "aead.name", Type: String, Set: Anytime},
		{Key: "aead.key", Type: KeyHex, Max: 512, Set: Anytime},
		{Key: "aead.icv-len", Type: Uint32, Set: Anytime},
		{Key: "comp.name", Type: String, Set: Anytime},
	}, xfrmSelector("selector.", Anytime), []Attr{
		{Key: "encap.type", Type: Enum, Enum: []EnumValue{{"espinudp-nonike", 1}, {"espinudp", 2}, {"espintcp", 7}}, Set: Anytime},
		{Key: "encap.sport", Type: Uint16, Set: Anytime, Default: "0"},
		{Key: "encap.dport", Type: Uint16, Set: Anytime, Default: "0"},
		{Key: "encap.oa", Type: IPAddress, IFLA: 1, IFLA6: 1, Set: Anytime},
		{Key: "if-id", Type: Uint32, IFLA: 31, Set: Anytime, Default: "0", IP: "if_id"},
		{Key: "output-mark", Type: Hex32, IFLA: 29, Set: Anytime, Default: "0x0", IP: "output-mark"},
		{Key: "output-mark-mask", Type: Hex32, IFLA: 30, Set: Anytime, Default: "0x0", IP: "mask"},
		{Key: "tfcpad", Type: Uint32, IFLA: 22, Set: Anytime, Default: "0", IP: "tfcpad"},
		{Key: "dir", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"in", 1}, {"out", 2}}, IFLA: 33, Set: Anytime, IP: "dir"},
		{Key: "nat-keepalive-interval", Type: Uint32, IFLA: 34, Set: Anytime, Default: "0", IP: "nat-keepalive-interval"},
		{Key: "mapping-max-timer", Type: Uint32, IFLA: 32, Set: Anytime, Default: "0", IP: "mapping-max-timer"},
	}, xfrmOffload(), xfrmLimits())
})

func xfrmOffload() []Attr {
	return []Attr{
		{Key: "offload.dev", Type: LinkRef, Set: Anytime},
		{Key: "offload.type", Type: Enum, Enum: []EnumValue{{"crypto", 0}, {"packet", 4}}, Set: Anytime},
		{Key: "offload.dir", Type: Enum, Enum: []EnumValue{{"out", 0}, {"in", 2}}, Set: Anytime},
	}
}

var xfrmPolicyAttrs = sync.OnceValue(func() []Attr {
	return slices.Concat([]Attr{
		{Key: "dir", Type: Enum, Enum: []EnumValue{{"in", 0}, {"out", 1}, {"fwd", 2}}, Set: OnCreate},
	}, xfrmSelector("", OnCreate), []Attr{
		{Key: "ptype", Type: Enum, Enum: []EnumValue{{"main", 0}, {"sub", 1}}, Set: OnCreate, Default: "main"},
	}, xfrmMarks(OnCreate), []Attr{
		{Key: "if-id", Type: Uint32, IFLA: 31, Set: OnCreate, Default: "0", IP: "if_id"},
		{Key: "action", Type: Enum, Enum: []EnumValue{{"allow", 0}, {"block", 1}}, Set: Anytime, Default: "allow", IP: "action"},
		{Key: "priority", Type: Uint32, Set: Anytime, Default: "0", IP: "priority"},
		{Key: "localok", Type: FlagBit, Set: Anytime, Default: "false", IP: "localok"},
		{Key: "icmp", Type: FlagBit, Bit: 1, Set: Anytime, Default: "false", IP: "icmp"},
		{Key: "templates", Type: List, Set: Anytime, Fields: []Attr{
			{Key: "src", Type: IPAddress, IFLA: 1, IFLA6: 1, Set: Anytime},
			{Key: "dst", Type: IPAddress, IFLA: 1, IFLA6: 1, Set: Anytime},
			{Key: "proto", Type: Enum, Enum: xfrmProtocols, Set: Anytime},
			{Key: "spi", Type: Hex32, Set: Anytime, Default: "0x0"},
			{Key: "mode", Type: Enum, Enum: xfrmModes, Set: Anytime, Default: "transport"},
			{Key: "reqid", Type: Uint32, Set: Anytime, Default: "0"},
			{Key: "level", Type: Enum, Enum: []EnumValue{{"required", 0}, {"use", 1}}, Set: Anytime, Default: "required"},
			{Key: "share", Type: Enum, Enum: xfrmShares, Set: Anytime, Default: "any"},
			{Key: "family", Type: Enum, Enum: []EnumValue{{"ipv4", 2}, {"ipv6", 10}}, Set: Anytime},
		}},
	}, xfrmOffload()[:2], xfrmLimits())
})

var xfrmDefaultAttrs = sync.OnceValue(func() (out []Attr) {
	for _, dir := range []string{"in", "fwd", "out"} {
		out = append(out, Attr{Key: dir, Type: Enum, Enum: []EnumValue{{"accept", 2}, {"block", 1}}, Set: Anytime, Default: "accept", IP: dir})
	}
	return out
})
