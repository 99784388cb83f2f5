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
	Doc: "An encrypted tunnel for IP packets (WireGuard). Keys are secrets: give them as `${NAME}` of the document's `secrets`. " +
		"Plans, journals and reports show fingerprints of them. A peer's entry that is given replaces the peer; peers that are not in the list are removed. An extension.",
	Attrs: []Attr{
		{Key: "wireguard.private-key", Type: Key64, Set: Anytime, Extension: true,
			Doc: "The interface's own key, 32 bytes in base64, as `wg genkey` prints one."},
		{Key: "wireguard.public-key", Type: String, Set: ReadOnly, Extension: true,
			Doc: "The public key that belongs to it."},
		{Key: "wireguard.listen-port", Type: Uint16, Min: 1, Set: Anytime, Extension: true,
			Doc: "UDP port. Without it, the kernel chooses one."},
		{Key: "wireguard.fwmark", Type: Uint32, Set: Anytime, Default: "0", Extension: true,
			Doc: "Mark of the encrypted packets, for route rules; 0 is none."},
		{Key: "wireguard.peers", Type: List, Set: Anytime, Extension: true, Fields: wireGuardPeer,
			Doc: "The peers."},
	},
	Example: `interfaces:
  - name: wg0
    type: wireguard
    wireguard:
      private-key: ${wg_key}
      listen-port: 51820
      peers:
        - public-key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
          preshared-key: ${wg_psk}
          endpoint: 192.0.2.2:51820
          persistent-keepalive: 25
          allowed-ips: [10.9.0.2/32, "2001:db8:9::/64"]
    ipv4:
      address:
        - ip: 10.9.0.1
          prefix-length: 24
`,
}

var wireGuardPeer = []Attr{
	{Key: "public-key", Type: PubKey64, Set: OnCreate, Doc: "Whom it belongs to: 32 bytes in base64."},
	{Key: "preshared-key", Type: Key64, Set: Anytime, Doc: "A second, symmetric key, as `wg genpsk` prints one; a secret."},
	{Key: "endpoint", Type: Endpoint, Set: Anytime, Untold: true, Doc: "ADDRESS:PORT that packets are sent to. The kernel follows a peer that moves; without `endpoint`, what it knows is left alone."},
	{Key: "persistent-keepalive", Type: Uint16, Set: Anytime, Default: "0", Doc: "Seconds between packets that keep a NAT open; 0 is off."},
	{Key: "allowed-ips", Type: CIDRs, Set: Anytime, Doc: "Prefixes that packets from the peer may come from, and that packets to it go to."},
}
