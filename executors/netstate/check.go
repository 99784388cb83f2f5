package netstate

// checkFunc finds what is wrong with an interface v that i asks for. fault
// reports it at the place of a key.
type checkFunc func(m *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string))

// checkOf is the check of a kind, or nil. It is no field of Kind: the checks
// read the tables.
func checkOf(kind string) checkFunc {
	switch kind {
	case "bond":
		return checkBond
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
	}
	return nil
}

func checkIPVlan(_ *simulation, _ *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	if ownValue(v, "private") == "true" && ownValue(v, "vepa") == "true" {
		fault(v.Type+".vepa", "`private` and `vepa` exclude each other", "Set one of them to false.")
	}
}

func checkHSR(_ *simulation, _ *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	if v.Attrs["hsr.port1"] == v.Attrs["hsr.port2"] {
		fault("hsr.port2", "the two ports are one", "Name two different interfaces.")
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
