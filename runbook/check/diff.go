package check

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"stet/executors/netstate"
)

// item is one object of a list as diff compares it: by key, then field by
// field. What is not in its fields is not compared.
type item struct {
	key    string
	fields [][2]string
	// text is the item on one line, if it is not its key and fields.
	text string
}

// String is the item on one line.
func (i item) String() string {
	if i.text != "" {
		return i.text
	}
	words := []string{i.key}
	for _, f := range i.fields {
		if f[1] != "" {
			words = append(words, f[0], orNone(f[1]))
		}
	}
	return strings.Join(words, " ")
}

// compare finds what appeared, vanished and changed, in the order of the
// lists.
func compare(before, after []item) changes {
	c := changes{Appeared: []string{}, Vanished: []string{}, Changed: []string{}}
	old, fresh := index(before), index(after)
	for _, key := range old.keys {
		b := old.items[key]
		a, ok := fresh.items[key]
		if !ok {
			c.Vanished = append(c.Vanished, b.String())
			continue
		}
		if text := fieldChanges(b, a); text != "" {
			c.Changed = append(c.Changed, b.key+": "+text)
		}
	}
	for _, key := range fresh.keys {
		if _, ok := old.items[key]; !ok {
			c.Appeared = append(c.Appeared, fresh.items[key].String())
		}
	}
	c.Count = len(c.Appeared) + len(c.Vanished) + len(c.Changed)
	c.Empty = c.Count == 0
	return c
}

type indexed struct {
	keys  []string
	items map[string]item
}

// index keys a list; equal keys are told apart by their place.
func index(list []item) indexed {
	x := indexed{items: make(map[string]item, len(list))}
	seen := map[string]int{}
	for _, i := range list {
		key := i.key
		if n := seen[i.key]; n > 0 {
			key = fmt.Sprintf("%s\x00%d", i.key, n)
		}
		seen[i.key]++
		x.keys = append(x.keys, key)
		x.items[key] = i
	}
	return x
}

func fieldChanges(before, after item) string {
	old := map[string]string{}
	for _, f := range before.fields {
		old[f[0]] = f[1]
	}
	var parts []string
	seen := map[string]bool{}
	show := func(name, from, to string) {
		if from != to {
			parts = append(parts, fmt.Sprintf("%s %s → %s", name, orNone(from), orNone(to)))
		}
	}
	for _, f := range after.fields {
		seen[f[0]] = true
		show(f[0], old[f[0]], f[1])
	}
	for _, f := range before.fields {
		if !seen[f[0]] {
			show(f[0], f[1], "")
		}
	}
	return strings.Join(parts, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	if n := utf8.RuneCountInString(s); n > 200 {
		// Never a part of it: a part of a secret is not recognised.
		return fmt.Sprintf("%d characters in %d lines", n, 1+strings.Count(s, "\n"))
	}
	return flat(s)
}

// side is one side of a diff of everything.
type side struct {
	has  map[string]bool
	list func(kind string) (any, error)
}

// diffSignatures are the overloads of diff.
func diffSignatures() []any {
	return []any{
		new(func(recorded, current) difference), new(func(current, recorded) difference), new(func(recorded, recorded) difference),
		new(func([]link, []link) changes), new(func([]address, []address) changes), new(func([]route, []route) changes),
		new(func([]qdisc, []qdisc) changes),
		new(func([]tcClass, []tcClass) changes),
		new(func([]tcFilter, []tcFilter) changes),
		new(func([]resolver, []resolver) changes),
		new(func([]namedNamespace, []namedNamespace) changes),
		new(func([]mplsRoute, []mplsRoute) changes),
		new(func([]xfrmState, []xfrmState) changes),
		new(func([]xfrmPolicy, []xfrmPolicy) changes),
		new(func([]mptcpEndpoint, []mptcpEndpoint) changes),
		new(func([]mptcpLimits, []mptcpLimits) changes),
		new(func([]rule, []rule) changes), new(func([]neighbour, []neighbour) changes), new(func([]fdbEntry, []fdbEntry) changes),
		new(func(map[string]string, map[string]string) changes), new(func(map[string]output, map[string]output) changes),
	}
}

// diff implements the function of that name.
func diff(params ...any) (any, error) {
	if len(params) != 2 {
		return nil, fmt.Errorf("diff takes two snapshots, or the same list of two")
	}
	before, first, err := sideOf(params[0], params[1])
	if err != nil {
		return nil, err
	}
	after, second, err := sideOf(params[1], params[0])
	if err != nil {
		return nil, err
	}
	if !first && !second && reflect.TypeOf(params[0]) == reflect.TypeOf(params[1]) {
		return compare(items(params[0]), items(params[1])), nil
	}
	if !first || !second {
		return nil, fmt.Errorf("diff takes two snapshots, or the same list of two")
	}
	d := difference{Empty: true, has: map[string]bool{}}
	for kind, target := range d.parts() {
		if !before.has[kind] || !after.has[kind] {
			continue
		}
		a, err := before.list(kind)
		if err != nil {
			return nil, err
		}
		b, err := after.list(kind)
		if err != nil {
			return nil, err
		}
		*target = compare(items(a), items(b))
		d.has[kind] = true
		d.Count += target.Count
	}
	d.Empty = d.Count == 0
	d.Neighbors = d.Neighbours
	d.has["neighbors"] = d.has["neighbours"]
	return d, nil
}

func (d *difference) parts() map[string]*changes {
	return map[string]*changes{
		"links": &d.Links, "addresses": &d.Addresses, "routes": &d.Routes, "rules": &d.Rules,
		"neighbours": &d.Neighbours, "fdb": &d.FDB, "sysctl": &d.Sysctl, "output": &d.Output,
		"qdiscs": &d.Qdiscs, "classes": &d.Classes, "filters": &d.Filters, "resolvers": &d.Resolvers, "namespaces": &d.Namespaces, "mpls_routes": &d.MPLSRoutes, "xfrm_states": &d.XfrmStates, "xfrm_policies": &d.XfrmPolicies,
		"mptcp_endpoints": &d.MPTCPEndpoints, "mptcp_limits": &d.MPTCPLimits,
	}
}

// sideOf makes a side of a snapshot or of now; other is what it is compared
// with, which says what now must read.
func sideOf(v, other any) (side, bool, error) {
	switch x := v.(type) {
	case recorded:
		has := map[string]bool{}
		for _, f := range x.snapshot.Facts {
			has[f] = true
		}
		return side{has, func(kind string) (any, error) { return x.list(kind), nil }}, true, nil
	case current:
		then, ok := other.(recorded)
		if !ok {
			return side{}, false, fmt.Errorf("diff(now, now) compares nothing")
		}
		has := map[string]bool{}
		for _, f := range then.snapshot.Facts {
			has[f] = true
		}
		return side{has, func(kind string) (any, error) { return x.list(kind, then.snapshot) }}, true, nil
	}
	return side{}, false, nil
}

func (r recorded) list(kind string) any {
	switch kind {
	case "links":
		return r.Links
	case "addresses":
		return r.Addresses
	case "routes":
		return r.Routes
	case "rules":
		return r.Rules
	case "neighbours":
		return r.Neighbours
	case "fdb":
		return r.FDB
	case "qdiscs":
		return r.Qdiscs
	case "classes":
		return r.Classes
	case "filters":
		return r.Filters
	case "resolvers":
		return r.Resolvers
	case "namespaces":
		return r.Namespaces
	case "mpls_routes":
		return r.MPLSRoutes
	case "xfrm_states":
		return r.XfrmStates
	case "xfrm_policies":
		return r.XfrmPolicies
	case "mptcp_endpoints":
		return r.MPTCPEndpoints
	case "mptcp_limits":
		return r.MPTCPLimits
	case "sysctl":
		return r.Sysctl
	}
	return r.Output
}

// list reads one kind of fact as it is now; commands of the snapshot run
// again.
func (c current) list(kind string, then *Snapshot) (any, error) {
	switch kind {
	case "links":
		return c.live.links()
	case "addresses":
		return c.live.addresses()
	case "routes":
		return c.live.routes()
	case "rules":
		return c.live.rules()
	case "neighbours":
		return c.live.neighbours()
	case "fdb":
		return c.live.fdb()
	case "qdiscs":
		return c.live.qdiscs()
	case "classes":
		return c.live.classes()
	case "filters":
		return c.live.filters()
	case "resolvers":
		return c.live.resolvers()
	case "namespaces":
		return c.live.namespaces()
	case "mpls_routes":
		return c.live.mplsRoutes()
	case "xfrm_states":
		return c.live.xfrmStates()
	case "xfrm_policies":
		return c.live.xfrmPolicies()
	case "mptcp_endpoints":
		return c.live.mptcpEndpoints()
	case "mptcp_limits":
		return c.live.mptcpLimits()
	case "sysctl":
		parsed, _ := parseSnapshot(then.Spec)
		s, err := c.live.round.observe(c.live.ctx, "sysctls", netstate.Query{Sysctls: parsed.query.Sysctls})
		if err != nil {
			return nil, err
		}
		return relevant(s.Sysctls, parsed.query.Sysctls), nil
	}
	outputs := map[string]output{}
	for _, o := range then.Outputs {
		v, err := c.live.shell(o.Command)
		if err != nil {
			return nil, err
		}
		if v.truncated {
			return nil, fmt.Errorf("%s printed more than %d KiB: compare less of it", flat(o.Command), maxOut>>10)
		}
		// What was recorded came out of the journal without its secrets.
		redact := c.live.print.redact
		outputs[o.Name] = newOutput(redact(v.Out), redact(v.Err), v.Exit, false)
	}
	return outputs, nil
}

// relevant keeps the keys that were asked for; * stands for one part or more.
func relevant(all map[string]string, patterns []string) map[string]string {
	m := map[string]string{}
	for key, value := range all {
		for _, p := range patterns {
			if matchKey(p, key) {
				m[key] = value
			}
		}
	}
	return m
}

func matchKey(pattern, key string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == key
	}
	return len(key) >= len(head)+len(tail) && strings.HasPrefix(key, head) && strings.HasSuffix(key, tail)
}

// recordedOf makes the expression's view of a snapshot.
func recordedOf(name string, s *Snapshot) recorded {
	r := recorded{snapshot: s, name: name, Sysctl: map[string]string{}, Output: map[string]output{}}
	r.Links, r.Addresses, r.Routes = linksOf(s.State), addressesOf(s.State), routesOf(s.State)
	r.Rules, r.Neighbours, r.FDB = rulesOf(s.State), neighboursOf(s.State), fdbOf(s.State)
	r.Neighbors = r.Neighbours
	r.Qdiscs, r.Classes, r.Filters = qdiscsOf(s.State), classesOf(s.State), filtersOf(s.State)
	r.Resolvers, r.Namespaces, r.MPLSRoutes = resolversOf(s.State), namespacesOf(s.State), mplsRoutesOf(s.State)
	r.XfrmStates, r.XfrmPolicies = xfrmStatesOf(s.State), xfrmPoliciesOf(s.State)
	r.MPTCPEndpoints, r.MPTCPLimits = mptcpEndpointsOf(s.State), mptcpLimitsOf(s.State)
	if s.State != nil {
		for k, v := range s.State.Sysctls {
			r.Sysctl[k] = v
		}
	}
	for _, o := range s.Outputs {
		r.Output[o.Name] = newOutput(o.Out, o.Err, o.Exit, o.Truncated)
	}
	return r
}
