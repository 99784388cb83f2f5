package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// IFLA_BRIDGE_*, BRIDGE_FLAGS_* and BRIDGE_VLAN_INFO_* of linux/if_bridge.h.
const (
	iflaBridgeFlags      = 0
	iflaBridgeVLANInfo   = 2
	iflaBridgeTunnelInfo = 3
	bridgeFlagsSelf      = 2
	vlanPVID             = 1 << 1
	vlanUntagged         = 1 << 2
	vlanRangeBegin       = 1 << 3
	vlanRangeEnd         = 1 << 4
)

// vlansCompressed is RTEXT_FILTER_BRVLAN_COMPRESSED: ranges of VLANs are one
// entry each.
const vlansCompressed = 1 << 2

// vlansOf are the VLANs of a bridge or of a port, and the tunnels of a port's.
type vlansOf struct {
	vlans   []netstate.VLANRange
	tunnels []netstate.VLANTunnel
	bridge  int         // of a port
	state   byte        // of a port: IFLA_BRPORT_STATE
	trees   []treeState // of a port
}

// bridgeVLANs reads the VLANs of all bridges and their ports, by the number of
// the interface. Interfaces without any are not in it; all are not where the
// kernel has no VLAN filtering.
func (n *Namespace) bridgeVLANs(ctx context.Context) (map[int]vlansOf, error) {
	var found map[int]vlansOf
	err := n.dump(ctx, unix.RTM_GETLINK, func(m *message) {
		m.bridgeInfo(0)
		m.u32(unix.IFLA_EXT_MASK, vlansCompressed|mstFilter)
	}, func() { found = map[int]vlansOf{} }, func(r reply) {
		if r.typ == unix.RTM_NEWLINK && len(r.body) >= unix.SizeofIfInfomsg {
			if list := decodeVLANs(r.body[unix.SizeofIfInfomsg:]); len(list.vlans) > 0 || len(list.trees) > 0 {
				found[int(int32(u32(r.body[4:])))] = list
			}
		}
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil // no bridge was ever made
	}
	if err != nil {
		return nil, fmt.Errorf("reading the VLANs of bridges: %w", err)
	}
	return found, nil
}

// decodeVLANs reads IFLA_AF_SPEC of a bridge's message: IFLA_BRIDGE_VLAN_INFO,
// struct bridge_vlan_info (u16 flags, u16 vid) each, and
// IFLA_BRIDGE_VLAN_TUNNEL_INFO, and IFLA_BRIDGE_MST; and of a port its bridge
// and state.
func decodeVLANs(b []byte) (found vlansOf) {
	begin := uint16(0)
	for typ, spec := range attributes(b) {
		switch typ {
		case unix.IFLA_MASTER:
			found.bridge = int(int32(u32(spec)))
		case unix.IFLA_PROTINFO:
			if p := attribute(spec, unix.IFLA_BRPORT_STATE); len(p) > 0 {
				found.state = p[0]
			}
		}
		if typ != unix.IFLA_AF_SPEC {
			continue
		}
		var tunnel netstate.VLANTunnel
		for typ, p := range attributes(spec) {
			if typ == iflaBridgeTunnelInfo {
				if decodeVLANTunnel(p, &tunnel) {
					found.tunnels = append(found.tunnels, tunnel)
				}
				continue
			}
			if typ == iflaBridgeMST {
				found.trees = decodeMST(p)
				continue
			}
			if typ != iflaBridgeVLANInfo || len(p) < 4 {
				continue
			}
			flags, vid := u16(p), u16(p[2:])
			if flags&vlanRangeBegin != 0 {
				begin = vid
				continue
			}
			r := netstate.VLANRange{Min: vid, Max: vid, PVID: flags&vlanPVID != 0, Untagged: flags&vlanUntagged != 0}
			if flags&vlanRangeEnd != 0 && begin != 0 && begin <= vid {
				r.Min = begin
			}
			found.vlans, begin = append(found.vlans, r), 0
		}
	}
	return found
}

// fillVLANs adds the VLANs of bridges and their ports to what is known of them.
func (n *Namespace) fillVLANs(ctx context.Context, list []netstate.Interface) error {
	bridges := map[string]bool{}
	for i := range list {
		// A kernel without filtering has no default either (br_fill_info).
		if _, can := list[i].Attrs["bridge.options.vlan-default-pvid"]; can {
			bridges[list[i].Name] = true
		}
	}
	if len(bridges) == 0 {
		return nil
	}
	vlans, err := n.bridgeVLANs(ctx)
	if err != nil {
		return err
	}
	if err := n.fillMST(ctx, list, vlans); err != nil {
		return err
	}
	for i := range list {
		v := &list[i]
		text := netstate.FormatVLANs(vlans[v.Index].vlans)
		switch {
		case bridges[v.Name]:
			v.Attrs["bridge.vlan"] = text
		case bridges[v.Attrs["controller"]]:
			v.Attrs["bridge-port.vlan"] = text
			if v.Attrs["bridge-port.vlan-tunnel"] == "true" {
				v.Attrs[vlanTunnelInfo] = tunnelText(vlans[v.Index].tunnels)
			}
		}
	}
	return nil
}

// setVLANs brings the VLANs of a port, or of a bridge itself, to what is
// wanted: what is new first.
func (w *linkWriter) setVLANs(ctx context.Context, index int, wanted string, self bool) error {
	have, err := w.n.bridgeVLANs(ctx)
	if err != nil {
		return err
	}
	want, err := netstate.ParseVLANs(wanted)
	if err != nil {
		return fmt.Errorf("encoding VLANs: %w", err)
	}
	add, remove := netstate.VLANDelta(have[index].vlans, want)
	for _, step := range []struct {
		typ  uint16
		list []netstate.VLANRange
	}{{unix.RTM_SETLINK, add}, {unix.RTM_DELLINK, remove}} {
		if len(step.list) == 0 {
			continue
		}
		err := w.n.get(ctx, step.typ, func(m *message) {
			m.bridgeInfo(index)
			spec := m.nest(unix.IFLA_AF_SPEC)
			if self {
				m.u16(iflaBridgeFlags, bridgeFlagsSelf)
			}
			for _, r := range step.list {
				m.vlanRange(r)
			}
			m.endNest(spec)
		}, nil)
		if err != nil {
			return fmt.Errorf("setting VLANs: %w", err)
		}
	}
	return nil
}

func (m *message) vlanRange(r netstate.VLANRange) {
	flags := uint16(0)
	if r.PVID {
		flags |= vlanPVID
	}
	if r.Untagged {
		flags |= vlanUntagged
	}
	info := func(flags, vid uint16) {
		b := binary.NativeEndian.AppendUint16(nil, flags)
		m.attr(iflaBridgeVLANInfo, binary.NativeEndian.AppendUint16(b, vid))
	}
	if r.Min == r.Max {
		info(flags, r.Min)
		return
	}
	info(flags|vlanRangeBegin, r.Min)
	info(flags|vlanRangeEnd, r.Max)
}

// bridgeInfo appends a struct ifinfomsg of the bridges' family.
func (m *message) bridgeInfo(index int) {
	at := len(m.b)
	m.ifinfo(index, 0, 0)
	m.b[at] = unix.AF_BRIDGE
}
