package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// RTM_*TUNNEL of linux/rtnetlink.h, and VXLAN_VNIFILTER_* of linux/if_link.h.
const (
	rtmNewTunnel   = 120
	rtmDelTunnel   = 121
	rtmGetTunnel   = 122
	vniFilterEntry = 1
	vniEntryStart  = 1
	vniEntryEnd    = 2
	vniEntryGroup  = 3
	vniEntryGroup6 = 4
	tunnelMsgSize  = 8 // struct tunnel_msg
)

// vnis reads the entries of the VNI filters of all VXLANs, by the number of the
// interface.
func (n *Namespace) vnis(ctx context.Context) (map[int][]netstate.VNIRange, error) {
	var found map[int][]netstate.VNIRange
	err := n.dump(ctx, rtmGetTunnel, func(m *message) { m.tunnel(0) },
		func() { found = map[int][]netstate.VNIRange{} },
		func(r reply) {
			if r.typ != rtmNewTunnel || len(r.body) < tunnelMsgSize {
				return
			}
			index := int(int32(u32(r.body[4:])))
			for typ, b := range attributes(r.body[tunnelMsgSize:]) {
				if typ == vniFilterEntry {
					found[index] = append(found[index], decodeVNI(b))
				}
			}
		})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil // older than Linux 5.18: there are no filters
	}
	if err != nil {
		return nil, fmt.Errorf("reading the filters of VXLANs: %w", err)
	}
	return found, nil
}

func decodeVNI(b []byte) (r netstate.VNIRange) {
	for typ, p := range attributes(b) {
		switch typ {
		case vniEntryStart:
			r.Min = u32(p)
		case vniEntryEnd:
			r.Max = u32(p)
		case vniEntryGroup, vniEntryGroup6:
			r.Group = address(p)
		}
	}
	r.Max = max(r.Min, r.Max)
	return r
}

// tunnel appends a struct tunnel_msg.
func (m *message) tunnel(index int) {
	b := make([]byte, tunnelMsgSize)
	b[0] = unix.AF_BRIDGE
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	m.raw(b...)
}

// vniText is the canonical text of entries in any order and of any cut.
func vniText(list []netstate.VNIRange) string {
	merged, err := netstate.ParseVNIs(netstate.FormatVNIs(list))
	if err != nil {
		return netstate.FormatVNIs(list)
	}
	return netstate.FormatVNIs(merged)
}

// fillVNIs adds the entries of VNI filters to what is known of VXLANs.
func (n *Namespace) fillVNIs(ctx context.Context, list []netstate.Interface) error {
	var all map[int][]netstate.VNIRange
	for i := range list {
		v := &list[i]
		if v.Attrs["vxlan.vni-filter"] != "true" {
			continue
		}
		if all == nil {
			var err error
			if all, err = n.vnis(ctx); err != nil {
				return err
			}
		}
		v.Attrs["vxlan.vnis"] = vniText(all[v.Index])
	}
	return nil
}

// setVNIs brings the entries of a VNI filter to what is wanted.
func (w *linkWriter) setVNIs(ctx context.Context, index int, wanted string) error {
	all, err := w.n.vnis(ctx)
	if err != nil {
		return err
	}
	have, err := netstate.ParseVNIs(vniText(all[index]))
	if err != nil {
		return fmt.Errorf("reading the filter: %w", err)
	}
	want, err := netstate.ParseVNIs(wanted)
	if err != nil {
		return fmt.Errorf("encoding vxlan.vnis: %w", err)
	}
	remove, add := netstate.VNIDelta(have, want)
	for _, step := range []struct {
		typ  uint16
		list []netstate.VNIRange
	}{{rtmDelTunnel, remove}, {rtmNewTunnel, add}} {
		for _, r := range step.list {
			err := w.n.get(ctx, step.typ, func(m *message) { m.vni(index, r, step.typ == rtmNewTunnel) }, nil)
			if err != nil {
				return fmt.Errorf("setting the filter's entry %s: %w", r, err)
			}
		}
	}
	return nil
}

func (m *message) vni(index int, r netstate.VNIRange, group bool) {
	m.tunnel(index)
	at := m.nest(vniFilterEntry)
	m.u32(vniEntryStart, r.Min)
	if r.Max != r.Min {
		m.u32(vniEntryEnd, r.Max)
	}
	switch {
	case !group || !r.Group.IsValid():
	case r.Group.Is4():
		m.addr(vniEntryGroup, r.Group)
	default:
		m.addr(vniEntryGroup6, r.Group)
	}
	m.endNest(at)
}
