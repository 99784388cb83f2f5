package linux

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"strings"

	"stet/executors/netstate"
)

// Numbers of enum TCA_FLOWER_* (linux/pkt_cls.h).
const (
	flowerAct     = 3
	flowerEthType = 8
	flowerFlags   = 22
	flowerInHW    = 86
)

// flowerV6 and flowerPorts are attributes with their masks that depend on the
// protocol; flowerRanges have the first and the last port.
var (
	flowerV6    = map[string][2]uint16{"src-ip": {14, 15}, "dst-ip": {16, 17}, "icmp-code": {53, 54}, "icmp-type": {55, 56}}
	flowerPorts = map[string]map[string][2]uint16{
		"6":   {"src-port": {18, 35}, "dst-port": {19, 36}},
		"17":  {"src-port": {20, 37}, "dst-port": {21, 38}},
		"132": {"src-port": {41, 39}, "dst-port": {42, 40}},
	}
	flowerRanges = map[string][2]uint16{"src-port": {87, 88}, "dst-port": {89, 90}}
)

// flowerNumbers are an option's attribute and that of its mask.
func flowerNumbers(e *netstate.TCEntry, a *netstate.Attr) (number, mask uint16) {
	if pair, ok := flowerV6[a.Key]; ok && netstate.FlowerEthType(e) == "ipv6" {
		return pair[0], pair[1]
	}
	if pair, ok := flowerPorts[e.Options["ip-proto"]][a.Key]; ok {
		return pair[0], pair[1]
	}
	return a.IFLA, a.IFLA6
}

func decodeFlower(k *netstate.TCKind, e *netstate.TCEntry, t attrTable, l *links) string {
	known := map[uint16]bool{flowerAct: true, flowerFlags: true, flowerEthType: true, flowerInHW: true}
	for _, key := range []string{"vlan-ethtype", "cvlan-ethtype"} { // what the others depend on
		if b := t.get(k.Attr(key).IFLA); b != nil {
			e.Options[key] = protocolText(be16(b))
		}
	}
	for i := range k.Attrs {
		a := &k.Attrs[i]
		number, mask := flowerNumbers(e, a)
		known[number], known[mask] = true, true
		if pair, ok := flowerRanges[a.Key]; ok {
			known[pair[0]], known[pair[1]] = true, true
			if first, last := t.get(pair[0]), t.get(pair[1]); first != nil && last != nil {
				e.Options[a.Key] = decimal32(uint32(be16(first))) + "-" + decimal32(uint32(be16(last)))
			}
		}
		b := t.get(number)
		if b == nil || a.Type == netstate.FlagBit {
			continue
		}
		v, ok := flowerText(e, a, b, t.get(mask), l)
		if !ok {
			return "it masks " + a.Key
		}
		if v != "" {
			e.Options[a.Key] = v
		}
	}
	for number := range t.at {
		if t.at[number] != 0 && !known[uint16(number)] {
			return "it matches fields that stet has no words for"
		}
	}
	return ""
}

// flowerText is the canonical text of an option, "" if it is unset; false if it
// is masked in a way that there is no text for.
func flowerText(e *netstate.TCEntry, a *netstate.Attr, b, mask []byte, l *links) (string, bool) {
	size := netstate.FlowerBits[a.Key]
	switch {
	case a.Type == netstate.CIDRs:
		ones, all := net.IPMask(mask).Size()
		p := prefix(address(b), ones)
		return p.String(), all != 0 && p.IsValid()
	case size != 0:
		m := netstate.Masked{Value: bigEndian(b), Mask: 1<<size - 1, Bits: size}
		if mask != nil {
			m.Mask &= bigEndian(mask)
		}
		return m.Text(netstate.FlowerHex[a.Key]), true
	case netstate.FlowerMACs[a.Key]:
		if len(b) != 6 || len(mask) != 6 {
			return "", false
		}
		return netstate.MaskedMAC{Address: b, Mask: mask}.Text(), true
	case a.Key == "ip-flags":
		return netstate.FlowerFlagsText(uint32(bigEndian(b)), uint32(bigEndian(mask)))
	case strings.HasSuffix(a.Key, "-ethtype"):
		return protocolText(be16(b)), true
	}
	v, _ := tcText(e, a, b, l)
	for _, one := range mask {
		if one != 0xff {
			return v, false
		}
	}
	return v, true
}

// bigEndian is a number in network byte order.
func bigEndian(b []byte) (n uint64) {
	for _, v := range b {
		n = n<<8 | uint64(v)
	}
	return n
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
		if first, last, ok := netstate.FlowerPorts(value); ok && flowerRanges[a.Key] != [2]uint16{} {
			m.attr(flowerRanges[a.Key][0], binary.BigEndian.AppendUint16(nil, first))
			m.attr(flowerRanges[a.Key][1], binary.BigEndian.AppendUint16(nil, last))
			continue
		}
		number, mask := flowerNumbers(e, a)
		b, ones, err := w.flowerPayload(a, value)
		if err != nil {
			return err
		}
		m.attr(number, b)
		if mask != 0 {
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

// flowerPayload is an option's payload with its mask.
func (w *tcWriter) flowerPayload(a *netstate.Attr, value string) (b, ones []byte, err error) {
	size := netstate.FlowerBits[a.Key]
	switch {
	case a.Type == netstate.CIDRs:
		p, err := netip.ParsePrefix(value)
		if err != nil {
			return nil, nil, err
		}
		return p.Addr().AsSlice(), net.CIDRMask(p.Bits(), p.Addr().BitLen()), nil
	case size > 8:
		m, err := netstate.ParseMasked(value, 10, size)
		return binary.BigEndian.AppendUint16(nil, uint16(m.Value)), binary.BigEndian.AppendUint16(nil, uint16(m.Mask)), err
	case size != 0:
		m, err := netstate.ParseMasked(value, 10, size)
		return []byte{byte(m.Value)}, []byte{byte(m.Mask)}, err
	case netstate.FlowerMACs[a.Key]:
		m, err := netstate.ParseMaskedMAC(value)
		return m.Address, m.Mask, err
	case a.Key == "ip-flags":
		set, compared, err := netstate.FlowerFlags(value)
		return binary.BigEndian.AppendUint32(nil, set), binary.BigEndian.AppendUint32(nil, compared), err
	case strings.HasSuffix(a.Key, "-ethtype"):
		n, err := protocolNumber(value)
		return binary.BigEndian.AppendUint16(nil, n), nil, err
	}
	b, err = tcPayload(a, value, w.l)
	return b, bytes.Repeat([]byte{math.MaxUint8}, len(b)), err
}
