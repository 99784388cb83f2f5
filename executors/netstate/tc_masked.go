package netstate

import (
	"bytes"
	"fmt"
	"math/bits"
	"net"
	"strconv"
	"strings"
)

// Masked is a number of so many bits of which those of Mask are compared.
type Masked struct {
	Value, Mask uint64
	Bits        int
}

// ParseMasked reads VALUE or VALUE/MASK in a base, 0 for the one that the text
// tells (0x). A mask may always have its own.
func ParseMasked(text string, base, size int) (Masked, error) {
	m := Masked{Mask: 1<<size - 1, Bits: size}
	value, mask, found := strings.Cut(text, "/")
	read := func(s string) (uint64, error) {
		if hex, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
			return strconv.ParseUint(hex, 16, 64)
		}
		return strconv.ParseUint(s, base, 64)
	}
	var err error
	if m.Value, err = read(value); err == nil && found {
		var n uint64
		n, err = read(mask)
		if n == 0 || n > m.Mask {
			err = strconv.ErrRange
		}
		m.Mask = n
	}
	if err != nil || m.Value>>size != 0 {
		return m, fmt.Errorf("%q is no number of %d bits, like 0x2, nor one with a mask, like 0x2/0x12", text, size)
	}
	return m, nil
}

// Text is canonical, without bits that are not compared: hexadecimal or decimal, with the mask if not all is compared.
func (m Masked) Text(hex bool) string {
	value := m.Value & m.Mask
	text := strconv.FormatUint(value, 10)
	if hex {
		text = "0x" + strconv.FormatUint(value, 16)
	}
	if m.Mask != 1<<m.Bits-1 {
		text += "/0x" + strconv.FormatUint(m.Mask, 16)
	}
	return text
}

// MaskedMAC is a hardware address of which the bits of Mask are compared.
type MaskedMAC struct{ Address, Mask net.HardwareAddr }

// Masked tells that not all of it is compared.
func (m MaskedMAC) Masked() bool { return !bytes.Equal(m.Mask, ones(6*8)) }

// ones is a mask of so many bits.
func ones(n int) net.HardwareAddr {
	b := make(net.HardwareAddr, 6)
	for i := range n {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return b
}

// ParseMaskedMAC reads ADDRESS, ADDRESS/BITS or ADDRESS/MASK.
func ParseMaskedMAC(text string) (MaskedMAC, error) {
	wrong := fmt.Errorf("%q is no hardware address like 02:00:00:00:00:01, nor one with a mask, like 02:00:00:00:00:00/24", text)
	address, mask, found := strings.Cut(text, "/")
	m := MaskedMAC{Mask: ones(6 * 8)}
	var err error
	if m.Address, err = net.ParseMAC(address); err != nil || len(m.Address) != 6 {
		return m, wrong
	}
	if found {
		if n, errNumber := strconv.ParseUint(mask, 10, 8); errNumber == nil && 0 < n && n <= 6*8 {
			m.Mask = ones(int(n))
		} else if m.Mask, err = net.ParseMAC(mask); err != nil || len(m.Mask) != 6 {
			return m, wrong
		}
	}
	return m, nil
}

// Text is canonical: nothing that is not compared, and the mask as a number of bits where it is one.
func (m MaskedMAC) Text() string {
	n := 0
	address := bytes.Clone(m.Address)
	for i, b := range m.Mask {
		n += bits.OnesCount8(b)
		address[i] &= b
	}
	text := net.HardwareAddr(address).String()
	switch {
	case !m.Masked():
		return text
	case bytes.Equal(m.Mask, ones(n)):
		return text + "/" + strconv.Itoa(n)
	}
	return text + "/" + m.Mask.String()
}

// FlowerBits are the options of flower that are a number that may have a mask,
// with their bits; those of FlowerHex are hexadecimal, as tc-flower(8) takes them.
var (
	FlowerBits = map[string]int{"ip-tos": 8, "ip-ttl": 8, "tcp-flags": 12, "icmp-type": 8, "icmp-code": 8, "arp-op": 8, "src-port": 16, "dst-port": 16}
	FlowerHex  = map[string]bool{"ip-tos": true, "tcp-flags": true}
)

// FlowerMACs are its hardware addresses, which may have a mask, too.
var FlowerMACs = map[string]bool{"src-mac": true, "dst-mac": true, "arp-sha": true, "arp-tha": true}

// flowerFlags are the words of ip-flags with their bits (TCA_FLOWER_KEY_FLAGS_*):
// fragments, and the first of them.
var flowerFlags = []string{"frag", "firstfrag"}

// FlowerFlags reads ip-flags as the bits that are set and those that are compared.
func FlowerFlags(text string) (set, compared uint32, err error) {
	for word := range strings.SplitSeq(text, "/") {
		name, not := strings.CutPrefix(word, "no")
		bit := uint32(0)
		for i, flag := range flowerFlags {
			if flag == name {
				bit = 1 << i
			}
		}
		if bit == 0 || compared&bit != 0 {
			return 0, 0, fmt.Errorf("%q is none of frag, nofrag, firstfrag, nofirstfrag, nor two of them, like frag/nofirstfrag", text)
		}
		if compared |= bit; !not {
			set |= bit
		}
	}
	return set, compared, nil
}

// FlowerFlagsText is the canonical text of them; false if there are others.
func FlowerFlagsText(set, compared uint32) (string, bool) {
	var words []string
	for i, flag := range flowerFlags {
		switch bit := uint32(1) << i; {
		case compared&bit == 0:
		case set&bit == 0:
			words = append(words, "no"+flag)
		default:
			words = append(words, flag)
		}
	}
	return strings.Join(words, "/"), compared>>len(flowerFlags) == 0
}

// FlowerPorts reads a range of ports, FIRST-LAST.
func FlowerPorts(text string) (first, last uint16, ok bool) {
	a, b, found := strings.Cut(text, "-")
	x, errX := strconv.ParseUint(a, 10, 16)
	y, errY := strconv.ParseUint(b, 10, 16)
	return uint16(x), uint16(y), found && errX == nil && errY == nil && x < y
}

// arpOps are the words of arp-op, by their numbers.
var arpOps = map[string]string{"request": "1", "reply": "2"}

// CanonicalFlower is the canonical text of an option of flower whose type is text;
// false if the key is another's.
func CanonicalFlower(key, text string) (string, bool, error) {
	if number, ok := arpOps[text]; ok && key == "arp-op" {
		text = number
	}
	switch {
	case FlowerBits[key] != 0:
		if first, last, ok := FlowerPorts(text); ok && strings.HasSuffix(key, "-port") {
			return fmt.Sprintf("%d-%d", first, last), true, nil
		}
		base := 10
		if key == "tcp-flags" { // as tc-flower(8) reads them
			base = 16
		}
		m, err := ParseMasked(text, base, FlowerBits[key])
		if err != nil && strings.HasSuffix(key, "-port") {
			err = fmt.Errorf("%q is no port, nor one with a mask, like 1000/0xff00, nor a range, like 100-200", text)
		}
		return m.Text(FlowerHex[key]), true, err
	case FlowerMACs[key]:
		m, err := ParseMaskedMAC(text)
		if err != nil {
			return "", true, err
		}
		return m.Text(), true, nil
	case key == "ip-flags":
		set, compared, err := FlowerFlags(text)
		word, _ := FlowerFlagsText(set, compared)
		return word, true, err
	}
	return text, false, nil
}

// FlowerEthType is the protocol behind the VLAN tags that a filter of kind flower
// looks at.
func FlowerEthType(e *TCEntry) string {
	for _, key := range []string{"cvlan-ethtype", "vlan-ethtype"} {
		if v := e.Options[key]; v != "" {
			return v
		}
	}
	return e.Protocol
}
