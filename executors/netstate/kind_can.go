package netstate

// vcan is a virtual CAN bus (drivers/net/can/vcan.c). Its default MTU differs
// between kernels.
var vcan = Kind{
	Name:      "vcan",
	Kernel:    "vcan",
	Section:   "vcan",
	Creatable: true,
	Module:    "vcan",
	Option:    "CONFIG_CAN_VCAN",
	Born:      bornTunnel,
}

// vxcan is a pair of CAN interfaces (drivers/net/can/vxcan.c; VXCAN_INFO_PEER of
// linux/can/vxcan.h).
var vxcan = Kind{
	Name:      "vxcan",
	Kernel:    "vxcan",
	Section:   "vxcan",
	Creatable: true,
	Module:    "vxcan",
	Option:    "CONFIG_CAN_VXCAN",
	Pair:      true,
	Needs:     []string{"vxcan.peer"},
	Born:      bornTunnel,
	Attrs: []Attr{
		{Key: "vxcan.peer", Type: String, Set: OnCreate, Extension: true, IP: "peer name"},
		{Key: "vxcan.peer-target", Type: String, Set: OnCreate, Extension: true, IP: "netns"},
	},
}
