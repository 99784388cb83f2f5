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
	entries(&b, netstate.LinkAttrs())
	b.WriteString(ethtoolText)
	table(&b, netstate.EthtoolAttrs(), "", "")
	b.WriteString("| `ethtool.feature` | features, each true or false |  | any time |  | " + meaning("ethtool.feature") + " |\n")
	entries(&b, netstate.EthtoolAttrs())
	b.WriteString(addressText)
	b.WriteString("\n## Types of interfaces\n")
	for _, k := range netstate.Kinds() {
		kind(&b, k)
	}
	traffic(&b)
	b.WriteString(objects)
	tabled(&b, "IPsec", "ipsec-xfrm", tabledPart{"States", netstate.XfrmState, true}, tabledPart{"Policies", netstate.XfrmPolicy, true}, tabledPart{"Default", netstate.XfrmDefault, false})
	tabled(&b, "Multipath TCP", "mptcp", tabledPart{"Endpoints", netstate.MPTCPEndpoint, true}, tabledPart{"Limits", netstate.MPTCPLimits, false})
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
	entries(b, k.Attrs)
	if k.PortList != "" {
		ports(b, k)
	}
	if k.Name == "linux-bridge" {
		b.WriteString("\n" + netdoc.Of("vlans").Text + "\n\n{{vlans bridge.port.vlan.}}\n")
	}
	fmt.Fprintf(b, "\n```yaml\n%s```\n", netdoc.Of(k.Name).Example)
}

// entries describes those of the attributes that are lists of mappings.
func entries(b *strings.Builder, attrs []netstate.Attr) {
	for i := range attrs {
		if a := &attrs[i]; a.Type == netstate.List {
			fmt.Fprintf(b, "\nThe entries of `%s`; the keys that are set when an entry is made name it:\n\n", a.Key)
			table(b, a.Fields, "", a.Key+".")
		}
	}
}

// ports describes what a kind's ports have.
func ports(b *strings.Builder, k *netstate.Kind) {
	fmt.Fprintf(b, "\nOf its ports, in the entries of `%s`", k.PortList)
	if k.PortConfig != "" {
		fmt.Fprintf(b, " and of `%s`", k.PortConfig)
	}
	if k.PortSection != "" {
		fmt.Fprintf(b, ", or under `%s` of the port itself", k.PortSection)
	}
	b.WriteString(":\n\n" + tableHead)
	fmt.Fprintf(b, "| `name` | interface |  |  |  | %s An entry without other keys may be the name alone. |\n", meaning(k.PortList+".name"))
	tableRows(b, k.PortAttrs, k.PortSection+".", "")
}

const tableHead = "| key | type | default | set | `ip` | meaning |\n|---|---|---|---|---|---|\n"

// table describes attributes whose keys begin with prefix; below is what they
// belong to where their keys do not say it, as of the entries of a list.
func table(b *strings.Builder, attrs []netstate.Attr, prefix, below string) {
	b.WriteString(tableHead)
	tableRows(b, attrs, prefix, below)
}

func tableRows(b *strings.Builder, attrs []netstate.Attr, prefix, below string) {
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
	case netstate.List:
		return "list of mappings"
	case netstate.Ranges:
		if len(a.Fields) > 1 {
			return "list of VLANs and options"
		}
		return "list of numbers with `" + a.Fields[0].Key + "`"
	case netstate.CIDR:
		return "prefix"
	case netstate.IPProto:
		return "protocol"
	case netstate.Hex32:
		return fmt.Sprintf("number, %#x to 0xffffffff", a.Min)
	case netstate.CIDRs:
		if a.IFLA6 != 0 { // a mask: one of traffic control
			return "prefix"
		}
		return "list of prefixes"
	case netstate.Key64:
		return "key in base64; a secret"
	case netstate.KeyHex:
		return "key in hexadecimal" + digits(a) + "; a secret"
	case netstate.PubKey64:
		return "key in base64"
	case netstate.Endpoint:
		return "ADDRESS:PORT"
	case netstate.HexID:
		return "hexadecimal" + digits(a)
	case netstate.IPAddress:
		switch {
		case a.IFLA6 == 0:
			return "IPv4 address"
		case a.IFLA == 0:
			return "IPv6 address"
		}
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
		if a.Key == "team.runner.tx-hash" {
			return "list of texts"
		}
		return "text"
	case netstate.Int32:
		least, most := a.Signed()
		return fmt.Sprintf("number, %d to %d", least, most)
	case netstate.TunnelKey:
		return "number, 0 to 4294967295, or IPv4 address"
	case netstate.Centi, netstate.Centi64:
		least, most := a.Limits()
		return fmt.Sprintf("seconds, %s to %s", seconds(least), seconds(most))
	case netstate.Rate, netstate.Size, netstate.Burstsize, netstate.Time, netstate.Percent, netstate.Hexadecimal:
		return quantityText(a)
	case netstate.Hundredths:
		return "hundredths of a second" + limits(a)
	}
	if text := listTexts[a.Type]; text != "" {
		return text
	}
	return "number" + limits(a)
}

// listTexts are typeText of lists of single values.
var listTexts = map[netstate.AttrType]string{
	netstate.IPv4List: "list of IPv4 addresses", netstate.IPv6List: "list of IPv6 addresses", netstate.VNIList: "list of VNIs", netstate.VLANTunnels: "list of VLANs and tunnels",
	netstate.VLANList: "VLANs", netstate.QoSMap: "list of FROM:TO", netstate.MACList: "list of hardware addresses",
}

// quantityText is typeText of a number with a unit of tc(8).
func quantityText(a *netstate.Attr) string {
	switch a.Type {
	case netstate.Rate:
		return "rate" + upTo(a, netstate.FormatRate)
	case netstate.Size:
		return "size" + upTo(a, netstate.FormatSize)
	case netstate.Burstsize:
		return "size"
	case netstate.Time:
		return "time" + upTo(a, netstate.FormatTime)
	case netstate.Percent:
		return "percentage, 0% to 100%"
	case netstate.Hexadecimal:
		return "hexadecimal number, 0 to ffff"
	}
	return ""
}

func names(values []netstate.EnumValue) string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, "`"+v.Name+"`")
	}
	return strings.Join(out, ", ")
}

// limits are those of a number.
func limits(a *netstate.Attr) string {
	least, most := a.Limits()
	return fmt.Sprintf(", %d to %d", least, most)
}

// upTo is the range of a number with a unit of tc(8).
func upTo(a *netstate.Attr, format func(uint64) string) string {
	least, most := a.Limits()
	return ", " + format(least) + " to " + format(most)
}

// digits is how long what is written in hexadecimal may be.
func digits(a *netstate.Attr) string {
	switch least := max(a.Min, 1); {
	case a.Max == 0:
		return ""
	case least == a.Max:
		return fmt.Sprintf(", %d digits", 2*a.Max)
	default:
		return fmt.Sprintf(", %d to %d digits", 2*least, 2*a.Max)
	}
}
