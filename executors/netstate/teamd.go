package netstate

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
)

// A team's runner is teamd(8), one process a team: what the kernel's modes lack
// (LACP, a choice of the active port, watching links with ARP) it does with the
// kernel's options, which are its own from then on. Its configuration is
// teamd.conf(5): the keys below `runner` and `link-watch`, and some of its ports,
// are its options, with hyphens.

// TeamRunner is the key that says that a team has a runner, and which.
const TeamRunner = "team.runner.name"

// TeamdOurs ends the status "team.daemon" of a process that stet started.
const TeamdOurs = " of stet"

// TeamdMark is an option that teamd does not know and keeps: it tells the
// processes that stet started.
const TeamdMark = "stet"

// checkTeam decides between the kernel's modes and a runner.
func checkTeam(m *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	before := m.from.Interface(i.Name)
	runner, was := v.Attrs[TeamRunner], attrOf(before, TeamRunner)
	if before != nil && ofOthers(before) {
		return
	}
	own := "" // what is asked of the kernel itself
	for _, a := range kindOf(v).Attrs {
		if given(i, a.Key) && !IsTeamd(a.Key) {
			own = a.Key
		}
	}
	if given(i, "team.mode") && !given(i, TeamRunner) {
		runner = "" // the mode takes its place
	}
	for key := range v.Attrs {
		switch teamd := IsTeamd(key); {
		case teamd && runner == "" && given(i, key):
			fault(key, key+" is an option of teamd, and the team has no runner", "Add `runner: {name: …}`, or leave it out.")
		case teamd && (runner == "" || runner != was && strings.HasPrefix(key, "team.runner.") && !given(i, key)),
			!teamd && runner != "" && strings.HasPrefix(key, "team."):
			delete(v.Attrs, key)
		}
	}
	if runner == "" {
		return
	}
	if own != "" {
		fault(own, "the runner "+runner+" sets "+own+" by itself", "Leave it out, or leave `runner` out: then it is the kernel's.")
	}
	if (runner == "lacp" || runner == "loadbalance") && v.Attrs[txHash] == "" {
		v.Attrs[txHash] = "eth,ipv4,ipv6" // as teamd does
	}
	for word := range strings.SplitSeq(v.Attrs[txHash], ",") {
		if word != "" && !slices.Contains(strings.Fields("eth vlan ipv4 ipv6 ip l3 tcp udp sctp l4"), word) {
			fault(txHash, word+" is nothing to choose a port by", "Choose from eth, vlan, ipv4, ipv6, ip, l3, tcp, udp, sctp and l4.")
		}
	}
	m.checkWatches(i, teamWatch, v.Attrs[teamWatch])
	if reason := m.from.Lacks[TeamRunner]; reason != "" && runner != was {
		m.problem(i.at(TeamRunner), "kernel-lacks", i.Name+" cannot have the runner "+runner+": "+reason,
			"Install libteam-utils (Debian, Ubuntu) or teamd (Fedora, RHEL); or take one of the kernel's modes, or a bond in mode `802.3ad` for LACP.")
	}
}

// checkWatches wants what teamd ends without when a port comes.
func (m *simulation) checkWatches(c *InterfaceConfig, key, text string) {
	if !given(c, key) {
		return
	}
	for _, e := range AttrByKey(key).Entries(text) {
		name, host := e["name"], e["target-host"]
		if name == "" || name != "ethtool" && host == "" {
			m.problem(c.at(key), "missing-key", c.Name+": a link watch needs `name`, and `target-host` for arp_ping and nsna_ping", "Add it: teamd ends without.")
		}
		for _, address := range []string{host, e["source-host"]} {
			if json.Valid([]byte(address)) || strings.ContainsAny(address, "\"\\,:{}[] ") && !validAddress(address) {
				m.problem(c.at(key), "bad-value", c.Name+": "+address+" is neither an address nor the name of a host", "Write an address.")
			}
			if a, err := netip.ParseAddr(address); err == nil && a.Is6() != (name == "nsna_ping") {
				m.problem(c.at(key), "bad-value", c.Name+": "+name+" cannot ask for "+address, "arp_ping asks for IPv4 addresses, nsna_ping for IPv6 addresses.")
			}
		}
	}
}

func validAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// runnersPorts takes from ports what a runner sets by itself, and the options of
// teamd from those whose team has no runner.
func (m *simulation) runnersPorts() {
	for n := range m.to.Interfaces {
		port := &m.to.Interfaces[n]
		c, own := m.to.Interface(attrOf(port, "controller")), m.configOf(port)
		if port.Netns != "" || c == nil || c.Type != "team" || ofOthers(c) {
			continue
		}
		runner := c.Attrs[TeamRunner] != ""
		kept := cloneOrNew(port.Attrs)
		for key, value := range port.Attrs {
			if !strings.HasPrefix(key, "team-port.") || runner && key == portQueue {
				continue
			}
			if IsTeamd(key) != runner && key != portQueue {
				delete(kept, key)
				switch {
				case !given(own, key):
				case runner:
					m.problem(own.at(key), "contradiction", port.Name+": the runner of "+c.Name+" sets "+key+" by itself",
						"Leave it out, or leave `runner` out: then it is the kernel's.")
				default:
					m.problem(own.at(key), "contradiction", port.Name+": "+key+" is an option of teamd, and "+c.Name+" has no runner",
						"Add `runner: {name: …}` to the team, or leave it out.")
				}
			} else if key == portWatch {
				m.checkWatches(own, key, value)
			}
		}
		if runner {
			m.ownWatch(port, own, c, kept)
		}
		port.Attrs = kept
	}
}

// ownWatch is how teamd watches a port that nobody told it how to.
const ownWatch = `[{"name":"ethtool"}]`

// ownWatch gives a port what teamd writes into its configuration by itself where
// neither the port nor the team has a link watch, and takes it away when the team
// gets one.
func (m *simulation) ownWatch(port *Interface, own *InterfaceConfig, team *Interface, kept Attrs) {
	was := m.from.Interface(team.Name)
	switch watched := team.Attrs[teamWatch] != ""; {
	case !watched && kept[portWatch] == "":
		kept[portWatch] = ownWatch
	case watched && kept[portWatch] == ownWatch && !given(own, portWatch) && attrOf(was, TeamRunner) != "" && was.Attrs[teamWatch] == "" &&
		attrOf(m.from.Interface(port.Name), "controller") == team.Name:
		delete(kept, portWatch)
	}
}

// ofOthers tells that a team belongs to a process of teamd(8) that stet did not
// start.
func ofOthers(i *Interface) bool {
	daemon := i.Status["team.daemon"]
	return daemon != "" && !strings.HasSuffix(daemon, TeamdOurs)
}

// ofDaemons refuses to change what somebody else's teamd(8) sets on a team: it
// would set it back, or end, or be started again.
func (m *simulation) ofDaemons() {
	for n := range m.from.Interfaces {
		was := &m.from.Interfaces[n]
		daemon := was.Status["team.daemon"]
		if !ofOthers(was) || was.Netns != "" {
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
