package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestCollectLate puts the first collection off, and only that.
func TestCollectLate(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) }()
	collectLate()
	if now := debug.SetMemoryLimit(-1); now != unswept {
		t.Fatalf("the limit is %d", now)
	}
	runtime.GC()
	for end := time.Now().Add(30 * time.Second); debug.SetMemoryLimit(-1) != limit; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the limit stays after a collection")
		}
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		now := debug.SetGCPercent(100)
		if now == 100 {
			return
		}
		debug.SetGCPercent(now)
		if time.Now().After(end) {
			t.Fatalf("the percentage stays at %d", now)
		}
	}
}
