package netstate

// team is a controller that sends over several ports (drivers/net/team). Its
// options travel over generic netlink (linux/if_team.h), which package linux
// writes. Their names and values are those of the kernel's modes
// (drivers/net/team/team_core.c, team_mode_*.c).
var team = Kind{
	Name:        "team",
	Kernel:      "team",
	Section:     "team",
	PortSection: "team-port",
	PortList:    "team.port",
	NoAddresses: true,
	Creatable:   true,
	Module:      "team",
	Option:      "CONFIG_NET_TEAM",
	Born:        Attrs{"arp": "true", "multicast": "true", "txqueuelen": "1000", "mtu": "1500"},
	Attrs: append(teamdAttrs(teamKeys, OnCreate), []Attr{
		{Key: "team.mode", Type: Enum, Enum: teamModes, Set: OnCreate, Extension: true},
		{Key: "team.notify-peers-count", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team.notify-peers-interval", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team.multicast-rejoin-count", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team.multicast-rejoin-interval", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team.active-port", Type: LinkRef, Late: true, Set: Anytime, Extension: true},
		{Key: "team.tx-method", Type: Enum, Enum: []EnumValue{{"hash", 0}, {"hash_to_port_mapping", 1}}, Set: Anytime, Extension: true},
		{Key: "team.stats-refresh-interval", Type: Uint32, Set: Anytime, Extension: true},
		{Key: "team.daemon", Type: String, Extension: true},
	}...),
	PortAttrs: append(teamdAttrs(teamPortKeys, Anytime), []Attr{
		{Key: "team-port.enabled", Type: Bool, Set: Anytime, Default: "true", Extension: true},
		{Key: "team-port.priority", Type: Int32, Set: Anytime, Default: "0", Extension: true},
		{Key: portQueue, Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team-port.user-linkup-enabled", Type: Bool, Set: Anytime, Default: "false", Extension: true},
		{Key: "team-port.user-linkup", Type: Bool, Set: Anytime, Default: "false", Extension: true},
	}...),
}

// teamModes are the names of the kernel's modes, which are text on the wire.
var teamModes = []EnumValue{{"roundrobin", 0}, {"activebackup", 1}, {"broadcast", 2}, {"random", 3}, {"loadbalance", 4}}
