package netstate

// tun is a persistent tun or tap device (drivers/net/tun.c). It is made through
// /dev/net/tun and its ioctls, which package linux knows; IFLA_TUN_* are
// numbers for reading only.
var tun = Kind{
	Name:      "tun",
	Kernel:    "tun",
	Section:   "tun",
	Creatable: true,
	Module:    "tun",
	Option:    "CONFIG_TUN",
	Attrs: []Attr{
		{Key: "tun.mode", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"tun", 1}, {"tap", 2}}, IFLA: 3, Set: OnCreate, Default: "tun", IP: "mode"},
		{Key: "tun.owner", Type: Uint32, IFLA: 1, Max: 1<<32 - 2, Set: Anytime, Extension: true, IP: "user"},
		{Key: "tun.group", Type: Uint32, IFLA: 2, Max: 1<<32 - 2, Set: Anytime, Extension: true, IP: "group"},
		{Key: "tun.packet-information", Type: Bool, IFLA: 4, Set: Anytime, Default: "false", Extension: true, IP: "pi"},
		{Key: "tun.vnet-header", Type: Bool, IFLA: 5, Set: Anytime, Default: "false", Extension: true, IP: "vnet_hdr"},
		{Key: "tun.multi-queue", Type: Bool, IFLA: 7, Set: OnCreate, Default: "false", Extension: true, IP: "multi_queue"},
		{Key: "tun.persistent", Type: Bool, IFLA: 6, Set: ReadOnly, Extension: true},
		{Key: "tun.queues", Type: Uint32, IFLA: 8, Set: ReadOnly, Extension: true},
	},
}
