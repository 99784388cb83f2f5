package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// rawLink is an interface as the kernel sent it.
type rawLink struct {
	index     int
	hwType    uint16 // ARPHRD_*
	flags     uint32 // IFF_*
	attrs     attrTable
	kind      string // IFLA_INFO_KIND
	data      *attrTable
	slaveKind string // IFLA_INFO_SLAVE_KIND: the kind of its controller
	slaveData *attrTable
}

func (r *rawLink) name() string { return text(r.attrs.get(unix.IFLA_IFNAME)) }

// peerNetns is the ID (as this namespace counts) of the namespace that
// IFLA_LINK is in; false is this one.
func (r *rawLink) peerNetns() (id int32, elsewhere bool) {
	b := r.attrs.get(unix.IFLA_LINK_NETNSID)
	return int32(u32(b)), len(b) >= 4
}

func (r *rawLink) link() int { return int(u32(r.attrs.get(unix.IFLA_LINK))) }

// decodeLink reads struct ifinfomsg and its attributes; b is kept.
func decodeLink(b []byte) (r rawLink, ok bool) {
	if len(b) < unix.SizeofIfInfomsg {
		return r, false
	}
	r.hwType, r.index, r.flags = u16(b[2:]), int(int32(u32(b[4:]))), u32(b[8:])
	r.attrs = tabulate(b[unix.SizeofIfInfomsg:])
	for typ, p := range attributes(r.attrs.get(unix.IFLA_LINKINFO)) {
		switch typ {
		case unix.IFLA_INFO_KIND:
			r.kind = text(p)
		case unix.IFLA_INFO_DATA:
			r.data = tableOf(p)
		case unix.IFLA_INFO_SLAVE_KIND:
			r.slaveKind = text(p)
		case unix.IFLA_INFO_SLAVE_DATA:
			r.slaveData = tableOf(p)
		}
	}
	if r.kind == "vlan" && r.data.get(unix.IFLA_VLAN_FLAGS) == nil {
		// The kernel leaves flags out when none is set (vlan_fill_info).
		var m message
		m.attr(unix.IFLA_VLAN_FLAGS, []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
		r.data = tableOf(append(m.b, r.data.bytes()...))
	}
	return r, r.index > 0 && r.name() != ""
}

// rawLinks reads all interfaces, with the registry of their names.
func (n *Namespace) rawLinks(ctx context.Context) (list []rawLink, l *links, err error) {
	err = n.dump(ctx, unix.RTM_GETLINK, func(m *message) { m.ifinfo(0, 0, 0) },
		func() { list, l = nil, newLinks() },
		func(r reply) {
			if raw, ok := decodeLink(slices.Clone(r.body)); ok && r.typ == unix.RTM_NEWLINK {
				if len(list) == cap(list) {
					list = slices.Grow(list, len(list)+16) // append grows long lists by a quarter
				}
				list = append(list, raw)
				l.add(raw.index, raw.name())
			}
		})
	return list, l, err
}

// rawLink reads one interface; ok is false if there is none of that name, but
// perhaps one that has it as an alternative name.
func (n *Namespace) rawLink(ctx context.Context, name string) (raw rawLink, ok bool, err error) {
	err = n.get(ctx, unix.RTM_GETLINK, func(m *message) {
		m.ifinfo(0, 0, 0)
		m.str(unix.IFLA_IFNAME, name)
		m.u32(unix.IFLA_EXT_MASK, skipStats)
	}, func(r reply) {
		if r.typ == unix.RTM_NEWLINK {
			raw, ok = decodeLink(slices.Clone(r.body))
			ok = ok && raw.name() == name
		}
	})
	if errors.Is(err, unix.ENODEV) {
		return raw, false, nil
	}
	return raw, ok, err
}

// interfaceOf puts an interface into netstate's words. What needs a look
// beyond the message (peers in other namespaces, addresses) is added by the
// caller.
func interfaceOf(r *rawLink, l *links) netstate.Interface {
	const usual = 24 // of each: with room for them, neither map grows
	i := netstate.Interface{Name: r.name(), Index: r.index, Attrs: make(netstate.Attrs, usual), Status: make(netstate.Attrs, usual)}
	kind := netstate.KindByKernel(r.kind)
	switch {
	case kind != nil:
		i.Type = kind.Name
	case r.kind != "":
		i.Type = r.kind
	case r.hwType == unix.ARPHRD_LOOPBACK:
		i.Type = "loopback"
	case r.hwType == unix.ARPHRD_INFINIBAND:
		i.Type = "infiniband"
	default:
		i.Type = "ethernet"
	}
	decodeAttrs(&i, netstate.LinkAttrs(), r, &r.attrs, l)
	decodeInet6(&i, r)
	if kind != nil {
		decodeAttrs(&i, kind.Attrs, r, r.data, l)
		if addr := i.Status["hsr.supervision-address"]; addr != "" {
			// It is told as the last byte of the address.
			b, _ := net.ParseMAC(addr)
			i.Attrs["hsr.multicast-spec"] = strconv.Itoa(int(b[len(b)-1]))
		}
	}
	if r.kind == "netkit" {
		netkitEnd(&i)
	}
	if port := netstate.KindByKernel(r.slaveKind); port != nil {
		decodeAttrs(&i, port.PortAttrs, r, r.slaveData, l)
	}
	decodeStatus(i.Status, r)
	if _, elsewhere := r.peerNetns(); kind.PeerKey() != "" && !elsewhere && r.link() != 0 {
		i.Attrs[kind.PeerKey()] = l.name(r.link())
	}
	return i
}

// decodeAttrs reads one table of attributes: settable ones into Attrs, others
// into Status.
func decodeAttrs(i *netstate.Interface, attrs []netstate.Attr, r *rawLink, t *attrTable, l *links) {
	for j := range attrs {
		a := &attrs[j]
		value, ok := decodeOne(a, r, t, l)
		switch {
		case !ok:
		case a.Set == netstate.ReadOnly:
			i.Status[a.Key] = value
		default:
			i.Attrs[a.Key] = value
		}
	}
}

func decodeOne(a *netstate.Attr, r *rawLink, t *attrTable, l *links) (string, bool) {
	if a.Type == netstate.IFFlag {
		bit := uint64(r.flags >> a.Bit & 1)
		if len(a.Enum) > 0 {
			return enumName(a, bit), true
		}
		return strconv.FormatBool((bit == 1) != a.Inverse), true
	}
	if a.Key == "mac-address" && len(t.get(a.IFLA)) != 6 {
		return "", false // of InfiniBand, and of tunnels
	}
	if a.Message {
		t = &r.attrs
		if _, elsewhere := r.peerNetns(); a.IFLA == unix.IFLA_LINK && elsewhere {
			return "", false
		}
	}
	if a.Type == netstate.TunnelKey && be16(t.get(a.Present))>>a.Bit&1 == 0 {
		return "", false
	}
	b := t.get(a.IFLA)
	if a.Type == netstate.IPAddress && b == nil {
		b = t.get(a.IFLA6)
	}
	switch {
	case b != nil:
		value, ok := decodeAttr(a, b, l)
		if ok && value == "" && a.Type == netstate.String {
			return "", false
		}
		return value, ok
	case a.Type == netstate.Flag && a.IFLA != 0:
		return "false", true
	}
	return "", false
}

// operStates are IF_OPER_* of linux/if.h (RFC 2863).
var operStates = []string{"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"}

// statCounters are the fields of struct rtnl_link_stats64 by their place.
var statCounters = []string{
	"rx-packets", "tx-packets", "rx-bytes", "tx-bytes", "rx-errors", "tx-errors",
	"rx-dropped", "tx-dropped", "rx-multicast", "collisions",
}

// ifFlags are IFF_* in ip(8)'s words and order of bits.
var ifFlags = []string{
	"UP", "BROADCAST", "DEBUG", "LOOPBACK", "POINTOPOINT", "NOTRAILERS", "RUNNING", "NOARP", "PROMISC",
	"ALLMULTI", "MASTER", "SLAVE", "MULTICAST", "PORTSEL", "AUTOMEDIA", "DYNAMIC", "LOWER_UP", "DORMANT", "ECHO",
}

func decodeStatus(s netstate.Attrs, r *rawLink) {
	if b := r.attrs.get(unix.IFLA_OPERSTATE); int(u8(b)) < len(operStates) && b != nil {
		s["operstate"] = operStates[u8(b)]
	}
	if b := r.attrs.get(unix.IFLA_CARRIER); b != nil {
		s["carrier"] = strconv.FormatBool(u8(b) != 0)
	}
	if b := r.attrs.get(unix.IFLA_QDISC); b != nil {
		s["qdisc"] = text(b)
	}
	if b := r.attrs.get(unix.IFLA_PROMISCUITY); len(b) >= 4 {
		s["promiscuity"] = strconv.Itoa(int(u32(b)))
	}
	if b := r.attrs.get(unix.IFLA_BROADCAST); len(b) == 6 {
		s["broadcast"] = net.HardwareAddr(b).String()
	}
	var flags []string
	for bit, word := range ifFlags {
		if r.flags>>bit&1 == 1 {
			flags = append(flags, word)
		}
	}
	s["flags"] = strings.Join(flags, ",")
	stats := r.attrs.get(unix.IFLA_STATS64)
	for at, word := range statCounters {
		if len(stats) >= 8*(at+1) {
			s[word] = strconv.FormatUint(binary.NativeEndian.Uint64(stats[8*at:]), 10)
		}
	}
}
