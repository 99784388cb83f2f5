package linux

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// What if_addr.h has and x/sys has not.
const (
	ifaProto = 11

	protoLoopback        = 1 // IFAPROT_KERNEL_LO
	protoAdvertised      = 2 // IFAPROT_KERNEL_RA
	protoLinkLocal       = 3 // IFAPROT_KERNEL_LL
	forever              = math.MaxUint32
	settableAddressFlags = unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR | unix.IFA_F_NODAD | unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_MCAUTOJOIN
)

type flagName struct {
	bit  uint32
	name string
}

// addressFlags are IFA_F_* in ip(8)'s words, sorted by word.
var addressFlags = []flagName{
	{unix.IFA_F_MCAUTOJOIN, "autojoin"},
	{unix.IFA_F_DADFAILED, "dadfailed"},
	{unix.IFA_F_DEPRECATED, "deprecated"},
	{unix.IFA_F_HOMEADDRESS, "home"},
	{unix.IFA_F_MANAGETEMPADDR, "mngtmpaddr"},
	{unix.IFA_F_NODAD, "nodad"},
	{unix.IFA_F_NOPREFIXROUTE, "noprefixroute"},
	{unix.IFA_F_OPTIMISTIC, "optimistic"},
	{unix.IFA_F_PERMANENT, "permanent"},
	{unix.IFA_F_STABLE_PRIVACY, "stable-privacy"},
	{unix.IFA_F_TENTATIVE, "tentative"},
}

// scopes are RT_SCOPE_* in ip(8)'s words.
var scopes = map[uint8]string{
	unix.RT_SCOPE_UNIVERSE: "", unix.RT_SCOPE_SITE: "site", unix.RT_SCOPE_LINK: "link",
	unix.RT_SCOPE_HOST: "host", unix.RT_SCOPE_NOWHERE: "nowhere",
}

func scopeNumber(s string) (uint8, error) {
	if s == "global" {
		return unix.RT_SCOPE_UNIVERSE, nil
	}
	for n, name := range scopes {
		if name == s {
			return n, nil
		}
	}
	n, err := strconv.ParseUint(s, 0, 8)
	if err != nil {
		return 0, fmt.Errorf("unknown scope %q", s)
	}
	return uint8(n), nil
}

// rawAddress is an address with the number of its interface.
type rawAddress struct {
	index int
	netstate.Address
	proto    uint8
	hasProto bool
}

// addresses reads all addresses of the interfaces, by interface, in the kernel's order.
func (n *Namespace) addresses(ctx context.Context, raw []rawLink) (map[int][]netstate.Address, error) {
	byLink := map[int][]netstate.Address{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		var list []rawAddress
		err := n.dump(ctx, unix.RTM_GETADDR, func(m *message) {
			m.raw(make([]byte, unix.SizeofIfAddrmsg)...)
			m.b[len(m.b)-unix.SizeofIfAddrmsg] = family
		}, func() { list = list[:0] }, func(r reply) {
			if a, ok := decodeAddress(r.body); r.typ == unix.RTM_NEWADDR && ok && r.body[0] == family {
				list = append(list, a)
			}
		})
		if err != nil {
			return nil, err
		}
		markKernelAddresses(list)
		if family == unix.AF_INET6 {
			markMadeOfIPv4(list, raw, byLink)
		}
		for _, a := range list {
			byLink[a.index] = append(byLink[a.index], a.Address)
		}
	}
	return byLink, nil
}

// decodeAddress reads struct ifaddrmsg and its attributes.
func decodeAddress(b []byte) (a rawAddress, ok bool) {
	if len(b) < unix.SizeofIfAddrmsg {
		return a, false
	}
	bits, flags, scope := int(b[1]), uint32(b[2]), b[3]
	a.index = int(u32(b[4:]))
	a.Scope, ok = scopes[scope]
	if !ok {
		a.Scope = strconv.Itoa(int(scope))
	}
	var local, remote netip.Addr
	for typ, p := range attributes(b[unix.SizeofIfAddrmsg:]) {
		switch typ {
		case unix.IFA_LOCAL:
			local = address(p)
		case unix.IFA_ADDRESS:
			remote = address(p)
		case unix.IFA_BROADCAST:
			a.Broadcast = address(p)
		case unix.IFA_LABEL:
			a.Label = text(p)
		case unix.IFA_FLAGS:
			flags = u32(p)
		case unix.IFA_CACHEINFO:
			a.lifetimes(p)
		case unix.IFA_RT_PRIORITY:
			a.Metric = u32(p)
		case ifaProto:
			a.proto, a.hasProto = u8(p), true
		}
	}
	a.place(local, remote, bits)
	a.flags(flags)
	return a, a.Prefix.IsValid()
}

// place fills in address and peer. IPv4 sends both, equal where there is no
// peer; IPv6 sends IFA_LOCAL only with a peer.
func (a *rawAddress) place(local, remote netip.Addr, bits int) {
	switch {
	case !local.IsValid(), local == remote:
		a.Prefix = prefix(remote, bits)
	default:
		a.Prefix = prefix(local, local.BitLen())
		a.Peer = prefix(remote, bits)
	}
}

// lifetimes reads struct ifa_cacheinfo.
func (a *rawAddress) lifetimes(b []byte) {
	if len(b) < 8 {
		return
	}
	preferred, valid := u32(b), u32(b[4:])
	if valid != forever {
		a.ValidLifetime = valid
	}
	switch preferred {
	case forever:
	case 0:
		a.Deprecated = true
	default:
		a.PreferredLifetime = preferred
	}
}

func (a *rawAddress) flags(flags uint32) {
	v4 := a.Prefix.Addr().Is4()
	for _, f := range addressFlags {
		switch {
		case flags&f.bit == 0:
		case f.bit&settableAddressFlags != 0:
			a.Flags = append(a.Flags, f.name)
		default:
			a.Status = append(a.Status, f.name)
		}
	}
	// One bit has two names: IPv4's secondary is IPv6's temporary.
	switch {
	case flags&unix.IFA_F_SECONDARY == 0:
	case v4:
		a.Status = append(a.Status, "secondary")
	default:
		a.Status = append(a.Status, "temporary")
	}
	if flags&unix.IFA_F_PERMANENT == 0 {
		a.Status = append(a.Status, "dynamic")
	}
	slices.Sort(a.Status)
}

// markKernelAddresses finds the addresses that the kernel made by itself.
// Kernels from 5.18 say so (IFA_PROTO); of an older one, or of addresses that
// somebody else made in the kernel's way, only loopback's own are sure.
func markKernelAddresses(list []rawAddress) {
	tells := slices.ContainsFunc(list, func(a rawAddress) bool { return a.hasProto })
	for i := range list {
		a := &list[i]
		switch {
		case a.proto >= protoLoopback && a.proto <= protoLinkLocal:
			a.Kernel = true
		case slices.Contains(a.Status, "temporary"):
			a.Kernel = true
		case !tells:
			ip := a.Prefix.Addr()
			a.Kernel = ip.IsLoopback() && a.index == 1 || ip.Is6() && ip.IsLinkLocalUnicast() && isEUI64(ip)
		}
	}
}

// markMadeOfIPv4 finds the addresses that the kernel made of IPv4 addresses, and does
// not tell of (IFAPROT_UNSPEC; add_v4_addrs of net/ipv6/addrconf.c): when a tunnel of
// sit, or a gre without local address, comes up, it gets one of its local address, or
// of each that this host has. ipv4 are those, by interface.
func markMadeOfIPv4(list []rawAddress, raw []rawLink, ipv4 map[int][]netstate.Address) {
	for i := range raw {
		r := &raw[i]
		if r.hwType != unix.ARPHRD_SIT && r.hwType != unix.ARPHRD_IPGRE {
			continue
		}
		upper, bits := netip.MustParsePrefix("fe80::/96"), 64
		if r.hwType == unix.ARPHRD_SIT && r.flags&unix.IFF_POINTOPOINT == 0 {
			upper, bits = netip.MustParsePrefix("::/96"), 96
		}
		local := address(r.attrs.get(unix.IFLA_ADDRESS))
		for n := range list {
			a := &list[n]
			if a.index != r.index || a.hasProto || len(a.Flags) > 0 || a.Prefix.Bits() != bits || !upper.Contains(a.Prefix.Addr()) {
				continue
			}
			b := a.Prefix.Addr().As16()
			from := netip.AddrFrom4([4]byte(b[12:]))
			a.Kernel = from == local || local.IsUnspecified() && hasAddress(ipv4, from)
		}
	}
}

func hasAddress(byLink map[int][]netstate.Address, ip netip.Addr) bool {
	for _, list := range byLink {
		if slices.ContainsFunc(list, func(a netstate.Address) bool { return a.Prefix.Addr() == ip }) {
			return true
		}
	}
	return false
}

// isEUI64 tells whether an IPv6 address has an interface identifier made of a
// MAC address (RFC 4291, appendix A).
func isEUI64(ip netip.Addr) bool {
	b := ip.As16()
	return b[11] == 0xff && b[12] == 0xfe
}

// encodeAddress appends the message that adds, changes or deletes an address.
func encodeAddress(m *message, seq uint32, op netstate.Op, a *netstate.InterfaceAddress, l *links) error {
	index, err := l.index(a.Device)
	if err != nil {
		return err
	}
	if !a.Prefix.IsValid() {
		return fmt.Errorf("the address is not valid")
	}
	scope, err := scopeNumber(a.Scope)
	if err != nil {
		return err
	}
	flags, err := addressFlagBits(a.Flags)
	if err != nil {
		return err
	}
	ip, remote, bits := a.Prefix.Addr(), a.Prefix.Addr(), a.Prefix.Bits()
	if a.Peer.IsValid() {
		remote, bits = a.Peer.Addr(), a.Peer.Bits()
	}
	m.address(seq, op, ip, bits, uint8(flags), scope, index)
	m.addr(unix.IFA_LOCAL, ip)
	m.addr(unix.IFA_ADDRESS, remote)
	if op == netstate.Delete {
		if a.Label != "" {
			m.str(unix.IFA_LABEL, a.Label)
		}
		m.end()
		return nil
	}
	m.addressDetails(a, flags)
	m.end()
	return nil
}

// address appends the header and struct ifaddrmsg.
func (m *message) address(seq uint32, op netstate.Op, ip netip.Addr, bits int, flags, scope uint8, index int) {
	m.beginEdit(op, unix.RTM_NEWADDR, seq)
	m.raw(family(ip), uint8(bits), flags, scope)
	m.raw(numberPayload(netstate.Uint32, uint64(index))...)
}

// addressDetails appends what an address has besides its place.
func (m *message) addressDetails(a *netstate.InterfaceAddress, flags uint32) {
	if a.Broadcast.IsValid() {
		m.addr(unix.IFA_BROADCAST, a.Broadcast)
	}
	if a.Label != "" {
		m.str(unix.IFA_LABEL, a.Label)
	}
	m.u32(unix.IFA_FLAGS, flags)
	if a.Metric != 0 {
		m.u32(unix.IFA_RT_PRIORITY, a.Metric)
	}
	if a.Kernel {
		m.u8(ifaProto, kernelProto(a.Prefix.Addr()))
	}
	valid, preferred := a.ValidLifetime, a.PreferredLifetime
	if valid == 0 {
		valid = forever
	}
	if preferred == 0 && !a.Deprecated {
		preferred = forever
	}
	// struct ifa_cacheinfo: preferred, valid, created, updated.
	b := numberPayload(netstate.Uint32, uint64(min(preferred, valid)))
	b = append(b, numberPayload(netstate.Uint32, uint64(valid))...)
	m.attr(unix.IFA_CACHEINFO, append(b, make([]byte, 8)...))
}

// kernelProto is the IFAPROT_* of an address that the kernel had made.
func kernelProto(ip netip.Addr) uint8 {
	switch {
	case ip.IsLoopback():
		return protoLoopback
	case ip.IsLinkLocalUnicast():
		return protoLinkLocal
	}
	return protoAdvertised
}

func addressFlagBits(words []string) (bits uint32, err error) {
	for _, w := range words {
		i := slices.IndexFunc(addressFlags, func(f flagName) bool { return f.name == w && f.bit&settableAddressFlags != 0 })
		if i < 0 {
			return 0, fmt.Errorf("unknown address flag %q", w)
		}
		bits |= addressFlags[i].bit
	}
	return bits, nil
}

// leavesRoute tells whether the kernel would leave an address's prefix route
// behind: it removes that of a permanent IPv6 address only (ipv6_del_addr).
func leavesRoute(a *netstate.InterfaceAddress) bool {
	return a != nil && a.Prefix.Addr().Is6() && a.ValidLifetime != 0 && !a.Kernel && !slices.Contains(a.Flags, "noprefixroute")
}

// permanent is the address without end, for taking it away with its route.
func permanent(a *netstate.InterfaceAddress) *netstate.Object {
	p := *a
	p.ValidLifetime, p.PreferredLifetime, p.Deprecated = 0, 0, false
	return &netstate.Object{Address: &p}
}

// family is AF_INET or AF_INET6.
func family(ip netip.Addr) uint8 {
	if ip.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
