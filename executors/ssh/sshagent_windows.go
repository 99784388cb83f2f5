package ssh

import (
	"io"
	"net"
	"os"
	"strings"
)

// defaultAgent is SSH_AUTH_SOCK or the pipe of Windows' own ssh-agent.
func defaultAgent() string {
	if path := os.Getenv("SSH_AUTH_SOCK"); path != "" {
		return path
	}
	const pipe = `\\.\pipe\openssh-ssh-agent`
	if _, err := os.Stat(pipe); err != nil {
		return ""
	}
	return pipe
}

// dialAgent opens a named pipe, or a Unix socket where the path is none. The
// agent's protocol is question and answer, so that a plain file handle serves.
func dialAgent(path string) (io.ReadWriteCloser, error) {
	if strings.HasPrefix(path, `\\`) || strings.HasPrefix(path, "//") {
		return os.OpenFile(path, os.O_RDWR, 0)
	}
	return net.DialTimeout("unix", path, agentTimeout)
}
