package netstate

// Tunnels of IP in IP (RFC 2003, RFC 4213, RFC 2473; net/ipv4/ipip.c,
// net/ipv6/sit.c, net/ipv6/ip6_tunnel.c, IFLA_IPTUN_* of linux/if_tunnel.h).

func ipTunnel(section string, six bool) []Attr {
	t := tunnel{section: section, six: six, link: 1, local: 2, remote: 3, ttl: 4, tos: 5, pmtudisc: 10,
		encapLimit: 6, flowInfo: 7, flags: 8, encap: 15, external: 19, fwmark: 20}
	if section == "sit" {
		t.external = 0 // sit.c has none
	}
	return t.attrs()
}

// ipTunnelMode is IFLA_IPTUN_PROTO: the protocol of the inner packets.
func ipTunnelMode(section, def string, modes ...EnumValue) Attr {
	return Attr{Key: section + ".mode", Type: Enum, Wire: Uint8, Enum: modes, IFLA: 9, Set: OnCreate, Default: def, IP: "mode", Extension: true}
}

// anytime is an attribute that this kind can change, and others cannot.
func anytime(a Attr) Attr {
	a.Set = Anytime
	return a
}

// What the tunnels carry.
var (
	ipipModes   = []EnumValue{{"any", 0}, {"ipip", 4}, {"mplsip", 137}}
	sitModes    = []EnumValue{{"any", 0}, {"ipip", 4}, {"ip6ip", 41}, {"mplsip", 137}}
	ip6tnlModes = []EnumValue{{"any", 0}, {"ipip6", 4}, {"ip6ip6", 41}}
)

var ipip = Kind{
	Name: "ipip", Kernel: "ipip", Section: "ipip", Creatable: true, Whole: true, Module: "ipip", Option: "CONFIG_NET_IPIP",
	Born:  bornTunnel,
	Attrs: append(ipTunnel("ipip", false), ipTunnelMode("ipip", "ipip", ipipModes...)),
}

var sit = Kind{
	Name: "sit", Kernel: "sit", Section: "sit", Creatable: true, Whole: true, Module: "sit", Option: "CONFIG_IPV6_SIT",
	Born: bornTunnel,
	Attrs: append(ipTunnel("sit", false),
		ipTunnelMode("sit", "ip6ip", sitModes...),
		// ip-tunnel(8) says them with `ip tunnel 6rd`.
		Attr{Key: "sit.6rd-prefix", Type: IPv6, IFLA: 11, Set: Anytime, Default: "2002::", Extension: true, IP: "6rd-prefix"},
		Attr{Key: "sit.6rd-prefix-length", Type: Uint16, IFLA: 13, Max: 64, Set: Anytime, Default: "16", Extension: true},
		Attr{Key: "sit.6rd-relay-prefix", Type: IPv4, IFLA: 12, Set: Anytime, Default: "0.0.0.0", Extension: true, IP: "6rd-relay_prefix"},
		Attr{Key: "sit.6rd-relay-prefix-length", Type: Uint16, IFLA: 14, Max: 32, Set: Anytime, Default: "0", Extension: true},
		Attr{Key: "sit.isatap", Type: FlagBit, Wire: Uint16, IFLA: 8, Bit: 0, Set: OnCreate, Default: "false", IP: "isatap", Extension: true}),
}

var ip6tnl = Kind{
	Name: "ip6tnl", Kernel: "ip6tnl", Section: "ip6tnl", Creatable: true, Whole: true, Module: "ip6_tunnel", Option: "CONFIG_IPV6_TUNNEL",
	Born: bornTunnel,
	Attrs: append(ipTunnel("ip6tnl", true), anytime(
		ipTunnelMode("ip6tnl", "any", ip6tnlModes...))),
}
