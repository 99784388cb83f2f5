package netstate

// vxlan is Ethernet over UDP (RFC 7348; drivers/net/vxlan, IFLA_VXLAN_* of
// linux/if_link.h). What the kernel refuses to change (vxlan_nl2conf) is
// OnCreate here.
var vxlan = Kind{
	Name:      "vxlan",
	Kernel:    "vxlan",
	Section:   "vxlan",
	Creatable: true,
	Module:    "vxlan",
	Option:    "CONFIG_VXLAN",
	Below:     "vxlan.base-iface",
	Needs:     []string{"vxlan.id"},
	Attrs: []Attr{
		{Key: "vxlan.id", Type: Uint32, IFLA: 1, Max: 16777215, Set: OnCreate, IP: "id"},
		{Key: "vxlan.base-iface", Type: LinkRef, IFLA: 3, Set: Anytime, IP: "dev"},
		{Key: "vxlan.remote", Type: IPAddress, IFLA: 2, IFLA6: 16, Set: Anytime, IP: "remote"},
		{Key: "vxlan.local", Type: IPAddress, IFLA: 4, IFLA6: 17, Set: Anytime, IP: "local"},
		{Key: "vxlan.destination-port", Type: Uint16BE, IFLA: 15, Min: 1, Set: OnCreate, Default: "8472", IP: "dstport"},
		{Key: "vxlan.learning", Type: Bool, IFLA: 7, Set: Anytime, Default: "true", IP: "learning"},
		{Key: "vxlan.ttl", Type: Uint8, IFLA: 5, Set: Anytime, Default: "0", Extension: true, IP: "ttl"},
		{Key: "vxlan.ttl-inherit", Type: Flag, IFLA: 28, Set: OnCreate, Default: "false", Extension: true, IP: "ttl inherit"},
		{Key: "vxlan.tos", Type: Uint8, IFLA: 6, Set: Anytime, Default: "0", Extension: true, IP: "tos"},
		{Key: "vxlan.df", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"unset", 0}, {"set", 1}, {"inherit", 2}}, IFLA: 29, Set: Anytime, Default: "unset", Extension: true, IP: "df"},
		{Key: "vxlan.flow-label", Type: Uint32BE, IFLA: 26, Max: 1048575, Set: Anytime, Default: "0", Extension: true, IP: "flowlabel"},
		{Key: "vxlan.ageing-time", Type: Uint32, IFLA: 8, Set: Anytime, Default: "300", Extension: true, IP: "ageing"},
		{Key: "vxlan.max-addresses", Type: Uint32, IFLA: 9, Set: OnCreate, Default: "0", Extension: true, IP: "maxaddress"},
		{Key: "vxlan.source-port-range", Type: PortRange, IFLA: 10, Set: OnCreate, Default: "0-0", Extension: true, IP: "srcport"},
		vxlanFlag("vxlan.proxy", Bool, 11, "proxy", "false"),
		vxlanFlag("vxlan.route-short-circuit", Bool, 12, "rsc", "false"),
		vxlanFlag("vxlan.l2-miss", Bool, 13, "l2miss", "false"),
		vxlanFlag("vxlan.l3-miss", Bool, 14, "l3miss", "false"),
		vxlanFlag("vxlan.udp-checksum", Bool, 18, "udpcsum", "true"),
		vxlanFlag("vxlan.udp6-zero-checksum-tx", Bool, 19, "udp6zerocsumtx", "false"),
		vxlanFlag("vxlan.udp6-zero-checksum-rx", Bool, 20, "udp6zerocsumrx", "false"),
		vxlanFlag("vxlan.remote-checksum-tx", Bool, 21, "remcsumtx", "false"),
		vxlanFlag("vxlan.remote-checksum-rx", Bool, 22, "remcsumrx", "false"),
		vxlanFlag("vxlan.group-policy", Flag, 23, "gbp", "false"),
		vxlanFlag("vxlan.generic-protocol", Flag, 27, "gpe", "false"),
		vxlanFlag("vxlan.remote-checksum-nopartial", Flag, 24, "", "false"),
		vxlanFlag("vxlan.external", Bool, 25, "external", "false"),
		vxlanFlag("vxlan.vni-filter", Bool, 30, "vnifilter", "false"),
		{Key: "vxlan.vnis", Type: VNIList, Set: Anytime, Extension: true, IP: "bridge vni"},
		vxlanFlag("vxlan.local-bypass", Bool, 31, "localbypass", "true"),
	},
}

func vxlanFlag(key string, typ AttrType, number uint16, ip, def string) Attr {
	return Attr{Key: key, Type: typ, IFLA: number, Set: OnCreate, Default: def, Extension: true, IP: ip}
}
