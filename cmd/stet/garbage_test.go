package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
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
	// With little alive, collections begin where the first one did; with much,
	// where they always do.
	waitForPercent(t, func(now int) bool { return now > 100 })
	much := make([]byte, 2*unswept)
	runtime.GC()
	waitForPercent(t, func(now int) bool { return now > 90 && now <= 100 })
	runtime.KeepAlive(much)
	runtime.GC()
	waitForPercent(t, func(now int) bool { return now > 100 })
}

func waitForPercent(t *testing.T, good func(int) bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		now := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(now)
		if good(int(now[0].Value.Uint64())) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the percentage stays at %d", now[0].Value.Uint64())
		}
	}
}

func TestSpare(t *testing.T) {
	for _, c := range []struct {
		percent int
		left    memory
		want    int
	}{
		{100, memory{}, 3200},
		{100, memory{live: 4 << 20}, 700},
		{100, memory{live: 16 << 20}, 100},
		{100, memory{live: 24 << 20}, 100},
		{100, memory{live: 500 << 20}, 100},
		{50, memory{live: 500 << 20}, 50},
		{100, memory{live: 40 << 20, stacks: 10 << 20}, 50},
		{100, memory{live: 40 << 20, stacks: 20 << 20}, 12},
		{100, memory{live: 40 << 20, stacks: 400 << 20}, 12},
		{100, memory{live: 24 << 20, stacks: 400 << 20}, 33},
		{100, memory{live: 40 << 20, stacks: 10 << 20, scanned: 10 << 20}, 40},
		{100, memory{live: 4 << 20, stacks: 400 << 20}, 700},
		{400, memory{live: 16 << 20}, 400},
	} {
		if got := spare(c.percent, c.left); got != c.want {
			t.Errorf("spare(%d, %+v) is %d instead of %d", c.percent, c.left, got, c.want)
		}
	}
}
