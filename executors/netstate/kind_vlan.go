package netstate

// vlan is an interface for the packets of one VLAN of a lower one (net/8021q;
// IFLA_VLAN_* of linux/if_link.h, VLAN_FLAG_* of linux/if_vlan.h). The kernel
// takes a new id or protocol without a word and keeps the old one
// (vlan_changelink): they are OnCreate here.
var vlan = Kind{
	Name:      "vlan",
	Kernel:    "vlan",
	Section:   "vlan",
	Creatable: true,
	Module:    "8021q",
	Option:    "CONFIG_VLAN_8021Q",
	Below:     "vlan.base-iface",
	Needs:     []string{"vlan.base-iface", "vlan.id"},
	Born:      Attrs{"mtu": below, "arp": below, "multicast": below, "txqueuelen": "1000"},
	Attrs: []Attr{
		{Key: "vlan.base-iface", Type: LinkRef, IFLA: 5, Message: true, Set: OnCreate, IP: "link"},
		{Key: "vlan.id", Type: Uint16, IFLA: 1, Max: 4094, Set: OnCreate, IP: "id"},
		{Key: "vlan.protocol", Type: Enum, Wire: Uint16BE, Enum: vlanProtocols, IFLA: 5, Set: OnCreate, Default: "802.1q", IP: "protocol"},
		{Key: "vlan.registration-protocol", Type: MaskedEnum, Enum: []EnumValue{{"none", 0}, {"gvrp", 2}, {"mvrp", 8}, {"gvrp+mvrp", 10}}, IFLA: 2, Set: Anytime, Default: "none"},
		{Key: "vlan.reorder-headers", Type: BoolOpt, Bit: 0, IFLA: 2, Set: Anytime, Default: "true", IP: "reorder_hdr"},
		{Key: "vlan.loose-binding", Type: BoolOpt, Bit: 2, IFLA: 2, Set: Anytime, Default: "false", IP: "loose_binding"},
		{Key: "vlan.bridge-binding", Type: BoolOpt, Bit: 4, IFLA: 2, Set: Anytime, Default: "false", Extension: true, IP: "bridge_binding"},
		{Key: "vlan.ingress-qos-map", Type: QoSMap, IFLA: 4, Set: Anytime, Extension: true, IP: "ingress-qos-map"},
		{Key: "vlan.egress-qos-map", Type: QoSMap, IFLA: 3, Set: Anytime, Extension: true, IP: "egress-qos-map"},
	},
}

// vlanProtocols are ETH_P_8021Q and ETH_P_8021AD of linux/if_ether.h.
var vlanProtocols = []EnumValue{{"802.1q", 0x8100}, {"802.1ad", 0x88a8}}
