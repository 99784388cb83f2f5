package netstate

// infiniband is IP over InfiniBand: a partition of a port
// (drivers/infiniband/ulp/ipoib; IFLA_IPOIB_* of linux/if_link.h).
var infiniband = Kind{
	Name:      "infiniband",
	Kernel:    "ipoib",
	Section:   "infiniband",
	Creatable: true,
	Module:    "ib_ipoib",
	Option:    "CONFIG_INFINIBAND_IPOIB",
	Below:     "infiniband.base-iface",
	Needs:     []string{"infiniband.base-iface", "infiniband.pkey"},
	Attrs: []Attr{
		{Key: "infiniband.base-iface", Type: LinkRef, IFLA: 5, Message: true, Set: OnCreate, IP: "link"},
		{Key: "infiniband.pkey", Type: Uint16, IFLA: 1, Min: 1, Set: OnCreate, IP: "pkey"},
		{Key: "infiniband.mode", Type: Enum, Wire: Uint16, Enum: []EnumValue{{"datagram", 0}, {"connected", 1}}, IFLA: 2, Set: Anytime, Default: "datagram", IP: "mode"},
		{Key: "infiniband.user-multicast", Type: Enum, Wire: Uint16, Enum: []EnumValue{{"false", 0}, {"true", 1}}, IFLA: 3, Set: Anytime, Default: "false", Extension: true, IP: "umcast"},
	},
}
