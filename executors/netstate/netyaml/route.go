package netyaml

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// configList decodes a mapping with nmstate's `config` list (and `running`, which
// only shows).
func (d *decoder) configList(n *yaml.Node, what string, each func(*yaml.Node)) {
	d.mapping(n, "`"+what+"`", fields{
		"config":  {decode: func(v *yaml.Node) { d.list(v, "`config`", each) }},
		"running": {decode: d.ignore, hidden: true},
	})
}

// extensionList is configList, but a list right below the key is good too.
func (d *decoder) extensionList(n *yaml.Node, what string, each func(*yaml.Node)) {
	if n.Kind == yaml.Sequence {
		d.list(n, "`"+what+"`", each)
		return
	}
	d.configList(n, what, each)
}

func (d *decoder) routes(n *yaml.Node) { d.configList(n, "routes", newRouteEntry(d).decode) }

// routeMetrics are RTAX_* of linux/rtnetlink.h that hold plain numbers, by
// ip-route(8)'s words. Times are milliseconds.
var routeMetrics = []string{"mtu", "window", "rtt", "rttvar", "ssthresh", "cwnd", "advmss", "reordering", "hoplimit", "initcwnd", "initrwnd", "rto_min", "quickack", "fastopen_no_cookie"}

// lockable are the metrics that `lock` can name: all but the two flags at the end.
var lockable = append(slices.Clone(routeMetrics[:len(routeMetrics)-2]), netstate.Congctl)

// metricLimits are the largest values of metrics: the kernel cuts off what is more
// (ip_metrics_convert).
var metricLimits = map[string]uint64{"mtu": 65535 - 15, "advmss": 65535 - 40, "hoplimit": 255, "fastopen_no_cookie": 1}

// routeTypes are those that can be declared.
var routeTypes = []string{"unicast", "blackhole", "unreachable", "prohibit", "throw", "local", "broadcast", "multicast", "anycast"}

// routeEntry is the entry of routes.config that is being decoded. Its keys are
// a table made once: there may be very many routes.
type routeEntry struct {
	d      *decoder
	c      netstate.RouteConfig
	hop    netstate.NextHop
	file   string
	locks  *[]string // metrics that are locked, if given
	fields fields
}

func newRouteEntry(d *decoder) *routeEntry {
	e := &routeEntry{d: d}
	has := func(key string) { e.c.Has[key] = true }
	r := &e.c.Route
	e.fields = fields{
		"state":              {decode: scalar(d, "state", oneOf("absent"), func(string) { e.c.Absent = true })},
		"destination":        {decode: optional(d, "destination", parsePrefix, func(p netip.Prefix) { r.Destination = p; e.c.Has["destination"] = p.IsValid() })},
		"next-hop-interface": {decode: scalar(d, "next-hop-interface", parseName, func(v string) { e.hop.Device = v; has("next-hop-interface") })},
		"next-hop-address":   {decode: optional(d, "next-hop-address", parseAddr, func(v netip.Addr) { e.hop.Via = v; has("next-hop-address") })},
		"metric":             {decode: scalar(d, "metric", parseDefault(1<<32-1), func(v uint64) { r.Metric = uint32(v); e.c.Has["metric"] = v != 0 })},
		"table-id":           {decode: scalar(d, "table-id", parseTable, func(v uint32) { r.Table = v; has("table-id") })},
		"weight":             {decode: scalar(d, "weight", parseUint(1, 256), func(v uint64) { e.hop.Weight = uint16(v); has("weight") })},
		"route-type":         {decode: scalar(d, "route-type", oneOf(routeTypes...), func(v string) { r.Type = netstate.RouteType(v); has("type") })},
		"source":             {decode: optional(d, "source", parseAddr, func(v netip.Addr) { r.Source = v; has("source") })},
		"onlink":             {decode: scalar(d, "onlink", parseBool, func(v bool) { e.hop.OnLink = v; has("onlink") })},
		"protocol":           {decode: scalar(d, "protocol", parseProtocol, func(v uint8) { r.Protocol = v; has("protocol") })},
		"scope":              {decode: scalar(d, "scope", parseScope, func(v uint8) { r.Scope = v; has("scope") })},
		"tos":                {decode: scalar(d, "tos", parseTOS, func(v uint64) { r.TOS = uint8(v); has("tos") })},
		"encap":              {decode: scalar(d, "encap", netstate.CanonicalEncap, func(v string) { e.hop.Encap = v; has("encap") })},
		"from-file":          {decode: scalar(d, "from-file", checkPath, func(v string) { e.file = v })},
		"nexthop-id":         {decode: scalar(d, "nexthop-id", parseUint(1, 1<<32-1), func(v uint64) { r.NexthopID = uint32(v); has("nexthop-id") })},
		"next-hops":          {decode: func(v *yaml.Node) { r.NextHops = d.nextHops(v); has("next-hops") }},
	}
	e.fields["lock"] = field{decode: func(v *yaml.Node) {
		e.locks = &[]string{}
		d.list(v, "`lock`", scalar(d, "lock", oneOf(lockable...), func(key string) {
			if !slices.Contains(*e.locks, key) {
				*e.locks = append(*e.locks, key)
			}
		}))
	}}
	e.fields[netstate.Congctl] = field{decode: scalar(d, netstate.Congctl, parseAlgorithm, func(v string) { r.Congestion = v; has(netstate.Congctl) })}
	metric := func(key string, v uint32) {
		if r.Metrics == nil {
			r.Metrics = map[string]uint32{}
		}
		r.Metrics[key] = v
		has(key)
	}
	e.fields[netstate.Realm] = field{decode: scalar(d, netstate.Realm, parseRealm, func(v uint32) { metric(netstate.Realm, v) })}
	e.fields[netstate.Preference] = field{decode: scalar(d, netstate.Preference, oneOf(namesOf(netstate.RoutePreferences)...), func(name string) {
		metric(netstate.Preference, valueNamed(netstate.RoutePreferences, name))
	})}
	e.fields[netstate.Features] = field{decode: func(v *yaml.Node) {
		metric(netstate.Features, 0)
		d.list(v, "`features`", scalar(d, netstate.Features, oneOf(namesOf(netstate.RouteFeatures)...), func(name string) {
			r.Metrics[netstate.Features] |= valueNamed(netstate.RouteFeatures, name)
		}))
	}}
	for _, key := range routeMetrics {
		most := uint64(1<<32 - 1)
		if n, bounded := metricLimits[key]; bounded {
			most = n
		}
		e.fields[key] = field{decode: scalar(d, key, parseUint(0, most), func(v uint64) { metric(key, uint32(v)) })}
	}
	return e
}

// decode decodes one entry of routes.config.
func (e *routeEntry) decode(n *yaml.Node) {
	e.c = netstate.RouteConfig{Pos: pos(n), Has: map[string]bool{}}
	e.hop, e.file, e.locks = netstate.NextHop{}, "", nil
	faults := len(e.d.problems)
	e.d.mapping(n, "a route", e.fields)
	if n.Kind != yaml.Mapping || len(e.d.problems) > faults {
		return
	}
	if !e.lock(n) {
		return
	}
	if e.hop != (netstate.NextHop{}) {
		if e.c.Has["next-hops"] {
			e.d.fail(n, "contradiction", "a route has either `next-hops` or one next hop", "Put all of them into `next-hops`.")
			return
		}
		e.c.Route.NextHops = []netstate.NextHop{e.hop}
	}
	if e.file != "" {
		e.d.routesFrom(n, e.c, e.file)
		return
	}
	if e.d.checkRoute(n, &e.c) {
		e.d.config.Routes = append(e.d.config.Routes, e.c)
	}
}

// lock locks the metrics that the entry says, or those that are idle otherwise.
func (e *routeEntry) lock(n *yaml.Node) bool {
	r := &e.c.Route
	if e.locks == nil {
		r.LockMetrics(r.IdleUnlocked())
		return true
	}
	for _, key := range *e.locks {
		if _, given := r.Metrics[key]; !given && (key != netstate.Congctl || r.Congestion == "") {
			e.d.fail(n.Get("lock"), "missing-key", "`lock` names `"+key+"`, which the route does not give", "Give it a value, or take it out of the list.")
			return false
		}
	}
	r.LockMetrics(*e.locks)
	return true
}

// parseAlgorithm checks the name of a congestion control (TCP_CA_NAME_MAX).
func parseAlgorithm(text string) (string, error) {
	if text == "" || len(text) > 15 || strings.ContainsAny(text, " \t\n/") {
		return "", fmt.Errorf("%q is no name of an algorithm, as tcp_available_congestion_control lists them", text)
	}
	return text, nil
}

// parseRealm reads "TO" or "FROM/TO", numbers.
func parseRealm(text string) (uint32, error) {
	from, to, both := strings.Cut(text, "/")
	if !both {
		from, to = "0", text
	}
	n, err := strconv.ParseUint(from, 10, 16)
	m, bad := strconv.ParseUint(to, 10, 16)
	if err != nil || bad != nil || n|m == 0 {
		return 0, fmt.Errorf("%q is no realm: a number to 65535, or FROM/TO", text)
	}
	return uint32(n)<<16 | uint32(m), nil
}

func parsePreference(text string) (uint32, error) {
	name, err := oneOf(namesOf(netstate.RoutePreferences)...)(text)
	if err != nil {
		return 0, err
	}
	return valueNamed(netstate.RoutePreferences, name), nil
}

func namesOf(list []netstate.EnumValue) (names []string) {
	for _, v := range list {
		names = append(names, v.Name)
	}
	return names
}

func valueNamed(list []netstate.EnumValue, name string) uint32 {
	i := slices.IndexFunc(list, func(v netstate.EnumValue) bool { return v.Name == name })
	return uint32(list[i].Value) // of those that oneOf took
}

func parseName(text string) (string, error) { return text, netstate.CheckName(text) }

// optional is scalar, but nmstate's empty text sets the zero value.
func optional[T any](d *decoder, what string, parse func(string) (T, error), set func(T)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if d.probing {
			v := valueOf(parse)
			v.Empty = true
			d.takes(n, v)
			return
		}
		if n.Kind == yaml.Scalar && n.Value == "" && n.Quoted {
			var zero T
			set(zero)
			return
		}
		scalar(d, what, parse, set)(n)
	}
}

func (d *decoder) nextHops(n *yaml.Node) []netstate.NextHop {
	var out []netstate.NextHop
	d.list(n, "`next-hops`", func(item *yaml.Node) {
		h := netstate.NextHop{Weight: 1}
		d.mapping(item, "a next hop", fields{
			"next-hop-interface": {decode: scalar(d, "next-hop-interface", parseName, func(v string) { h.Device = v })},
			"next-hop-address":   {decode: scalar(d, "next-hop-address", parseAddr, func(v netip.Addr) { h.Via = v })},
			"weight":             {decode: scalar(d, "weight", parseUint(1, 256), func(v uint64) { h.Weight = uint16(v) })},
			"onlink":             {decode: scalar(d, "onlink", parseBool, func(v bool) { h.OnLink = v })},
			"encap":              {decode: scalar(d, "encap", netstate.CanonicalEncap, func(v string) { h.Encap = v })},
		})
		if h.Device == "" && !h.Via.IsValid() {
			d.fail(item, "missing-key", "a next hop that leads nowhere", "Add `next-hop-interface` or `next-hop-address`.")
			return
		}
		out = append(out, h)
	})
	if len(out) == 1 {
		out[0].Weight = 0
	}
	return out
}

// checkRoute checks the parts of a route against each other.
func (d *decoder) checkRoute(n *yaml.Node, c *netstate.RouteConfig) bool {
	r := &c.Route
	fault := func(key, code, summary, detail string) bool {
		at := n
		if v := n.Get(key); v != nil {
			at = v
		}
		d.fail(at, code, summary, detail)
		return false
	}
	leadsNowhere := r.Type == "blackhole" || r.Type == "unreachable" || r.Type == "prohibit" || r.Type == "throw"
	if leadsNowhere && len(r.NextHops) == 1 && r.NextHops[0].Device == "lo" && !r.NextHops[0].Via.IsValid() {
		r.NextHops = nil // as nmstate shows it
		delete(c.Has, "next-hop-interface")
	}
	switch {
	case c.Absent && len(c.Has) == 0:
		return fault("", "missing-key", "`state: absent` alone would remove every route", "Name what the routes to be removed have in common.")
	case !c.Absent && !r.Destination.IsValid():
		return fault("", "missing-key", "a route without `destination`", "Add `destination:`; 0.0.0.0/0 and ::/0 are the default routes.")
	case leadsNowhere && len(r.NextHops) > 0:
		return fault("route-type", "contradiction", "a route of type "+string(r.Type)+" has no next hop", "Leave one of the two out.")
	case r.NexthopID != 0 && (leadsNowhere || len(r.NextHops) > 0):
		return fault("nexthop-id", "contradiction", "a route has either `nexthop-id` or a next hop of its own", "Leave one of the two out.")
	case !c.Absent && !leadsNowhere && len(r.NextHops) == 0 && r.NexthopID == 0:
		return fault("", "missing-key", "the route to "+r.Destination.String()+" leads nowhere", "Add `next-hop-interface` or `next-hop-address`, or a `route-type` such as blackhole.")
	}
	six := r.Destination.Addr().Is6()
	if c.Has[netstate.Preference] && r.Destination.IsValid() && !six {
		return fault(netstate.Preference, "bad-value", "only IPv6 routes have a preference", "Leave `pref` out; `metric` orders routes.")
	}
	if c.Has[netstate.Realm] && r.Destination.IsValid() && six {
		return fault(netstate.Realm, "bad-value", "only IPv4 routes have a realm", "Leave `realm` out.")
	}
	if r.Metrics[netstate.Preference] == 0 { // medium is how routes are
		delete(r.Metrics, netstate.Preference)
	}
	if six && r.TOS != 0 {
		return fault("tos", "bad-value", "only IPv4 routes have a type of service", "Leave `tos` out; a rule can look at it.")
	}
	if r.Destination.IsValid() && r.Source.IsValid() && r.Source.Is6() != six {
		return fault("source", "bad-value", "`source` is of another family than the destination", "Correct one of the two.")
	}
	for _, h := range r.NextHops {
		switch {
		case r.Destination.IsValid() && h.Via.IsValid() && six && h.Via.Is4():
			return fault("next-hop-address", "bad-value", "an IPv6 route cannot have an IPv4 gateway", "Correct one of the two.")
		case !c.Absent && h.Encap != "" && h.Device == "" && !h.Via.IsValid():
			return fault("encap", "missing-key", "an encapsulated route leads over an interface", "Add `next-hop-interface` or `next-hop-address`.")
		case h.OnLink && h.Device == "":
			return fault("onlink", "missing-key", "`onlink` needs `next-hop-interface`", "Name the interface.")
		case !c.Absent && h.Via.IsValid() && h.Via.IsLinkLocalUnicast() && h.Via.Is6() && h.Device == "":
			return fault("next-hop-address", "missing-key", "a link-local gateway needs `next-hop-interface`", "Name the interface.")
		}
	}
	return true
}
