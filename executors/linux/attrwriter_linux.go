package linux

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// macvlanMacaddrSet is MACVLAN_MACADDR_SET of enum macvlan_macaddr_mode.
const macvlanMacaddrSet = 3

// attrWriter appends attributes to a message. Bits that share a number are
// collected and written by flush.
type attrWriter struct {
	m       *message
	l       *links
	boolopt struct{ value, mask uint32 }
	shared  map[uint16]bool // numbers of FlagBit attributes that change
}

// set appends one attribute; before is what it was, where that matters for
// clearing it.
func (w *attrWriter) set(a *netstate.Attr, value, before string) error {
	switch a.Type {
	case netstate.BoolOpt:
		w.boolopt.mask |= 1 << a.Bit
		if (value == "true") != a.Inverse {
			w.boolopt.value |= 1 << a.Bit
		}
		return nil
	case netstate.FlagBit:
		if w.shared == nil {
			w.shared = map[uint16]bool{}
		}
		w.shared[a.IFLA] = true
		return nil
	case netstate.MACList:
		return w.macList(a, value)
	}
	number := a.IFLA
	if a.Type == netstate.IPAddress {
		if value == "" {
			value = unspecified(before)
		}
		if strings.Contains(value, ":") {
			number = a.IFLA6
		}
	}
	b, err := attrPayload(a, value, w.l)
	if err != nil {
		return fmt.Errorf("encoding %s %q: %w", a.Key, value, err)
	}
	if b != nil {
		w.m.attr(number, b)
	}
	return nil
}

// unspecified is the address that clears one of the same family.
func unspecified(before string) string {
	if strings.Contains(before, ":") {
		return netip.IPv6Unspecified().String()
	}
	return netip.IPv4Unspecified().String()
}

// macList appends the addresses of a macvlan in mode source: mode "set"
// replaces the whole list.
func (w *attrWriter) macList(a *netstate.Attr, value string) error {
	w.m.u32(unix.IFLA_MACVLAN_MACADDR_MODE, macvlanMacaddrSet)
	at := w.m.nest(a.IFLA)
	for s := range strings.SplitSeq(value, ",") {
		if s == "" {
			continue
		}
		mac, err := net.ParseMAC(s)
		if err != nil {
			return fmt.Errorf("encoding %s: %w", a.Key, err)
		}
		w.m.attr(unix.IFLA_MACVLAN_MACADDR, mac)
	}
	w.m.endNest(at)
	return nil
}

// flush writes the collected bits. Those of one number are written together:
// bits that do not change come from values.
func (w *attrWriter) flush(values netstate.Attrs, attrs []netstate.Attr) {
	if w.boolopt.mask != 0 {
		b := binary.NativeEndian.AppendUint32(nil, w.boolopt.value)
		w.m.attr(unix.IFLA_BR_MULTI_BOOLOPT, binary.NativeEndian.AppendUint32(b, w.boolopt.mask))
	}
	for number := range w.shared {
		var bits uint64
		var wire netstate.AttrType
		for i := range attrs {
			a := &attrs[i]
			if a.Type != netstate.FlagBit || a.IFLA != number {
				continue
			}
			wire = a.Wire
			value, ok := values[a.Key]
			if !ok {
				value = a.Default
			}
			if (value == "true") != a.Inverse {
				bits |= 1 << a.Bit
			}
		}
		w.m.attr(number, numberPayload(wire, bits))
	}
}
