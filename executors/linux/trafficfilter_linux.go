package linux

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// Numbers of enum TCA_FLOWER_* (linux/pkt_cls.h).
const (
	flowerAct     = 3
	flowerEthType = 8
	flowerFlags   = 22
	flowerInHW    = 86
)

// actNumbers are the attributes that hold a kind's actions.
var actNumbers = map[string]uint16{"u32": 7, "flower": flowerAct, "matchall": 2, "fw": 4}

// flagNumbers are the attributes that hold a kind's flags.
var flagNumbers = map[string]uint16{"u32": 11, "flower": flowerFlags, "matchall": 3}

func decodeFilter(r reply, l *links) (f filter, ok bool) {
	t, e, ok := tcHead(r, netstate.TCFilter)
	if !ok || r.typ != unix.RTM_NEWTFILTER {
		return f, false
	}
	info := u32(r.body[16:])
	f.handle = u32(r.body[8:])
	e.Priority, e.Protocol, e.Chain = uint16(info>>16), protocolText(swap(uint16(info))), u32(t.get(tcaChain))
	e.Handle = decimal32(f.handle)
	f.TCEntry = e
	options := tabulate(t.get(tcaOptions))
	if e.Kind == "u32" {
		e.Handle = strconv.FormatUint(uint64(f.handle&0xfff), 16)
	}
	switch {
	case f.handle == 0 || t.get(tcaOptions) == nil:
		return f, false // the priority itself
	case e.Kind == "u32" && options.get(5) == nil && f.handle>>20 >= 0x800:
		return f, false // the table that comes with it
	case netstate.TCKindOf(netstate.TCFilter, e.Kind) == nil:
		e.Unread = "stet has no words for the kind " + e.Kind
	default:
		e.Unread = decodeFilterOptions(&e, options, f.handle, l)
	}
	f.TCEntry = e
	return f, true
}

func decodeFilterOptions(e *netstate.TCEntry, t attrTable, handle uint32, l *links) string {
	k := netstate.TCKindOf(netstate.TCFilter, e.Kind)
	flags := u32(t.get(flagNumbers[e.Kind]))
	for i, key := range []string{"skip-hw", "skip-sw"} {
		if flags>>i&1 != 0 {
			e.Options[key] = "true"
		}
	}
	var unread string
	e.Actions, unread = decodeActions(t.get(actNumbers[e.Kind]), l)
	if unread != "" {
		return unread
	}
	switch e.Kind {
	case "u32":
		return decodeU32(e, t, handle)
	case "flower":
		return decodeFlower(k, e, t, l)
	case "fw":
		if t.get(2) != nil {
			return "it has a policer of the old kind"
		}
	}
	plain := attrTable{b: t.b}
	for i := range k.Attrs {
		if a := &k.Attrs[i]; a.Type != netstate.FlagBit {
			plain.at[a.IFLA] = t.at[a.IFLA]
		}
	}
	decodeTable(k, e, plain, l)
	return ""
}

// decodeU32 reads struct tc_u32_sel.
func decodeU32(e *netstate.TCEntry, t attrTable, handle uint32) string {
	sel := t.get(5)
	if handle>>20 < 0x800 || handle>>12&0xff != 0 || t.get(3) != nil || len(sel) < 16 {
		return "it has hash tables"
	}
	if t.get(6) != nil || t.get(8) != nil || t.get(10) != nil {
		return "it has a policer of the old kind, or looks at a mark or an interface"
	}
	if sel[0]&^1 != 0 {
		return "it leads to offsets"
	}
	var list []string
	for b, n := sel[16:], int(sel[2]); n > 0 && len(b) >= 16; b, n = b[16:], n-1 {
		if at(b, 3) != 0 {
			return "it matches behind a header of variable length"
		}
		list = append(list, fmt.Sprintf("u32 0x%08x 0x%08x at %d", binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b), int32(at(b, 2))))
	}
	e.Options["match"] = strings.Join(list, "; ")
	if id := u32(t.get(1)); id != 0 {
		e.Options["classid"] = netstate.FormatTCHandle(id)
	}
	return ""
}

func (w *tcWriter) u32(m *message, e *netstate.TCEntry) error {
	var keys []byte
	n := 0
	for match := range strings.SplitSeq(e.Options["match"], "; ") {
		words := strings.Fields(match) // u32 VALUE MASK at OFFSET
		var numbers [5]int64
		for _, i := range []int{1, 2, 4} {
			var err error
			if len(words) != len(numbers) {
				return fmt.Errorf("encoding match %q: %w", match, unix.EINVAL)
			}
			if numbers[i], err = strconv.ParseInt(words[i], 0, 64); err != nil {
				return fmt.Errorf("encoding match %q: %w", match, err)
			}
		}
		keys = binary.BigEndian.AppendUint32(keys, uint32(numbers[2]))
		keys = binary.BigEndian.AppendUint32(keys, uint32(numbers[1]))
		keys = append(keys, native(uint32(numbers[4]), 0)...)
		n++
	}
	sel := make([]byte, 16)
	sel[2] = byte(n)
	if e.Options["classid"] != "" || len(e.Actions) > 0 {
		sel[0] = 1 // TC_U32_TERMINAL
	}
	if id := e.Options["classid"]; id != "" {
		h, err := netstate.ParseTCHandle(id)
		if err != nil {
			return err
		}
		m.u32(1, h)
	}
	if err := w.actions(m, e); err != nil {
		return err
	}
	m.attr(5, append(sel, keys...))
	return nil
}

// flowerV6 and flowerPorts are attributes with their masks that depend on the
// protocol.
var flowerV6 = map[string][2]uint16{
	"src-ip": {14, 15},
	"dst-ip": {16, 17},
}

var flowerPorts = map[string]map[string][2]uint16{
	"6":   {"src-port": {18, 35}, "dst-port": {19, 36}},
	"17":  {"src-port": {20, 37}, "dst-port": {21, 38}},
	"132": {"src-port": {41, 39}, "dst-port": {42, 40}},
}

// flowerNumbers are an option's attribute and that of its mask.
func flowerNumbers(e *netstate.TCEntry, a *netstate.Attr, v6 bool) (number, mask uint16) {
	if pair, ok := flowerV6[a.Key]; ok && v6 {
		return pair[0], pair[1]
	}
	if pair, ok := flowerPorts[e.Options["ip-proto"]][a.Key]; ok {
		return pair[0], pair[1]
	}
	return a.IFLA, a.IFLA6
}

func decodeFlower(k *netstate.TCKind, e *netstate.TCEntry, t attrTable, l *links) string {
	known := map[uint16]bool{flowerAct: true, flowerFlags: true, flowerEthType: true, flowerInHW: true}
	for i := range k.Attrs {
		a := &k.Attrs[i]
		number, mask := flowerNumbers(e, a, e.Protocol == "ipv6")
		b := t.get(number)
		known[number], known[mask] = true, true
		if b == nil || a.Type == netstate.FlagBit {
			continue
		}
		switch {
		case a.Type == netstate.CIDRs:
			ones, size := net.IPMask(t.get(mask)).Size()
			p := prefix(address(b), ones)
			if size == 0 || !p.IsValid() {
				return "its mask is no prefix"
			}
			e.Options[a.Key] = p.String()
			continue
		case strings.HasSuffix(a.Key, "-port"):
			e.Options[a.Key] = strconv.Itoa(int(be16(b)))
		default:
			v, ok := tcText(e, a, b, l)
			if !ok {
				continue
			}
			e.Options[a.Key] = v
		}
		for _, one := range t.get(mask) {
			if mask != 0 && one != 0xff && a.Key != "tcp-flags" {
				return "it masks " + a.Key
			}
		}
		if a.Key == "tcp-flags" && be16(t.get(mask))&0xfff != 0xfff {
			return "it masks " + a.Key
		}
	}
	for number := range t.at {
		if t.at[number] != 0 && !known[uint16(number)] {
			return "it matches fields that stet has no words for"
		}
	}
	return ""
}

func (w *tcWriter) flower(m *message, e *netstate.TCEntry) error {
	k := netstate.TCKindOf(netstate.TCFilter, "flower")
	protocol, err := protocolNumber(e.Protocol)
	if err != nil {
		return err
	}
	for i := range k.Attrs {
		a := &k.Attrs[i]
		value := e.Options[a.Key]
		if value == "" || a.Type == netstate.FlagBit {
			continue
		}
		number, mask := flowerNumbers(e, a, strings.Contains(value, ":"))
		var b, ones []byte
		switch {
		case a.Type == netstate.CIDRs:
			p, err := netip.ParsePrefix(value)
			if err != nil {
				return err
			}
			b, ones = p.Addr().AsSlice(), net.CIDRMask(p.Bits(), p.Addr().BitLen())
		case strings.HasSuffix(a.Key, "-port"):
			n, err := strconv.ParseUint(value, 10, 16)
			if err != nil {
				return err
			}
			b = binary.BigEndian.AppendUint16(nil, uint16(n))
		default:
			if b, err = tcPayload(a, value, w.l); err != nil {
				return err
			}
		}
		m.attr(number, b)
		if mask != 0 {
			if ones == nil {
				ones = []byte(strings.Repeat("\xff", len(b)))
			}
			if a.Key == "tcp-flags" {
				ones = []byte{0x0f, 0xff}
			}
			m.attr(mask, ones)
		}
	}
	if err := w.actions(m, e); err != nil {
		return err
	}
	if e.Protocol != "all" {
		m.attr(flowerEthType, binary.BigEndian.AppendUint16(nil, protocol))
	}
	return nil
}

// filter writes the message about a filter.
func (w *tcWriter) filter(m *message, parent uint32) (typ, flags uint16, err error) {
	e := w.s.Entry
	protocol, err := protocolNumber(e.Protocol)
	if err != nil {
		return 0, 0, err
	}
	base := 10
	if e.Kind == "u32" {
		base = 16
	}
	n, err := strconv.ParseUint(e.Handle, base, 32)
	if err != nil {
		return 0, 0, err
	}
	handle := uint32(n)
	if w.node != 0 {
		handle = w.node
	}
	if w.s.All {
		handle = 0
	}
	m.tcmsg(w.index, handle, parent, uint32(e.Priority)<<16|uint32(swap(protocol)))
	m.str(tcaKind, e.Kind)
	if e.Chain != 0 {
		m.u32(tcaChain, e.Chain)
	}
	switch w.s.Op {
	case netstate.Delete:
		return unix.RTM_DELTFILTER, 0, nil
	case netstate.Modify:
		flags = unix.NLM_F_CREATE
	default:
		flags = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	}
	nest := m.nest(tcaOptions)
	switch e.Kind {
	case "u32":
		err = w.u32(m, e)
	case "flower":
		err = w.flower(m, e)
	default:
		if err = w.table(m); err == nil {
			err = w.actions(m, e)
		}
	}
	var bits uint32
	for i, key := range []string{"skip-hw", "skip-sw"} {
		if e.Options[key] == "true" {
			bits |= 1 << i
		}
	}
	if number := flagNumbers[e.Kind]; number != 0 && (bits != 0 || e.Kind == "flower") {
		m.u32(number, bits)
	}
	m.endNest(nest)
	return unix.RTM_NEWTFILTER, flags, err
}
