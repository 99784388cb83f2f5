package ssh

import (
	"context"
	"fmt"
	"net"
	"time"
)

// way opens the byte stream to a host: through a jump host, a ProxyCommand, or
// straight. Release gives back the turn at a jump host.
func (d *Dialer) way(ctx context.Context, s *Settings, trail []string) (net.Conn, func(), error) {
	switch {
	case s.ProxyJump != "":
		return d.through(ctx, s, trail)
	case s.ProxyCommand != "":
		p, err := startProxy(s.ProxyCommand)
		if err != nil {
			return nil, nil, fmt.Errorf("running the ProxyCommand: %w", err)
		}
		return p, func() {}, nil
	}
	conn, err := direct(ctx, s)
	return conn, func() {}, err
}

// direct opens a TCP connection.
func direct(ctx context.Context, s *Settings) (net.Conn, error) {
	network := map[string]string{"inet": "tcp4", "inet6": "tcp6"}[s.AddressFamily]
	if network == "" {
		network = "tcp"
	}
	// Keep-alives of the protocol watch the peer, those of TCP would only
	// repeat them.
	dialer := net.Dialer{Timeout: s.connectTimeout(), KeepAlive: -1}
	if s.BindAddress != "" {
		local, err := net.ResolveTCPAddr(network, net.JoinHostPort(s.BindAddress, "0"))
		if err != nil {
			return nil, fmt.Errorf("binding to %s: %w", s.BindAddress, err)
		}
		dialer.LocalAddr = local
	}
	if s.BindInterface != "" {
		dialer.Control = bindInterface(s.BindInterface)
	}
	return dialer.DialContext(ctx, network, s.address())
}

// withTimeout bounds a step of connecting, with an error that tells it apart
// from the caller's own end.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("the connection %w", errTimeout))
}
