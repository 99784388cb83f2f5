package netstate

import (
	"slices"
	"strconv"
	"strings"
)

// What goes with what in a bond (drivers/net/bonding/bond_options.c: bond_opts,
// and the functions that set an option).

const (
	bondMode    = "link-aggregation.mode"
	bondOptions = "link-aggregation.options."
)

// bondOnly has the modes that an option belongs to, where not to all.
var bondOnly = map[string][]string{
	"packets_per_slave": {"balance-rr"},
	"arp_interval":      {"balance-rr", "active-backup", "balance-xor", "broadcast"},
	"arp_validate":      {"balance-rr", "active-backup", "balance-xor", "broadcast"},
	"arp_missed_max":    {"balance-rr", "active-backup", "balance-xor", "broadcast"},
	"lacp_rate":         {"802.3ad"}, "lacp_active": {"802.3ad"}, "coupled_control": {"802.3ad"},
	"ad_actor_sys_prio": {"802.3ad"}, "ad_user_port_key": {"802.3ad"}, "ad_actor_system": {"802.3ad"},
	"tlb_dynamic_lb": {"balance-tlb", "balance-alb"},
	"primary":        {"active-backup", "balance-tlb", "balance-alb"},
	"active_slave":   {"active-backup", "balance-tlb", "balance-alb"},
}

// bondDown are what can only be changed while the bond is down
// (BOND_OPTFLAG_IFDOWN), and bondEmpty what only while it has no ports
// (BOND_OPTFLAG_NOSLAVES).
var (
	bondDown = []string{
		bondMode, bondOptions + "lacp_rate", bondOptions + "lacp_active", bondOptions + "coupled_control",
		bondOptions + "ad_select", bondOptions + "ad_user_port_key", bondOptions + "tlb_dynamic_lb",
	}
	bondEmpty = []string{bondMode, bondOptions + "fail_over_mac"}
	// bondDelays are kept as multiples of miimon, and cannot be set without.
	bondDelays = []string{bondOptions + "updelay", bondOptions + "downdelay", bondOptions + "peer_notif_delay"}
)

// bondApplies tells whether an option means something to a bond with these
// attributes; setting one that does not is refused by the kernel.
func bondApplies(attrs Attrs, key string) bool {
	name, ok := strings.CutPrefix(key, bondOptions)
	if !ok {
		return true
	}
	mode := attrs[bondMode]
	if mode == "" {
		mode = "balance-rr"
	}
	if modes := bondOnly[name]; modes != nil && !slices.Contains(modes, mode) {
		return false
	}
	return !slices.Contains(bondDelays, key) || !zero(attrs[bondOptions+"miimon"])
}

// Applies tells whether an attribute means something to the interface as it is;
// one that does not cannot be set, whatever the kernel shows.
func (i *Interface) Applies(key string) bool {
	if i.Type != "bond" {
		return true
	}
	return bondApplies(i.Attrs, key)
}

// zero tells that a number is 0 or not given.
func zero(v string) bool { return v == "" || v == "0" }

// bondReset is what the kernel makes of an option by itself because others
// change between two states, before it is set; known is false for what cannot
// be said. ok is false if nothing happens to it.
func bondReset(before, after *Interface, key string) (value string, known, ok bool) {
	if before.Type != "bond" || after.Type != "bond" || before.Attrs[bondMode] == "" {
		return "", false, false
	}
	switch {
	case before.Attrs[bondMode] != after.Attrs[bondMode] && key == bondOptions+"arp_validate":
		return "none", true, true
	case before.Attrs[bondMode] != after.Attrs[bondMode] && key == bondOptions+"tlb_dynamic_lb" && after.Attrs[bondMode] == "balance-alb":
		return "true", true, true
	case before.Attrs[bondMode] != after.Attrs[bondMode] && key == bondOptions+"miimon",
		before.Attrs[bondOptions+"miimon"] != after.Attrs[bondOptions+"miimon"] && slices.Contains(bondDelays, key):
		return "", false, true
	}
	return "", false, false
}

// followBond sets what the kernel sets by itself with what the configuration
// asks for.
func (m *simulation) followBond(i *InterfaceConfig, v *Interface) {
	if v.Type != "bond" {
		return
	}
	was := m.from.Interface(i.Name)
	set := func(option, value string) {
		if !given(i, bondOptions+option) && v.Attrs[bondOptions+option] != value {
			v.Attrs[bondOptions+option] = value
		}
	}
	number := func(option string) uint64 {
		n, _ := strconv.ParseUint(v.Attrs[bondOptions+option], 10, 32)
		return n
	}
	moved := was == nil || attrOf(was, bondMode) != attrOf(v, bondMode)
	if slices.Contains([]string{"802.3ad", "balance-tlb", "balance-alb"}, attrOf(v, bondMode)) && moved {
		if was != nil {
			set("arp_interval", "0")
		}
		if number("miimon") == 0 {
			set("miimon", "100")
		}
	}
	if moved && was != nil {
		set("arp_validate", "none")
		if v.Attrs[bondMode] == "balance-alb" {
			set("tlb_dynamic_lb", "true")
		}
		for option := range bondOnly {
			if key := bondOptions + option; !bondApplies(v.Attrs, key) && !given(i, key) && (option == "primary" || option == "active_slave") {
				delete(v.Attrs, key)
			}
		}
	}
	if was != nil && given(i, bondOptions+"miimon") && number("miimon") != 0 {
		set("arp_interval", "0")
		set("arp_validate", "none")
	}
	if was != nil && given(i, bondOptions+"arp_interval") && number("arp_interval") != 0 {
		set("miimon", "0")
	}
	for _, key := range bondDelays {
		name := strings.TrimPrefix(key, bondOptions)
		switch n := number("miimon"); {
		case n == 0 && !zero(v.Attrs[key]):
			set(name, "0")
		case n != 0 && number(name)%n != 0:
			set(name, strconv.FormatUint(number(name)/n*n, 10))
		}
	}
}

// checkBond finds options that contradict each other, the mode or the state.
func checkBond(m *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	for _, key := range unionKeys(i.Attrs, nil) {
		name, ok := strings.CutPrefix(key, bondOptions)
		if modes := bondOnly[name]; ok && modes != nil && !bondApplies(v.Attrs, key) && i.Attrs[key] != AttrByKey(key).Default && i.Attrs[key] != "" {
			fault(key, "`"+name+"` is for mode "+strings.Join(modes, ", ")+", not "+v.Attrs[bondMode], "Leave it out, or choose another mode.")
		}
	}
	miimon, _ := strconv.ParseUint(v.Attrs[bondOptions+"miimon"], 10, 32)
	if miimon != 0 && !zero(v.Attrs[bondOptions+"arp_interval"]) {
		fault(bondOptions+"arp_interval", "`miimon` and `arp_interval` exclude each other", "Watch the ports in one of the two ways: set the other to 0.")
	}
	if miimon != 0 && !slices.Contains([]string{"", "none"}, v.Attrs[bondOptions+"arp_validate"]) {
		fault(bondOptions+"arp_validate", "`arp_validate` needs `arp_interval`, and no `miimon`", "Set `arp_validate: none`, or `miimon: 0`.")
	}
	for _, key := range bondDelays {
		name := strings.TrimPrefix(key, bondOptions)
		delay, _ := strconv.ParseUint(v.Attrs[key], 10, 32)
		switch {
		case delay == 0:
		case miimon == 0:
			fault(key, "`"+name+"` needs `miimon`", "Set it, or leave `"+name+"` out.")
		case delay%miimon != 0:
			fault(key, "`"+name+"` "+v.Attrs[key]+" is no multiple of `miimon` "+v.Attrs[bondOptions+"miimon"], "The kernel would round it down: choose a multiple.")
		}
	}
	if n := len(strings.FieldsFunc(v.Attrs[bondOptions+"arp_ip_target"], isComma)); n > 16 {
		fault(bondOptions+"arp_ip_target", strconv.Itoa(n)+" addresses to watch", "The kernel takes 16 at most.")
	}
	m.checkBondChange(i, v, fault)
}

func isComma(r rune) bool { return r == ',' }

// checkBondChange refuses what the kernel does not change in the state that the
// bond is in.
func (m *simulation) checkBondChange(i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	was := m.from.Interface(i.Name)
	if was == nil || was.Type != "bond" {
		return
	}
	stays := attrOf(was, "state") == "up" && attrOf(v, "state") == "up"
	var kept []string
	for n := range m.from.Interfaces {
		p := &m.from.Interfaces[n]
		if p.Netns == "" && attrOf(p, "controller") == i.Name && (i.Ports == nil || slices.Contains(*i.Ports, p.Name)) {
			kept = append(kept, p.Name)
		}
	}
	for _, d := range Differences(was, v) {
		name := d.Key[strings.LastIndex(d.Key, ".")+1:]
		switch {
		case slices.Contains(bondEmpty, d.Key) && len(kept) > 0:
			fault(d.Key, "`"+name+"` cannot change while "+i.Name+" has ports ("+strings.Join(kept, ", ")+")",
				"Release them in a block before (`port: []`, `state: down`), and take them in again after it.")
		case slices.Contains(bondDown, d.Key) && stays:
			fault(d.Key, "`"+name+"` cannot change while "+i.Name+" is up",
				"Take it down in a block before (`state: down`), and up again after it: traffic over it stops meanwhile.")
		}
	}
}
