package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// Numbers of linux/rtnetlink.h and linux/pkt_sched.h that x/sys has not.
const (
	tcaKind    = 1
	tcaOptions = 2
	tcaStats   = 3
	tcaStab    = 8
	tcaChain   = 11
	tcaIngress = 13 // TCA_INGRESS_BLOCK
	tcaEgress  = 14

	tcRoot    = 0xffffffff
	tcIngress = 0xfffffff1 // where the qdiscs ingress and clsact are
	tcIn      = 0xfffffff2 // their filters (TC_H_MIN_INGRESS)
	tcOut     = 0xfffffff3

	sizeofTcmsg = 20
)

// tcmsg appends a struct tcmsg.
func (m *message) tcmsg(index int, handle, parent, info uint32) {
	var b [sizeofTcmsg]byte
	for i, v := range []uint32{uint32(index), handle, parent, info} {
		binary.NativeEndian.PutUint32(b[4+4*i:], v)
	}
	m.raw(b[:]...)
}

// observeTraffic fills in the traffic control of the interfaces. A kernel
// without any has none.
func (n *Namespace) observeTraffic(ctx context.Context, s *netstate.State, l *links) error {
	byDevice := map[int][]netstate.TCEntry{}
	err := n.dump(ctx, unix.RTM_GETQDISC, func(m *message) { m.tcmsg(0, 0, 0, 0) }, func() { clear(byDevice) }, func(r reply) {
		index, e, ok := decodeQdisc(r, l)
		if ok {
			byDevice[index] = append(byDevice[index], e)
		}
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return err
	}
	for index, list := range byDevice {
		if _, known := l.byIndex[index]; !known {
			continue
		}
		more, err := n.observeBelow(ctx, index, list, l)
		if err != nil {
			return err
		}
		t := netstate.TrafficControl{Device: l.name(index), Entries: append(list, more...)}
		t.Sort()
		s.TrafficControl = append(s.TrafficControl, t)
	}
	sort.Slice(s.TrafficControl, func(i, j int) bool { return s.TrafficControl[i].Device < s.TrafficControl[j].Device })
	return nil
}

// classful are the qdiscs that filters can hang on.
var classful = []string{"htb", "prio", "netem", "tbf", "mq"}

// observeBelow reads the classes and filters of an interface's qdiscs.
func (n *Namespace) observeBelow(ctx context.Context, index int, qdiscs []netstate.TCEntry, l *links) (out []netstate.TCEntry, err error) {
	var places []uint32
	for i := range qdiscs {
		handle, _ := netstate.ParseTCHandle(qdiscs[i].Handle)
		switch kind := qdiscs[i].Kind; {
		case kind == "ingress":
			places = append(places, tcIn)
		case kind == "clsact":
			places = append(places, tcIn, tcOut)
		case slices.Contains(classful, kind) || qdiscs[i].Unread != "":
			places = append(places, handle)
		}
	}
	if slices.ContainsFunc(qdiscs, func(e netstate.TCEntry) bool { return e.Kind == "htb" || e.Unread != "" }) {
		err := n.dump(ctx, unix.RTM_GETTCLASS, func(m *message) { m.tcmsg(index, 0, 0, 0) }, func() { out = nil }, func(r reply) {
			e, ok := decodeClass(r)
			if ok {
				out = append(out, e)
			}
		})
		if err != nil {
			return nil, err
		}
		for i := range out {
			handle, _ := netstate.ParseTCHandle(out[i].Handle)
			places = append(places, handle)
		}
	}
	for _, place := range places {
		filters, err := n.filters(ctx, index, place, l)
		if err != nil {
			return nil, err
		}
		for i := range filters {
			out = append(out, filters[i].TCEntry)
		}
	}
	return out, nil
}

// filter is a filter with the kernel's own handle.
type filter struct {
	netstate.TCEntry
	handle uint32
}

// filters reads those at a place. The kernel cannot show a filter of kind fw
// without options (fw_dump), and ends the list there: that one is unread, and so
// is what comes after it.
func (n *Namespace) filters(ctx context.Context, index int, place uint32, l *links) (out []filter, err error) {
	var last filter
	err = n.dump(ctx, unix.RTM_GETTFILTER, func(m *message) { m.tcmsg(index, 0, place, 0) }, func() { out, last = nil, filter{} }, func(r reply) {
		f, ok := decodeFilter(r, l)
		f.Parent = placeText(place)
		if last = f; ok {
			out = append(out, f)
		}
	})
	if errors.Is(err, unix.EMSGSIZE) && last.Object != "" {
		last.Handle, last.Unread = "", "the kernel does not show it, nor what comes after it, to tc(8) neither"
		return append(out, last), nil
	}
	return out, err
}

// placeText is a parent as netstate has it.
func placeText(parent uint32) string {
	switch parent {
	case tcRoot:
		return "root"
	case tcIngress, tcIn:
		return "ingress"
	case tcOut:
		return "egress"
	}
	return netstate.FormatTCHandle(parent)
}

// tcParent is the kernel's number for a parent.
func tcParent(e *netstate.TCEntry) (uint32, error) {
	switch {
	case e.Parent == "root":
		return tcRoot, nil
	case e.Parent == "ingress" && e.Object == netstate.TCQdisc:
		return tcIngress, nil
	case e.Parent == "ingress":
		return tcIn, nil
	case e.Parent == "egress":
		return tcOut, nil
	}
	return netstate.ParseTCHandle(e.Parent)
}

// tcHead reads what all three sorts have in common.
func tcHead(r reply, object string) (t attrTable, e netstate.TCEntry, ok bool) {
	if len(r.body) < sizeofTcmsg {
		return t, e, false
	}
	t = tabulate(r.body[sizeofTcmsg:])
	e = netstate.TCEntry{Object: object, Kind: text(t.get(tcaKind)), Parent: placeText(u32(r.body[12:])), Options: netstate.Attrs{}}
	e.Handle = netstate.FormatTCHandle(u32(r.body[8:]))
	return t, e, e.Kind != ""
}

func decodeQdisc(r reply, l *links) (index int, e netstate.TCEntry, ok bool) {
	t, e, ok := tcHead(r, netstate.TCQdisc)
	if !ok || r.typ != unix.RTM_NEWQDISC || u32(r.body[8:]) == 0 {
		return 0, e, false // the kernel's own, or nothing
	}
	k := netstate.TCKindOf(netstate.TCQdisc, e.Kind)
	switch {
	case k == nil:
		e.Unread = "stet has no words for the kind " + e.Kind
	case t.get(tcaStab) != nil:
		e.Unread = "it has a size table"
	case u32(t.get(tcaIngress))|u32(t.get(tcaEgress)) != 0:
		e.Unread = "it shares its filters as a block"
	default:
		e.Unread = decodeQdiscOptions(k, &e, t.get(tcaOptions), l)
	}
	e.Status = tcCounters(t.get(tcaStats))
	return int(int32(u32(r.body[4:]))), e, true
}

// tcCounters reads struct tc_stats.
func tcCounters(b []byte) netstate.Attrs {
	if len(b) < 36 {
		return nil
	}
	o := netstate.Attrs{"bytes": strconv.FormatUint(u64(b), 10)}
	for i, key := range []string{"packets", "drops", "overlimits", "", "", "qlen", "backlog"} {
		if key != "" {
			o[key] = strconv.FormatUint(uint64(u32(b[8+4*i:])), 10)
		}
	}
	return o
}

func decodeClass(r reply) (e netstate.TCEntry, ok bool) {
	t, e, ok := tcHead(r, netstate.TCClass)
	if !ok || r.typ != unix.RTM_NEWTCLASS {
		return e, false
	}
	e.Status = tcCounters(t.get(tcaStats))
	number, _ := netstate.ParseTCHandle(e.Handle)
	if e.Parent == "root" {
		e.Parent = netstate.FormatTCHandle(number &^ 0xffff)
	}
	switch e.Kind {
	case "htb":
		e.Unread = decodeHTBClass(&e, tabulate(t.get(tcaOptions)))
	case "hfsc", "drr", "qfq", "cbq", "ets":
		e.Unread = "stet has no words for the kind " + e.Kind
	default:
		return e, false // it comes with its qdisc
	}
	return e, true
}

// protocols are tc's words for the types of Ethernet.
var protocols = map[uint16]string{
	unix.ETH_P_ALL: "all", unix.ETH_P_IP: "ip", unix.ETH_P_IPV6: "ipv6", unix.ETH_P_ARP: "arp", unix.ETH_P_8021Q: "802.1q", unix.ETH_P_8021AD: "802.1ad",
}

func protocolText(n uint16) string {
	if name, ok := protocols[n]; ok {
		return name
	}
	return "0x" + strconv.FormatUint(uint64(n), 16)
}

func protocolNumber(text string) (uint16, error) {
	for n, name := range protocols {
		if name == text {
			return n, nil
		}
	}
	n, err := strconv.ParseUint(text, 0, 16)
	return uint16(n), err
}

// swap exchanges the bytes of a number: protocols travel in network byte order
// inside of a number in the host's.
func swap(n uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return binary.NativeEndian.Uint16(b[:])
}
