//go:build crashpoint

package journal

import (
	"fmt"
	"os"
	"syscall"
)

// crashpoint kills this process where STET_CRASHPOINT says so: "before:7" dies
// before the seventh record is written, "torn:7" with half of it written,
// "after:7" when it is on disk.
func crashpoint(phase string, seq int64, last func()) {
	if os.Getenv("STET_CRASHPOINT") != fmt.Sprintf("%s:%d", phase, seq) {
		return
	}
	last()
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
