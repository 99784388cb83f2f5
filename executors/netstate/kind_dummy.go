package netstate

// dummy is an interface that drops what is sent (drivers/net/dummy.c).
var dummy = Kind{
	Name:      "dummy",
	Kernel:    "dummy",
	Section:   "dummy",
	Creatable: true,
	Module:    "dummy",
	Option:    "CONFIG_DUMMY",
	Born:      Attrs{"mtu": ethernetMTU, "arp": "false", "multicast": "false", "txqueuelen": "1000"},
	Doc:       "An interface that drops everything: a place for addresses that are always up.",
	Example: `interfaces:
  - name: dummy1
    type: dummy
    state: up
    ipv4:
      address:
        - ip: 192.0.2.1
          prefix-length: 32
`,
}
