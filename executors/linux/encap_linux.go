package linux

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// Numbers of linux/lwtunnel.h, linux/mpls_iptunnel.h, linux/seg6_iptunnel.h and
// linux/seg6_local.h that x/sys has not.
const (
	encapMPLS      = 1
	encapIP        = 2
	encapIP6       = 4
	encapSeg6      = 5
	encapSeg6Local = 7

	mplsDst = 1
	mplsTTL = 2

	// LWTUNNEL_IP_* and LWTUNNEL_IP6_*: the same places.
	lwtID    = 1
	lwtDst   = 2
	lwtSrc   = 3
	lwtTTL   = 4
	lwtTOS   = 5
	lwtFlags = 6

	seg6SRH = 1

	localAction   = 1
	localTable    = 3
	localNH4      = 4
	localNH6      = 5
	localOIF      = 7
	localVRFTable = 9

	// TUNNEL_CSUM, TUNNEL_KEY, TUNNEL_SEQ of linux/if_tunnel.h.
	tunnelCsum = 1
	tunnelKey  = 4
	tunnelSeq  = 8

	srHeader = 8 // struct ipv6_sr_hdr without segments
	srType   = 4 // IPV6_SRCRT_TYPE_4
)

var encapTypes = map[string]uint16{"mpls": encapMPLS, "ip": encapIP, "ip6": encapIP6, "seg6": encapSeg6, "seg6local": encapSeg6Local}

// encapOptions are what the kernel has the encapsulations from; that of MPLS may
// be a module.
var encapOptions = map[string]string{
	"mpls": "CONFIG_MPLS_IPTUNNEL", "ip": "CONFIG_LWTUNNEL", "ip6": "CONFIG_LWTUNNEL",
	"seg6": "CONFIG_IPV6_SEG6_LWTUNNEL", "seg6local": "CONFIG_IPV6_SEG6_LWTUNNEL",
}

// encapLacks says what the running kernel is without for an encapsulation; "" if
// it has it, or if that cannot be found out without privileges.
func encapLacks(ctx context.Context, typ string) (string, error) {
	if typ == "fou" || typ == "fou6" {
		return tunnelEncapLacks(typ)
	}
	module := "mpls_iptunnel"
	if typ != "mpls" {
		module = "lwtunnel" // no kernel has it as a module
	}
	return moduleLacks(netstate.EncapOf(typ), module, encapOptions[typ], func() (bool, error) {
		// A route that leads nowhere: the kernel looks at the type of its
		// encapsulation first (lwtunnel_valid_encap_type).
		return probed("the encapsulation "+typ, func(s *socket) (bool, error) {
			return unless(s.getFlags(ctx, unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(m *message) {
				m.raw(unix.AF_INET, 32, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, 0, unix.RTN_UNICAST, 0, 0, 0, 0)
				m.addr(unix.RTA_DST, netip.AddrFrom4([4]byte{192, 0, 2, 1}))
				m.u16(unix.RTA_ENCAP_TYPE, encapTypes[typ])
				m.endNest(m.nest(unix.RTA_ENCAP))
			}, nil), unix.EOPNOTSUPP)
		})
	})
}

// tunnelEncapLacks says whether the module of an encapsulation of tunnels is there to
// be loaded and is not: the kernel never loads it for a tunnel (ip_encap_hlen).
func tunnelEncapLacks(mod string) (string, error) {
	release, err := kernelRelease()
	if err != nil {
		return "", err
	}
	if loaded, loadable := module("/", release, mod); loaded || !loadable {
		return "", nil // the kernel itself answers where it is in no list
	}
	return "module " + mod + " is not loaded, and the kernel does not load it for a tunnel (modprobe " + mod + ")", nil
}

// labelStack reads MPLS label stack entries (RFC 3032): 20 bits of label each.
func labelStack(b []byte) []uint32 {
	var list []uint32
	for ; len(b) >= 4; b = b[4:] {
		list = append(list, binary.BigEndian.Uint32(b)>>12)
	}
	return list
}

func labelEntries(list []uint32) []byte {
	var b []byte
	for i, n := range list {
		entry := n << 12
		if i == len(list)-1 {
			entry |= 1 << 8 // bottom of stack
		}
		b = binary.BigEndian.AppendUint32(b, entry)
	}
	return b
}

// decodeEncap reads RTA_ENCAP of a type; ok is false for what netstate has no
// words for.
func decodeEncap(typ uint16, b []byte, l *links) (text string, ok bool) {
	e := &netstate.Encapsulation{}
	for name, n := range encapTypes {
		if n == typ {
			e.Type = name
		}
	}
	ok = e.Type != ""
	for at, p := range attributes(b) {
		switch typ {
		case encapMPLS:
			switch at {
			case mplsDst:
				e.Labels = labelStack(p)
			case mplsTTL:
				e.TTL = u8(p)
			}
		case encapIP, encapIP6:
			ok = decodeTunnelInfo(e, at, p) && ok
		case encapSeg6:
			ok = at == seg6SRH && decodeSegments(e, p) && ok
		case encapSeg6Local:
			ok = decodeLocal(e, at, p, l) && ok
		}
	}
	if !ok {
		return "", false
	}
	text = e.String()
	canonical, err := netstate.CanonicalEncap(text)
	return text, err == nil && canonical == text
}

func decodeTunnelInfo(e *netstate.Encapsulation, at uint16, p []byte) bool {
	switch at {
	case lwtID:
		if len(p) == 8 {
			e.ID = binary.BigEndian.Uint64(p)
		}
	case lwtDst:
		e.Dst = address(p)
	case lwtSrc:
		if src := address(p); !src.IsUnspecified() {
			e.Src = src
		}
	case lwtTTL:
		e.TTL = u8(p)
	case lwtTOS:
		e.TOS = u8(p)
	case lwtFlags:
		flags := be16(p)
		e.Csum, e.Key, e.Seq = flags&tunnelCsum != 0, flags&tunnelKey != 0, flags&tunnelSeq != 0
		return flags&^(tunnelCsum|tunnelKey|tunnelSeq) == 0
	default:
		return at == 0 || len(p) == 0 // options of GENEVE, VXLAN and ERSPAN
	}
	return true
}

// decodeSegments reads struct seg6_iptunnel_encap: a mode, and a segment routing
// header with the segments from the last to the first. Inline, the first place
// is the destination's.
func decodeSegments(e *netstate.Encapsulation, p []byte) bool {
	if len(p) < 4+srHeader || int(u32(p)) >= len(netstate.Seg6Modes) {
		return false
	}
	e.Mode = netstate.Seg6Modes[u32(p)]
	header := p[4:]
	n := int(header[4]) + 1
	if len(header) < srHeader+16*n || int(header[1]) != 2*n {
		return false // it has more: a keyed hash
	}
	for i := range n {
		a := netip.AddrFrom16([16]byte(header[srHeader+16*i:]))
		if i == 0 && e.Mode == "inline" {
			continue
		}
		e.Segs = append(e.Segs, a)
	}
	slices.Reverse(e.Segs)
	return true
}

func decodeLocal(e *netstate.Encapsulation, at uint16, p []byte, l *links) bool {
	switch at {
	case localAction:
		if n := u32(p); int(n) < len(netstate.Seg6Actions) {
			e.Action = netstate.Seg6Actions[n]
		}
		return e.Action != ""
	case localTable:
		e.Table = u32(p)
	case localVRFTable:
		e.VRFTable = u32(p)
	case localNH4:
		e.NH4 = address(p)
	case localNH6:
		e.NH6 = address(p)
	case localOIF:
		e.OIF = l.name(int(u32(p)))
	default:
		return false
	}
	return true
}

// encap appends an encapsulation: the attributes of its type and of itself,
// which routes and nexthop objects number differently.
func (m *message) encap(text string, typeAttr, attr uint16, l *links) error {
	if text == "" {
		return nil
	}
	if labels, err := netstate.ParseLabels(text); err == nil { // of a route of a label
		m.attr(unix.RTA_NEWDST, labelEntries(labels))
		return nil
	}
	e, err := netstate.ParseEncap(text)
	if err != nil {
		return fmt.Errorf("reading the encapsulation %q: %w", text, err)
	}
	m.u16(typeAttr, encapTypes[e.Type])
	at := m.nest(attr)
	switch e.Type {
	case "mpls":
		m.attr(mplsDst, labelEntries(e.Labels))
		if e.TTL != 0 {
			m.u8(mplsTTL, e.TTL)
		}
	case "ip", "ip6":
		m.tunnelInfo(e)
	case "seg6":
		m.attr(seg6SRH, segments(e))
	case "seg6local":
		err = m.local(e, l)
	}
	m.endNest(at)
	return err
}

func (m *message) tunnelInfo(e *netstate.Encapsulation) {
	m.attr(lwtID, binary.BigEndian.AppendUint64(nil, e.ID))
	m.addr(lwtDst, e.Dst)
	if e.Src.IsValid() {
		m.addr(lwtSrc, e.Src)
	}
	if e.TTL != 0 {
		m.u8(lwtTTL, e.TTL)
	}
	if e.TOS != 0 {
		m.u8(lwtTOS, e.TOS)
	}
	flags := uint16(0)
	for _, f := range []struct {
		on  bool
		bit uint16
	}{{e.Csum, tunnelCsum}, {e.Key, tunnelKey}, {e.Seq, tunnelSeq}} {
		if f.on {
			flags |= f.bit
		}
	}
	if flags != 0 {
		m.attr(lwtFlags, binary.BigEndian.AppendUint16(nil, flags))
	}
}

// segments is struct seg6_iptunnel_encap.
func segments(e *netstate.Encapsulation) []byte {
	list := slices.Clone(e.Segs)
	slices.Reverse(list)
	if e.Mode == "inline" {
		list = slices.Insert(list, 0, netip.IPv6Unspecified()) // the kernel puts the destination there
	}
	n := len(list)
	b := binary.NativeEndian.AppendUint32(nil, uint32(slices.Index(netstate.Seg6Modes, e.Mode)))
	b = append(b, 0, uint8(2*n), srType, uint8(n-1), uint8(n-1), 0, 0, 0)
	for _, a := range list {
		b = append(b, a.AsSlice()...)
	}
	return b
}

func (m *message) local(e *netstate.Encapsulation, l *links) error {
	m.u32(localAction, uint32(slices.Index(netstate.Seg6Actions, e.Action)))
	if e.Table != 0 {
		m.u32(localTable, e.Table)
	}
	if e.VRFTable != 0 {
		m.u32(localVRFTable, e.VRFTable)
	}
	if e.NH4.IsValid() {
		m.addr(localNH4, e.NH4)
	}
	if e.NH6.IsValid() {
		m.addr(localNH6, e.NH6)
	}
	if e.OIF == "" {
		return nil
	}
	index, err := l.index(e.OIF)
	m.u32(localOIF, uint32(index))
	return err
}
