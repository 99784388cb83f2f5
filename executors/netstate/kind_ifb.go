package netstate

// ifb is the intermediate functional block device (drivers/net/ifb.c).
var ifb = Kind{
	Name:      "ifb",
	Kernel:    "ifb",
	Section:   "ifb",
	Creatable: true,
	Module:    "ifb",
	Option:    "CONFIG_IFB",
}
