package netstate

// vrf is virtual routing and forwarding: routes of its ports are looked up in a
// table of their own (drivers/net/vrf.c; IFLA_VRF_TABLE). The driver changes
// nothing after it has made the interface.
var vrf = Kind{
	Name:      "vrf",
	Kernel:    "vrf",
	Section:   "vrf",
	Creatable: true,
	Module:    "vrf",
	Option:    "CONFIG_NET_VRF",
	PortList:  "vrf.port",
	Needs:     []string{"vrf.route-table-id"},
	Born:      Attrs{"mtu": "65575", "arp": "false", "multicast": "false", "txqueuelen": "1000"},
	Attrs: []Attr{
		{Key: "vrf.route-table-id", Type: Uint32, IFLA: 1, Min: 1, Set: OnCreate, IP: "table"},
	},
}
