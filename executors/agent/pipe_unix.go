//go:build unix

package agent

import (
	"os"
	"syscall"
)

const brokenPipe = syscall.SIGPIPE

// endSignals ask an agent to end.
var endSignals = []os.Signal{syscall.SIGTERM, syscall.SIGHUP}
