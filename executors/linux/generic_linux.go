package linux

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// generic is generic netlink in one namespace (struct genlmsghdr of
// linux/genetlink.h): the door to what some kinds of interfaces have beyond
// rtnetlink.
type generic struct {
	s      *socket
	id     uint16 // of the family
	family string
}

// generic opens a way to a family; the caller closes it. Asking for a family
// loads its module.
func (n *Namespace) generic(ctx context.Context, family string) (*generic, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	g := &generic{family: family}
	err := n.within(func() (err error) {
		g.s, err = openProtocol(unix.NETLINK_GENERIC)
		return err
	})
	if err != nil {
		return nil, err
	}
	ask := func(m *message) {
		m.raw(unix.CTRL_CMD_GETFAMILY, 1, 0, 0)
		m.str(unix.CTRL_ATTR_FAMILY_NAME, family)
	}
	err = g.s.get(ctx, unix.GENL_ID_CTRL, ask, func(r reply) {
		for typ, b := range attributes(genericBody(r)) {
			if typ == unix.CTRL_ATTR_FAMILY_ID {
				g.id = u16(b)
			}
		}
	})
	switch {
	case errors.Is(err, unix.ENOENT):
		err = fmt.Errorf("the kernel has no %s over generic netlink: %w", family, unix.EOPNOTSUPP)
	case err == nil && g.id == 0:
		err = fmt.Errorf("the kernel gave no number for %s over generic netlink: %w", family, unix.EBADMSG)
	}
	if err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *generic) close() { g.s.close() }

// genericBody are the attributes of a reply, after struct genlmsghdr.
func genericBody(r reply) []byte {
	if len(r.body) < unix.GENL_HDRLEN {
		return nil
	}
	return r.body[unix.GENL_HDRLEN:]
}

// do sends one command and waits until the kernel has done it. take, which may
// be nil, gets the attributes of each reply.
func (g *generic) do(ctx context.Context, command uint8, build func(*message), take func([]byte)) error {
	err := g.s.get(ctx, g.id, g.request(command, build), func(r reply) {
		if take != nil {
			take(genericBody(r))
		}
	})
	return g.named(err)
}

// dump asks for a table. Where it changes meanwhile, or a reply was lost, it is
// read again after reset.
func (g *generic) dump(ctx context.Context, command uint8, build func(*message), reset func(), take func([]byte)) error {
	for try := range dumpTries {
		if err := pauseBefore(ctx, try); err != nil {
			return err
		}
		reset()
		err := g.s.dump(ctx, g.id, g.request(command, build), func(r reply) { take(genericBody(r)) })
		if !errors.Is(err, errLost) {
			return g.named(err)
		}
	}
	return fmt.Errorf("reading %s: interrupted %d times: %w", g.family, dumpTries, errLost)
}

func (g *generic) request(command uint8, build func(*message)) func(*message) {
	return func(m *message) {
		m.raw(command, 1, 0, 0) // every family here is in its version 1
		build(m)
	}
}

func (g *generic) named(err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", g.family, err)
	}
	return nil
}
