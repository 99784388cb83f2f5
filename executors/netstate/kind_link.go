package netstate

// Attributes of every interface. Numbers: enum IFLA_* and IFF_* of the kernel
// headers linux/if_link.h and linux/if.h.
var linkAttrs = []Attr{
	{Key: "state", Type: IFFlag, Bit: 0, Set: Anytime, Enum: linkStates, IP: "up"},
	{Key: "mtu", Type: Uint32, IFLA: 4, Max: 1<<31 - 1, Set: Anytime, IP: "mtu"},
	{Key: "mac-address", Type: MAC, IFLA: 1, Set: Anytime, IP: "address"},
	{Key: "controller", Type: LinkRef, IFLA: 10, Set: Anytime, IP: "master"},
	{Key: "accept-all-mac-addresses", Type: IFFlag, Bit: 8, Set: Anytime, Default: "false", IP: "promisc"},
	{Key: "alias", Type: String, IFLA: 20, Set: Anytime, Extension: true, IP: "alias"},
	{Key: AltNames, Type: List, IFLA: 52, Set: Anytime, IP: "altname", Fields: altNameFields},
	{Key: "txqueuelen", Type: Uint32, IFLA: 13, Max: 1<<31 - 1, Set: Anytime, Extension: true, IP: "txqueuelen"},
	{Key: "group", Type: Uint32, IFLA: 27, Set: Anytime, Default: "0", Extension: true, IP: "group"},
	{Key: "arp", Type: IFFlag, Bit: 7, Inverse: true, Set: Anytime, Extension: true, IP: "arp"},
	{Key: "multicast", Type: IFFlag, Bit: 12, Set: Anytime, Extension: true, IP: "multicast"},
	{Key: "allmulticast", Type: IFFlag, Bit: 9, Set: Anytime, Default: "false", Extension: true, IP: "allmulticast"},
	{Key: "multicast-addresses", Type: MACList, Set: Anytime, Extension: true},
	{Key: "protodown", Type: Bool, IFLA: 39, Set: Anytime, Default: "false", Extension: true, IP: "protodown"},
	{Key: "gso-max-size", Type: Uint32, IFLA: 41, Max: 8 * 65535, Set: Anytime, Default: "65536", Extension: true, IP: "gso_max_size"},
	{Key: "gso-max-segs", Type: Uint32, IFLA: 40, Max: 65535, Set: Anytime, Default: "65535", Extension: true, IP: "gso_max_segs"},
	{Key: "gro-max-size", Type: Uint32, IFLA: 58, Max: 8 * 65535, Since: "5.17", Set: Anytime, Default: "65536", Extension: true, IP: "gro_max_size"},
	{Key: "gso-ipv4-max-size", Type: Uint32, IFLA: 63, Max: 8 * 65535, Since: "6.3", Set: Anytime, Default: "65536", Extension: true, IP: "gso_ipv4_max_size"},
	{Key: "gro-ipv4-max-size", Type: Uint32, IFLA: 64, Max: 8 * 65535, Since: "6.3", Set: Anytime, Default: "65536", Extension: true, IP: "gro_ipv4_max_size"},
	{Key: "num-tx-queues", Type: Uint32, IFLA: 31, Min: 1, Max: 4096, Set: OnCreate, Extension: true, IP: "numtxqueues"},
	{Key: "num-rx-queues", Type: Uint32, IFLA: 32, Min: 1, Max: 4096, Set: OnCreate, Extension: true, IP: "numrxqueues"},
	{Key: "ipv6.accept-ra", Type: Uint8, Max: 2, Set: Anytime, Extension: true},
	{Key: "ipv6.autoconf", Type: Bool, Set: Anytime},
	{Key: "ipv6.use-tempaddr", Type: Int32, Set: Anytime, Extension: true},
	{Key: "ipv6.addr-gen-mode", Type: Enum, Wire: Uint8, Enum: addrGenModes, Set: Anytime, IP: "addrgenmode"},
	{Key: "ipv6.token", Type: IPv6, Set: Anytime, IP: "token"},
	{Key: "netns", Type: String, Set: Anytime, Extension: true, IP: "netns"},
	{Key: "min-mtu", Type: Uint32, IFLA: 50, Set: ReadOnly},
	{Key: "max-mtu", Type: Uint32, IFLA: 51, Set: ReadOnly},
	{Key: "tso-max-size", Type: Uint32, IFLA: 59, Set: ReadOnly, Extension: true},
	{Key: "permanent-mac-address", Type: MAC, IFLA: 54, Set: ReadOnly},
	{Key: "driver", Type: String, Set: ReadOnly},
}

var linkStates = []EnumValue{{"down", 0}, {"up", 1}}

// addrGenModes are IN6_ADDR_GEN_MODE_* of linux/if_link.h.
var addrGenModes = []EnumValue{{"eui64", 0}, {"none", 1}, {"stable-privacy", 2}, {"random", 3}}
