package netstate

import (
	"net/netip"
	"slices"
)

// addresses makes the given lists the whole lists of their families.
func (m *simulation) addresses(i *InterfaceConfig) {
	v := m.to.Interface(i.Name)
	if v == nil {
		return
	}
	for _, ip := range []*IPConfig{i.IPv4, i.IPv6} {
		if ip != nil {
			m.family(i, v, ip, ip == i.IPv6)
		}
	}
	if declared := i.addresses(); len(declared) > 0 {
		m.kept.put(Interface{Name: i.Name, Addresses: declared})
	}
}

func (m *simulation) family(i *InterfaceConfig, v *Interface, ip *IPConfig, six bool) {
	off := ip.Enabled != nil && !*ip.Enabled
	if off && ip.Addresses != nil && len(*ip.Addresses) > 0 {
		m.problem(ip.Pos, "contradiction", i.Name+": addresses are given, but `enabled` is false", "Leave one of the two out.")
		return
	}
	if six {
		m.switchIPv6(i, ip)
	}
	switch {
	case off:
		v.Addresses = replaceFamily(v.Addresses, nil, six)
	case ip.Addresses != nil:
		v.Addresses = replaceFamily(v.Addresses, *ip.Addresses, six)
	}
	if six && !off && ip.Addresses != nil && len(*ip.Addresses) > 0 && m.v6off(i.Name) {
		m.problem(ip.Pos, "ipv6-disabled", "IPv6 is off on "+i.Name+" (disable_ipv6)", "Add `enabled: true` to `ipv6`.")
	}
	if six && small(v) && ip.Addresses != nil && len(*ip.Addresses) > 0 {
		m.problem(ip.Pos, "ipv6-disabled", i.Name+" has an MTU of "+attrOf(v, "mtu")+", and IPv6 needs 1280", "Give it a larger `mtu`, or no IPv6 addresses.")
	}
}

// switchIPv6 sets disable_ipv6, as nmstate's `enabled` does.
func (m *simulation) switchIPv6(i *InterfaceConfig, ip *IPConfig) {
	if ip.Enabled == nil {
		return
	}
	key := "net.ipv6.conf." + sysctlName(i.Name) + ".disable_ipv6"
	was, known := m.from.Sysctls[key]
	if !known && m.made[i.Name] {
		was = m.from.Sysctls[defaultKey(key)]
	}
	switch {
	case !*ip.Enabled && was != "1" && (known || m.made[i.Name]):
		m.setSysctl(key, "1")
	case *ip.Enabled && was == "1":
		m.setSysctl(key, "0")
	}
}

// v6off tells whether IPv6 is off on an interface; a new one begins with the
// default.
func (m *simulation) v6off(device string) bool {
	key := "net.ipv6.conf." + sysctlName(device) + ".disable_ipv6"
	if value, known := m.to.Sysctls[key]; known || !m.made[device] {
		return value == "1"
	}
	return m.to.Sysctls[defaultKey(key)] == "1"
}

// replaceFamily replaces the addresses of one family. Those that the kernel
// made stay, and what a new one does not name it takes from the old one.
func replaceFamily(list, with []Address, six bool) []Address {
	var out []Address
	for _, a := range list {
		if a.Prefix.Addr().Is6() != six || (kernelAddress(&a) && !declares(with, &a)) {
			out = append(out, a)
		}
	}
	for _, a := range with {
		a = a.clone()
		if old := findAddress(list, &a); old != nil {
			a = inherit(a, old)
		}
		out = append(out, a)
	}
	return out
}

func declares(list []Address, a *Address) bool { return findAddress(list, a) != nil }

// kernelAddress tells that an address was made by the kernel; of the loopback
// networks each namespace has its own.
func kernelAddress(a *Address) bool {
	return a.Kernel || a.Prefix == netip.MustParsePrefix("127.0.0.1/8") || a.Prefix == netip.MustParsePrefix("::1/128")
}

// inherit fills in from an address that is there what is not asked. Lifetimes
// are: an address without any is to stay forever.
func inherit(a Address, old *Address) Address {
	a.Kernel, a.Status = old.Kernel, slices.Clone(old.Status)
	if !a.Broadcast.IsValid() {
		a.Broadcast = old.Broadcast
	}
	if a.Scope == "" {
		a.Scope = old.Scope
	}
	if a.Label == "" {
		a.Label = old.Label
	}
	if a.Flags == nil {
		a.Flags = slices.Clone(old.Flags)
	}
	if a.Metric == 0 {
		a.Metric = old.Metric
	}
	if sameTimes(old, &a) {
		a.ValidLifetime, a.PreferredLifetime = old.ValidLifetime, old.PreferredLifetime
	}
	return a
}
