package linux

import (
	"context"
	"fmt"

	"stet/executors/netstate"
)

// Observe reads the parts of the network state that q asks for. A part that
// changes while it is read is read again.
func (n *Namespace) Observe(ctx context.Context, q netstate.Query) (*netstate.State, error) {
	s := &netstate.State{}
	var raw []rawLink
	l := newLinks()
	if q.Links || q.Routes || q.Neighbors || q.FDB || q.TrafficControl || q.Xfrm || q.MPTCP || q.DNS {
		var err error
		if raw, l, err = n.rawLinks(ctx); err != nil {
			return nil, fmt.Errorf("reading the interfaces: %w", err)
		}
	}
	if len(q.Netns) > 0 {
		if err := n.observeNamed(ctx, s, q.Netns); err != nil {
			return nil, fmt.Errorf("reading the named namespaces: %w", err)
		}
	}
	far := append(n.farNamespaces(ctx, &q, raw), q.Elsewhere...)
	steps := []struct {
		wanted bool
		what   string
		read   func() error
	}{
		{q.Links, "interfaces", func() error { return n.observeLinks(ctx, s, raw, l, union(q.Namespaces, far)) }},
		{len(far) > 0, "namespaces of far ends", func() error { return n.observeElsewhere(ctx, s, q, far) }},
		{q.Links && (q.Ethtool || q.Unusual), "settings of drivers", func() error { return n.observeEthtool(ctx, s, raw, q.Ethtool) }},
		{q.Routes && !q.RouteSets, "routes", func() error { return n.observeRoutes(ctx, s, l) }},
		{q.Routes && q.RouteSets, "routes", func() error { return n.observeRouteSets(ctx, s, l) }},
		{q.Routes, "nexthop objects", func() error { return n.observeNexthops(ctx, s, l) }},
		{q.Routes, "routes of labels", func() error { return n.observeMPLS(ctx, s, l) }},
		{q.Rules, "route rules", func() error { return n.observeRules(ctx, s) }},
		{q.Neighbors, "neighbors", func() error { return n.observeNeighbors(ctx, s, l) }},
		{q.FDB, "multicast databases", func() error { return n.observeMDB(ctx, s, raw, l) }},
		{q.FDB, "forwarding entries", func() error { return n.observeFDB(ctx, s, raw, l) }},
		{q.DNS, "name servers", func() error { return n.observeDNS(ctx, s, raw, q.DNSOwner) }},
		{q.Xfrm, "states and policies of IPsec", func() error { return n.observeXfrm(ctx, s, l) }},
		{q.MPTCP, "endpoints of Multipath TCP", func() error { return n.observeMPTCP(ctx, s, l) }},
		{q.TrafficControl, "traffic control", func() error { return n.observeTraffic(ctx, s, l) }},
		{len(q.Kinds) > 0, "kinds of interfaces", func() error { return n.observeLacks(ctx, s, raw, q.Kinds) }},
		{len(q.Sysctls) > 0, "sysctls", func() error { return n.observeSysctls(ctx, s, q.Sysctls, q.Lost, raw) }},
	}
	for _, step := range steps {
		if !step.wanted {
			continue
		}
		if err := step.read(); err != nil {
			return nil, fmt.Errorf("reading the %s: %w", step.what, err)
		}
	}
	return s, nil
}
