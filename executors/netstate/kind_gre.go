package netstate

// Tunnels of GRE (RFC 2784, RFC 2890; net/ipv4/ip_gre.c, net/ipv6/ip6_gre.c,
// IFLA_GRE_* of linux/if_tunnel.h). The kernel sets what a change does not name
// back to its default, so that a change sends everything (Kind.Whole).

var gre = Kind{
	Name: "gre", Kernel: "gre", Section: "gre", Creatable: true, Whole: true, Module: "ip_gre", Option: "CONFIG_NET_IPGRE",
	Born:  bornTunnel,
	Attrs: greAttrs("gre", false),
}

var gretap = Kind{
	Name: "gretap", Kernel: "gretap", Section: "gretap", Creatable: true, Whole: true, Module: "ip_gre", Option: "CONFIG_NET_IPGRE",
	Born:  bornEthernet,
	Attrs: greAttrs("gretap", false),
}

var ip6gre = Kind{
	Name: "ip6gre", Kernel: "ip6gre", Section: "ip6gre", Creatable: true, Whole: true, Module: "ip6_gre", Option: "CONFIG_IPV6_GRE",
	Born:  bornTunnel,
	Attrs: greAttrs("ip6gre", true),
}

var ip6gretap = Kind{
	Name: "ip6gretap", Kernel: "ip6gretap", Section: "ip6gretap", Creatable: true, Whole: true, Module: "ip6_gre", Option: "CONFIG_IPV6_GRE",
	Born:  bornEthernet,
	Attrs: greAttrs("ip6gretap", true),
}

func greAttrs(section string, six bool) []Attr {
	const iflags, oflags, csum, key, seq = 2, 3, 15, 13, 12
	flag := func(name string, number uint16, bit uint8, ip string) Attr {
		return Attr{Key: section + "." + name, Type: FlagBit, Wire: Uint16BE, IFLA: number, Bit: bit, Set: Anytime, Default: "false", Extension: true, IP: ip}
	}
	t := tunnel{section: section, six: six, link: 1, local: 6, remote: 7, ttl: 8, tos: 9, pmtudisc: 10,
		encapLimit: 11, flowInfo: 12, flags: 13, encap: 14, external: 18, fwmark: 20}
	attrs := append(t.attrs(),
		Attr{Key: section + ".input-key", Type: TunnelKey, IFLA: 4, Present: iflags, Bit: key, Set: Anytime, Extension: true, IP: "ikey"},
		Attr{Key: section + ".output-key", Type: TunnelKey, IFLA: 5, Present: oflags, Bit: key, Set: Anytime, Extension: true, IP: "okey"},
		flag("input-checksum", iflags, csum, "icsum"),
		flag("output-checksum", oflags, csum, "ocsum"),
		flag("input-sequence", iflags, seq, "iseq"),
		flag("output-sequence", oflags, seq, "oseq"),
	)
	if !six {
		attrs = append(attrs, Attr{Key: section + ".ignore-df", Type: Bool, IFLA: 19, Set: Anytime, Default: "false", Extension: true, IP: "ignore-df"})
	}
	return attrs
}
