package netstate

// bond is several ports used as one (drivers/net/bonding; IFLA_BOND_* of
// linux/if_link.h). The names of the options are the kernel's own, as nmstate
// has them. What goes with what is in bond.go.
var bond = Kind{
	Name:        "bond",
	Kernel:      "bond",
	Section:     "link-aggregation",
	Creatable:   true,
	Module:      "bonding",
	Option:      "CONFIG_BONDING",
	PortSection: "bond-port",
	PortList:    "link-aggregation.port",
	PortConfig:  "link-aggregation.ports-config",
	NoAddresses: true,
	Needs:       []string{"link-aggregation.mode"},
	Born:        Attrs{"mtu": ethernetMTU, "arp": "true", "multicast": "true", "txqueuelen": "1000"},
	Attrs:       bondAttrs,
	PortAttrs:   bondPortAttrs,
}

// bondModes are BOND_MODE_* of linux/if_bonding.h.
var bondModes = []EnumValue{
	{"balance-rr", 0}, {"active-backup", 1}, {"balance-xor", 2}, {"broadcast", 3}, {"802.3ad", 4}, {"balance-tlb", 5}, {"balance-alb", 6},
}

// bondOption begins the keys of options. The word of an option in ip(8) is its name.
const bondOption = "link-aggregation.options."

var bondAttrs = []Attr{
	{Key: "link-aggregation.mode", Type: Enum, Wire: Uint8, Enum: bondModes, IFLA: 1, Set: Anytime, Default: "balance-rr", IP: "mode"},
	{Key: bondOption + "active_slave", Type: LinkRef, Late: true, IFLA: 2, Extension: true, Set: Anytime, IP: "active_slave"},
	{Key: bondOption + "miimon", Type: Uint32, IFLA: 3, Max: 1<<31 - 1, Set: Anytime, IP: "miimon"},
	{Key: bondOption + "updelay", Type: Uint32, IFLA: 4, Max: 1<<31 - 1, Default: "0", Set: Anytime, IP: "updelay"},
	{Key: bondOption + "downdelay", Type: Uint32, IFLA: 5, Max: 1<<31 - 1, Default: "0", Set: Anytime, IP: "downdelay"},
	{Key: bondOption + "peer_notif_delay", Type: Uint32, IFLA: 28, Max: 300000, Default: "0", Extension: true, Set: Anytime, IP: "peer_notify_delay"},
	{Key: bondOption + "use_carrier", Type: Bool, IFLA: 6, Default: "true", Set: Anytime, IP: "use_carrier"},
	{Key: bondOption + "arp_interval", Type: Uint32, IFLA: 7, Max: 1<<31 - 1, Default: "0", Set: Anytime, IP: "arp_interval"},
	{Key: bondOption + "arp_ip_target", Type: IPv4List, IFLA: 8, Set: Anytime, IP: "arp_ip_target"},
	{Key: bondOption + "ns_ip6_target", Type: IPv6List, IFLA: 31, Extension: true, Set: Anytime, IP: "ns_ip6_target"},
	{Key: bondOption + "arp_validate", Type: Enum, Wire: Uint32, IFLA: 9, Default: "none",
		Enum: []EnumValue{{"none", 0}, {"active", 1}, {"backup", 2}, {"all", 3}, {"filter", 4}, {"filter_active", 5}, {"filter_backup", 6}}, Set: Anytime, IP: "arp_validate"},
	{Key: bondOption + "arp_all_targets", Type: Enum, Wire: Uint32, IFLA: 10, Default: "any", Enum: []EnumValue{{"any", 0}, {"all", 1}}, Set: Anytime, IP: "arp_all_targets"},
	{Key: bondOption + "arp_missed_max", Type: Uint8, IFLA: 30, Min: 1, Default: "2", Since: "5.17", Set: Anytime, IP: "arp_missed_max"},
	{Key: bondOption + "primary", Type: LinkRef, Late: true, IFLA: 11, Set: Anytime, IP: "primary"},
	{Key: bondOption + "primary_reselect", Type: Enum, Wire: Uint8, IFLA: 12, Default: "always", Enum: []EnumValue{{"always", 0}, {"better", 1}, {"failure", 2}}, Set: Anytime, IP: "primary_reselect"},
	{Key: bondOption + "fail_over_mac", Type: Enum, Wire: Uint8, IFLA: 13, Default: "none", Enum: []EnumValue{{"none", 0}, {"active", 1}, {"follow", 2}}, Set: Anytime, IP: "fail_over_mac"},
	{Key: bondOption + "xmit_hash_policy", Type: Enum, Wire: Uint8, IFLA: 14, Default: "layer2",
		Enum: []EnumValue{{"layer2", 0}, {"layer3+4", 1}, {"layer2+3", 2}, {"encap2+3", 3}, {"encap3+4", 4}, {"vlan+srcmac", 5}}, Set: Anytime, IP: "xmit_hash_policy"},
	{Key: bondOption + "resend_igmp", Type: Uint32, IFLA: 15, Max: 255, Default: "1", Set: Anytime, IP: "resend_igmp"},
	{Key: bondOption + "num_grat_arp", Type: Uint8, IFLA: 16, Default: "1", Set: Anytime, IP: "num_grat_arp"},
	{Key: bondOption + "all_slaves_active", Type: Enum, Wire: Uint8, IFLA: 17, Default: "dropped", Enum: []EnumValue{{"dropped", 0}, {"delivered", 1}}, Set: Anytime, IP: "all_slaves_active"},
	{Key: bondOption + "min_links", Type: Uint32, IFLA: 18, Max: 1<<31 - 1, Default: "0", Set: Anytime, IP: "min_links"},
	{Key: bondOption + "lp_interval", Type: Uint32, IFLA: 19, Min: 1, Max: 1<<31 - 1, Default: "1", Set: Anytime, IP: "lp_interval"},
	{Key: bondOption + "packets_per_slave", Type: Uint32, IFLA: 20, Max: 65535, Default: "1", Set: Anytime, IP: "packets_per_slave"},
	{Key: bondOption + "lacp_rate", Type: Enum, Wire: Uint8, IFLA: 21, Default: "slow", Enum: []EnumValue{{"slow", 0}, {"fast", 1}}, Set: Anytime, IP: "lacp_rate"},
	{Key: bondOption + "lacp_active", Type: Bool, IFLA: 29, Default: "true", Extension: true, Since: "5.15", Set: Anytime, IP: "lacp_active"},
	{Key: bondOption + "coupled_control", Type: Bool, IFLA: 32, Default: "true", Extension: true, Since: "6.9", Set: Anytime, IP: "coupled_control"},
	{Key: bondOption + "ad_select", Type: Enum, Wire: Uint8, IFLA: 22, Default: "stable", Enum: []EnumValue{{"stable", 0}, {"bandwidth", 1}, {"count", 2}}, Set: Anytime, IP: "ad_select"},
	{Key: bondOption + "ad_actor_sys_prio", Type: Uint16, IFLA: 24, Min: 1, Default: "65535", Set: Anytime, IP: "ad_actor_sys_prio"},
	{Key: bondOption + "ad_user_port_key", Type: Uint16, IFLA: 25, Max: 1023, Default: "0", Set: Anytime, IP: "ad_user_port_key"},
	{Key: bondOption + "ad_actor_system", Type: MAC, IFLA: 26, Default: "00:00:00:00:00:00", Set: Anytime, IP: "ad_actor_system"},
	{Key: bondOption + "tlb_dynamic_lb", Type: Bool, IFLA: 27, Default: "true", Set: Anytime, IP: "tlb_dynamic_lb"},
}

// bondPortAttrs are IFLA_BOND_SLAVE_* of linux/if_link.h.
var bondPortAttrs = []Attr{
	{Key: "bond-port.priority", Type: Int32, IFLA: 9, Since: "6.0", Set: Anytime, Default: "0", IP: "prio"},
	{Key: "bond-port.queue-id", Type: Uint16, IFLA: 5, Set: Anytime, Default: "0", IP: "queue_id"},
	{Key: "bond-port.state", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"active", 0}, {"backup", 1}}, IFLA: 1, Set: ReadOnly, Extension: true},
	{Key: "bond-port.mii-status", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"up", 0}, {"going-down", 1}, {"down", 2}, {"going-back", 3}}, IFLA: 2, Set: ReadOnly, Extension: true},
	{Key: "bond-port.link-failure-count", Type: Uint32, IFLA: 3, Set: ReadOnly, Extension: true},
	{Key: "bond-port.aggregator-id", Type: Uint16, IFLA: 6, Set: ReadOnly, Extension: true},
}
