package linux

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// observeEthtool reads what the drivers of the interfaces have, all of it or only
// what is unusual.
func (n *Namespace) observeEthtool(ctx context.Context, s *netstate.State, raw []rawLink, all bool) error {
	var own []*netstate.Interface
	for i := range s.Interfaces {
		if s.Interfaces[i].Netns == "" {
			own = append(own, &s.Interfaces[i])
		}
	}
	if all {
		if err := n.fillDrivers(own); err != nil {
			return err
		}
	}
	if err := n.fillSRIOV(ctx, raw, own); err != nil {
		return err
	}
	err := n.fillEthtool(ctx, 0, own, all)
	if errors.Is(err, errNoEthtool) {
		note(s, "ethtool", "the running kernel has no ethtool over netlink (CONFIG_ETHTOOL_NETLINK)")
		return nil
	}
	return err
}

// fillDrivers reads which drivers the interfaces have (ETHTOOL_GDRVINFO of
// linux/ethtool.h): ethtool's netlink does not tell. An interface may have none,
// and may be gone.
func (n *Namespace) fillDrivers(list []*netstate.Interface) error {
	fd := -1
	err := n.within(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return fmt.Errorf("opening a socket to ask for drivers: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	for _, i := range list {
		info, err := unix.IoctlGetEthtoolDrvinfo(fd, i.Name)
		switch {
		case err == nil && info.Driver[0] != 0:
			i.Status = withRoom(i.Status, 1)
			i.Status["driver"] = text(info.Driver[:])
		case err != nil && err != unix.EOPNOTSUPP && err != unix.ENODEV:
			return fmt.Errorf("asking for the driver of %s: %w", i.Name, err)
		}
	}
	return nil
}

var errNoEthtool = errors.New("no ethtool over netlink")

// fillEthtool reads all groups of settings, of the interface with an index, or
// of all (0), into those of list. A driver that does not have a group says
// nothing of it.
func (n *Namespace) fillEthtool(ctx context.Context, index int, list []*netstate.Interface, all bool) error {
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
			if i := at[u32(attribute(t.get(1), unix.ETHTOOL_A_HEADER_DEV_INDEX))]; i != nil {
				fill(i, &t)
			}
		}
		flags := uint32(0)
		if command == unix.ETHTOOL_MSG_FEATURES_GET || command == unix.ETHTOOL_MSG_FEC_GET {
			flags = unix.ETHTOOL_FLAG_COMPACT_BITSETS
		}
		header := func(m *message) { ethtoolHeader(m, index, flags) }
		if index == 0 {
			err := g.dump(ctx, command, header, func() {}, take)
			if command == unix.ETHTOOL_MSG_FEC_GET && errors.Is(err, unix.EOPNOTSUPP) {
				return nil // from Linux 5.13 on
			}
			return err
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
	keys, err := g.featureKeys(ctx)
	if err != nil {
		return fmt.Errorf("reading the names of features: %w", err)
	}
	return read(unix.ETHTOOL_MSG_FEATURES_GET, func(i *netstate.Interface, t *attrTable) { decodeFeatures(i, keys, t, all) })
}

// featureKeys are the attributes of the features by their bits
// (ETH_SS_FEATURES); "" is a bit without a name.
func (g *generic) featureKeys(ctx context.Context) (keys []string, err error) {
	const features, most = 4, 1024 // ETH_SS_FEATURES; far more than there are
	err = g.do(ctx, unix.ETHTOOL_MSG_STRSET_GET, func(m *message) {
		ethtoolHeader(m, 0, 0)
		sets := m.nest(unix.ETHTOOL_A_STRSET_STRINGSETS)
		set := m.nest(unix.ETHTOOL_A_STRINGSETS_STRINGSET)
		m.u32(unix.ETHTOOL_A_STRINGSET_ID, features)
		m.endNest(set)
		m.endNest(sets)
	}, func(b []byte) {
		sets := attribute(b, unix.ETHTOOL_A_STRSET_STRINGSETS)
		set := tabulate(attribute(sets, unix.ETHTOOL_A_STRINGSETS_STRINGSET))
		for _, b := range attributes(set.get(unix.ETHTOOL_A_STRINGSET_STRINGS)) {
			t := tabulate(b)
			at, name := int(u32(t.get(unix.ETHTOOL_A_STRING_INDEX))), text(t.get(unix.ETHTOOL_A_STRING_VALUE))
			if at >= most || name == "" {
				continue
			}
			if at >= len(keys) {
				keys = append(keys, make([]string, at+1-len(keys))...)
			}
			keys[at] = netstate.EthtoolFeature + name
		}
	})
	return keys, err
}

// ethtoolHeader names the interface (ETHTOOL_A_*_HEADER is 1 everywhere).
func ethtoolHeader(m *message, index int, flags uint32) {
	h := m.nest(1)
	if index != 0 {
		m.u32(unix.ETHTOOL_A_HEADER_DEV_INDEX, uint32(index))
	}
	if flags != 0 {
		m.u32(unix.ETHTOOL_A_HEADER_FLAGS, flags)
	}
	m.endNest(h)
}

// Attributes of forward error correction (ETHTOOL_A_FEC_* of
// linux/ethtool_netlink_generated.h).
const (
	fecModes  = 2
	fecAuto   = 3
	fecActive = 4
)

// decodeFEC puts the codes that the driver is told to use into an interface, and
// the one in use. A driver that is told none, and does not choose either, has no
// forward error correction: the kernel takes nothing that says so.
func decodeFEC(i *netstate.Interface, t *attrTable) {
	auto := u8(t.get(fecAuto)) != 0
	modes, _ := bitset(t.get(fecModes))
	var list []string
	for _, e := range netstate.AttrByKey(netstate.FECMode).Enum {
		if modes.has(int(e.Value)) {
			list = append(list, e.Name)
		}
		if b := t.get(fecActive); b != nil && uint64(u32(b)) == e.Value {
			i.Status["ethtool.fec.active"] = e.Name
		}
	}
	if !auto && len(list) == 0 {
		return
	}
	i.Attrs[netstate.FECAuto] = strconv.FormatBool(auto)
	if len(list) > 0 {
		i.Attrs[netstate.FECMode] = strings.Join(list, ",")
	}
}

// encodeFEC tells all of it: what is not among the codes is not to be used.
func encodeFEC(m *message, attrs netstate.Attrs) {
	set := m.nest(fecModes)
	m.attr(unix.ETHTOOL_A_BITSET_NOMASK, nil)
	list := m.nest(unix.ETHTOOL_A_BITSET_BITS)
	for _, e := range netstate.AttrByKey(netstate.FECMode).Enum {
		if slices.Contains(strings.Split(attrs[netstate.FECMode], ","), e.Name) {
			bit := m.nest(unix.ETHTOOL_A_BITSET_BITS_BIT)
			m.u32(unix.ETHTOOL_A_BITSET_BIT_INDEX, uint32(e.Value))
			m.endNest(bit)
		}
	}
	m.endNest(list)
	m.endNest(set)
	auto := uint8(0)
	if attrs[netstate.FECAuto] == "true" {
		auto = 1
	}
	m.u8(fecAuto, auto)
}

// decodeEthtool puts a group's attributes into an interface. What is unknown,
// all bits set, is left out; what is negotiated is nobody's wish.
func decodeEthtool(i *netstate.Interface, section string, t *attrTable) {
	if section+"mode" == netstate.FECMode {
		decodeFEC(i, t)
		return
	}
	attrs := netstate.EthtoolAttrs()
	for k := range attrs {
		a := &attrs[k]
		b := t.get(a.IFLA)
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
// active. With the names of all of them in each message, a thousand interfaces
// would take a tenth of a second. Those that are as they always are are left out
// unless all is set.
func decodeFeatures(i *netstate.Interface, keys []string, t *attrTable, all bool) {
	changeable, there := bitset(t.get(unix.ETHTOOL_A_FEATURES_HW))
	fixed, _ := bitset(t.get(unix.ETHTOOL_A_FEATURES_NOCHANGE))
	wanted, _ := bitset(t.get(unix.ETHTOOL_A_FEATURES_WANTED))
	active, _ := bitset(t.get(unix.ETHTOOL_A_FEATURES_ACTIVE))
	set := func(at int) bool { return changeable.has(at) && !fixed.has(at) }
	if all {
		i.Attrs, i.Status = withRoom(i.Attrs, len(keys)/2), withRoom(i.Status, len(keys))
	}
	for at, key := range keys {
		if key == "" || !there.has(at) {
			continue
		}
		if set(at) && (all || !i.UsualFeature(key, wanted.has(at))) {
			i.Attrs[key] = strconv.FormatBool(wanted.has(at))
		}
		if all {
			i.Status[key] = strconv.FormatBool(active.has(at))
		}
	}
}

// withRoom is a copy that more can be put into without growing it.
func withRoom(attrs netstate.Attrs, more int) netstate.Attrs {
	c := make(netstate.Attrs, len(attrs)+more)
	maps.Copy(c, attrs)
	return c
}

// bitmap is a set of bits in 32-bit words.
type bitmap []byte

func (b bitmap) has(at int) bool {
	word := at / 32 * 4
	return word+4 <= len(b) && u32(b[word:])>>(at%32)&1 == 1
}

// bitset reads a set of bits (ETHTOOL_A_BITSET_*, the compact form), and which of
// them mean something.
func bitset(set []byte) (value, mask bitmap) {
	t := tabulate(set)
	return t.get(unix.ETHTOOL_A_BITSET_VALUE), t.get(unix.ETHTOOL_A_BITSET_MASK)
}

// setEthtool sets what differs, one message a group.
func (n *Namespace) setEthtool(ctx context.Context, index int, want *netstate.Interface, diffs []netstate.Difference) error {
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
		err := g.do(ctx, group.Set, func(m *message) { encodeEthtool(m, index, want, own) }, nil)
		if err != nil {
			return fmt.Errorf("setting %s: %w", strings.Join(what, ", "), err)
		}
	}
	return nil
}

func encodeEthtool(m *message, index int, want *netstate.Interface, diffs []netstate.Difference) {
	ethtoolHeader(m, index, 0)
	if diffs[0].Key == netstate.FECMode || diffs[0].Key == netstate.FECAuto {
		encodeFEC(m, want.Attrs)
		return
	}
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
