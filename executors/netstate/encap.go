package netstate

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Encapsulation is how a route wraps what goes by it (lwtunnel, ip-route(8)).
type Encapsulation struct {
	// Type is "mpls", "ip", "ip6", "seg6" or "seg6local".
	Type string
	// Labels are MPLS labels, the outermost first.
	Labels []uint32
	// TTL is that of the outer header, the hop limit of IPv6; 0 is the usual.
	TTL uint8
	// ID is the tunnel's key. Src may be invalid; TOS is also the traffic
	// class. Csum, Key and Seq are the flags of GRE that are set.
	ID             uint64
	Dst, Src       netip.Addr
	TOS            uint8
	Csum, Key, Seq bool
	// Mode of seg6 is "inline", "encap", "l2encap", "encap.red" or
	// "l2encap.red"; Segs are the segments in their order.
	Mode string
	Segs []netip.Addr
	// Action of seg6local is "End", "End.X", …; with NH4, NH6, Table, VRFTable
	// or OIF, whichever it takes.
	Action          string
	NH4, NH6        netip.Addr
	Table, VRFTable uint32
	OIF             string
}

// Seg6Modes are SEG6_IPTUN_MODE_* of linux/seg6_iptunnel.h by their number.
var Seg6Modes = []string{"inline", "encap", "l2encap", "encap.red", "l2encap.red"}

// Seg6Actions are SEG6_LOCAL_ACTION_* of linux/seg6_local.h by their number, as
// far as they are known here.
var Seg6Actions = []string{1: "End", 2: "End.X", 3: "End.T", 4: "End.DX2", 5: "End.DX6", 6: "End.DX4", 7: "End.DT6", 8: "End.DT4", 16: "End.DT46"}

// CanonicalEncap reads an encapsulation as ip-route(8) has it, and writes it
// always in the same way.
func CanonicalEncap(text string) (string, error) {
	e, err := ParseEncap(text)
	if err != nil {
		return "", err
	}
	return e.String(), nil
}

// ParseEncap reads an encapsulation: "mpls 100/200 ttl 5", "ip id 5 dst
// 192.0.2.9", "ip6 id 5 dst 2001:db8::9", "seg6 mode encap segs
// 2001:db8::1,2001:db8::2", "seg6local action End.X nh6 2001:db8::1". The error
// says what is wrong with it.
func ParseEncap(text string) (*Encapsulation, error) {
	w := strings.Fields(text)
	if len(w) == 0 {
		return nil, fmt.Errorf("an encapsulation begins with its type: mpls, ip, ip6, seg6 or seg6local")
	}
	e := &Encapsulation{Type: w[0]}
	w = w[1:]
	if e.Type == "mpls" {
		if len(w) == 0 {
			return nil, fmt.Errorf("mpls without labels")
		}
		var err error
		if e.Labels, err = ParseLabels(w[0]); err != nil {
			return nil, err
		}
		w = w[1:]
	}
	seen := map[string]bool{}
	for len(w) > 0 {
		key := w[0]
		if seen[key] {
			return nil, fmt.Errorf("%s stands twice", key)
		}
		seen[key] = true
		n, err := e.word(key, w[1:])
		if err != nil {
			return nil, err
		}
		w = w[1+n:]
	}
	return e, e.check()
}

// encapWords are the words that each type takes.
var encapWords = map[string]string{
	"mpls": " ttl ", "ip": " id dst src ttl tos csum key seq ", "ip6": " id dst src hoplimit tc csum key seq ",
	"seg6": " mode segs ", "seg6local": " action nh4 nh6 table vrftable oif ",
}

// word reads what follows one word, and tells how many words that is.
func (e *Encapsulation) word(key string, rest []string) (int, error) {
	words, known := encapWords[e.Type]
	switch {
	case !known:
		return 0, fmt.Errorf("there is no encapsulation %q; there are mpls, ip, ip6, seg6 and seg6local", e.Type)
	case !strings.Contains(words, " "+key+" "):
		return 0, fmt.Errorf("%s has no %q; it has%s", e.Type, key, strings.TrimSuffix(words, " "))
	}
	switch key {
	case "csum":
		e.Csum = true
		return 0, nil
	case "key":
		e.Key = true
		return 0, nil
	case "seq":
		e.Seq = true
		return 0, nil
	}
	if len(rest) == 0 {
		return 0, fmt.Errorf("%s without value", key)
	}
	return 1, e.value(key, rest[0])
}

func (e *Encapsulation) value(key, v string) (err error) {
	number := func(bits int) (n uint64) {
		if n, err = strconv.ParseUint(v, 0, bits); err != nil {
			err = fmt.Errorf("%s %q is no number of %d bits", key, v, bits)
		}
		return n
	}
	addr := func(six bool) (a netip.Addr) {
		if a, err = netip.ParseAddr(v); err != nil || a.Is6() != six || a.Zone() != "" {
			err = fmt.Errorf("%s %q is no IPv%s address", key, v, map[bool]string{true: "6", false: "4"}[six])
		}
		return a
	}
	switch key {
	case "ttl", "hoplimit":
		e.TTL = uint8(number(8))
	case "tos", "tc":
		e.TOS = uint8(number(8))
	case "id":
		e.ID = number(64)
	case "dst":
		e.Dst = addr(e.Type == "ip6")
	case "src":
		e.Src = addr(e.Type == "ip6")
	case "mode":
		e.Mode = v
	case "segs":
		for one := range strings.SplitSeq(v, ",") {
			if v = one; err == nil {
				e.Segs = append(e.Segs, addr(true))
			}
		}
	case "action":
		e.Action = v
	case "nh4":
		e.NH4 = addr(false)
	case "nh6":
		e.NH6 = addr(true)
	case "table":
		e.Table = uint32(number(32))
	case "vrftable":
		e.VRFTable = uint32(number(32))
	case "oif":
		e.OIF, err = v, CheckName(v)
	}
	return err
}

// actionTakes is what an action of seg6local cannot be without.
var actionTakes = map[string]string{
	"End": "", "End.X": "nh6", "End.T": "table", "End.DX2": "oif", "End.DX6": "nh6", "End.DX4": "nh4",
	"End.DT6": "table or vrftable", "End.DT4": "vrftable", "End.DT46": "vrftable",
}

func (e *Encapsulation) check() error {
	switch e.Type {
	case "mpls":
	case "ip", "ip6":
		if !e.Dst.IsValid() || e.Dst.IsUnspecified() {
			return fmt.Errorf("%s without dst, where it leads", e.Type)
		}
	case "seg6":
		if !slices.Contains(Seg6Modes, e.Mode) {
			return fmt.Errorf("seg6 needs a mode: %s", strings.Join(Seg6Modes, ", "))
		}
		if len(e.Segs) == 0 || len(e.Segs) > 126 {
			return fmt.Errorf("seg6 needs segs, 1 to 126 addresses with commas")
		}
	case "seg6local":
		takes, known := actionTakes[e.Action]
		if !known {
			return fmt.Errorf("there is no action %q of seg6local here", e.Action)
		}
		has := map[string]bool{"nh4": e.NH4.IsValid(), "nh6": e.NH6.IsValid(), "table": e.Table != 0, "vrftable": e.VRFTable != 0, "oif": e.OIF != ""}
		given := 0
		for word, is := range has {
			if is {
				given++
			}
			if is && !slices.Contains(strings.Fields(takes), word) {
				return fmt.Errorf("the action %s takes no %s", e.Action, word)
			}
		}
		if takes != "" && given != 1 {
			return fmt.Errorf("the action %s needs %s", e.Action, takes)
		}
	default:
		return fmt.Errorf("there is no encapsulation %q; there are mpls, ip, ip6, seg6 and seg6local", e.Type)
	}
	return nil
}

// String is the encapsulation as ip-route(8) writes it.
func (e *Encapsulation) String() string {
	w := []string{e.Type}
	add := func(key, value string) {
		if value != "" {
			w = append(w, key, value)
		}
	}
	addr := func(key string, a netip.Addr) {
		if a.IsValid() && !a.IsUnspecified() {
			add(key, a.String())
		}
	}
	ttl, tos := "ttl", "tos"
	switch e.Type {
	case "mpls":
		w = append(w, FormatLabels(e.Labels))
	case "ip6":
		ttl, tos = "hoplimit", "tc"
		fallthrough
	case "ip":
		add("id", strconv.FormatUint(e.ID, 10))
	}
	addr("dst", e.Dst)
	addr("src", e.Src)
	add(ttl, number(e.TTL))
	add(tos, number(e.TOS))
	for _, f := range []struct {
		on   bool
		word string
	}{{e.Csum, "csum"}, {e.Key, "key"}, {e.Seq, "seq"}} {
		if f.on {
			w = append(w, f.word)
		}
	}
	add("mode", e.Mode)
	var segs []string
	for _, a := range e.Segs {
		segs = append(segs, a.String())
	}
	add("segs", strings.Join(segs, ","))
	add("action", e.Action)
	addr("nh4", e.NH4)
	addr("nh6", e.NH6)
	add("table", number(e.Table))
	add("vrftable", number(e.VRFTable))
	add("oif", e.OIF)
	return strings.Join(w, " ")
}

// ipEncap are the words of an encapsulation as ip(8) reads them: it takes the type
// of service for hexadecimal, and shows it in decimal.
func ipEncap(text string) []string {
	w := strings.Fields(text)
	for i := 1; i < len(w); i++ {
		n, err := strconv.ParseUint(w[i], 10, 8)
		if (w[i-1] == "tos" || w[i-1] == "tc") && err == nil {
			w[i] = hex(uint8(n))
		}
	}
	return w
}

// EncapOf is the entry of Query.Kinds that asks whether the kernel has a type of
// encapsulation.
func EncapOf(typ string) string { return "encap " + typ }

// encapsulations calls yield for the type of each encapsulation that is to be
// made.
func (c *Config) encapsulations(yield func(typ string, at Pos)) {
	say := func(text string, at Pos) {
		if typ, _, _ := strings.Cut(text, " "); typ != "" {
			yield(typ, at)
		}
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		for n := range r.Route.NextHops {
			if !r.Absent {
				say(r.Route.NextHops[n].Encap, r.Pos)
			}
		}
	}
	for i := range c.Nexthops {
		if n := &c.Nexthops[i]; !n.Absent {
			say(n.Nexthop.Encap, n.Pos)
		}
	}
}

// encaps refuses encapsulations that the kernel does not have.
func (m *simulation) encaps(c *Config) {
	c.encapsulations(func(typ string, at Pos) {
		if reason := m.from.Lacks[EncapOf(typ)]; reason != "" {
			m.problem(at, "kernel-lacks", "routes cannot have the encapsulation "+typ+": "+reason, "Install or load the module, or run a kernel that has it.")
		}
	})
}

// lastLabel is MPLS_LABEL_* of linux/mpls.h: 20 bits.
const lastLabel = 1<<20 - 1

// ParseLabels reads a stack of MPLS labels, the outermost first: "100/200".
func ParseLabels(text string) ([]uint32, error) {
	var list []uint32
	for one := range strings.SplitSeq(text, "/") {
		n, err := strconv.ParseUint(one, 0, 32)
		if err != nil || n > lastLabel || n == 3 {
			return nil, fmt.Errorf("%q is no MPLS label: 0 to 1048575, without 3 (implicit null)", one)
		}
		list = append(list, uint32(n))
	}
	const most = 30 // MAX_NEW_LABELS
	if len(list) > most {
		return nil, fmt.Errorf("%d labels are more than the kernel pushes (%d)", len(list), most)
	}
	return list, nil
}

// FormatLabels writes a stack of MPLS labels.
func FormatLabels(list []uint32) string {
	var w []string
	for _, n := range list {
		w = append(w, strconv.FormatUint(uint64(n), 10))
	}
	return strings.Join(w, "/")
}
