package netstate

// bridgePortAttrs are the attributes of a port of a bridge (IFLA_BRPORT_* of
// linux/if_link.h).
var bridgePortAttrs = []Attr{
	{Key: "bridge-port.stp-hairpin-mode", Type: Bool, IFLA: 4, Set: Anytime, Default: "false", IP: "hairpin"},
	{Key: "bridge-port.stp-path-cost", Type: Uint32, IFLA: 3, Min: 1, Max: 65535, Set: Anytime, IP: "cost"},
	{Key: "bridge-port.stp-priority", Type: Uint16, IFLA: 2, Max: 63, Set: Anytime, Default: "32", IP: "priority"},
	{Key: "bridge-port.vlan", Type: VLANList, Set: Anytime, IP: "bridge vlan"},
	{Key: "bridge-port.bpdu-guard", Type: Bool, IFLA: 5, Set: Anytime, Default: "false", Extension: true, IP: "guard"},
	{Key: "bridge-port.root-block", Type: Bool, IFLA: 6, Set: Anytime, Default: "false", Extension: true, IP: "root_block"},
	{Key: "bridge-port.multicast-fast-leave", Type: Bool, IFLA: 7, Set: Anytime, Default: "false", Extension: true, IP: "fastleave"},
	{Key: "bridge-port.learning", Type: Bool, IFLA: 8, Set: Anytime, Default: "true", Extension: true, IP: "learning"},
	{Key: "bridge-port.unicast-flood", Type: Bool, IFLA: 9, Set: Anytime, Default: "true", Extension: true, IP: "flood"},
	{Key: "bridge-port.multicast-flood", Type: Bool, IFLA: 27, Set: Anytime, Default: "true", Extension: true, IP: "mcast_flood"},
	{Key: "bridge-port.broadcast-flood", Type: Bool, IFLA: 30, Set: Anytime, Default: "true", Extension: true, IP: "bcast_flood"},
	{Key: "bridge-port.multicast-to-unicast", Type: Bool, IFLA: 28, Set: Anytime, Default: "false", Extension: true, IP: "mcast_to_unicast"},
	{Key: "bridge-port.multicast-router", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"disabled", 0}, {"auto", 1}, {"enabled", 2}, {"temporary", 3}}, IFLA: 25, Set: Anytime, Default: "auto", Extension: true, IP: "mcast_router"},
	{Key: "bridge-port.multicast-eht-hosts-limit", Type: Uint32, IFLA: 37, Min: 1, Since: "5.12", Set: Anytime, Default: "512", Extension: true},
	{Key: "bridge-port.multicast-max-groups", Type: Uint32, IFLA: 42, Since: "6.3", Set: Anytime, Default: "0", Extension: true, IP: "mcast_max_groups"},
	{Key: "bridge-port.proxy-arp", Type: Bool, IFLA: 10, Set: Anytime, Default: "false", Extension: true, IP: "proxy_arp"},
	{Key: "bridge-port.proxy-arp-wifi", Type: Bool, IFLA: 12, Set: Anytime, Default: "false", Extension: true, IP: "proxy_arp_wifi"},
	{Key: "bridge-port.group-fwd-mask", Type: Uint16, IFLA: 31, Max: 1<<16 - 3, Set: Anytime, Default: "0", Extension: true, IP: "group_fwd_mask"},
	{Key: "bridge-port.neighbor-suppress", Type: Bool, IFLA: 32, Set: Anytime, Default: "false", Extension: true, IP: "neigh_suppress"},
	{Key: "bridge-port.neighbor-vlan-suppress", Type: Bool, IFLA: 43, Since: "6.4", Set: Anytime, Default: "false", Extension: true, IP: "neigh_vlan_suppress"},
	{Key: "bridge-port.vlan-tunnel", Type: Bool, IFLA: 29, Set: Anytime, Default: "false", Extension: true, IP: "vlan_tunnel"},
	{Key: "bridge-port.vlan-tunnel-info", Type: VLANTunnels, Set: Anytime, Extension: true, IP: "bridge vlan tunnel_info"},
	{Key: "bridge-port.isolated", Type: Bool, IFLA: 33, Set: Anytime, Default: "false", Extension: true, IP: "isolated"},
	{Key: "bridge-port.locked", Type: Bool, IFLA: 39, Since: "5.18", Set: Anytime, Default: "false", Extension: true, IP: "locked"},
	{Key: "bridge-port.mac-authentication-bypass", Type: Bool, IFLA: 40, Since: "6.2", Set: Anytime, Default: "false", Extension: true, IP: "mab"},
	{Key: "bridge-port.backup-port", Type: LinkRef, IFLA: 34, Set: Anytime, Extension: true, IP: "backup_port"},
	{Key: "bridge-port.backup-nexthop-id", Type: Uint32, IFLA: 44, Set: Anytime, Default: "0", Extension: true, IP: "backup_nhid"},
	{Key: "bridge-port.stp-state", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"disabled", 0}, {"listening", 1}, {"learning", 2}, {"forwarding", 3}, {"blocking", 4}}, IFLA: 1, Set: ReadOnly, Extension: true},
}
