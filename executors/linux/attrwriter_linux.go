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

// macvlanMacaddrSet is MACVLAN_MACADDR_SET of enum macvlan_macaddr_mode.
const macvlanMacaddrSet = 3

// attrWriter appends attributes to a message. Bits that share a number are
// collected and written by flush.
type attrWriter struct {
	m      *message
	l      *links
	masked map[uint16]bits // BoolOpts and MaskedEnums by their number
	shared map[uint16]bool // numbers of FlagBit attributes that change
}

// bits are values with a mask that says which of them are meant.
type bits struct{ value, mask uint32 }

func (w *attrWriter) mask(number uint16, value, mask uint32) {
	if w.masked == nil {
		w.masked = map[uint16]bits{}
	}
	b := w.masked[number]
	w.masked[number] = bits{b.value | value, b.mask | mask}
}

// set appends one attribute; before is what it was, where that matters for
// clearing it.
func (w *attrWriter) set(a *netstate.Attr, value, before string) error {
	switch a.Type {
	case netstate.BoolOpt:
		var on uint32
		if (value == "true") != a.Inverse {
			on = 1 << a.Bit
		}
		w.mask(a.IFLA, on, 1<<a.Bit)
		return nil
	case netstate.MaskedEnum:
		v, err := parseNumber(a, value)
		w.mask(a.IFLA, uint32(v)&a.Mask(), a.Mask())
		return err
	case netstate.IPv4List, netstate.IPv6List:
		return w.addresses(a, value)
	case netstate.QoSMap:
		return w.qosMap(a, value, before)
	case netstate.FlagBit, netstate.BitField:
		w.share(a.IFLA)
		return nil
	case netstate.TunnelKey:
		w.share(a.Present)
		if value == "" {
			return nil
		}
	case netstate.MACList:
		return w.macList(a, value)
	}
	number := a.IFLA
	if a.Type == netstate.IPAddress {
		if value == "" {
			value = unspecified(before)
			if a.IFLA == 0 {
				value = unspecified(":")
			}
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

// share notes that bits of a number change.
func (w *attrWriter) share(number uint16) {
	if w.shared == nil {
		w.shared = map[uint16]bool{}
	}
	w.shared[number] = true
}

// unspecified is the address that clears one of the same family.
func unspecified(before string) string {
	if strings.Contains(before, ":") {
		return netip.IPv6Unspecified().String()
	}
	return netip.IPv4Unspecified().String()
}

// addresses appends a list of IP addresses, each as an attribute whose type is
// its place (IFLA_BOND_ARP_IP_TARGET). An empty one takes all away.
func (w *attrWriter) addresses(a *netstate.Attr, value string) error {
	at := w.m.nest(a.IFLA)
	defer w.m.endNest(at)
	for n, s := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' }) {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return fmt.Errorf("encoding %s: %w", a.Key, err)
		}
		w.m.attr(uint16(n), addr.AsSlice())
	}
	return nil
}

// addressesText reads such a list.
func addressesText(b []byte) string {
	var list []string
	for _, p := range attributes(b) {
		if addr := address(p); addr.IsValid() && !addr.IsUnspecified() {
			list = append(list, addr.String())
		}
	}
	return strings.Join(list, ",")
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
	for number, set := range w.masked {
		b := binary.NativeEndian.AppendUint32(nil, set.value)
		w.m.attr(number, binary.NativeEndian.AppendUint32(b, set.mask))
	}
	for number := range w.shared {
		var bits uint64
		var wire netstate.AttrType
		for i := range attrs {
			a := &attrs[i]
			value, ok := values[a.Key]
			if !ok {
				value = a.Default
			}
			switch {
			case a.Type == netstate.TunnelKey && a.Present == number:
				wire = netstate.Uint16BE
				if value != "" {
					bits |= 1 << a.Bit
				}
			case a.Type == netstate.BitField && a.IFLA == number:
				wire = a.Wire
				n, _ := strconv.ParseUint(value, 10, 64) // it is canonical
				bits |= n << a.Bit
			case a.Type == netstate.FlagBit && a.IFLA == number:
				wire = a.Wire
				if (value == "true") != a.Inverse {
					bits |= 1 << a.Bit
				}
			}
		}
		w.m.attr(number, numberPayload(wire, bits))
	}
}
