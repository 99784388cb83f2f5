package netstate

// vxlan is Ethernet over UDP (RFC 7348; drivers/net/vxlan, IFLA_VXLAN_* of
// linux/if_link.h). What the kernel refuses to change (vxlan_nl2conf) is
// OnCreate here.
var vxlan = Kind{
	Name:      "vxlan",
	Kernel:    "vxlan",
	Section:   "vxlan",
	Creatable: true,
	Module:    "vxlan",
	Option:    "CONFIG_VXLAN",
	Below:     "vxlan.base-iface",
	Needs:     []string{"vxlan.id"},
	Doc:       "Ethernet over UDP between hosts (RFC 7348).",
	Attrs: []Attr{
		{Key: "vxlan.id", Type: Uint32, IFLA: 1, Max: 16777215, Set: OnCreate, IP: "id",
			Doc: "VXLAN network identifier. Required unless `external` is set."},
		{Key: "vxlan.base-iface", Type: LinkRef, IFLA: 3, Set: Anytime, IP: "dev",
			Doc: "Interface that packets leave by; required for a multicast `remote`."},
		{Key: "vxlan.remote", Type: IPAddress, IFLA: 2, IFLA6: 16, Set: Anytime, IP: "remote",
			Doc: "Where packets go whose destination is not in the forwarding database: a host or a multicast group. Changing the address family makes the interface anew."},
		{Key: "vxlan.local", Type: IPAddress, IFLA: 4, IFLA6: 17, Set: Anytime, IP: "local",
			Doc: "Source address of the packets. Changing the address family makes the interface anew."},
		{Key: "vxlan.destination-port", Type: Uint16BE, IFLA: 15, Min: 1, Set: OnCreate, Default: "8472", IP: "dstport",
			Doc: "UDP port of the remote. As in nmstate, the kernel's own default if not given; IANA's number is 4789."},
		{Key: "vxlan.learning", Type: Bool, IFLA: 7, Set: Anytime, Default: "true", IP: "learning",
			Doc: "Learn remote addresses from packets that arrive. With `external`, false if not given."},
		{Key: "vxlan.ttl", Type: Uint8, IFLA: 5, Set: Anytime, Default: "0", Extension: true, IP: "ttl",
			Doc: "Time to live of the outer packets; 0 lets the kernel choose."},
		{Key: "vxlan.ttl-inherit", Type: Flag, IFLA: 28, Set: OnCreate, Default: "false", Extension: true, IP: "ttl inherit",
			Doc: "Copy the time to live of the inner packet."},
		{Key: "vxlan.tos", Type: Uint8, IFLA: 6, Set: Anytime, Default: "0", Extension: true, IP: "tos",
			Doc: "Type of service of the outer packets; 1 copies that of the inner packet."},
		{Key: "vxlan.df", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"unset", 0}, {"set", 1}, {"inherit", 2}}, IFLA: 29, Set: Anytime, Default: "unset", Extension: true, IP: "df",
			Doc: "Don't-fragment bit of the outer packets."},
		{Key: "vxlan.flow-label", Type: Uint32BE, IFLA: 26, Max: 1048575, Set: Anytime, Default: "0", Extension: true, IP: "flowlabel",
			Doc: "IPv6 flow label of the outer packets."},
		{Key: "vxlan.ageing-time", Type: Uint32, IFLA: 8, Set: Anytime, Default: "300", Extension: true, IP: "ageing",
			Doc: "Seconds after which learned entries are forgotten; 0 never."},
		{Key: "vxlan.max-addresses", Type: Uint32, IFLA: 9, Set: OnCreate, Default: "0", Extension: true, IP: "maxaddress",
			Doc: "Most entries of the forwarding database; 0 is no limit."},
		{Key: "vxlan.source-port-range", Type: PortRange, IFLA: 10, Set: OnCreate, Default: "0-0", Extension: true, IP: "srcport",
			Doc: "Range of UDP source ports, LOW-HIGH (HIGH not included); `0-0` is the system's range."},
		vxlanFlag("vxlan.proxy", Bool, 11, "proxy", "false", "Answer ARP and neighbour discovery for the remote hosts."),
		vxlanFlag("vxlan.route-short-circuit", Bool, 12, "rsc", "false", "Route packets for local router addresses right here."),
		vxlanFlag("vxlan.l2-miss", Bool, 13, "l2miss", "false", "Report unknown hardware addresses to netlink."),
		vxlanFlag("vxlan.l3-miss", Bool, 14, "l3miss", "false", "Report unknown IP addresses to netlink."),
		vxlanFlag("vxlan.udp-checksum", Bool, 18, "udpcsum", "true", "UDP checksums over IPv4."),
		vxlanFlag("vxlan.udp6-zero-checksum-tx", Bool, 19, "udp6zerocsumtx", "false", "Send IPv6 packets without UDP checksum."),
		vxlanFlag("vxlan.udp6-zero-checksum-rx", Bool, 20, "udp6zerocsumrx", "false", "Take IPv6 packets without UDP checksum."),
		vxlanFlag("vxlan.remote-checksum-tx", Bool, 21, "remcsumtx", "false", "Remote checksum offload when sending."),
		vxlanFlag("vxlan.remote-checksum-rx", Bool, 22, "remcsumrx", "false", "Remote checksum offload when receiving."),
		vxlanFlag("vxlan.group-policy", Flag, 23, "gbp", "false", "Group policy extension (GBP)."),
		vxlanFlag("vxlan.generic-protocol", Flag, 27, "gpe", "false", "Generic protocol extension (GPE); needs `external`."),
		vxlanFlag("vxlan.remote-checksum-nopartial", Flag, 24, "", "false", "No partial checksums with remote checksum offload."),
		vxlanFlag("vxlan.external", Bool, 25, "external", "false", "Addresses and identifier come with each packet (collect metadata), set by routes or tc."),
		vxlanFlag("vxlan.vni-filter", Bool, 30, "vnifilter", "false", "Take only the identifiers of a filter; needs `external`."),
		{Key: "vxlan.vnis", Type: VNIList, Set: Anytime, Extension: true, IP: "bridge vni",
			Doc: "Entries of the filter, in bridge(8)'s words: a list such as `[100, 200-300 group 239.1.1.1]`. Needs `vni-filter`. The list replaces."},
		vxlanFlag("vxlan.local-bypass", Bool, 31, "localbypass", "true", "Deliver packets for a local VXLAN interface directly."),
	},
	Example: `interfaces:
  - name: vx100
    type: vxlan
    vxlan:
      id: 100
      local: 192.0.2.1
      remote: 192.0.2.2
      destination-port: 4789
      learning: false
fdb:
  config:
    - device: vx100
      mac-address: 00:00:00:00:00:00
      remote: 192.0.2.3
`,
}

func vxlanFlag(key string, typ AttrType, number uint16, ip, def, doc string) Attr {
	return Attr{Key: key, Type: typ, IFLA: number, Set: OnCreate, Default: def, Extension: true, IP: ip, Doc: doc}
}
