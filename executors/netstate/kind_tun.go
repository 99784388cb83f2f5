package netstate

// tun is a persistent tun or tap device (drivers/net/tun.c). It is made through
// /dev/net/tun and its ioctls, which package linux knows; IFLA_TUN_* are
// numbers for reading only.
var tun = Kind{
	Name:      "tun",
	Kernel:    "tun",
	Section:   "tun",
	Creatable: true,
	Module:    "tun",
	Option:    "CONFIG_TUN",
	Doc:       "A persistent tun (IP packets) or tap (Ethernet frames) device for a program or a virtual machine. `type: tap` is short for `type: tun` with `mode: tap`. nmstate only shows this kind; making one is an extension.",
	Attrs: []Attr{
		{Key: "tun.mode", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"tun", 1}, {"tap", 2}}, IFLA: 3, Set: OnCreate, Default: "tun", IP: "mode",
			Doc: "`tun` carries IP packets, `tap` Ethernet frames."},
		{Key: "tun.owner", Type: Uint32, IFLA: 1, Set: Anytime, Extension: true, IP: "user",
			Doc: "Numeric ID of the user that may open the device (TUNSETOWNER)."},
		{Key: "tun.group", Type: Uint32, IFLA: 2, Set: Anytime, Extension: true, IP: "group",
			Doc: "Numeric ID of the group that may open the device (TUNSETGROUP)."},
		{Key: "tun.packet-information", Type: Bool, IFLA: 4, Set: Anytime, Default: "false", Extension: true, IP: "pi",
			Doc: "Packets carry a struct tun_pi (no IFF_NO_PI). The program that opens the device can change it."},
		{Key: "tun.vnet-header", Type: Bool, IFLA: 5, Set: Anytime, Default: "false", Extension: true, IP: "vnet_hdr",
			Doc: "Packets carry a virtio header (IFF_VNET_HDR). The program that opens the device can change it."},
		{Key: "tun.multi-queue", Type: Bool, IFLA: 7, Set: OnCreate, Default: "false", Extension: true, IP: "multi_queue",
			Doc: "Several file descriptors may be open, each a queue (IFF_MULTI_QUEUE)."},
		{Key: "tun.persistent", Type: Bool, IFLA: 6, Set: ReadOnly, Extension: true,
			Doc: "Whether the device outlives the program that has it open."},
		{Key: "tun.queues", Type: Uint32, IFLA: 8, Set: ReadOnly, Extension: true,
			Doc: "Number of queues that are open, for a multi-queue device."},
	},
	Example: `interfaces:
  - name: tap0
    type: tap
    tun:
      owner: 1000
      multi-queue: true
`,
}
