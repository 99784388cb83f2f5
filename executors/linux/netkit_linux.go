package linux

import "stet/executors/netstate"

// netkitEnd leaves an end of a netkit what can be set there. The kernel tells
// the pair's attributes at both, and takes them at the primary one only
// (netkit_change_link). Without link headers there is no hardware address
// (netkit_new_link). A kernel before 6.13 clears marks always, and does not say
// so.
func netkitEnd(i *netstate.Interface) {
	if i.Attrs["netkit.mode"] == "l3" {
		delete(i.Attrs, "mac-address")
	}
	primary := i.Status["netkit.primary"] == "true"
	for _, key := range []string{"netkit.mode", "netkit.policy", "netkit.peer-policy", "netkit.scrub", "netkit.peer-scrub"} {
		switch {
		case !primary:
			delete(i.Attrs, key)
		case i.Attrs[key] == "":
			i.Attrs[key] = netstate.AttrByKey(key).Default
		}
	}
}
