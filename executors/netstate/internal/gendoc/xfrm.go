package main

import (
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
)

// tabledPart is a part of a topic: the objects of a sort.
type tabledPart struct {
	title, sort string
	absent      bool // they can be
}

// tabled describes an extension for objects whose attributes a table has: of the
// kernel's IPsec, or of Multipath TCP.
func tabled(b *strings.Builder, title, name string, parts ...tabledPart) {
	topic := netdoc.Of(name)
	b.WriteString("\n## " + title + " ᵉ\n\n" + topic.Text + "\n")
	for _, part := range parts {
		b.WriteString("\n### " + part.title + "\n\n")
		attrs := netstate.XfrmAttrs(part.sort)
		below := name + "." + part.sort + "."
		table(b, attrs, "", below)
		if part.absent {
			b.WriteString("| `state` | `absent` |  |  |  | " + meaning(below+"state") + " |\n")
		}
		for i := range attrs {
			if a := &attrs[i]; a.Type == netstate.List {
				b.WriteString("\nThe entries of `" + a.Key + "`, in their order:\n\n")
				table(b, a.Fields, "", below+a.Key+".")
			}
		}
	}
	b.WriteString("\n```yaml\n" + topic.Example + "```\n")
}
