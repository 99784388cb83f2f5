//go:build !linux

package local

import (
	"context"
	"io"
	"os"

	"stet/executors"
)

// Host opens nothing on this system.
type Host struct{}

// NewHost makes a Host whose Open says that local targets need Linux.
func NewHost(HostOptions) (*Host, error) { return &Host{}, nil }

// Open implements executors.Opener.
func (h *Host) Open(_ context.Context, t executors.Target) (executors.Session, error) {
	return nil, unsupported("opening " + t.Address)
}

// Close implements executors.Opener.
func (h *Host) Close() error { return nil }

// NewSandbox says that local targets need Linux.
func NewSandbox(context.Context, SandboxOptions) (executors.Opener, error) {
	return nil, unsupported("starting the sandbox")
}

func unsupported(op string) error {
	return &executors.Error{Code: "unsupported", Op: op, Message: "local targets need Linux",
		Remedy: "run stet on a Linux host, or give the target an ssh:// address"}
}

// Serve says that local targets need Linux.
func Serve(context.Context, <-chan os.Signal, []string, io.Reader, io.Writer) error {
	return unsupported("serving sessions")
}

// ServeSandbox says that local targets need Linux.
func ServeSandbox(context.Context, []string, io.Reader, io.Writer) error {
	return unsupported("serving sandboxes")
}

// ServeGuard says that local targets need Linux.
func ServeGuard(context.Context, []string) error { return unsupported("serving a guard") }

// ExitCode is a helper's exit code for the error that it ended with.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return 1
}
