//go:build linux

package linux

import (
	"fmt"
	"maps"
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

// TestRegroup puts interfaces into a group in both ways, but never one that only
// has the name of another.
func TestRegroup(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	of := func() (groups map[int]uint32, indexes []int, names []string) {
		groups, l, err := ns.Namespace.groups(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names = []string{"low0", "br0"}
		for _, name := range names {
			index, err := l.index(name)
			if err != nil {
				t.Fatal(err)
			}
			indexes = append(indexes, index)
		}
		return groups, indexes, names
	}
	_, indexes, names := of()
	for group, set := range map[uint32]func() error{
		1<<30 + 7: func() error { return ns.regroup(names, indexes, 1<<30+7) },
		1<<30 + 8: func() error { return ns.setGroup(t.Context(), indexes, 1<<30+8) },
	} {
		if err := set(); err != nil {
			t.Fatal(err)
		}
		mine, err := ns.inGroup(t.Context(), group, indexes)
		if err != nil || !mine {
			t.Errorf("group %d has not exactly %v: %v", group, names, err)
		}
	}
	before, _, _ := of()
	if err := ns.regroup(names[:1], indexes[1:], 1<<30+9); err == nil {
		t.Error("an interface with another number was put into a group")
	}
	if after, _, _ := of(); !maps.Equal(before, after) {
		t.Errorf("the groups were %v, and are %v", before, after)
	}
}
