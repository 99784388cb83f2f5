//go:build unix

package ssh

import (
	"io"
	"net"
	"os"
)

func defaultAgent() string { return os.Getenv("SSH_AUTH_SOCK") }

func dialAgent(path string) (io.ReadWriteCloser, error) {
	return net.DialTimeout("unix", path, agentTimeout)
}
