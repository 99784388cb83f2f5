package netstate

// Tunnels of GRE (RFC 2784, RFC 2890; net/ipv4/ip_gre.c, net/ipv6/ip6_gre.c,
// IFLA_GRE_* of linux/if_tunnel.h). The kernel sets what a change does not name
// back to its default, so that a change sends everything (Kind.Whole).

var gre = Kind{
	Name: "gre", Kernel: "gre", Section: "gre", Creatable: true, Whole: true, Module: "ip_gre", Option: "CONFIG_NET_IPGRE",
	Born:  Attrs{"arp": "false", "multicast": "false", "txqueuelen": "1000"},
	Doc:   "IP packets over IPv4, by generic routing encapsulation (RFC 2784).",
	Attrs: greAttrs("gre", false),
	Example: `interfaces:
  - name: tun1
    type: gre
    gre:
      local: 192.0.2.1
      remote: 198.51.100.1
      ttl: 64
      input-key: 7
      output-key: 7
    ipv4:
      address:
        - ip: 10.0.0.1
          prefix-length: 30
`,
}

var gretap = Kind{
	Name: "gretap", Kernel: "gretap", Section: "gretap", Creatable: true, Whole: true, Module: "ip_gre", Option: "CONFIG_NET_IPGRE",
	Born:  Attrs{"arp": "true", "multicast": "true", "txqueuelen": "1000"},
	Doc:   "Ethernet over IPv4, by generic routing encapsulation.",
	Attrs: greAttrs("gretap", false),
	Example: `interfaces:
  - name: tap1
    type: gretap
    gretap:
      local: 192.0.2.1
      remote: 198.51.100.1
`,
}

var ip6gre = Kind{
	Name: "ip6gre", Kernel: "ip6gre", Section: "ip6gre", Creatable: true, Whole: true, Module: "ip6_gre", Option: "CONFIG_IPV6_GRE",
	Born:  Attrs{"arp": "false", "multicast": "false", "txqueuelen": "1000"},
	Doc:   "IP packets over IPv6, by generic routing encapsulation.",
	Attrs: greAttrs("ip6gre", true),
	Example: `interfaces:
  - name: tun6
    type: ip6gre
    ip6gre:
      local: 2001:db8::1
      remote: 2001:db8::2
      ttl: 64
`,
}

var ip6gretap = Kind{
	Name: "ip6gretap", Kernel: "ip6gretap", Section: "ip6gretap", Creatable: true, Whole: true, Module: "ip6_gre", Option: "CONFIG_IPV6_GRE",
	Born:  Attrs{"arp": "true", "multicast": "true", "txqueuelen": "1000"},
	Doc:   "Ethernet over IPv6, by generic routing encapsulation.",
	Attrs: greAttrs("ip6gretap", true),
	Example: `interfaces:
  - name: tap6
    type: ip6gretap
    ip6gretap:
      local: 2001:db8::1
      remote: 2001:db8::2
`,
}

func greAttrs(section string, six bool) []Attr {
	const iflags, oflags, csum, key, seq = 2, 3, 15, 13, 12
	flag := func(name string, number uint16, bit uint8, ip, doc string) Attr {
		return Attr{Key: section + "." + name, Type: FlagBit, Wire: Uint16BE, IFLA: number, Bit: bit, Set: Anytime, Default: "false", Extension: true, IP: ip, Doc: doc}
	}
	t := tunnel{section: section, six: six, link: 1, local: 6, remote: 7, ttl: 8, tos: 9, pmtudisc: 10,
		encapLimit: 11, flowInfo: 12, flags: 13, encap: 14, external: 18, fwmark: 20}
	attrs := append(t.attrs(),
		Attr{Key: section + ".input-key", Type: TunnelKey, IFLA: 4, Present: iflags, Bit: key, Set: Anytime, Extension: true, IP: "ikey",
			Doc: "Key that packets must come with: a number, or four with dots; none if empty."},
		Attr{Key: section + ".output-key", Type: TunnelKey, IFLA: 5, Present: oflags, Bit: key, Set: Anytime, Extension: true, IP: "okey",
			Doc: "Key that packets are sent with; none if empty."},
		flag("input-checksum", iflags, csum, "icsum", "Packets must come with checksums."),
		flag("output-checksum", oflags, csum, "ocsum", "Send checksums."),
		flag("input-sequence", iflags, seq, "iseq", "Packets must come in sequence."),
		flag("output-sequence", oflags, seq, "oseq", "Send sequence numbers."),
	)
	if !six {
		attrs = append(attrs, Attr{Key: section + ".ignore-df", Type: Bool, IFLA: 19, Set: Anytime, Default: "false", Extension: true, IP: "ignore-df",
			Doc: "Send packets in fragments although they must not be; needs `path-mtu-discovery: false`."})
	}
	return attrs
}
