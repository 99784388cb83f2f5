// Package netstate is the network state of one network namespace: what it is,
// how two states differ, what a wanted configuration would make of one, and how
// a change is written as text. It is pure: nothing here touches a kernel.
//
// Data flows one way: Observe gives a State; Simulate(State, Config) gives the
// State that the configuration asks for; Diff(State, State) gives the Change
// between them, ordered; Undo(Change, State) gives the Change that leads back.
package netstate

import "net/netip"

// State is what a network namespace holds. A slice that was not asked for is
// nil; slices are sorted by their objects' keys.
type State struct {
	Interfaces []Interface `json:"interfaces,omitempty"`
	Routes     []Route     `json:"routes,omitempty"`
	// Nexthops are nexthop objects; they are read with the routes.
	Nexthops []Nexthop `json:"nexthops,omitempty"`
	// MPLS are routes of labels; they are read with the routes.
	MPLS []Route `json:"mpls-routes,omitempty"`
	// Namespaces are the named namespaces of the machine, where the Query asked
	// for them.
	Namespaces []Namespace `json:"namespaces,omitempty"`
	// RouteSets are more routes, where the Query asked for sets.
	RouteSets []RouteSet        `json:"route-sets,omitempty"`
	Rules     []Rule            `json:"rules,omitempty"`
	Neighbors []Neighbor        `json:"neighbors,omitempty"`
	FDB       []FDBEntry        `json:"fdb,omitempty"`
	Sysctls   map[string]string `json:"sysctls,omitempty"` // "net.ipv4.ip_forward" to its value, as sysctl(8) prints it
	// TrafficControl is that of the interfaces that have any, by their names.
	TrafficControl []TrafficControl `json:"traffic-control,omitempty"`
	// MDB is read with the forwarding entries.
	MDB []MDBEntry `json:"mdb,omitempty"`
	// DNS are the name servers: of the file, and by interface.
	DNS []DNS `json:"dns,omitempty"`
	// Xfrm are the states and policies of IPsec, and its default; and the endpoints
	// and limits of Multipath TCP (see mptcp.go).
	Xfrm []Xfrm `json:"xfrm,omitempty"`
	// UnreadRoutes counts routes that the namespace holds and that have no
	// words here (an encapsulation such as bpf): they are left alone.
	UnreadRoutes int `json:"unread-routes,omitempty"`
	// UnreadXfrm counts states and policies of IPsec of the same sort.
	UnreadXfrm int `json:"unread-xfrm,omitempty"`
	// Elsewhere are other namespaces, by name: those that interfaces lie in which
	// go with some of this one (Query.Going), and those of Query.Elsewhere.
	Elsewhere map[string]*State `json:"elsewhere,omitempty"`
	// Secrets are keys that a configuration has brought into a predicted
	// state, by their fingerprints. An observed state has none.
	Secrets Secrets `json:"-"`
	// Lacks says of types of interfaces (Query.Kinds) that the running kernel
	// cannot make what it is without: "module vrf (CONFIG_NET_VRF) …". Of VLAN
	// filtering, "" says that the kernel has it.
	Lacks map[string]string `json:"lacks,omitempty"`
}

// Attrs holds attribute values in canonical text, by dotted netconfig key
// ("mtu", "bridge.options.stp.enabled", "bridge-port.stp-path-cost"). The
// tables of the kinds (Kind, Attr) give each its type. A missing key is unset,
// which is not the same as zero.
type Attrs map[string]string

// Interface is a network interface (a link, in rtnetlink's words).
type Interface struct {
	Name string `json:"name"`
	// Type is nmstate's word: "veth", "linux-bridge", "ethernet", …
	Type string `json:"type"`
	// Index is the kernel's ifindex; 0 in a state that is only predicted.
	Index int `json:"index,omitempty"`
	// Netns names the other target or named namespace that the interface was
	// looked up in; "" is the observed namespace itself.
	Netns string `json:"netns,omitempty"`
	// LowerHere tells that an interface of another namespace lies on one of the
	// observed namespace.
	LowerHere bool `json:"lower-here,omitempty"`
	// Attrs are settable: "state" (up, down), "mtu", "mac-address", "alias",
	// "controller", "txqueuelen", the kind's own and the port's own.
	Attrs Attrs `json:"attrs,omitempty"`
	// Assumed are the keys of Attrs that a plan takes to be the kernel's own
	// choice, because the interface is not there yet (see Born).
	Assumed []string `json:"assumed,omitempty"`
	// Status is what can only be read: "operstate", "carrier", "flags",
	// counters ("rx-bytes", "tx-packets", …). Diff ignores it.
	Status Attrs `json:"status,omitempty"`
	// Addresses are IPv4 and IPv6 addresses, sorted as the kernel orders them
	// (primary before secondary).
	Addresses []Address `json:"addresses,omitempty"`
}

// Address is an IP address of an interface (struct ifaddrmsg, ip-address(8)).
type Address struct {
	// Prefix is the address with its prefix length, host bits kept.
	Prefix netip.Prefix `json:"prefix"`
	// Peer is the remote address of a point-to-point address; invalid if none.
	Peer      netip.Prefix `json:"peer,omitzero"`
	Broadcast netip.Addr   `json:"broadcast,omitzero"`
	// Scope is "global" (also ""), "site", "link", "host" or a number.
	Scope string `json:"scope,omitempty"`
	Label string `json:"label,omitempty"`
	// Flags are settable IFA_F_* flags in ip(8)'s words, sorted: "home",
	// "mngtmpaddr", "nodad", "noprefixroute", "autojoin".
	Flags []string `json:"flags,omitempty"`
	// Status are flags that can only be read: "permanent", "secondary",
	// "tentative", "dadfailed", "deprecated", "temporary", "dynamic".
	Status []string `json:"status,omitempty"`
	// ValidLifetime and PreferredLifetime are seconds; 0 means forever
	// (a preferred lifetime that has run out is expressed by Deprecated).
	ValidLifetime     uint32 `json:"valid-lifetime,omitempty"`
	PreferredLifetime uint32 `json:"preferred-lifetime,omitempty"`
	// Deprecated is a preferred lifetime of zero.
	Deprecated bool `json:"deprecated,omitempty"`
	// Metric is the metric of the prefix route that the kernel makes
	// (IFA_RT_PRIORITY); 0 is the kernel's default.
	Metric uint32 `json:"metric,omitempty"`
	// Kernel is set on addresses that the kernel made by itself (IPv6
	// link-local, autoconf): a list that replaces leaves them alone.
	Kernel bool `json:"kernel,omitempty"`
}

// RouteType is a route's type in ip-route(8)'s words: "unicast", "blackhole",
// "unreachable", "prohibit", "local", "broadcast", "multicast", "throw".
type RouteType string

// Route is an entry of a routing table (struct rtmsg, ip-route(8)).
type Route struct {
	// Destination is masked; 0.0.0.0/0 and ::/0 are the default routes.
	Destination netip.Prefix `json:"destination"`
	// Table is the table's number; 254 is main.
	Table uint32 `json:"table"`
	// Label is the MPLS label that a route of a label is for (see mpls.go).
	Label uint32 `json:"label,omitempty"`
	// Metric is the priority; 0 is the kernel's default (1024 in IPv6).
	Metric uint32    `json:"metric,omitempty"`
	TOS    uint8     `json:"tos,omitempty"`
	Type   RouteType `json:"type,omitempty"` // "" is unicast
	// Protocol is RTPROT_*: 2 kernel, 3 boot, 4 static, …
	Protocol uint8 `json:"protocol,omitempty"`
	// Scope is RT_SCOPE_*: 0 universe, 253 link, 254 host.
	Scope  uint8      `json:"scope,omitempty"`
	Source netip.Addr `json:"source,omitzero"` // preferred source (RTA_PREFSRC)
	// NextHops has one entry for an ordinary route, several for multipath,
	// none for blackhole, unreachable and prohibit.
	NextHops []NextHop `json:"next-hops,omitempty"`
	// NexthopID is the number of the nexthop object that the route leads by,
	// instead of NextHops; 0 is none.
	NexthopID uint32 `json:"nexthop-id,omitempty"`
	// Metrics are RTAX_* values by ip-route(8)'s word: "mtu", "advmss",
	// "window", "rtt", "initcwnd", "cwnd", "hoplimit", … With them are "pref",
	// the preference of an IPv6 route (ICMPV6_ROUTER_PREF_*; medium is left out),
	// and "realm" of an IPv4 route (RTA_FLOW).
	Metrics map[string]uint32 `json:"metrics,omitempty"`
	// Congestion is the algorithm of TCP's congestion control (RTAX_CC_ALGO).
	Congestion string `json:"congctl,omitempty"`
	// Expires is for how many seconds an IPv6 route is still there; 0 is forever.
	// It runs down and is never compared: a route that is made again has what was left.
	Expires uint32 `json:"expires,omitempty"`
	// Status are flags that can only be read: "linkdown", "dead", "offload".
	Status []string `json:"status,omitempty"`
}

// NextHop is one way a route leads (struct rtnexthop).
type NextHop struct {
	Device string     `json:"device,omitempty"`
	Via    netip.Addr `json:"via,omitzero"` // the gateway; may be of the other family (RTA_VIA)
	Weight uint16     `json:"weight,omitempty"`
	OnLink bool       `json:"onlink,omitempty"`
	// Encap is the encapsulation of what goes this way, as ip-route(8) writes
	// it: "mpls 100/200 ttl 5" (see CanonicalEncap); "" is none.
	Encap string `json:"encap,omitempty"`
}

// Rule is a routing policy rule (struct fib_rule_hdr, ip-rule(8)).
type Rule struct {
	Family   int          `json:"family"` // 4 or 6
	Priority uint32       `json:"priority"`
	From     netip.Prefix `json:"from,omitzero"`
	To       netip.Prefix `json:"to,omitzero"`
	IIF      string       `json:"iif,omitempty"`
	OIF      string       `json:"oif,omitempty"`
	FwMark   uint32       `json:"fwmark,omitempty"`
	FwMask   uint32       `json:"fwmask,omitempty"`
	TOS      uint8        `json:"tos,omitempty"`
	Not      bool         `json:"not,omitempty"`
	// Action is "lookup" (also ""), "goto", "nop", "blackhole",
	// "unreachable" or "prohibit".
	Action string `json:"action,omitempty"`
	Table  uint32 `json:"table,omitempty"`
	Goto   uint32 `json:"goto,omitempty"`
	// SuppressPrefixLength and SuppressGroup are nil when unset.
	SuppressPrefixLength *int   `json:"suppress-prefix-length,omitempty"`
	SuppressGroup        *int   `json:"suppress-group,omitempty"`
	IPProto              uint8  `json:"ip-proto,omitempty"`
	SourcePorts          string `json:"source-ports,omitempty"`      // "80" or "80-90"
	DestinationPorts     string `json:"destination-ports,omitempty"` // "80" or "80-90"
	UIDRange             string `json:"uid-range,omitempty"`         // "1000-1999"
	L3MDev               bool   `json:"l3mdev,omitempty"`
	Protocol             uint8  `json:"protocol,omitempty"`
}

// Neighbor is an ARP or NDP entry (struct ndmsg, ip-neighbour(8)).
type Neighbor struct {
	Device string     `json:"device"`
	IP     netip.Addr `json:"ip"`
	MAC    string     `json:"mac,omitempty"` // lower case with colons
	// State is "permanent", "noarp", "reachable", "stale", "delay", "probe",
	// "failed" or "incomplete", or Managed. Only the first two and the last can
	// be declared; the others are the kernel's own cache and Diff leaves them alone.
	State  string `json:"state,omitempty"`
	Proxy  bool   `json:"proxy,omitempty"`
	Router bool   `json:"router,omitempty"`
	// Learned is set where a control plane made the entry (NTF_EXT_LEARNED).
	Learned bool `json:"extern-learn,omitempty"`
}

// Managed is the state of a neighbour whose hardware address the kernel asks for
// and keeps fresh (NTF_EXT_MANAGED): MAC is empty.
const Managed = "managed"

// FDBEntry is an entry of a forwarding database of a bridge or VXLAN
// (struct ndmsg of family AF_BRIDGE, bridge(8)).
type FDBEntry struct {
	Device string `json:"device"`
	MAC    string `json:"mac"`
	VLAN   uint16 `json:"vlan,omitempty"`
	// Dst, Port, VNI and Via belong to VXLAN.
	Dst  netip.Addr `json:"dst,omitzero"`
	Port uint16     `json:"port,omitempty"`
	VNI  uint32     `json:"vni,omitempty"`
	Via  string     `json:"via,omitempty"`
	// SourceVNI is that of the packets that an entry of an external VXLAN is for
	// (NDA_SRC_VNI); NexthopID is a nexthop object instead of Dst (NDA_NH_ID).
	SourceVNI uint32 `json:"source-vni,omitempty"`
	NexthopID uint32 `json:"nexthop-id,omitempty"`
	// Owner is "master" or "self": whose table the entry is in.
	Owner string `json:"owner,omitempty"`
	// State is "permanent", "static" or "dynamic" (learned; Diff leaves
	// dynamic ones alone).
	State  string `json:"state,omitempty"`
	Sticky bool   `json:"sticky,omitempty"`
	// Learned is set where a control plane made the entry (NTF_EXT_LEARNED).
	Learned bool `json:"extern-learn,omitempty"`
	// Kernel is set on entries that the kernel makes for the device's own
	// addresses; a configuration never removes them.
	Kernel bool `json:"kernel,omitempty"`
}
