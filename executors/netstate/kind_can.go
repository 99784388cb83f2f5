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
	Born:      Attrs{"arp": "false", "multicast": "false", "txqueuelen": "1000"},
	Doc:       "A virtual CAN bus. `mtu` is 16 for classical CAN, 72 for CAN FD and 2060 for CAN XL. It carries no IP. An extension.",
	Example: `interfaces:
  - name: vcan0
    type: vcan
    state: up
    mtu: 72
`,
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
	Born:      Attrs{"arp": "false", "multicast": "false", "txqueuelen": "1000"},
	Doc:       "A CAN cable with an interface at each end, also between network namespaces. It carries no IP. An extension.",
	Attrs: []Attr{
		{Key: "vxcan.peer", Type: String, Set: OnCreate, Extension: true, IP: "peer name",
			Doc: "Name of the interface at the far end."},
		{Key: "vxcan.peer-target", Type: String, Set: OnCreate, Extension: true, IP: "netns",
			Doc: "Target of the document, or named network namespace, that holds the far end; this one if not given."},
	},
	Example: `interfaces:
  - name: vxcan0
    type: vxcan
    state: up
    vxcan:
      peer: vxcan1
`,
}
