package netstate

import (
	"fmt"
	"strings"
)

// AltNames is the key of the alternative names of an interface
// (IFLA_ALT_IFNAME, ip-link(8)'s property altname).
const AltNames = "alt-names"

// altNameState is a key of an entry that a configuration has: such a name is
// taken away. No number of the kernel stands for it.
const altNameState = "state"

var altNameFields = []Attr{
	{Key: "name", Type: String, Set: OnCreate},
	{Key: altNameState, Type: Enum, Set: Anytime, Enum: []EnumValue{{absent, 1 << 63}}},
}

// CheckAltName tells what is wrong with an alternative name: ALTIFNAMSIZ of the
// kernel is 128 with the final zero, and ip(8) takes neither slash nor space.
func CheckAltName(name string) error {
	switch {
	case name == "" || len(name) > 127:
		return fmt.Errorf("an alternative name has 1 to 127 bytes, not %d", len(name))
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f || r == 0xa0 }):
		return fmt.Errorf("%q has characters that an alternative name cannot have", name)
	}
	return nil
}

// altered is a list of alternative names without those of gone, and with those
// of added.
func altered(text string, gone, added []Entry) string {
	a := AttrByKey(AltNames)
	names := a.entriesByKey(text)
	for _, e := range gone {
		delete(names, e["name"])
	}
	for _, e := range added {
		names[e["name"]] = e
	}
	list := make([]Entry, 0, len(names))
	for _, e := range names {
		list = append(list, e)
	}
	return a.List(list)
}

// withAltNames is want with the names that now has besides: all but those of
// other, which is what want was on the other side of a change.
func withAltNames(want, now, other *Interface) *Interface {
	a := AttrByKey(AltNames)
	c := *want
	c.Attrs = cloneOrNew(want.Attrs)
	c.Attrs[AltNames] = altered(attrOf(now, AltNames), a.Entries(attrOf(other, AltNames)), a.Entries(c.Attrs[AltNames]))
	return &c
}

func altNameCommands(i *Interface, d *Difference) []string {
	var out []string
	for _, e := range d.ListDifferences() {
		verb := "add"
		if e.After == nil {
			verb = "del"
		}
		out = append(out, words(append(ipIn(i.Netns), "link", "property", verb, "dev", i.Name, "altname", e.Key)...))
	}
	return out
}

// altNames gives an interface the names that it gets, and takes those away that
// it is not to have any more. A name that is not free until then is refused: what
// has it may lose it only later.
func (m *simulation) altNames(i *InterfaceConfig, v *Interface, given string) string {
	var gone, added []Entry
	for _, e := range AttrByKey(AltNames).Entries(given) {
		name := e["name"]
		if e[altNameState] == absent {
			gone = append(gone, e)
			continue
		}
		added = append(added, e)
		netns := i.Attrs["netns"]
		owner := m.altNameOf(netns, name)
		if m.from.interfaceIn(netns, name) != nil || m.to.interfaceIn(netns, name) != nil {
			owner = name
		}
		if owner != "" && owner != v.Name {
			m.problem(i.at(AltNames+"."+name), "name-taken", i.Name+" cannot have the alternative name "+name+": it is a name of "+owner,
				"Choose another one, or take it away from "+owner+" in a block before this one.")
		}
	}
	return altered(v.Attrs[AltNames], gone, added)
}

// altNameOf is the interface that a name is an alternative name of, before the
// configuration holds; "" if there is none.
func (m *simulation) altNameOf(netns, name string) string {
	if m.byAltName == nil {
		m.byAltName = map[[2]string]string{}
		for n := range m.from.Interfaces {
			i := &m.from.Interfaces[n]
			for _, e := range AttrByKey(AltNames).Entries(i.Attrs[AltNames]) {
				m.byAltName[[2]string{i.Netns, e["name"]}] = i.Name
			}
		}
	}
	return m.byAltName[[2]string{netns, name}]
}

// namedOtherwise refuses to make, or to remove, an interface whose name is an
// alternative name of another one: the kernel takes it for that one.
func (m *simulation) namedOtherwise(pos Pos, netns, name string) bool {
	owner := m.altNameOf(netns, name)
	if owner != "" {
		m.problem(pos, "name-taken", name+" is an alternative name of "+owner, sayOwner(name, owner))
	}
	return owner != ""
}

func sayOwner(name, owner string) string {
	return "Write " + owner + " to mean that one. For another interface take the name away first, in a block before this one: `alt-names: [{name: " + name + ", state: absent}]`."
}

// unknown refuses an interface that is not there; what is how it is named. Where
// it is an alternative name, the interface itself is told.
func (m *simulation) unknown(pos Pos, code, name, what, detail string) {
	if owner := m.altNameOf("", name); owner != "" {
		detail = "It is an alternative name of " + owner + ": write " + owner + "."
	}
	m.problem(pos, code, "there is no interface "+name+what, detail)
}
