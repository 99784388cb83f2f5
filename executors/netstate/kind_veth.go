package netstate

// veth is a pair of interfaces (drivers/net/veth.c). The peer travels in
// VETH_INFO_PEER, which package linux writes.
var veth = Kind{
	Name:      "veth",
	Kernel:    "veth",
	Section:   "veth",
	Creatable: true,
	Module:    "veth",
	Option:    "CONFIG_VETH",
	Pair:      true,
	Needs:     []string{"veth.peer"},
	Attrs: []Attr{
		{Key: "veth.peer", Type: String, Set: OnCreate, IP: "peer name"},
		{Key: "veth.peer-target", Type: String, Set: OnCreate, Extension: true, IP: "netns"},
	},
}
