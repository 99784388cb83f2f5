package netstate

// Config is what a netconfig block asks for: a partial state. What it does not
// name is left alone. It is made by package netyaml and read by Simulate.
type Config struct {
	Interfaces []InterfaceConfig
	Routes     []RouteConfig
	Nexthops   []NexthopConfig
	MPLS       []RouteConfig
	Rules      []RuleConfig
	Neighbors  []NeighborConfig
	FDB        []FDBConfig
	MDB        []MDBConfig
	Sysctls    []SysctlConfig
	DNS        *DNSConfig // nil if not named
	Namespaces []NamespaceConfig
	Xfrm       []XfrmConfig
	MPTCP      []XfrmConfig
	// Files are the tables that entries were read from.
	Files []File
	// Secrets are the keys that the block gives, by their fingerprints, which
	// stand in its attributes.
	Secrets Secrets
}

// File is a file that a configuration was read from besides the block.
type File struct {
	Name   string `json:"name"`   // as it is written in the block
	SHA256 string `json:"sha256"` // of its content, in hexadecimal
}

// Pos is a place in the YAML of a block: both count from 1, columns in
// characters. The zero Pos is unknown.
type Pos struct {
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// InterfaceConfig is one entry of interfaces.
type InterfaceConfig struct {
	Pos  Pos
	Name string
	// Type may be "" for an interface that exists.
	Type string
	// State is "up", "down", "absent", "ignore" or "" (up when it is made by
	// this, else left as it is).
	State string
	Attrs Attrs
	// AttrPos has the place of each key of Attrs.
	AttrPos map[string]Pos
	// Ports is the whole list of ports of a controller; nil if not named.
	Ports *[]string
	// IPv4 and IPv6 are nil if not named.
	IPv4, IPv6 *IPConfig
	// Traffic is nil if not named.
	Traffic *TCConfig
	// Sysctls are per-interface keys ("net.ipv4.conf.*.forwarding" with the
	// interface filled in by the decoder).
	Sysctls []SysctlConfig
}

// IPConfig is an interface's ipv4 or ipv6 mapping.
type IPConfig struct {
	Pos Pos
	// Enabled is nil if not named. false removes the addresses, and for IPv6
	// also sets disable_ipv6, as nmstate does.
	Enabled *bool
	// Addresses replaces the whole list of the family; nil if not named.
	Addresses *[]Address
}

// RouteConfig is one entry of routes.config: merged, never replacing others.
// With Absent, unset fields match any value.
type RouteConfig struct {
	Pos    Pos
	Absent bool
	Route  Route
	// Prefixes are the destinations of an entry that stands for many routes,
	// instead of Route's. File is where they were read from, as it is written
	// in the block.
	Prefixes Prefixes
	File     string
	// Has tells which optional fields were given: "destination", "metric",
	// "table-id", "next-hop-interface", "next-hop-address", "source", "type".
	Has map[string]bool
}

// RuleConfig is one entry of route-rules.config.
type RuleConfig struct {
	Pos    Pos
	Absent bool
	Rule   Rule
	// Has tells which fields were given, by netconfig key.
	Has map[string]bool
}

// NeighborConfig is one entry of neighbors (an extension).
type NeighborConfig struct {
	Pos      Pos
	Absent   bool
	Neighbor Neighbor
}

// FDBConfig is one entry of fdb (an extension).
type FDBConfig struct {
	Pos    Pos
	Absent bool
	Entry  FDBEntry
}

// SysctlConfig is one key of sysctl (an extension).
type SysctlConfig struct {
	Pos   Pos
	Key   string
	Value string
}

// Problem is a fault of a Config: found while decoding, or by Simulate against
// a state. It becomes a diagnostic of the document.
type Problem struct {
	Pos     Pos
	Summary string
	// Detail ends in what to do.
	Detail string
	// Code is stable and kebab-case: "unknown-key", "unknown-port", ….
	Code string
}
