//go:build linux

package linux

import (
	"fmt"
	"strings"

	"stet/executors/netstate"
)

// ipsecXfrm is what the cases of states and policies of IPsec are called.
const ipsecXfrm = "ipsec-xfrm"

// xfrmKeyOf is an attribute of a sort, as the sections of the cases call it.
func xfrmKeyOf(sort, key string) string { return ipsecXfrm + "." + sort + "." + key }

// absentXfrm writes the entry that removes an object.
func absentXfrm(b *strings.Builder, x *netstate.Xfrm) {
	list := map[string]string{netstate.XfrmState: "states", netstate.XfrmPolicy: "policies"}[x.Sort]
	if !strings.Contains(b.String(), "  "+list+":\n") {
		fmt.Fprintf(b, "  %s:\n", list)
	}
	var words []string
	for _, a := range netstate.XfrmAttrs(x.Sort) {
		if v := x.Attrs[a.Key]; a.Set == netstate.OnCreate && v != "" {
			words = append(words, a.Key+": '"+v+"'")
		}
	}
	fmt.Fprintf(b, "  - {%s, state: absent}\n", strings.Join(words, ", "))
}
