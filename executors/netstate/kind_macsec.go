package netstate

import "strconv"

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
	Born:      bornEthernet,
	Attrs: []Attr{
		{Key: "macsec.base-iface", Type: LinkRef, IFLA: 5, Message: true, Set: OnCreate, IP: "link"},
		{Key: "macsec.port", Type: Uint16, Set: OnCreate, IP: "port"},
		{Key: "macsec.sci", Type: HexID, Min: 8, Max: 8, IFLA: 1, Set: OnCreate, Extension: true, IP: "sci"},
		{Key: "macsec.cipher-suite", Type: Enum, Wire: Uint64, Enum: []EnumValue{{"gcm-aes-128", 0x0080020001000001}, {"gcm-aes-256", 0x0080c20001000002}}, IFLA: 4, Set: OnCreate, Default: "gcm-aes-128", Extension: true, IP: "cipher"},
		{Key: "macsec.icv-length", Type: Uint8, Min: 8, Max: 16, IFLA: 3, Set: OnCreate, Default: "16", Extension: true, IP: "icvlen"},
		{Key: "macsec.encrypt", Type: Bool, IFLA: 7, Set: Anytime, Default: "false", IP: "encrypt"},
		{Key: "macsec.protect", Type: Bool, IFLA: 8, Set: Anytime, Default: "true", Extension: true, IP: "protect"},
		{Key: "macsec.send-sci", Type: Bool, IFLA: 9, Set: Anytime, Default: "true", IP: "send_sci"},
		{Key: "macsec.end-station", Type: Bool, IFLA: 10, Set: Anytime, Default: "false", Extension: true, IP: "end_station"},
		{Key: "macsec.single-copy-broadcast", Type: Bool, IFLA: 11, Set: Anytime, Default: "false", Extension: true, IP: "scb"},
		{Key: "macsec.replay-protect", Type: Bool, IFLA: 12, Set: Anytime, Default: "false", Extension: true, IP: "replay"},
		{Key: "macsec.window", Type: Uint32, IFLA: 5, Set: Anytime, Extension: true, IP: "window"},
		{Key: "macsec.validation", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"disabled", 0}, {"check", 1}, {"strict", 2}}, IFLA: 13, Set: Anytime, Default: "strict", IP: "validate"},
		{Key: "macsec.offload", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"off", 0}, {"phy", 1}, {"mac", 2}}, IFLA: 15, Set: Anytime, Default: "off", IP: "offload"},
		{Key: "macsec.encoding-sa", Type: Uint8, Max: 3, IFLA: 6, Set: Anytime, Default: "0", Extension: true, IP: "encodingsa"},
		{Key: "macsec.tx-sa", Type: List, Set: Anytime, Extension: true, Fields: macSecAssociation()},
		{Key: "macsec.rx-channel", Type: List, Set: Anytime, Extension: true, Fields: []Attr{
			macSecSCI,
			{Key: "active", Type: Bool, Set: Anytime, Default: "true"},
		}},
		{Key: "macsec.rx-sa", Type: List, Set: Anytime, Extension: true, Fields: append([]Attr{macSecSCI}, macSecAssociation()...)},
	},
}

var macSecSCI = Attr{Key: "sci", Type: HexID, Min: 8, Max: 8, Set: OnCreate}

func macSecAssociation() []Attr {
	return []Attr{
		{Key: "number", Type: Uint8, Max: 3, Set: OnCreate},
		{Key: "active", Type: Bool, Set: Anytime, Default: "true"},
		{Key: "packet-number", Type: Uint32, Min: 1, Set: Anytime, Running: true},
		{Key: "key-id", Type: HexID, Max: 16, Set: Anytime},
		{Key: "key", Type: KeyHex, Min: 16, Max: 32, Set: Anytime, Untold: true},
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
	} else if port, sci := i.Attrs["macsec.port"], i.Attrs["macsec.sci"]; port != "" && len(sci) == 16 {
		if own, err := strconv.ParseUint(sci[12:], 16, 16); err == nil && strconv.FormatUint(own, 10) != port {
			fault("macsec.port", "the channel "+sci+" has the port "+strconv.FormatUint(own, 10)+", not "+port, "Leave `port` out: `sci` ends with it.")
		}
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
