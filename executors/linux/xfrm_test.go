//go:build linux

package linux

import (
	"fmt"
	"strings"

	"stet/executors/netstate"
)

// ipsecXfrm is what the cases of states and policies of IPsec are called.
const ipsecXfrm = "ipsec-xfrm"

// multipath is what those of MPTCP are called.
const multipath = "mptcp"

// tabledSorts are the sorts of objects whose attributes a table has.
var tabledSorts = []string{netstate.XfrmState, netstate.XfrmPolicy, netstate.XfrmDefault, netstate.MPTCPEndpoint, netstate.MPTCPLimits}

// xfrmKeyOf is an attribute of a sort, as the sections of the cases call it.
func xfrmKeyOf(sort, key string) string {
	if x := (&netstate.Xfrm{Sort: sort}); x.MPTCP() {
		return multipath + "." + sort + "." + key
	}
	return ipsecXfrm + "." + sort + "." + key
}

// absentXfrm writes the entry that removes an object.
func absentXfrm(b *strings.Builder, x *netstate.Xfrm) {
	list := map[string]string{netstate.XfrmState: "states", netstate.XfrmPolicy: "policies", netstate.MPTCPEndpoint: "endpoints"}[x.Sort]
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
