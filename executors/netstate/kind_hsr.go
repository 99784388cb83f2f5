package netstate

// hsr is seamless redundancy over two ports: HSR and PRP (IEC 62439-3; net/hsr,
// IFLA_HSR_* of linux/if_link.h). The driver changes nothing after it has made
// the interface.
var hsr = Kind{
	Name:      "hsr",
	Kernel:    "hsr",
	Section:   "hsr",
	Creatable: true,
	Module:    "hsr",
	Option:    "CONFIG_HSR",
	Needs:     []string{"hsr.port1", "hsr.port2"},
	Born:      Attrs{"arp": "true", "multicast": "true", "txqueuelen": "1000"},
	Doc:       "Every packet is sent over two ports and taken once: High-availability Seamless Redundancy (a ring) or the Parallel Redundancy Protocol (IEC 62439-3).",
	Attrs: []Attr{
		{Key: "hsr.port1", Type: LinkRef, IFLA: 1, Set: OnCreate, IP: "slave1",
			Doc: "First port. Required."},
		{Key: "hsr.port2", Type: LinkRef, IFLA: 2, Set: OnCreate, IP: "slave2",
			Doc: "Second port. Required."},
		{Key: "hsr.multicast-spec", Type: Uint8, IFLA: 3, Set: OnCreate, Default: "0", IP: "supervision",
			Doc: "Last byte of the destination of supervision packets."},
		{Key: "hsr.protocol", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"hsr", 0}, {"prp", 1}}, IFLA: 7, Set: OnCreate, Default: "hsr", IP: "proto",
			Doc: "`hsr` is a ring, `prp` two networks side by side."},
		{Key: "hsr.version", Type: Uint8, IFLA: 6, Max: 1, Set: OnCreate, Default: "0", Unreported: true, Extension: true, IP: "version",
			Doc: "Version of HSR: 0 (2010) or 1 (2012). The kernel does not tell which an interface has: it counts only when the interface is made, and is 0 again when removing one is undone."},
		{Key: "hsr.supervision-address", Type: MAC, IFLA: 4, Set: ReadOnly,
			Doc: "Destination of supervision packets."},
	},
	Example: `interfaces:
  - name: hsr0
    type: hsr
    state: up
    hsr:
      port1: eth1
      port2: eth2
      multicast-spec: 40
      protocol: prp
`,
}
