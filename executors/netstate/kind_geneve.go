package netstate

// geneve is Ethernet over UDP (RFC 8926; drivers/net/geneve.c, IFLA_GENEVE_* of
// linux/if_link.h). What geneve_nl2info refuses to change is OnCreate here.
var geneve = Kind{
	Name:      "geneve",
	Kernel:    "geneve",
	Section:   "geneve",
	Creatable: true,
	Module:    "geneve",
	Option:    "CONFIG_GENEVE",
	Needs:     []string{"geneve.id", "geneve.remote"},
	Born:      bornEthernet,
	Attrs: []Attr{
		{Key: "geneve.id", Type: Uint32, IFLA: 1, Max: 16777215, Set: OnCreate, Extension: true, IP: "id"},
		{Key: "geneve.remote", Type: IPAddress, IFLA: 2, IFLA6: 7, Set: Anytime, Extension: true, IP: "remote"},
		{Key: "geneve.destination-port", Type: Uint16BE, IFLA: 5, Min: 1, Set: OnCreate, Default: "6081", Extension: true, IP: "dstport"},
		{Key: "geneve.ttl", Type: Uint8, IFLA: 3, Set: Anytime, Default: "0", Extension: true, IP: "ttl"},
		{Key: "geneve.ttl-inherit", Type: Bool, IFLA: 12, Set: Anytime, Default: "false", Extension: true, IP: "ttl inherit"},
		{Key: "geneve.tos", Type: Uint8, IFLA: 4, Set: Anytime, Default: "0", Extension: true, IP: "tos"},
		{Key: "geneve.df", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"unset", 0}, {"set", 1}, {"inherit", 2}}, IFLA: 13, Set: Anytime, Default: "unset", Extension: true, IP: "df"},
		{Key: "geneve.flow-label", Type: Uint32BE, IFLA: 11, Max: 1048575, Set: Anytime, Default: "0", Extension: true, IP: "flowlabel"},
		{Key: "geneve.udp-checksum", Type: Bool, IFLA: 8, Set: OnCreate, Default: "false", Extension: true, IP: "udpcsum"},
		{Key: "geneve.udp6-zero-checksum-tx", Type: Bool, IFLA: 9, Set: OnCreate, Default: "false", Extension: true, IP: "udp6zerocsumtx"},
		{Key: "geneve.udp6-zero-checksum-rx", Type: Bool, IFLA: 10, Set: OnCreate, Default: "false", Extension: true, IP: "udp6zerocsumrx"},
		{Key: "geneve.external", Type: Flag, IFLA: 6, Set: OnCreate, Default: "false", Extension: true, IP: "external"},
		{Key: "geneve.inner-protocol-inherit", Type: Flag, IFLA: 14, Set: OnCreate, Default: "false", Extension: true, IP: "innerprotoinherit"},
	},
}
