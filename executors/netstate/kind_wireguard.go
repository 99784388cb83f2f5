package netstate

// wireGuard is an encrypted tunnel (drivers/net/wireguard; linux/wireguard.h).
// Everything of it travels over generic netlink, which package linux writes.
var wireGuard = Kind{
	Name:      "wireguard",
	Kernel:    "wireguard",
	Section:   "wireguard",
	Creatable: true,
	Module:    "wireguard",
	Option:    "CONFIG_WIREGUARD",
	Born:      Attrs{"arp": "false", "multicast": "false", "txqueuelen": "1000", "mtu": "1420"},
	Attrs: []Attr{
		{Key: "wireguard.private-key", Type: Key64, Set: Anytime, Extension: true},
		{Key: "wireguard.public-key", Type: String, Set: ReadOnly, Extension: true},
		{Key: "wireguard.listen-port", Type: Uint16, Min: 1, Set: Anytime, Extension: true},
		{Key: "wireguard.fwmark", Type: Uint32, Set: Anytime, Default: "0", Extension: true},
		{Key: "wireguard.peers", Type: List, Set: Anytime, Extension: true, Fields: wireGuardPeer},
	},
}

var wireGuardPeer = []Attr{
	{Key: "public-key", Type: PubKey64, Set: OnCreate},
	{Key: "preshared-key", Type: Key64, Set: Anytime},
	{Key: "endpoint", Type: Endpoint, Set: Anytime, Untold: true},
	{Key: "persistent-keepalive", Type: Uint16, Set: Anytime, Default: "0"},
	{Key: "allowed-ips", Type: CIDRs, Set: Anytime},
}
