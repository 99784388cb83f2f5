package netstate

// ipVlan is a second interface on a lower one, with the same hardware address
// (drivers/net/ipvlan; IFLA_IPVLAN_* and IPVLAN_F_* of linux/if_link.h). Mode
// and flags belong to all interfaces on one lower interface.
var ipVlan = Kind{
	Name:      "ipvlan",
	Kernel:    "ipvlan",
	Section:   "ipvlan",
	Creatable: true,
	Module:    "ipvlan",
	Option:    "CONFIG_IPVLAN",
	Below:     "ipvlan.base-iface",
	Needs:     []string{"ipvlan.base-iface"},
	Born:      Attrs{"mtu": below, "multicast": "true", "txqueuelen": "1000"},
	Attrs:     ipVlanAttrs("ipvlan"),
}

// ipVtap is ipvlan with a character device instead of a protocol stack
// (drivers/net/ipvlan/ipvtap.c).
var ipVtap = Kind{
	Name:      "ipvtap",
	Kernel:    "ipvtap",
	Section:   "ipvtap",
	Creatable: true,
	Module:    "ipvtap",
	Option:    "CONFIG_IPVTAP",
	Below:     "ipvtap.base-iface",
	Needs:     []string{"ipvtap.base-iface"},
	Born:      Attrs{"mtu": below, "multicast": "true", "txqueuelen": "500"},
	Attrs:     ipVlanAttrs("ipvtap"),
}

// ipVlanAttrs are the attributes that ipvlan and ipvtap share.
func ipVlanAttrs(section string) []Attr {
	extension := section == "ipvtap"
	return []Attr{
		{Key: section + ".base-iface", Type: LinkRef, IFLA: 5, Message: true, Set: OnCreate, Extension: extension, IP: "link"},
		{Key: section + ".mode", Type: Enum, Wire: Uint16, Enum: []EnumValue{{"l2", 0}, {"l3", 1}, {"l3s", 2}}, IFLA: 1, Set: Anytime, Default: "l3", Extension: extension, IP: "mode"},
		{Key: section + ".private", Type: FlagBit, Wire: Uint16, Bit: 0, IFLA: 2, Set: Anytime, Default: "false", Extension: extension, IP: "private"},
		{Key: section + ".vepa", Type: FlagBit, Wire: Uint16, Bit: 1, IFLA: 2, Set: Anytime, Default: "false", Extension: extension, IP: "vepa"},
	}
}
