package netstate

// ifb is the intermediate functional block device (drivers/net/ifb.c).
var ifb = Kind{
	Name:      "ifb",
	Kernel:    "ifb",
	Section:   "ifb",
	Creatable: true,
	Module:    "ifb",
	Option:    "CONFIG_IFB",
	Doc:       "Intermediate functional block: a place to shape what arrives on other interfaces. An extension.",
	Example: `interfaces:
  - name: ifb7
    type: ifb
    txqueuelen: 64
`,
}
