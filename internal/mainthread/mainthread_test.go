//go:build linux

package mainthread

import (
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// TestLeave needs more threads at once than there are: the main one is none of
// them.
func TestLeave(t *testing.T) {
	var mu sync.Mutex
	threads := map[int]bool{}
	code := Leave(func() int {
		var wg sync.WaitGroup
		all := make(chan struct{})
		for range 50 {
			wg.Go(func() {
				runtime.LockOSThread() // the thread ends with this
				mu.Lock()
				if threads[syscall.Gettid()] = true; len(threads) == 50 {
					close(all)
				}
				mu.Unlock()
				<-all
			})
		}
		wg.Wait()
		return 7
	})
	if code != 7 || threads[syscall.Getpid()] {
		t.Errorf("code %d, threads %v of process %d", code, threads, syscall.Getpid())
	}
}
