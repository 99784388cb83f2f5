package netstate

import (
	"strconv"
	"strings"
)

// IP returns the commands of iproute2 and sysctl that do what c does, in its
// order, quoted for a shell. What the kernel does by itself is not among them.
func IP(c *Change) []string {
	if c == nil {
		return nil
	}
	var out []string
	for i := range c.Edits {
		e := &c.Edits[i]
		if e.Implied {
			continue
		}
		for _, line := range ipEdit(e) {
			if e.Netns != "" {
				line = words(inside(e.Netns)...) + " " + line
			}
			out = append(out, line)
		}
	}
	return out
}

func ipEdit(e *Edit) []string {
	switch o := e.object(); {
	case o.Link != nil:
		return ipLink(e)
	case o.Address != nil:
		return []string{ipAddress(e)}
	case o.Route != nil:
		return []string{ipRoute(e)}
	case o.Nexthop != nil:
		return []string{ipNexthop(e)}
	case o.MPLS != nil:
		return []string{ipMPLS(e)}
	case o.Routes != nil:
		var out []string
		for _, one := range e.Singly() {
			out = append(out, ipRoute(&one))
		}
		return out
	case o.Rule != nil:
		return []string{ipRule(e)}
	case o.Neighbor != nil:
		return []string{ipNeighbor(e)}
	case o.FDB != nil:
		return []string{ipFDB(e)}
	case o.MDB != nil:
		return ipMDB(e)
	case o.DNS != nil && e.Op == Modify:
		return ipDNS(e)
	case o.Namespace != nil:
		return ipNamespace(e)
	case o.Xfrm != nil:
		return ipXfrm(e)
	case o.Traffic != nil:
		return tcCommands(e)
	case o.Sysctl != nil && e.Op != Delete:
		return []string{words("sysctl", "-w", o.Sysctl.Key+"="+o.Sysctl.Value)}
	}
	return nil
}

// words joins a command's words, quoted where a shell would read them
// otherwise.
func words(list ...string) string {
	out := make([]string, 0, len(list))
	for _, w := range list {
		out = append(out, quote(w))
	}
	return strings.Join(out, " ")
}

func quote(w string) string {
	plain := w != "" && !strings.ContainsFunc(w, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:=,+@%", r)
	})
	if plain || w == "$$" {
		return w
	}
	if option, text, ok := strings.Cut(w, nameless); ok && (option == "" || option == "--net=") {
		if number, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64); err == nil {
			id := strconv.FormatUint(number, 10)
			return option + `"$(find /proc/[0-9]*/ns/net -lname '*[[]` + id + `]' 2>/dev/null | grep -m1 . || echo 'no process is in net:[` + id + `]')"`
		}
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// ipIn is the ip command for a namespace.
func ipIn(netns string) []string {
	switch {
	case netns == "":
		return []string{"ip"}
	case strings.HasPrefix(netns, nameless):
		return append(inside(netns), "ip")
	}
	return []string{"ip", "-n", netns}
}

// nameless begins what stands for a namespace that has no name: the link of a
// process that is in it, "net:[4026532281]". iproute2 and nsenter(1) take the link's
// path instead, which words has find(1) look for: lsns(8) gives up when a process
// ends while it looks. Where there is none any more, that is the path they complain
// of.
const nameless = "net:["

// inside are the words before a command that is run in a namespace.
func inside(netns string) []string {
	if strings.HasPrefix(netns, nameless) {
		return []string{"nsenter", "--net=" + netns}
	}
	return []string{"ip", "netns", "exec", netns}
}

// hex is how ip(8) reads a type of service, with or without 0x.
func hex(n uint8) string {
	if n == 0 {
		return ""
	}
	return "0x" + strconv.FormatUint(uint64(n), 16)
}

func onOff(v string) string {
	if v == "true" {
		return "on"
	}
	return "off"
}

func bit(v string) string {
	if v == "true" {
		return "1"
	}
	return "0"
}

func ipAddress(e *Edit) string {
	a := e.object().Address
	verb := map[Op]string{Add: "add", Modify: "change", Delete: "del"}[e.Op]
	w := []string{"ip", "address", verb, a.Prefix.String()}
	if a.Peer.IsValid() {
		w = []string{"ip", "address", verb, a.Prefix.Addr().String(), "peer", a.Peer.String()}
	}
	w = append(w, "dev", a.Device)
	if e.Op == Delete {
		return words(w...)
	}
	four := a.Prefix.Addr().Is4()
	if a.Broadcast.IsValid() {
		w = append(w, "broadcast", a.Broadcast.String())
	}
	if four && scopeOf(&a.Address) != "global" {
		w = append(w, "scope", a.Scope)
	}
	if a.Label != "" {
		w = append(w, "label", a.Label)
	}
	if a.Metric != 0 {
		w = append(w, "metric", number(a.Metric))
	}
	w = append(w, a.Flags...)
	if a.ValidLifetime != 0 || a.Deprecated || e.Op == Modify {
		w = append(w, "valid_lft", lifetime(a.ValidLifetime, false), "preferred_lft", lifetime(a.PreferredLifetime, a.Deprecated))
	}
	return words(w...)
}

func lifetime(seconds uint32, deprecated bool) string {
	switch {
	case deprecated:
		return "0"
	case seconds == 0:
		return "forever"
	}
	return number(seconds)
}

func ipRoute(e *Edit) string {
	r := e.object().Route
	w := []string{"ip"}
	if !isV4(r) {
		w = append(w, "-6")
	}
	w = append(w, "route", map[Op]string{Add: "add", Modify: "replace", Delete: "del"}[e.Op])
	if t := typeOf(r); t != "unicast" {
		w = append(w, string(t))
	}
	w = append(w, r.Destination.String())
	if len(r.NextHops) == 1 && !nowhere(r.Type) {
		w = append(w, ipHop(&r.NextHops[0], r)...)
	}
	w = append(w, "table", strconv.FormatUint(uint64(r.Table), 10))
	add := func(word, value string) {
		if value != "" {
			w = append(w, word, value)
		}
	}
	add("metric", number(r.Metric))
	add("tos", hex(r.TOS))
	add("proto", protocolName(r.Protocol))
	if e.Op == Delete {
		return words(w...)
	}
	if isV4(r) && r.Scope != scopeFor(r) {
		add("scope", strconv.Itoa(int(r.Scope)))
	}
	if r.Source.IsValid() {
		add("src", r.Source.String())
	}
	w = append(w, metricWords(r, "ms")...)
	if len(r.NextHops) > 1 {
		for i := range r.NextHops {
			w = append(w, "nexthop")
			w = append(w, ipHop(&r.NextHops[i], r)...)
			add("weight", strconv.Itoa(int(max(r.NextHops[i].Weight, 1))))
		}
	}
	return words(w...)
}

func ipHop(h *NextHop, r *Route) []string {
	var w []string
	if h.Encap != "" {
		w = append(append(w, "encap"), ipEncap(h.Encap)...)
	}
	if h.Via.IsValid() {
		w = append(w, "via")
		if h.Via.Is6() && isV4(r) {
			w = append(w, "inet6")
		}
		w = append(w, h.Via.String())
	}
	if h.Device != "" {
		w = append(w, "dev", h.Device)
	}
	if h.OnLink {
		w = append(w, "onlink")
	}
	return w
}

func ipRule(e *Edit) string {
	r := e.object().Rule
	w := []string{"ip"}
	if r.Family == 6 {
		w = append(w, "-6")
	}
	w = append(w, "rule", map[Op]string{Add: "add", Modify: "add", Delete: "del"}[e.Op])
	list := ruleWords(r)
	w = append(w, list...)
	w = append(w, "pref", strconv.FormatUint(uint64(r.Priority), 10))
	if r.Protocol != 0 {
		w = append(w, "protocol", protocolName(r.Protocol))
	}
	return words(w...)
}

func ipNeighbor(e *Edit) string {
	n := e.object().Neighbor
	w := []string{"ip", "neigh", map[Op]string{Add: "replace", Modify: "replace", Delete: "del"}[e.Op]}
	if n.Proxy {
		w = append(w, "proxy")
	}
	w = append(w, n.IP.String(), "dev", n.Device)
	if e.Op == Delete || n.Proxy {
		return words(w...)
	}
	if n.MAC != "" {
		w = append(w, "lladdr", n.MAC)
	}
	switch n.State {
	case "":
	case Managed:
		w = append(w, Managed)
	default:
		w = append(w, "nud", n.State)
	}
	if n.Router {
		w = append(w, "router")
	}
	if n.Learned {
		w = append(w, "extern_learn")
	}
	return words(w...)
}

func ipFDB(e *Edit) string {
	f := e.object().FDB
	verb := map[Op]string{Add: "replace", Modify: "replace", Delete: "del"}[e.Op]
	if e.Op == Add && f.Dst.IsValid() {
		verb = "append" // one address may have several remotes
	}
	w := []string{"bridge", "fdb", verb, f.MAC, "dev", f.Device, fdbOwner(f)}
	add := func(word, value string) {
		if value != "" {
			w = append(w, word, value)
		}
	}
	if f.Dst.IsValid() {
		add("dst", f.Dst.String())
	}
	add("port", number(f.Port))
	add("nhid", number(f.NexthopID))
	add("vni", number(f.VNI))
	add("src_vni", number(f.SourceVNI))
	add("via", f.Via)
	add("vlan", number(f.VLAN))
	if e.Op == Delete {
		return words(w...)
	}
	if f.State != "" {
		w = append(w, f.State)
	}
	if f.Learned {
		w = append(w, "extern_learn")
	}
	if f.Sticky {
		w = append(w, "sticky")
	}
	return words(w...)
}
