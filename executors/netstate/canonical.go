package netstate

import (
	"cmp"
	"encoding/base64"
	hexa "encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Canonical returns an attribute's value, as somebody wrote it, in canonical
// text, or an error that says what it has to be. Numbers may be decimal,
// hexadecimal or octal; booleans are what nmstate takes for them.
// The canonical text of a key is its fingerprint.
func (a *Attr) Canonical(text string) (string, error) { return a.Seal(text, nil) }

// Seal is Canonical, and puts keys into keep by their fingerprints.
func (a *Attr) Seal(text string, keep Secrets) (string, error) {
	switch a.Type {
	case Key64, KeyHex:
		return a.seal(text, keep)
	case List:
		return a.canonicalList(text, keep)
	case PubKey64:
		return canonicalPublicKey(text)
	case Endpoint:
		return canonicalEndpoint(text)
	case CIDR:
		if strings.Contains(text, ",") {
			return "", fmt.Errorf("%q is no single prefix", text)
		}
		return canonicalPrefixes(text)
	case Hex32:
		return a.hex32(text)
	case IPProto:
		return canonicalIPProto(text)
	case CIDRs:
		return canonicalPrefixes(text)
	case HexID:
		return a.canonicalHex(text)
	case IFFlag:
		if a.Enum != nil {
			return a.enum(text)
		}
		return canonicalBool(text)
	case Bool, Bool32, Flag, BoolOpt, FlagBit:
		return canonicalBool(text)
	case Enum, MaskedEnum:
		return a.enum(text)
	case IPv4List, IPv6List:
		return a.addresses(text)
	case VNIList:
		return canonicalVNIs(text)
	case Ranges:
		return a.canonicalRanges(text)
	case VLANTunnels:
		return canonicalVLANTunnels(text)
	case VLANList:
		return canonicalVLANs(text)
	case QoSMap:
		return canonicalQoS(text, strings.HasSuffix(a.Key, "ingress-qos-map"))
	case Centi, Centi64:
		return a.seconds(text)
	case Int32:
		n, err := strconv.ParseInt(text, 0, 32)
		if least, most := a.Signed(); err != nil || n < least || n > most {
			return "", fmt.Errorf("%q is no number from %d to %d", text, least, most)
		}
		return strconv.FormatInt(n, 10), nil
	case MAC:
		return CanonicalMAC(text)
	case MACList:
		return canonicalMACs(text)
	case IPv4, IPv6, IPAddress:
		return a.address(text)
	case LinkRef:
		if text == "" && a.optional() {
			return "", nil
		}
		return text, CheckName(text)
	case PortRange:
		return canonicalRange(text)
	case TunnelKey:
		return canonicalKey(text)
	case String:
		return text, a.checkString(text)
	case Rate, Size, Burstsize, Time, Percent, Hexadecimal:
		return a.quantity(text)
	}
	return a.number(text)
}

func canonicalBool(text string) (string, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "y", "1":
		return "true", nil
	case "false", "no", "off", "n", "0":
		return "false", nil
	}
	return "", fmt.Errorf("%q is neither true nor false", text)
}

// enum takes a name, or the kernel's number for it.
func (a *Attr) enum(text string) (string, error) {
	names := make([]string, 0, len(a.Enum))
	for _, v := range a.Enum {
		if strings.EqualFold(v.Name, text) || strconv.FormatUint(v.Value, 10) == text {
			return v.Name, nil
		}
		names = append(names, v.Name)
	}
	return "", fmt.Errorf("%q is none of %s", text, strings.Join(names, ", "))
}

// Signed are the least and the largest number that an Int32 takes: Attr.Min is how
// far it may be below zero, where it has bounds.
func (a *Attr) Signed() (least, most int64) {
	if a.Max == 0 {
		return math.MinInt32, math.MaxInt32
	}
	return -int64(a.Min), int64(a.Max)
}

// mosts are the largest numbers of the types.
var mosts = [...]uint64{
	Uint8: 1<<8 - 1, Uint16: 1<<16 - 1, Uint16BE: 1<<16 - 1, Uint32: 1<<32 - 1, Uint32BE: 1<<32 - 1, Uint64: 1<<64 - 1, BitField: 1<<64 - 1,
	// The kernel computes with clock_t: more would overflow there.
	Centi: 1<<32 - 1, Centi64: 1<<40 - 1, Hundredths: 1<<40 - 1,
	Rate: 1<<61 - 1, Size: 1<<32 - 1, Burstsize: 1<<64 - 1, Time: 1<<63 - 1, Percent: 1<<32 - 1,
}

// Limits are the least and the largest number that the attribute takes, in the
// unit of its netlink attribute; a Time in nanoseconds, a Rate in bytes a second.
func (a *Attr) Limits() (least, most uint64) {
	most = mosts[a.Type]
	switch a.Type {
	case Rate, Time:
		// Those that have an attribute each have 32 bits, of which the last number
		// may mean none: bytes a second, nanoseconds once, else microseconds, which
		// the kernel rounds to what it counts in.
		switch {
		case a.IFLA == 0 && a.Max != 0:
			most = a.Max
		case a.IFLA != 0 && a.Type == Time && a.Key != "timer-slack":
			most = 4294e9
		case a.IFLA != 0 && a.Key != "bandwidth":
			most = 1<<32 - 1 - min(a.Max, 1)
		}
	default:
		if a.Max != 0 {
			most = a.Max
		}
	}
	return a.Min, most
}

func (a *Attr) number(text string) (string, error) {
	least, most := a.Limits()
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil || n < least || n > most {
		return "", fmt.Errorf("%q is no number from %d to %d", text, least, most)
	}
	if a.Key == "infiniband.pkey" {
		n |= 0x8000 // ipoib_new_child_link
	}
	return strconv.FormatUint(n, 10), nil
}

// hex32 takes a number of 32 bits.
func (a *Attr) hex32(text string) (string, error) {
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil || n < a.Min {
		return "", fmt.Errorf("%q is no number from %d to 0xffffffff", text, a.Min)
	}
	return "0x" + strconv.FormatUint(n, 16), nil
}

// ipProtocols are names of /etc/protocols that policies are written for.
var ipProtocols = []EnumValue{{"icmp", 1}, {"ipip", 4}, {"tcp", 6}, {"udp", 17}, {"ipv6", 41}, {"gre", 47}, {"esp", 50}, {"ah", 51}, {"ipv6-icmp", 58}, {"ospf", 89}, {"sctp", 132}}

// canonicalIPProto takes the name or the number of a protocol; 0 is any.
func canonicalIPProto(text string) (string, error) {
	n, err := strconv.ParseUint(text, 0, 8)
	for _, p := range ipProtocols {
		if p.Name == strings.ToLower(text) || err == nil && n == p.Value {
			return p.Name, nil
		}
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is no protocol of IP such as tcp, udp or a number up to 255", text)
	case n == 0:
		return "", nil
	}
	return strconv.FormatUint(n, 10), nil
}

// IPProtocol is the number of a protocol of IP by its canonical text.
func IPProtocol(text string) (uint8, error) {
	for _, p := range ipProtocols {
		if p.Name == text {
			return uint8(p.Value), nil
		}
	}
	n, err := strconv.ParseUint(text, 10, 8)
	return uint8(n), err
}

// canonicalQoS takes pairs of priorities, FROM:TO; 0 is what every one has. Of
// ingress, the first is the tag's, else the second.
func canonicalQoS(text string, ingress bool) (string, error) {
	type pair struct{ from, to uint64 }
	var pairs []pair
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		from, to, found := strings.Cut(part, ":")
		f, errF := strconv.ParseUint(from, 10, 32)
		t, errT := strconv.ParseUint(to, 10, 32)
		if !found || errF != nil || errT != nil {
			return "", fmt.Errorf("%q is no pair of priorities such as 0:5", part)
		}
		if tag := map[bool]uint64{true: f, false: t}[ingress]; tag > 7 {
			return "", fmt.Errorf("%q: a tag has the priorities 0 to 7, not %d", part, tag)
		}
		if slices.ContainsFunc(pairs, func(p pair) bool { return p.from == f }) {
			return "", fmt.Errorf("priority %d is mapped twice", f)
		}
		pairs = append(pairs, pair{f, t})
	}
	sortShort(pairs, func(a, b pair) int { return cmp.Compare(a.from, b.from) })
	var out []string
	for _, p := range pairs {
		if p.to != 0 {
			out = append(out, fmt.Sprintf("%d:%d", p.from, p.to))
		}
	}
	return strings.Join(out, ","), nil
}

// seconds takes a number with up to two decimals.
func (a *Attr) seconds(text string) (string, error) {
	least, most := a.Limits()
	whole, fraction, dot := strings.Cut(text, ".")
	n, err := strconv.ParseUint(whole, 10, 54)
	digits := len(fraction) <= 2 && strings.Trim(fraction, "0123456789") == "" && (fraction != "") == dot
	total := n*100 + hundredths("0."+fraction)
	if err != nil || !digits || total < least || total > most {
		return "", fmt.Errorf("%q is no number of seconds from %s to %s, with two decimals at most", text, formatHundredths(least), formatHundredths(most))
	}
	return formatHundredths(total), nil
}

func formatHundredths(n uint64) string {
	s := strconv.FormatUint(n/100, 10)
	if n%100 != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%02d", n%100), "0")
	}
	return s
}

// CanonicalMAC returns a hardware address of six bytes in lower case with
// colons. Dashes between the bytes are accepted.
func CanonicalMAC(text string) (string, error) {
	parts := strings.Split(strings.ReplaceAll(strings.ToLower(text), "-", ":"), ":")
	ok := len(parts) == 6
	for _, p := range parts {
		ok = ok && len(p) == 2 && strings.Trim(p, "0123456789abcdef") == ""
	}
	if !ok {
		return "", fmt.Errorf("%q is no hardware address such as 02:00:00:00:00:01", text)
	}
	return strings.Join(parts, ":"), nil
}

func canonicalMACs(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var out []string
	for _, part := range strings.Split(text, ",") {
		mac, err := CanonicalMAC(strings.TrimSpace(part))
		if err != nil {
			return "", err
		}
		out = append(out, mac)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ","), nil
}

// canonicalPublicKey takes 32 bytes in base64.
func canonicalPublicKey(text string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != 32 {
		return "", fmt.Errorf("%q is no public key of 32 bytes in base64, as wg pubkey prints one", text)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// canonicalEndpoint takes an IP address with a port.
func canonicalEndpoint(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	e, err := netip.ParseAddrPort(text)
	if err != nil || e.Port() == 0 {
		return "", fmt.Errorf("%q is no address with a port such as 192.0.2.1:51820 or [2001:db8::1]:51820", text)
	}
	return netip.AddrPortFrom(e.Addr().Unmap(), e.Port()).String(), nil
}

// canonicalPrefixes takes prefixes with commas, and addresses for whole ones.
func canonicalPrefixes(text string) (string, error) {
	var out []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if addr, addrErr := netip.ParseAddr(part); addrErr == nil {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil || p.Addr().Zone() != "" {
			return "", fmt.Errorf("%q is no prefix such as 10.0.0.0/8", part)
		}
		out = append(out, p.Masked())
	}
	sortShort(out, netip.Prefix.Compare)
	words := make([]string, 0, len(out))
	for _, p := range slices.Compact(out) {
		words = append(words, p.String())
	}
	return strings.Join(words, ","), nil
}

// canonicalHex takes up to Max bytes; what is shorter is filled with zeros at
// its end, as ip-macsec(8) does.
func (a *Attr) canonicalHex(text string) (string, error) {
	b, err := hexa.DecodeString(strings.ToLower(text))
	if err != nil || len(b) < int(max(a.Min, 1)) || len(b) > int(a.Max) {
		return "", fmt.Errorf("%q is no number of %d to %d digits in hexadecimal", text, 2*max(a.Min, 1), 2*a.Max)
	}
	return hexa.EncodeToString(append(b, make([]byte, int(a.Max)-len(b))...)), nil
}

// address takes an IP address; the unspecified one means none.
func (a *Attr) address(text string) (string, error) {
	if text == "" && a.optional() {
		return "", nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return "", fmt.Errorf("%q is no IP address", text)
	}
	addr = addr.Unmap()
	switch {
	case (a.Type == IPv4 || a.Type == IPAddress && a.IFLA6 == 0) && !addr.Is4():
		return "", fmt.Errorf("%q is no IPv4 address", text)
	case (a.Type == IPv6 || a.Type == IPAddress && a.IFLA == 0) && !addr.Is6():
		return "", fmt.Errorf("%q is no IPv6 address", text)
	case addr.IsUnspecified() && a.optional():
		return "", nil
	}
	return addr.String(), nil
}

// addresses takes IP addresses with commas between them, and keeps their order.
func (a *Attr) addresses(text string) (string, error) {
	var out []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		addr, err := netip.ParseAddr(part)
		if err != nil || addr.Zone() != "" || addr.Is4() != (a.Type == IPv4List) {
			return "", fmt.Errorf("%q is no IPv%s address", part, map[bool]string{true: "4", false: "6"}[a.Type == IPv4List])
		}
		out = append(out, addr.String())
	}
	return strings.Join(out, ","), nil
}

// canonicalKey takes a number, four with dots, or nothing.
func canonicalKey(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Is4() {
		b := a.As4()
		return strconv.FormatUint(uint64(b[0])<<24|uint64(b[1])<<16|uint64(b[2])<<8|uint64(b[3]), 10), nil
	}
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return "", fmt.Errorf("%q is no key: a number of 32 bits, or four with dots", text)
	}
	return strconv.FormatUint(n, 10), nil
}

func canonicalRange(text string) (string, error) {
	low, high, found := strings.Cut(text, "-")
	l, errL := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
	h, errH := strconv.ParseUint(strings.TrimSpace(high), 10, 16)
	if !found || errL != nil || errH != nil || l > h {
		return "", fmt.Errorf("%q is no range of ports such as 49152-65535", text)
	}
	return fmt.Sprintf("%d-%d", l, h), nil
}

func (a *Attr) checkString(text string) error {
	switch {
	case strings.HasSuffix(a.Key, ".peer"):
		return CheckName(text)
	case len(text) > 255:
		return fmt.Errorf("more than 255 bytes")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%q has control characters", text)
	}
	return nil
}

// CheckName tells what is wrong with a name for an interface
// (dev_valid_name of the kernel: 1 to 15 bytes, no slash, colon or space).
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("an interface needs a name")
	case len(name) > 15:
		return fmt.Errorf("%q is longer than the 15 bytes that a name may have", name)
	case name == "." || name == ".." || name == "all" || name == "default":
		return fmt.Errorf("%q cannot be the name of an interface", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '/' || r == ':' || r == 0x7f || r == 0xa0 }):
		return fmt.Errorf("%q has characters that a name cannot have", name)
	}
	return nil
}

// quantity takes a number with a unit of tc(8).
func (a *Attr) quantity(text string) (string, error) {
	parse, format := ParseSize, FormatSize
	switch a.Type {
	case Rate:
		parse, format = ParseRate, FormatRate
	case Time:
		parse, format = ParseTime, FormatTime
	case Percent:
		n, err := ParsePercent(text)
		return FormatPercent(n), err
	case Hexadecimal:
		n, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 16)
		if err != nil {
			err = fmt.Errorf("%q is no hexadecimal number up to ffff", text)
		}
		return strconv.FormatUint(n, 16), err
	case Burstsize:
		if strings.HasSuffix(text, tickUnit) {
			_, err := Ticks(text, 0)
			return text, err
		}
	}
	n, err := parse(text)
	if least, most := a.Limits(); err == nil && n > most {
		err = fmt.Errorf("%q is more than %s", text, format(most))
	} else if err == nil && n < least {
		err = fmt.Errorf("%q is less than %s", text, format(least))
	}
	return format(n), err
}
