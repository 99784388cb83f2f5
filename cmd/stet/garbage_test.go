package main

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// collectVar says to the test binary that it is the process of TestCollectLate.
const collectVar = "STET_TEST_COLLECT"

// TestCollectLate puts the first collection off, and only that. It does so in a
// process of its own: one that other tests have used holds more than unswept, so that
// it collects at once, and what they have asked to be run then goes on.
func TestCollectLate(t *testing.T) {
	if os.Getenv(collectVar) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCollectLate$")
		cmd.Env = append(os.Environ(), collectVar+"=1", "GOGC=", "GOMEMLIMIT=")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	collectLate()
	if now := debug.SetMemoryLimit(-1); now != unswept {
		t.Fatalf("the limit is %d", now)
	}
	for end := time.Now().Add(time.Minute); debug.SetMemoryLimit(-1) == unswept; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the limit stays after a collection")
		}
		runtime.GC()
	}
	// With little alive, collections begin where the first one did; with much,
	// where they always do.
	waitForPercent(t, func(now int) bool { return now > 100 })
	much := make([]byte, 2*unswept)
	waitForPercent(t, func(now int) bool { return now > 90 && now <= 100 })
	runtime.KeepAlive(much)
	waitForPercent(t, func(now int) bool { return now > 100 })
}

// waitForPercent collects garbage until the percentage is good: what is to run after
// a collection may be asked for so late that it runs only after the one that follows.
func waitForPercent(t *testing.T, good func(int) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		runtime.GC()
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
		want    uint64 // MiB
	}{
		{100, memory{}, 32},
		{100, memory{live: 4 << 20}, 28},
		{100, memory{live: 16 << 20}, 16},
		{100, memory{live: 24 << 20}, 24},
		{100, memory{live: 500 << 20}, 500},
		{50, memory{live: 500 << 20}, 250},
		{100, memory{live: 40 << 20, stacks: 10 << 20}, 20},
		{100, memory{live: 40 << 20, stacks: 20 << 20}, 5},
		{100, memory{live: 40 << 20, stacks: 400 << 20}, 5},
		{100, memory{live: 24 << 20, stacks: 12 << 20}, 3},
		{100, memory{live: 20 << 20, stacks: 12 << 20}, 6},
		{100, memory{live: 5 << 20, stacks: 10 << 20}, 8},
		{100, memory{live: 10 << 20, stacks: 12 << 20}, 10},
		{100, memory{live: 5 << 20, stacks: 1 << 20}, 26},
		{100, memory{live: 24 << 20, stacks: 16 << 20}, 3},
		{100, memory{live: 12 << 20, stacks: 6 << 20}, 12},
		{100, memory{live: 16 << 20, stacks: 8 << 20}, 14},
		{400, memory{live: 16 << 20}, 64},
	} {
		if got := spare(c.percent, c.left); got != c.want<<20 {
			t.Errorf("spare(%d, %+v) is %d instead of %d MiB", c.percent, c.left, got, c.want)
		}
	}
	for _, c := range []struct {
		left memory
		room uint64
		want int
	}{
		{memory{}, 32 << 20, 3200},
		{memory{live: 16 << 20}, 16 << 20, 100},
		{memory{live: 30 << 20, scanned: 10 << 20}, 4 << 20, 10},
	} {
		if got := c.left.percent(c.room); got != c.want {
			t.Errorf("%d bytes of %+v are %d %% instead of %d", c.room, c.left, got, c.want)
		}
	}
}
