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

var bondAttrs = []Attr{
	{Key: "link-aggregation.mode", Type: Enum, Wire: Uint8, Enum: bondModes, IFLA: 1, Set: Anytime, Default: "balance-rr", IP: "mode"},
	option("active_slave", Attr{Type: LinkRef, Late: true, IFLA: 2, Extension: true}),
	option("miimon", Attr{Type: Uint32, IFLA: 3, Max: 1<<31 - 1}),
	option("updelay", Attr{Type: Uint32, IFLA: 4, Max: 1<<31 - 1, Default: "0"}),
	option("downdelay", Attr{Type: Uint32, IFLA: 5, Max: 1<<31 - 1, Default: "0"}),
	option("peer_notif_delay", Attr{Type: Uint32, IFLA: 28, Max: 300000, Default: "0", Extension: true}),
	option("use_carrier", Attr{Type: Bool, IFLA: 6, Default: "true"}),
	option("arp_interval", Attr{Type: Uint32, IFLA: 7, Max: 1<<31 - 1, Default: "0"}),
	option("arp_ip_target", Attr{Type: IPv4List, IFLA: 8}),
	option("ns_ip6_target", Attr{Type: IPv6List, IFLA: 31, Extension: true}),
	option("arp_validate", Attr{Type: Enum, Wire: Uint32, IFLA: 9, Default: "none",
		Enum: []EnumValue{{"none", 0}, {"active", 1}, {"backup", 2}, {"all", 3}, {"filter", 4}, {"filter_active", 5}, {"filter_backup", 6}}}),
	option("arp_all_targets", Attr{Type: Enum, Wire: Uint32, IFLA: 10, Default: "any", Enum: []EnumValue{{"any", 0}, {"all", 1}}}),
	option("arp_missed_max", Attr{Type: Uint8, IFLA: 30, Min: 1, Default: "2"}),
	option("primary", Attr{Type: LinkRef, Late: true, IFLA: 11}),
	option("primary_reselect", Attr{Type: Enum, Wire: Uint8, IFLA: 12, Default: "always", Enum: []EnumValue{{"always", 0}, {"better", 1}, {"failure", 2}}}),
	option("fail_over_mac", Attr{Type: Enum, Wire: Uint8, IFLA: 13, Default: "none", Enum: []EnumValue{{"none", 0}, {"active", 1}, {"follow", 2}}}),
	option("xmit_hash_policy", Attr{Type: Enum, Wire: Uint8, IFLA: 14, Default: "layer2",
		Enum: []EnumValue{{"layer2", 0}, {"layer3+4", 1}, {"layer2+3", 2}, {"encap2+3", 3}, {"encap3+4", 4}, {"vlan+srcmac", 5}}}),
	option("resend_igmp", Attr{Type: Uint32, IFLA: 15, Max: 255, Default: "1"}),
	option("num_grat_arp", Attr{Type: Uint8, IFLA: 16, Default: "1"}),
	option("all_slaves_active", Attr{Type: Enum, Wire: Uint8, IFLA: 17, Default: "dropped", Enum: []EnumValue{{"dropped", 0}, {"delivered", 1}}}),
	option("min_links", Attr{Type: Uint32, IFLA: 18, Max: 1<<31 - 1, Default: "0"}),
	option("lp_interval", Attr{Type: Uint32, IFLA: 19, Min: 1, Max: 1<<31 - 1, Default: "1"}),
	option("packets_per_slave", Attr{Type: Uint32, IFLA: 20, Max: 65535, Default: "1"}),
	option("lacp_rate", Attr{Type: Enum, Wire: Uint8, IFLA: 21, Default: "slow", Enum: []EnumValue{{"slow", 0}, {"fast", 1}}}),
	option("lacp_active", Attr{Type: Bool, IFLA: 29, Default: "true", Extension: true}),
	option("coupled_control", Attr{Type: Bool, IFLA: 32, Default: "true", Extension: true}),
	option("ad_select", Attr{Type: Enum, Wire: Uint8, IFLA: 22, Default: "stable", Enum: []EnumValue{{"stable", 0}, {"bandwidth", 1}, {"count", 2}}}),
	option("ad_actor_sys_prio", Attr{Type: Uint16, IFLA: 24, Min: 1, Default: "65535"}),
	option("ad_user_port_key", Attr{Type: Uint16, IFLA: 25, Max: 1023, Default: "0"}),
	option("ad_actor_system", Attr{Type: MAC, IFLA: 26, Default: "00:00:00:00:00:00"}),
	option("tlb_dynamic_lb", Attr{Type: Bool, IFLA: 27, Default: "true"}),
}

// option completes the table's row of an option: its word in ip(8) is its name.
func option(name string, a Attr) Attr {
	a.Key, a.Set = "link-aggregation.options."+name, Anytime
	a.IP = map[string]string{"arp_missed_max": "missed_max"}[name]
	if a.IP == "" {
		a.IP = name
	}
	return a
}

// bondPortAttrs are IFLA_BOND_SLAVE_* of linux/if_link.h.
var bondPortAttrs = []Attr{
	{Key: "bond-port.priority", Type: Int32, IFLA: 9, Set: Anytime, Default: "0", IP: "prio"},
	{Key: "bond-port.queue-id", Type: Uint16, IFLA: 5, Set: Anytime, Default: "0", IP: "queue_id"},
	{Key: "bond-port.state", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"active", 0}, {"backup", 1}}, IFLA: 1, Set: ReadOnly, Extension: true},
	{Key: "bond-port.mii-status", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"up", 0}, {"going-down", 1}, {"down", 2}, {"going-back", 3}}, IFLA: 2, Set: ReadOnly, Extension: true},
	{Key: "bond-port.link-failure-count", Type: Uint32, IFLA: 3, Set: ReadOnly, Extension: true},
	{Key: "bond-port.aggregator-id", Type: Uint16, IFLA: 6, Set: ReadOnly, Extension: true},
}
