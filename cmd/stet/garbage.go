package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// unswept is how much memory is used before garbage is first collected: most
// commands end before.
const unswept = 32 << 20

// collectLate puts the first collection of garbage off. What the operator set
// with GOGC or GOMEMLIMIT stays.
func collectLate() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(unswept)
	first := new([64]byte)
	runtime.AddCleanup(first, func(int) {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}, 0)
}
