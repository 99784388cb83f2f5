package linux

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// ruleActions are FR_ACT_* in ip-rule(8)'s words.
var ruleActions = []string{1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}

// fibRuleInvert is FIB_RULE_INVERT; sizeofRuleHdr that of struct fib_rule_hdr.
const (
	fibRuleInvert = 0x2
	sizeofRuleHdr = 12
	// Of linux/fib_rules.h, and not of x/sys. What follows the first are conditions
	// of later kernels, but for the masks of ports, which are there with every port.
	fraDSCP            = 25
	fraSourceMask      = 28
	fraDestinationMask = 29
)

// observeRules fills in the policy rules of both families.
func (n *Namespace) observeRules(ctx context.Context, s *netstate.State) error {
	s.Rules = []netstate.Rule{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		start := len(s.Rules)
		err := n.dump(ctx, unix.RTM_GETRULE, func(m *message) {
			m.raw(family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		}, func() { s.Rules = s.Rules[:start] }, func(r reply) {
			if rule, ok := decodeRule(r.body); r.typ == unix.RTM_NEWRULE && ok {
				s.Rules = append(s.Rules, rule)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeRule reads struct fib_rule_hdr and its attributes; ok is false for one with
// a condition that has no words here: without it, it would be another rule.
func decodeRule(b []byte) (r netstate.Rule, ok bool) {
	if len(b) < sizeofRuleHdr {
		return r, false
	}
	any := netip.IPv4Unspecified()
	switch b[0] {
	case unix.AF_INET:
		r.Family = 4
	case unix.AF_INET6:
		r.Family = 6
		any = netip.IPv6Unspecified()
	default:
		return r, false
	}
	r.TOS, r.Table, r.Not = b[3], uint32(b[4]), u32(b[8:])&fibRuleInvert != 0
	r.Action = strconv.Itoa(int(b[7]))
	if int(b[7]) < len(ruleActions) && ruleActions[b[7]] != "" {
		r.Action = ruleActions[b[7]]
	}
	// 0.0.0.0/0 has no attribute, only a length; "from all" is neither.
	from, to := any, any
	for typ, p := range attributes(b[sizeofRuleHdr:]) {
		switch typ {
		case unix.FRA_SRC:
			from = address(p)
		case unix.FRA_DST:
			to = address(p)
		case fraSourceMask, fraDestinationMask:
			if u16(p) != 0xffff {
				return r, false
			}
		case unix.FRA_FLOW, unix.FRA_TUN_ID:
			return r, false
		default:
			if typ >= fraDSCP {
				return r, false
			}
			decodeRuleAttr(&r, typ, p)
		}
	}
	if b[2] != 0 {
		r.From = prefix(from, int(b[2]))
	}
	if b[1] != 0 {
		r.To = prefix(to, int(b[1]))
	}
	if r.Action != "lookup" {
		r.Table = 0
	}
	return r, true
}

func decodeRuleAttr(r *netstate.Rule, typ uint16, p []byte) {
	switch typ {
	case unix.FRA_IIFNAME:
		r.IIF = text(p)
	case unix.FRA_OIFNAME:
		r.OIF = text(p)
	case unix.FRA_PRIORITY:
		r.Priority = u32(p)
	case unix.FRA_FWMARK:
		r.FwMark = u32(p)
	case unix.FRA_FWMASK:
		r.FwMask = u32(p)
	case unix.FRA_TABLE:
		r.Table = u32(p)
	case unix.FRA_GOTO:
		r.Goto = u32(p)
	case unix.FRA_SUPPRESS_PREFIXLEN:
		r.SuppressPrefixLength = unlessAllOnes(p)
	case unix.FRA_SUPPRESS_IFGROUP:
		r.SuppressGroup = unlessAllOnes(p)
	case unix.FRA_L3MDEV:
		r.L3MDev = u8(p) != 0
	case unix.FRA_PROTOCOL:
		r.Protocol = u8(p)
	case unix.FRA_IP_PROTO:
		r.IPProto = u8(p)
	case unix.FRA_SPORT_RANGE:
		r.SourcePorts = rangeText(uint32(u16(p)), uint32(u16(tail(p, 2))))
	case unix.FRA_DPORT_RANGE:
		r.DestinationPorts = rangeText(uint32(u16(p)), uint32(u16(tail(p, 2))))
	case unix.FRA_UID_RANGE:
		r.UIDRange = fmt.Sprintf("%d-%d", u32(p), u32(tail(p, 4)))
	}
}

// unlessAllOnes is a number for which the kernel says "unset" with -1.
func unlessAllOnes(p []byte) *int {
	v := int(int32(u32(p)))
	if v < 0 {
		return nil
	}
	return &v
}

func tail(b []byte, at int) []byte { return b[min(at, len(b)):] }

func rangeText(low, high uint32) string {
	if low == high {
		return strconv.FormatUint(uint64(low), 10)
	}
	return fmt.Sprintf("%d-%d", low, high)
}

// parseRange reads "80" or "80-90".
func parseRange(s string, bits int) (low, high uint64, err error) {
	a, b, both := strings.Cut(s, "-")
	if low, err = strconv.ParseUint(a, 10, bits); err != nil || !both {
		return low, low, err
	}
	high, err = strconv.ParseUint(b, 10, bits)
	return low, high, err
}

// encodeRule appends the message that adds or deletes a rule.
func encodeRule(m *message, seq uint32, op netstate.Op, r *netstate.Rule) error {
	action := slices.Index(ruleActions, r.Action)
	if r.Action == "" {
		action = unix.FR_ACT_TO_TBL
	}
	if action <= 0 {
		return fmt.Errorf("unknown rule action %q", r.Action)
	}
	if op == netstate.Delete {
		m.begin(unix.RTM_DELRULE, 0, seq)
	} else {
		m.begin(unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, seq)
	}
	family := uint8(unix.AF_INET)
	if r.Family == 6 {
		family = unix.AF_INET6
	}
	table := r.Table
	if table > 255 {
		table = unix.RT_TABLE_UNSPEC
	}
	flags := uint64(0)
	if r.Not {
		flags = fibRuleInvert
	}
	m.raw(family, bitsOf(r.To), bitsOf(r.From), r.TOS, uint8(table), 0, 0, uint8(action))
	m.raw(numberPayload(netstate.Uint32, flags)...)
	if err := encodeRuleAttrs(m, r, action); err != nil {
		return err
	}
	m.end()
	return nil
}

func bitsOf(p netip.Prefix) uint8 {
	if !p.IsValid() {
		return 0
	}
	return uint8(p.Bits())
}

func encodeRuleAttrs(m *message, r *netstate.Rule, action int) error {
	m.u32(unix.FRA_PRIORITY, r.Priority)
	if bitsOf(r.From) > 0 {
		m.addr(unix.FRA_SRC, r.From.Addr())
	}
	if bitsOf(r.To) > 0 {
		m.addr(unix.FRA_DST, r.To.Addr())
	}
	if r.IIF != "" {
		m.str(unix.FRA_IIFNAME, r.IIF)
	}
	if r.OIF != "" {
		m.str(unix.FRA_OIFNAME, r.OIF)
	}
	if r.FwMark != 0 || r.FwMask != 0 {
		m.u32(unix.FRA_FWMARK, r.FwMark)
	}
	if r.FwMask != 0 {
		m.u32(unix.FRA_FWMASK, r.FwMask)
	}
	if action == unix.FR_ACT_TO_TBL && !r.L3MDev {
		m.u32(unix.FRA_TABLE, r.Table)
	}
	if action == unix.FR_ACT_GOTO {
		m.u32(unix.FRA_GOTO, r.Goto)
	}
	if r.SuppressPrefixLength != nil {
		m.u32(unix.FRA_SUPPRESS_PREFIXLEN, uint32(*r.SuppressPrefixLength))
	}
	if r.SuppressGroup != nil {
		m.u32(unix.FRA_SUPPRESS_IFGROUP, uint32(*r.SuppressGroup))
	}
	if r.L3MDev {
		m.u8(unix.FRA_L3MDEV, 1)
	}
	if r.Protocol != 0 {
		m.u8(unix.FRA_PROTOCOL, r.Protocol)
	}
	if r.IPProto != 0 {
		m.u8(unix.FRA_IP_PROTO, r.IPProto)
	}
	return encodeRuleRanges(m, r)
}

func encodeRuleRanges(m *message, r *netstate.Rule) error {
	for _, field := range []struct {
		typ  uint16
		text string
		wire netstate.AttrType
		bits int
	}{
		{unix.FRA_SPORT_RANGE, r.SourcePorts, netstate.Uint16, 16},
		{unix.FRA_DPORT_RANGE, r.DestinationPorts, netstate.Uint16, 16},
		{unix.FRA_UID_RANGE, r.UIDRange, netstate.Uint32, 32},
	} {
		if field.text == "" {
			continue
		}
		low, high, err := parseRange(field.text, field.bits)
		if err != nil {
			return fmt.Errorf("reading the range %q: %w", field.text, err)
		}
		m.attr(field.typ, append(numberPayload(field.wire, low), numberPayload(field.wire, high)...))
	}
	return nil
}
