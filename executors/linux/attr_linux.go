package linux

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// attrTable finds the attributes of one message or nest by their type.
type attrTable struct {
	b  []byte
	at [128]uint32 // where the payload begins in b; 0 is not there
}

func tabulate(b []byte) (t attrTable) {
	t.b = b
	for typ, payload := range attributes(b) {
		if int(typ) < len(t.at) {
			t.at[typ] = uint32(cap(b) - cap(payload))
		}
	}
	return t
}

// tableOf is the table of a nest that few messages have: where it is missing, a
// nil one does, and there may be thousands of messages.
func tableOf(b []byte) *attrTable {
	t := tabulate(b)
	return &t
}

// bytes are the attributes as they came.
func (t *attrTable) bytes() []byte {
	if t == nil {
		return nil
	}
	return t.b
}

// attribute is the payload of one attribute among others; nil if it is not there.
func attribute(b []byte, typ uint16) (payload []byte) {
	for at, p := range attributes(b) {
		if at == typ {
			payload = p
		}
	}
	return payload
}

// get is the payload of an attribute; nil if it is not there. An attribute
// without payload is not nil.
func (t *attrTable) get(typ uint16) []byte {
	if t == nil || typ == 0 || int(typ) >= len(t.at) || t.at[typ] == 0 {
		return nil
	}
	at := int(t.at[typ])
	return t.b[at : at+int(u16(t.b[at-4:]))-4]
}

// wireSize is the least length of an attribute's payload.
func wireSize(t netstate.AttrType) int {
	switch t {
	case netstate.Bool, netstate.Uint8:
		return 1
	case netstate.Uint16, netstate.Uint16BE:
		return 2
	case netstate.TunnelKey, netstate.Bool32, netstate.Uint32, netstate.Uint32BE, netstate.Int32, netstate.LinkRef, netstate.Centi, netstate.IPv4, netstate.PortRange:
		return 4
	case netstate.MAC:
		return 6
	case netstate.Uint64, netstate.Centi64, netstate.Hundredths, netstate.BoolOpt, netstate.MaskedEnum:
		return 8
	case netstate.IPv6:
		return 16
	default:
		return 0
	}
}

// decodeAttr gives the canonical text of an attribute's payload. ok is false
// for a payload that is too short, and for a zero that means "unset".
func decodeAttr(a *netstate.Attr, b []byte, l *links) (value string, ok bool) {
	t := a.Type
	if t == netstate.Enum || t == netstate.FlagBit || t == netstate.BitField {
		t = a.Wire
	}
	if len(b) < wireSize(t) {
		return "", false
	}
	switch a.Type {
	case netstate.Enum:
		return enumName(a, number(t, b)), true
	case netstate.FlagBit:
		return bitText(a, number(t, b)), true
	case netstate.BitField:
		return strconv.FormatUint(number(t, b)>>a.Bit&a.Max, 10), true
	case netstate.TunnelKey:
		return strconv.FormatUint(number(netstate.Uint32BE, b), 10), true
	case netstate.BoolOpt:
		// struct br_boolopt_multi: values, and which of them exist.
		return bitText(a, uint64(u32(b))), u32(b[4:])>>a.Bit&1 == 1
	case netstate.MaskedEnum:
		return enumName(a, uint64(u32(b)&a.Mask())), true
	case netstate.MACList:
		return macListText(b), true
	case netstate.List:
		return altNamesText(a, b), true
	case netstate.QoSMap:
		return qosText(b), true
	case netstate.IPv4List, netstate.IPv6List:
		return addressesText(b), true
	case netstate.HexID:
		return hex.EncodeToString(b), true
	}
	switch t {
	case netstate.Bool, netstate.Bool32:
		return strconv.FormatBool(number(t, b) != 0), true
	case netstate.Int32:
		return strconv.FormatInt(int64(int32(u32(b))), 10), true
	case netstate.String:
		return text(b), true
	case netstate.MAC:
		// A tunnel over IPv6 has its local address there.
		return net.HardwareAddr(b).String(), len(b) != 16
	case netstate.IPv4:
		return address(b[:4]).String(), true
	case netstate.IPv6:
		return address(b[:16]).String(), true
	case netstate.LinkRef:
		index := int(u32(b))
		return l.name(index), index != 0
	case netstate.IPAddress:
		return address(b).String(), address(b).IsValid() && !address(b).IsUnspecified()
	case netstate.PortRange:
		return fmt.Sprintf("%d-%d", be16(b), be16(b[2:])), true
	case netstate.Flag:
		// Some flags are written without payload and dumped as a byte.
		return strconv.FormatBool(len(b) == 0 || b[0] != 0), true
	case netstate.Centi, netstate.Centi64:
		return centiText(number(t, b)), true
	default:
		return strconv.FormatUint(number(t, b), 10), true
	}
}

// number reads an unsigned number of the width that t has in netlink.
func number(t netstate.AttrType, b []byte) uint64 {
	switch t {
	case netstate.Bool, netstate.Uint8:
		return uint64(u8(b))
	case netstate.Uint16:
		return uint64(u16(b))
	case netstate.Uint16BE:
		return uint64(be16(b))
	case netstate.Uint64, netstate.Centi64, netstate.Hundredths:
		return u64(b)
	case netstate.Uint32BE, netstate.TunnelKey:
		return uint64(be16(b))<<16 | uint64(be16(b[2:]))
	default:
		return uint64(u32(b))
	}
}

// bitText is the value of a bit that has a meaning of its own.
func bitText(a *netstate.Attr, v uint64) string {
	return strconv.FormatBool((v>>a.Bit&1 == 1) != a.Inverse)
}

// macListText reads IFLA_MACVLAN_MACADDR_DATA: nested IFLA_MACVLAN_MACADDR.
func macListText(b []byte) string {
	var list []string
	for typ, p := range attributes(b) {
		if typ == unix.IFLA_MACVLAN_MACADDR && len(p) >= 6 {
			list = append(list, net.HardwareAddr(p[:6]).String())
		}
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// enumName is the name of a value; a value without one is its number, so that
// a newer kernel's choice is shown and not lost.
func enumName(a *netstate.Attr, v uint64) string {
	for _, e := range a.Enum {
		if e.Value == v {
			return e.Name
		}
	}
	return strconv.FormatUint(v, 10)
}

// centiText writes hundredths of a second in seconds: "15", "2.5", "0.03".
func centiText(v uint64) string {
	s := strconv.FormatUint(v/100, 10)
	switch rest := v % 100; {
	case rest == 0:
		return s
	case rest%10 == 0:
		return s + "." + strconv.FormatUint(rest/10, 10)
	default:
		return fmt.Sprintf("%s.%02d", s, rest)
	}
}

// attrPayload is nil for a Flag that is not set.
func attrPayload(a *netstate.Attr, value string, l *links) ([]byte, error) {
	switch a.Type {
	case netstate.String:
		return append([]byte(value), 0), nil
	case netstate.Flag:
		if value == "true" {
			return []byte{}, nil
		}
		return nil, nil
	case netstate.MAC:
		return net.ParseMAC(value)
	case netstate.HexID:
		return hex.DecodeString(value)
	case netstate.IPv4, netstate.IPv6:
		ip, err := netip.ParseAddr(value)
		if err == nil && ip.Is4() != (a.Type == netstate.IPv4) {
			err = fmt.Errorf("it is of the other address family")
		}
		return ip.AsSlice(), err
	case netstate.IPAddress:
		ip, err := netip.ParseAddr(value)
		return ip.AsSlice(), err
	case netstate.PortRange:
		return portRangePayload(value)
	case netstate.LinkRef:
		if value == "" {
			return numberPayload(netstate.Uint32, 0), nil
		}
		index, err := l.index(value)
		return numberPayload(netstate.Uint32, uint64(index)), err
	case netstate.Int32:
		v, err := strconv.ParseInt(value, 10, 32)
		return numberPayload(netstate.Uint32, uint64(uint32(v))), err
	}
	v, err := parseNumber(a, value)
	t := a.Type
	if t == netstate.Enum {
		t = a.Wire
	}
	if bits := 8 * wireSize(t); err == nil && bits < 64 && v>>bits != 0 {
		err = fmt.Errorf("it does not fit into %d bits", bits)
	}
	return numberPayload(t, v), err
}

// portRangePayload writes two ports in network byte order.
func portRangePayload(value string) ([]byte, error) {
	low, high, _ := strings.Cut(value, "-")
	a, err := strconv.ParseUint(low, 10, 16)
	if err != nil {
		return nil, err
	}
	b, err := strconv.ParseUint(high, 10, 16)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, uint16(a)), uint16(b)), err
}

func parseNumber(a *netstate.Attr, value string) (uint64, error) {
	switch a.Type {
	case netstate.Bool, netstate.Bool32:
		set, err := strconv.ParseBool(value)
		if set {
			return 1, err
		}
		return 0, err
	case netstate.Centi, netstate.Centi64:
		return parseCenti(value)
	case netstate.Enum, netstate.MaskedEnum:
		for _, e := range a.Enum {
			if e.Name == value {
				return e.Value, nil
			}
		}
	}
	return strconv.ParseUint(value, 10, 64)
}

// parseCenti reads seconds with at most two decimals.
func parseCenti(value string) (uint64, error) {
	whole, rest, dot := strings.Cut(value, ".")
	if dot && (len(rest) == 0 || len(rest) > 2) {
		return 0, fmt.Errorf("not seconds with at most two decimals")
	}
	for len(rest) < 2 {
		rest += "0"
	}
	return strconv.ParseUint(whole+rest, 10, 64)
}

// numberPayload writes a number with the width that t has in netlink.
func numberPayload(t netstate.AttrType, v uint64) []byte {
	switch t {
	case netstate.Bool, netstate.Uint8:
		return []byte{uint8(v)}
	case netstate.Uint16:
		return binary.NativeEndian.AppendUint16(nil, uint16(v))
	case netstate.Uint16BE:
		return binary.BigEndian.AppendUint16(nil, uint16(v))
	case netstate.Uint32BE, netstate.TunnelKey:
		return binary.BigEndian.AppendUint32(nil, uint32(v))
	case netstate.Uint64, netstate.Centi64, netstate.Hundredths:
		return binary.NativeEndian.AppendUint64(nil, v)
	default:
		return binary.NativeEndian.AppendUint32(nil, uint32(v))
	}
}
