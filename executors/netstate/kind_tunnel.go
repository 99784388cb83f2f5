package netstate

// tunnel is what the tables of tunnels differ by: the section, the family of
// the outer addresses, and the numbers of the attributes in netlink (0 for one
// that the kind does not have).
type tunnel struct {
	section                 string
	six                     bool
	link, local, remote     uint16
	ttl, tos, pmtudisc      uint16
	encapLimit, flowInfo    uint16
	flags                   uint16 // IP6_TNL_F_* of linux/ip6_tunnel.h
	encap, external, fwmark uint16
}

var tunnelEncaps = []EnumValue{{"none", 0}, {"fou", 1}, {"gue", 2}}

// ends are the attributes that every tunnel has.
func (t tunnel) ends() []Attr {
	local := Attr{Key: t.section + ".local", Type: IPAddress, Set: Anytime, IP: "local", Extension: true,
		Doc: "Source address of the outer packets, and destination of those that are taken; any if empty."}
	remote := Attr{Key: t.section + ".remote", Type: IPAddress, Set: Anytime, IP: "remote", Extension: true,
		Doc: "Where packets are sent; if empty, each packet says it, or the route. Giving it to a tunnel that has none, or taking it away, makes the interface anew."}
	if t.six {
		local.IFLA6, remote.IFLA6 = t.local, t.remote
	} else {
		local.IFLA, remote.IFLA = t.local, t.remote
	}
	return []Attr{
		{Key: t.section + ".base-iface", Type: LinkRef, IFLA: t.link, Set: Anytime, IP: "dev", Extension: true,
			Doc: "Interface that the outer packets leave by."},
		local, remote,
	}
}

// attrs are the attributes that tunnels of IP headers have.
func (t tunnel) attrs() []Attr {
	num := func(name string, typ AttrType, number uint16, ip, doc string) Attr {
		return Attr{Key: t.section + "." + name, Type: typ, IFLA: number, Set: Anytime, Default: "0", IP: ip, Extension: true, Doc: doc}
	}
	list := t.ends()
	ttl := "ttl"
	if t.six {
		ttl = "hoplimit"
	}
	list = append(list, num("ttl", Uint8, t.ttl, ttl, "Time to live, or hop limit, of the outer packets; 0 copies that of the inner ones."))
	if t.six {
		list = append(list, t.sixAttrs()...)
	} else {
		list = append(list,
			num("tos", Uint8, t.tos, "tos", "Type of service of the outer packets; 1 copies that of the inner ones."),
			Attr{Key: t.section + ".path-mtu-discovery", Type: Bool, IFLA: t.pmtudisc, Set: Anytime, Default: "true", IP: "pmtudisc", Extension: true,
				Doc: "Set the don't-fragment bit of the outer packets. With a `ttl` it is always set."})
	}
	encapFlag := func(name string, bit uint8, ip, doc string) Attr {
		return Attr{Key: t.section + "." + name, Type: FlagBit, Wire: Uint16, IFLA: t.encap + 1, Bit: bit, Set: Anytime, Default: "false", IP: ip, Extension: true, Doc: doc}
	}
	list = append(list,
		num("fwmark", Uint32, t.fwmark, "fwmark", "Mark of the outer packets, for routing rules; 0 is none."),
		Attr{Key: t.section + ".encap.type", Type: Enum, Wire: Uint16, Enum: tunnelEncaps, IFLA: t.encap, Set: Anytime, Default: "none", IP: "encap", Extension: true,
			Doc: "A further header of UDP: foo over UDP, or generic UDP encapsulation."},
		num("encap.source-port", Uint16BE, t.encap+2, "encap-sport", "UDP source port; 0 is one a flow."),
		num("encap.destination-port", Uint16BE, t.encap+3, "encap-dport", "UDP destination port."),
		encapFlag("encap.checksum", 0, "encap-csum", "UDP checksums over IPv4."),
		encapFlag("encap.checksum6", 1, "encap-udp6-csum", "UDP checksums over IPv6."),
		encapFlag("encap.remote-checksum", 2, "encap-remcsum", "Remote checksum offload of GUE."),
	)
	if t.external == 0 {
		return list
	}
	return append(list,
		Attr{Key: t.section + ".external", Type: Flag, IFLA: t.external, Set: OnCreate, Default: "false", IP: "external", Extension: true,
			Doc: "The addresses come with each packet (collect metadata), set by routes or tc. There can be one such interface of a kind."},
	)
}

// sixAttrs are those of tunnels over IPv6.
func (t tunnel) sixAttrs() []Attr {
	flow := func(name string, bit uint8, most uint64, ip, doc string) Attr {
		return Attr{Key: t.section + "." + name, Type: BitField, Wire: Uint32BE, IFLA: t.flowInfo, Bit: bit, Max: most, Set: Anytime, Default: "0", IP: ip, Extension: true, Doc: doc}
	}
	flag := func(name string, bit uint8, ip, doc string) Attr {
		return Attr{Key: t.section + "." + name, Type: FlagBit, Wire: Uint32, IFLA: t.flags, Bit: bit, Set: Anytime, Default: "false", IP: ip, Extension: true, Doc: doc}
	}
	return []Attr{
		{Key: t.section + ".encapsulation-limit", Type: Uint8, IFLA: t.encapLimit, Set: Anytime, Default: "0", IP: "encaplimit", Extension: true,
			Doc: "How many more tunnels a packet may enter (RFC 2473); ip(8) takes 4 by itself."},
		flag("no-encapsulation-limit", 0, "encaplimit none", "Send no limit of encapsulation."),
		flow("traffic-class", 20, 255, "tclass", "Traffic class of the outer packets."),
		flow("flow-label", 0, 1<<20-1, "flowlabel", "Flow label of the outer packets."),
		flag("inherit-traffic-class", 1, "tclass inherit", "Copy the traffic class of the inner packets."),
		flag("inherit-flow-label", 2, "flowlabel inherit", "Copy the flow label of the inner packets."),
		flag("copy-dscp", 4, "dscp inherit", "Copy the DSCP of the outer packets to the inner ones on arrival."),
		flag("inherit-fwmark", 5, "fwmark inherit", "Route the outer packets by the mark of the inner ones."),
		flag("allow-local-remote", 6, "allow-localremote", "Take a `remote` that is an address of this host."),
	}
}
