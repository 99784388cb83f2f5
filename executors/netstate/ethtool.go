package netstate

import (
	"slices"
	"strings"
	"sync"
)

// EthtoolGroup is one sort of settings of an interface's driver, which travel
// in one message of ethtool's generic netlink (linux/ethtool_netlink.h).
type EthtoolGroup struct {
	// Section is what the keys of its attributes begin with, "ethtool.ring.".
	Section string
	// Get and Set are the messages, ETHTOOL_MSG_*.
	Get, Set uint8
	// Flag is the option of ethtool(8) that sets them.
	Flag string
	// keys name the attributes of the message from number 2 on: those with "!"
	// can only be read, those with "?" are true or false (u8), "-" is none; the
	// others are numbers (u32).
	keys string
}

// EthtoolGroups are all of them but features, in the order in which they are
// set: channels first, because drivers make rings anew for them.
var EthtoolGroups = []EthtoolGroup{
	{"ethtool.channels.", 17, 18, "-L", "rx-max! tx-max! other-max! combined-max! rx tx other combined"},
	{"ethtool.ring.", 15, 16, "-G", "rx-max! rx-mini-max! rx-jumbo-max! tx-max! rx rx-mini rx-jumbo tx"},
	{"ethtool.coalesce.", 19, 20, "-C", "rx-usecs rx-frames rx-usecs-irq rx-frames-irq tx-usecs tx-frames tx-usecs-irq tx-frames-irq" +
		" stats-block-usecs adaptive-rx? adaptive-tx? pkt-rate-low rx-usecs-low rx-frames-low tx-usecs-low tx-frames-low" +
		" pkt-rate-high rx-usecs-high rx-frames-high tx-usecs-high tx-frames-high sample-interval"},
	{"ethtool.pause.", 21, 22, "-A", "autoneg? rx? tx?"},
	{fecSection, 29, 30, "--set-fec", "mode auto?"},
	{"ethernet.", 4, 5, "-s", "auto-negotiation? - - speed duplex"},
}

// fecSection begins the keys of forward error correction.
const fecSection = "ethtool.fec."

// Forward error correction: the codes that the driver is told to use, with commas,
// and whether it chooses by itself.
const (
	FECMode = fecSection + "mode"
	FECAuto = fecSection + "auto"
)

// fecModes are the codes by their numbers among the modes of a link
// (ETHTOOL_LINK_MODE_FEC_*_BIT of linux/ethtool.h).
var fecModes = []EnumValue{{"off", 49}, {"rs", 50}, {"baser", 51}, {"llrs", 74}}

// EthtoolFeature begins the keys of features ("ethtool.feature.rx-gro"), whose
// names are the kernel's: netdev_features_strings of net/ethtool/common.c.
const EthtoolFeature = "ethtool.feature."

const autoNegotiation = "ethernet.auto-negotiation"

var duplexes = []EnumValue{{"half", 0}, {"full", 1}}

// ethtoolAttrs are the attributes of the groups.
var ethtoolAttrs = sync.OnceValue(makeEthtoolAttrs)

func makeEthtoolAttrs() (list []Attr) {
	for _, g := range EthtoolGroups {
		for i, key := range strings.Fields(g.keys) {
			a := Attr{Key: g.Section + strings.TrimRight(key, "!?"), Type: Uint32, IFLA: uint16(i + 2), Set: Anytime, Extension: g.Flag == "-L"}
			switch {
			case key == "-":
				continue
			case key == "duplex":
				a.Type, a.Wire, a.Enum = Enum, Uint8, duplexes
			case a.Key == FECMode:
				a.Type, a.Wire, a.Enum = Enum, Uint8, fecModes
			case strings.HasSuffix(key, "?"):
				a.Type = Bool
			case strings.HasSuffix(key, "!"):
				a.Set = ReadOnly
			}
			a.IP = strings.TrimPrefix(a.Key, g.Section)
			if a.Key == autoNegotiation {
				a.IP = "autoneg"
			}
			list = append(list, a)
		}
	}
	return append(list, sriovAttrs...)
}

// EthtoolAttrs returns the attributes that drivers of interfaces may have,
// without features. The result is shared: do not change it.
func EthtoolAttrs() []Attr { return ethtoolAttrs() }

// IsEthtool tells that an attribute is a setting of an interface's driver.
func IsEthtool(key string) bool {
	return strings.HasPrefix(key, "ethtool.") || strings.HasPrefix(key, "ethernet.")
}

// Negotiated tells that a setting of an interface's driver is what it agreed on
// with the other end, not what anybody set: it changes with the line. While pause
// frames are negotiated, drivers such as e1000 report the result as rx and tx.
func (i *Interface) Negotiated(key string) bool {
	return i.Attrs["ethtool.pause.autoneg"] == "true" && (key == "ethtool.pause.rx" || key == "ethtool.pause.tx")
}

// hasEthtool tells that an interface has such attributes.
func (i *Interface) hasEthtool() bool { return i.has("ethtool.") || i.has("ethernet.") }

// has tells that an interface has attributes whose keys begin so.
func (i *Interface) has(section string) bool {
	for key := range i.Attrs {
		if strings.HasPrefix(key, section) {
			return true
		}
	}
	return false
}

// ethtoolCommands are the commands of ethtool(8) for such attributes, one a
// group.
func ethtoolCommands(i *Interface, diffs []Difference) (out []string) {
	sets := append(slices.Clone(EthtoolGroups), EthtoolGroup{Section: EthtoolFeature, Flag: "-K"})
	for _, g := range sets {
		var w []string
		for _, d := range diffs {
			name, ok := strings.CutPrefix(d.Key, g.Section)
			if !ok || IsSRIOV(d.Key) {
				continue
			}
			a := AttrByKey(d.Key)
			if a.IP != "" {
				name = a.IP
			}
			value := d.After
			if a.Type == Bool {
				value = onOff(value)
			}
			w = append(w, name, value)
		}
		if len(w) > 0 && g.Section == fecSection {
			w = append([]string{"encoding"}, fecWords(i.Attrs)...)
		}
		if len(w) > 0 {
			out = append(out, words(slices.Concat(toolIn("ethtool", i.Netns), []string{g.Flag, i.Name}, w)...))
		}
	}
	return out
}

// fecWords are the codes as ethtool(8) takes them.
func fecWords(attrs Attrs) []string {
	w := strings.FieldsFunc(attrs[FECMode], func(r rune) bool { return r == ',' })
	if attrs[FECAuto] == "true" {
		w = append([]string{"auto"}, w...)
	}
	return w
}

// inactive finds features that were asked for and do not have the effect: they
// need others, or the driver refused. What an interface that is made anew had
// before is set again, but whether it has an effect follows from what lies below.
func (v *verifier) inactive(c *Change, before, want, got *Interface, keys map[string]bool) {
	for _, key := range unionKeys(want.Attrs, nil) {
		is := got.Status[key]
		if before != nil && !c.sets(before, key) {
			continue
		}
		if !keys[key] || !strings.HasPrefix(key, EthtoolFeature) || want.Attrs[key] != got.Attrs[key] || is == "" || is == want.Attrs[key] {
			continue
		}
		v.differs(linkName(want), key, want.Attrs[key], is+", though it is set: it depends on another feature")
	}
}

// seldomOn tells of features that are off as long as nobody wants them; all
// others are on where the driver has them.
func seldomOn(key string) bool {
	switch key[len(EthtoolFeature):] {
	case "tx-nocache-copy", "rx-gro-list", "rx-udp-gro-forwarding", "rx-fcs", "rx-all", "loopback", "hw-tc-offload", "l2-fwd-offload",
		"rx-ntuple-filter", "tls-hw-tx-offload", "tls-hw-rx-offload", "tls-hw-record", "rx-lro", "macsec-hw-offload":
		return true
	}
	return false
}

// UsualFeature tells that a feature, by its whole key, is on or off as it is
// without anybody's wish.
func (i *Interface) UsualFeature(key string, on bool) bool {
	const gro = EthtoolFeature + "rx-gro"
	return on != (seldomOn(key) || key == gro && i.Type == "veth")
}

// UsualEthtool tells that a setting of an interface's driver is as it is without
// anybody's wish: a feature, or what a virtual interface says of its line.
func (i *Interface) UsualEthtool(key string) bool {
	if strings.HasPrefix(key, EthtoolFeature) {
		return i.UsualFeature(key, i.Attrs[key] == "true")
	}
	switch key {
	case TotalVFs:
		return i.Attrs[key] == "0"
	case VFAutoprobe:
		return i.Attrs[key] == "true"
	}
	switch {
	case i.Type == "tun" && key == "ethtool.channels.combined":
		return true // how many programs have it open (tun_get_channels)
	case !strings.HasPrefix(key, "ethernet.") || i.Type == "ethernet":
		return false
	case i.Type != "tun":
		return true // none of the others can be told another
	}
	v := i.Attrs[key] // tun_default_link_ksettings
	return v == "10" || v == "full" || v == "false"
}

// lean is an interface that goes, or is made anew, without what a new one has by
// itself of its driver.
func lean(i *Interface) *Interface {
	c := withoutAddresses(i)
	if !i.hasEthtool() {
		return c
	}
	c.Attrs = Attrs{} // most of them have nothing else
	for key, value := range i.Attrs {
		if !IsEthtool(key) || !i.UsualEthtool(key) {
			c.Attrs[key] = value
		}
	}
	return c
}
