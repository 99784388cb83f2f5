package netstate

// Interfaces that packets of IPsec come in and go out by: vti and vti6
// (net/ipv4/ip_vti.c, net/ipv6/ip6_vti.c, IFLA_VTI_* of linux/if_tunnel.h), and
// xfrm (net/xfrm/xfrm_interface_core.c, IFLA_XFRM_* of linux/if_link.h).

func vtiAttrs(section string, six bool) []Attr {
	num := func(name string, typ AttrType, number uint16, ip string) Attr {
		return Attr{Key: section + "." + name, Type: typ, IFLA: number, Set: Anytime, Default: "0", IP: ip, Extension: true}
	}
	return append(tunnel{section: section, six: six, link: 1, local: 4, remote: 5}.ends(),
		num("input-key", Uint32BE, 2, "ikey"),
		num("output-key", Uint32BE, 3, "okey"),
		num("fwmark", Uint32, 6, "fwmark"))
}

var vti = Kind{
	Name: "vti", Kernel: "vti", Section: "vti", Creatable: true, Whole: true, Module: "ip_vti", Option: "CONFIG_NET_IPVTI",
	Born:  bornTunnel,
	Attrs: vtiAttrs("vti", false),
}

var vti6 = Kind{
	Name: "vti6", Kernel: "vti6", Section: "vti6", Creatable: true, Whole: true, Module: "ip6_vti", Option: "CONFIG_IPV6_VTI",
	Born:  bornTunnel,
	Attrs: vtiAttrs("vti6", true),
}

var xfrm = Kind{
	Name: "xfrm", Kernel: "xfrm", Section: "xfrm", Creatable: true, Whole: true, Module: "xfrm_interface", Option: "CONFIG_XFRM_INTERFACE",
	Below: "xfrm.base-iface",
	Born:  Attrs{"arp": "false", "multicast": "true", "txqueuelen": "1000"},
	Attrs: []Attr{
		{Key: "xfrm.base-iface", Type: LinkRef, IFLA: 1, Set: OnCreate, IP: "dev", Extension: true},
		{Key: "xfrm.if-id", Type: Uint32, IFLA: 2, Set: Anytime, Default: "0", IP: "if_id", Extension: true},
		{Key: "xfrm.external", Type: Flag, IFLA: 3, Set: OnCreate, Default: "false", IP: "external", Extension: true},
	},
}
