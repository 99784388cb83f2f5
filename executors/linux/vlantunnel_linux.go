package linux

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// IFLA_BRIDGE_VLAN_TUNNEL_* of linux/if_bridge.h.
const (
	vlanTunnelID    = 1
	vlanTunnelVID   = 2
	vlanTunnelFlags = 3
)

const vlanTunnelInfo = "bridge-port.vlan-tunnel-info"

// decodeVLANTunnel reads one IFLA_BRIDGE_VLAN_TUNNEL_INFO; true with the one
// that ends a range, or is none.
func decodeVLANTunnel(b []byte, r *netstate.VLANTunnel) bool {
	var id uint32
	var vid, flags uint16
	for typ, p := range attributes(b) {
		switch typ {
		case vlanTunnelID:
			id = u32(p)
		case vlanTunnelVID:
			vid = u16(p)
		case vlanTunnelFlags:
			flags = u16(p)
		}
	}
	if flags&vlanRangeEnd == 0 || r.Min == 0 || r.Min > vid || r.ID+uint32(vid-r.Min) != id {
		*r = netstate.VLANTunnel{Min: vid, ID: id}
	}
	r.Max = vid
	return flags&vlanRangeBegin == 0
}

// tunnelText is the canonical text of mappings in any cut.
func tunnelText(list []netstate.VLANTunnel) string {
	merged, err := netstate.ParseVLANTunnels(netstate.FormatVLANTunnels(list))
	if err != nil {
		return netstate.FormatVLANTunnels(list)
	}
	return netstate.FormatVLANTunnels(merged)
}

// setVLANTunnels brings the tunnels that VLANs of a port are mapped to to what is
// wanted. Those of VLANs that went, or of a port where vlan-tunnel was switched
// off, are gone already, and not read.
func (w *linkWriter) setVLANTunnels(ctx context.Context, index int, wanted string) error {
	all, err := w.n.bridgeVLANs(ctx)
	if err != nil {
		return err
	}
	want, err := netstate.ParseVLANTunnels(wanted)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", vlanTunnelInfo, err)
	}
	remove, add := netstate.VLANTunnelDelta(all[index].tunnels, want)
	for _, step := range []struct {
		typ  uint16
		list []netstate.VLANTunnel
	}{{unix.RTM_DELLINK, remove}, {unix.RTM_SETLINK, add}} {
		for _, r := range step.list {
			err := w.n.get(ctx, step.typ, func(m *message) {
				m.bridgeInfo(index)
				spec := m.nest(unix.IFLA_AF_SPEC)
				m.vlanTunnel(r)
				m.endNest(spec)
			}, nil)
			if err != nil {
				return fmt.Errorf("mapping VLANs to tunnels, %s: %w", r, err)
			}
		}
	}
	return nil
}

func (m *message) vlanTunnel(r netstate.VLANTunnel) {
	info := func(flags, vid uint16, id uint32) {
		at := m.nest(iflaBridgeTunnelInfo)
		m.u32(vlanTunnelID, id)
		m.u16(vlanTunnelVID, vid)
		m.u16(vlanTunnelFlags, flags)
		m.endNest(at)
	}
	if r.Min == r.Max {
		info(0, r.Min, r.ID)
		return
	}
	info(vlanRangeBegin, r.Min, r.ID)
	info(vlanRangeEnd, r.Max, r.ID+uint32(r.Max-r.Min))
}
