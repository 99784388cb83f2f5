package netstate

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// VNIRange is entries of a VXLAN's filter of network identifiers (bridge-vni(8),
// VXLAN_VNIFILTER_ENTRY_*).
type VNIRange struct {
	Min, Max uint32 // 0 to 16777215, both included
	// Group is where packets of these identifiers go, instead of the
	// interface's own remote; invalid if none.
	Group netip.Addr
}

// String is a range in bridge(8)'s words: "100", "200-300 group 239.1.1.1".
func (r VNIRange) String() string {
	s := strconv.FormatUint(uint64(r.Min), 10)
	if r.Max != r.Min {
		s += "-" + strconv.FormatUint(uint64(r.Max), 10)
	}
	if r.Group.IsValid() {
		s += " group " + r.Group.String()
	}
	return s
}

// ParseVNIs reads ranges with commas between them, in any order, and returns
// them sorted, neighbours of one group as one.
func ParseVNIs(text string) ([]VNIRange, error) {
	var list []VNIRange
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		r, err := parseVNI(words)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	sortShort(list, func(a, b VNIRange) int { return cmp.Compare(a.Min, b.Min) })
	var merged []VNIRange
	for i, r := range list {
		if i > 0 && list[i-1].Max >= r.Min {
			return nil, fmt.Errorf("identifier %d stands twice", r.Min)
		}
		if n := len(merged) - 1; n >= 0 && merged[n].Max+1 == r.Min && merged[n].Group == r.Group {
			merged[n].Max = r.Max
			continue
		}
		merged = append(merged, r)
	}
	return merged, nil
}

func parseVNI(words []string) (r VNIRange, err error) {
	low, high, err := parseEnds(words[0], "identifier", 0, 1<<24-1)
	if err != nil {
		return r, err
	}
	r.Min, r.Max = uint32(low), uint32(high)
	switch {
	case len(words) == 1:
		return r, nil
	case len(words) != 3 || words[1] != "group" && words[1] != "remote":
		return r, fmt.Errorf("%q is not as 200-300 group 239.1.1.1", strings.Join(words, " "))
	}
	r.Group, err = netip.ParseAddr(words[2])
	if err != nil || r.Group.Zone() != "" || r.Group.IsUnspecified() {
		return r, fmt.Errorf("%q is no IP address", words[2])
	}
	return r, nil
}

// FormatVNIs is the canonical text of ranges that ParseVNIs returned.
func FormatVNIs(list []VNIRange) string {
	out := make([]string, 0, len(list))
	for _, r := range list {
		out = append(out, r.String())
	}
	return strings.Join(out, ",")
}

func canonicalVNIs(text string) (string, error) {
	list, err := ParseVNIs(text)
	return FormatVNIs(list), err
}

// VNIDelta is what leads from some entries to others: those to remove, and then
// those to add. A range of which a part changes is removed and added as a whole.
func VNIDelta(from, to []VNIRange) (remove, add []VNIRange) {
	for _, r := range from {
		if !slices.Contains(to, r) {
			remove = append(remove, r)
		}
	}
	for _, r := range to {
		if !slices.Contains(from, r) {
			add = append(add, r)
		}
	}
	return remove, add
}

// vniCommands are bridge(8)'s commands from some entries to others.
func vniCommands(i *Interface, d Difference) []string {
	from, _ := ParseVNIs(d.Before)
	to, err := ParseVNIs(d.After)
	if err != nil {
		return nil
	}
	var out []string
	line := func(verb string, r VNIRange) {
		w := append([]string{"bridge"}, ipIn(i.Netns)[1:]...)
		out = append(out, words(append(append(w, "vni", verb, "dev", i.Name, "vni"), strings.Fields(r.String())...)...))
	}
	remove, add := VNIDelta(from, to)
	for _, r := range remove {
		line("delete", VNIRange{Min: r.Min, Max: r.Max})
	}
	for _, r := range add {
		line("add", r)
	}
	return out
}
