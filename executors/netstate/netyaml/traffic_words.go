package netyaml

import (
	"fmt"
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// parseTCParent reads root, ingress, egress or a handle.
func parseTCParent(text string) (string, error) {
	switch text {
	case "root", "ingress", "egress":
		return text, nil
	case "ffff:fff1", "ffff:fff2", "ffff:":
		return "ingress", nil
	case "ffff:fff3":
		return "egress", nil
	}
	h, err := netstate.ParseTCHandle(text)
	if err != nil || h>>16 == 0 {
		return "", fmt.Errorf("%q is neither root, ingress, egress nor a handle like \"1:\" or 1:10, hexadecimal", text)
	}
	return netstate.FormatTCHandle(h), nil
}

func parseTCQdisc(text string) (string, error) {
	h, err := netstate.ParseTCHandle(strings.TrimSuffix(text, ":") + ":")
	if err != nil || h>>16 == 0 || h&0xffff != 0 {
		return "", fmt.Errorf("%q is no handle of a qdisc like \"1:\", hexadecimal", text)
	}
	return netstate.FormatTCHandle(h), nil
}

func parseTCClass(text string) (string, error) {
	h, err := netstate.ParseTCHandle(text)
	if err != nil || h>>16 == 0 || !strings.Contains(text, ":") {
		return "", fmt.Errorf("%q is no class like 1:10, hexadecimal", text)
	}
	return netstate.FormatTCHandle(h), nil
}

// parseTCFilter reads a filter's own handle: a number, of u32 the node.
func parseTCFilter(kind, text string) (string, error) {
	if kind == "u32" {
		node := text[strings.LastIndex(text, ":")+1:]
		n, err := strconv.ParseUint(node, 16, 12)
		if err != nil || n == 0 || strings.Count(text, ":") != 0 && !strings.HasSuffix(text, "::"+node) {
			return "", fmt.Errorf("%q is no node of a u32 filter like 800, hexadecimal up to fff", text)
		}
		return strconv.FormatUint(n, 16), nil
	}
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil || n == 0 {
		return "", fmt.Errorf("%q is no number from 1 to 4294967295", text)
	}
	return strconv.FormatUint(n, 10), nil
}

func parseTCProtocol(text string) (string, error) {
	word := strings.ToLower(text)
	for alias, name := range map[string]string{"ipv4": "ip", "0x0800": "ip", "0x86dd": "ipv6", "0x0003": "all"} {
		if word == alias {
			return name, nil
		}
	}
	switch word {
	case "all", "ip", "ipv6", "arp", "802.1q", "802.1ad":
		return word, nil
	}
	n, err := strconv.ParseUint(word, 0, 16)
	if err != nil || n < 0x600 {
		return "", fmt.Errorf("%q is neither all, ip, ipv6, arp, 802.1q, 802.1ad nor a type of Ethernet like 0x8847", text)
	}
	return "0x" + strconv.FormatUint(n, 16), nil
}

// matches decodes what a u32 filter matches: words of tc-u32(8), or a list of
// them.
func (d *decoder) matches(n *yaml.Node, o netstate.Attrs) {
	d.takesList(n, func(item *yaml.Node) { d.text(item, "`match`") })
	items := []*yaml.Node{n}
	if n.Kind == yaml.Sequence {
		items = n.Items
	}
	s := &selector{}
	for _, item := range items {
		text, ok := d.text(item, "`match`")
		if !ok {
			return
		}
		if err := s.match(strings.Fields(text)); err != nil {
			d.fail(item, "bad-value", "`match`: "+err.Error(), "Write what tc-u32(8) takes after `match`, like `ip dst 192.0.2.0/24` or `u32 0x0a000000 0xff000000 at 16`.")
		}
	}
	if len(s.keys) > 128 {
		d.fail(n, "bad-value", "a u32 filter matches at most 128 words", "Write more filters.")
	}
	o["match"] = s.text()
}

// selector collects the words that a u32 filter matches; those of one place
// become one (pack_key of tc(8)).
type selector struct{ keys []selectorKey }

type selectorKey struct {
	value, mask uint32
	at          int
}

func (s *selector) text() string {
	var list []string
	for _, k := range s.keys {
		list = append(list, fmt.Sprintf("u32 0x%08x 0x%08x at %d", k.value, k.mask, k.at))
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
	fields4 = map[string][2]int{"tos": {1, 1}, "dsfield": {1, 1}, "protocol": {1, 9}, "sport": {2, 20}, "dport": {2, 22}, "icmp_type": {1, 20}, "icmp_code": {1, 21}, "ihl": {1, 0}}
	fields6 = map[string][2]int{"protocol": {1, 6}, "sport": {2, 40}, "dport": {2, 42}, "icmp_type": {1, 40}, "icmp_code": {1, 41}}
)

func (s *selector) match(w []string) error {
	if len(w) > 0 && w[0] == "match" {
		w = w[1:]
	}
	if len(w) < 3 {
		return fmt.Errorf("%q is too short", strings.Join(w, " "))
	}
	sizes := map[string]int{"u32": 4, "u16": 2, "u8": 1}
	if size := sizes[w[0]]; size != 0 {
		return s.raw(w, size)
	}
	known := map[string]map[string][2]int{"ip": fields4, "ip6": fields6}[w[0]]
	if known == nil {
		return fmt.Errorf("%q is none of ip, ip6, u32, u16, u8", w[0])
	}
	if w[1] == "src" || w[1] == "dst" {
		return s.prefix(w)
	}
	f, ok := known[w[1]]
	if !ok {
		return fmt.Errorf("%q is no field of %s that can be matched", w[1], w[0])
	}
	if len(w) != 4 {
		return fmt.Errorf("want a value and a mask behind %s %s", w[0], w[1])
	}
	value, mask, err := masked(w[2], w[3], f[0])
	if err != nil {
		return err
	}
	return s.put(value, mask, f[0], f[1])
}

// raw is "u16 VALUE MASK at OFFSET".
func (s *selector) raw(w []string, size int) error {
	if len(w) != 5 || w[3] != "at" {
		return fmt.Errorf("want %s VALUE MASK at OFFSET", w[0])
	}
	base := ""
	if !strings.HasPrefix(w[1], "0x") {
		base = "0x" // tc(8) takes them as hexadecimal
	}
	maskBase := ""
	if !strings.HasPrefix(w[2], "0x") {
		maskBase = "0x"
	}
	value, mask, err := masked(base+w[1], maskBase+w[2], size)
	if err != nil {
		return err
	}
	offset, err := strconv.ParseInt(w[4], 0, 16)
	if err != nil {
		return fmt.Errorf("%q is no offset", w[4])
	}
	return s.put(value, mask, size, int(offset))
}

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
func (s *selector) prefix(w []string) error {
	if len(w) != 3 {
		return fmt.Errorf("want a prefix behind %s %s", w[0], w[1])
	}
	p, err := parsePrefix(w[2])
	if err != nil {
		return err
	}
	offsets := map[string]int{"ip src": 12, "ip dst": 16, "ip6 src": 8, "ip6 dst": 24}
	if p.Addr().Is4() != (w[0] == "ip") {
		return fmt.Errorf("%s is no address of %s", p, w[0])
	}
	bytes := p.Masked().Addr().AsSlice()
	for i := 0; i < len(bytes); i += 4 {
		ones := min(max(p.Bits()-8*i, 0), 32)
		if ones == 0 && i > 0 {
			break
		}
		value := uint32(bytes[i])<<24 | uint32(bytes[i+1])<<16 | uint32(bytes[i+2])<<8 | uint32(bytes[i+3])
		if err := s.put(value, uint32(uint64(0xffffffff)<<(32-ones)), 4, offsets[w[0]+" "+w[1]]+i); err != nil {
			return err
		}
	}
	return nil
}
