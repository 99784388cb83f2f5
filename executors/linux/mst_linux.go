package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// RTM_*VLAN, RTEXT_FILTER_MST of linux/rtnetlink.h, BRIDGE_VLANDB_* and
// IFLA_BRIDGE_MST* of linux/if_bridge.h.
const (
	rtmNewVLAN        = 112
	rtmGetVLAN        = 114
	mstFilter         = 1 << 7
	vlanDumpFlags     = 1
	vlanDumpGlobal    = 1 << 1
	vlanGlobalOptions = 2
	globalID          = 1
	globalRange       = 2
	iflaBridgeMST     = 6
	mstEntry          = 1
	mstEntryMSTI      = 1
	mstEntryState     = 2
	brVLANMsgSize     = 8 // struct br_vlan_msg
)

const (
	vlanGlobal = "bridge.vlan-global"
	portMST    = "bridge-port.mst"
	mstEnabled = "bridge.options.mst-enabled"
)

// treeState is the state of a port in a spanning tree: BR_STATE_* of
// linux/if_bridge.h.
type treeState struct {
	tree  uint16
	state byte
}

// decodeMST reads IFLA_BRIDGE_MST.
func decodeMST(b []byte) (trees []treeState) {
	for typ, entry := range attributes(b) {
		tree, state := attribute(entry, mstEntryMSTI), attribute(entry, mstEntryState)
		if typ == mstEntry && len(tree) >= 2 && len(state) >= 1 {
			trees = append(trees, treeState{u16(tree), state[0]})
		}
	}
	return trees
}

// globalVLANs reads the options of VLANs of all bridges, by the number of the
// interface.
func (n *Namespace) globalVLANs(ctx context.Context) (map[int][]netstate.RangeEntry, error) {
	var found map[int][]netstate.RangeEntry
	err := n.dump(ctx, rtmGetVLAN, func(m *message) {
		m.vlanMessage(0)
		m.u32(vlanDumpFlags, vlanDumpGlobal)
	}, func() { found = map[int][]netstate.RangeEntry{} }, func(r reply) {
		if r.typ == rtmNewVLAN && len(r.body) >= brVLANMsgSize {
			index := int(int32(u32(r.body[4:])))
			found[index] = append(found[index], decodeGlobalVLANs(r.body[brVLANMsgSize:])...)
		}
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil // older than Linux 5.6
	}
	if err != nil {
		return nil, fmt.Errorf("reading the options of VLANs: %w", err)
	}
	return found, nil
}

func decodeGlobalVLANs(b []byte) (list []netstate.RangeEntry) {
	fields := netstate.AttrByKey(vlanGlobal).Fields
	for typ, entry := range attributes(b) {
		vid := attribute(entry, globalID)
		if typ != vlanGlobalOptions || len(vid) < 2 {
			continue
		}
		e := netstate.RangeEntry{Min: u16(vid), Max: u16(vid), Values: make([]string, len(fields))}
		if last := attribute(entry, globalRange); len(last) >= 2 {
			e.Max = max(e.Min, u16(last))
		}
		for i := range fields {
			if value, ok := decodeAttr(&fields[i], attribute(entry, fields[i].IFLA), nil); ok {
				e.Values[i] = value
			}
		}
		list = append(list, e)
	}
	return list
}

// vlanMessage appends a struct br_vlan_msg.
func (m *message) vlanMessage(index int) {
	b := make([]byte, brVLANMsgSize)
	b[0] = unix.AF_BRIDGE
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	m.raw(b...)
}

// rangesText is the canonical text of entries in any cut, with defaults or without.
func rangesText(key string, list []netstate.RangeEntry) string {
	a := netstate.AttrByKey(key)
	merged, err := a.Ranges(a.FormatRanges(list))
	if err != nil {
		return a.FormatRanges(list)
	}
	return a.FormatRanges(merged)
}

// fillMST adds what bridges that can have several spanning trees, and their
// ports, have of them.
func (n *Namespace) fillMST(ctx context.Context, list []netstate.Interface, vlans map[int]vlansOf) error {
	var global map[int][]netstate.RangeEntry
	many := map[string]bool{}
	for i := range list {
		v := &list[i]
		text, can := v.Attrs[mstEnabled]
		if !can {
			continue
		}
		if global == nil {
			var err error
			if global, err = n.globalVLANs(ctx); err != nil {
				return err
			}
		}
		v.Attrs[vlanGlobal] = rangesText(vlanGlobal, global[v.Index])
		many[v.Name] = text == "true"
	}
	for i := range list {
		if v := &list[i]; many[v.Attrs["controller"]] {
			v.Attrs[portMST] = rangesText(portMST, statesOf(vlans[v.Index].trees))
		}
	}
	return nil
}

// statesOf are the states of a port in the trees but 0.
func statesOf(trees []treeState) (list []netstate.RangeEntry) {
	field := &netstate.AttrByKey(portMST).Fields[0]
	for _, t := range trees {
		if value := enumName(field, uint64(t.state)); t.tree != 0 && value != field.Default {
			list = append(list, netstate.RangeEntry{Min: t.tree, Max: t.tree, Values: []string{value}})
		}
	}
	return list
}

// setVLANGlobal brings the options of a bridge's VLANs to what is wanted. The
// kernel takes a VLAN that comes into a tree for disabled on ports that have no
// other one there (br_mst_vlan_sync_state), in the tree 0 as well, where it began
// with the state of the port (br_mst_vlan_init_state): ports have the states in
// the trees that they had before, and in 0 their own.
func (w *linkWriter) setVLANGlobal(ctx context.Context, index int, wanted string) error {
	all, err := w.n.globalVLANs(ctx)
	if err != nil {
		return err
	}
	before, err := w.n.bridgeVLANs(ctx)
	if err != nil {
		return err
	}
	a := netstate.AttrByKey(vlanGlobal)
	have, err := a.Ranges(rangesText(vlanGlobal, all[index]))
	if err != nil {
		return fmt.Errorf("reading %s: %w", vlanGlobal, err)
	}
	want, err := a.Ranges(wanted)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", vlanGlobal, err)
	}
	for _, e := range a.RangeDelta(have, want) {
		if err := w.setGlobalOptions(ctx, index, a, &e); err != nil {
			return fmt.Errorf("setting options of VLANs, %s: %w", a.FormatRanges([]netstate.RangeEntry{e}), err)
		}
	}
	return w.keepStates(ctx, index, before)
}

// keepStates gives the ports of a bridge the states that they had.
func (w *linkWriter) keepStates(ctx context.Context, index int, before map[int]vlansOf) error {
	after, err := w.n.bridgeVLANs(ctx)
	if err != nil {
		return err
	}
	for port, v := range after {
		if v.bridge != index || port == index {
			continue
		}
		for _, t := range v.trees {
			state := t.state
			for _, was := range before[port].trees {
				if was.tree == t.tree {
					state = was.state
				}
			}
			if t.tree == 0 {
				state = v.state
			}
			if state == t.state {
				continue
			}
			if err := w.setTreeState(ctx, port, t.tree, state); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *linkWriter) setGlobalOptions(ctx context.Context, index int, a *netstate.Attr, e *netstate.RangeEntry) error {
	var bad error
	err := w.n.get(ctx, rtmNewVLAN, func(m *message) {
		m.vlanMessage(index)
		at := m.nest(vlanGlobalOptions)
		m.u16(globalID, e.Min)
		if e.Max != e.Min {
			m.u16(globalRange, e.Max)
		}
		writer := attrWriter{m: m}
		for i, value := range e.Values {
			if value != "" && bad == nil {
				bad = writer.set(&a.Fields[i], value, "")
			}
		}
		m.endNest(at)
	}, nil)
	return errors.Join(bad, err)
}

// setMST brings the states of a port in spanning trees to what is wanted. A tree
// that the port is no longer in is not read, and has no state.
func (w *linkWriter) setMST(ctx context.Context, index int, wanted string) error {
	all, err := w.n.bridgeVLANs(ctx)
	if err != nil {
		return err
	}
	a := netstate.AttrByKey(portMST)
	want, err := a.Ranges(wanted)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", portMST, err)
	}
	for _, e := range a.RangeDelta(statesOf(all[index].trees), want) {
		state, err := parseNumber(&a.Fields[0], e.Values[0])
		if err != nil {
			return fmt.Errorf("encoding %s: %w", portMST, err)
		}
		for tree := e.Min; tree <= e.Max; tree++ {
			if err := w.setTreeState(ctx, index, tree, byte(state)); err != nil {
				return err
			}
		}
	}
	return nil
}

// setTreeState sets the state of a port in a tree: in 0 it is the port's own
// (br_set_state), and the kernel's where that runs the spanning tree.
func (w *linkWriter) setTreeState(ctx context.Context, index int, tree uint16, state byte) error {
	err := w.n.get(ctx, unix.RTM_SETLINK, func(m *message) {
		m.bridgeInfo(index)
		if tree == 0 {
			own := m.nest(unix.IFLA_PROTINFO)
			m.attr(unix.IFLA_BRPORT_STATE, []byte{state})
			m.endNest(own)
			return
		}
		spec := m.nest(unix.IFLA_AF_SPEC)
		m.treeState(tree, state)
		m.endNest(spec)
	}, nil)
	if err != nil {
		return fmt.Errorf("setting the state in spanning tree %d: %w", tree, err)
	}
	return nil
}

func (m *message) treeState(tree uint16, state byte) {
	mst := m.nest(iflaBridgeMST)
	entry := m.nest(mstEntry)
	m.u16(mstEntryMSTI, tree)
	m.attr(mstEntryState, []byte{state})
	m.endNest(entry)
	m.endNest(mst)
}
