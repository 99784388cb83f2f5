package netstate

import (
	"net/netip"
	"slices"
	"strings"
)

// checkFunc finds what is wrong with an interface v that i asks for. fault
// reports it at the place of a key.
type checkFunc func(m *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string))

// checkOf is the check of a kind, or nil. It is no field of Kind: the checks
// read the tables.
func checkOf(kind string) checkFunc {
	switch kind {
	case "bond":
		return checkBond
	case "geneve":
		return checkGeneve
	case "gre", "gretap":
		return checkGRE
	case "hsr":
		return checkHSR
	case "ipvlan", "ipvtap":
		return checkIPVlan
	case "linux-bridge":
		return checkBridge
	case "mac-vlan", "mac-vtap":
		return checkMacVlan
	case "vxlan":
		return checkVXLAN
	case "macsec":
		return checkMacSec
	case "team":
		return checkTeam
	case "xfrm":
		return checkXfrmLink
	}
	return nil
}

func checkIPVlan(_ *simulation, _ *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	if ownValue(v, "private") == "true" && ownValue(v, "vepa") == "true" {
		fault(v.Type+".vepa", "`private` and `vepa` exclude each other", "Set one of them to false.")
	}
}

func checkHSR(_ *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	if v.Attrs["hsr.port1"] == v.Attrs["hsr.port2"] {
		fault("hsr.port2", "the two ports are one", "Name two different interfaces.")
	}
	switch third := v.Attrs["hsr.interlink"]; {
	case third == "":
	case third == v.Attrs["hsr.port1"], third == v.Attrs["hsr.port2"]:
		fault("hsr.interlink", "the interlink is one of the two ports", "Name a third interface.")
	case v.Attrs["hsr.protocol"] == "prp":
		fault("hsr.interlink", "`interlink` is for protocol hsr, not prp", "Leave it out.")
	}
	if version := i.Attrs["hsr.version"]; v.Attrs["hsr.protocol"] == "prp" && version != "" && version != "0" {
		fault("hsr.version", "`version` is for protocol hsr, not prp", "Leave it out.")
	}
}

// labelled refuses a flow label of outer packets that are IPv4.
func labelled(i *InterfaceConfig, v *Interface, section string, fault func(key, summary, detail string), ends ...string) {
	key := section + ".flow-label"
	if label := i.Attrs[key]; label == "" || label == "0" {
		return
	}
	for _, end := range ends {
		if a, err := netip.ParseAddr(v.Attrs[section+"."+end]); err == nil && a.Is6() {
			return
		}
	}
	fault(key, "only IPv6 packets have a flow label", "Leave it out, or give IPv6 addresses.")
}

// checkGeneve looks at what geneve_configure and geneve_nl2info refuse.
func checkGeneve(_ *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	if remote, err := netip.ParseAddr(i.Attrs["geneve.remote"]); err == nil && remote.IsMulticast() {
		fault("geneve.remote", "the other end is one host, not a multicast group", "Give its address; a VXLAN can have a group.")
	}
	if v.Attrs["geneve.external"] != "true" {
		labelled(i, v, "geneve", fault, "remote")
		return
	}
	for _, key := range []string{"id", "remote", "ttl", "tos", "flow-label", "udp-checksum"} {
		switch i.Attrs["geneve."+key] {
		case "", "0", "false":
		default:
			fault("geneve."+key, "with `external`, `"+key+"` comes with each packet", "Leave it out: routes or tc set it.")
		}
	}
}

func checkGRE(_ *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	if i.Attrs[v.Type+".ignore-df"] == "true" && ownValue(v, "path-mtu-discovery") == "true" {
		fault(v.Type+".ignore-df", "`ignore-df` does not go with discovery of the path's MTU", "Set `path-mtu-discovery: false`.")
	}
}

// checkXfrmLink looks at what xfrmi_newlink refuses.
func checkXfrmLink(_ *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	none := v.Attrs["xfrm.if-id"] == "" || v.Attrs["xfrm.if-id"] == "0"
	switch external := v.Attrs["xfrm.external"] == "true"; {
	case !external && none:
		fault("xfrm.if-id", "an identifier of policies and states is missing", "Give `if-id`, from 1, or `external: true`.")
	case external && !none:
		fault("xfrm.if-id", "with `external`, the identifier comes with each packet", "Leave `if-id` out.")
	case external && i.Attrs["xfrm.base-iface"] != "":
		fault("xfrm.base-iface", "with `external`, packets leave by what their routes say", "Leave `base-iface` out.")
	}
}

// tunnelEncapModule is the module without which a tunnel of the kernel cannot have
// the encapsulation that an attribute says; "" if there is none.
func tunnelEncapModule(key, value string) string {
	switch {
	case !strings.HasSuffix(key, ".encap.type"), value != "fou" && value != "gue":
		return ""
	case strings.HasPrefix(key, "ip6"):
		return "fou6"
	}
	return "fou"
}

// checkTunnelEncap refuses encapsulations of tunnels whose module is not there.
func (m *simulation) checkTunnelEncap(i *InterfaceConfig, v *Interface) {
	key := v.Type + ".encap.type"
	if reason := m.from.Lacks[EncapOf(tunnelEncapModule(key, i.Attrs[key]))]; reason != "" {
		m.problem(i.at(key), "kernel-lacks", i.Name+" cannot have the encapsulation "+i.Attrs[key]+": "+reason, "Load the module before the run, or install it.")
	}
}

// tunnelTwins refuses two tunnels that the kernel could not tell apart, which are
// of one kind with the same ends (ip_tunnel_find, ip6_tnl_find).
func (m *simulation) tunnelTwins(c *Config) {
	seen := map[string]string{}
	ends := func(v *Interface) string {
		if !slices.Contains([]string{"gre", "gretap", "ip6gre", "ip6gretap", "ipip", "sit", "ip6tnl", "vti", "vti6"}, v.Type) || v.Netns != "" {
			return ""
		}
		if ownValue(v, "external") == "true" {
			return v.Type + " external"
		}
		return strings.Join([]string{v.Type, ownValue(v, "local"), ownValue(v, "remote"), ownValue(v, "base-iface"), ownValue(v, "input-key")}, " ")
	}
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		if m.config[v.Name] == nil || m.config[v.Name].Type == "" && m.from.Interface(v.Name) != nil {
			if e := ends(v); e != "" {
				seen[e] = v.Name
			}
		}
	}
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		v := m.to.Interface(i.Name)
		if v == nil || i.State == "absent" || i.State == "ignore" {
			continue
		}
		e := ends(v)
		if other, twice := seen[e]; e != "" && twice && other != v.Name {
			m.problem(i.Pos, "contradiction", i.Name+" would be told from "+other+" by nothing: they are of one type, with the same ends",
				"Give it another `local`, `remote`, `base-iface` or key; of `external` ones there can be one.")
			continue
		}
		seen[e] = v.Name
	}
}

// withoutIP refuses addresses on interfaces that carry no IP: a CAN bus, a
// netlink monitor.
func (m *simulation) withoutIP(i *InterfaceConfig, v *Interface) {
	switch v.Type {
	case "vcan", "vxcan", "nlmon":
	default:
		return
	}
	for _, ip := range []*IPConfig{i.IPv4, i.IPv6} {
		if ip != nil && ip.Addresses != nil && len(*ip.Addresses) > 0 {
			m.problem(ip.Pos, "contradiction", i.Name+" is of type "+v.Type+", which carries no IP", "Leave the addresses out.")
		}
	}
}
