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
	Doc: "IP over InfiniBand (RFC 4391): a partition of a port is made, a port is there with its hardware. The kernel gives a partition its own name if none is given; nmstate wants BASE.PKEY. " +
		"The tests prove this kind by its messages only: no driver makes an InfiniBand link without hardware (rdma_rxe and siw are RoCE and iWARP, on which ib_ipoib makes no interface).",
	Attrs: []Attr{
		{Key: "infiniband.base-iface", Type: LinkRef, IFLA: 5, Message: true, Set: OnCreate, IP: "link",
			Doc: "The port's interface. Required to make one."},
		{Key: "infiniband.pkey", Type: Uint16, IFLA: 1, Min: 1, Set: OnCreate, IP: "pkey",
			Doc: "Partition key, as 0x8001; the bit of full membership (0x8000) is set by the kernel. Required to make one."},
		{Key: "infiniband.mode", Type: Enum, Wire: Uint16, Enum: []EnumValue{{"datagram", 0}, {"connected", 1}}, IFLA: 2, Set: Anytime, Default: "datagram", IP: "mode",
			Doc: "`datagram` (unreliable), or `connected` (reliable, with a large MTU)."},
		{Key: "infiniband.user-multicast", Type: Enum, Wire: Uint16, Enum: []EnumValue{{"false", 0}, {"true", 1}}, IFLA: 3, Set: Anytime, Default: "false", Extension: true, IP: "umcast",
			Doc: "Programs join multicast groups by themselves."},
	},
	Example: `interfaces:
  - name: ib0.8001
    type: infiniband
    infiniband:
      base-iface: ib0
      pkey: "0x8001"
      mode: datagram
`,
}
