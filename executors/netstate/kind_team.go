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
	Doc: "Several ports as one interface, through the modes of the kernel's team driver. `team.port` is its list of ports: a list that is given replaces; each entry has a `name` and the keys of `team-port` below. " +
		"LACP is not one of the kernel's modes: it needs the daemon teamd(8), which owns the interfaces that it makes. An extension.",
	Attrs: []Attr{
		{Key: "team.mode", Type: Enum, Enum: teamModes, Set: OnCreate, Extension: true,
			Doc: "How packets are sent over the ports. In mode `activebackup` the driver itself does not choose: set `active-port`."},
		{Key: "team.notify-peers-count", Type: Uint32, Set: Anytime, Default: "0", Extension: true,
			Doc: "How many gratuitous ARP and unsolicited neighbour advertisements follow a change of the active port."},
		{Key: "team.notify-peers-interval", Type: Uint32, Set: Anytime, Default: "0", Extension: true,
			Doc: "Milliseconds between them."},
		{Key: "team.multicast-rejoin-count", Type: Uint32, Set: Anytime, Default: "0", Extension: true,
			Doc: "How many times multicast groups are joined again after a change of the active port."},
		{Key: "team.multicast-rejoin-interval", Type: Uint32, Set: Anytime, Default: "0", Extension: true,
			Doc: "Milliseconds between them."},
		{Key: "team.active-port", Type: LinkRef, Late: true, Set: Anytime, Extension: true,
			Doc: "In mode `activebackup`: the port that is sent and received with; empty for none."},
		{Key: "team.tx-method", Type: Enum, Enum: []EnumValue{{"hash", 0}, {"hash_to_port_mapping", 1}}, Set: Anytime, Extension: true,
			Doc: "In mode `loadbalance`: how a port is chosen for a packet."},
		{Key: "team.stats-refresh-interval", Type: Uint32, Set: Anytime, Extension: true,
			Doc: "In mode `loadbalance`: tenths of a second between statistics; 0 is never."},
	},
	PortAttrs: []Attr{
		{Key: "team-port.enabled", Type: Bool, Set: Anytime, Default: "true", Extension: true,
			Doc: "Whether the port is used."},
		{Key: "team-port.priority", Type: Int32, Set: Anytime, Default: "0", Extension: true,
			Doc: "Priority of the port's queue among those with one number."},
		{Key: "team-port.queue-id", Type: Uint32, Set: Anytime, Default: "0", Extension: true,
			Doc: "Queue that sends over this port; 0 is none."},
		{Key: "team-port.user-linkup-enabled", Type: Bool, Set: Anytime, Default: "false", Extension: true,
			Doc: "Whether `user-linkup` counts, instead of the carrier."},
		{Key: "team-port.user-linkup", Type: Bool, Set: Anytime, Default: "false", Extension: true,
			Doc: "Whether the port counts as up."},
	},
	Example: `interfaces:
  - name: team0
    type: team
    team:
      mode: activebackup
      active-port: eth1
      port:
        - name: eth1
        - name: eth2
    ipv4:
      address:
        - ip: 192.0.2.1
          prefix-length: 24
`,
}

// teamModes are the names of the kernel's modes, which are text on the wire.
var teamModes = []EnumValue{{"roundrobin", 0}, {"activebackup", 1}, {"broadcast", 2}, {"random", 3}, {"loadbalance", 4}}
