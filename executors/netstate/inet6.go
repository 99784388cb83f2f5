package netstate

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// inet6 is the mapping of an interface that holds what IPv6 does on it.
const inet6 = "ipv6."

// IsInet6 tells that an attribute belongs to an interface's IPv6
// ("ipv6.accept-ra"): it is there only as long as IPv6 is.
func IsInet6(key string) bool { return strings.HasPrefix(key, inet6) }

// Inet6Sysctl is the kernel parameter that an attribute of an interface's IPv6 is
// the same as: "accept_ra"; "" if there is none.
func Inet6Sysctl(key string) string {
	switch key {
	case "ipv6.accept-ra", "ipv6.autoconf", "ipv6.use-tempaddr", "ipv6.addr-gen-mode":
		return strings.ReplaceAll(key[len(inet6):], "-", "_")
	}
	return ""
}

// Inet6Value is an attribute's value as its parameter has it.
func Inet6Value(key, value string) string {
	switch a := AttrByKey(key); {
	case a == nil:
	case a.Type == Bool:
		return bit(value)
	case a.Type == Enum:
		return enumNumber(a, value)
	}
	return value
}

// withoutInet6 is the interface as it is without IPv6, or after it has lost what
// was set.
func withoutInet6(i *Interface, keep func(key string) bool) *Interface {
	c := i.clone()
	for key := range c.Attrs {
		if IsInet6(key) && !keep(key) {
			delete(c.Attrs, key)
		}
	}
	return &c
}

// inet6All checks what is said of all interfaces' IPv6.
func (m *simulation) inet6All(c *Config) {
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		if v := m.present(i); v != nil && m.config[i.Name] == i && i.State != "absent" && i.State != "ignore" {
			m.inet6(i, v)
		}
	}
}

// inet6 checks what is said of an interface's IPv6. Where packets are too small
// for it, there is nothing to be set, and nothing left.
func (m *simulation) inet6(i *InterfaceConfig, v *Interface) {
	if small(v) {
		*v = *withoutInet6(v, func(string) bool { return false })
	}
	lo := m.from.Interface("lo")
	for _, key := range slices.Sorted(maps.Keys(i.Attrs)) {
		if !IsInet6(key) {
			continue
		}
		switch {
		case small(v):
			m.problem(i.at(key), "ipv6-disabled", i.Name+" has an MTU of "+attrOf(v, "mtu")+", and IPv6 needs 1280", "Give it a larger `mtu`, or leave `"+key+"` out.")
		case lo != nil && len(lo.Status) > 0 && attrOf(lo, "ipv6.addr-gen-mode") == "":
			m.problem(i.at(key), "kernel-lacks", i.Name+" has no IPv6: the running kernel was built or started without it (CONFIG_IPV6, ipv6.disable=1)", "Start it with IPv6, or leave `"+key+"` out.")
		}
	}
	m.sameParameter(i)
	m.stableSecret(i, v)
	m.token(i, v)
}

// sameParameter refuses two values for one thing.
func (m *simulation) sameParameter(i *InterfaceConfig) {
	for _, s := range i.Sysctls {
		for key, value := range i.Attrs {
			if name := Inet6Sysctl(key); name != "" && s.Key == "net.ipv6.conf."+sysctlName(i.Name)+"."+name && s.Value != Inet6Value(key, value) {
				m.problem(s.Pos, "contradiction", i.Name+": the sysctl "+s.Key+" is `"+key+"`, and the two differ", "Leave one of the two out.")
			}
		}
	}
}

// stableSecret refuses addresses from a secret where there is none
// (check_stable_privacy).
func (m *simulation) stableSecret(i *InterfaceConfig, v *Interface) {
	const key = "ipv6.addr-gen-mode"
	reason := m.from.Lacks[StableSecretOf(i.Name)]
	if i.Attrs[key] != "stable-privacy" || reason == "" || attrOf(m.from.Interface(v.Name), key) == "stable-privacy" {
		return
	}
	if slices.ContainsFunc(m.sysctlsGiven, func(s SysctlConfig) bool { return s.Key == "net.ipv6.conf.default.stable_secret" }) {
		return
	}
	m.problem(i.at(key), "kernel-lacks", i.Name+" cannot make addresses in the mode stable-privacy: "+reason,
		"Set the sysctl net.ipv6.conf.default.stable_secret to a secret in the form of an IPv6 address, or write `random`.")
}

// StableSecretOf is the entry of Query.Kinds that asks whether an interface has
// a secret for its addresses.
func StableSecretOf(name string) string { return "stable-secret " + name }

// token refuses a token that the kernel would not take (inet6_set_iftoken).
func (m *simulation) token(i *InterfaceConfig, v *Interface) {
	const key = "ipv6.token"
	token := i.Attrs[key]
	if a, err := netip.ParseAddr(token); err == nil {
		if b := a.As16(); a.Is4() || [8]byte(b[:8]) != [8]byte{} {
			m.problem(i.at(key), "bad-value", i.Name+": a token is the lower 64 bits of an address, "+token+" has more", "Write `::` and four groups, for example ::1:2:3:4.")
		}
	}
	was := m.from.Interface(i.Name)
	switch {
	case token == "" || token == attrOf(was, key):
	case v.Type == "loopback" || attrOf(v, "arp") == "false":
		m.problem(i.at(key), "contradiction", i.Name+" cannot have a token: it does no neighbour discovery", "Leave it out.")
	case attrOf(v, "ipv6.accept-ra") == "0":
		m.problem(i.at(key), "contradiction", i.Name+" cannot have a token: it hears no router advertisements", "Add `accept-ra: 1`, or 2 where it forwards.")
	case attrOf(v, "ipv6.accept-ra") == "1" && m.forwards6(i):
		m.problem(i.at(key), "contradiction", i.Name+" cannot have a token: it forwards, and hears router advertisements with `accept-ra: 2` only", "Add `accept-ra: 2`.")
	}
}

// forwards6 tells whether an interface forwards IPv6.
func (m *simulation) forwards6(i *InterfaceConfig) bool {
	key := "net.ipv6.conf." + sysctlName(i.Name) + ".forwarding"
	if value, known := m.to.Sysctls[key]; known {
		return value == "1"
	}
	return m.made[i.Name] && m.to.Sysctls[defaultKey(key)] == "1"
}

// inet6Commands are the commands for what ip-link(8) has no words for.
func inet6Commands(i *Interface, d *Difference) []string {
	switch d.Key {
	case "ipv6.token":
		token := d.After
		if token == "" {
			token = "::"
		}
		return []string{words(append(ipIn(i.Netns), "token", "set", token, "dev", i.Name)...)}
	case "ipv6.addr-gen-mode":
		return []string{words(append(ipIn(i.Netns), "link", "set", "dev", i.Name, "addrgenmode", ipGenMode(d.After))...)}
	}
	return []string{words(append(toolIn("sysctl", i.Netns), "-w", "net.ipv6.conf."+sysctlName(i.Name)+"."+Inet6Sysctl(d.Key)+"="+Inet6Value(d.Key, d.After))...)}
}

// ipGenMode is a mode in ip(8)'s words.
func ipGenMode(mode string) string {
	if mode == "stable-privacy" {
		return "stable_secret"
	}
	return mode
}

// UsualInet6 is what an attribute of an interface's IPv6 is on nearly every one,
// "" for others.
func UsualInet6(i *Interface, key string) string {
	switch key {
	case "ipv6.accept-ra":
		return "1"
	case "ipv6.autoconf":
		return "true"
	case "ipv6.use-tempaddr":
		if pointless(i) || hardless(i) || i.Type == "loopback" {
			return "-1"
		}
		return "0"
	case "ipv6.addr-gen-mode":
		if hardless(i) && i.Type != "tun" && attrOf(i, "state") == "up" { // a tun has no carrier yet
			return "random"
		}
		return "eui64"
	}
	return ""
}

// hardless tells that interfaces of a kind have no link layer (ARPHRD_NONE).
func hardless(i *Interface) bool {
	switch i.Type {
	case "tun":
		return i.Attrs["tun.mode"] != "tap"
	case "vxlan":
		return i.Attrs["vxlan.generic-protocol"] == "true"
	}
	return i.Type == "wireguard" || i.Type == "xfrm"
}

// pointless tells that interfaces of a kind are tunnels whose link layer is IP
// (ARPHRD_TUNNEL, ARPHRD_TUNNEL6, ARPHRD_SIT).
func pointless(i *Interface) bool {
	switch i.Type {
	case "ipip", "sit", "ip6tnl", "vti", "vti6":
		return true
	}
	return false
}

// birthInet6 fills in what IPv6 does on a new interface: what the parameters of
// "default" say, but for what the kernel decides by the link layer
// (ipv6_add_dev, addrconf_dev_config, wg_open).
func (i *Interface) birthInet6(s *State) {
	if small(i) {
		return
	}
	for n := range linkAttrs {
		key := linkAttrs[n].Key
		name := Inet6Sysctl(key)
		value, known := s.Sysctls["net.ipv6.conf.default."+name]
		if name == "" || !known {
			continue
		}
		value = inet6Text(&linkAttrs[n], value)
		switch {
		case key == "ipv6.use-tempaddr" && UsualInet6(i, key) == "-1":
			value = "-1"
		case key == "ipv6.addr-gen-mode" && i.Type == "wireguard" && attrOf(i, "state") == "up":
			value = "none"
		case key == "ipv6.addr-gen-mode" && value == "eui64":
			value = UsualInet6(i, key)
		}
		i.assume(key, value)
	}
}

// inet6Text is a parameter's value as the attribute has it.
func inet6Text(a *Attr, value string) string {
	value = strings.TrimSpace(value)
	switch {
	case a.Type == Bool && value == "0":
		return "false"
	case a.Type == Bool:
		return "true"
	}
	for _, e := range a.Enum {
		if enumNumber(a, e.Name) == value {
			return e.Name
		}
	}
	return value
}

// inet6Parameter says of an interface what one of its parameters has become.
func (s *State) inet6Parameter(p *Sysctl) {
	v := s.Interface(sysctlDevice(p.Key))
	if v == nil || !strings.HasPrefix(p.Key, "net.ipv6.conf.") {
		return
	}
	for i := range linkAttrs {
		a := &linkAttrs[i]
		name := Inet6Sysctl(a.Key)
		if name == "" || !strings.HasSuffix(p.Key, "."+name) {
			continue
		}
		v.Attrs = cloneOrNew(v.Attrs)
		v.Attrs[a.Key] = inet6Text(a, p.Value)
	}
}
