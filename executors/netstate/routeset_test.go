package netstate

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// packRoutes is s with its routes in sets.
func packRoutes(s *State) *State {
	out := s.Clone()
	out.Routes = nil
	type bin struct {
		way  Route
		list PrefixList
	}
	var bins []*bin
	for i := range s.Routes {
		r := s.Routes[i]
		at := slices.IndexFunc(bins, func(b *bin) bool {
			return classOf(&r).six == classOf(&Route{Destination: b.way.Destination}).six && r.Table == b.way.Table && r.Metric == b.way.Metric && sameWay(&r, &b.way, r.Destination)
		})
		if at < 0 {
			at = len(bins)
			bins = append(bins, &bin{way: r})
		}
		bins[at].list.Add(r.Destination)
	}
	for _, b := range bins {
		four, six := b.list.Sets()
		for _, p := range []Prefixes{four, six} {
			switch {
			case p.Len() == 1:
				r := b.way
				r.Destination = p.At(0)
				out.Routes = append(out.Routes, r)
			case p.Len() > 1:
				way := b.way
				way.Destination = netip.Prefix{}
				out.RouteSets = append(out.RouteSets, RouteSet{Route: way, Prefixes: p})
			}
		}
	}
	out.Sort()
	return out
}

// someRoutes are routes of a few kinds to a few destinations.
func someRoutes(r *rand.Rand, n int) []Route {
	seen := map[string]bool{}
	var out []Route
	for range n {
		at := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(40)), 0}), 24)
		if r.IntN(4) == 0 {
			at = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(r.IntN(20))}), 48)
		}
		x := Route{Destination: at, Table: 254, Protocol: 4, NextHops: []NextHop{{Device: "eth0"}}, Scope: 253}
		if at.Addr().Is4() && r.IntN(2) == 0 {
			x.Scope, x.NextHops[0].Via = 0, netip.AddrFrom4([4]byte{192, 0, 2, byte(2 + r.IntN(3))})
		}
		if at.Addr().Is6() {
			x.Metric, x.Scope = 1024, 0
		}
		switch r.IntN(8) {
		case 0:
			x.Protocol = 2
		case 1:
			x.Metrics = map[string]uint32{"mtu": 1400}
		case 2:
			x.Table = 100
		}
		key := x.Destination.String()
		if x.Table == 100 {
			key += "t"
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, x)
		}
	}
	return out
}

// someWishes are entries that stand for many routes, and some for one.
func someWishes(r *rand.Rand) *Config {
	c := &Config{}
	for _, at := range [][]Route{someRoutes(r, 30), someRoutes(r, 30)}[:1+r.IntN(2)] {
		var four PrefixList
		for _, x := range at {
			if x.Destination.Addr().Is4() {
				four.Add(x.Destination)
			}
		}
		set, _ := four.Sets()
		if set.Len() == 0 {
			continue
		}
		e := RouteConfig{Prefixes: set, Absent: r.IntN(4) == 0, Has: map[string]bool{"destination": true, "next-hop-interface": true}}
		e.Route.NextHops = []NextHop{{Device: "eth0"}}
		if r.IntN(2) == 0 {
			e.Route.NextHops[0].Via, e.Has["next-hop-address"] = netip.AddrFrom4([4]byte{192, 0, 2, byte(2 + r.IntN(3))}), true
		}
		c.Routes = append(c.Routes, e)
	}
	for _, x := range someRoutes(r, r.IntN(3)) {
		if x.Destination.Addr().Is4() {
			c.Routes = append(c.Routes, RouteConfig{Route: Route{Destination: x.Destination, NextHops: x.NextHops}, Has: map[string]bool{"destination": true}})
		}
	}
	return c
}

// TestRouteSetsAreTheirRoutes compares all that is computed with sets of routes
// with the same computed route by route.
func TestRouteSetsAreTheirRoutes(t *testing.T) {
	tried := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 7))
		from := table(0)
		from.Routes = someRoutes(r, 60)
		from.Sort()
		c := someWishes(r)
		compact := packRoutes(from)
		want, _, problems := Simulate(from, c.expanded())
		got, _, found := Simulate(compact, c)
		if (len(problems) > 0) != (len(found) > 0) {
			t.Fatalf("seed %d: problems %v with sets, %v without", seed, found, problems)
		}
		if len(problems) > 0 {
			continue
		}
		tried++
		if d := Diff(want, got.Expanded()); !d.Empty() {
			t.Fatalf("seed %d: with sets it becomes something else:\n%s", seed, Text(d))
		}
		change := Diff(compact, got)
		text, err := json.Marshal(change)
		if err != nil {
			t.Fatal(err)
		}
		read := &Change{}
		if err := json.Unmarshal(text, read); err != nil || read.Check() != nil {
			t.Fatalf("seed %d: reading %s: %v, %v", seed, text, err, read.Check())
		}
		if n := Diff(from, want).Count(); n != read.Count() {
			t.Fatalf("seed %d: %d routes change with sets, %d without:\n%s", seed, read.Count(), n, Text(read))
		}
		reached := Predict(compact, read)
		if d := Diff(reached, want); !d.Empty() {
			t.Fatalf("seed %d: missing:\n%s", seed, Text(d))
		}
		now := packRoutes(reached)
		if m := Verify(read, now); len(m) > 0 {
			t.Fatalf("seed %d: done, it differs: %+v", seed, m)
		}
		if m := VerifyUndone(read, compact); len(m) > 0 {
			t.Fatalf("seed %d: before, it differs from before: %+v", seed, m)
		}
		if !read.Empty() && len(Verify(read, compact)) != min(read.Count(), len(Verify(read.Singly(), from))) {
			t.Fatalf("seed %d: not done, %d differ instead of %d", seed, len(Verify(read, compact)), len(Verify(read.Singly(), from)))
		}
		// From any point on the way there is a way back.
		singly := read.Singly()
		half := Predict(from, &Change{Edits: slices.Clone(singly.Edits[:r.IntN(len(singly.Edits)+1)])})
		back := Predict(half, Undo(read, packRoutes(half)))
		if m := VerifyUndone(read, packRoutes(back)); len(m) > 0 {
			t.Fatalf("seed %d: undone: %+v", seed, m)
		}
		if d := Diff(back, from); !d.Empty() {
			t.Fatalf("seed %d: undone it is not as before:\n%s", seed, Text(d))
		}
	}
	if tried < 200 {
		t.Errorf("only %d were tried", tried)
	}
}

// TestTenOfManySets finds exactly what differs, whatever the size.
func TestTenOfManySets(t *testing.T) {
	plain := table(100_000)
	from := packRoutes(plain)
	to := plain.Clone()
	tenDifferences(to)
	change := Diff(from, packRoutes(to))
	if len(change.Edits) != 10 || change.Count() != 10 {
		t.Errorf("%d edits of %d routes, want 10:\n%s", len(change.Edits), change.Count(), Text(change))
	}
}

// TestDisjoint compares with looking at each network of each pair of sets.
func TestDisjoint(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var sets []Prefixes
		for range random.IntN(6) {
			var l PrefixList
			for range random.IntN(5) {
				l.Add4(random.Uint32N(60)<<8, 24)
			}
			four, _ := l.Sets()
			sets = append(sets, four)
		}
		want := true
		for i := range sets {
			for k := range i {
				both, _ := sets[i].split(sets[k])
				want = want && both.Len() == 0
			}
		}
		if got := disjoint(sets); got != want {
			t.Fatalf("disjoint says %v of %v", got, sets)
		}
	}
}

// TestSort4 sorts networks whose lengths, too, have to be in order.
func TestSort4(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	list := make([]prefix4, 5000)
	for i := range list {
		list[i] = prefix4(random.Uint32()&0xfff000ff)<<8 | prefix4(random.IntN(33))
	}
	want := slices.Sorted(slices.Values(list))
	if got := sort4(list); !slices.Equal(got, want) {
		t.Error("it is not sorted")
	}
}
