package linux

import (
	"context"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// lacksTraffic says what the kernel is without for a kind of traffic control,
// by its name in Query.Kinds: "qdisc htb".
func lacksTraffic(ctx context.Context, s *netstate.State, name string) error {
	object, kind, _ := strings.Cut(name, " ")
	k := netstate.TCKindOf(object, kind)
	if k == nil || k.Module == "" {
		return nil
	}
	reason, err := moduleLacks(name, k.Module, k.Option, func() (bool, error) {
		return probed(name, func(sock *socket) (bool, error) {
			return unless(sock.getFlags(ctx, probeMessages[k.Object], unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(m *message) { probeMessage(m, k) }, nil),
				unix.ENOENT, unix.EOPNOTSUPP)
		})
	})
	if err == nil && reason != "" {
		note(s, name, reason)
	}
	return err
}

var probeMessages = map[string]uint16{netstate.TCQdisc: unix.RTM_NEWQDISC, netstate.TCFilter: unix.RTM_NEWTFILTER, "action": unix.RTM_NEWACTION}

// loopbackIndex is the loopback interface's number in every namespace.
const loopbackIndex = 1

func probeMessage(m *message, k *netstate.TCKind) {
	switch k.Object {
	case netstate.TCQdisc:
		parent := uint32(tcRoot)
		if k.Module == "sch_ingress" {
			parent = tcIngress
		}
		m.tcmsg(loopbackIndex, 0, parent, 0)
		m.str(tcaKind, k.Name)
	case netstate.TCFilter:
		m.tcmsg(loopbackIndex, 0, tcIn, 1<<16|uint32(swap(unix.ETH_P_ALL)))
		m.str(tcaKind, k.Name)
	default:
		kind := strings.TrimPrefix(k.Module, "act_")
		m.raw(0, 0, 0, 0) // struct tcamsg
		list := m.nest(1)
		one := m.nest(1)
		m.str(1, kind)
		m.endNest(one)
		m.endNest(list)
	}
}
