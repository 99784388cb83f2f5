//go:build !linux

package local

import (
	"context"

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
