package netstate

// macVtap is macvlan with a character device instead of a protocol stack
// (drivers/net/macvtap.c).
var macVtap = Kind{
	Name:      "mac-vtap",
	Kernel:    "macvtap",
	Section:   "mac-vtap",
	Creatable: true,
	Module:    "macvtap",
	Option:    "CONFIG_MACVTAP",
	Below:     "mac-vtap.base-iface",
	Needs:     []string{"mac-vtap.base-iface", "mac-vtap.mode"},
	Attrs:     macVlanAttrs("mac-vtap"),
}
