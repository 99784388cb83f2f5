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

// roomy is how much there may be alive, in stacks and of garbage before room becomes
// scarce.
const roomy = 38 << 20

// manyStacks is what hundreds of goroutines have.
const manyStacks = 4 << 20

// fewer is how much may be allocated until the next collection where many goroutines
// come, and little is alive yet.
const fewer = 8 << 20

// slack is added to the limit: one that is reached while it is out of date means one
// collection after another.
const slack = 16 << 20

// collectLate puts the collection of garbage off. What the operator set with
// GOGC or GOMEMLIMIT stays.
func collectLate() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := debug.SetGCPercent(-1)
	debug.SetMemoryLimit(unswept)
	stayAbove(percent)
}

// stayAbove sets after each collection what may be allocated until the next. It may
// be late, and a percentage of more that is alive by then would be much more: the
// limit holds in any case.
func stayAbove(percent int) {
	whenCollected(func() {
		left := leftOver()
		room := spare(percent, left)
		debug.SetMemoryLimit(int64(left.all + 2*room + slack))
		debug.SetGCPercent(left.percent(room))
		stayAbove(percent)
	})
}

// whenCollected runs f after the next collection of garbage.
func whenCollected(f func()) {
	first := new([64]byte)
	runtime.AddCleanup(first, func(int) { f() }, 0)
}

// memory is what the last collection left, in bytes.
type memory struct {
	live    uint64 // of the heap
	stacks  uint64 // of all goroutines
	scanned uint64 // besides the heap
	all     uint64 // that the kernel gave
}

// spare is what may be allocated until the next collection, in bytes: as much as
// percent says of what is alive, less twice what the stacks take, but an eighth of
// it; and at least up to unswept, and to roomy where percent allows that much. A
// thousand connections have half as much memory in stacks as in the heap: with them
// there is less room than time. While they come there is no more of it than what is
// alive, or fewer: the percentage may hold for longer than one collection (see
// stayAbove), and several hundred of it, of what is alive then, were 10 MiB more than
// was meant. Where there are few goroutines nothing changes.
func spare(percent int, m memory) uint64 {
	most := m.live * uint64(percent) / 100
	room := most - min(2*m.stacks, most*7/8)
	used := m.live + m.stacks
	if used < roomy {
		room = max(room, min(most, roomy-used))
	}
	if used < unswept {
		room = max(room, unswept-used)
	}
	if m.stacks > m.live/4 && m.stacks > manyStacks {
		room = min(room, max(most, fewer))
	}
	return room
}

// percent is room in percent of what was looked at, as the runtime counts it.
func (m memory) percent(room uint64) int { return int(room * 100 / max(m.live+m.scanned, 1<<20)) }

func leftOver() memory {
	all := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(all)
	value := func(i int) uint64 {
		if all[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return all[i].Value.Uint64()
	}
	return memory{live: value(0), stacks: value(1), scanned: value(2) + value(3), all: value(4) - value(5)}
}
