//go:build unix

package agent

import (
	"os"
	"syscall"
)

const brokenPipe = syscall.SIGPIPE

// endSignals ask an agent to end, hangUpSignals tell it that its connection is
// gone.
var (
	endSignals    = []os.Signal{syscall.SIGTERM}
	hangUpSignals = []os.Signal{syscall.SIGHUP}
)
