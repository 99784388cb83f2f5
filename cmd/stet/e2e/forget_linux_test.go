package e2e

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// forget removes what stet keeps of a namespace until the machine starts anew:
// the outcomes of its guards.
func forget(t testing.TB, name string) {
	t.Helper()
	cookie := make(chan uint64, 1)
	go func() {
		defer close(cookie)
		runtime.LockOSThread() // and never unlocks: the thread ends here
		ns, err := unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		defer unix.Close(ns)
		if unix.Setns(ns, unix.CLONE_NEWNET) != nil {
			return
		}
		s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return
		}
		defer unix.Close(s)
		if c, err := unix.GetsockoptUint64(s, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE); err == nil {
			cookie <- c
		}
	}()
	if c, ok := <-cookie; ok {
		if err := os.RemoveAll(fmt.Sprintf("/run/stet/net-%d", c)); err != nil {
			t.Error(err)
		}
	}
}
