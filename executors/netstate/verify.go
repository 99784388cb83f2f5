package netstate

import "slices"

// Verify tells where the state read back differs from what c asked for. Only
// what was asked is compared: what the kernel chose by itself never differs,
// and what it removed by itself is not insisted on.
func Verify(c *Change, now *State) []Mismatch { return everywhere(c, now, verify) }

func verify(c *Change, now *State) []Mismatch {
	if c.Empty() {
		return nil
	}
	sets, c, now := whole(c, sortedState(now))
	v := &verifier{now: now}
	if sets {
		v.sets(c, false)
		return v.found
	}
	touched := c.touched(false)
	for _, r := range c.linkRecords() {
		keys := touched[r.key().Netns+"/"+r.key().Name]
		v.link(r.key(), lastOf(r.after), firstOf(r.before), keys, r.implied)
		if got := v.now.interfaceIn(r.key().Netns, r.key().Name); got != nil && lastOf(r.after) != nil {
			v.inactive(c, firstOf(r.before), lastOf(r.after), got, keys)
		}
	}
	for _, r := range c.addressRecords() {
		if !r.implied {
			v.address(r.key(), lastOf(r.after), firstOf(r.before))
		}
	}
	v.objects(c, false)
	for _, r := range c.sysctlRecords() {
		if after := lastOf(r.after); after != nil && !r.implied {
			v.sysctl(after)
		}
	}
	v.namespaces(c, false)
	return v.found
}

// VerifyUndone tells where the state differs from what was there before c, as
// far as c's objects go. Values that the kernel chooses by itself (a bridge's
// address taken from its ports) never differ.
func VerifyUndone(c *Change, now *State) []Mismatch { return everywhere(c, now, verifyUndone) }

func verifyUndone(c *Change, now *State) []Mismatch {
	if c.Empty() {
		return nil
	}
	sets, c, now := whole(c, sortedState(now))
	v := &verifier{now: now}
	if sets {
		v.sets(c, true)
		return v.found
	}
	touched, links := c.touched(true), c.linkRecords()
	for _, r := range links {
		keys := touched[r.key().Netns+"/"+r.key().Name]
		if before := firstOf(r.before); before != nil {
			for _, key := range automatic(before, links) {
				if !c.sets(before, key) {
					delete(keys, key)
				}
			}
		}
		v.link(r.key(), firstOf(r.before), lastOf(r.after), keys, false)
	}
	for _, r := range c.addressRecords() {
		v.address(r.key(), firstOf(r.before), lastOf(r.after))
	}
	v.objects(c, true)
	for _, r := range c.sysctlRecords() {
		if before := firstOf(r.before); before != nil && !before.Missing {
			v.sysctl(before)
		}
	}
	v.namespaces(c, true)
	return v.found
}

// objects compares all that is neither an interface nor its address or parameter.
func (v *verifier) objects(c *Change, undone bool) {
	now := v.now
	verifyAll(v, now.Routes, c.routeRecords(), CompareRoutes, matchesRoute, routeName, routeText, undone)
	verifyAll(v, now.Nexthops, records(c.Edits, nexthopOf, CompareNexthops, equalNexthops), CompareNexthops, equalNexthops, nexthopName, nexthopText, undone)
	verifyAll(v, now.MPLS, records(c.Edits, mplsOf, CompareRoutes, equalRoutes), CompareRoutes, equalRoutes, routeName, routeText, undone)
	verifyAll(v, now.Rules, c.ruleRecords(), CompareRules, matchesRule, ruleName, ruleText, undone)
	verifyAll(v, now.Neighbors, c.neighborRecords(), CompareNeighbors, equalNeighbors, neighborName, neighborText, undone)
	verifyAll(v, now.FDB, c.fdbRecords(), CompareFDB, equalFDB, fdbName, fdbText, undone)
	verifyAll(v, now.MDB, records(c.Edits, mdbOf, CompareMDB, equalMDB), CompareMDB, equalMDB, mdbName, mdbText, undone)
	v.verifyDNS(c, undone)
	v.traffic(c, undone)
	v.verifyXfrm(c, undone)
}

// sets tells that c changes the attribute of an interface that stays: then it
// is no longer the kernel that chooses it.
func (c *Change) sets(i *Interface, key string) bool {
	for _, e := range c.Edits {
		b, a := e.Before.Link, e.After.Link
		if e.Implied || e.Replaces || b == nil || a == nil || CompareInterfaces(b, i) != 0 {
			continue
		}
		if changed(b, a, key) {
			return true
		}
	}
	return false
}

// sortedState is s, sorted; s itself is not changed.
func sortedState(s *State) *State {
	if s == nil {
		return &State{}
	}
	return &State{
		Elsewhere:  s.Elsewhere,
		Interfaces: sorted(s.Interfaces, CompareInterfaces), Routes: sorted(s.Routes, CompareRoutes),
		Rules: sorted(s.Rules, CompareRules), Neighbors: sorted(s.Neighbors, CompareNeighbors),
		FDB: sorted(s.FDB, CompareFDB), MDB: sorted(s.MDB, CompareMDB), TrafficControl: s.TrafficControl, Sysctls: s.Sysctls, Xfrm: sortXfrm(s.Xfrm), DNS: s.DNS, Namespaces: s.Namespaces, RouteSets: s.RouteSets, Nexthops: sorted(s.Nexthops, CompareNexthops), MPLS: sorted(s.MPLS, CompareRoutes),
	}
}

func firstOf[T any](list []*T) *T {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func lastOf[T any](list []*T) *T {
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

type verifier struct {
	now   *State
	found []Mismatch
}

const absent, present = "absent", "present"

// untold is what is there of a setting that the kernel does not tell though it tells
// such settings: it does not have it, and has passed over it.
const untold = "nothing (the kernel passed over it)"

func (v *verifier) differs(object, key, want, got string) {
	v.found = append(v.found, Mismatch{Object: object, Key: key, Want: want, Got: got})
}

// link compares an interface with what is wanted, or with its absence; other is
// what it was on the other side of the change.
func (v *verifier) link(key, want, other *Interface, keys map[string]bool, implied bool) {
	got := v.now.interfaceIn(key.Netns, key.Name)
	switch {
	case want == nil && got == nil, implied && want == nil:
	case want == nil:
		v.differs(linkName(key), "", absent, present)
	case got == nil:
		// Links of another namespace are seen only when they were asked for.
		if want.Netns == "" || v.sees(want.Netns) {
			v.differs(linkName(key), "", present, absent)
		}
	case got.Type != want.Type:
		v.differs(linkName(key), "type", want.Type, got.Type)
	default:
		if keys[AltNames] {
			want = withAltNames(want, got, other)
		}
		v.attrs(want, got, keys)
	}
}

func (v *verifier) sees(netns string) bool {
	return slices.ContainsFunc(v.now.Interfaces, func(i Interface) bool { return i.Netns == netns })
}

func (v *verifier) attrs(want, got *Interface, keys map[string]bool) {
	for _, d := range Differences(got, want) {
		if !keys[d.Key] || d.Key == kindOf(want).PeerKey() || d.Key == kindOf(want).PeerTargetKey() {
			continue
		}
		a, before := AttrByKey(d.Key), d.Before
		switch _, told := got.Attrs[d.Key]; {
		case !told && a.Unreported:
			continue
		case !told && !a.optional():
			before = untold
		}
		v.differs(linkName(want), d.Key, d.After, before)
	}
}

// address compares an address with what is wanted; other is what it was on the
// other side of the change.
func (v *verifier) address(key, want, other *InterfaceAddress) {
	var got *Address
	if i := v.now.Interface(key.Device); i != nil {
		got = findAddress(i.Addresses, &key.Address)
	}
	if got != nil {
		plain := unlabelled(key.Device, *got)
		got = &plain
	}
	switch {
	case want == nil && got == nil:
	case want == nil:
		if !got.Kernel && (other == nil || equalAddresses(got, &other.Address) || equalAddresses(&other.Address, got)) {
			v.differs(addressName(key), "", absent, addressText(&InterfaceAddress{Device: key.Device, Address: *got}))
		}
	case got == nil:
		v.differs(addressName(key), "", addressText(want), absent)
	case !equalAddresses(got, &want.Address) && !equalAddresses(&want.Address, got):
		v.differs(addressName(key), "", addressText(want), addressText(&InterfaceAddress{Device: key.Device, Address: *got}))
	}
}

func (v *verifier) sysctl(want *Sysctl) {
	if got := v.now.Sysctls[want.Key]; !sameSysctl(got, want.Value) {
		if got == "" {
			got = absent
		}
		v.differs("sysctl "+want.Key, "", want.Value, got)
	}
}

// verifyAll compares one kind of object; undone exchanges the sides.
func verifyAll[T any](v *verifier, list []T, recs []record[*T], compare func(a, b *T) int, matches func(got, want *T) bool, name, text func(*T) string, undone bool) {
	verifyEach(v, len(list), func(i int) *T { return &list[i] }, recs, compare, matches, name, text, undone)
}

// verifyEach is verifyAll of pointers, which share one body of code.
func verifyEach[P any](v *verifier, count int, at func(int) P, recs []record[P], compare func(a, b P) int, matches func(got, want P) bool, name, text func(P) string, undone bool) {
	n := 0
	for i := range recs {
		want, other := recs[i].after, recs[i].before
		if undone {
			want, other = other, want
		} else if recs[i].implied {
			continue
		}
		key := recs[i].key()
		for n < count && compare(at(n), key) < 0 {
			n++
		}
		end := n
		for end < count && compare(at(end), key) == 0 {
			end++
		}
		there := func(o P) bool {
			for g := n; g < end; g++ {
				if matches(at(g), o) {
					return true
				}
			}
			return false
		}
		for _, w := range want {
			if there(w) {
				continue
			}
			got := absent
			if n < end {
				got = text(at(n))
			}
			v.differs(name(w), "", text(w), got)
		}
		if len(want) > 0 {
			continue
		}
		for _, o := range other {
			if there(o) {
				v.differs(name(o), "", absent, text(o))
			}
		}
	}
}

// matchesRoute is equalRoutes, but for what was left to the kernel.
func matchesRoute(got, want *Route) bool {
	if want.Protocol == 0 {
		w := *want
		w.Protocol = got.Protocol
		want = &w
	}
	return equalRoutes(got, want)
}

func matchesRule(got, want *Rule) bool { return want.Protocol == 0 || got.Protocol == want.Protocol }
