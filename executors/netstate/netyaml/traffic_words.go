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
	if len(s.keys) > maxMatches {
		d.fail(n, "bad-value", "a u32 filter matches at most "+strconv.Itoa(maxMatches)+" words", "Write more filters.")
	}
	o["match"] = s.text()
}
