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
	Doc: "Virtual routing and forwarding: the routes of its ports are in a table of their own. `vrf.port` is its list of ports: a list that is given replaces. " +
		"The kernel takes an interface down and up when it becomes a port and when it leaves: routes over it, and IPv6 addresses unless `keep_addr_on_down` is set, are made again. " +
		"The first VRF of a namespace brings two rules (`from all lookup [l3mdev-table]`, priority 1000), which stay.",
	Attrs: []Attr{
		{Key: "vrf.route-table-id", Type: Uint32, IFLA: 1, Min: 1, Set: OnCreate, IP: "table",
			Doc: "Number of the routing table. Required."},
	},
	Example: `interfaces:
  - name: vrf0
    type: vrf
    state: up
    vrf:
      port: [eth1]
      route-table-id: 100
routes:
  config:
    - destination: 198.51.100.0/24
      next-hop-interface: eth1
      table-id: 100
`,
}
