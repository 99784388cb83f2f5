package netstate

import (
	"encoding/json"
	"strconv"
	"strings"
)

// The options of teamd as attributes, and as the JSON of teamd.conf(5).

const (
	txHash    = "team.runner.tx-hash"
	teamWatch = "team.link-watch"
	portWatch = "team-port.link-watch"
	portPrio  = "team-port.prio"
	portQueue = "team-port.queue-id" // the kernel's, too
)

// These are options with their values: names, the largest number, "?" for true or
// false, "-" for a number that may be negative, or nothing for any text; and what
// teamd takes by itself, where that is fixed.
const (
	teamdKeys = teamKeys + teamPortKeys
	teamKeys  = "team.runner.name=activebackup,broadcast,lacp,loadbalance,random,roundrobin" +
		" team.runner.hwaddr-policy=same_all,by_active,only_active=same_all team.runner.tx-hash= team.runner.tx-balancer.name=basic" +
		" team.runner.tx-balancer.balancing-interval=2147483647=50 team.runner.active=?=true team.runner.fast-rate=?=false team.runner.sys-prio=65535=65535" +
		" team.runner.min-ports=255=1 team.runner.agg-select-policy=lacp_prio,lacp_prio_stable,bandwidth,count,port_config=lacp_prio team.link-watch=[] "
	watchKeys = "name=ethtool,arp_ping,nsna_ping delay-up=2147483647=0 delay-down=2147483647=0" +
		" interval=2147483647=1000 init-wait=2147483647=0 missed-max=2147483647=3" +
		" source-host= target-host= vlanid=4094 validate-active=?=false validate-inactive=?=false send-always=?=false"
	teamPortKeys = "team-port.prio=-=0 team-port.sticky=?=false team-port.lacp-prio=65535=255 team-port.lacp-key=65535=0 team-port.link-watch=[]"
)

func teamdAttrs(keys string, set Settable) (list []Attr) {
	for _, word := range strings.Fields(keys) {
		key, rest, _ := strings.Cut(word, "=")
		values, usual, _ := strings.Cut(rest, "=")
		a := Attr{Key: key, Type: String, Set: set, Default: usual, Extension: true}
		most, err := strconv.ParseUint(values, 10, 32)
		switch {
		case values == "?":
			a.Type = Bool
		case values == "-":
			a.Type = Int32
		case values == "[]":
			a.Type, a.Fields = List, teamdAttrs(watchKeys, Anytime)
		case err == nil:
			a.Type, a.Max = Uint32, most
		case values != "":
			a.Type = Enum
			for _, name := range strings.Split(values, ",") {
				a.Enum = append(a.Enum, EnumValue{name, 1 << 63}) // teamd has no numbers
			}
		}
		list = append(list, a)
	}
	return list
}

// IsTeamd tells that an attribute is an option of teamd(8), not of the kernel.
func IsTeamd(key string) bool { return strings.Contains(teamdKeys, key+"=") }

// TeamdConfig is the configuration of teamd(8) for a team, as teamd.conf(5) has
// it, without ports: they are the kernel's to keep.
func (i *Interface) TeamdConfig() string {
	return i.teamdJSON("team.", map[string]any{"device": i.Name, TeamdMark: true})
}

// TeamdPort is the configuration of teamd(8) for a port: what stands below its
// name in `ports`. Its priority is always there: teamdctl(8) wants it.
func (i *Interface) TeamdPort() string {
	return i.teamdJSON("team-port.", map[string]any{"prio": 0})
}

func (i *Interface) teamdJSON(prefix string, config map[string]any) string {
	for key, value := range i.Attrs {
		if !strings.HasPrefix(key, prefix) || value == "" || !IsTeamd(key) && key != portQueue {
			continue
		}
		at, path := config, strings.Split(strings.ReplaceAll(strings.TrimPrefix(key, prefix), "-", "_"), ".")
		for _, name := range path[:len(path)-1] {
			below, ok := at[name].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[name] = below
			}
			at = below
		}
		at[path[len(path)-1]] = teamdValue(key, value)
	}
	text, _ := json.Marshal(config) // texts, numbers and truths
	return string(text)
}

// teamdValue is a value as JSON has it.
func teamdValue(key, value string) any {
	switch key {
	case txHash:
		return strings.Split(value, ",")
	case teamWatch, portWatch:
		text := "" // keys and values are in quotes, by turns
		for n, part := range strings.Split(value, "\"") {
			if n%4 == 1 {
				part = strings.ReplaceAll(part, "-", "_")
			}
			if n%2 == 1 && !json.Valid([]byte(part)) {
				part = "\"" + part + "\""
			}
			text += part
		}
		value = text
	}
	if json.Valid([]byte(value)) {
		return json.RawMessage(value) // a number, a truth, or that list
	}
	return value
}

// ReadTeamd sets the options that the configuration of a process of teamd(8) has
// of a team, or of one of its ports: what stands below a key.
func (i *Interface) ReadTeamd(key string, config []byte) {
	plain := strings.NewReplacer("\"", "", "[", "", "]", "", " ", "", "\n", "").Replace(string(config))
	switch a := AttrByKey(key); {
	case a != nil && a.Type == List:
		i.Attrs[key] = a.readWatches(plain)
	case a != nil:
		i.Attrs[key] = plain
	default:
		var at map[string]json.RawMessage
		_ = json.Unmarshal(config, &at) // another thing than a mapping has nothing
		for name, below := range at {
			i.ReadTeamd(key+"."+strings.ReplaceAll(name, "_", "-"), below)
		}
	}
}

// readWatches reads one mapping or several, without quotes and brackets.
func (a *Attr) readWatches(plain string) string {
	var entries []Entry
	for _, watch := range strings.Split(plain, "{")[1:] {
		e := Entry{}
		for _, field := range strings.Split(watch, ",") {
			key, value, _ := strings.Cut(field, ":")
			e[strings.ReplaceAll(key, "_", "-")] = strings.TrimSuffix(value, "}")
		}
		entries = append(entries, e)
	}
	return a.List(entries)
}

// TeamdAt is what stands at a path of a JSON text; nil is nothing.
func TeamdAt(text []byte, path ...string) []byte {
	for _, name := range path {
		var at map[string]json.RawMessage
		_ = json.Unmarshal(text, &at) // another thing than a mapping has nothing
		text = at[name]
	}
	return text
}

// replugged tells that a port of a team is taken out and put back to be changed:
// teamd reads what is said of a port when it comes, and follows only its
// priority and its queue later.
func replugged(before, after *Interface) bool {
	if attrOf(after, "controller") == "" || attrOf(before, "controller") != attrOf(after, "controller") {
		return false
	}
	for _, d := range Differences(before, after) {
		if IsPortKey(d.Key) && IsTeamd(d.Key) && d.Key != portPrio {
			return true
		}
	}
	return false
}
