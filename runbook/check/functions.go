package check

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"stet/executors/netstate"
)

// evaluator holds what functions and facts answer from during one Run.
type evaluator struct {
	ctx   context.Context // of the evaluation that runs
	round *round
	trace *trace
	plan  *plan
	spent int
	print printer
}

// function is a function of the language.
type function struct {
	name string
	// example is an assertion with it.
	example string
	// options are the keys of its options map with the types they take.
	options map[string]string
	// anywhere tells that templates have it too.
	anywhere bool
	// bind gives the Go function of an evaluator.
	bind func(e *evaluator) any
}

// functions are all functions but diff and the builtins of expr.
func functions() []function {
	return []function{
		{name: "link", example: `link("br0").mtu == 1500`, bind: func(e *evaluator) any { return e.link }},
		{name: "route", example: `route("192.0.2.1").dev == "br0"`, bind: func(e *evaluator) any { return e.routeTo },
			options: map[string]string{"source": "string", "iif": "string", "mark": "number"}},
		{name: "sysctl", example: `sysctl("net.ipv4.ip_forward") == 1`, bind: func(e *evaluator) any { return e.sysctl }},
		{name: "ping", example: `ping("192.0.2.1", {count: 5}).loss == 0`, bind: func(e *evaluator) any { return e.ping },
			options: map[string]string{"count": "number", "size": "number", "df": "bool", "source": "string", "interval": "duration", "timeout": "duration"}},
		{name: "tcp", example: `tcp("192.0.2.1:22")`, bind: func(e *evaluator) any { return e.tcp },
			options: map[string]string{"source": "string", "timeout": "duration"}},
		{name: "http", example: `http("http://192.0.2.1/").status == 200`, bind: func(e *evaluator) any { return e.http },
			options: map[string]string{"method": "string", "headers": "map", "insecure": "bool", "timeout": "duration"}},
		{name: "dns", example: `"192.0.2.1" in dns("www.example.net").answers`, bind: func(e *evaluator) any { return e.dns },
			options: map[string]string{"server": "string", "timeout": "duration"}},
		{name: "run", example: `run("uname -s").out == "Linux"`, bind: func(e *evaluator) any { return e.shell }},
		{name: "process", example: `process("sshd").count > 0`, bind: func(e *evaluator) any { return e.process }},
		{name: "file", example: `file("/etc/hostname").size > 0`, bind: func(e *evaluator) any { return e.file }},
		{name: "within", example: `within("192.0.2.0/24", "192.0.2.7")`, anywhere: true, bind: func(*evaluator) any { return within }},
		{name: "percent", example: `percent(2, 8) <= 25`, anywhere: true, bind: func(*evaluator) any { return percent }},
		{name: "quote", example: `quote("a b") == "'a b'"`, anywhere: true, bind: func(*evaluator) any { return quote }},
	}
}

// fact is a list that is read from the target when it is used.
type fact struct {
	name  string
	query netstate.Query
	bind  func(e *evaluator) any
}

func factTable() []fact {
	return []fact{
		{"links", netstate.Query{Links: true}, func(e *evaluator) any { return e.links }},
		{"addresses", netstate.Query{Links: true}, func(e *evaluator) any { return e.addresses }},
		{"routes", netstate.Query{Routes: true}, func(e *evaluator) any { return e.routes }},
		{"rules", netstate.Query{Rules: true}, func(e *evaluator) any { return e.rules }},
		{"neighbours", netstate.Query{Neighbors: true}, func(e *evaluator) any { return e.neighbours }},
		{"neighbors", netstate.Query{Neighbors: true}, func(e *evaluator) any { return e.neighbours }},
		{"fdb", netstate.Query{FDB: true}, func(e *evaluator) any { return e.fdb }},
		{"qdiscs", netstate.Query{TrafficControl: true}, func(e *evaluator) any { return e.qdiscs }},
		{"classes", netstate.Query{TrafficControl: true}, func(e *evaluator) any { return e.classes }},
		{"filters", netstate.Query{TrafficControl: true}, func(e *evaluator) any { return e.filters }},
		{"resolvers", netstate.Query{DNS: true}, func(e *evaluator) any { return e.resolvers }},
		{"namespaces", netstate.Query{Netns: []string{"*"}}, func(e *evaluator) any { return e.namespaces }},
		{"mpls_routes", netstate.Query{Routes: true}, func(e *evaluator) any { return e.mplsRoutes }},
		{"xfrm_states", netstate.Query{Xfrm: true}, func(e *evaluator) any { return e.xfrmStates }},
		{"xfrm_policies", netstate.Query{Xfrm: true}, func(e *evaluator) any { return e.xfrmPolicies }},
		{"mptcp_endpoints", netstate.Query{MPTCP: true}, func(e *evaluator) any { return e.mptcpEndpoints }},
		{"mptcp_limits", netstate.Query{MPTCP: true}, func(e *evaluator) any { return e.mptcpLimits }},
	}
}

func (e *evaluator) link(name string) (link, error) {
	links, err := e.links()
	if err != nil {
		return link{}, err
	}
	for i := range links {
		if links[i].Name == name {
			return links[i], nil
		}
	}
	return noLink(name), nil
}

// listOf reads one kind of fact, once a round.
func listOf[T any](e *evaluator, part string, convert func(*netstate.State) []T) ([]T, error) {
	if list, ok := e.round.lists[part]; ok {
		return list.([]T), nil
	}
	q, _ := queryOf(part)
	s, err := e.round.observe(e.ctx, part, q)
	if err != nil {
		return nil, err
	}
	list := convert(s)
	e.round.lists[part] = list
	return list, nil
}

func (e *evaluator) links() ([]link, error) { return listOf(e, "links", linksOf) }

func (e *evaluator) addresses() ([]address, error) { return listOf(e, "addresses", addressesOf) }

func (e *evaluator) routes() ([]route, error) { return listOf(e, "routes", routesOf) }

func (e *evaluator) rules() ([]rule, error) { return listOf(e, "rules", rulesOf) }

func (e *evaluator) neighbours() ([]neighbour, error) {
	return listOf(e, "neighbours", neighboursOf)
}

func (e *evaluator) fdb() ([]fdbEntry, error) { return listOf(e, "fdb", fdbOf) }

func (e *evaluator) sysctl(key string) (string, error) {
	key = strings.ReplaceAll(key, "/", ".")
	if problem := sysctlProblem(key); problem != "" {
		return "", fmt.Errorf("sysctl %q %s", key, problem)
	}
	s, err := e.round.observe(e.ctx, "sysctl "+key, netstate.Query{Sysctls: []string{key}})
	if err != nil {
		return "", err
	}
	v, ok := s.Sysctls[key]
	if !ok {
		return "", fmt.Errorf("there is no sysctl %s", key)
	}
	return v, nil
}

// sysctlProblem says what is wrong with a key, or "".
func sysctlProblem(key string) string {
	switch {
	case key == "":
		return "is empty"
	case strings.HasPrefix(key, ".") || strings.HasSuffix(key, ".") || strings.Contains(key, ".."):
		return "has an empty part"
	case strings.ContainsAny(key, " \t\n=\x00"):
		return "is no kernel parameter's name"
	}
	return ""
}

// now gives everything, for uses other than now.routes and diff(…, now).
func (e *evaluator) now() (current, error) {
	c := current{live: e}
	var errs [16]error
	c.Links, errs[0] = e.links()
	c.Addresses, errs[1] = e.addresses()
	c.Routes, errs[2] = e.routes()
	c.Rules, errs[3] = e.rules()
	c.Neighbours, errs[4] = e.neighbours()
	c.Neighbors = c.Neighbours
	c.FDB, errs[5] = e.fdb()
	c.Qdiscs, errs[6] = e.qdiscs()
	c.Classes, errs[7] = e.classes()
	c.Filters, errs[8] = e.filters()
	c.Resolvers, errs[9] = e.resolvers()
	c.Namespaces, errs[10] = e.namespaces()
	c.MPLSRoutes, errs[11] = e.mplsRoutes()
	c.XfrmStates, errs[12] = e.xfrmStates()
	c.XfrmPolicies, errs[13] = e.xfrmPolicies()
	c.MPTCPEndpoints, errs[14] = e.mptcpEndpoints()
	c.MPTCPLimits, errs[15] = e.mptcpLimits()
	for _, err := range errs {
		if err != nil {
			return current{}, err
		}
	}
	return c, nil
}

// later is now for diff, which reads what the other side recorded.
func (e *evaluator) later() (current, error) { return current{live: e}, nil }

// within reports whether an address, or a whole prefix, lies in a prefix.
func within(prefix, ip string) (bool, error) {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return false, fmt.Errorf("%q is no prefix such as 192.0.2.0/24", prefix)
	}
	p = p.Masked()
	if inner, err := netip.ParsePrefix(ip); err == nil {
		return p.Bits() <= inner.Bits() && p.Contains(inner.Addr()), nil
	}
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return false, fmt.Errorf("%q is no address", ip)
	}
	return p.Contains(a.WithZone("").Unmap()) || p.Contains(a.WithZone("")), nil
}

// percent is part in whole as percent; of nothing it is 0.
func percent(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * part / whole
}

// quote quotes a string for the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
