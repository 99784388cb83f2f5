package netyaml

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"stet/executors/netstate"
)

// maxMatches is how many words a u32 filter can match, in tc(8), too.
const maxMatches = 128

// selector collects the words that a u32 filter matches; those of one place
// become one (pack_key of tc(8)).
type selector struct {
	keys []selectorKey
	mark string // of the firewall: its value and mask
}

type selectorKey struct {
	value, mask uint32
	at          int
}

func (s *selector) text() string {
	var list []string
	for _, k := range s.keys {
		list = append(list, fmt.Sprintf("u32 0x%08x 0x%08x at %d", k.value, k.mask, k.at))
	}
	if s.mark != "" {
		list = append(list, "mark "+s.mark)
	}
	return strings.Join(list, "; ")
}

// put adds size bytes at an offset.
func (s *selector) put(value, mask uint32, size, offset int) error {
	if offset%size != 0 {
		return fmt.Errorf("offset %d is no multiple of %d", offset, size)
	}
	at := offset &^ 3
	shift := 8 * (4 - size - (offset - at))
	value, mask = value<<shift, mask<<shift
	value &= mask
	for i := range s.keys {
		k := &s.keys[i]
		if k.at != at {
			continue
		}
		if both := k.mask & mask; k.value&both != value&both {
			return fmt.Errorf("two matches of the bytes at %d contradict each other", offset)
		}
		k.value, k.mask = k.value|value, k.mask|mask
		return nil
	}
	s.keys = append(s.keys, selectorKey{value, mask, at})
	return nil
}

// fields4 and fields6 are fields of the headers, with their size and offset.
var (
	fields4 = map[string][2]int{"tos": {1, 1}, "dsfield": {1, 1}, "precedence": {1, 1}, "protocol": {1, 9}, "sport": {2, 20}, "dport": {2, 22}, "icmp_type": {1, 20}, "icmp_code": {1, 21}, "ihl": {1, 0}}
	fields6 = map[string][2]int{"protocol": {1, 6}, "sport": {2, 40}, "dport": {2, 42}, "icmp_type": {1, 40}, "icmp_code": {1, 41}, "flowlabel": {4, 0}}
)

// fragments are words of tc-u32(8) for the bits of fragments of IPv4, with their
// values and masks.
var fragments = map[string][2]uint32{"nofrag": {0, 0x3fff}, "firstfrag": {0x2000, 0x3fff}, "df": {0x4000, 0x4000}, "mf": {0x2000, 0x2000}}

const fragmentsAt = 6

func (s *selector) match(w []string) error {
	if len(w) > 0 && w[0] == "match" {
		w = w[1:]
	}
	if len(w) == 2 && w[0] == "ip" {
		if f, ok := fragments[w[1]]; ok {
			return s.put(f[0], f[1], 2, fragmentsAt)
		}
	}
	if len(w) < 3 {
		return fmt.Errorf("%q is too short", strings.Join(w, " "))
	}
	offset, given, err := offsetOf(&w)
	if err != nil {
		return err
	}
	place := func(usual int) int {
		if given {
			return offset
		}
		return usual
	}
	sizes := map[string]int{"u32": 4, "u16": 2, "u8": 1}
	known := map[string]map[string][2]int{"ip": fields4, "ip6": fields6}[w[0]]
	switch {
	case sizes[w[0]] != 0:
		return s.number(w, sizes[w[0]], place(0))
	case w[0] == "mark" && !given:
		return s.markOf(w)
	case w[0] == "ether":
		return s.ether(w, place)
	case known == nil:
		return fmt.Errorf("%q is none of ip, ip6, ether, mark, u32, u16, u8", w[0])
	case w[1] == "src" || w[1] == "dst":
		return s.prefix(w, place)
	case w[0] == "ip6" && w[1] == "priority" && !given:
		return s.priority(w)
	}
	f, ok := known[w[1]]
	if !ok {
		return fmt.Errorf("%q is no field of %s that can be matched", w[1], w[0])
	}
	return s.number(w[1:], f[0], place(f[1]))
}

// offsetOf takes "at OFFSET" off the end.
func offsetOf(w *[]string) (offset int, given bool, err error) {
	n := len(*w)
	if n < 4 || (*w)[n-2] != "at" {
		return 0, false, nil
	}
	v, err := strconv.ParseInt((*w)[n-1], 0, 16)
	if err != nil {
		return 0, false, fmt.Errorf("%q is no offset", (*w)[n-1])
	}
	*w = (*w)[:n-2]
	return int(v), true, nil
}

// number is "u16 VALUE MASK" or "sport VALUE MASK".
func (s *selector) number(w []string, size, offset int) error {
	if len(w) != 3 {
		return fmt.Errorf("want a value and a mask behind %s", w[0])
	}
	value, mask, err := masked(w[1], w[2], size)
	if err != nil {
		return err
	}
	return s.put(value, mask, size, offset)
}

// priority is the traffic class of IPv6, which lies across bytes.
func (s *selector) priority(w []string) error {
	if len(w) != 4 {
		return fmt.Errorf("want a value and a mask behind %s %s", w[0], w[1])
	}
	value, mask, err := masked(w[2], w[3], 1)
	if err != nil {
		return err
	}
	return s.put(value<<20, mask<<20, 4, 0)
}

// markOf is "mark VALUE MASK".
func (s *selector) markOf(w []string) error {
	if len(w) != 3 {
		return fmt.Errorf("want a value and a mask behind %s", w[0])
	}
	value, mask, err := masked(w[1], w[2], 4)
	if err != nil {
		return err
	}
	if s.mark != "" {
		return fmt.Errorf("a filter matches one mark")
	}
	s.mark = fmt.Sprintf("0x%08x 0x%08x", value, mask)
	return nil
}

// ether is a hardware address; the header of Ethernet lies before the packet.
func (s *selector) ether(w []string, place func(int) int) error {
	offsets := map[string]int{"src": -8, "dst": -14}
	usual, ok := offsets[w[1]]
	if !ok || len(w) != 3 {
		return fmt.Errorf("want an address behind ether src or ether dst")
	}
	mac, err := netstate.ParseMaskedMAC(w[2])
	if err != nil || mac.Masked() {
		return fmt.Errorf("%q is no hardware address", w[2])
	}
	b, offset := mac.Address, place(usual)
	for i := 0; i < len(b); i += 2 {
		if err := s.put(uint32(b[i])<<8|uint32(b[i+1]), 0xffff, 2, offset+i); err != nil {
			return err
		}
	}
	return nil
}

// masked reads a value, in decimal without 0x, and a mask, always hexadecimal.
func masked(value, mask string, size int) (v, m uint32, err error) {
	n, err := strconv.ParseUint(value, 0, 8*size)
	if err != nil {
		return 0, 0, fmt.Errorf("%q is no number of %d bits", value, 8*size)
	}
	if !strings.HasPrefix(mask, "0x") {
		mask = "0x" + mask
	}
	k, err := strconv.ParseUint(mask, 0, 8*size)
	if err != nil {
		return 0, 0, fmt.Errorf("%q is no mask of %d bits", mask, 8*size)
	}
	return uint32(n), uint32(k), nil
}

// prefix matches an address, word by word.
func (s *selector) prefix(w []string, place func(int) int) error {
	if len(w) != 3 {
		return fmt.Errorf("want a prefix behind %s %s", w[0], w[1])
	}
	p, err := parsePrefix(plainPrefix(w[0], w[2]))
	if err != nil {
		return err
	}
	offsets := map[string]int{"ip src": 12, "ip dst": 16, "ip6 src": 8, "ip6 dst": 24}
	if p.Addr().Is4() != (w[0] == "ip") {
		return fmt.Errorf("%s is no address of %s", p, w[0])
	}
	offset := place(offsets[w[0]+" "+w[1]])
	bytes := p.Masked().Addr().AsSlice()
	for i := 0; i < len(bytes); i += 4 {
		ones := min(max(p.Bits()-8*i, 0), 32)
		if ones == 0 && i > 0 {
			break
		}
		value := uint32(bytes[i])<<24 | uint32(bytes[i+1])<<16 | uint32(bytes[i+2])<<8 | uint32(bytes[i+3])
		if err := s.put(value, uint32(uint64(0xffffffff)<<(32-ones)), 4, offset+i); err != nil {
			return err
		}
	}
	return nil
}

// plainPrefix is a prefix that tc(8) takes in another way: a word for all
// addresses, or a mask of IPv4.
func plainPrefix(family, text string) string {
	switch text {
	case "any", "all", "default":
		return map[string]string{"ip": "0.0.0.0/0", "ip6": "::/0"}[family]
	}
	address, mask, _ := strings.Cut(text, "/")
	m, err := netip.ParseAddr(mask)
	if err != nil || !m.Is4() {
		return text
	}
	for ones := range 33 {
		if p := netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), ones); p.Masked().Addr() == m {
			return address + "/" + strconv.Itoa(ones)
		}
	}
	return text
}
