package probe

import (
	"context"
	"fmt"
	"net"
	"time"

	"stet/executors"
)

func (at Options) tcp(ctx context.Context, p executors.TCP) (*executors.ProbeReply, error) {
	if _, _, err := net.SplitHostPort(p.Address); err != nil {
		return nil, fmt.Errorf("reading the address %q: it must be host:port: %w", p.Address, err)
	}
	ctx, cancel := within(ctx, p.Timeout, 3*time.Second)
	defer cancel()
	start := time.Now()
	conn, err := at.dial(ctx, "tcp", p.Address, p.Source)
	values := map[string]any{"connected": err == nil, "time": milliseconds(time.Since(start))}
	if err != nil {
		return no(err, values), nil
	}
	if err := conn.Close(); err != nil {
		return nil, fmt.Errorf("closing the connection to %s: %w", p.Address, err)
	}
	return &executors.ProbeReply{OK: true, Values: values}, nil
}
