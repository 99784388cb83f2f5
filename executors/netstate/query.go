package netstate

// Query says which parts of the network state are wanted. Observing less is
// faster: a plan asks only for what its blocks touch.
type Query struct {
	Links  bool `json:"links,omitempty"` // interfaces with their addresses
	Routes bool `json:"routes,omitempty"`
	// RouteSets asks for routes that differ in nothing but the destination as
	// sets, where they are many.
	RouteSets bool `json:"route-sets,omitempty"`
	Rules     bool `json:"rules,omitempty"`
	Neighbors bool `json:"neighbors,omitempty"`
	FDB       bool `json:"fdb,omitempty"`
	DNS       bool `json:"dns,omitempty"` // name servers
	// DNSOwner asks who writes the file of name servers without leaving a word
	// in it: all processes are looked at.
	DNSOwner bool `json:"dns-owner,omitempty"`
	Xfrm     bool `json:"xfrm,omitempty"`  // states and policies of IPsec
	MPTCP    bool `json:"mptcp,omitempty"` // endpoints and limits of Multipath TCP, among Xfrm
	// TrafficControl asks for qdiscs, classes and filters.
	TrafficControl bool `json:"traffic-control,omitempty"`
	// Ethtool asks for what the drivers of the links have.
	Ethtool bool `json:"ethtool,omitempty"`
	// Unusual asks for no more of it than what would be lost with the links: what
	// is not as it is without anybody's wish.
	Unusual bool `json:"unusual,omitempty"`
	// Lost asks the same of all interfaces' OwnSysctls: those that are not what a
	// new interface has.
	Lost bool `json:"lost,omitempty"`
	// Sysctls are keys; "net.ipv4.conf.*.forwarding" is every interface's.
	Sysctls []string `json:"sysctls,omitempty"`
	// Namespaces are other targets or named namespaces whose links are wanted
	// too, marked with Interface.Netns.
	Namespaces []string `json:"namespaces,omitempty"`
	// Going are interfaces that may go. What goes with them in other namespaces
	// is wanted too: State.Elsewhere, and the links of Namespaces.
	Going []string `json:"going,omitempty"`
	// Elsewhere are other targets or named namespaces that are wanted as a whole,
	// as far as this query goes: State.Elsewhere.
	Elsewhere []string `json:"elsewhere,omitempty"`
	// Netns are names of namespaces of the machine that are wanted as objects;
	// "*" is all of them.
	Netns []string `json:"netns,omitempty"`
	// Kinds are types of interfaces that are to be made: whether the kernel
	// has them is wanted too.
	Kinds []string `json:"kinds,omitempty"`
}
