//go:build linux

package linux

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stet/executors/netstate"
)

// BenchmarkRoutes adds 10,000 routes and reads them back, against what
// ip -batch takes to add them in the same run.
func BenchmarkRoutes(b *testing.B) {
	const count = 10000
	ns := newNamespace(b)
	ns.runAll(place0)
	edits := routes(count)
	var lines strings.Builder
	for i := range edits {
		fmt.Fprintf(&lines, "route add %s via 198.51.100.2 proto static\n", edits[i].After.Route.Destination)
	}
	file := filepath.Join(b.TempDir(), "routes")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	away := make([]netstate.Edit, count)
	for i := range edits {
		away[i] = netstate.Edit{Op: netstate.Delete, Before: edits[i].After}
	}
	var own, look, other time.Duration
	for b.Loop() {
		own += ns.timed(func() { ns.edit(edits...) })
		var got *netstate.State
		look += ns.timed(func() { got = ns.observe(netstate.Query{Routes: true}) })
		if len(got.Routes) < count {
			b.Fatalf("%d routes were read back", len(got.Routes))
		}
		ns.edit(away...)
		other += ns.timed(func() { ns.run("ip", "-batch", file) })
		ns.edit(away...)
	}
	b.ReportMetric(float64(own)/float64(other), "of-ip-batch")
	b.ReportMetric(float64(own+look)/float64(other), "with-readback-of-ip-batch")
	b.ReportMetric(float64(own.Microseconds())/float64(b.N)/count, "µs/route")
}

func (ns *namespace) timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// BenchmarkObserve reads 100,000 routes.
func BenchmarkObserve(b *testing.B) {
	ns := newNamespace(b)
	ns.runAll(place0)
	ns.edit(routes(100000)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ns.Observe(context.Background(), netstate.Query{Routes: true}); err != nil {
			b.Fatal(err)
		}
	}
}
