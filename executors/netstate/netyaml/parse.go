package netyaml

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "y", "1":
		return true, nil
	case "false", "no", "off", "n", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}

// parseUint reads a number from least to most.
func parseUint(least, most uint64) func(string) (uint64, error) {
	return func(text string) (uint64, error) {
		n, err := strconv.ParseUint(text, 0, 64)
		if err != nil || n < least || n > most {
			return 0, &domain{message: fmt.Sprintf("%q is no number from %d to %d", text, least, most), number: true, least: least, most: most}
		}
		return n, nil
	}
}

// parseTOS reads a type of service: the two lowest bits are not of it (ECN, RFC 3168).
func parseTOS(text string) (uint64, error) {
	n, err := parseUint(0, 252)(text)
	if err == nil && n%4 != 0 {
		err = fmt.Errorf("%q is no multiple of 4: the two lowest bits belong to ECN", text)
	}
	return n, err
}

// parseDefault is parseUint, but nmstate's -1 and the empty text mean "not
// given".
func parseDefault(most uint64) func(string) (uint64, error) {
	return func(text string) (uint64, error) {
		if text == "-1" {
			return 0, nil
		}
		return parseUint(0, most)(text)
	}
}

func parseAddr(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is no IP address", text)
	}
	return a.Unmap(), nil
}

// parsePrefix reads a network; an address alone is a network of one. Host bits
// are cut off, as nmstate does.
func parsePrefix(text string) (netip.Prefix, error) {
	if text == "default" {
		return netip.MustParsePrefix("0.0.0.0/0"), nil
	}
	if !strings.Contains(text, "/") {
		a, err := parseAddr(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no network such as 192.0.2.0/24", text)
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is no network such as 192.0.2.0/24", text)
	}
	return p.Masked(), nil
}

// tables are the routing tables that every system has a name for
// (linux/rtnetlink.h, RT_TABLE_*).
var tables = map[string]uint32{"default": 253, "main": 254, "local": 255}

// parseTable reads a table's name or number; 0 means main, as in nmstate.
func parseTable(text string) (uint32, error) {
	if n, ok := tables[text]; ok {
		return n, nil
	}
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return 0, &domain{message: fmt.Sprintf("%q is neither main, local, default nor a number from 1 to 4294967295", text),
			words: slices.Sorted(maps.Keys(tables)), number: true, most: 1<<32 - 1}
	}
	if n == 0 {
		n = 254
	}
	return uint32(n), nil
}

// protocols are the origins of routes that iproute2 has names for.
var protocols = map[string]uint8{
	"boot": 3, "static": 4, "gated": 8, "mrt": 10, "zebra": 11, "bird": 12, "dnrouted": 13, "xorp": 14, "ntk": 15,
	"dhcp": 16, "mrouted": 17, "keepalived": 18, "babel": 42, "openr": 99, "bgp": 186, "isis": 187, "ospf": 188, "rip": 189, "eigrp": 192,
}

func parseProtocol(text string) (uint8, error) {
	if n, ok := protocols[text]; ok {
		return n, nil
	}
	n, err := strconv.ParseUint(text, 0, 8)
	if err != nil || n == 0 || n == 1 || n == 2 || n == 9 {
		return 0, &domain{message: fmt.Sprintf("%q is no origin of a route such as static, boot, bgp or a number from 3 to 255; kernel, redirect and ra are the kernel's own", text),
			words: slices.Sorted(maps.Keys(protocols)), number: true, least: 3, most: 255}
	}
	return uint8(n), nil
}

// scopes are RT_SCOPE_* of linux/rtnetlink.h.
var scopes = map[string]uint8{"global": 0, "universe": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}

func parseScope(text string) (uint8, error) {
	if n, ok := scopes[text]; ok {
		return n, nil
	}
	n, err := strconv.ParseUint(text, 0, 8)
	if err != nil {
		return 0, &domain{message: fmt.Sprintf("%q is neither global, site, link, host nor a number up to 255", text),
			words: slices.Sorted(maps.Keys(scopes)), number: true, most: 255}
	}
	return uint8(n), nil
}

// scopeName is the canonical text of an address's scope: a name, or a number.
func scopeName(n uint8) string {
	for _, name := range []string{"global", "site", "link", "host"} {
		if scopes[name] == n {
			return name
		}
	}
	return strconv.Itoa(int(n))
}

// parseLifetime reads "forever", "32sec", "32s" or "32": seconds, 0 if they
// are forever. The number 0 is told apart.
func parseLifetime(text string) (seconds uint32, forever bool, err error) {
	if text == "forever" {
		return 0, true, nil
	}
	digits := strings.TrimSuffix(strings.TrimSuffix(text, "ec"), "s")
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, false, fmt.Errorf("%q is neither forever nor a number of seconds such as 3600sec", text)
	}
	if n == 1<<32-1 {
		return 0, true, nil
	}
	return uint32(n), false, nil
}

// parsePorts reads a port, or a range of ports.
func parsePorts(text string) (string, error) {
	low, high, ranged := strings.Cut(text, "-")
	l, errL := strconv.ParseUint(low, 10, 16)
	if !ranged {
		high = low
	}
	h, errH := strconv.ParseUint(high, 10, 16)
	if errL != nil || errH != nil || l == 0 || l > h {
		return "", fmt.Errorf("%q is neither a port nor a range such as 8000-8010", text)
	}
	if l == h {
		return strconv.FormatUint(l, 10), nil
	}
	return fmt.Sprintf("%d-%d", l, h), nil
}

func parseUIDs(text string) (string, error) {
	low, high, ranged := strings.Cut(text, "-")
	if !ranged {
		high = low
	}
	l, errL := strconv.ParseUint(low, 10, 32)
	h, errH := strconv.ParseUint(high, 10, 32)
	if errL != nil || errH != nil || l > h || h == 1<<32-1 {
		return "", fmt.Errorf("%q is no range of user numbers such as 1000-1999", text)
	}
	return fmt.Sprintf("%d-%d", l, h), nil
}

// ipProtocols are those that routing rules are written for.
var ipProtocols = map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58, "icmpv6": 58, "ospf": 89, "sctp": 132}

func parseIPProtocol(text string) (uint8, error) {
	if n, ok := ipProtocols[strings.ToLower(text)]; ok {
		return n, nil
	}
	n, err := strconv.ParseUint(text, 0, 8)
	if err != nil || n == 0 {
		return 0, &domain{message: fmt.Sprintf("%q is no IP protocol such as tcp, udp or a number from 1 to 255", text),
			words: slices.Sorted(maps.Keys(ipProtocols)), number: true, least: 1, most: 255}
	}
	return uint8(n), nil
}

// oneOf accepts the given words.
func oneOf(words ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		if slices.Contains(words, text) {
			return text, nil
		}
		return "", &domain{message: fmt.Sprintf("%q is none of %s", text, strings.Join(words, ", ")), words: words}
	}
}
