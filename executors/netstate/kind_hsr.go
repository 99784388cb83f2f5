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
	Born:      bornEthernet,
	Attrs: []Attr{
		{Key: "hsr.port1", Type: LinkRef, IFLA: 1, Set: OnCreate, IP: "slave1"},
		{Key: "hsr.port2", Type: LinkRef, IFLA: 2, Set: OnCreate, IP: "slave2"},
		// Linux 6.12 does not tell it, later ones do (hsr_fill_info).
		{Key: "hsr.interlink", Type: LinkRef, IFLA: 8, Since: "6.10", Set: OnCreate, Unreported: true, Extension: true, IP: "interlink"},
		{Key: "hsr.multicast-spec", Type: Uint8, IFLA: 3, Set: OnCreate, Default: "0", IP: "supervision"},
		{Key: "hsr.protocol", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"hsr", 0}, {"prp", 1}}, IFLA: 7, Set: OnCreate, Default: "hsr", IP: "proto"},
		{Key: "hsr.version", Type: Uint8, IFLA: 6, Max: 1, Set: OnCreate, Default: "0", Unreported: true, Extension: true, IP: "version"},
		{Key: "hsr.supervision-address", Type: MAC, IFLA: 4, Set: ReadOnly},
	},
}
