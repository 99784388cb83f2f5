package netstate

// A kind of interface is a table: its name in netconfig, its name in the
// kernel, and its attributes. The language (decode, facts, schema, reference
// page), Diff, the text renderings and the netlink encoding are all driven by
// it, so that a new kind is one new file here, and a second one in package
// linux only where the kernel wants more than attributes in IFLA_INFO_DATA.

// AttrType is the type of an attribute's value, on the wire and in text.
type AttrType uint8

// Types of attributes, with the canonical text of each.
const (
	Bool       AttrType = iota + 1 // "true" or "false"; u8 in netlink
	Bool32                         // the same as u32
	Uint8                          // decimal
	Uint16                         // decimal
	Uint16BE                       // decimal; network byte order in netlink
	Uint32                         // decimal
	Uint32BE                       // decimal; network byte order in netlink
	Uint64                         // decimal
	Int32                          // decimal
	String                         // as it is
	Enum                           // one of Attr.Enum's names; Attr.Wire says how wide
	MAC                            // "02:00:00:00:00:01"
	IPv4                           // "192.0.2.1"
	IPv6                           // "2001:db8::1"
	LinkRef                        // an interface's name; its ifindex as u32 in netlink
	Flag                           // "true" when present; an attribute without payload
	Centi                          // seconds in text ("15", "2.5"); hundredths as u32 (clock_t, USER_HZ)
	Centi64                        // the same as u64
	Hundredths                     // decimal hundredths of a second, as nmstate has them; u64
	IPAddress                      // an IPv4 or IPv6 address; Attr.IFLA for the one, Attr.IFLA6 for the other
	PortRange                      // "49152-65535"; two u16 in network byte order
	MACList                        // sorted, with commas; written by package linux
	BoolOpt                        // "true" or "false": bit Attr.Bit of struct br_boolopt_multi (u32 value, u32 mask)
	FlagBit                        // the same: bit Attr.Bit of a number as wide as Attr.Wire, shared with other attributes
	IFFlag                         // the same: bit Attr.Bit of ifi_flags, with ifi_change
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
	// Doc is one sentence for the reference page: meaning, unit, source.
	Doc  string
	Type AttrType
	// Wire is the width of an Enum: Uint8, Uint16 or Uint32.
	Wire AttrType
	Enum []EnumValue
	// Min and Max bound a number, both inclusive; Max 0 means the type's own.
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
	Set     Settable
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
	Doc     string
	Attrs   []Attr
	// PortAttrs are the attributes of its ports (IFLA_INFO_SLAVE_DATA), with
	// keys under PortSection: "bridge-port.stp-path-cost".
	PortAttrs []Attr
	// Creatable is false for kinds that hardware or the kernel provides.
	Creatable bool
	// Example is a complete netconfig block for the reference page.
	Example string
}
