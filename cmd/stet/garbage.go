package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// unswept is how much memory is used before garbage is first collected: most
// commands end before. What has been used once is not more expensive to use
// again, so that no later collection begins below it either: with little alive,
// each few MiB would be a collection of their own.
const unswept = 32 << 20

// collectLate puts the collection of garbage off. What the operator set with
// GOGC or GOMEMLIMIT stays.
func collectLate() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(unswept)
	whenCollected(func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(spare(percent, alive()))
		stayAbove(percent)
	})
}

// stayAbove sets after each collection what may be allocated until the next.
func stayAbove(percent int) {
	whenCollected(func() {
		debug.SetGCPercent(spare(percent, alive()))
		stayAbove(percent)
	})
}

// whenCollected runs f after the next collection of garbage.
func whenCollected(f func()) {
	first := new([64]byte)
	runtime.AddCleanup(first, func(int) { f() }, 0)
}

// spare is what may be allocated until the next collection, in percent of what
// is alive: as much as percent says, and at least up to unswept.
func spare(percent int, live uint64) int {
	if live >= unswept {
		return percent
	}
	live = max(live, 1<<20)
	return max(percent, int((unswept-live)*100/live))
}

// alive is what the last collection left, in bytes.
func alive() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(live); live[0].Value.Kind() != metrics.KindUint64 {
		return unswept
	}
	return live[0].Value.Uint64()
}
