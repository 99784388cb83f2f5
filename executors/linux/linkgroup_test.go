//go:build linux

package linux

import (
	"fmt"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// pairs are edits that make n veth pairs, both ends up.
func pairs(n int) (add, away []netstate.Edit) {
	for i := range n {
		near, far := fmt.Sprintf("n%d", i), fmt.Sprintf("f%d", i)
		a := &netstate.Interface{Name: near, Type: "veth", Attrs: netstate.Attrs{"state": "up", "veth.peer": far}}
		b := &netstate.Interface{Name: far, Type: "veth", Attrs: netstate.Attrs{"state": "up", "veth.peer": near}}
		add = append(add, netstate.Edit{Op: netstate.Add, After: netstate.Object{Link: a}}, netstate.Edit{Op: netstate.Add, After: netstate.Object{Link: b}})
		away = append(away, netstate.Edit{Op: netstate.Delete, Before: netstate.Object{Link: a}}, netstate.Edit{Op: netstate.Delete, Implied: true, Before: netstate.Object{Link: b}})
	}
	return add, away
}

// TestLinksTogether removes many interfaces, those among them that vanish with
// others, and nothing else.
func TestLinksTogether(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	before := ns.settled()
	add, away := pairs(30)
	ns.edit(add...)
	if n := strings.Count(ns.run("ip", "-o", "link", "show", "up", "type", "veth"), "\n"); n != 60+4 {
		t.Errorf("%d interfaces are up", n)
	}
	ns.run("ip", "link", "set", "n7", "master", "br0")
	ns.edit(away...)
	ns.same("after removing", before)

	// One that is gone is named, and those before it are done.
	ns.edit(add...)
	ns.run("ip", "link", "del", "n9")
	done, err := ns.Edit(t.Context(), away)
	if err == nil || done != 18 || !strings.Contains(err.Error(), "n9") {
		t.Errorf("%d done, %v", done, err)
	}
}
