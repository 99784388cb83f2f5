package netstate

// dummy is an interface that drops what is sent (drivers/net/dummy.c).
var dummy = Kind{
	Name:      "dummy",
	Kernel:    "dummy",
	Section:   "dummy",
	Creatable: true,
	Module:    "dummy",
	Option:    "CONFIG_DUMMY",
	Born:      Attrs{"mtu": ethernetMTU, "arp": "false", "multicast": "false", "txqueuelen": "1000"},
}
