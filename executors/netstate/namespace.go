package netstate

import (
	"slices"
	"strings"
)

// Namespace is a named network namespace of the machine (ip-netns(8)): a file
// below /run/netns that keeps it.
type Namespace struct {
	Name string `json:"name"`
	// ID is the number that the observed namespace has for it (nsid,
	// RTM_NEWNSID of linux/net_namespace.h); "" if it has none.
	ID string `json:"nsid,omitempty"`
	// Loopback is the state of its lo: "up" or "down"; "" in a wish is any.
	Loopback string `json:"loopback,omitempty"`
	// Links and Uses can only be read: its interfaces, without lo and without
	// those that drivers make in every namespace; and what else is in it that
	// would be lost or left behind: "process 71 (sleep)".
	Links []string `json:"links,omitempty"`
	Uses  []string `json:"uses,omitempty"`
}

// HiddenNames is the key in State.Lacks of a machine that would not see the named
// namespaces that are made.
const HiddenNames = "namespaces.shown"

// outside is what to do instead where names are hidden.
const outside = "Run stet outside of it, and make the namespace that it is to work in the target: `netns://NAME`."

// NamespaceConfig is one entry of namespaces (an extension).
type NamespaceConfig struct {
	Pos       Pos
	Absent    bool
	Namespace Namespace
}

// unknownNamespace is the key in State.Lacks of a namespace that cannot be
// found.
func unknownNamespace(name string) string { return "netns " + name }

// LackNamespace notes that a namespace that was asked for cannot be found; why
// is a sentence.
func (s *State) LackNamespace(name, why string) {
	if s.Lacks == nil {
		s.Lacks = map[string]string{}
	}
	s.Lacks[unknownNamespace(name)] = why
}

func (s *State) namespace(name string) *Namespace {
	for i := range s.Namespaces {
		if s.Namespaces[i].Name == name {
			return &s.Namespaces[i]
		}
	}
	return nil
}

// setNamespace puts what is now known of a namespace; nil takes it out.
func (s *State) setNamespace(name string, n *Namespace) {
	var list []Namespace
	for _, one := range s.Namespaces {
		if n != nil && one.Name >= name {
			list = append(list, *n)
			n = nil
		}
		if one.Name != name {
			list = append(list, one)
		}
	}
	if n != nil {
		list = append(list, *n)
	}
	s.Namespaces = list
}

// bare is what a change says of a namespace.
func (n *Namespace) bare() *Namespace {
	return &Namespace{Name: n.Name, ID: n.ID, Loopback: n.Loopback}
}

// loopback is the state of its lo; it begins down.
func (n *Namespace) loopback() string {
	if n.Loopback == "" {
		return "down"
	}
	return n.Loopback
}

// holds tells whether what is there is what was asked for.
func (n *Namespace) holds(want *Namespace) bool {
	return (want.ID == "" || n.ID == want.ID) && (want.Loopback == "" || n.loopback() == want.Loopback)
}

func namespaceText(n *Namespace) string {
	text := "namespace " + n.Name
	if n.ID != "" {
		text += " nsid " + n.ID
	}
	return text + " loopback " + n.loopback()
}

func ipNamespace(e *Edit) []string {
	before, after := e.Before.Namespace, e.After.Namespace
	if after == nil {
		return []string{words("ip", "netns", "delete", before.Name)}
	}
	var out []string
	if before == nil {
		out = append(out, words("ip", "netns", "add", after.Name))
		if after.ID != "" {
			out = append(out, words("ip", "netns", "set", after.Name, after.ID))
		}
		before = &Namespace{}
	}
	if after.loopback() != before.loopback() {
		out = append(out, words("ip", "-n", after.Name, "link", "set", "dev", "lo", after.loopback()))
	}
	return out
}

// namespaces makes and changes namespaces. They go in the end, when it is known
// what is in them.
func (m *simulation) namespaces(list []NamespaceConfig) {
	for i := range list {
		c := &list[i]
		want, there := c.Namespace, m.to.namespace(c.Namespace.Name)
		switch {
		case c.Absent:
		case there != nil && want.ID != "" && there.ID != want.ID:
			number := "has the number " + there.ID
			if there.ID == "" {
				number = "is there, and has no number"
			}
			m.problem(c.Pos, "contradiction", "namespace "+want.Name+" "+number+", and a number cannot be changed",
				"Leave `nsid` out, or remove the namespace in a block before this one.")
		case there != nil:
			now := *there
			if want.Loopback != "" {
				now.Loopback = want.Loopback
			}
			m.to.setNamespace(want.Name, &now)
		case m.from.Lacks["namespaces"] != "":
			m.problem(c.Pos, "kernel-lacks", "namespace "+want.Name+" cannot be made: "+m.from.Lacks["namespaces"], "Do it on a target of the machine itself.")
		case m.from.Lacks[HiddenNames] != "":
			m.problem(c.Pos, "hidden", "namespace "+want.Name+" cannot be made: "+m.from.Lacks[HiddenNames], outside)
		default:
			want.Loopback = want.loopback()
			m.to.setNamespace(want.Name, &want)
		}
	}
}

// namespacesGone removes namespaces. One that something is in is refused: it
// would go with it, or stay behind where nobody finds it.
func (m *simulation) namespacesGone(list []NamespaceConfig) {
	for i := range list {
		c := &list[i]
		n := m.to.namespace(c.Namespace.Name)
		if !c.Absent || n == nil {
			continue
		}
		if why := m.from.Lacks[HiddenNames]; why != "" { // undoing would make it here
			m.problem(c.Pos, "hidden", "the removal of namespace "+n.Name+" could not be undone: "+why, outside)
			continue
		}
		uses := slices.Clone(n.Uses)
		for _, link := range n.Links {
			if m.from.interfaceIn(n.Name, link) == nil || m.to.interfaceIn(n.Name, link) != nil {
				uses = append(uses, "link "+link)
			}
		}
		for k := range m.to.Interfaces {
			if v := &m.to.Interfaces[k]; v.Netns == n.Name && m.from.interfaceIn(n.Name, v.Name) == nil {
				uses = append(uses, "link "+v.Name)
			}
		}
		if len(uses) > 0 {
			m.problem(c.Pos, "in-use", "namespace "+n.Name+" cannot be removed: in it is "+strings.Join(uses, ", "),
				"End or move what is in it first: what the kernel removes with a namespace cannot be brought back. `ip netns pids "+n.Name+"` lists its processes.")
			continue
		}
		m.to.setNamespace(n.Name, nil)
	}
}

// elsewhere refuses interfaces in namespaces that nobody knows.
func (m *simulation) elsewhere(i *InterfaceConfig) {
	for _, key := range unionKeys(i.Attrs, nil) {
		name := i.Attrs[key]
		if key != "netns" && !strings.HasSuffix(key, ".peer-target") || name == "" {
			continue
		}
		if why := m.from.Lacks[unknownNamespace(name)]; why != "" && m.to.namespace(name) == nil {
			m.problem(i.at(key), "unknown-namespace", "there is no namespace "+name+": "+why,
				"Check the name, or make it in the same block: `namespaces: [{name: "+name+"}]`.")
		}
	}
}

// namespaces finds the edits of namespaces: made before all else, removed after
// it.
func (d *differ) namespaces() {
	for i := range d.from.Namespaces {
		before := &d.from.Namespaces[i]
		after := d.to.namespace(before.Name)
		switch {
		case after == nil:
			d.namespacesLate = append(d.namespacesLate, Edit{Op: Delete, Before: Object{Namespace: before.bare()}})
		case before.loopback() != after.loopback():
			d.namespacesEarly = append(d.namespacesEarly, Edit{Op: Modify, Before: Object{Namespace: before.bare()}, After: Object{Namespace: after.bare()}})
		}
	}
	for i := range d.to.Namespaces {
		if after := &d.to.Namespaces[i]; d.from.namespace(after.Name) == nil {
			d.namespacesEarly = append(d.namespacesEarly, Edit{Op: Add, After: Object{Namespace: after.bare()}})
		}
	}
}

// ends are what a change says of each namespace first and last; nil is its
// absence.
func (c *Change) namespaceEnds(yield func(name string, before, after *Namespace)) {
	for i := range c.Edits {
		n := c.Edits[i].object().Namespace
		if n == nil {
			continue
		}
		after, first := c.Edits[i].After.Namespace, true
		for k := range c.Edits {
			if o := c.Edits[k].object().Namespace; o != nil && o.Name == n.Name {
				first = first && k >= i
				after = c.Edits[k].After.Namespace
			}
		}
		if first {
			yield(n.Name, c.Edits[i].Before.Namespace, after)
		}
	}
}

func (c *Change) undoNamespaces(to *State) {
	c.namespaceEnds(func(name string, before, _ *Namespace) {
		there := to.namespace(name)
		if before != nil && there != nil {
			back := *there
			back.Loopback = before.Loopback
			before = &back
		}
		to.setNamespace(name, before)
	})
}

// namespaces compares namespaces with what is wanted; undone exchanges the sides.
func (v *verifier) namespaces(c *Change, undone bool) {
	c.namespaceEnds(func(name string, before, after *Namespace) {
		want, got := after, v.now.namespace(name)
		if undone {
			want = before
		}
		switch {
		case want == nil && got == nil:
		case want == nil:
			text := present
			if in := append(slices.Clone(got.Uses), got.Links...); len(in) > 0 {
				text += ", with " + strings.Join(in, ", ") + " in it"
			}
			v.differs("namespace "+name, "", absent, text)
		case got == nil:
			v.differs("namespace "+name, "", present, absent)
		case !got.holds(want):
			v.differs("namespace "+name, "", namespaceText(want), namespaceText(got))
		}
	})
}
