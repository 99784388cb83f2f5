package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stet/executors"
)

// lockMain is the other process: it takes the lock in a directory and sleeps.
func lockMain(dir string) error {
	_, err := takeLock(dir, "local", holder{Lock: executors.Lock{Run: "01RUN", Document: "/a.md", Operator: "ann", Since: "2026-01-02T03:04:05Z", Target: "r1"}})
	if err != nil {
		return err
	}
	fmt.Println("locked")
	time.Sleep(time.Hour)
	return nil
}

// TestLockOfAnotherProcess is told with its holder, and free once that is
// killed.
func TestLockOfAnotherProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net-1")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	other := exec.CommandContext(ctx, os.Args[0], "agent", "lock", dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("%q %v", line, err)
	}
	_, err = takeLock(dir, "local", holder{Lock: executors.Lock{Run: "02RUN"}})
	var e *executors.Error
	if !errors.As(err, &e) || e.Code != "locked" || e.Remedy == "" {
		t.Fatal(err)
	}
	for _, want := range []string{"ann", "2026-01-02T03:04:05Z", "/a.md", "01RUN"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
	// The same operation has it under another name of this host.
	mine := executors.Lock{Run: "01RUN", Target: "r1-by-address"}
	if _, err = takeLock(dir, "local", holder{Lock: mine}); !errors.As(err, &e) || e.Code != "locked" || !strings.Contains(err.Error(), "one host with r1,") {
		t.Error(err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	other.Wait()
	f, err := takeLock(dir, "local", holder{Lock: executors.Lock{Run: "02RUN"}})
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if err := releaseLock(f); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left its directory: %v", err)
	}
}

// TestLockIsOfOne has many take and give back: never two at a time, though the
// file comes and goes.
func TestLockIsOfOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net-1")
	var holding sync.Mutex
	var group sync.WaitGroup
	taken := make(chan int, 8)
	for range 8 {
		group.Go(func() {
			n := 0
			for range 200 {
				f, err := takeLock(dir, "local", holder{Lock: executors.Lock{Run: "r", Operator: "ann"}})
				var e *executors.Error
				if errors.As(err, &e) && e.Code == "locked" {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if !holding.TryLock() {
					t.Error("two hold the lock")
					return
				}
				n++
				holding.Unlock()
				if err := releaseLock(f); err != nil {
					t.Error(err)
				}
			}
			taken <- n
		})
	}
	group.Wait()
	close(taken)
	total := 0
	for n := range taken {
		total += n
	}
	if total < 8 {
		t.Errorf("taken %d times only", total)
	}
}
