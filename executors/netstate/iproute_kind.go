package netstate

import (
	"strconv"
	"strings"
)

// ownWords are attributes whose words in ip-link(8) do not follow the table;
// ok is false for all others.
func ownWords(a *Attr, v string) (w []string, ok bool) {
	switch a.Key {
	case "vxlan.ttl", "geneve.ttl":
		if v == "0" {
			v = "auto"
		}
		return []string{"ttl", v}, true
	case "vxlan.tos", "geneve.tos":
		n, _ := strconv.ParseUint(v, 10, 8)
		return []string{"tos", "0x" + strconv.FormatUint(n, 16)}, true
	case "vxlan.remote", "vxlan.local":
		if v == "" {
			v = "any"
		}
		return []string{a.IP, v}, true
	case "vxlan.source-port-range":
		low, high, _ := strings.Cut(v, "-")
		return []string{"srcport", low, high}, true
	case "vxlan.ttl-inherit", "vxlan.group-policy", "vxlan.generic-protocol", "geneve.ttl-inherit", "geneve.external",
		"geneve.inner-protocol-inherit":
		if v == "true" {
			return strings.Fields(a.IP), true
		}
		return nil, true
	case "vlan.registration-protocol":
		return []string{"gvrp", onOff(strconv.FormatBool(strings.Contains(v, "gvrp"))), "mvrp", onOff(strconv.FormatBool(strings.Contains(v, "mvrp")))}, true
	case "infiniband.pkey":
		n, _ := strconv.ParseUint(v, 10, 16)
		return []string{"pkey", "0x" + strconv.FormatUint(n, 16)}, true
	case "netkit.policy":
		return []string{v}, true
	case "netkit.peer-policy", "netkit.peer-scrub":
		return append(strings.Fields(a.IP), v), true
	case "infiniband.user-multicast":
		return []string{"umcast", bit(v)}, true
	case bondOptions + "all_slaves_active", "hsr.protocol":
		return []string{a.IP, enumNumber(a, v)}, true
	case bondOptions + "lacp_active", bondOptions + "coupled_control":
		return []string{a.IP, onOff(v)}, true
	case bondOptions + "active_slave":
		if v == "" {
			return []string{"clear_active_slave"}, true
		}
	}
	section, _, _ := strings.Cut(a.Key, ".")
	switch {
	case section == "vlan" && a.Type == BoolOpt, section == "macsec" && a.Type == Bool:
		return []string{a.IP, onOff(v)}, true
	case strings.HasPrefix(section, "ipv") && a.Type == FlagBit:
		if v == "true" {
			return []string{a.IP}, true
		}
		return []string{"bridge"}, true
	case (section == "vxlan" || section == "geneve") && a.Type == Bool:
		if v == "true" {
			return []string{a.IP}, true
		}
		return []string{"no" + a.IP}, true
	}
	return nil, false
}

// enumNumber is the kernel's number for a name.
func enumNumber(a *Attr, name string) string {
	for _, e := range a.Enum {
		if e.Name == name {
			return strconv.FormatUint(e.Value, 10)
		}
	}
	return name
}
