//go:build unix

package agent

import (
	"os"
	"syscall"
)

// waiting is the same file, for whose readers the kernel tells when there is
// something, if it is a pipe or a socket. Files are left as they are: others may
// share how they are open.
func waiting(f *os.File) *os.File {
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return f
	}
	fd := f.Fd()
	if syscall.SetNonblock(int(fd), true) != nil {
		return f
	}
	return os.NewFile(fd, f.Name())
}

const brokenPipe = syscall.SIGPIPE

// endSignals ask an agent to end, hangUpSignals tell it that its connection is
// gone.
var (
	endSignals    = []os.Signal{syscall.SIGTERM}
	hangUpSignals = []os.Signal{syscall.SIGHUP}
)
