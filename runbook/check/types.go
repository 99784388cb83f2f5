package check

import (
	"stet/executors/netstate"
)

// The types that expressions see. Field names in expressions are the expr
// tags; the reference page has a line for each, held together by a test.

// link is a network interface.
type link struct {
	Exists     bool      `expr:"exists"`
	Name       string    `expr:"name"`
	Type       string    `expr:"type"`
	State      string    `expr:"state"`
	Up         bool      `expr:"up"`
	OperState  string    `expr:"operstate"`
	Carrier    bool      `expr:"carrier"`
	MTU        int       `expr:"mtu"`
	MAC        string    `expr:"mac"`
	Controller string    `expr:"controller"`
	Alias      string    `expr:"alias"`
	Index      int       `expr:"index"`
	TxQueueLen int       `expr:"txqueuelen"`
	Ports      []string  `expr:"ports"`
	Addresses  []address `expr:"addresses"`
	RX         counters  `expr:"rx"`
	TX         counters  `expr:"tx"`

	// Attr gives any attribute by its netconfig key. A call with a literal
	// key is compiled into one of the typed ones behind it.
	Attr       func(string) (any, error)     `expr:"attr"`
	AttrBool   func(string) (bool, error)    `expr:"$attr_bool"`
	AttrInt    func(string) (int, error)     `expr:"$attr_int"`
	AttrFloat  func(string) (float64, error) `expr:"$attr_float"`
	AttrString func(string) (string, error)  `expr:"$attr_string"`

	source *netstate.Interface
}

// counters are an interface's packets in one direction.
type counters struct {
	Bytes   int `expr:"bytes"`
	Packets int `expr:"packets"`
	Errors  int `expr:"errors"`
	Dropped int `expr:"dropped"`
}

// address is an IP address of an interface.
type address struct {
	Dev        string   `expr:"dev"`
	Device     string   `expr:"device"`
	IP         string   `expr:"ip"`
	Prefix     string   `expr:"prefix"`
	Network    string   `expr:"network"`
	Length     int      `expr:"length"`
	Family     int      `expr:"family"`
	Scope      string   `expr:"scope"`
	Label      string   `expr:"label"`
	Peer       string   `expr:"peer"`
	Broadcast  string   `expr:"broadcast"`
	Flags      []string `expr:"flags"`
	Tentative  bool     `expr:"tentative"`
	Deprecated bool     `expr:"deprecated"`
	Valid      int      `expr:"valid"`
	Preferred  int      `expr:"preferred"`
}

// route is an entry of a routing table.
type route struct {
	Dst      string         `expr:"dst"`
	Default  bool           `expr:"default"`
	Family   int            `expr:"family"`
	Dev      string         `expr:"dev"`
	Device   string         `expr:"device"`
	Via      string         `expr:"via"`
	Metric   int            `expr:"metric"`
	Table    int            `expr:"table"`
	Type     string         `expr:"type"`
	Protocol string         `expr:"protocol"`
	Scope    string         `expr:"scope"`
	Source   string         `expr:"source"`
	OnLink   bool           `expr:"onlink"`
	Encap    string         `expr:"encap"`
	TOS      int            `expr:"tos"`
	NextHops []nexthop      `expr:"nexthops"`
	Metrics  map[string]int `expr:"metrics"`
	Flags    []string       `expr:"flags"`
}

// nexthop is one way that a route leads.
type nexthop struct {
	Dev    string `expr:"dev"`
	Device string `expr:"device"`
	Via    string `expr:"via"`
	Weight int    `expr:"weight"`
	OnLink bool   `expr:"onlink"`
	Encap  string `expr:"encap"`
}

// rule is a routing policy rule.
type rule struct {
	Priority int    `expr:"priority"`
	Family   int    `expr:"family"`
	Not      bool   `expr:"inverted"`
	From     string `expr:"from"`
	To       string `expr:"to"`
	IIF      string `expr:"iif"`
	OIF      string `expr:"oif"`
	FwMark   int    `expr:"fwmark"`
	FwMask   int    `expr:"fwmask"`
	TOS      int    `expr:"tos"`
	Action   string `expr:"action"`
	Table    int    `expr:"table"`
	Text     string `expr:"text"`
}

// neighbour is an ARP or NDP entry.
type neighbour struct {
	Dev    string `expr:"dev"`
	Device string `expr:"device"`
	IP     string `expr:"ip"`
	MAC    string `expr:"mac"`
	State  string `expr:"state"`
	Family int    `expr:"family"`
	Proxy  bool   `expr:"proxy"`
	Router bool   `expr:"router"`
}

// fdbEntry is an entry of a bridge's or VXLAN's forwarding database.
type fdbEntry struct {
	Dev    string `expr:"dev"`
	Device string `expr:"device"`
	MAC    string `expr:"mac"`
	VLAN   int    `expr:"vlan"`
	Dst    string `expr:"dst"`
	Port   int    `expr:"port"`
	VNI    int    `expr:"vni"`
	Owner  string `expr:"owner"`
	State  string `expr:"state"`
	Sticky bool   `expr:"sticky"`
}

// pingReply is what ping found.
type pingReply struct {
	OK       bool    `expr:"ok"`
	Sent     int     `expr:"sent"`
	Received int     `expr:"received"`
	Loss     float64 `expr:"loss"`
	Min      float64 `expr:"min"`
	Avg      float64 `expr:"avg"`
	Max      float64 `expr:"max"`
	Mdev     float64 `expr:"mdev"`
	Error    string  `expr:"error"`
}

// tcpReply is what a TCP connection found.
type tcpReply struct {
	OK    bool    `expr:"ok"`
	Time  float64 `expr:"time"`
	Error string  `expr:"error"`
}

// httpReply is what an HTTP request found.
type httpReply struct {
	OK      bool              `expr:"ok"`
	Status  int               `expr:"status"`
	Body    string            `expr:"body"`
	Headers map[string]string `expr:"headers"`
	JSON    any               `expr:"json"`
	Time    float64           `expr:"time"`
	Error   string            `expr:"error"`

	jsonError error
}

// dnsReply is what a name resolved to.
type dnsReply struct {
	OK      bool     `expr:"ok"`
	Answers []string `expr:"answers"`
	RCode   string   `expr:"rcode"`
	Time    float64  `expr:"time"`
	Error   string   `expr:"error"`
}

// routeReply is the route that the kernel takes to a destination.
type routeReply struct {
	OK     bool   `expr:"ok"`
	Type   string `expr:"type"`
	Dev    string `expr:"dev"`
	Device string `expr:"device"`
	Via    string `expr:"via"`
	Source string `expr:"source"`
	Table  int    `expr:"table"`
	Metric int    `expr:"metric"`
	Error  string `expr:"error"`
}

// processReply is the processes of a name.
type processReply struct {
	OK    bool   `expr:"ok"`
	Count int    `expr:"count"`
	PIDs  []int  `expr:"pids"`
	Error string `expr:"error"`
}

// fileReply is a file.
type fileReply struct {
	OK      bool   `expr:"ok"`
	Exists  bool   `expr:"exists"`
	Size    int    `expr:"size"`
	Mode    string `expr:"mode"`
	Owner   string `expr:"owner"`
	Group   string `expr:"group"`
	SHA256  string `expr:"sha256"`
	Content string `expr:"content"`
	Error   string `expr:"error"`
}

// output is what a command printed: of run(…), or of a register.
type output struct {
	OK    bool     `expr:"ok"`
	Exit  int      `expr:"exit"`
	Out   string   `expr:"out"`
	Err   string   `expr:"err"`
	Lines []string `expr:"lines"`
	JSON  any      `expr:"json"`

	jsonError error
	truncated bool
}

// lists are the facts that a snapshot has as `now` has them.
type lists struct {
	Links          []link           `expr:"links"`
	Addresses      []address        `expr:"addresses"`
	Routes         []route          `expr:"routes"`
	Rules          []rule           `expr:"rules"`
	Neighbours     []neighbour      `expr:"neighbours"`
	Neighbors      []neighbour      `expr:"neighbors"`
	FDB            []fdbEntry       `expr:"fdb"`
	Qdiscs         []qdisc          `expr:"qdiscs"`
	Classes        []tcClass        `expr:"classes"`
	Filters        []tcFilter       `expr:"filters"`
	Resolvers      []resolver       `expr:"resolvers"`
	Namespaces     []namedNamespace `expr:"namespaces"`
	MPLSRoutes     []mplsRoute      `expr:"mpls_routes"`
	XfrmStates     []xfrmState      `expr:"xfrm_states"`
	XfrmPolicies   []xfrmPolicy     `expr:"xfrm_policies"`
	MPTCPEndpoints []mptcpEndpoint  `expr:"mptcp_endpoints"`
	MPTCPLimits    []mptcpLimits    `expr:"mptcp_limits"`
}

// recorded is a snapshot as expressions see it.
type recorded struct {
	lists
	Sysctl map[string]string `expr:"sysctl"`
	Output map[string]output `expr:"output"`

	snapshot *Snapshot
	name     string
}

// current is `now`: the facts of the target as they are.
type current struct {
	lists

	live *evaluator
}

// difference is what diff(before, now) found.
type difference struct {
	Empty          bool    `expr:"empty"`
	Count          int     `expr:"count"`
	Links          changes `expr:"links"`
	Addresses      changes `expr:"addresses"`
	Routes         changes `expr:"routes"`
	Rules          changes `expr:"rules"`
	Neighbours     changes `expr:"neighbours"`
	Neighbors      changes `expr:"neighbors"`
	FDB            changes `expr:"fdb"`
	Qdiscs         changes `expr:"qdiscs"`
	Classes        changes `expr:"classes"`
	Filters        changes `expr:"filters"`
	Resolvers      changes `expr:"resolvers"`
	Namespaces     changes `expr:"namespaces"`
	MPLSRoutes     changes `expr:"mpls_routes"`
	XfrmStates     changes `expr:"xfrm_states"`
	XfrmPolicies   changes `expr:"xfrm_policies"`
	MPTCPEndpoints changes `expr:"mptcp_endpoints"`
	MPTCPLimits    changes `expr:"mptcp_limits"`
	Sysctl         changes `expr:"sysctl"`
	Output         changes `expr:"output"`

	has map[string]bool
}

// changes is what differs between two lists of one kind of fact, as text.
type changes struct {
	Empty    bool     `expr:"empty"`
	Count    int      `expr:"count"`
	Appeared []string `expr:"appeared"`
	Vanished []string `expr:"vanished"`
	Changed  []string `expr:"changed"`
}
