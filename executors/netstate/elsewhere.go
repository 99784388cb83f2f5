package netstate

import (
	"slices"
	"strings"
)

// An interface takes others along that lie in other namespaces: the near end of
// a pair takes the far end, and that one its addresses, its routes and all that
// is on it. A change says so with edits of that namespace (Edit.Netns), so that
// nothing of it is lost unsaid, and undoing brings it back.

// abroad finds the edits in other namespaces. What goes there goes by itself;
// where the far end is made anew at once, what was on it is brought back.
func (d *differ) abroad() {
	for _, netns := range namesOf(d.from.Elsewhere) {
		was := d.from.Elsewhere[netns]
		is, gone, again := d.swept(netns)
		if len(gone) == 0 {
			continue
		}
		d.within(netns, Diff(was, is).Edits, gone, true)
		if again {
			is.inherit(was, gone)
			d.within(netns, Diff(is, was).Edits, gone, false)
		}
	}
}

// within adds edits of another namespace, but for those of interfaces which are
// among the edits of links here.
func (d *differ) within(netns string, edits []Edit, recorded []string, implied bool) {
	for _, e := range edits {
		if o := e.object().Link; o == nil || !slices.Contains(recorded, o.Name) {
			e.Netns, e.Implied = netns, implied || e.Implied
			d.elsewhere = append(d.elsewhere, e)
		}
	}
}

// swept is what is left in another namespace when what goes with interfaces of
// this one has gone; again tells that some of it is made anew at once.
func (d *differ) swept(netns string) (is *State, gone []string, again bool) {
	was := orEmpty(d.from.Elsewhere[netns])
	is = was.Clone()
	pairs := farEnds(d.from)
	for i := range d.from.Interfaces {
		far := &d.from.Interfaces[i]
		holder := d.holder(far, pairs)
		if far.Netns != netns || holder == nil || was.Interface(far.Name) == nil {
			continue
		}
		switch d.trans[holder.Name].gone {
		case early:
			again = again || d.sweeps(holder, far)
		case late:
			if movedAway(d.from, d.to, holder.Name) {
				continue
			}
		default:
			continue
		}
		gone = append(gone, far.Name)
		is.remove("", far.Name)
	}
	settle(was, is, &State{})
	return is, gone, again
}

// inherit fills in the parameters that interfaces begin with, as far as they were
// the same before.
func (s *State) inherit(was *State, names []string) {
	for key, value := range was.Sysctls {
		parts := strings.Split(key, ".")
		i := was.Interface(sysctlDevice(key))
		if i != nil && slices.Contains(names, i.Name) && inherited(i, parts) && was.Sysctls[defaultKey(key)] == value {
			s.Sysctls[key] = value
		}
	}
}

// holder is the interface of this namespace that one of another goes with: the
// near end of its pair, or the one that it lies on; nil if there is none.
func (d *differ) holder(far *Interface, pairs map[[2]string]*Interface) *Interface {
	if far.LowerHere {
		return d.from.Interface(lower(far))
	}
	return pairs[[2]string{far.Netns, far.Name}]
}

// sweeps tells that what an interface of another namespace goes with is made anew,
// and that one with it.
func (d *differ) sweeps(holder, far *Interface) bool {
	after := d.to.Interface(holder.Name)
	if after == nil || d.trans[holder.Name].gone != early {
		return false
	}
	if far.LowerHere {
		return true
	}
	name, target := after.Peer()
	return name == far.Name && target == far.Netns
}

// in is another namespace; nil if it is not there, or nobody looked.
func (s *State) in(netns string) *State {
	if s == nil {
		return nil
	}
	return s.Elsewhere[netns]
}

// in are edits as they are made in a namespace.
func in(netns string, edits []Edit) []Edit {
	for i := range edits {
		edits[i].Netns = netns
	}
	return edits
}

// within is the edit as it is seen in another namespace; nil if it is not.
func (e *Edit) within(netns string) *Edit {
	if e.Netns == netns {
		return e
	}
	o := e.object().Link
	if o == nil || o.Netns != netns || e.Netns != "" {
		return nil
	}
	there := *e
	for _, side := range []*Object{&there.Before, &there.After} {
		if side.Link != nil && side.Link.Netns == netns {
			link := *side.Link
			link.Netns = ""
			side.Link = &link
		}
	}
	return &there
}

// farEndUnseen is the key in Interface.Status of the number that a namespace has
// here (ip-link(8) calls it link-netnsid) which the other end of a pair is in:
// nobody could tell the name of either.
const farEndUnseen = "link-netnsid"

// Unseen says what c takes along that nobody could look at, and that undoing
// cannot make again, one line an interface: s is the state before it.
func Unseen(s *State, c *Change) []string {
	var lines []string
	for i := range c.Edits {
		b := c.Edits[i].Before.Link
		if b == nil || b.Netns != "" || c.Edits[i].Op != Delete || c.Edits[i].Netns != "" {
			continue
		}
		if was := s.Interface(b.Name); was != nil && was.Status[farEndUnseen] != "" {
			lines = append(lines, b.Name+" takes its other end along, which is in a namespace without name or process (number "+was.Status[farEndUnseen]+")")
		}
	}
	return lines
}

// unseen refuses to make one of a pair anew whose other end cannot be made again.
func (m *simulation) unseen() {
	for i := range m.from.Interfaces {
		was := &m.from.Interfaces[i]
		c, after := m.config[was.Name], m.to.Interface(was.Name)
		if was.Netns != "" || was.Status[farEndUnseen] == "" || after == nil || c == nil {
			continue
		}
		if again, why := anew(was, after); again {
			m.problem(c.at(why), "contradiction", was.Name+" would have to be made anew for its "+why+", and its other end is in a namespace without name or process",
				"Remove the pair in a block before this one, or give the namespace a name in /run/netns.")
		}
	}
}

// apart parts the edits of this namespace from those of others, as they are seen
// there.
func (c *Change) apart() (here *Change, there map[string]*Change, names []string) {
	first := 0
	for c != nil && first < len(c.Edits) && c.Edits[first].Netns == "" {
		first++
	}
	if c == nil || first == len(c.Edits) {
		return c, nil, nil
	}
	here, there = &Change{Secrets: c.Secrets}, map[string]*Change{}
	for _, e := range c.Edits {
		at := here
		if e.Netns != "" {
			if at = there[e.Netns]; at == nil {
				at = &Change{Secrets: c.Secrets}
				there[e.Netns] = at
				names = append(names, e.Netns)
			}
			e.Netns = ""
		}
		at.Edits = append(at.Edits, e)
	}
	slices.Sort(names)
	return here, there, names
}

// everywhere compares a change with the state of each namespace that it is made
// in.
func everywhere(c *Change, now *State, compare func(*Change, *State) []Mismatch) []Mismatch {
	here, there, names := c.apart()
	found := compare(here, now)
	for _, netns := range names {
		far := now.in(netns)
		if far == nil {
			if len(compare(there[netns], &State{})) > 0 {
				found = append(found, Mismatch{Object: "namespace " + netns, Want: present, Got: absent})
			}
			continue
		}
		for _, m := range compare(there[netns], far) {
			m.Object += " netns " + netns
			found = append(found, m)
		}
	}
	return found
}

// with is another namespace with the interfaces that a change makes in it.
func (s *State) with(netns string, c *Change) *State {
	if s == nil {
		return nil
	}
	s = s.Clone()
	s.Sort()
	for i := range c.Edits {
		if after := c.Edits[i].After.Link; after != nil && after.Netns == netns {
			made := after.clone()
			if made.Netns = ""; made.LowerHere {
				delete(made.Attrs, kindOf(&made).Below)
				made.LowerHere = false
			}
			if was := s.Interface(made.Name); was != nil {
				made.Addresses = was.Addresses
			}
			s.put(made)
		}
	}
	return s
}

// farEndsIn tells whether the interfaces that c takes along in another namespace
// are there.
func (c *Change) farEndsIn(netns string, far *State) bool {
	if far == nil {
		return false
	}
	for _, r := range c.linkRecords() {
		if before := firstOf(r.before); before != nil && before.Netns == netns && far.Interface(before.Name) == nil {
			return false
		}
	}
	return true
}

// namesOf are the namespaces of a map, sorted.
func namesOf(m map[string]*State) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
