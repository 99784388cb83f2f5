package netstate

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// String is the edit in one line of a diff: "+ address 192.0.2.1/24 dev br0".
func (e Edit) String() string {
	lines := editLines(&e)
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1] // of an interface that is made anew, the making
}

// Text is the change as a diff, one line or more an edit: what is made begins
// with "+", what is removed with "-", what is changed with "!", the three marks
// that viewers of diffs colour. What the kernel does by itself says so.
func Text(c *Change) string {
	if c.Empty() {
		return ""
	}
	var b strings.Builder
	for i := range c.Edits {
		for _, line := range editLines(&c.Edits[i]) {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func editLines(e *Edit) []string {
	var lines []string
	switch {
	case e.Op == Modify && e.Before.Link != nil && e.After.Link != nil:
		lines = linkChange(e)
	case e.object().Traffic != nil:
		lines = trafficLines(e)
	case e.Op == Modify && e.Before.Sysctl != nil && e.After.Sysctl != nil:
		lines = []string{"! sysctl " + e.After.Sysctl.Key + " " + oneLine(e.Before.Sysctl.Value) + " → " + oneLine(e.After.Sysctl.Value)}
	case e.Op == Modify && e.Before.DNS != nil && e.After.DNS != nil:
		lines = []string{dnsChange(e.Before.DNS, e.After.DNS)}
	case e.Op == Modify && e.Before.Xfrm != nil && e.After.Xfrm != nil:
		lines = xfrmLines(e)
	case e.Op == Modify:
		after := objectText(e.After)
		if name := objectName(e.After); name == objectName(e.Before) {
			after = strings.TrimPrefix(after, name+" ")
		}
		lines = []string{"! " + objectText(e.Before) + " → " + strings.TrimSpace(after)}
	case e.Op == Delete:
		lines = []string{"- " + removedText(e.Before)}
	default:
		lines = []string{"+ " + objectText(e.After)}
	}
	if e.Netns != "" {
		for i := range lines {
			lines[i] += " netns " + e.Netns
		}
	}
	if e.Implied {
		for i := range lines {
			lines[i] += " (by itself)"
		}
	}
	return lines
}

// removedText is what is removed, without the attributes of an interface.
func removedText(o Object) string {
	if o.Link != nil {
		return linkName(o.Link) + " " + o.Link.Type
	}
	return objectText(o)
}

func linkChange(e *Edit) []string {
	before, after := e.Before.Link, e.After.Link
	if before.Netns != after.Netns {
		return []string{"! link " + after.Name + " netns " + orNone(before.Netns) + " → " + orNone(after.Netns)}
	}
	if e.Implied && after.Type == "bond" && changedMAC(before, after) {
		return []string{"! " + linkName(after) + " mac-address: the kernel's choice, unless one was set"}
	}
	if e.Implied && after.Type == "linux-bridge" {
		return []string{"! " + linkName(after) + " mac-address: the lowest of its ports', unless one was set"}
	}
	var words, lists []string
	comes := attrOf(before, "controller") != attrOf(after, "controller")
	for _, d := range Differences(before, after) {
		if d.Key == VFs {
			lists = append(lists, vfLines(after, &d)...)
			continue
		}
		if AttrByKey(d.Key).Type == List {
			lists = append(lists, listLines(after, &d)...)
			continue
		}
		said := ""
		if d.Key == TotalVFs {
			said = vfChange(before, &d)
		}
		before := orNone(d.Before)
		switch attr := AttrByKey(d.Key); {
		case comes && IsPortKey(d.Key) && attr.Type != VLANList && d.After != "":
			before = "none" // what a port has it gets with its controller
		case d.Before == "" && !attr.optional():
			before = "unknown" // the interface is not there yet
		}
		words = append(words, fmt.Sprintf("%s %s → %s", d.Key, before, orNone(d.After))+said)
	}
	if e.Replaces {
		return []string{"- " + linkName(before) + " " + before.Type, "+ " + linkText(again(before, after)) + " (made anew: " + e.Why + " cannot be changed)"}
	}
	if len(words) == 0 {
		return lists
	}
	return append([]string{"! " + linkName(after) + " " + strings.Join(words, ", ")}, lists...)
}

// changedMAC tells that a hardware address becomes another, or unknown.
func changedMAC(before, after *Interface) bool {
	return before.Attrs["mac-address"] != after.Attrs["mac-address"]
}

// oneLine shows the fields of a value with single spaces.
func oneLine(v string) string { return strings.Join(strings.Fields(v), " ") }

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// objectName is what an object is called: "link br0", "route 10.0.0.0/8".
func objectName(o Object) string {
	switch {
	case o.Link != nil:
		return linkName(o.Link)
	case o.Address != nil:
		return addressName(o.Address)
	case o.Route != nil:
		return routeName(o.Route)
	case o.Routes != nil:
		return routeSetName(o.Routes)
	case o.Nexthop != nil:
		return nexthopName(o.Nexthop)
	case o.MPLS != nil:
		return routeName(o.MPLS)
	case o.Rule != nil:
		return ruleName(o.Rule)
	case o.Neighbor != nil:
		return neighborName(o.Neighbor)
	case o.FDB != nil:
		return fdbName(o.FDB)
	case o.Traffic != nil:
		return trafficName(o.Traffic)
	case o.MDB != nil:
		return mdbName(o.MDB)
	case o.Sysctl != nil:
		return "sysctl " + o.Sysctl.Key
	case o.DNS != nil:
		return dnsName(o.DNS)
	case o.Namespace != nil:
		return "namespace " + o.Namespace.Name
	case o.Xfrm != nil:
		return xfrmName(o.Xfrm)
	}
	return "nothing"
}

func objectText(o Object) string {
	switch {
	case o.Link != nil:
		return linkText(o.Link)
	case o.Address != nil:
		return addressName(o.Address) + " " + addressText(o.Address)
	case o.Route != nil:
		return routeName(o.Route) + " " + routeText(o.Route)
	case o.Nexthop != nil:
		return nexthopName(o.Nexthop) + " " + nexthopText(o.Nexthop)
	case o.MPLS != nil:
		return routeName(o.MPLS) + " " + routeText(o.MPLS)
	case o.Routes != nil:
		return routeSetName(o.Routes) + " " + routeText(&o.Routes.Route)
	case o.Rule != nil:
		return ruleName(o.Rule) + " " + ruleText(o.Rule)
	case o.Neighbor != nil:
		return neighborName(o.Neighbor) + " " + neighborText(o.Neighbor)
	case o.FDB != nil:
		return fdbName(o.FDB) + " " + fdbText(o.FDB)
	case o.MDB != nil:
		return mdbName(o.MDB) + " " + mdbText(o.MDB)
	case o.Xfrm != nil:
		return strings.TrimSpace(xfrmName(o.Xfrm) + " " + xfrmText(o.Xfrm))
	case o.Traffic != nil:
		return trafficName(o.Traffic)
	case o.Sysctl != nil:
		return "sysctl " + o.Sysctl.Key + " " + oneLine(o.Sysctl.Value)
	case o.DNS != nil:
		return dnsName(o.DNS) + " " + dnsText(o.DNS)
	case o.Namespace != nil:
		return namespaceText(o.Namespace)
	}
	return "nothing"
}

func linkName(i *Interface) string {
	if i.Netns != "" {
		return "link " + i.Name + " netns " + i.Netns
	}
	return "link " + i.Name
}

// again is an interface that is made anew, without what the kernel once chose
// for it, and what stays.
func again(before, after *Interface) *Interface {
	i := after.clone()
	for _, key := range []string{"mac-address", "num-tx-queues", "num-rx-queues"} {
		if before.Attrs[key] == after.Attrs[key] {
			delete(i.Attrs, key)
		}
	}
	return &i
}

// linkText is the interface with the attributes that are not the defaults.
func linkText(i *Interface) string {
	words := []string{linkName(i), i.Type}
	own := kindAttrs(i)
	for _, key := range unionKeys(i.Attrs, nil) {
		v := i.Attrs[key]
		attr := AttrByKey(key)
		if key == "state" || v == "" || v == own[key] || v == UsualInet6(i, key) || (attr != nil && attr.Default != "" && attr.equal(attr.Default, v)) {
			continue
		}
		if attr != nil && attr.Type == List {
			for _, e := range attr.Entries(v) {
				words = append(words, key, "{"+attr.entryText(e)+"}")
			}
			continue
		}
		words = append(words, key, strconvQuote(v))
	}
	if v := i.Attrs["state"]; v != "" {
		words = append(words, v)
	}
	return strings.Join(words, " ")
}

// strconvQuote quotes a value that would not read as one word.
func strconvQuote(v string) string {
	if strings.ContainsAny(v, " \t\"'\\") || v != strings.ToValidUTF8(v, "") || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return strconv.Quote(v)
	}
	return v
}

func addressName(a *InterfaceAddress) string { return "address " + a.Prefix.String() }

func addressText(a *InterfaceAddress) string {
	words := []string{"dev", a.Device}
	add := func(word string, value string) {
		if value != "" {
			words = append(words, word, value)
		}
	}
	if a.Peer.IsValid() {
		add("peer", a.Peer.String())
	}
	if a.Broadcast.IsValid() {
		add("broadcast", a.Broadcast.String())
	}
	if a.Prefix.Addr().Is4() && scopeOf(&a.Address) != "global" {
		add("scope", a.Scope)
	}
	add("label", a.Label)
	words = append(words, a.Flags...)
	add("metric", number(a.Metric))
	if a.ValidLifetime != 0 {
		add("valid-life-time", strconv.FormatUint(uint64(a.ValidLifetime), 10)+"sec")
	}
	switch {
	case a.Deprecated:
		add("preferred-life-time", "0sec")
	case a.PreferredLifetime != 0:
		add("preferred-life-time", strconv.FormatUint(uint64(a.PreferredLifetime), 10)+"sec")
	}
	return strings.Join(words, " ")
}

func number[T uint8 | uint16 | uint32](n T) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}

func routeName(r *Route) string {
	if r.Label != 0 {
		return "mpls " + decimal(r.Label)
	}
	words := []string{"route"}
	if r.Type != "" && r.Type != "unicast" {
		words = append(words, string(r.Type))
	}
	words = append(words, r.Destination.String())
	return strings.Join(words, " ")
}

func routeText(r *Route) string {
	var words []string
	add := func(word, value string) {
		if value != "" {
			words = append(words, word, value)
		}
	}
	if len(r.NextHops) == 1 {
		words = append(words, hopText(r, &r.NextHops[0]))
	}
	add("nhid", number(r.NexthopID))
	if r.Table != mainTable && r.Label == 0 {
		add("table", strconv.FormatUint(uint64(r.Table), 10))
	}
	add("metric", number(r.Metric))
	add("tos", hex(r.TOS))
	if r.Source.IsValid() {
		add("src", r.Source.String())
	}
	if r.Protocol != protocolStatic {
		add("proto", protocolName(r.Protocol))
	}
	words = append(words, metricWords(r, "")...)
	if len(r.NextHops) > 1 {
		for i := range r.NextHops {
			words = append(words, "nexthop "+hopText(r, &r.NextHops[i])+" weight "+strconv.Itoa(int(max(r.NextHops[i].Weight, 1))))
		}
	}
	return strings.Join(words, " ")
}

// protocolStatic is RTPROT_STATIC, which declared routes have.
const protocolStatic = 4

// protocolName is the word of iproute2 for a routing protocol that every
// system has, else its number.
func protocolName(p uint8) string {
	switch p {
	case 0:
		return ""
	case 2:
		return "kernel"
	case 3:
		return "boot"
	case 4:
		return "static"
	}
	return strconv.Itoa(int(p))
}

func metricNames(r *Route) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range r.Metrics {
			if !yield(k) {
				return
			}
		}
	}
}

func hopText(r *Route, h *NextHop) string {
	var words []string
	switch {
	case h.Encap == "":
	case r.Label != 0:
		words = append(words, "as", h.Encap)
	default:
		words = append(words, "encap", h.Encap)
	}
	if h.Via.IsValid() {
		words = append(words, "via", h.Via.String())
	}
	if h.Device != "" {
		words = append(words, "dev", h.Device)
	}
	if h.OnLink {
		words = append(words, "onlink")
	}
	return strings.Join(words, " ")
}

func ruleName(r *Rule) string {
	if r.Family == 6 {
		return "rule6 " + strconv.FormatUint(uint64(r.Priority), 10)
	}
	return "rule " + strconv.FormatUint(uint64(r.Priority), 10)
}

func ruleText(r *Rule) string { return strings.Join(ruleWords(r), " ") }

// ruleWords are the selector and the action in ip-rule(8)'s words.
func ruleWords(r *Rule) []string {
	var words []string
	add := func(word, value string) {
		if value != "" {
			words = append(words, word, value)
		}
	}
	if r.Not {
		words = append(words, "not")
	}
	add("from", prefixText(r.From, "all"))
	add("to", prefixText(r.To, ""))
	add("tos", hex(r.TOS))
	if r.FwMark != 0 || r.FwMask != 0 {
		mark := fmt.Sprintf("%#x", r.FwMark)
		if ruleMask(r) != 0xffffffff {
			mark += fmt.Sprintf("/%#x", r.FwMask)
		}
		add("fwmark", mark)
	}
	add("iif", r.IIF)
	add("oif", r.OIF)
	add("uidrange", r.UIDRange)
	add("ipproto", number(r.IPProto))
	add("sport", r.SourcePorts)
	add("dport", r.DestinationPorts)
	if r.L3MDev {
		words = append(words, "l3mdev")
	}
	switch ruleAction(r) {
	case "lookup":
		add("lookup", number(r.Table))
	case "goto":
		add("goto", strconv.FormatUint(uint64(r.Goto), 10))
	default:
		words = append(words, r.Action)
	}
	if r.SuppressPrefixLength != nil {
		add("suppress_prefixlength", strconv.Itoa(*r.SuppressPrefixLength))
	}
	if r.SuppressGroup != nil {
		add("suppress_ifgroup", strconv.Itoa(*r.SuppressGroup))
	}
	return words
}

func prefixText(p netip.Prefix, none string) string {
	if !p.IsValid() {
		return none
	}
	return p.String()
}

func neighborName(n *Neighbor) string {
	if n.Proxy {
		return "neighbor proxy " + n.IP.String()
	}
	return "neighbor " + n.IP.String()
}

func neighborText(n *Neighbor) string {
	words := []string{"dev", n.Device}
	if n.MAC != "" {
		words = append(words, "lladdr", n.MAC)
	}
	if n.State != "" && !n.Proxy {
		words = append(words, n.State)
	}
	if n.Router {
		words = append(words, "router")
	}
	if n.Learned {
		words = append(words, "extern_learn")
	}
	return strings.Join(words, " ")
}

func fdbName(e *FDBEntry) string { return "fdb " + e.MAC }

func fdbText(e *FDBEntry) string {
	words := []string{"dev", e.Device}
	add := func(word, value string) {
		if value != "" {
			words = append(words, word, value)
		}
	}
	if e.Dst.IsValid() {
		add("dst", e.Dst.String())
	}
	add("port", number(e.Port))
	add("nhid", number(e.NexthopID))
	add("vni", number(e.VNI))
	add("src_vni", number(e.SourceVNI))
	add("via", e.Via)
	add("vlan", number(e.VLAN))
	words = append(words, fdbOwner(e))
	if e.State != "" {
		words = append(words, e.State)
	}
	if e.Learned {
		words = append(words, "extern_learn")
	}
	if e.Sticky {
		words = append(words, "sticky")
	}
	return strings.Join(words, " ")
}
