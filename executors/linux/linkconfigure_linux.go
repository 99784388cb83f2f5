package linux

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// differences is what must be set on an interface, by where it goes.
type differences struct {
	flags, change uint32                // ifi_flags, ifi_change
	message       []netstate.Difference // attributes of the message
	data          []netstate.Difference // of IFLA_INFO_DATA
	port          []netstate.Difference // of IFLA_INFO_SLAVE_DATA
	tun           []netstate.Difference // by ioctl
	extra         []netstate.Difference // beyond rtnetlink
	ethtool       []netstate.Difference // of the driver
	sriov         []netstate.Difference // of virtual functions
	controller    bool                  // it changes
	down          bool                  // the interface goes down
	multicast     []netstate.Difference // hardware addresses, by ioctl
	altNames      []netstate.Difference // by messages of their own
	inet6         []netstate.Difference // of IPv6: parameters, and IFLA_AF_SPEC
	team          []netstate.Difference // of a port of a team
	vlans         []netstate.Difference // of a bridge, of a port, and the filter of a VXLAN
}

// ownMessages are the types of what has messages of its own.
var ownMessages = []netstate.AttrType{netstate.VLANList, netstate.VLANTunnels, netstate.Ranges, netstate.VNIList}

// sortDifferences puts each difference where it goes. What can only be set when
// the interface is made is passed over: reading back tells about it.
func sortDifferences(list []netstate.Difference, kind *netstate.Kind) (d differences) {
	for _, diff := range list {
		a := netstate.AttrByKey(diff.Key)
		var to *[]netstate.Difference // one append: agents are to be small
		switch {
		case netstate.IsSRIOV(a.Key):
			to = &d.sriov
		case netstate.IsEthtool(a.Key):
			to = &d.ethtool
		case a.Set != netstate.Anytime && !isExtra(kind, a):
		case strings.HasPrefix(a.Key, "team-port."):
			to = &d.team
		case a.Key == multicastMACs:
			to = &d.multicast
		case a.Key == netstate.AltNames:
			to = &d.altNames
		case netstate.IsInet6(a.Key):
			to = &d.inet6
		case a.Type == netstate.IFFlag:
			d.flag(a, diff.After)
		case slices.Contains(ownMessages, a.Type):
			to = &d.vlans
		case isLinkAttr(a) || a.Message:
			to = &d.message
			d.controller = d.controller || a.Key == "controller"
		case strings.HasPrefix(a.Key, "tun."):
			to = &d.tun
		case isExtra(kind, a):
			to = &d.extra
		case kind != nil && hasAttr(kind.Attrs, a.Key):
			to = &d.data
		case a.IFLA != 0:
			to = &d.port
		}
		if to != nil {
			*to = append(*to, diff)
		}
	}
	return d
}

// together adds what the kernel wants in one message with what changes: MACsec's
// window with its replay protection (macsec_validate_attr), the sizes of segments
// of IPv4 with those that they follow.
func (d *differences) together(want *netstate.Interface) {
	const window = "macsec.window"
	has := func(key string) bool {
		return slices.ContainsFunc(d.data, func(diff netstate.Difference) bool { return diff.Key == key })
	}
	for _, diff := range slices.Clone(d.message) {
		key := netstate.SegmentSize(diff.Key)
		set := slices.ContainsFunc(d.message, func(diff netstate.Difference) bool { return diff.Key == key })
		if value := want.Attrs[key]; value != "" && !set { // it would follow
			d.message = append(d.message, netstate.Difference{Key: key, After: value})
		}
	}
	if value := want.Attrs[window]; has("macsec.replay-protect") && !has(window) && value != "" {
		d.data = append(d.data, netstate.Difference{Key: window, After: value})
	}
}

func (d *differences) flag(a *netstate.Attr, value string) {
	bit := uint32(1) << a.Bit
	on := (value == "true") != a.Inverse
	if len(a.Enum) > 0 {
		on = value == "up"
	}
	d.change |= bit
	if on {
		d.flags |= bit
	}
	if a.Key == "state" {
		d.down = !on
	}
}

func isLinkAttr(a *netstate.Attr) bool { return hasAttr(netstate.LinkAttrs(), a.Key) }

func hasAttr(attrs []netstate.Attr, key string) bool {
	return slices.ContainsFunc(attrs, func(a netstate.Attr) bool { return a.Key == key })
}

// configure sets what differs between what an interface has and what it is to
// have. An interface that goes down does so first; one that comes up does so
// last, so that no packet passes a port before the port's attributes hold.
func (w *linkWriter) configure(ctx context.Context, index int, have, want *netstate.Interface) error {
	kind := netstate.KindByName(want.Type)
	d := sortDifferences(netstate.Differences(have, want), kind)
	d.together(want)
	l, err := w.names(ctx)
	if err != nil {
		return err
	}
	flags := func() error {
		if d.change == 0 {
			return nil
		}
		return w.n.get(ctx, unix.RTM_NEWLINK, func(m *message) { m.ifinfo(index, d.flags, d.change) }, nil)
	}
	steps := []func() error{
		func() error { return w.configureTun(ctx, want, d.tun) },
		func() error { return w.tellTeamd(ctx, want, &d) },
		func() error { return w.setLink(ctx, index, whole(kind, have, want, &d), kind, &d, l) },
		func() error { return w.setInet6(ctx, index, want.Name, d.inet6) },
		func() error { return w.setMulticast(want.Name, d.multicast) },
		func() error { return w.setAltNames(ctx, index, d.altNames) },
		func() error { return w.setPort(ctx, index, want, &d, l) },
		func() error { return w.setTeamPort(ctx, index, want, &d) },
		func() error {
			for _, v := range d.vlans {
				if err := w.setVLANsOrVNIs(ctx, index, &v); err != nil {
					return err
				}
			}
			return nil
		},
		func() error {
			if len(d.extra) == 0 {
				return nil
			}
			return extraOf(kind.Name).set(ctx, w.n, index, have, want, d.extra)
		},
		func() error { return w.n.setSRIOV(ctx, want, d.sriov) },
		func() error { return w.n.setEthtool(ctx, index, want, d.ethtool) },
	}
	if d.down {
		steps = slices.Insert(steps, 0, flags)
	} else {
		steps = append(steps, flags)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (w *linkWriter) setVLANsOrVNIs(ctx context.Context, index int, d *netstate.Difference) error {
	switch d.Key {
	case "vxlan.vnis":
		return w.setVNIs(ctx, index, d.After)
	case vlanTunnelInfo:
		return w.setVLANTunnels(ctx, index, d.After)
	case vlanGlobal:
		return w.setVLANGlobal(ctx, index, d.After)
	case portMST:
		return w.setMST(ctx, index, d.After)
	}
	return w.setVLANs(ctx, index, d.After, !netstate.IsPortKey(d.Key))
}

// whole is want with what have has besides, where the kernel takes what a
// change does not name for its default; all of it is then what differs.
func whole(kind *netstate.Kind, have, want *netstate.Interface, d *differences) *netstate.Interface {
	if kind == nil || !kind.Whole || len(d.data) == 0 {
		return want
	}
	all := *want
	all.Attrs = maps.Clone(want.Attrs)
	differs := d.data
	d.data = nil
	for i := range kind.Attrs {
		a := &kind.Attrs[i]
		value, ok := want.Attrs[a.Key]
		if !ok && !slices.ContainsFunc(differs, func(diff netstate.Difference) bool { return diff.Key == a.Key }) { // else it goes
			if value, ok = have.Attrs[a.Key]; ok {
				all.Attrs[a.Key] = value
			}
		}
		if ok && a.Set != netstate.ReadOnly && (value != "" || a.Type == netstate.TunnelKey) {
			d.data = append(d.data, netstate.Difference{Key: a.Key, After: value})
		}
	}
	return &all
}

// setLink sends attributes of the interface and of its kind.
func (w *linkWriter) setLink(ctx context.Context, index int, want *netstate.Interface, kind *netstate.Kind, d *differences, l *links) error {
	if len(d.message) == 0 && len(d.data) == 0 {
		return nil
	}
	var bad error
	err := w.n.get(ctx, unix.RTM_NEWLINK, func(m *message) {
		m.ifinfo(index, 0, 0)
		writer := attrWriter{m: m, l: l}
		if bad = writer.setAll(d.message); bad != nil || len(d.data) == 0 {
			return
		}
		info := m.nest(unix.IFLA_LINKINFO)
		m.str(unix.IFLA_INFO_KIND, kind.Kernel)
		data := m.nest(unix.IFLA_INFO_DATA)
		bad = writer.setAll(d.data)
		writer.flush(want.Attrs, kind.Attrs)
		m.endNest(data)
		m.endNest(info)
	}, nil)
	if bad != nil {
		return bad
	}
	return err
}

func (w *attrWriter) setAll(list []netstate.Difference) error {
	for _, diff := range list {
		if err := w.set(netstate.AttrByKey(diff.Key), diff.After, diff.Before); err != nil {
			return err
		}
	}
	return nil
}

// setPort sends the attributes of a port. A new port has the kernel's defaults,
// which are read: some of them (the path cost) depend on the interface.
func (w *linkWriter) setPort(ctx context.Context, index int, want *netstate.Interface, d *differences, l *links) error {
	if want.Attrs["controller"] == "" || len(d.port) == 0 && !d.controller {
		return nil
	}
	raw, ok, err := w.n.rawLink(ctx, want.Name)
	if err != nil {
		return err
	}
	port := netstate.KindByKernel(raw.slaveKind)
	if !ok || port == nil {
		return nil
	}
	list := d.port
	if d.controller {
		have := interfaceOf(&raw, l)
		list = sortDifferences(netstate.Differences(&have, want), netstate.KindByName(want.Type)).port
	}
	if len(list) == 0 {
		return nil
	}
	var bad error
	err = w.n.get(ctx, unix.RTM_NEWLINK, func(m *message) {
		m.ifinfo(index, 0, 0)
		info := m.nest(unix.IFLA_LINKINFO)
		m.str(unix.IFLA_INFO_SLAVE_KIND, port.Kernel)
		data := m.nest(unix.IFLA_INFO_SLAVE_DATA)
		writer := attrWriter{m: m, l: l}
		bad = writer.setAll(list)
		m.endNest(data)
		m.endNest(info)
	}, nil)
	if bad != nil {
		return bad
	}
	if err != nil {
		return fmt.Errorf("setting attributes of the port: %w", err)
	}
	return nil
}
