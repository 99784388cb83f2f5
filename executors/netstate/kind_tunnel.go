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
	local := Attr{Key: t.section + ".local", Type: IPAddress, Set: Anytime, IP: "local", Extension: true}
	remote := Attr{Key: t.section + ".remote", Type: IPAddress, Set: Anytime, IP: "remote", Extension: true}
	if t.six {
		local.IFLA6, remote.IFLA6 = t.local, t.remote
	} else {
		local.IFLA, remote.IFLA = t.local, t.remote
	}
	return []Attr{
		{Key: t.section + ".base-iface", Type: LinkRef, IFLA: t.link, Set: Anytime, IP: "dev", Extension: true},
		local, remote,
	}
}

// attrs are the attributes that tunnels of IP headers have.
func (t tunnel) attrs() []Attr {
	num := func(name string, typ AttrType, number uint16, ip string) Attr {
		return Attr{Key: t.section + "." + name, Type: typ, IFLA: number, Set: Anytime, Default: "0", IP: ip, Extension: true}
	}
	list := t.ends()
	ttl := "ttl"
	if t.six {
		ttl = "hoplimit"
	}
	list = append(list, num("ttl", Uint8, t.ttl, ttl))
	if t.six {
		list = append(list, t.sixAttrs()...)
	} else {
		list = append(list,
			num("tos", Uint8, t.tos, "tos"),
			Attr{Key: t.section + ".path-mtu-discovery", Type: Bool, IFLA: t.pmtudisc, Set: Anytime, Default: "true", IP: "pmtudisc", Extension: true})
	}
	encapFlag := func(name string, bit uint8, ip string) Attr {
		return Attr{Key: t.section + "." + name, Type: FlagBit, Wire: Uint16, IFLA: t.encap + 1, Bit: bit, Set: Anytime, Default: "false", IP: ip, Extension: true}
	}
	list = append(list,
		num("fwmark", Uint32, t.fwmark, "fwmark"),
		Attr{Key: t.section + ".encap.type", Type: Enum, Wire: Uint16, Enum: tunnelEncaps, IFLA: t.encap, Set: Anytime, Default: "none", IP: "encap", Extension: true},
		num("encap.source-port", Uint16BE, t.encap+2, "encap-sport"),
		num("encap.destination-port", Uint16BE, t.encap+3, "encap-dport"),
		encapFlag("encap.checksum", 0, "encap-csum"),
		encapFlag("encap.checksum6", 1, "encap-udp6-csum"),
		encapFlag("encap.remote-checksum", 2, "encap-remcsum"),
	)
	if t.external == 0 {
		return list
	}
	return append(list,
		Attr{Key: t.section + ".external", Type: Flag, IFLA: t.external, Set: OnCreate, Default: "false", IP: "external", Extension: true},
	)
}

// sixAttrs are those of tunnels over IPv6.
func (t tunnel) sixAttrs() []Attr {
	flow := func(name string, bit uint8, most uint64, ip string) Attr {
		return Attr{Key: t.section + "." + name, Type: BitField, Wire: Uint32BE, IFLA: t.flowInfo, Bit: bit, Max: most, Set: Anytime, Default: "0", IP: ip, Extension: true}
	}
	flag := func(name string, bit uint8, ip string) Attr {
		return Attr{Key: t.section + "." + name, Type: FlagBit, Wire: Uint32, IFLA: t.flags, Bit: bit, Set: Anytime, Default: "false", IP: ip, Extension: true}
	}
	return []Attr{
		{Key: t.section + ".encapsulation-limit", Type: Uint8, IFLA: t.encapLimit, Set: Anytime, Default: "0", IP: "encaplimit", Extension: true},
		flag("no-encapsulation-limit", 0, "encaplimit none"),
		flow("traffic-class", 20, 255, "tclass"),
		flow("flow-label", 0, 1<<20-1, "flowlabel"),
		flag("inherit-traffic-class", 1, "tclass inherit"),
		flag("inherit-flow-label", 2, "flowlabel inherit"),
		flag("copy-dscp", 4, "dscp inherit"),
		flag("inherit-fwmark", 5, "fwmark inherit"),
		flag("allow-local-remote", 6, "allow-localremote"),
	}
}
