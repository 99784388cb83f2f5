package main

import (
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
)

// ipsec describes the extension for the kernel's IPsec.
func ipsec(b *strings.Builder) {
	topic := netdoc.Of("ipsec-xfrm")
	b.WriteString("\n## IPsec ᵉ\n\n" + topic.Text + "\n")
	for _, part := range []struct{ title, sort string }{{"States", netstate.XfrmState}, {"Policies", netstate.XfrmPolicy}, {"Default", netstate.XfrmDefault}} {
		b.WriteString("\n### " + part.title + "\n\n")
		attrs := netstate.XfrmAttrs(part.sort)
		below := "ipsec-xfrm." + part.sort + "."
		table(b, attrs, "", below)
		if part.sort != netstate.XfrmDefault {
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
