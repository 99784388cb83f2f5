package main

import (
	"fmt"
	"regexp"
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
)

// marker stands in the text for the table of a topic's keys that begin with a
// prefix.
var marker = regexp.MustCompile(`\{\{[a-z-]+ [a-z0-9.-]*\}\}`)

// page is the whole reference page.
func page() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("\n## Every interface\n\n")
	b.WriteString(interfaceText)
	table(&b, netstate.LinkAttrs(), "", "")
	b.WriteString(ethtoolText)
	table(&b, netstate.EthtoolAttrs(), "", "")
	b.WriteString(addressText)
	b.WriteString("\n## Types of interfaces\n")
	for _, k := range netstate.Kinds() {
		kind(&b, k)
	}
	traffic(&b)
	b.WriteString(objects)
	ipsec(&b)
	return marker.ReplaceAllStringFunc(b.String(), func(m string) string {
		topic, prefix, _ := strings.Cut(strings.Trim(m, "{}"), " ")
		return strings.TrimSuffix(topicTable(topic, prefix), "\n")
	})
}

func kind(b *strings.Builder, k *netstate.Kind) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", k.Name, netdoc.Of(k.Name).Text)
	switch {
	case !k.Creatable:
		b.WriteString("\nCannot be made or removed.\n")
	case k.Kernel != "":
		fmt.Fprintf(b, "\n`ip link add type %s`, for short. The kernel has it from the option %s: the module %s, or built in.\n", k.Kernel, k.Option, k.Module)
	}
	if k.Name == "tun" {
		b.WriteString("Made through `/dev/net/tun`, as `ip tuntap add` does.\n")
	}
	if len(k.Attrs) > 0 {
		fmt.Fprintf(b, "\nUnder `%s`:\n\n", k.Section)
		table(b, k.Attrs, k.Section+".", "")
	}
	for i := range k.Attrs {
		if a := &k.Attrs[i]; a.Type == netstate.List {
			fmt.Fprintf(b, "\nThe entries of `%s`; the keys that are set when an entry is made name it:\n\n", a.Key)
			table(b, a.Fields, "", a.Key+".")
		}
	}
	if len(k.PortAttrs) > 0 {
		list := k.PortList
		if k.PortConfig != "" {
			list = k.PortConfig
		}
		fmt.Fprintf(b, "\nOf its ports, in the entries of `%s`, or under `%s` of the port itself:\n\n", list, k.PortSection)
		table(b, k.PortAttrs, k.PortSection+".", "")
	}
	if k.Name == "linux-bridge" {
		b.WriteString("\n" + netdoc.Of("vlans").Text + "\n\n{{vlans bridge.port.vlan.}}\n")
	}
	fmt.Fprintf(b, "\n```yaml\n%s```\n", netdoc.Of(k.Name).Example)
}

// table describes attributes whose keys begin with prefix; below is what they
// belong to where their keys do not say it, as of the entries of a list.
func table(b *strings.Builder, attrs []netstate.Attr, prefix, below string) {
	b.WriteString("| key | type | default | set | `ip` | meaning |\n|---|---|---|---|---|---|\n")
	for i := range attrs {
		a := &attrs[i]
		fmt.Fprintf(b, "| `%s`%s | %s | %s | %s | %s | %s |\n", strings.TrimPrefix(a.Key, prefix), extension(a), typeText(a),
			code(a.Default), settable(a), code(a.IP), strings.ReplaceAll(meaning(below+a.Key), "|", "\\|"))
	}
}

func extension(a *netstate.Attr) string {
	if a.Extension {
		return " ᵉ"
	}
	return ""
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func settable(a *netstate.Attr) string {
	switch a.Set {
	case netstate.Anytime:
		return "any time"
	case netstate.OnCreate:
		return "when made"
	}
	return "never"
}

// typeText says what a value has to be.
func typeText(a *netstate.Attr) string {
	switch a.Type {
	case netstate.Enum, netstate.MaskedEnum:
		return names(a.Enum)
	case netstate.IFFlag:
		if a.Enum != nil {
			return names(a.Enum) + ", `absent`, `ignore`"
		}
		return "true, false"
	case netstate.Bool, netstate.Bool32, netstate.Flag, netstate.BoolOpt, netstate.FlagBit:
		return "true, false"
	case netstate.MAC:
		return "hardware address"
	case netstate.IPv4List:
		return "IPv4 addresses"
	case netstate.IPv6List:
		return "IPv6 addresses"
	case netstate.VNIList:
		return "list of identifiers"
	case netstate.VLANList:
		return "VLANs"
	case netstate.QoSMap:
		return "list of FROM:TO"
	case netstate.MACList:
		return "list of hardware addresses"
	case netstate.List:
		return "list of mappings"
	case netstate.CIDR:
		return "prefix"
	case netstate.IPProto:
		return "protocol"
	case netstate.Hex32:
		return "number, in hexadecimal" + limits(a, 1)
	case netstate.CIDRs:
		return "list of prefixes"
	case netstate.Key64:
		return "key in base64; a secret"
	case netstate.KeyHex:
		return "key in hexadecimal; a secret"
	case netstate.PubKey64:
		return "key in base64"
	case netstate.Endpoint:
		return "ADDRESS:PORT"
	case netstate.HexID:
		return "hexadecimal digits"
	case netstate.IPAddress:
		return "IP address"
	case netstate.IPv4:
		return "IPv4 address"
	case netstate.IPv6:
		return "IPv6 address"
	case netstate.LinkRef:
		return "interface"
	case netstate.PortRange:
		return "LOW-HIGH"
	case netstate.String:
		return "text"
	case netstate.Int32:
		return "number, -2147483648 to 2147483647"
	case netstate.TunnelKey:
		return "number, or four with dots"
	case netstate.Centi, netstate.Centi64:
		return "seconds" + limits(a, 100)
	case netstate.Rate:
		return "rate"
	case netstate.Size, netstate.Burstsize:
		return "size"
	case netstate.Time:
		return "time"
	case netstate.Percent:
		return "percentage"
	case netstate.Hexadecimal:
		return "hexadecimal number"
	case netstate.Hundredths:
		return "hundredths of a second" + limits(a, 1)
	}
	return "number" + limits(a, 1)
}

func names(values []netstate.EnumValue) string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, "`"+v.Name+"`")
	}
	return strings.Join(out, ", ")
}

// limits are those of the attribute, in the unit that people write, which is as
// many of its own.
func limits(a *netstate.Attr, unit uint64) string {
	least, most := a.Limits()
	if most > 1<<53 {
		most = 0 // as much as fits
	}
	switch {
	case most != 0:
		return fmt.Sprintf(", %d to %d", least/unit, most/unit)
	case least != 0:
		return fmt.Sprintf(", %d or more", least/unit)
	}
	return ""
}
