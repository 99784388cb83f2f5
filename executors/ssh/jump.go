package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"stet/executors"
)

// bastion is the one connection to a jump host, with a bounded number of turns
// for logins through it: more at once would overrun sshd's MaxStartups on what
// lies behind, and the jump host's processor.
type bastion struct {
	ready chan struct{}
	conn  *Conn
	err   error
	turns chan struct{}
}

// maxJumps is more jump hosts in a row than anyone has.
const maxJumps = 8

// through opens a stream to a host through its jump hosts.
func (d *Dialer) through(ctx context.Context, s *Settings, trail []string) (net.Conn, func(), error) {
	if slices.Contains(trail, s.identity()) || len(trail) >= maxJumps {
		return nil, nil, refuse("invalid", s.Host, "its jump hosts lead in a circle", "set ProxyJump none for the jump host in ssh_config")
	}
	b, name, err := d.bastion(ctx, s, append(slices.Clone(trail), s.identity()))
	if err != nil {
		return nil, nil, err
	}
	select {
	case b.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	release := sync.OnceFunc(func() { <-b.turns })
	limited, cancel := withTimeout(ctx, s.connectTimeout())
	defer cancel()
	conn, err := b.conn.client.DialContext(limited, "tcp", s.address())
	if err != nil {
		release()
		if limited.Err() != nil {
			err = context.Cause(limited)
		}
		return nil, nil, fmt.Errorf("through %s: %w", name, err)
	}
	return conn, release, nil
}

// bastion returns the connection to the last jump host of s, shared with all
// other hosts behind it, and its name.
func (d *Dialer) bastion(ctx context.Context, s *Settings, trail []string) (*bastion, string, error) {
	hops := strings.Split(s.ProxyJump, ",")
	rest := strings.Join(hops[:len(hops)-1], ",")
	name := strings.TrimPrefix(strings.TrimSpace(hops[len(hops)-1]), "ssh://")
	hop, err := executors.ParseAddress(name)
	if err != nil {
		return nil, "", err
	}
	settings, err := d.resolver.resolve(ctx, hop, rest)
	if err != nil {
		return nil, "", err
	}
	if err := settings.check(); err != nil {
		return nil, "", err
	}
	if slices.Contains(trail, settings.identity()) {
		return nil, "", refuse("invalid", s.Host, "its jump hosts lead in a circle", "set ProxyJump none for the jump host in ssh_config")
	}
	b, err := d.shared(ctx, settings, trail)
	if err != nil {
		return nil, "", jumpError(s.Host, hop.Host, err)
	}
	return b, hop.Host, nil
}

// shared waits for the connection to a jump host, or makes it. It belongs to the
// Dialer: the caller that began it may go while others still wait.
func (d *Dialer) shared(ctx context.Context, s *Settings, trail []string) (*bastion, error) {
	d.mu.Lock()
	b := d.bastions[s.identity()]
	if b == nil || b.dead() {
		turns := d.options.Handshakes
		if turns <= 0 {
			turns = 16
		}
		b = &bastion{ready: make(chan struct{}), turns: make(chan struct{}, turns)}
		d.bastions[s.identity()] = b
		go func() {
			defer close(b.ready)
			if b.conn = d.attachOpen(d.ctx, s); b.conn == nil {
				b.conn, b.err = d.dial(d.ctx, s, trail)
			}
		}()
	}
	d.mu.Unlock()
	select {
	case <-b.ready:
		return b, b.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// dead tells whether a jump host must be dialled again.
func (b *bastion) dead() bool {
	select {
	case <-b.ready:
	default:
		return false
	}
	if b.err != nil {
		return true
	}
	select {
	case <-b.conn.Done():
		return true
	default:
		return false
	}
}

// jumpError says that not the host but the way to it is at fault.
func jumpError(host, jump string, err error) error {
	var typed *executors.Error
	if errors.As(fail(context.Background(), jump, err), &typed) {
		e := *typed
		e.Op = "connecting to " + host + " through " + jump
		return &e
	}
	return err
}
