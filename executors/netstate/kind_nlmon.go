package netstate

// nlmon shows the messages of netlink sockets to packet sniffers
// (drivers/net/nlmon.c).
var nlmon = Kind{
	Name:      "nlmon",
	Kernel:    "nlmon",
	Section:   "nlmon",
	Creatable: true,
	Module:    "nlmon",
	Option:    "CONFIG_NLMON",
	Born:      bornTunnel,
}
