package check

import (
	"fmt"
	"sort"
	"strings"

	"stet/executors/netstate"
)

// items makes comparable items of any list of facts.
func items(list any) []item {
	var r []item
	switch l := list.(type) {
	case []link:
		for i := range l {
			r = append(r, linkItem(&l[i]))
		}
	case []address:
		for _, a := range l {
			r = append(r, item{key: a.Dev + " " + a.Prefix, fields: [][2]string{{"peer", a.Peer}, {"broadcast", a.Broadcast}, {"scope", a.Scope}, {"label", labelOf(a)}, {"flags", settled(a.Flags)}}})
		}
	case []route:
		for _, x := range l {
			if !followsAddress(x) {
				r = append(r, routeItem(x))
			}
		}
	case []rule:
		for _, x := range l {
			r = append(r, item{key: x.Text})
		}
	case []neighbour:
		for _, n := range l {
			if n.State != "failed" && n.State != "incomplete" {
				r = append(r, item{key: n.Dev + " " + n.IP, fields: [][2]string{{"lladdr", n.MAC}, {"proxy", yes(n.Proxy)}}})
			}
		}
	case []fdbEntry:
		for _, e := range l {
			r = append(r, fdbItem(e))
		}
	default:
		r = namedItems(list)
	case map[string]string:
		for _, key := range sortedKeys(l) {
			r = append(r, item{key: key, fields: [][2]string{{"=", l[key]}}})
		}
	case map[string]output:
		for _, key := range sortedKeys(l) {
			r = append(r, item{key: key, fields: [][2]string{{"exit", fmt.Sprint(l[key].Exit)}, {"output", l[key].Out}, {"errors", l[key].Err}}})
		}
	}
	return r
}

// followsAddress is true of a route that the kernel makes of an address, in the
// table local: that of an IPv6 address comes when it has settled. The addresses
// themselves are compared.
func followsAddress(r route) bool {
	return r.Table == 255 && r.Protocol == "kernel"
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// labelOf leaves out the label that repeats the interface's name.
func labelOf(a address) string {
	if a.Label == a.Dev {
		return ""
	}
	return a.Label
}

// settled leaves out the flags that come and go while an address settles.
func settled(flags []string) string {
	var kept []string
	for _, f := range flags {
		if f != "tentative" && f != "optimistic" && f != "permanent" && f != "dynamic" {
			kept = append(kept, f)
		}
	}
	return strings.Join(kept, ",")
}

func linkItem(l *link) item {
	i := item{key: l.Name, fields: [][2]string{{"type", l.Type}, {"state", l.State}, {"operstate", l.OperState}}}
	if l.source == nil {
		return i
	}
	for _, key := range sortedKeys(l.source.Attrs) {
		a := netstate.AttrByKey(key)
		if key == "state" || a != nil && a.Set == netstate.ReadOnly || elsewhere(l.source.Attrs, key) {
			continue
		}
		i.fields = append(i.fields, [2]string{key, l.source.Attrs[key]})
	}
	return i
}

// elsewhere tells that an attribute is about a pair's other end in another
// namespace. Whether that is known depends on what else was asked for.
func elsewhere(attrs netstate.Attrs, key string) bool {
	pair, about := strings.CutSuffix(strings.TrimSuffix(key, "-target"), ".peer")
	return about && attrs[pair+".peer-target"] != ""
}

// routeKey tells routes apart as the kernel does.
func routeKey(r route) string {
	key := r.Dst
	if r.Default {
		key = fmt.Sprintf("default (IPv%d)", r.Family)
	}
	if r.Type != "unicast" {
		key = r.Type + " " + key
	}
	if r.Table != 254 {
		key += " table " + tableName(uint32(r.Table))
	}
	if r.Metric != 0 {
		key += fmt.Sprintf(" metric %d", r.Metric)
	}
	if r.TOS != 0 {
		key += fmt.Sprintf(" tos %#x", r.TOS)
	}
	return key
}

func routeItem(r route) item {
	var hops []string
	for _, h := range r.NextHops {
		hops = append(hops, hopText(h, len(r.NextHops) > 1))
	}
	var metrics []string
	for _, name := range sortedKeys(r.Metrics) {
		metrics = append(metrics, fmt.Sprintf("%s %d", name, r.Metrics[name]))
	}
	return item{key: routeKey(r), text: routeText(r), fields: [][2]string{
		{"nexthop", strings.Join(hops, ", ")}, {"src", r.Source}, {"proto", r.Protocol}, {"scope", r.Scope},
		{"metrics", strings.Join(metrics, " ")}, {"flags", strings.Join(r.Flags, ",")},
	}}
}

// routeText is a route as ip-route(8) writes one, in short.
func routeText(r route) string {
	words := []string{routeKey(r)}
	for _, h := range r.NextHops {
		if len(r.NextHops) > 1 {
			words = append(words, "nexthop")
		}
		words = append(words, hopText(h, len(r.NextHops) > 1))
	}
	words = append(words, prefixed("proto ", r.Protocol), prefixed("src ", r.Source), strings.Join(r.Flags, " "))
	return strings.Join(nonEmpty(words...), " ")
}

func hopText(h nexthop, weight bool) string {
	var words []string
	if h.Encap != "" {
		words = append(words, "encap "+h.Encap)
	}
	if h.Via != "" {
		words = append(words, "via "+h.Via)
	}
	if h.Dev != "" {
		words = append(words, "dev "+h.Dev)
	}
	if weight {
		words = append(words, fmt.Sprintf("weight %d", h.Weight))
	}
	if h.OnLink {
		words = append(words, "onlink")
	}
	return strings.Join(words, " ")
}

// fdbItem keys a learned address by itself, so that one that moves to another
// port has changed; others belong to their device.
func fdbItem(e fdbEntry) item {
	key := e.MAC
	if e.VLAN != 0 {
		key += fmt.Sprintf(" vlan %d", e.VLAN)
	}
	if e.VNI != 0 {
		key += fmt.Sprintf(" vni %d", e.VNI)
	}
	if e.State == "dynamic" {
		return item{key: key, fields: [][2]string{{"dev", e.Dev}, {"dst", e.Dst}}}
	}
	key = e.Dev + " " + key
	if e.Dst != "" {
		key += " dst " + e.Dst
	}
	return item{key: key, fields: [][2]string{{"port", numeral(e.Port)}, {"owner", e.Owner}, {"state", e.State}, {"sticky", yes(e.Sticky)}}}
}

func numeral(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
