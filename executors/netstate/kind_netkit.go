package netstate

import "strings"

// netkit is a pair of interfaces that BPF programs switch between
// (drivers/net/netkit.c; IFLA_NETKIT_* and enum netkit_* of linux/if_link.h).
// The attributes are those of the pair, and belong to the end that was made
// first, which the kernel calls primary.
var netkit = Kind{
	Name:      "netkit",
	Kernel:    "netkit",
	Section:   "netkit",
	Creatable: true,
	Module:    "netkit",
	Option:    "CONFIG_NETKIT",
	Pair:      true,
	Needs:     []string{"netkit.peer"},
	Born:      Attrs{"multicast": "true", "txqueuelen": "1000", "mtu": "1500"},
	Attrs: []Attr{
		{Key: "netkit.peer", Type: String, Set: OnCreate, Extension: true, IP: "peer name"},
		{Key: "netkit.peer-target", Type: String, Set: OnCreate, Extension: true, IP: "netns"},
		{Key: "netkit.mode", Type: Enum, Wire: Uint32, Enum: []EnumValue{{"l2", 0}, {"l3", 1}}, IFLA: 5, Set: OnCreate, Extension: true, Default: "l3", IP: "mode"},
		{Key: "netkit.policy", Type: Enum, Wire: Uint32, Enum: netkitPolicies, IFLA: 3, Set: Anytime, Extension: true, Default: "forward", IP: ""},
		{Key: "netkit.peer-policy", Type: Enum, Wire: Uint32, Enum: netkitPolicies, IFLA: 4, Set: Anytime, Extension: true, Default: "forward", IP: "peer"},
		{Key: "netkit.scrub", Type: Enum, Wire: Uint32, Enum: netkitScrubs, IFLA: 6, Since: "6.13", Set: OnCreate, Extension: true, Default: "default", IP: "scrub"},
		{Key: "netkit.peer-scrub", Type: Enum, Wire: Uint32, Enum: netkitScrubs, IFLA: 7, Since: "6.13", Set: OnCreate, Extension: true, Default: "default", IP: "peer scrub"},
		{Key: "netkit.primary", Type: Bool, IFLA: 2, Extension: true},
	},
}

var (
	netkitPolicies = []EnumValue{{"forward", 0}, {"blackhole", 2}} // NETKIT_PASS, NETKIT_DROP
	netkitScrubs   = []EnumValue{{"none", 0}, {"default", 1}}
)

// secondary tells that a netkit is the end that its pair's attributes do not
// stand at: the other one is made first.
func secondary(i *Interface) bool {
	return i.Type == netkit.Name && i.Attrs["netkit.mode"] == "" && peer(i) != ""
}

// ofPrimary refuses attributes of a pair at the end that has none.
func (m *simulation) ofPrimary(i *InterfaceConfig, v *Interface, key string) {
	if v.Type != netkit.Name || v.Status["netkit.primary"] != "false" || AttrByKey(key).IFLA == 0 {
		return
	}
	if strings.HasPrefix(key, "netkit.") {
		m.problem(i.at(key), "contradiction", i.Name+" is the second end of its pair, which has no `"+key+"`",
			"Set it at the first end, "+orNone(v.Attrs["netkit.peer"])+", where `peer-policy` and `peer-scrub` are those of this one.")
	}
}

// netkitWords are those of ip-link(8) for the end that is made.
func netkitWords(i *Interface) []string {
	w := []string{"mode", i.Attrs["netkit.mode"]}
	if v := i.Attrs["netkit.policy"]; v != "" {
		w = append(w, v)
	}
	if v := i.Attrs["netkit.scrub"]; v != "" {
		w = append(w, "scrub", v)
	}
	return w
}

func netkitPeerWords(i *Interface) (w []string) {
	if v := i.Attrs["netkit.peer-policy"]; v != "" {
		w = append(w, v)
	}
	if v := i.Attrs["netkit.peer-scrub"]; v != "" {
		w = append(w, "scrub", v)
	}
	return w
}
