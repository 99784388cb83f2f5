package linux

import (
	"context"
	"fmt"
	"net"
	"slices"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// neighborStates are NUD_* in ip(8)'s words.
var neighborStates = []flagName{
	{unix.NUD_PERMANENT, "permanent"}, {unix.NUD_NOARP, "noarp"}, {unix.NUD_REACHABLE, "reachable"},
	{unix.NUD_STALE, "stale"}, {unix.NUD_DELAY, "delay"}, {unix.NUD_PROBE, "probe"},
	{unix.NUD_FAILED, "failed"}, {unix.NUD_INCOMPLETE, "incomplete"},
}

// What linux/neighbour.h has and x/sys has not: NDA_FLAGS_EXT, NTF_EXT_MANAGED.
const (
	ndaFlagsExt     = 15
	managedNeighbor = 1
)

// observeNeighbors fills in the ARP and NDP entries, and the proxied ones.
func (n *Namespace) observeNeighbors(ctx context.Context, s *netstate.State, l *links) error {
	s.Neighbors = []netstate.Neighbor{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		for _, flags := range []uint8{0, unix.NTF_PROXY} {
			start := len(s.Neighbors)
			err := n.dump(ctx, unix.RTM_GETNEIGH, func(m *message) {
				m.neigh(family, 0, 0, flags)
			}, func() { s.Neighbors = s.Neighbors[:start] }, func(r reply) {
				if e, ok := decodeNeighbor(r.body, l); r.typ == unix.RTM_NEWNEIGH && ok && e.Proxy == (flags != 0) {
					s.Neighbors = append(s.Neighbors, e)
				}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// neigh appends a struct ndmsg.
func (m *message) neigh(family uint8, index int, state uint16, flags uint8) {
	m.raw(family, 0, 0, 0)
	m.raw(numberPayload(netstate.Uint32, uint64(uint32(index)))...)
	m.raw(append(native16(state), flags, 0)...)
}

// decodeNeighbor reads struct ndmsg and its attributes. The entries that the
// kernel makes for multicast and broadcast addresses are not neighbours.
func decodeNeighbor(b []byte, l *links) (e netstate.Neighbor, ok bool) {
	if len(b) < unix.SizeofNdMsg || b[0] != unix.AF_INET && b[0] != unix.AF_INET6 {
		return e, false
	}
	e.Device = l.name(int(u32(b[4:])))
	e.Proxy, e.Router, e.Learned = b[10]&unix.NTF_PROXY != 0, b[10]&unix.NTF_ROUTER != 0, b[10]&unix.NTF_EXT_LEARNED != 0
	managed := false
	for typ, p := range attributes(b[unix.SizeofNdMsg:]) {
		switch typ {
		case unix.NDA_DST:
			e.IP = address(p)
		case unix.NDA_LLADDR:
			e.MAC = net.HardwareAddr(p).String()
		case ndaFlagsExt:
			managed = len(p) >= 4 && u32(p)&managedNeighbor != 0
		}
	}
	state := u16(b[8:])
	if !e.Proxy {
		e.State = stateName(state)
	}
	if managed { // what it is for the moment is the kernel's
		e.State, e.MAC = netstate.Managed, ""
		return e, e.IP.IsValid()
	}
	if state&unix.NUD_NOARP != 0 && (e.IP.IsMulticast() || e.IP.IsLoopback() || e.IP.IsUnspecified() || e.MAC == "" ||
		e.MAC == "ff:ff:ff:ff:ff:ff" || e.MAC == "00:00:00:00:00:00") {
		return e, false
	}
	return e, e.IP.IsValid()
}

func stateName(state uint16) string {
	for _, s := range neighborStates {
		if uint32(state)&s.bit != 0 {
			return s.name
		}
	}
	return "none"
}

// encodeNeighbor appends the message that sets or deletes a neighbour. Adding
// replaces an entry of the kernel's own cache, as a declared one must.
func encodeNeighbor(m *message, seq uint32, op netstate.Op, e *netstate.Neighbor, l *links) error {
	index, err := l.index(e.Device)
	if err != nil {
		return err
	}
	if !e.IP.IsValid() {
		return fmt.Errorf("the address is not valid")
	}
	state, flags := uint32(unix.NUD_PERMANENT), uint8(0)
	if i := slices.IndexFunc(neighborStates, func(f flagName) bool { return f.name == e.State }); i >= 0 {
		state = neighborStates[i].bit
	}
	if e.Router {
		flags |= unix.NTF_ROUTER
	}
	if e.Learned {
		flags |= unix.NTF_EXT_LEARNED
	}
	if e.State == netstate.Managed {
		state = unix.NUD_NONE
	}
	if e.Proxy {
		flags, state = flags|unix.NTF_PROXY, 0
	}
	if op == netstate.Delete {
		m.begin(unix.RTM_DELNEIGH, 0, seq)
	} else {
		m.begin(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, seq)
	}
	m.neigh(family(e.IP), index, uint16(state), flags)
	m.addr(unix.NDA_DST, e.IP)
	if e.MAC != "" && op != netstate.Delete {
		mac, err := net.ParseMAC(e.MAC)
		if err != nil {
			return err
		}
		m.attr(unix.NDA_LLADDR, mac)
	}
	if e.State == netstate.Managed && op != netstate.Delete {
		m.u32(ndaFlagsExt, managedNeighbor)
	}
	m.end()
	return nil
}
