package check

import (
	"strconv"
	"strings"

	"stet/executors/netstate"
)

// resolver is where the programs of a namespace learn their name servers from.
type resolver struct {
	Dev     string   `expr:"dev"`
	Device  string   `expr:"device"`
	File    string   `expr:"file"`
	Servers []string `expr:"servers"`
	Search  []string `expr:"search"`
	Options []string `expr:"options"`
	Owner   string   `expr:"owner"`
}

// namedNamespace is a named network namespace of the machine.
type namedNamespace struct {
	Name     string   `expr:"name"`
	ID       int      `expr:"nsid"`
	Loopback string   `expr:"loopback"`
	Links    []string `expr:"links"`
	Uses     []string `expr:"uses"`
}

// mplsRoute says what becomes of packets with a label.
type mplsRoute struct {
	Label    int       `expr:"label"`
	Labels   string    `expr:"labels"`
	Dev      string    `expr:"dev"`
	Device   string    `expr:"device"`
	Via      string    `expr:"via"`
	Protocol string    `expr:"protocol"`
	NextHops []nexthop `expr:"nexthops"`
}

func (e *evaluator) resolvers() ([]resolver, error) { return listOf(e, "resolvers", resolversOf) }

func (e *evaluator) namespaces() ([]namedNamespace, error) {
	return listOf(e, "namespaces", namespacesOf)
}

func (e *evaluator) mplsRoutes() ([]mplsRoute, error) { return listOf(e, "mpls_routes", mplsRoutesOf) }

func resolversOf(s *netstate.State) []resolver {
	list := []resolver{}
	if s == nil {
		return list
	}
	for _, d := range s.DNS {
		r := resolver{Dev: d.Device, Device: d.Device, Servers: texts(d.Servers), Search: texts(d.Search), Options: texts(d.Options), Owner: d.Owner}
		if d.File != nil && !d.File.Missing {
			r.File = d.File.Path
		}
		list = append(list, r)
	}
	return list
}

func namespacesOf(s *netstate.State) []namedNamespace {
	list := []namedNamespace{}
	if s == nil {
		return list
	}
	for _, n := range s.Namespaces {
		one := namedNamespace{Name: n.Name, ID: -1, Loopback: n.Loopback, Links: texts(n.Links), Uses: texts(n.Uses)}
		if id, err := strconv.Atoi(n.ID); err == nil {
			one.ID = id
		}
		list = append(list, one)
	}
	return list
}

func mplsRoutesOf(s *netstate.State) []mplsRoute {
	list := []mplsRoute{}
	if s == nil {
		return list
	}
	for i := range s.MPLS {
		r := routeOf(&s.MPLS[i])
		list = append(list, mplsRoute{
			Label: int(s.MPLS[i].Label), Labels: r.Encap, Dev: r.Dev, Device: r.Dev, Via: r.Via, Protocol: r.Protocol, NextHops: r.NextHops,
		})
	}
	return list
}

// texts is a list that is never nil.
func texts(list []string) []string { return append([]string{}, list...) }

func resolverText(r resolver) string {
	where := r.Dev
	if where == "" {
		where = "resolv.conf"
	}
	return strings.Join(nonEmpty(where, strings.Join(r.Servers, " ")), " ")
}

func mplsHops(r mplsRoute) string {
	var hops []string
	for _, h := range r.NextHops {
		labels := prefixed("as ", h.Encap)
		h.Encap = ""
		hops = append(hops, strings.Join(nonEmpty(labels, hopText(h, false)), " "))
	}
	return strings.Join(hops, ", ")
}

// namedItems are those of resolvers, namespaces, routes of labels, traffic
// control, IPsec and MPTCP.
func namedItems(list any) []item {
	var r []item
	switch l := list.(type) {
	case []resolver:
		for _, x := range l {
			where := x.Dev
			if where == "" {
				where = "resolv.conf"
			}
			r = append(r, item{key: where, fields: [][2]string{{"servers", strings.Join(x.Servers, " ")}, {"search", strings.Join(x.Search, " ")}, {"options", strings.Join(x.Options, " ")}, {"owner", x.Owner}}})
		}
	case []namedNamespace: // what runs in them comes and goes
		for _, x := range l {
			id := ""
			if x.ID >= 0 {
				id = strconv.Itoa(x.ID)
			}
			r = append(r, item{key: x.Name, fields: [][2]string{{"nsid", id}, {"loopback", x.Loopback}, {"links", strings.Join(x.Links, " ")}}})
		}
	case []mplsRoute:
		for _, x := range l {
			r = append(r, item{key: strconv.Itoa(x.Label), fields: [][2]string{{"nexthop", mplsHops(x)}, {"proto", x.Protocol}}})
		}
	case []qdisc:
		for _, x := range l {
			r = append(r, qdiscItem(x, "at "+x.Parent))
		}
	case []tcClass:
		for _, x := range l {
			r = append(r, qdiscItem(qdisc(x), x.Handle))
		}
	case []tcFilter:
		for _, x := range l {
			r = append(r, filterItem(x))
		}
	case []xfrmState:
		for _, x := range l {
			r = append(r, xfrmStateItem(x))
		}
	case []xfrmPolicy:
		for _, x := range l {
			r = append(r, xfrmPolicyItem(x))
		}
	case []mptcpEndpoint:
		for _, x := range l {
			r = append(r, mptcpEndpointItem(x))
		}
	case []mptcpLimits:
		for _, x := range l {
			r = append(r, mptcpLimitsItem(x))
		}
	}
	return r
}
