package netstate

// macVlan is a second interface on a lower one, with a hardware address of its
// own (drivers/net/macvlan.c; IFLA_MACVLAN_*).
var macVlan = Kind{
	Name:      "mac-vlan",
	Kernel:    "macvlan",
	Section:   "mac-vlan",
	Creatable: true,
	Module:    "macvlan",
	Option:    "CONFIG_MACVLAN",
	Below:     "mac-vlan.base-iface",
	Needs:     []string{"mac-vlan.base-iface", "mac-vlan.mode"},
	Attrs:     macVlanAttrs("mac-vlan"),
}

// macVlanModes are enum macvlan_mode of linux/if_link.h.
var macVlanModes = []EnumValue{
	{"private", 1}, {"vepa", 2}, {"bridge", 4}, {"passthru", 8}, {"source", 16},
}

// macVlanAttrs are the attributes that macvlan and macvtap share.
func macVlanAttrs(section string) []Attr {
	return []Attr{
		{Key: section + ".base-iface", Type: LinkRef, IFLA: 5, Message: true, Set: OnCreate, IP: "link"},
		{Key: section + ".mode", Type: Enum, Wire: Uint32, Enum: macVlanModes, IFLA: 1, Set: Anytime, IP: "mode"},
		{Key: section + ".promiscuous", Type: FlagBit, Wire: Uint16, Bit: 0, Inverse: true, IFLA: 2, Set: Anytime, Default: "true", IP: "flag nopromisc"},
		{Key: section + ".no-destination-check", Type: FlagBit, Wire: Uint16, Bit: 1, IFLA: 2, Set: Anytime, Default: "false", Extension: true, IP: "flag nodst"},
		{Key: section + ".broadcast-queue-length", Type: Uint32, IFLA: 7, Set: Anytime, Default: "1000", Extension: true, IP: "bcqueuelen"},
		{Key: section + ".broadcast-cutoff", Type: Int32, IFLA: 9, Set: Anytime, Default: "1", Extension: true, IP: "bclim"},
		{Key: section + ".source-mac-addresses", Type: MACList, IFLA: 5, Set: Anytime, Extension: true, IP: "macaddr set"},
	}
}
