package netstate

// macSec is encryption on an Ethernet link (IEEE 802.1AE; drivers/net/macsec.c,
// IFLA_MACSEC_* of linux/if_link.h). Its channels and associations travel over
// generic netlink (linux/if_macsec.h), which package linux writes. What
// macsec_changelink refuses to change is OnCreate here.
var macSec = Kind{
	Name:      "macsec",
	Kernel:    "macsec",
	Section:   "macsec",
	Creatable: true,
	Module:    "macsec",
	Option:    "CONFIG_MACSEC",
	Below:     "macsec.base-iface",
	Needs:     []string{"macsec.base-iface"},
	Born:      Attrs{"arp": "true", "multicast": "true", "txqueuelen": "1000"},
	Doc: "Encryption of an Ethernet link (IEEE 802.1AE). nmstate's keys for MKA (`mka-cak`, `mka-ckn`) need a daemon; here the secure associations are given themselves, an extension. " +
		"Keys are secrets: give them as `${NAME}` of the document's `secrets`. The kernel never tells a key, so that a new key needs a new `key-id`; " +
		"the way back from removing an association is there for those whose key stet has set. The extended packet numbers (XPN) are not supported.",
	Attrs: []Attr{
		{Key: "macsec.base-iface", Type: LinkRef, IFLA: 5, Message: true, Set: OnCreate, IP: "link",
			Doc: "The lower interface. Required."},
		{Key: "macsec.port", Type: Uint16, Set: OnCreate, IP: "port",
			Doc: "Port number of the secure channel; 1 if not given."},
		{Key: "macsec.sci", Type: HexID, Min: 8, Max: 8, IFLA: 1, Set: OnCreate, Extension: true, IP: "sci",
			Doc: "Secure channel identifier, 16 digits: the hardware address and the port, if not given."},
		{Key: "macsec.cipher-suite", Type: Enum, Wire: Uint64, Enum: []EnumValue{{"gcm-aes-128", 0x0080020001000001}, {"gcm-aes-256", 0x0080c20001000002}}, IFLA: 4, Set: OnCreate, Default: "gcm-aes-128", Extension: true, IP: "cipher",
			Doc: "Cipher suite; it says how long keys are."},
		{Key: "macsec.icv-length", Type: Uint8, Min: 8, Max: 16, IFLA: 3, Set: OnCreate, Default: "16", Extension: true, IP: "icvlen",
			Doc: "Bytes of the integrity check value."},
		{Key: "macsec.encrypt", Type: Bool, IFLA: 7, Set: Anytime, Default: "false", IP: "encrypt",
			Doc: "Encrypt, not only authenticate."},
		{Key: "macsec.protect", Type: Bool, IFLA: 8, Set: Anytime, Default: "true", Extension: true, IP: "protect",
			Doc: "Protect what is sent."},
		{Key: "macsec.send-sci", Type: Bool, IFLA: 9, Set: Anytime, Default: "true", IP: "send_sci",
			Doc: "Send the secure channel identifier in every packet; not with `end-station` or `single-copy-broadcast`."},
		{Key: "macsec.end-station", Type: Bool, IFLA: 10, Set: Anytime, Default: "false", Extension: true, IP: "end_station",
			Doc: "Say that the identifier is that of the sender (ES bit)."},
		{Key: "macsec.single-copy-broadcast", Type: Bool, IFLA: 11, Set: Anytime, Default: "false", Extension: true, IP: "scb",
			Doc: "Single copy broadcast (SCB bit)."},
		{Key: "macsec.replay-protect", Type: Bool, IFLA: 12, Set: Anytime, Default: "false", Extension: true, IP: "replay",
			Doc: "Drop packets that come late; needs `window`."},
		{Key: "macsec.window", Type: Uint32, IFLA: 5, Set: Anytime, Extension: true, IP: "window",
			Doc: "How many packet numbers late a packet may be."},
		{Key: "macsec.validation", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"disabled", 0}, {"check", 1}, {"strict", 2}}, IFLA: 13, Set: Anytime, Default: "strict", IP: "validate",
			Doc: "What becomes of packets that are not valid: `check` only counts them."},
		{Key: "macsec.offload", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"off", 0}, {"phy", 1}, {"mac", 2}}, IFLA: 15, Set: Anytime, Default: "off", IP: "offload",
			Doc: "Where the hardware of the lower interface does the work."},
		{Key: "macsec.encoding-sa", Type: Uint8, Max: 3, IFLA: 6, Set: Anytime, Default: "0", Extension: true, IP: "encodingsa",
			Doc: "Number of the association that is sent with."},
		{Key: "macsec.tx-sa", Type: List, Set: Anytime, Extension: true, Fields: macSecAssociation(),
			Doc: "Associations to send with, at most four."},
		{Key: "macsec.rx-channel", Type: List, Set: Anytime, Extension: true, Fields: []Attr{
			macSecSCI,
			{Key: "active", Type: Bool, Set: Anytime, Default: "true", Doc: "Whether packets are taken."},
		}, Doc: "Channels of others that packets are taken from."},
		{Key: "macsec.rx-sa", Type: List, Set: Anytime, Extension: true, Fields: append([]Attr{macSecSCI}, macSecAssociation()...),
			Doc: "Associations of these channels."},
	},
	Example: `interfaces:
  - name: ms0
    type: macsec
    macsec:
      base-iface: eth1
      encrypt: true
      tx-sa:
        - number: 0
          key-id: "01"
          key: ${tx_key}
      rx-channel:
        - sci: 0200000000020001
      rx-sa:
        - sci: 0200000000020001
          number: 0
          key-id: "02"
          key: ${rx_key}
    ipv4:
      address:
        - ip: 10.8.0.1
          prefix-length: 24
`,
}

var macSecSCI = Attr{Key: "sci", Type: HexID, Min: 8, Max: 8, Set: OnCreate,
	Doc: "Secure channel identifier of the sender, 16 digits: its hardware address and port."}

func macSecAssociation() []Attr {
	return []Attr{
		{Key: "number", Type: Uint8, Max: 3, Set: OnCreate, Doc: "Association number."},
		{Key: "active", Type: Bool, Set: Anytime, Default: "true", Doc: "Whether it is used."},
		{Key: "packet-number", Type: Uint32, Min: 1, Set: Anytime, Running: true, Doc: "The next packet number when the association is made; 1 if not given. It goes on with traffic and is never compared."},
		{Key: "key-id", Type: HexID, Max: 16, Set: Anytime, Doc: "What both sides call the key, up to 32 digits; zeros are added at the end, as ip-macsec(8) does."},
		{Key: "key", Type: KeyHex, Min: 16, Max: 32, Set: Anytime, Untold: true, Doc: "The key, 32 or 64 digits; a secret."},
	}
}

// checkMacSec looks at what belongs together.
func checkMacSec(_ *simulation, i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	on := func(key string) bool { return v.Attrs["macsec."+key] == "true" }
	if on("replay-protect") && v.Attrs["macsec.window"] == "" {
		fault("macsec.replay-protect", "`replay-protect` needs `window`", "Give `window: 0` to take no packet that comes late.")
	}
	sends := v.Attrs["macsec.send-sci"] != "false"
	if sends && (on("end-station") || on("single-copy-broadcast")) {
		fault("macsec.send-sci", "`send-sci` does not go with `end-station` or `single-copy-broadcast`", "Set `send-sci: false`.")
	}
	if i.Attrs["macsec.port"] == "0" {
		fault("macsec.port", "a secure channel's port is 1 to 65535", "Leave it out for 1.")
	}
	channels := map[string]bool{}
	for _, e := range AttrByKey("macsec.rx-channel").Entries(v.Attrs["macsec.rx-channel"]) {
		channels[e["sci"]] = true
	}
	for _, e := range AttrByKey("macsec.rx-sa").Entries(v.Attrs["macsec.rx-sa"]) {
		if !channels[e["sci"]] {
			fault("macsec.rx-sa", "`rx-sa` names the channel "+e["sci"]+", which is not in `rx-channel`", "Add it there.")
		}
	}
}
