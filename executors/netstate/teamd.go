package netstate

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// A team's runner is teamd(8), one process a team: what the kernel's modes lack
// (LACP, a choice of the active port, watching links with ARP) it does with the
// kernel's options, which are its own from then on. Its configuration is
// teamd.conf(5): the keys below `runner` and `link-watch` are its options, with
// hyphens.

// TeamRunner is the key that says that a team has a runner, and which.
const TeamRunner = "team.runner.name"

// TeamdOurs ends the status "team.daemon" of a process that stet started.
const TeamdOurs = " of stet"

// TeamdMark is an option that teamd does not know and keeps: it tells the
// processes that stet started.
const TeamdMark = "stet"

const txHash = "team.runner.tx-hash"

// teamdKeys are the options below "team.", each with what its values are: names,
// the largest number, "?" for true or false, or nothing for any text.
const teamdKeys = "runner.name=activebackup,broadcast,lacp,loadbalance,random,roundrobin" +
	" runner.hwaddr-policy=same_all,by_active,only_active runner.tx-hash= runner.tx-balancer.name=basic" +
	" runner.tx-balancer.balancing-interval=2147483647 runner.active=? runner.fast-rate=? runner.sys-prio=65535" +
	" runner.min-ports=255 runner.agg-select-policy=lacp_prio,lacp_prio_stable,bandwidth,count,port_config" +
	" link-watch.name=ethtool,arp_ping,nsna_ping link-watch.delay-up=2147483647 link-watch.delay-down=2147483647" +
	" link-watch.interval=2147483647 link-watch.init-wait=2147483647 link-watch.missed-max=2147483647" +
	" link-watch.source-host= link-watch.target-host= link-watch.vlanid=4094" +
	" link-watch.validate-active=? link-watch.validate-inactive=? link-watch.send-always=?"

func teamdAttrs() (list []Attr) {
	for _, word := range strings.Fields(teamdKeys) {
		key, values, _ := strings.Cut(word, "=")
		a := Attr{Key: "team." + key, Type: String, Set: OnCreate, Extension: true}
		most, err := strconv.ParseUint(values, 10, 32)
		switch {
		case values == "?":
			a.Type = Bool
		case err == nil:
			a.Type, a.Max = Uint32, most
		case values != "":
			a.Type = Enum
			for _, name := range strings.Split(values, ",") {
				a.Enum = append(a.Enum, EnumValue{Name: name})
			}
		}
		list = append(list, a)
	}
	return list
}

// IsTeamd tells that an attribute is an option of teamd(8), not of the kernel.
func IsTeamd(key string) bool {
	return strings.HasPrefix(key, "team.runner.") || strings.HasPrefix(key, "team.link-watch.")
}

// TeamdPath is where an option stands in teamd's configuration: "runner",
// "tx_hash".
func TeamdPath(key string) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimPrefix(key, "team."), "-", "_"), ".")
}

// TeamdConfig is the configuration of teamd(8) for a team, as teamd.conf(5) has
// it, without ports: they are the kernel's to keep.
func (i *Interface) TeamdConfig() string {
	config := map[string]any{"device": i.Name, TeamdMark: true}
	for key, value := range i.Attrs {
		if !IsTeamd(key) || value == "" {
			continue
		}
		at, path := config, TeamdPath(key)
		for _, name := range path[:len(path)-1] {
			below, ok := at[name].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[name] = below
			}
			at = below
		}
		var v any = value
		if key == txHash {
			v = strings.Split(value, ",")
		} else if json.Valid([]byte(value)) {
			v = json.RawMessage(value) // a number, or a truth
		}
		at[path[len(path)-1]] = v
	}
	text, _ := json.Marshal(config) // texts, numbers and truths
	return string(text)
}

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
	if reason := m.from.Lacks[TeamRunner]; reason != "" && runner != was {
		m.problem(i.at(TeamRunner), "kernel-lacks", i.Name+" cannot have the runner "+runner+": "+reason,
			"Install libteam-utils (Debian, Ubuntu) or teamd (Fedora, RHEL); or take one of the kernel's modes, or a bond in mode `802.3ad` for LACP.")
	}
}

// runnersPorts takes from ports what a runner sets by itself.
func (m *simulation) runnersPorts() {
	for n := range m.to.Interfaces {
		port := &m.to.Interfaces[n]
		c := m.to.Interface(attrOf(port, "controller"))
		if port.Netns != "" || attrOf(c, TeamRunner) == "" || ofOthers(c) {
			continue
		}
		kept := cloneOrNew(port.Attrs)
		for key := range port.Attrs {
			if !strings.HasPrefix(key, "team-port.") {
				continue
			}
			delete(kept, key)
			if c := m.configOf(port); given(c, key) {
				m.problem(c.at(key), "contradiction", port.Name+": the runner of "+port.Attrs["controller"]+" sets "+key+" by itself",
					"Leave it out, or leave `runner` out: then it is the kernel's.")
			}
		}
		port.Attrs = kept
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
