package netstate

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// table is n routes over one card.
func table(n int) *State {
	s := &State{Interfaces: []Interface{{Name: "eth0", Type: "ethernet", Attrs: Attrs{"state": "up"}, Addresses: []Address{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}}}}}
	via := netip.MustParseAddr("192.0.2.254")
	hops := make([]NextHop, n)
	s.Routes = make([]Route, n)
	for i := range s.Routes {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x0a000000+uint32(i)*8)
		hops[i] = NextHop{Device: "eth0", Via: via}
		s.Routes[i] = Route{Destination: netip.PrefixFrom(netip.AddrFrom4(a), 29), Table: 254, Protocol: 4, NextHops: hops[i : i+1 : i+1]}
	}
	return s
}

func benchmarkDiff(b *testing.B, n int, change func(*State)) {
	from, to := table(n), table(n)
	change(to)
	b.ReportAllocs()
	for b.Loop() {
		Diff(from, to)
	}
}

func tenDifferences(s *State) {
	for i := range 10 {
		s.Routes[i*len(s.Routes)/10].Metrics = map[string]uint32{"mtu": 1400}
	}
}

func BenchmarkDiff10k(b *testing.B)  { benchmarkDiff(b, 10_000, tenDifferences) }
func BenchmarkDiff500k(b *testing.B) { benchmarkDiff(b, 500_000, tenDifferences) }
func BenchmarkDiffAdd500k(b *testing.B) {
	b.ReportAllocs()
	to := table(500_000)
	from := &State{Interfaces: to.Interfaces}
	for b.Loop() {
		Diff(from, to)
	}
}

// BenchmarkCycle10k is everything that a plan and its proof compute.
func BenchmarkCycle10k(b *testing.B) {
	to := table(10_000)
	from := &State{Interfaces: to.Interfaces}
	c := &Config{}
	for _, r := range to.Routes {
		c.Routes = append(c.Routes, RouteConfig{Route: r, Has: map[string]bool{"destination": true}})
	}
	b.ReportAllocs()
	for b.Loop() {
		s, _, problems := Simulate(from, c)
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		change := Diff(from, s)
		if len(Verify(change, s)) > 0 || len(Text(change)) == 0 {
			b.Fatal("it does not verify")
		}
		Undo(change, s)
	}
}

// TestTenOfManyRoutes finds exactly what differs, whatever the size.
func TestTenOfManyRoutes(t *testing.T) {
	from, to := table(100_000), table(100_000)
	tenDifferences(to)
	if c := Diff(from, to); len(c.Edits) != 10 {
		t.Errorf("%d edits, want 10", len(c.Edits))
	}
}
