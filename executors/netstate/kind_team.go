package netstate

import "strings"

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
	Attrs: []Attr{
		{Key: "team.mode", Type: Enum, Enum: teamModes, Set: OnCreate, Extension: true},
		{Key: "team.notify-peers-count", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team.notify-peers-interval", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team.multicast-rejoin-count", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team.multicast-rejoin-interval", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team.active-port", Type: LinkRef, Late: true, Set: Anytime, Extension: true},
		{Key: "team.tx-method", Type: Enum, Enum: []EnumValue{{"hash", 0}, {"hash_to_port_mapping", 1}}, Set: Anytime, Extension: true},
		{Key: "team.stats-refresh-interval", Type: Uint32, Set: Anytime, Extension: true},
		{Key: "team.daemon", Type: String, Extension: true},
	},
	PortAttrs: []Attr{
		{Key: "team-port.enabled", Type: Bool, Set: Anytime, Default: "true", Extension: true},
		{Key: "team-port.priority", Type: Int32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team-port.queue-id", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "team-port.user-linkup-enabled", Type: Bool, Set: Anytime, Default: "false", Extension: true},
		{Key: "team-port.user-linkup", Type: Bool, Set: Anytime, Default: "false", Extension: true},
	},
}

// teamModes are the names of the kernel's modes, which are text on the wire.
var teamModes = []EnumValue{{"roundrobin", 0}, {"activebackup", 1}, {"broadcast", 2}, {"random", 3}, {"loadbalance", 4}}

// ofDaemons refuses to change what teamd(8) sets on a team: it would set it
// back, or end.
func (m *simulation) ofDaemons() {
	for n := range m.from.Interfaces {
		was := &m.from.Interfaces[n]
		daemon := was.Status["team.daemon"]
		if daemon == "" || was.Netns != "" {
			continue
		}
		for _, c := range m.config {
			if key, ok := m.disturbs(c, was); ok {
				m.problem(c.at(key), "owned", was.Name+" belongs to teamd ("+daemon+"), which sets its options and its ports",
					"Change the configuration of teamd in a run block, or end it with `teamd -k -t "+was.Name+"`, which removes the team.")
			}
		}
	}
}

// disturbs tells whether an entry changes something that a team's daemon sets,
// and which key says so.
func (m *simulation) disturbs(c *InterfaceConfig, owned *Interface) (key string, yes bool) {
	was, now := m.from.Interface(c.Name), m.to.Interface(c.Name)
	switch {
	case c.State == "ignore":
		return "", false
	case c.Name == owned.Name && now == nil:
		return "state", true
	case c.Name == owned.Name:
		return m.ownDifference(was, now, "team.", m.movesPorts(owned.Name))
	case attrOf(was, "controller") != attrOf(now, "controller"):
		return "controller", attrOf(was, "controller") == owned.Name || attrOf(now, "controller") == owned.Name
	case attrOf(now, "controller") == owned.Name && was != nil:
		return m.ownDifference(was, now, "team-port.", false)
	}
	return "", false
}

// ownDifference is the first attribute with a prefix that changes; otherwise it
// is what the caller says.
func (m *simulation) ownDifference(was, now *Interface, prefix string, otherwise bool) (string, bool) {
	for _, d := range Differences(was, now) {
		if strings.HasPrefix(d.Key, prefix) {
			return d.Key, true
		}
	}
	return "", otherwise
}

// movesPorts tells that a controller gets or loses ports.
func (m *simulation) movesPorts(name string) bool {
	for _, side := range [][2]*State{{m.from, m.to}, {m.to, m.from}} {
		for n := range side[0].Interfaces {
			v := &side[0].Interfaces[n]
			if v.Netns == "" && attrOf(v, "controller") == name && attrOf(side[1].Interface(v.Name), "controller") != name {
				return true
			}
		}
	}
	return false
}
