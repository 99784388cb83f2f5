package main

import (
	"fmt"
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
)

// trafficText is what the tables of traffic control do not say.
const trafficText = `
Under ` + "`traffic-control`" + ` are lists: ` + "`qdiscs`, `classes`, `filters`" + `. A list that is given
replaces what is there, ` + "`[]`" + ` removes it all, and the kernel's default qdisc comes back. A list
that is not named is left alone, as far as what it belongs to stays. Changes are made one by one:
new filters before old ones, a qdisc that gets another handle in one step. What the kernel cannot
change in place (another ` + "`default`" + ` of htb) is made anew with all that hangs on it, and the plan
shows that. Undoing brings back handles, bursts and filters as they were.

| key | of | type | meaning |
|---|---|---|---|
| ` + "`kind`" + ` | all | a kind | One of those below. Required, but of a class: ` + "`htb`" + `, if not given. |
| ` + "`handle`" + ` | qdiscs | handle, 1: to ffff: | Hexadecimal; quoted, because YAML takes a colon at the end for a key. The first free one from ` + "`8001:`" + `, if not given. |
| ` + "`handle`" + ` | filters | text | A number from 1 to 4294967295; of u32 the node, ` + "`1` to `fff`" + `, whose table the kernel numbers; of fw the mark, and required. The first free one, if not given. |
| ` + "`parent`" + ` | all | ` + "`root`, `ingress`, `egress`" + `, or handle, 1: to ffff:, or class, 1:0 to ffff:ffff | Where it hangs: at the root (a qdisc, if not given), or at a qdisc or a class. Required of classes and filters. |
| ` + "`classid`" + ` | classes | class, 1:0 to ffff:ffff | Hexadecimal, with the major number of its qdisc. Required. |
| ` + "`protocol`" + ` | filters | ` + "`all`, `ip`, `ipv6`, `arp`, `802.1q`, `802.1ad`" + `, or number, 1536 to 65535 | Protocol of the packets, or a type of Ethernet, ` + "`0x8847`; `all`" + ` if not given. |
| ` + "`prio`" + ` | filters | number, 1 to 65535 | The least first. All of one ` + "`prio`" + ` have one kind and one protocol. Required. |
| ` + "`chain`" + ` | filters | number, 0 to 268435455 | Chain that it is in; 0 if not given. |
| ` + "`actions`" + ` | filters | list of words and mappings | In their order: ` + "`drop` (or `shot`), `pass` (or `ok`), `pipe`, `reclassify` and `continue`" + ` as words, the others as mappings with ` + "`kind`" + `. |

Numbers have tc's units (tc(8), UNITS). A rate is ` + "`bit`, `kbit`, `mbit`, `gbit`, `tbit`" + ` (1000),
` + "`kibit`" + ` … (1024), or bytes a second as ` + "`bps`, `kbps`" + ` …; a bare number is bits a second. A size is
` + "`b`, `k`, `m`, `g`" + ` (1024), or ` + "`kbit`" + ` …; a bare number is bytes. A time is ` + "`s`, `ms`, `us`, `ns`" + `; a bare
number is microseconds, and refused where tc(8) takes it for nanoseconds. The kernel counts bursts in ticks of 64 ns: sizes that take as long are
the same, and one that is no whole number of bytes is shown in ` + "`ticks`" + `. Rates in percent of the
link's speed are not supported.

What stet has no words for (other kinds, hash tables of u32, size tables, shared blocks) is left alone,
and a block that would remove it is refused: it could not be brought back. ` + "`stet facts`" + ` leaves out
a list that it is in. The kernel's numbers of actions and of u32 tables are its own and are not restored. A command of
` + "`stet plan --as ip`" + ` that takes one of several u32 filters away lacks its table: put the number that
` + "`tc filter show`" + ` tells before the ` + "`::`" + `.
An interface that carries the connection of the operation is not given traffic control without a guard.
`

// traffic is the section about traffic control.
func traffic(b *strings.Builder) {
	topic := netdoc.Of("traffic-control")
	fmt.Fprintf(b, "\n## Traffic control ᵉ\n\n%s\n%s\n```yaml\n%s```\n", topic.Text, trafficText, topic.Example)
	for _, sort := range []struct{ object, title string }{
		{netstate.TCQdisc, "Qdiscs"}, {netstate.TCClass, "Classes"}, {netstate.TCFilter, "Filters"}, {"action", "Actions"},
	} {
		fmt.Fprintf(b, "\n### %s\n", sort.title)
		for _, k := range netstate.TCKinds() {
			if k.Object == sort.object {
				trafficKind(b, k)
			}
		}
	}
}

func trafficKind(b *strings.Builder, k *netstate.TCKind) {
	path := "traffic-control." + k.Object + "." + k.Name
	fmt.Fprintf(b, "\n**%s**: %s", k.Name, netdoc.Key(path))
	if len(k.Needs) > 0 {
		fmt.Fprintf(b, " Required: `%s`.", strings.Join(k.Needs, "`, `"))
	}
	if k.Module != "" {
		fmt.Fprintf(b, " Module %s (%s).", k.Module, k.Option)
	}
	b.WriteString("\n")
	if len(k.Attrs) == 0 {
		return
	}
	b.WriteString("\n| key | type | default | meaning |\n|---|---|---|---|\n")
	for i := range k.Attrs {
		a := &k.Attrs[i]
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", a.Key, typeText(a), code(a.Default), strings.ReplaceAll(netdoc.Key(path+"."+a.Key), "|", "\\|"))
	}
}
