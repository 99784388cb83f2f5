package netstate

// vlan is an interface for the packets of one VLAN of a lower one (net/8021q;
// IFLA_VLAN_* of linux/if_link.h, VLAN_FLAG_* of linux/if_vlan.h). The kernel
// takes a new id or protocol without a word and keeps the old one
// (vlan_changelink): they are OnCreate here.
var vlan = Kind{
	Name:      "vlan",
	Kernel:    "vlan",
	Section:   "vlan",
	Creatable: true,
	Module:    "8021q",
	Option:    "CONFIG_VLAN_8021Q",
	Below:     "vlan.base-iface",
	Needs:     []string{"vlan.base-iface", "vlan.id"},
	Born:      Attrs{"mtu": below, "arp": below, "multicast": below, "txqueuelen": "1000"},
	Doc:       "The packets of one VLAN of another interface (IEEE 802.1Q and 802.1ad). It is up only while the lower interface is: the kernel takes both down, and both up, unless `loose-binding` is set.",
	Attrs: []Attr{
		{Key: "vlan.base-iface", Type: LinkRef, IFLA: 5, Message: true, Set: OnCreate, IP: "link",
			Doc: "The lower interface. Required."},
		{Key: "vlan.id", Type: Uint16, IFLA: 1, Max: 4094, Set: OnCreate, IP: "id",
			Doc: "VLAN identifier. Required."},
		{Key: "vlan.protocol", Type: Enum, Wire: Uint16BE, Enum: vlanProtocols, IFLA: 5, Set: OnCreate, Default: "802.1q", IP: "protocol",
			Doc: "Tag: `802.1q`, or `802.1ad` for the outer one of two (QinQ)."},
		{Key: "vlan.registration-protocol", Type: MaskedEnum, Enum: []EnumValue{{"none", 0}, {"gvrp", 2}, {"mvrp", 8}, {"gvrp+mvrp", 10}}, IFLA: 2, Set: Anytime, Default: "none",
			Doc: "Protocol that tells switches about the VLAN; needs CONFIG_VLAN_8021Q_GVRP or _MVRP. `gvrp+mvrp` is an extension."},
		{Key: "vlan.reorder-headers", Type: BoolOpt, Bit: 0, IFLA: 2, Set: Anytime, Default: "true", IP: "reorder_hdr",
			Doc: "Take the tag off before packets are delivered (VLAN_FLAG_REORDER_HDR)."},
		{Key: "vlan.loose-binding", Type: BoolOpt, Bit: 2, IFLA: 2, Set: Anytime, Default: "false", IP: "loose_binding",
			Doc: "Do not go up and down with the lower interface (VLAN_FLAG_LOOSE_BINDING)."},
		{Key: "vlan.bridge-binding", Type: BoolOpt, Bit: 4, IFLA: 2, Set: Anytime, Default: "false", Extension: true, IP: "bridge_binding",
			Doc: "On a bridge: have a carrier only while a port of the VLAN has one (VLAN_FLAG_BRIDGE_BINDING)."},
		{Key: "vlan.ingress-qos-map", Type: QoSMap, IFLA: 4, Set: Anytime, Extension: true, IP: "ingress-qos-map",
			Doc: "Priority (skb->priority) of packets that arrive, by their tag's priority: a list of `FROM:TO`. The list replaces; what is not in it is 0."},
		{Key: "vlan.egress-qos-map", Type: QoSMap, IFLA: 3, Set: Anytime, Extension: true, IP: "egress-qos-map",
			Doc: "Priority in the tag of packets that leave, by skb->priority: a list of `FROM:TO`. The list replaces; what is not in it is 0."},
	},
	Example: `interfaces:
  - name: eth1.101
    type: vlan
    state: up
    vlan:
      base-iface: eth1
      id: 101
      ingress-qos-map: ["5:5"]
    ipv4:
      address:
        - ip: 192.0.2.251
          prefix-length: 24
`,
}

// vlanProtocols are ETH_P_8021Q and ETH_P_8021AD of linux/if_ether.h.
var vlanProtocols = []EnumValue{{"802.1q", 0x8100}, {"802.1ad", 0x88a8}}
