package netstate

// Interfaces that packets of IPsec come in and go out by: vti and vti6
// (net/ipv4/ip_vti.c, net/ipv6/ip6_vti.c, IFLA_VTI_* of linux/if_tunnel.h), and
// xfrm (net/xfrm/xfrm_interface_core.c, IFLA_XFRM_* of linux/if_link.h).

func vtiAttrs(section string, six bool) []Attr {
	num := func(name string, typ AttrType, number uint16, ip, doc string) Attr {
		return Attr{Key: section + "." + name, Type: typ, IFLA: number, Set: Anytime, Default: "0", IP: ip, Extension: true, Doc: doc}
	}
	return append(tunnel{section: section, six: six, link: 1, local: 4, remote: 5}.ends(),
		num("input-key", Uint32BE, 2, "ikey", "Mark of the policies and states for packets that come; 0 is none."),
		num("output-key", Uint32BE, 3, "okey", "Mark of the policies and states for packets that go; 0 is none."),
		num("fwmark", Uint32, 6, "fwmark", "Mark of the outer packets, for routing rules; 0 is none."))
}

var vti = Kind{
	Name: "vti", Kernel: "vti", Section: "vti", Creatable: true, Whole: true, Module: "ip_vti", Option: "CONFIG_NET_IPVTI",
	Born:  Attrs{"arp": "false", "multicast": "false", "txqueuelen": "1000"},
	Doc:   "IPsec over IPv4 by routes: packets through it are those of policies with its mark. `xfrm` is its successor.",
	Attrs: vtiAttrs("vti", false),
	Example: `interfaces:
  - name: vti1
    type: vti
    vti:
      local: 192.0.2.1
      remote: 198.51.100.1
      input-key: 5
      output-key: 5
`,
}

var vti6 = Kind{
	Name: "vti6", Kernel: "vti6", Section: "vti6", Creatable: true, Whole: true, Module: "ip6_vti", Option: "CONFIG_IPV6_VTI",
	Born:  Attrs{"arp": "false", "multicast": "false", "txqueuelen": "1000"},
	Doc:   "IPsec over IPv6 by routes.",
	Attrs: vtiAttrs("vti6", true),
	Example: `interfaces:
  - name: vti61
    type: vti6
    vti6:
      local: 2001:db8::1
      remote: 2001:db8::2
      input-key: 5
      output-key: 5
`,
}

var xfrm = Kind{
	Name: "xfrm", Kernel: "xfrm", Section: "xfrm", Creatable: true, Whole: true, Module: "xfrm_interface", Option: "CONFIG_XFRM_INTERFACE",
	Below: "xfrm.base-iface",
	Born:  Attrs{"arp": "false", "multicast": "true", "txqueuelen": "1000"},
	Doc:   "IPsec by routes: packets through it are those of policies and states with its identifier.",
	Attrs: []Attr{
		{Key: "xfrm.base-iface", Type: LinkRef, IFLA: 1, Set: OnCreate, IP: "dev", Extension: true,
			Doc: "Interface that the outer packets leave by; it vanishes with it."},
		{Key: "xfrm.if-id", Type: Uint32, IFLA: 2, Set: Anytime, Default: "0", IP: "if_id", Extension: true,
			Doc: "Identifier of the policies and states (IFLA_XFRM_IF_ID). Required unless `external` is set."},
		{Key: "xfrm.external", Type: Flag, IFLA: 3, Set: OnCreate, Default: "false", IP: "external", Extension: true,
			Doc: "The identifier comes with each packet (collect metadata)."},
	},
	Example: `interfaces:
  - name: ipsec1
    type: xfrm
    xfrm:
      base-iface: eth0
      if-id: 42
`,
}
