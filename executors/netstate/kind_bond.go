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
	Doc: "Several ports used as one. `link-aggregation.port` is its list of ports: a list that is given replaces. " +
		"The kernel takes an interface down to make it a port, gives it the bond's hardware address and MTU, and gives its own back when it leaves. " +
		"Some options can only be set while the bond is down, or has no ports, or in some modes: the plan says so.",
	Attrs:     bondAttrs,
	PortAttrs: bondPortAttrs,
	Example: `interfaces:
  - name: bond0
    type: bond
    state: up
    link-aggregation:
      mode: active-backup
      port: [eth1, eth2]
      options:
        miimon: 100
        updelay: 200
        primary: eth1
      ports-config:
        - name: eth1
          queue-id: 1
    ipv4:
      address:
        - ip: 192.0.2.1
          prefix-length: 24
`,
}

// bondModes are BOND_MODE_* of linux/if_bonding.h.
var bondModes = []EnumValue{
	{"balance-rr", 0}, {"active-backup", 1}, {"balance-xor", 2}, {"broadcast", 3}, {"802.3ad", 4}, {"balance-tlb", 5}, {"balance-alb", 6},
}

var bondAttrs = []Attr{
	{Key: "link-aggregation.mode", Type: Enum, Wire: Uint8, Enum: bondModes, IFLA: 1, Set: Anytime, Default: "balance-rr", IP: "mode",
		Doc: "How the ports are used. Required. Changed only while the bond is down and has no ports."},
	option("active_slave", Attr{Type: LinkRef, Late: true, IFLA: 2, Extension: true,
		Doc: "Port that is used now, in modes active-backup, balance-tlb and balance-alb; it must have a carrier. The kernel chooses another when it fails: facts leave it out."}),
	option("miimon", Attr{Type: Uint32, IFLA: 3, Max: 1<<31 - 1,
		Doc: "Milliseconds between looks at the carrier of the ports; 0 for none. Modes 802.3ad, balance-tlb and balance-alb begin with 100, others with 0."}),
	option("updelay", Attr{Type: Uint32, IFLA: 4, Max: 1<<31 - 1, Default: "0",
		Doc: "Milliseconds to wait before a port with carrier is used: a multiple of `miimon`."}),
	option("downdelay", Attr{Type: Uint32, IFLA: 5, Max: 1<<31 - 1, Default: "0",
		Doc: "Milliseconds to wait before a port without carrier is given up: a multiple of `miimon`."}),
	option("peer_notif_delay", Attr{Type: Uint32, IFLA: 28, Max: 300000, Default: "0", Extension: true,
		Doc: "Milliseconds between notifications of peers after a failover: a multiple of `miimon`."}),
	option("use_carrier", Attr{Type: Bool, IFLA: 6, Default: "true",
		Doc: "Ask the driver for the carrier, instead of the MII registers."}),
	option("arp_interval", Attr{Type: Uint32, IFLA: 7, Max: 1<<31 - 1, Default: "0",
		Doc: "Milliseconds between ARP requests that watch the ports; 0 for none. Not together with `miimon`, and not in modes 802.3ad, balance-tlb and balance-alb."}),
	option("arp_ip_target", Attr{Type: IPv4List, IFLA: 8,
		Doc: "Addresses that are asked for, up to 16, with commas between them."}),
	option("ns_ip6_target", Attr{Type: IPv6List, IFLA: 31, Extension: true,
		Doc: "The same for IPv6 (neighbour solicitations)."}),
	option("arp_validate", Attr{Type: Enum, Wire: Uint32, IFLA: 9, Default: "none",
		Enum: []EnumValue{{"none", 0}, {"active", 1}, {"backup", 2}, {"all", 3}, {"filter", 4}, {"filter_active", 5}, {"filter_backup", 6}},
		Doc:  "Which ports take only ARP that answers the watching, or (`filter`) no other ARP at all."}),
	option("arp_all_targets", Attr{Type: Enum, Wire: Uint32, IFLA: 10, Default: "any", Enum: []EnumValue{{"any", 0}, {"all", 1}},
		Doc: "How many targets must answer."}),
	option("arp_missed_max", Attr{Type: Uint8, IFLA: 30, Min: 1, Default: "2",
		Doc: "Requests without answer after which a port counts as down."}),
	option("primary", Attr{Type: LinkRef, Late: true, IFLA: 11,
		Doc: "Port that is used whenever it can be, in modes active-backup, balance-tlb and balance-alb."}),
	option("primary_reselect", Attr{Type: Enum, Wire: Uint8, IFLA: 12, Default: "always", Enum: []EnumValue{{"always", 0}, {"better", 1}, {"failure", 2}},
		Doc: "When the primary port is used again after it failed."}),
	option("fail_over_mac", Attr{Type: Enum, Wire: Uint8, IFLA: 13, Default: "none", Enum: []EnumValue{{"none", 0}, {"active", 1}, {"follow", 2}},
		Doc: "In mode active-backup: whose hardware address the bond has. Changed only without ports."}),
	option("xmit_hash_policy", Attr{Type: Enum, Wire: Uint8, IFLA: 14, Default: "layer2",
		Enum: []EnumValue{{"layer2", 0}, {"layer3+4", 1}, {"layer2+3", 2}, {"encap2+3", 3}, {"encap3+4", 4}, {"vlan+srcmac", 5}},
		Doc:  "What decides by which port a packet leaves, in modes balance-xor, 802.3ad and balance-tlb."}),
	option("resend_igmp", Attr{Type: Uint32, IFLA: 15, Max: 255, Default: "1",
		Doc: "IGMP reports after a failover."}),
	option("num_grat_arp", Attr{Type: Uint8, IFLA: 16, Default: "1",
		Doc: "Notifications of peers (gratuitous ARP, unsolicited neighbour advertisements) after a failover. `num_unsol_na` is accepted for it."}),
	option("all_slaves_active", Attr{Type: Enum, Wire: Uint8, IFLA: 17, Default: "dropped", Enum: []EnumValue{{"dropped", 0}, {"delivered", 1}},
		Doc: "What happens to packets that arrive by ports that are not used."}),
	option("min_links", Attr{Type: Uint32, IFLA: 18, Max: 1<<31 - 1, Default: "0",
		Doc: "Ports with carrier that the bond needs to have one, in mode 802.3ad."}),
	option("lp_interval", Attr{Type: Uint32, IFLA: 19, Min: 1, Max: 1<<31 - 1, Default: "1",
		Doc: "Seconds between learning packets, in modes balance-tlb and balance-alb."}),
	option("packets_per_slave", Attr{Type: Uint32, IFLA: 20, Max: 65535, Default: "1",
		Doc: "Packets before the next port, in mode balance-rr; 0 is random."}),
	option("lacp_rate", Attr{Type: Enum, Wire: Uint8, IFLA: 21, Default: "slow", Enum: []EnumValue{{"slow", 0}, {"fast", 1}},
		Doc: "How often the partner is asked to send: every 30 seconds, or every second. Mode 802.3ad; changed only while down."}),
	option("lacp_active", Attr{Type: Bool, IFLA: 29, Default: "true", Extension: true,
		Doc: "Send LACP packets without being asked. Mode 802.3ad; changed only while down."}),
	option("coupled_control", Attr{Type: Bool, IFLA: 32, Default: "true", Extension: true,
		Doc: "Collecting and distributing begin together (IEEE 802.1AX). Mode 802.3ad; changed only while down."}),
	option("ad_select", Attr{Type: Enum, Wire: Uint8, IFLA: 22, Default: "stable", Enum: []EnumValue{{"stable", 0}, {"bandwidth", 1}, {"count", 2}},
		Doc: "Which group of ports is used, in mode 802.3ad. Changed only while down."}),
	option("ad_actor_sys_prio", Attr{Type: Uint16, IFLA: 24, Min: 1, Default: "65535",
		Doc: "System priority in LACP. Mode 802.3ad."}),
	option("ad_user_port_key", Attr{Type: Uint16, IFLA: 25, Max: 1023, Default: "0",
		Doc: "Upper bits of the port key in LACP. Mode 802.3ad; changed only while down."}),
	option("ad_actor_system", Attr{Type: MAC, IFLA: 26, Default: "00:00:00:00:00:00",
		Doc: "System identifier in LACP; all zero is the bond's own address. Mode 802.3ad."}),
	option("tlb_dynamic_lb", Attr{Type: Bool, IFLA: 27, Default: "true",
		Doc: "Balance by load instead of by hash. Mode balance-tlb; changed only while down."}),
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
	{Key: "bond-port.priority", Type: Int32, IFLA: 9, Set: Anytime, Default: "0", IP: "prio",
		Doc: "The port with the highest is used, in modes active-backup, balance-tlb and balance-alb."},
	{Key: "bond-port.queue-id", Type: Uint16, IFLA: 5, Set: Anytime, Default: "0", IP: "queue_id",
		Doc: "Queue of the bond whose packets leave by this port; 0 for none."},
	{Key: "bond-port.state", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"active", 0}, {"backup", 1}}, IFLA: 1, Set: ReadOnly, Extension: true,
		Doc: "Whether the port is used."},
	{Key: "bond-port.mii-status", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"up", 0}, {"going-down", 1}, {"down", 2}, {"going-back", 3}}, IFLA: 2, Set: ReadOnly, Extension: true,
		Doc: "What watching the port says."},
	{Key: "bond-port.link-failure-count", Type: Uint32, IFLA: 3, Set: ReadOnly, Extension: true,
		Doc: "How often the port failed."},
	{Key: "bond-port.aggregator-id", Type: Uint16, IFLA: 6, Set: ReadOnly, Extension: true,
		Doc: "Group that the port belongs to, in mode 802.3ad."},
}
