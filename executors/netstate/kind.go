package netstate

import "strings"

// A kind of interface is a table, without what people read of it (package netdoc): its name in netconfig, its name in the
// kernel, and its attributes. The language (decode, facts, schema, reference
// page), Diff, the text renderings and the netlink encoding are all driven by
// it, so that a new kind is one new file here, and a second one in package
// linux only where the kernel wants more than attributes in IFLA_INFO_DATA.

// AttrType is the type of an attribute's value, on the wire and in text.
type AttrType uint8

// Types of attributes, with the canonical text of each.
const (
	Bool        AttrType = iota + 1 // "true" or "false"; u8 in netlink
	Bool32                          // the same as u32
	Uint8                           // decimal
	Uint16                          // decimal
	Uint16BE                        // decimal; network byte order in netlink
	Uint32                          // decimal
	Uint32BE                        // decimal; network byte order in netlink
	Uint64                          // decimal
	Int32                           // decimal
	String                          // as it is
	Enum                            // one of Attr.Enum's names; Attr.Wire says how wide
	MAC                             // "02:00:00:00:00:01"
	IPv4                            // "192.0.2.1"
	IPv6                            // "2001:db8::1"
	LinkRef                         // an interface's name; its ifindex as u32 in netlink
	Flag                            // "true" when present; an attribute without payload
	Centi                           // seconds in text ("15", "2.5"); hundredths as u32 (clock_t, USER_HZ)
	Centi64                         // the same as u64
	Hundredths                      // decimal hundredths of a second, as nmstate has them; u64
	IPAddress                       // an IPv4 or IPv6 address; Attr.IFLA for the one, Attr.IFLA6 for the other
	PortRange                       // "49152-65535"; two u16 in network byte order
	MACList                         // sorted, with commas; written by package linux
	BoolOpt                         // "true" or "false": bit Attr.Bit of struct br_boolopt_multi (u32 value, u32 mask)
	FlagBit                         // the same: bit Attr.Bit of a number as wide as Attr.Wire, shared with other attributes
	IFFlag                          // the same: bit Attr.Bit of ifi_flags, with ifi_change
	List                            // JSON array of objects, with the keys of Attr.Fields; written by package linux
	Key64                           // the Fingerprint of 32 bytes, which people write in base64
	PubKey64                        // 32 bytes in base64
	KeyHex                          // the Fingerprint of Attr.Min to Attr.Max bytes, which people write in hexadecimal
	Endpoint                        // "192.0.2.1:51820", "[2001:db8::1]:51820"; struct sockaddr_in or sockaddr_in6
	CIDRs                           // sorted prefixes, with commas; written by package linux
	HexID                           // bytes in hexadecimal: Attr.Max of them
	MaskedEnum                      // one of Attr.Enum's names: bits of struct ifla_vlan_flags (u32 flags, u32 mask), beside BoolOpts
	IPv4List                        // "192.0.2.1,192.0.2.2"; nested, the place as type
	IPv6List                        // the same for IPv6
	VLANList                        // "1 pvid untagged,10-20": FormatVLANs; written by package linux
	VLANTunnels                     // "10 id 1000,20-29 id 1020-1029": FormatVLANTunnels; written by package linux
	Ranges                          // "10-19 msti 1,30 msti 2": numbers from Attr.Min to Attr.Max, and Attr.Fields of them; written by package linux
	VNIList                         // "100,200-300 group 239.1.1.1": FormatVNIs; written by package linux
	QoSMap                          // "0:1,5:7", sorted; nested struct ifla_vlan_qos_mapping (u32 from, u32 to)
	TunnelKey                       // decimal; "" is none: bit Attr.Bit of number Attr.Present tells; u32 in network byte order
	CIDR                            // one prefix: "10.0.0.0/8"
	Hex32                           // "0x1f"; u32 in netlink
	IPProto                         // a protocol of IP by its name, or its number
	BitField                        // decimal up to Attr.Max, from bit Attr.Bit on of a number as wide as Attr.Wire, shared with other attributes
	Rate                            // "100mbit": FormatRate; bytes a second
	Size                            // "15k": FormatSize; bytes
	Burstsize                       // the same, or ticks of the packet scheduler where it is no whole number of bytes: Burst
	Time                            // "10ms": FormatTime; nanoseconds
	Hexadecimal                     // without 0x, as tc(8) takes minor numbers; u32
	Percent                         // "0.1%": FormatPercent; a fraction of 2^32-1 as u32
)

// Settable says when the kernel accepts an attribute.
type Settable uint8

// When an attribute can be set.
const (
	ReadOnly Settable = iota // reported only
	OnCreate                 // a change means deleting and creating anew
	Anytime                  // also on a link that exists
)

// EnumValue is one name of an Enum attribute.
type EnumValue struct {
	Name  string
	Value uint64
}

// Attr describes one attribute of a kind, of a port, or of every interface.
type Attr struct {
	// Key is the dotted path under the interface in netconfig.
	Key string
	// Its meaning for people is in package netdoc.
	Type AttrType
	// Wire is the width of an Enum: Uint8, Uint16 or Uint32.
	Wire AttrType
	Enum []EnumValue
	// Min and Max bound a number, both inclusive; Max 0 means the type's own.
	// Of an Int32, Min is how far it may be below zero.
	Min, Max uint64
	// IFLA is the attribute's number in IFLA_INFO_DATA (of a kind), in
	// IFLA_INFO_SLAVE_DATA (of a port), or in the message (of any interface).
	// 0: package linux handles it by hand.
	IFLA uint16
	// IFLA6 is the number of the same attribute for IPv6, of type IPAddress.
	IFLA6 uint16
	// Message is set for an attribute of a kind that is in the message itself
	// (IFLA_LINK), not in IFLA_INFO_DATA.
	Message bool
	// Bit is the number of the bit of a BoolOpt, FlagBit or IFFlag; Inverse
	// is set where the bit means "not".
	Bit     uint8
	Inverse bool
	// Present is the number of the attribute whose bit Bit tells that a
	// TunnelKey is there.
	Present uint16
	Set     Settable
	// Fields are the keys of the entries of a List. Those that are set
	// OnCreate name an entry; the others can be changed.
	Fields []Attr
	// Untold is set for a field of a List that the kernel never tells.
	Untold bool
	// Late is set for what names one of the interface's ports, or what they have:
	// it is set when they are there, and does not wait for itself.
	Late bool
	// Unreported is set for what the kernel takes and never tells.
	Unreported bool
	// Running is set for a field of a List that changes by itself: it is given
	// when the entry is made, and never compared.
	Running bool
	// Since is the version of Linux that brought what an older kernel takes and passes
	// over ("6.7"). Only of what a kernel that has it tells of every interface of the
	// kind, or of every port; of what is Unreported, the version alone decides.
	Since string
	// Default is what the kernel takes when the attribute is not given;
	// "" where that is not fixed.
	Default string
	// IP is the word of ip(8) that sets it ("forward_delay"). Empty: the
	// renderer of the kind says it.
	IP string
	// IPScale multiplies a number for ip(8) where its unit differs
	// (centiseconds); 0 is 1.
	IPScale int
	// Extension is set for what nmstate does not have.
	Extension bool
}

// Kind describes one type of interface.
type Kind struct {
	// Name is the type in netconfig ("linux-bridge").
	Name string
	// Kernel is IFLA_INFO_KIND ("bridge"); "" for hardware and loopback.
	Kernel string
	// Section is the mapping under the interface that holds its attributes.
	Section string
	Attrs   []Attr
	// PortAttrs are the attributes of its ports (IFLA_INFO_SLAVE_DATA), with
	// keys under PortSection: "bridge-port.stp-path-cost".
	PortAttrs []Attr
	// PortSection is the mapping under a port that holds PortAttrs
	// ("bridge-port"); "" where ports have none.
	PortSection string
	// PortList is the key of the list of ports ("bridge.port"); "" for kinds
	// that take none.
	PortList string
	// PortConfig is the key of the list that has the attributes of ports, where
	// PortList has names alone ("link-aggregation.ports-config").
	PortConfig string
	// NoAddresses is set where a port cannot have IP addresses, because its
	// controller takes every packet.
	NoAddresses bool
	// Below is the key of the interface that one of this kind lies on and
	// vanishes with ("mac-vlan.base-iface"), or "".
	Below string
	// Whole is set where the kernel takes what a change does not name for its
	// default: every attribute is sent with it.
	Whole bool
	// Pair is set for kinds that come in pairs; the keys "peer" and
	// "peer-target" of Section name the other end.
	Pair bool
	// Needs are the keys that an interface cannot be made without.
	Needs []string
	// Born is what the kernel gives to a new interface by itself; below stands
	// for what the interface below has.
	Born Attrs
	// Creatable is false for kinds that hardware or the kernel provides.
	Creatable bool
	// Module and Option are what the kernel has the kind from: a module
	// ("vxlan") and the option of its configuration ("CONFIG_VXLAN").
	Module, Option string
}

// below is a value of Kind.Born.
const below = "below"

// Mask is the bits that the values of a MaskedEnum have in all.
func (a *Attr) Mask() (bits uint32) {
	for _, e := range a.Enum {
		bits |= uint32(e.Value)
	}
	return bits
}

// kindOf is the kind of an interface, or one without attributes.
func kindOf(i *Interface) *Kind {
	if i != nil {
		if k := KindByName(i.Type); k != nil {
			return k
		}
	}
	return &Kind{}
}

// TakesPorts tells that other interfaces can be ports of one of this kind.
func (k *Kind) TakesPorts() bool { return k != nil && k.PortList != "" }

// PeerKey is the key that names the other end of a pair; "" for kinds that do
// not come in pairs.
func (k *Kind) PeerKey() string {
	if k == nil || !k.Pair {
		return ""
	}
	return k.Section + ".peer"
}

// PeerTargetKey is the key that names the namespace of the other end; "" for
// kinds that do not come in pairs.
func (k *Kind) PeerTargetKey() string {
	if k == nil || !k.Pair {
		return ""
	}
	return k.Section + ".peer-target"
}

// Peer is the other end of a pair, as far as it is known: its name, and the
// namespace that it is in, "" for that of i.
func (i *Interface) Peer() (name, target string) {
	k := kindOf(i)
	return attrOf(i, k.PeerKey()), attrOf(i, k.PeerTargetKey())
}

// paired tells that a kind comes in pairs.
func paired(typ string) bool { return KindByName(typ).PeerKey() != "" }

// IsPortKey tells that an attribute belongs to an interface as a port
// ("bridge-port.isolated").
func IsPortKey(key string) bool {
	section, _, _ := strings.Cut(key, ".")
	return strings.HasSuffix(section, "-port")
}
