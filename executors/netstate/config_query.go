package netstate

import (
	"slices"
	"strconv"
	"strings"
)

// Query says what must be observed to plan c: the objects that it names, and
// what the kernel changes by itself when they change.
func (c *Config) Query() Query { return c.query(true) }

// QueryHeld says what must be observed to tell whether c holds already. Where it
// does not, a plan needs Query, which also asks for what would be lost with
// interfaces that have to be made anew.
func (c *Config) QueryHeld() Query { return c.query(false) }

// query leaves out what interfaces that are made anew lose, unless anew is set.
func (c *Config) query(anew bool) Query {
	var q Query
	if c == nil {
		return q
	}
	q.Rules = len(c.Rules) > 0
	for i := range c.Namespaces {
		q.Netns = append(q.Netns, c.Namespaces[i].Namespace.Name)
		if c.Namespaces[i].Absent {
			// What is in it may go in the same block.
			q.links()
			q.Namespaces = append(q.Namespaces, c.Namespaces[i].Namespace.Name)
		}
	}
	q.Routes = q.Routes || len(c.Routes)+len(c.Nexthops)+len(c.MPLS) > 0
	if len(c.MPLS) > 0 {
		q.sysctl(mplsLabels)
	}
	q.RouteSets = c.hasSets()
	c.encapsulations(func(typ string, _ Pos) { q.Kinds = append(q.Kinds, EncapOf(typ)) })
	q.Neighbors = q.Neighbors || len(c.Neighbors) > 0
	q.FDB = q.FDB || len(c.FDB)+len(c.MDB) > 0 ||
		slices.ContainsFunc(c.Nexthops, func(n NexthopConfig) bool { return n.Absent }) // an entry may still lead by it
	q.Routes = q.Routes || slices.ContainsFunc(c.FDB, func(e FDBConfig) bool { return e.Entry.NexthopID != 0 })
	q.Xfrm = q.Xfrm || len(c.Xfrm) > 0
	q.MPTCP = q.MPTCP || len(c.MPTCP) > 0
	// Routes, neighbours and entries name interfaces, which must exist.
	q.Links = q.Links || q.Routes || q.Neighbors || q.FDB || q.Xfrm || len(c.MPTCP)+len(c.Sysctls) > 0
	if c.DNS != nil {
		q.DNS, q.DNSOwner, q.Links, q.Routes = true, true, true, true
	}
	for i := range c.Interfaces {
		c.Interfaces[i].query(&q, anew)
	}
	if len(q.Going) > 0 {
		q.Lost = true // of all: what lies on it goes with it
		q.Sysctls = append(q.Sysctls, OwnSysctls("default")...)
	}
	for _, s := range c.Sysctls {
		q.sysctl(s.Key)
	}
	for i := range c.FDB {
		if e := &c.FDB[i].Entry; e.VLAN == 0 && fdbOwner(e) == "master" {
			q.Kinds = append(q.Kinds, filtering) // such an entry is in each VLAN
			break
		}
	}
	for i := range c.MDB {
		if e := &c.MDB[i]; !e.Absent {
			q.Kinds = append(q.Kinds, e.lacking()...)
		}
	}
	q.tidy()
	return q
}

// query adds what one interface needs; anew as for a Config's.
func (i *InterfaceConfig) query(q *Query, anew bool) {
	if i.State == "ignore" {
		return
	}
	q.links()
	if i.Type != "" && i.State != "absent" {
		q.Kinds = append(q.Kinds, i.Type)
	}
	if given(i, portVLANs) || given(i, selfVLANs) || given(i, tunnelInfos) || i.Attrs[filtering] == "true" {
		q.Kinds = append(q.Kinds, filtering)
	}
	if i.Attrs[TeamRunner] != "" {
		q.Kinds = append(q.Kinds, TeamRunner)
	}
	for key, v := range i.Attrs {
		if module := tunnelEncapModule(key, v); module != "" {
			q.Kinds = append(q.Kinds, EncapOf(module))
		}
		q.Ethtool = q.Ethtool || IsEthtool(key)
		if a := AttrByKey(key); a.late(v) {
			q.Kinds = append(q.Kinds, key)
		}
		if v != "" && (key == "netns" || strings.HasSuffix(key, ".peer-target")) {
			q.Namespaces = append(q.Namespaces, v)
		}
	}
	q.Kinds = append(q.Kinds, i.Traffic.kinds()...)
	if i.IPv6 != nil {
		q.sysctl("net.ipv6.conf." + sysctlName(i.Name) + ".disable_ipv6")
	}
	if i.Attrs["ipv6.token"] != "" {
		q.sysctl("net.ipv6.conf." + sysctlName(i.Name) + ".forwarding")
	}
	if i.Attrs["ipv6.addr-gen-mode"] == "stable-privacy" {
		q.Kinds = append(q.Kinds, StableSecretOf(i.Name))
	}
	for _, s := range i.Sysctls {
		q.sysctl(s.Key)
	}
	anew = anew && i.mayBeRemade()
	q.MPTCP = q.MPTCP || anew || i.State == "absent" || i.Attrs["netns"] != "" // endpoints may be on it
	switch mtu, err := strconv.Atoi(i.Attrs["mtu"]); {
	case i.State == "absent" || anew && i.Attrs["netns"] == "":
		q.DNS, q.Unusual = true, true
		q.Going = append(q.Going, i.Name)
	case i.Attrs["netns"] != "" || err == nil && mtu < leastV6MTU:
		q.DNS, q.Ethtool = true, true
		if anew {
			q.Going = append(q.Going, i.Name)
		} else {
			q.own(sysctlName(i.Name))
		}
	}
}

// own asks for the parameters of an interface that people set.
func (q *Query) own(name string) {
	q.Sysctls = append(append(q.Sysctls, OwnSysctls(name)...), OwnSysctls("default")...)
}

// mayBeRemade tells that the interface, if it is there, may have to be made
// anew.
func (i *InterfaceConfig) mayBeRemade() bool {
	for key := range i.Attrs {
		if a := AttrByKey(key); a != nil && (a.Set == OnCreate || formKeys[key]) {
			return true
		}
	}
	return false
}

// OwnSysctls are the keys of the parameters of an interface that people set, and
// that are lost with it; "*" is all interfaces.
func OwnSysctls(name string) []string {
	keys := make([]string, len(ownSysctls))
	for i, key := range ownSysctls {
		version, parameter, _ := strings.Cut(key, " ")
		keys[i] = "net." + version + ".conf." + name + "." + parameter
	}
	return keys
}

var ownSysctls = []string{
	"ipv4 forwarding", "ipv4 rp_filter", "ipv4 accept_redirects", "ipv4 send_redirects", "ipv4 secure_redirects",
	"ipv4 accept_source_route", "ipv4 accept_local", "ipv4 route_localnet", "ipv4 proxy_arp", "ipv4 proxy_arp_pvlan",
	"ipv4 arp_announce", "ipv4 arp_ignore", "ipv4 arp_accept", "ipv4 arp_filter", "ipv4 arp_notify",
	"ipv4 log_martians", "ipv4 promote_secondaries", "ipv4 src_valid_mark",
	"ipv6 forwarding", "ipv6 accept_ra_defrtr", "ipv6 accept_ra_pinfo",
	"ipv6 accept_redirects", "ipv6 accept_dad", "ipv6 dad_transmits", "ipv6 disable_ipv6",
	"ipv6 keep_addr_on_down", "ipv6 proxy_ndp", "ipv6 hop_limit", "mpls input",
}

// links asks for links and for what depends on them.
func (q *Query) links() {
	const last = "net.ipv6.conf.*.keep_addr_on_down"
	q.Links, q.Routes, q.Neighbors, q.FDB, q.TrafficControl = true, true, true, true, true
	if n := len(q.Sysctls); n > 0 && q.Sysctls[n-1] == last {
		return // for the interface before
	}
	q.Sysctls = append(q.Sysctls,
		"net.ipv4.conf.all.promote_secondaries", "net.ipv4.conf.default.promote_secondaries", "net.ipv4.conf.*.promote_secondaries",
		"net.ipv6.conf.default.accept_ra", "net.ipv6.conf.default.autoconf", "net.ipv6.conf.default.use_tempaddr", "net.ipv6.conf.default.addr_gen_mode",
		"net.ipv6.conf.all.keep_addr_on_down", "net.ipv6.conf.default.keep_addr_on_down", last)
}

// sysctl asks for a parameter, for what it changes along, and, of an
// interface's, for what a new interface begins with.
func (q *Query) sysctl(key string) {
	q.Sysctls = append(q.Sysctls, key)
	if sysctlDevice(key) != "" {
		q.Sysctls = append(q.Sysctls, defaultKey(key))
	}
	if key == mplsLabels {
		q.Routes, q.Links = true, true // those of labels beyond it go
	}
	if strings.HasPrefix(key, "net.ipv6.conf.") && strings.HasSuffix(key, ".disable_ipv6") {
		// It takes addresses, routes and neighbours along.
		q.links()
	}
	q.Sysctls = append(q.Sysctls, draggedSysctls(key)...)
}

func (q *Query) tidy() {
	slices.Sort(q.Going)
	q.Going = slices.Compact(q.Going)
	slices.Sort(q.Elsewhere)
	q.Elsewhere = slices.Compact(q.Elsewhere)
	slices.Sort(q.Sysctls)
	q.Sysctls = slices.Compact(q.Sysctls)
	slices.Sort(q.Namespaces)
	q.Namespaces = slices.Compact(q.Namespaces)
	slices.Sort(q.Netns)
	q.Netns = slices.Compact(q.Netns)
	slices.Sort(q.Kinds)
	q.Kinds = slices.Compact(q.Kinds)
}

// Query says what must be observed to verify or to undo c.
func (c *Change) Query() Query {
	var q Query
	if c == nil {
		return q
	}
	for _, e := range c.Edits {
		for _, o := range []Object{e.Before, e.After} {
			o.query(&q)
		}
		if e.Netns != "" {
			q.Links = true
			q.Elsewhere = append(q.Elsewhere, e.Netns)
			q.Elsewhere = slices.Compact(q.Elsewhere)
		}
	}
	if q.Links {
		q.links()
	}
	q.tidy()
	return q
}

func (o Object) query(q *Query) {
	switch {
	case o.Route != nil, o.Nexthop != nil:
		q.Routes = true
	case o.MPLS != nil:
		q.sysctl(mplsLabels)
	case o.Routes != nil:
		q.Routes, q.RouteSets = true, true
	case o.Link != nil:
		q.Links = true
		q.Ethtool = q.Ethtool || o.Link.has(EthtoolFeature)
		q.Unusual = q.Unusual || o.Link.hasEthtool() // all of it, but for features
		if o.Link.Netns != "" && o.Link.hasEthtool() {
			q.Elsewhere = append(q.Elsewhere, o.Link.Netns)
		}
		_, target := o.Link.Peer()
		for _, n := range []string{o.Link.Netns, target} {
			if n != "" && !slices.Contains(q.Namespaces, n) {
				q.Namespaces = append(q.Namespaces, n)
			}
		}
	case o.Address != nil:
		q.Links = true
	case o.Rule != nil:
		q.Rules = true
	case o.Neighbor != nil:
		q.Neighbors = true
	case o.MDB != nil:
		q.FDB = true
	case o.FDB != nil:
		q.FDB = true
		// The VLANs of its port tell which others come and go with it.
		q.Links = q.Links || o.FDB.VLAN == 0 && fdbOwner(o.FDB) == "master"
	case o.DNS != nil:
		q.DNS = true
	case o.Xfrm != nil && o.Xfrm.MPTCP():
		q.MPTCP = true
		q.Links = q.Links || o.Xfrm.Attrs["dev"] != "" // whether it is there
	case o.Xfrm != nil:
		q.Xfrm = true
	case o.Traffic != nil:
		q.Links, q.TrafficControl = true, true
	case o.Sysctl != nil:
		q.sysctl(o.Sysctl.Key)
	case o.Namespace != nil:
		q.Netns = append(q.Netns, o.Namespace.Name)
	}
}
