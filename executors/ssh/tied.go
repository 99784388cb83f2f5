package ssh

import (
	"context"

	"stet/executors"
)

// passing reports whether a target ends with the agent that holds it: a
// sandbox, and a namespace that is made for the operation.
func passing(t executors.Target) bool {
	return t.At != "" && (t.Scheme() == "sandbox" || t.Create && !t.Keep)
}

// tied is a session to a target that ends with its connection: there is
// nothing to go over to.
type tied struct {
	executors.Session // the agent's
	target            executors.Target
	host              *reached
}

func tie(ctx context.Context, t executors.Target, h *reached) (*tied, error) {
	inner, err := h.open(ctx, t)
	if err != nil {
		return nil, err
	}
	return &tied{Session: inner, target: t, host: h}, nil
}

// Target implements executors.Observer.
func (s *tied) Target() executors.Target { return s.target }

// Info implements executors.Observer.
func (s *tied) Info(ctx context.Context) (*executors.Info, error) {
	info, err := s.Session.Info(ctx)
	if info != nil {
		info.HostKey = s.host.conn.HostKey
	}
	return info, err
}

// Location implements executors.Located.
func (s *tied) Location() string { return location(s.Session) }

// Close implements executors.Session. What closing says about a connection that
// has died helps nobody.
func (s *tied) Close() error {
	err := s.host.shut(s.Session)
	if s.host.dead() {
		return nil
	}
	return err
}
