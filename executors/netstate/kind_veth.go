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
	Doc:       "A virtual cable with an interface at each end. Making one end makes the other, and both come up.",
	Attrs: []Attr{
		{Key: "veth.peer", Type: String, Set: OnCreate, IP: "peer name",
			Doc: "Name of the interface at the far end."},
		{Key: "veth.peer-target", Type: String, Set: OnCreate, Extension: true, IP: "netns",
			Doc: "Target of the document, or named network namespace, that holds the far end; this one if not given."},
	},
	Example: `interfaces:
  - name: left0
    type: veth
    veth:
      peer: right0
    ipv4:
      address:
        - ip: 192.0.2.1
          prefix-length: 30
`,
}
