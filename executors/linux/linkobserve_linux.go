package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// observeLinks fills in the interfaces with their addresses, of this namespace
// and of the others that were asked for.
func (n *Namespace) observeLinks(ctx context.Context, s *netstate.State, raw []rawLink, l *links, others []string) error {
	s.Interfaces = []netstate.Interface{}
	known := others
	for i := range s.Namespaces {
		known = union(known, []string{s.Namespaces[i].Name}) // far ends may be there
	}
	if err := n.appendLinks(ctx, s, "", raw, l, nil, known); err != nil {
		return err
	}
	for _, name := range others {
		err := n.observeOther(ctx, s, name)
		if errors.Is(err, fs.ErrNotExist) {
			s.LackNamespace(name, err.Error())
			continue
		}
		if err != nil {
			return err
		}
	}
	s.Sort()
	return nil
}

func (n *Namespace) observeOther(ctx context.Context, s *netstate.State, name string) error {
	m, err := n.other(name)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	raw, l, err := m.rawLinks(ctx)
	if err != nil {
		return fmt.Errorf("reading the interfaces of %s: %w", name, err)
	}
	return m.appendLinks(ctx, s, name, raw, l, n, nil)
}

// appendLinks adds the interfaces of n, which is called netns; observed is the
// namespace that this one is another of, nil for itself. more are names that
// are known besides.
func (n *Namespace) appendLinks(ctx context.Context, s *netstate.State, netns string, raw []rawLink, l *links, observed *Namespace, more []string) error {
	addresses, err := n.addresses(ctx, raw)
	if err != nil {
		return fmt.Errorf("reading the addresses: %w", err)
	}
	peers := n.peers(ctx, append(others(n, netns), more...), observed)
	defaults, first := n.isInitial(), len(s.Interfaces)
	for j := range raw {
		r := &raw[j]
		i := interfaceOf(r, l)
		if err := n.complete(ctx, &i); err != nil {
			return err
		}
		if r.slaveKind == "team" {
			if err := n.observeTeamPort(ctx, &i, int(u32(r.attrs.get(unix.IFLA_MASTER))), l); err != nil {
				return err
			}
		}
		i.Netns = netns
		i.Addresses = addresses[r.index]
		for j := range i.Addresses {
			// IPv4 addresses without a label have that of their interface.
			if a := &i.Addresses[j]; a.Label == i.Name {
				a.Label = ""
			}
		}
		if id, elsewhere := r.peerNetns(); elsewhere && netstate.KindByKernel(r.kind).PeerKey() != "" {
			peers.fill(&i, id, r.link())
			if peer, _ := i.Peer(); peer == "" {
				i.Status["link-netnsid"] = strconv.Itoa(int(id))
			}
		} else if kind := netstate.KindByKernel(r.kind); elsewhere && kind != nil && kind.Below != "" {
			peers.below(&i, kind.Below, id, r.lower())
		} else if peer, _ := i.Peer(); netns != "" && peer != "" {
			i.Attrs[netstate.KindByKernel(r.kind).PeerTargetKey()] = netns
		}
		if kernelDefault(r, defaults) && len(i.Addresses) == 0 {
			i.Status["kernel-default"] = "true"
		}
		s.Interfaces = append(s.Interfaces, i)
	}
	if err := n.fillMulticast(s.Interfaces[first:]); err != nil {
		return err
	}
	if err := n.fillVNIs(ctx, s.Interfaces[first:]); err != nil {
		return err
	}
	return n.fillVLANs(ctx, s.Interfaces[first:])
}

// others is the list of the names that n knows, without its own.
func others(n *Namespace, own string) []string {
	if n.o.Known == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(n.o.Known()), func(name string) bool { return name == own })
}

// fallbacks are the tunnels that their drivers make in every namespace, by
// name and kernel kind (net.core.fb_tunnels_only_for_init_net).
var fallbacks = map[string]string{
	"tunl0": "ipip", "gre0": "gre", "gretap0": "gretap", "erspan0": "erspan", "sit0": "sit", "ip6tnl0": "ip6tnl",
	"ip6gre0": "ip6gre", "ip_vti0": "vti", "ip6_vti0": "vti6",
}

// initials are devices that their drivers make in the initial namespace when
// they are loaded.
var initials = map[string]string{"dummy0": "dummy", "bond0": "bond", "ifb0": "ifb", "ifb1": "ifb"}

// kernelDefault tells whether an interface is one that a driver made by itself
// and that nobody uses.
func kernelDefault(r *rawLink, initial bool) bool {
	name := r.name()
	if r.flags&unix.IFF_UP != 0 || u32(r.attrs.get(unix.IFLA_MASTER)) != 0 || r.kind == "" {
		return false
	}
	return fallbacks[name] == r.kind || initial && initials[name] == r.kind
}

// isInitial tells whether this is the namespace that the first process is in,
// as far as this process may know.
func (n *Namespace) isInitial() bool {
	var own, first unix.Stat_t
	if unix.Stat("/proc/1/ns/net", &first) != nil {
		return false
	}
	if n.fd < 0 {
		return unix.Stat("/proc/thread-self/ns/net", &own) == nil && own.Dev == first.Dev && own.Ino == first.Ino
	}
	return unix.Fstat(n.fd, &own) == nil && own.Dev == first.Dev && own.Ino == first.Ino
}
