//go:build unix

package agent

import "syscall"

const brokenPipe = syscall.SIGPIPE
