package netstate

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Nexthop is a nexthop object (struct nhmsg of linux/nexthop.h, ip-nexthop(8)):
// a way that routes name by its number, so that many can be turned at once.
type Nexthop struct {
	ID uint32 `json:"id"`
	// Family is 4 or 6; 0 of a group.
	Family int        `json:"family,omitempty"`
	Device string     `json:"device,omitempty"`
	Via    netip.Addr `json:"via,omitzero"`
	OnLink bool       `json:"onlink,omitempty"`
	// Blackhole drops packets; it has no device.
	Blackhole bool `json:"blackhole,omitempty"`
	// FDB is set for one that forwarding entries of VXLANs name.
	FDB bool `json:"fdb,omitempty"`
	// Group are the members of a group, which has nothing else.
	Group []NexthopMember `json:"group,omitempty"`
	// Resilient is set for a group that keeps flows where they are when its
	// members change.
	Resilient *Resilient `json:"resilient,omitempty"`
	// Encap is as in NextHop.
	Encap    string `json:"encap,omitempty"`
	Protocol uint8  `json:"protocol,omitempty"`
}

// NexthopMember is a member of a group of nexthop objects.
type NexthopMember struct {
	ID     uint32 `json:"id"`
	Weight uint16 `json:"weight"` // from 1
}

// Resilient is how a resilient group keeps flows (ip-nexthop(8)): in buckets,
// which move to another member when they were idle for IdleTimer, or when the
// group was out of balance for UnbalancedTimer, in seconds; 0 of the latter is
// never.
type Resilient struct {
	Buckets         uint16 `json:"buckets"`
	IdleTimer       uint32 `json:"idle-timer"`
	UnbalancedTimer uint32 `json:"unbalanced-timer"`
}

func sameResilience(a, b *Resilient) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// NexthopConfig is one entry of nexthops (an extension).
type NexthopConfig struct {
	Pos     Pos
	Absent  bool
	Nexthop Nexthop
	// Has tells that "protocol" was given.
	Has map[string]bool
}

// CompareNexthops orders nexthop objects by number.
func CompareNexthops(a, b *Nexthop) int { return cmp.Compare(a.ID, b.ID) }

func equalNexthops(a, b *Nexthop) bool {
	return a.ID == b.ID && a.Family == b.Family && a.Device == b.Device && a.Via == b.Via && a.OnLink == b.OnLink &&
		a.Blackhole == b.Blackhole && a.FDB == b.FDB && a.Protocol == b.Protocol && a.Encap == b.Encap &&
		sameResilience(a.Resilient, b.Resilient) && slices.Equal(members(a), members(b))
}

// members are a group's, by number: their order means nothing.
func members(n *Nexthop) []NexthopMember {
	list := slices.Clone(n.Group)
	sortShort(list, func(a, b NexthopMember) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func nexthopOf(o Object) *Nexthop { return o.Nexthop }

func (s *State) nexthop(id uint32) *Nexthop {
	at, ok := slices.BinarySearchFunc(s.Nexthops, Nexthop{ID: id}, func(a, b Nexthop) int { return CompareNexthops(&a, &b) })
	if !ok {
		return nil
	}
	return &s.Nexthops[at]
}

// devices are the interfaces that an object leads over, by way of its members.
func (s *State) devices(id uint32) []string {
	n := s.nexthop(id)
	if n == nil {
		return nil
	}
	var out []string
	if n.Device != "" {
		out = append(out, n.Device)
	}
	for _, m := range n.Group {
		if one := s.nexthop(m.ID); one != nil && one.Device != "" {
			out = append(out, one.Device)
		}
	}
	return out
}

// nexthop tells when the kernel removes an object: with its interface, or when
// that goes down; a group when it has no members left.
func (l *losses) nexthop(n *Nexthop) moment {
	if len(n.Group) == 0 {
		switch t := l.trans[n.Device]; {
		case n.Device == "":
			return never
		case t.gone != never:
			return t.gone
		case t.down:
			return late
		}
		return never
	}
	when := never
	for _, m := range n.Group {
		one := l.from.nexthop(m.ID)
		if one == nil {
			continue
		}
		at := l.nexthop(one)
		if at == never {
			return never
		}
		when = max(when, at)
	}
	return when
}

func nexthopName(n *Nexthop) string { return "nexthop " + strconv.FormatUint(uint64(n.ID), 10) }

func nexthopText(n *Nexthop) string {
	var w []string
	if len(n.Group) > 0 {
		var list []string
		for _, m := range n.Group {
			one := strconv.FormatUint(uint64(m.ID), 10)
			if m.Weight > 1 {
				one += "," + strconv.Itoa(int(m.Weight))
			}
			list = append(list, one)
		}
		w = append(w, "group", strings.Join(list, "/"))
	}
	if r := n.Resilient; r != nil {
		seconds := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
		w = append(w, "type", "resilient", "buckets", number(r.Buckets), "idle_timer", seconds(r.IdleTimer), "unbalanced_timer", seconds(r.UnbalancedTimer))
	}
	if n.Encap != "" {
		w = append(w, "encap", n.Encap)
	}
	if n.Blackhole {
		w = append(w, "blackhole")
	}
	if n.Via.IsValid() {
		w = append(w, "via", n.Via.String())
	}
	if n.Device != "" {
		w = append(w, "dev", n.Device)
	}
	if n.OnLink {
		w = append(w, "onlink")
	}
	if n.FDB {
		w = append(w, "fdb")
	}
	if p := protocolName(n.Protocol); p != "" && n.Protocol != protocolStatic {
		w = append(w, "proto", p)
	}
	return strings.Join(w, " ")
}

func ipNexthop(e *Edit) string {
	n := e.object().Nexthop
	id := strconv.FormatUint(uint64(n.ID), 10)
	if e.Op == Delete {
		return words("ip", "nexthop", "delete", "id", id)
	}
	w := []string{"ip"}
	if n.Family == 6 && !n.Via.IsValid() {
		w = append(w, "-6")
	}
	w = append(w, "nexthop", map[Op]string{Add: "add", Modify: "replace"}[e.Op], "id", id)
	w = append(w, ipEncap(nexthopText(n))...)
	if n.Protocol == protocolStatic {
		w = append(w, "proto", "static")
	}
	return words(w...)
}

// nexthops removes and adds nexthop objects.
func (m *simulation) nexthops(list []NexthopConfig) {
	for i := range list {
		c := &list[i]
		n := c.Nexthop
		there := m.to.nexthop(n.ID)
		if c.Absent {
			if there != nil {
				m.removeNexthop(c)
			}
			continue
		}
		if n.Protocol == 0 {
			n.Protocol = protocolStatic
			if there != nil {
				n.Protocol = there.Protocol
			}
		}
		if n.Device != "" && !m.device(c.Pos, n.Device, nexthopName(&n)) {
			continue
		}
		for _, member := range n.Group {
			if one := m.to.nexthop(member.ID); one == nil || len(one.Group) > 0 {
				m.problem(c.Pos, "unknown-nexthop", "the group "+nexthopName(&n)+" has the member "+strconv.FormatUint(uint64(member.ID), 10)+", which is no nexthop",
					"Make it in an entry before this one. Groups of groups are not possible.")
			}
		}
		switch {
		case there == nil:
			m.to.Nexthops = append(m.to.Nexthops, n)
			sortBy(m.to.Nexthops, CompareNexthops)
		case (len(there.Group) > 0) != (len(n.Group) > 0):
			m.problem(c.Pos, "contradiction", nexthopName(&n)+" cannot become a group, nor a group a single one", "Take another `id`.")
		case (there.Resilient != nil) != (n.Resilient != nil), n.Resilient != nil && n.Resilient.Buckets != there.Resilient.Buckets:
			m.problem(c.Pos, "contradiction", nexthopName(&n)+" is there, and the kernel changes neither the type of a group nor its number of buckets", "Take another `id`.")
		default:
			*there = n
		}
		m.kept.Nexthops = append(m.kept.Nexthops, n)
		sortBy(m.kept.Nexthops, CompareNexthops)
	}
}

// removeNexthop takes an object out that nothing uses any more.
func (m *simulation) removeNexthop(c *NexthopConfig) {
	id := c.Nexthop.ID
	for i := range m.to.Nexthops {
		if slices.ContainsFunc(m.to.Nexthops[i].Group, func(o NexthopMember) bool { return o.ID == id }) {
			m.problem(c.Pos, "in-use", nexthopName(&c.Nexthop)+" is in the group "+nexthopName(&m.to.Nexthops[i]), "Take it out of the group first.")
			return
		}
	}
	m.to.Nexthops = slices.DeleteFunc(m.to.Nexthops, func(n Nexthop) bool { return n.ID == id })
	m.gone = append(m.gone, c)
}

// unusedNexthops refuses to remove objects that routes or forwarding entries
// still lead by: the kernel would remove these, too.
func (m *simulation) unusedNexthops() {
	for _, c := range m.gone {
		for i := range m.to.Routes {
			if r := &m.to.Routes[i]; r.NexthopID == c.Nexthop.ID {
				m.problem(c.Pos, "in-use", nexthopName(&c.Nexthop)+" is used by the route to "+r.Destination.String(), "Remove that route in the same block, or give it another way.")
				break
			}
		}
		for i := range m.to.FDB {
			if e := &m.to.FDB[i]; e.NexthopID == c.Nexthop.ID {
				m.problem(c.Pos, "in-use", nexthopName(&c.Nexthop)+" is used by the forwarding entry "+e.MAC+" of "+e.Device, "Remove that entry in the same block.")
				break
			}
		}
	}
}

// nexthops finds the edits of nexthop objects: members before their groups when
// they are made, after them when they go.
func (d *differ) nexthops() {
	var members, groups, goneGroups, goneMembers []Edit
	put := func(e Edit) {
		if len(e.object().Nexthop.Group) > 0 {
			groups = append(groups, e)
		} else {
			members = append(members, e)
		}
	}
	eachPair(d.from.Nexthops, d.to.Nexthops, CompareNexthops, equalNexthops, func(p pair[Nexthop]) {
		when := never
		if p.before != nil {
			when = d.nexthop(p.before)
		}
		before, after := Object{Nexthop: p.before}, Object{Nexthop: p.after}
		gone := Edit{Op: Delete, Before: before, Implied: when != never}
		switch {
		case p.before == nil:
			put(Edit{Op: Add, After: after})
		case p.after == nil && when == never && len(p.before.Group) > 0:
			goneGroups = append(goneGroups, gone)
		case p.after == nil && when == never:
			goneMembers = append(goneMembers, gone)
		case p.after == nil && when == early:
			d.addressEarly = append(d.addressEarly, gone)
		case p.after == nil:
			d.lost = append(d.lost, gone)
		case when == early:
			d.addressEarly = append(d.addressEarly, gone)
			put(Edit{Op: Add, After: after})
		case when == late:
			d.lost = append(d.lost, gone)
			d.post = append(d.post, Edit{Op: Add, After: after})
		case !equalNexthops(p.before, p.after):
			put(Edit{Op: Modify, Before: before, After: after})
		}
	})
	d.nexthopsAdded = slices.Concat(members, groups)
	d.nexthopsGone = slices.Concat(goneGroups, goneMembers)
}
