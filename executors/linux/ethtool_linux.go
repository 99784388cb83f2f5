package linux

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// observeEthtool reads what the drivers of the interfaces have.
func (n *Namespace) observeEthtool(ctx context.Context, s *netstate.State) error {
	var own []*netstate.Interface
	for i := range s.Interfaces {
		if s.Interfaces[i].Netns == "" {
			own = append(own, &s.Interfaces[i])
		}
	}
	err := n.fillEthtool(ctx, 0, own)
	if errors.Is(err, errNoEthtool) {
		note(s, "ethtool", "the running kernel has no ethtool over netlink (CONFIG_ETHTOOL_NETLINK)")
		return nil
	}
	return err
}

var errNoEthtool = errors.New("no ethtool over netlink")

// fillEthtool reads all groups of settings, of the interface with an index, or
// of all (0), into those of list. A driver that does not have a group says
// nothing of it.
func (n *Namespace) fillEthtool(ctx context.Context, index int, list []*netstate.Interface) error {
	g, err := n.generic(ctx, "ethtool")
	if errors.Is(err, unix.EOPNOTSUPP) {
		return errNoEthtool
	}
	if err != nil {
		return err
	}
	defer g.close()
	at := map[uint32]*netstate.Interface{}
	for _, i := range list {
		at[uint32(i.Index)] = i
	}
	read := func(command uint8, fill func(i *netstate.Interface, t *attrTable)) error {
		take := func(b []byte) {
			t := tabulate(b)
			if i := at[u32(tabulate(t[1])[unix.ETHTOOL_A_HEADER_DEV_INDEX])]; i != nil {
				fill(i, &t)
			}
		}
		header := func(m *message) { ethtoolHeader(m, index) }
		if index == 0 {
			return g.dump(ctx, command, header, func() {}, take)
		}
		err := g.do(ctx, command, header, take)
		if errors.Is(err, unix.EOPNOTSUPP) {
			return nil
		}
		return err
	}
	for _, group := range netstate.EthtoolGroups {
		if err := read(group.Get, func(i *netstate.Interface, t *attrTable) { decodeEthtool(i, group.Section, t) }); err != nil {
			return err
		}
	}
	return read(unix.ETHTOOL_MSG_FEATURES_GET, decodeFeatures)
}

// ethtoolHeader names the interface (ETHTOOL_A_*_HEADER is 1 everywhere).
func ethtoolHeader(m *message, index int) {
	h := m.nest(1)
	if index != 0 {
		m.u32(unix.ETHTOOL_A_HEADER_DEV_INDEX, uint32(index))
	}
	m.endNest(h)
}

// decodeEthtool puts a group's attributes into an interface. What is unknown,
// all bits set, is left out; what is negotiated is nobody's wish.
func decodeEthtool(i *netstate.Interface, section string, t *attrTable) {
	attrs := netstate.EthtoolAttrs()
	for k := range attrs {
		a := &attrs[k]
		b := t[a.IFLA]
		if b == nil || !strings.HasPrefix(a.Key, section) {
			continue
		}
		value := ""
		switch {
		case a.Type == netstate.Bool:
			value = strconv.FormatBool(u8(b) != 0)
		case a.Type == netstate.Enum:
			for _, e := range a.Enum {
				if e.Value == uint64(u8(b)) {
					value = e.Name
				}
			}
		case u32(b) != ^uint32(0):
			value = strconv.FormatUint(uint64(u32(b)), 10)
		}
		switch {
		case value == "":
		case a.Set == netstate.ReadOnly, section == "ethernet." && a.Type != netstate.Bool && i.Attrs["ethernet.auto-negotiation"] == "true":
			i.Status[a.Key] = value
		default:
			i.Attrs[a.Key] = value
		}
	}
}

// decodeFeatures puts features into an interface: whether they are wanted, of
// those that can be changed, and, as what can only be read, whether they are
// active.
func decodeFeatures(i *netstate.Interface, t *attrTable) {
	fixed := bitNames(t[unix.ETHTOOL_A_FEATURES_NOCHANGE])
	wanted, active := bitNames(t[unix.ETHTOOL_A_FEATURES_WANTED]), bitNames(t[unix.ETHTOOL_A_FEATURES_ACTIVE])
	for name, changeable := range bitNames(t[unix.ETHTOOL_A_FEATURES_HW]) {
		key := netstate.EthtoolFeature + name
		if changeable && !fixed[name] {
			i.Attrs[key] = strconv.FormatBool(wanted[name])
		}
		i.Status[key] = strconv.FormatBool(active[name])
	}
}

// bitNames are the bits of a set (ETHTOOL_A_BITSET_*, the form with names): in
// one with a mask those of the mask, else those that are set.
func bitNames(set []byte) map[string]bool {
	m, t := map[string]bool{}, tabulate(set)
	for _, b := range attributes(t[unix.ETHTOOL_A_BITSET_BITS]) {
		bit := tabulate(b)
		if name := text(bit[unix.ETHTOOL_A_BITSET_BIT_NAME]); name != "" {
			m[name] = t[unix.ETHTOOL_A_BITSET_NOMASK] != nil || bit[unix.ETHTOOL_A_BITSET_BIT_VALUE] != nil
		}
	}
	return m
}

// setEthtool sets what differs, one message a group.
func (n *Namespace) setEthtool(ctx context.Context, index int, diffs []netstate.Difference) error {
	if len(diffs) == 0 {
		return nil
	}
	g, err := n.generic(ctx, "ethtool")
	if err != nil {
		return err
	}
	defer g.close()
	features := netstate.EthtoolGroup{Section: netstate.EthtoolFeature, Set: unix.ETHTOOL_MSG_FEATURES_SET}
	for _, group := range slices.Concat(netstate.EthtoolGroups, []netstate.EthtoolGroup{features}) {
		var own []netstate.Difference
		var what []string
		for _, d := range diffs {
			if strings.HasPrefix(d.Key, group.Section) {
				own = append(own, d)
				what = append(what, d.Key+" to "+d.After)
			}
		}
		if len(own) == 0 {
			continue
		}
		err := g.do(ctx, group.Set, func(m *message) { encodeEthtool(m, index, own) }, nil)
		if err != nil {
			return fmt.Errorf("setting %s: %w", strings.Join(what, ", "), err)
		}
	}
	return nil
}

func encodeEthtool(m *message, index int, diffs []netstate.Difference) {
	ethtoolHeader(m, index)
	if strings.HasPrefix(diffs[0].Key, netstate.EthtoolFeature) {
		set := m.nest(unix.ETHTOOL_A_FEATURES_WANTED)
		list := m.nest(unix.ETHTOOL_A_BITSET_BITS)
		for _, d := range diffs {
			bit := m.nest(unix.ETHTOOL_A_BITSET_BITS_BIT)
			m.str(unix.ETHTOOL_A_BITSET_BIT_NAME, strings.TrimPrefix(d.Key, netstate.EthtoolFeature))
			if d.After == "true" {
				m.attr(unix.ETHTOOL_A_BITSET_BIT_VALUE, nil)
			}
			m.endNest(bit)
		}
		m.endNest(list)
		m.endNest(set)
		return
	}
	for _, d := range diffs {
		a := netstate.AttrByKey(d.Key)
		number, _ := strconv.ParseUint(d.After, 10, 32) // canonical
		for _, e := range a.Enum {
			if e.Name == d.After {
				number = e.Value
			}
		}
		switch {
		case a.Type == netstate.Bool && d.After == "true":
			m.u8(a.IFLA, 1)
		case a.Type != netstate.Uint32:
			m.u8(a.IFLA, uint8(number))
		default:
			m.u32(a.IFLA, uint32(number))
		}
	}
}
