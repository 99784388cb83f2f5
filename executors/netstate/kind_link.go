package netstate

// Attributes of every interface. Numbers: enum IFLA_* and IFF_* of the kernel
// headers linux/if_link.h and linux/if.h.
var linkAttrs = []Attr{
	{Key: "state", Type: IFFlag, Bit: 0, Set: Anytime, Enum: linkStates, IP: "up",
		Doc: "`up` or `down` (administratively), `absent` to remove the interface, `ignore` to leave it alone. An interface that the block makes is up unless it says otherwise."},
	{Key: "mtu", Type: Uint32, IFLA: 4, Set: Anytime, IP: "mtu",
		Doc: "Largest packet in bytes, without the link header."},
	{Key: "mac-address", Type: MAC, IFLA: 1, Set: Anytime, IP: "address",
		Doc: "Hardware address. A bridge without one takes the lowest of its ports' by itself."},
	{Key: "controller", Type: LinkRef, IFLA: 10, Set: Anytime, IP: "master",
		Doc: "Interface that this one is a port of; empty to release it."},
	{Key: "accept-all-mac-addresses", Type: IFFlag, Bit: 8, Set: Anytime, Default: "false", IP: "promisc",
		Doc: "Promiscuous mode (IFF_PROMISC)."},
	{Key: "alias", Type: String, IFLA: 20, Set: Anytime, Extension: true, IP: "alias",
		Doc: "Text kept with the interface (IFLA_IFALIAS), up to 255 bytes; empty to remove it. nmstate's `description` is accepted for it."},
	{Key: "txqueuelen", Type: Uint32, IFLA: 13, Set: Anytime, Extension: true, IP: "txqueuelen",
		Doc: "Length of the transmit queue in packets."},
	{Key: "group", Type: Uint32, IFLA: 27, Set: Anytime, Default: "0", Extension: true, IP: "group",
		Doc: "Number of the interface group (IFLA_GROUP)."},
	{Key: "arp", Type: IFFlag, Bit: 7, Inverse: true, Set: Anytime, Extension: true, IP: "arp",
		Doc: "Whether ARP and neighbour discovery are used (IFF_NOARP, inverted)."},
	{Key: "multicast", Type: IFFlag, Bit: 12, Set: Anytime, Extension: true, IP: "multicast",
		Doc: "Whether the interface takes part in multicast (IFF_MULTICAST)."},
	{Key: "allmulticast", Type: IFFlag, Bit: 9, Set: Anytime, Default: "false", Extension: true, IP: "allmulticast",
		Doc: "Receive every multicast packet (IFF_ALLMULTI)."},
	{Key: "num-tx-queues", Type: Uint32, IFLA: 31, Min: 1, Max: 4096, Set: OnCreate, Extension: true, IP: "numtxqueues",
		Doc: "Number of transmit queues."},
	{Key: "num-rx-queues", Type: Uint32, IFLA: 32, Min: 1, Max: 4096, Set: OnCreate, Extension: true, IP: "numrxqueues",
		Doc: "Number of receive queues."},
	{Key: "netns", Type: String, Set: Anytime, Extension: true, IP: "netns",
		Doc: "Another target of the document, or a named network namespace of its host, that the interface is made in or moved to."},
	{Key: "min-mtu", Type: Uint32, IFLA: 50, Set: ReadOnly, Doc: "Smallest `mtu` that the driver takes."},
	{Key: "max-mtu", Type: Uint32, IFLA: 51, Set: ReadOnly, Doc: "Largest `mtu` that the driver takes."},
	{Key: "permanent-mac-address", Type: MAC, IFLA: 54, Set: ReadOnly, Doc: "Hardware address that was burned in."},
	{Key: "driver", Type: String, Set: ReadOnly, Doc: "Name of the kernel's driver."},
}

var linkStates = []EnumValue{{"down", 0}, {"up", 1}}
