package netstate

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Difference is an attribute that an edit sets, or that differs.
type Difference struct {
	Key string
	// Before and After are canonical text; Before is "" where it is unknown
	// or was not set.
	Before, After string
}

// Differences returns what must be set to make the interface before into
// after, sorted by key. An attribute that after does not have is left alone,
// unless its absence means something: no controller, or a kind's default.
// When the controller changes, every attribute of the port that after has is
// among them, because the kernel begins anew with its defaults.
// What can only be read is never among them.
func Differences(before, after *Interface) []Difference {
	if before.Type == after.Type && maps.Equal(before.Attrs, after.Attrs) {
		return nil
	}
	var out []Difference
	moved := attrOf(before, "controller") != attrOf(after, "controller")
	for _, key := range unionKeys(before.Attrs, after.Attrs) {
		attr := AttrByKey(key)
		if attr == nil || attr.Set == ReadOnly || key == "netns" || before.Negotiated(key) && after.Negotiated(key) {
			continue
		}
		port := IsPortKey(key)
		if port && attrOf(after, "controller") == "" {
			continue
		}
		b, known := attr.value(before.Attrs)
		if port && moved {
			b, known = attr.Default, attr.Default != "" || attr.optional()
		}
		if value, certain, reset := bondReset(before, after, key); reset {
			b, known = value, certain
		}
		a, wanted := attr.value(after.Attrs)
		if !bondApplies(after.Attrs, key) || !wanted || (known && attr.equal(b, a)) {
			continue
		}
		out = append(out, Difference{Key: key, Before: b, After: a})
	}
	return out
}

func unionKeys(a, b Attrs) []string {
	keys := make([]string, 0, len(a)+len(b))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// attrOf is an attribute's value, or "".
func attrOf(i *Interface, key string) string {
	if i == nil {
		return ""
	}
	return i.Attrs[key]
}

// value is what the attribute is, with what its absence means; false if that
// is unknown.
func (a *Attr) value(attrs Attrs) (string, bool) {
	if v, ok := attrs[a.Key]; ok {
		return v, true
	}
	if a.optional() {
		return "", true
	}
	return a.Default, a.Default != ""
}

// late tells that a value is asked for which not every kernel can give.
func (a *Attr) late(value string) bool { return a != nil && a.Since != "" && value != a.Default }

// optional tells that an attribute can be without value: its absence, and the
// empty text, then mean "none".
func (a *Attr) optional() bool {
	switch a.Type {
	case LinkRef:
		return !a.Message
	case IPAddress, TunnelKey, MACList, List, Key64, KeyHex, Endpoint, CIDRs, QoSMap, CIDR, IPv4List, IPv6List, VNIList, VLANTunnels:
		return true
	}
	return a.Key == vlanGlobal || a.Key == "alias" || a.Key == FECMode || a.Key == "ipv6.token" || a.Key == "tun.owner" || a.Key == "tun.group" || IsTeamd(a.Key) && a.Default == ""
}

// equal compares two values in canonical text; a is nil of an attribute that only
// another version of stet knows, whose way back this may be. Times that the kernel keeps in
// jiffies may come back one hundredth of a second off.
func (a *Attr) equal(x, y string) bool {
	if x == y || a == nil {
		return x == y
	}
	switch a.Type {
	case Centi, Centi64:
		return near(hundredths(x), hundredths(y))
	case Hundredths:
		m, errM := strconv.ParseUint(x, 10, 64)
		n, errN := strconv.ParseUint(y, 10, 64)
		return errM == nil && errN == nil && near(m, n)
	case MAC:
		return strings.EqualFold(x, y)
	case List:
		return a.equalLists(x, y)
	case Ranges:
		return a.equalRanges(x, y)
	}
	return false
}

func near(x, y uint64) bool { return max(x, y)-min(x, y) <= 1 }

// hundredths turns seconds in text ("2.5") into hundredths; fractions beyond
// are cut off, and what is no number is 0.
func hundredths(s string) uint64 {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(whole, 10, 56)
	if err != nil {
		return 0
	}
	fraction = (fraction + "00")[:2]
	f, err := strconv.ParseUint(fraction, 10, 8)
	if err != nil {
		return 0
	}
	return n*100 + f
}

// replaces tells whether setting these differences means to delete the
// interface and make it anew, and because of which key.
func replaces(before, after *Interface, diffs []Difference) (bool, string) {
	for _, d := range diffs {
		if AttrByKey(d.Key).Set == OnCreate || changesForm(before, after, d) {
			return true, d.Key
		}
	}
	return false, ""
}

// formKeys are the attributes that changesForm looks at.
var formKeys = map[string]bool{
	"mac-vlan.mode": true, "mac-vtap.mode": true, "vxlan.remote": true, "vxlan.local": true, "geneve.remote": true, "tun.owner": true, "tun.group": true,
	"gre.remote": true, "ipip.remote": true, "sit.remote": true, "vti.remote": true,
}

// changesForm knows the attributes that the kernel changes only within limits:
// macvlan's mode not from or to passthru (macvlan_changelink), a VXLAN's
// addresses not to another family (vxlan_nl2conf, geneve_nl2info), a tun's owner not to nobody
// (TUNSETOWNER).
func changesForm(before, after *Interface, d Difference) bool {
	switch d.Key {
	case "mac-vlan.mode", "mac-vtap.mode":
		return d.Before == "passthru" || d.After == "passthru"
	case "vxlan.remote", "vxlan.local":
		return vxlanFamily(before) != vxlanFamily(after)
	case "geneve.remote":
		if after.Attrs["geneve.udp6-zero-checksum-tx"] == "true" || after.Attrs["geneve.udp6-zero-checksum-rx"] == "true" {
			return true // saying the remote resets them (geneve_nl2info)
		}
		return strings.Contains(before.Attrs[d.Key], ":") != strings.Contains(after.Attrs[d.Key], ":")
	case "gre.remote", "ipip.remote", "sit.remote", "vti.remote":
		// The kernel does not change whether it leads to one point
		// (ip_tunnel_changelink, ipip6_changelink).
		return toPoint(d.Before) != toPoint(d.After)
	case "tun.owner", "tun.group":
		return d.After == ""
	}
	return false
}

// toPoint tells whether a tunnel with this remote address is a link to one
// host: "yes", to a "group", or "".
func toPoint(remote string) string {
	a, err := netip.ParseAddr(remote)
	switch {
	case err != nil:
		return ""
	case a.IsMulticast():
		return "group"
	}
	return "yes"
}

// vxlanFamily is 6 when one of the addresses is IPv6, else 4, the kernel's
// default.
func vxlanFamily(i *Interface) int {
	if strings.Contains(i.Attrs["vxlan.remote"]+i.Attrs["vxlan.local"], ":") {
		return 6
	}
	return 4
}
