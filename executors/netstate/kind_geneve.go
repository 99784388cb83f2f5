package netstate

// geneve is Ethernet over UDP (RFC 8926; drivers/net/geneve.c, IFLA_GENEVE_* of
// linux/if_link.h). What geneve_nl2info refuses to change is OnCreate here.
var geneve = Kind{
	Name:      "geneve",
	Kernel:    "geneve",
	Section:   "geneve",
	Creatable: true,
	Module:    "geneve",
	Option:    "CONFIG_GENEVE",
	Needs:     []string{"geneve.id", "geneve.remote"},
	Born:      Attrs{"arp": "true", "multicast": "true", "txqueuelen": "1000"},
	Doc:       "Ethernet over UDP between two hosts, with options (RFC 8926). An extension.",
	Attrs: []Attr{
		{Key: "geneve.id", Type: Uint32, IFLA: 1, Max: 16777215, Set: OnCreate, Extension: true, IP: "id",
			Doc: "Virtual network identifier. Required unless `external` is set."},
		{Key: "geneve.remote", Type: IPAddress, IFLA: 2, IFLA6: 7, Set: Anytime, Extension: true, IP: "remote",
			Doc: "The other end. Required unless `external` is set. Changing the address family makes the interface anew, and so does any change where a `udp6-zero-checksum` is set."},
		{Key: "geneve.destination-port", Type: Uint16BE, IFLA: 5, Min: 1, Set: OnCreate, Default: "6081", Extension: true, IP: "dstport",
			Doc: "UDP port of the remote."},
		{Key: "geneve.ttl", Type: Uint8, IFLA: 3, Set: Anytime, Default: "0", Extension: true, IP: "ttl",
			Doc: "Time to live of the outer packets; 0 lets the kernel choose."},
		{Key: "geneve.ttl-inherit", Type: Bool, IFLA: 12, Set: Anytime, Default: "false", Extension: true, IP: "ttl inherit",
			Doc: "Copy the time to live of the inner packet."},
		{Key: "geneve.tos", Type: Uint8, IFLA: 4, Set: Anytime, Default: "0", Extension: true, IP: "tos",
			Doc: "Type of service of the outer packets; 1 copies that of the inner packet."},
		{Key: "geneve.df", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"unset", 0}, {"set", 1}, {"inherit", 2}}, IFLA: 13, Set: Anytime, Default: "unset", Extension: true, IP: "df",
			Doc: "Don't-fragment bit of the outer packets; not over IPv6."},
		{Key: "geneve.flow-label", Type: Uint32BE, IFLA: 11, Max: 1048575, Set: Anytime, Default: "0", Extension: true, IP: "flowlabel",
			Doc: "IPv6 flow label of the outer packets."},
		{Key: "geneve.udp-checksum", Type: Bool, IFLA: 8, Set: OnCreate, Default: "false", Extension: true, IP: "udpcsum",
			Doc: "UDP checksums over IPv4."},
		{Key: "geneve.udp6-zero-checksum-tx", Type: Bool, IFLA: 9, Set: OnCreate, Default: "false", Extension: true, IP: "udp6zerocsumtx",
			Doc: "Send IPv6 packets without UDP checksum."},
		{Key: "geneve.udp6-zero-checksum-rx", Type: Bool, IFLA: 10, Set: OnCreate, Default: "false", Extension: true, IP: "udp6zerocsumrx",
			Doc: "Take IPv6 packets without UDP checksum."},
		{Key: "geneve.external", Type: Flag, IFLA: 6, Set: OnCreate, Default: "false", Extension: true, IP: "external",
			Doc: "Addresses and identifier come with each packet (collect metadata), set by routes or tc. Nothing else can be changed then."},
		{Key: "geneve.inner-protocol-inherit", Type: Flag, IFLA: 14, Set: OnCreate, Default: "false", Extension: true, IP: "innerprotoinherit",
			Doc: "Carry packets without Ethernet header; needs `external`."},
	},
	Example: `interfaces:
  - name: gnv0
    type: geneve
    geneve:
      id: 100
      remote: 192.0.2.2
      ttl: 64
`,
}
