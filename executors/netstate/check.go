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
	case "linux-bridge":
		return checkBridge
	case "mac-vlan", "mac-vtap":
		return checkMacVlan
	case "vxlan":
		return checkVXLAN
	}
	return nil
}
