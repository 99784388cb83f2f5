package netyaml

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

func (d *decoder) interfaces(n *yaml.Node) {
	d.list(n, "`interfaces`", d.iface)
}

// refusal is why a key of nmstate is refused, and what to do instead.
type refusal struct{ reason, instead string }

// refusedKeys are keys of an interface that a daemon of its own stands behind, and
// those that this version does not have.
var refusedKeys = map[string]refusal{
	"802.1x":        {"`802.1x` needs a daemon (wpa_supplicant)", daemons + "Use a run block with wpa_supplicant(8), or leave it out."},
	"ovs-db":        {"`ovs-db` needs the Open vSwitch daemon", daemons + "Use a run block with ovs-vsctl(8)."},
	"profile-name":  {"`profile-name` names a profile of NetworkManager", daemons + "Leave it out, or use a run block with nmcli(1)."},
	"wait-ip":       {"`wait-ip` makes NetworkManager wait", daemons + "Leave it out; a `check` block waits for addresses."},
	"dispatch":      {"`dispatch` needs NetworkManager's dispatcher", daemons + "Put what its scripts do into run blocks."},
	"libreswan":     {"`libreswan` needs the Libreswan daemon", daemons + "Use a run block with ipsec(8), or `ipsec-xfrm` with keys of your own."},
	"copy-mac-from": {"`copy-mac-from` is not supported by this version", "Give the address itself as `mac-address`; `stet facts` shows it."},
	"mptcp":         {"`mptcp` of an interface is for addresses that NetworkManager knows", "Name each address under `mptcp` beside `interfaces`: `mptcp: {endpoints: [{address: 192.0.2.1, dev: eth0, subflow: true}]}`."},
}

const daemons = "stet configures the kernel directly and leaves daemons alone. "

func (d *decoder) iface(n *yaml.Node) {
	n = d.ipTunnel(n)
	i := netstate.InterfaceConfig{Pos: pos(n), Attrs: netstate.Attrs{}, AttrPos: map[string]netstate.Pos{}}
	named := false
	known := make(fields, 112) // as many as there are: without growing it
	maps.Copy(known, fields{
		"name":        {decode: func(v *yaml.Node) { named = d.name(v, &i) }, needed: true},
		"type":        {decode: func(v *yaml.Node) { d.ifaceType(v, &i) }},
		"state":       {decode: scalar(d, "state", oneOf("up", "down", "absent", "ignore"), func(s string) { i.State = s })},
		"identifier":  {decode: d.identifier, hidden: true},
		"lldp":        {decode: func(v *yaml.Node) { d.lldp(keyOf(n, "lldp"), v) }, hidden: true},
		"description": {decode: func(v *yaml.Node) { d.attr(v, netstate.AttrByKey("alias"), &i) }},
		"sysctl":      {decode: func(v *yaml.Node) { d.ownSysctls(v, &i) }},
	})
	known["traffic-control"] = field{decode: func(v *yaml.Node) { d.traffic(v, &i) }}
	known["ethtool"] = field{decode: func(v *yaml.Node) { d.ethtool(v, &i) }}
	known["ethernet"] = field{decode: func(v *yaml.Node) { d.ethernet(v, &i) }}
	known["ipv4"] = field{decode: func(v *yaml.Node) { i.IPv4 = d.family(v, "ipv4", &i) }}
	known["ipv6"] = field{decode: func(v *yaml.Node) { i.IPv6 = d.family(v, "ipv6", &i) }}
	attrs := netstate.LinkAttrs()
	for at := range attrs {
		if a := &attrs[at]; a.Key != "state" && !netstate.IsInet6(a.Key) {
			known[a.Key] = field{decode: func(v *yaml.Node) { d.attr(v, a, &i) }, hidden: a.Set == netstate.ReadOnly}
		}
	}
	for key, r := range refusedKeys {
		known[key] = field{refuse: r.reason, detail: r.instead}
	}
	known["ip-tunnel"] = field{decode: d.tunnelShape, hidden: true}
	for _, section := range sections() {
		known[section] = field{decode: func(v *yaml.Node) { d.section(v, section, &i) }}
	}
	before := len(d.problems)
	d.mapping(n, "an interface", known)
	d.onlyType(n, before)
	if n.Kind != yaml.Mapping {
		return
	}
	if !named {
		if n.Get("name") == nil {
			d.fail(n, "missing-key", "an interface without `name`", "Add `name:`.")
		}
		return
	}
	d.labels(n.Get("ipv4"), i.Name)
	d.finish(n, &i)
}

// identifier says by what an interface is found. By what it has, and not by its
// name, would be by what only the kernel knows.
func (d *decoder) identifier(n *yaml.Node) {
	if n.Kind == yaml.Scalar && n.Value == "mac-address" {
		d.fail(n, "unsupported", "`identifier: mac-address` is not supported", "Name the interface as the kernel does: `stet facts` shows which one has the address.")
		return
	}
	scalar(d, "identifier", oneOf("name"), func(string) {})(n)
}

// lldp accepts that there is to be none, as nmstate shows it.
func (d *decoder) lldp(key, n *yaml.Node) {
	d.mapping(n, "`lldp`", fields{"enabled": {decode: scalar(d, "enabled", parseBool, func(on bool) {
		if on {
			d.fail(key, "unsupported", "`lldp` needs a daemon (NetworkManager or lldpd)", daemons+"Use a run block with lldpcli(8), or leave it out.")
		}
	})}})
}

// onlyType leaves out what follows from a type that is refused: of an
// interface that is not known, the keys cannot be.
func (d *decoder) onlyType(n *yaml.Node, before int) {
	typ := n.Get("type")
	refused := func(p netstate.Problem) bool {
		return typ != nil && p.Pos == pos(typ) && p.Code == "unsupported"
	}
	if !slices.ContainsFunc(d.problems[before:], refused) {
		return
	}
	own := slices.DeleteFunc(slices.Clone(d.problems[before:]), func(p netstate.Problem) bool {
		return !refused(p) && (p.Code == "unknown-key" || p.Code == "unsupported")
	})
	d.problems = append(d.problems[:before], own...)
}

// finish checks the parts of an interface against each other and takes it.
func (d *decoder) finish(n *yaml.Node, i *netstate.InterfaceConfig) {
	if i.Type == "ethernet" && n.Get("veth") != nil {
		i.Type = "veth" // nmstate's own word for both
	}
	for _, section := range sections() {
		key := keyOf(n, section)
		kind := netstate.KindByName(i.Type)
		if key == nil || kind == nil || netstate.IsPortKey(section+".") || kind.Section == section {
			continue
		}
		d.fail(key, "wrong-section", "an interface of type "+i.Type+" has no `"+section+"`", "Correct the type, or leave the section out.")
	}
	if _, twice := d.byName[i.Name]; twice {
		d.fail(n, "duplicate-interface", "interface "+i.Name+" stands twice", "Put everything about it into one entry.")
		return
	}
	d.byName[i.Name] = len(d.config.Interfaces)
	for k := range i.Sysctls {
		i.Sysctls[k].Key = strings.Replace(i.Sysctls[k].Key, "*", strings.ReplaceAll(i.Name, ".", "/"), 1)
	}
	for k := range d.ports {
		if d.ports[k].bridge == "" {
			d.ports[k].bridge = i.Name
		}
	}
	d.config.Interfaces = append(d.config.Interfaces, *i)
}

func keyOf(n *yaml.Node, key string) *yaml.Node {
	for _, p := range n.Pairs {
		if p.Key.Value == key {
			return p.Key
		}
	}
	return nil
}

// sections are the mappings that hold the attributes of kinds and of ports.
var sections = sync.OnceValue(func() []string {
	var out []string
	for _, k := range netstate.Kinds() {
		if k.Section != "" && len(k.Attrs) > 0 {
			out = append(out, k.Section)
		}
		if k.PortSection != "" {
			out = append(out, k.PortSection)
		}
	}
	return out
})

func (d *decoder) name(n *yaml.Node, i *netstate.InterfaceConfig) bool {
	if d.takes(n, Value{Type: Name}) {
		return false
	}
	text, ok := d.text(n, "`name`")
	if !ok {
		return false
	}
	if strings.HasPrefix(text, "sriov:") {
		d.fail(n, "unsupported", "`"+text+"` names an interface by the card and the number of its virtual function", "Name it as the kernel does: the attribute `ethernet.sr-iov.interfaces` of the card has those names in `stet facts --json`.")
		return false
	}
	if err := netstate.CheckName(text); err != nil {
		d.fail(n, "bad-value", "`name`: "+err.Error(), "Choose a name of 1 to 15 characters without spaces, slashes and colons. `alt-names` takes longer ones; an interface goes by its own name here.")
		return false
	}
	i.Name = text
	i.Pos = pos(n)
	return true
}

func (d *decoder) ifaceType(n *yaml.Node, i *netstate.InterfaceConfig) {
	var names []string
	for _, k := range netstate.Kinds() {
		names = append(names, k.Name)
	}
	if d.takes(n, Value{Words: append(names, "tap", "ip-tunnel", "unknown")}) {
		return
	}
	text, ok := d.text(n, "`type`")
	if !ok {
		return
	}
	i.AttrPos["type"] = pos(n)
	switch {
	case text == "tap":
		i.Type = "tun"
		if _, given := i.Attrs["tun.mode"]; !given {
			i.Attrs["tun.mode"], i.AttrPos["tun.mode"] = "tap", pos(n)
		}
	case netstate.KindByName(text) != nil:
		i.Type = text
	case text == "unknown":
	case strings.HasPrefix(text, "ovs-"):
		d.fail(n, "unsupported", "type "+text+" needs the Open vSwitch daemon", "stet configures the kernel directly. Use a run block with ovs-vsctl(8).")
	case text == "ipsec":
		d.fail(n, "unsupported", "type ipsec needs the Libreswan daemon", "stet configures the kernel directly. Use a run block with ipsec(8), or `type: xfrm` and `ipsec-xfrm` with keys of your own.")
	case ipTypes[text] != "":
		d.fail(n, "unknown-type", "unknown type `"+text+"`", "What iproute2 calls `"+text+"` is `"+ipTypes[text]+"` here, as in nmstate.")
	case slices.Contains(ipOnlyTypes, text):
		d.fail(n, "unknown-type", "interfaces of type "+text+" cannot be declared",
			"Make it in a run block, with `ip link add … type "+text+"`, and a rollback block that deletes it; once it is there, leave the type out, and give it addresses and routes.")
	default:
		d.unknownName(n, "unknown-type", "unknown type `"+text+"`", append(names, "tap"))
	}
}

// attr decodes one attribute.
func (d *decoder) attr(n *yaml.Node, a *netstate.Attr, i *netstate.InterfaceConfig) {
	if a.Set == netstate.ReadOnly {
		return // as nmstate shows it
	}
	if a.Type == netstate.VLANList {
		d.vlan(n, a, i)
		return
	}
	name := a.Key[strings.LastIndex(a.Key, ".")+1:]
	if a.Type == netstate.List {
		d.table(n, a, name, i)
		return
	}
	text, ok := d.attrText(n, a, name)
	if !ok {
		return
	}
	if canonical, ok := d.canonical(n, a, a.Key, name, text); ok {
		i.Attrs[a.Key], i.AttrPos[a.Key] = canonical, pos(n)
	}
}

func (d *decoder) attrText(n *yaml.Node, a *netstate.Attr, name string) (string, bool) {
	if d.takesAttr(n, a) {
		return "", false
	}
	if listed(a) && n.Kind == yaml.Sequence {
		var parts []string
		for _, item := range n.Items {
			text, ok := d.text(item, "an entry of `"+name+"`")
			if !ok {
				return "", false
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, ","), true
	}
	return d.text(n, "`"+name+"`")
}

// aliases are other spellings that nmstate accepts.
var aliases = map[string]string{
	"bridge.options.group-forward-mask":     "bridge.options.group-fwd-mask",
	"mac-vlan.accept-all-mac":               "mac-vlan.promiscuous",
	"mac-vtap.accept-all-mac":               "mac-vtap.promiscuous",
	"link-aggregation.options.num_unsol_na": "link-aggregation.options.num_grat_arp",
}

// refused are keys below the sections of kinds that the kernel does not have.
var refused = map[string]string{
	"link-aggregation.options.balance-slb": "`balance-slb` is made of nftables rules by NetworkManager; the kernel's bonds do not have it",
	"link-aggregation.options.balance_slb": "`balance_slb` is made of nftables rules by NetworkManager; the kernel's bonds do not have it",
}

// section decodes a mapping whose keys the table of a kind has.
func (d *decoder) section(n *yaml.Node, path string, i *netstate.InterfaceConfig) {
	known := fields{}
	for _, key := range children(path) {
		full := path + "." + key
		if a := netstate.AttrByKey(full); a != nil {
			known[key] = field{decode: func(v *yaml.Node) { d.attr(v, a, i) }, hidden: a.Set == netstate.ReadOnly}
			continue
		}
		known[key] = field{decode: func(v *yaml.Node) { d.section(v, full, i) }}
	}
	for alias, full := range aliases {
		if parent, key := alias[:strings.LastIndex(alias, ".")], alias[strings.LastIndex(alias, ".")+1:]; parent == path {
			known[key] = field{decode: func(v *yaml.Node) { d.alias(v, full, key, i) }, hidden: true}
		}
	}
	for key, reason := range refused {
		if name, ok := strings.CutPrefix(key, path+"."); ok && !strings.Contains(name, ".") {
			known[name] = field{refuse: reason}
		}
	}
	for _, k := range netstate.Kinds() {
		d.portLists(k, path, known, i)
	}
	if path == "macsec" {
		for _, key := range []string{"mka-cak", "mka-ckn"} {
			known[key] = field{refuse: "`" + key + "` needs a daemon (wpa_supplicant)", detail: "Give the associations themselves as `tx-sa` and `rx-sa`."}
		}
	}
	d.mapping(n, "`"+path+"`", known)
}

func (d *decoder) alias(n *yaml.Node, full, key string, i *netstate.InterfaceConfig) {
	before, given := i.Attrs[full]
	d.attr(n, netstate.AttrByKey(full), i)
	if given && i.Attrs[full] != before {
		d.fail(n, "contradiction", "`"+key+"` and its other spelling differ", "Leave one of the two out.")
	}
}

// children are the keys right below a path of the tables, sorted.
func children(path string) []string { return childrenOf()[path] }

var childrenOf = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for _, k := range netstate.Kinds() {
		for _, attrs := range [][]netstate.Attr{k.Attrs, k.PortAttrs} {
			for i := range attrs {
				key := attrs[i].Key
				for at := strings.LastIndexByte(key, '.'); at >= 0; at = strings.LastIndexByte(key, '.') {
					out[key[:at]] = append(out[key[:at]], key[at+1:])
					key = key[:at]
				}
			}
		}
	}
	for path, keys := range out {
		slices.Sort(keys)
		out[path] = slices.Compact(keys)
	}
	return out
})

// pairs refuses a pair whose one entry has the other end here, and whose other
// entry moves that away: read a second time, they would ask for it back.
func (d *decoder) pairs() {
	gone := func(i *netstate.InterfaceConfig) bool { return i.State == "absent" || i.State == "ignore" }
	for n := range d.config.Interfaces {
		i := &d.config.Interfaces[n]
		k := netstate.KindByName(i.Type)
		if k == nil || !k.Pair || gone(i) || i.Attrs[k.PeerTargetKey()] != "" {
			continue
		}
		name := i.Attrs[k.PeerKey()]
		at, named := d.byName[name]
		if !named || gone(&d.config.Interfaces[at]) {
			continue
		}
		if netns := d.config.Interfaces[at].Attrs["netns"]; netns != "" && netns != i.Attrs["netns"] {
			d.problems = append(d.problems, netstate.Problem{Pos: i.AttrPos[k.PeerKey()], Code: "contradiction",
				Summary: "the peer of " + i.Name + " is here, and the entry of " + name + " has it in " + netns,
				Detail:  "Add `peer-target: " + netns + "` beside `peer`."})
		}
	}
}
