package linux

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
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
	if t.get(6) != nil {
		return "it has a policer of the old kind"
	}
	if dev := t.get(8); dev != nil {
		e.Options["indev"] = text(dev)
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
	if mark := t.get(10); mark != nil { // struct tc_u32_mark
		list = append(list, fmt.Sprintf("mark 0x%08x 0x%08x", at(mark, 0), at(mark, 1)))
	}
	e.Options["match"] = strings.Join(list, "; ")
	if id := u32(t.get(1)); id != 0 {
		e.Options["classid"] = netstate.FormatTCHandle(id)
	}
	return ""
}

func (w *tcWriter) u32(m *message, e *netstate.TCEntry) error {
	var keys, mark []byte
	n := 0
	for match := range strings.SplitSeq(e.Options["match"], "; ") {
		words := strings.Fields(match) // u32 VALUE MASK at OFFSET, or mark VALUE MASK
		var numbers [5]int64
		for _, i := range []int{1, 2, 4} {
			var err error
			if i >= len(words) {
				break
			}
			if numbers[i], err = strconv.ParseInt(words[i], 0, 64); err != nil {
				return fmt.Errorf("encoding match %q: %w", match, err)
			}
		}
		if len(words) == 3 && words[0] == "mark" {
			mark = native(uint32(numbers[1]), uint32(numbers[2]), 0)
			continue
		}
		if len(words) != len(numbers) {
			return fmt.Errorf("encoding match %q: %w", match, unix.EINVAL)
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
	if dev := e.Options["indev"]; dev != "" {
		m.str(8, dev)
	}
	if mark != nil {
		m.attr(10, mark)
	}
	if err := w.actions(m, e); err != nil {
		return err
	}
	m.attr(5, append(sel, keys...))
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
