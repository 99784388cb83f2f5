package check

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

// Path is what an expression takes of the facts of a target's machine:
// target.links["eth0"].mtu is links, eth0, mtu. The empty path is all of them.
type Path []string

// String writes a path as a document does.
func (p Path) String() string {
	var b strings.Builder
	b.WriteString("target")
	for _, key := range p {
		if plainKey().MatchString(key) {
			b.WriteString("." + key)
		} else {
			fmt.Fprintf(&b, "[%q]", key)
		}
	}
	return b.String()
}

var plainKey = pattern(`^[A-Za-z_][A-Za-z0-9_]*$`)

// factKeys are the names of facts of a machine.
func factKeys() []string { return structFields(reflect.TypeFor[runbook.Facts]()) }

// FactPaths are the facts of the target's machine that the ${expr} of a
// template take. Sorted, without duplicates.
func FactPaths(text string) []Path {
	if !strings.Contains(text, "target") {
		return nil
	}
	found := map[string]Path{}
	for _, p := range parts([]rune(text)) {
		if p.expr && !p.open {
			pathsOf(p.text, found)
		}
	}
	return sortedPaths(found)
}

// FactPaths are the facts of the target's machine that the program takes.
func (p *Program) FactPaths() []Path {
	found := map[string]Path{}
	for _, path := range p.facts {
		found[path.String()] = path
	}
	return sortedPaths(found)
}

func sortedPaths(found map[string]Path) []Path {
	var paths []Path
	for _, key := range sortedKeys(found) {
		paths = append(paths, found[key])
	}
	return paths
}

func pathsOf(source string, found map[string]Path) {
	if len(source) > 4*maxLength {
		return
	}
	tree, err := parser.ParseWithConfig(unwrap(source), (&namespace{templates: true}).config())
	if err != nil {
		return
	}
	for _, path := range treePaths(&tree.Node) {
		found[path.String()] = path
	}
	visit(&tree.Node, func(n *ast.Node) {
		if s, ok := (*n).(*ast.StringNode); ok && strings.Contains(s.Value, "${") {
			for _, p := range parts([]rune(s.Value)) {
				if p.expr && !p.open {
					pathsOf(p.text, found)
				}
			}
		}
	})
}

// treePaths finds target and what is taken of it by names. Where it is taken as
// a whole, or by a name that is computed, everything may be meant.
func treePaths(root *ast.Node) []Path {
	at := map[ast.Node]Path{}
	within := map[ast.Node]bool{}
	visit(root, func(n *ast.Node) {
		switch x := (*n).(type) {
		case *ast.IdentifierNode:
			if x.Value == "target" {
				at[x] = Path{}
			}
		case *ast.MemberNode:
			base, of := at[x.Node]
			key, literal := x.Property.(*ast.StringNode)
			if of && literal {
				at[x] = append(base[:len(base):len(base)], key.Value)
				within[x.Node] = true
			}
		}
	})
	keys := factKeys()
	var paths []Path
	for n, path := range at {
		if !within[n] && (len(path) == 0 || contains(keys, path[0])) {
			paths = append(paths, path)
		}
	}
	sort.Slice(paths, func(i, j int) bool { return paths[i].String() < paths[j].String() })
	return paths
}

// ofLinks reports whether a node is target.links.
func (c *compilation) ofLinks(n ast.Node) bool {
	m, ok := n.(*ast.MemberNode)
	if !ok {
		return false
	}
	base, isName := m.Node.(*ast.IdentifierNode)
	key, isText := m.Property.(*ast.StringNode)
	return isName && isText && base.Value == "target" && key.Value == "links"
}

// factNatures are the types of the facts of a machine. Of one that was looked
// at, the interfaces are known by name.
func (n *namespace) factNatures(c *conf.Config, fields map[string]nature.Nature) {
	t := reflect.TypeFor[runbook.Facts]()
	for i := range t.NumField() {
		fields[t.Field(i).Tag.Get("expr")] = c.NtCache.FromType(t.Field(i).Type)
	}
	if n.names.Facts == nil {
		return
	}
	known := func(key string, of reflect.Type, names []string) {
		nt := c.NtCache.FromType(reflect.MapOf(reflect.TypeFor[string](), of))
		nt.TypeData = &nature.TypeData{Fields: map[string]nature.Nature{}}
		nt.Strict = true
		for _, name := range names {
			nt.Fields[name] = c.NtCache.FromType(of)
		}
		fields[key] = nt
	}
	known("links", reflect.TypeFor[runbook.FactLink](), sortedKeys(n.names.Facts.Links))
	known("release", reflect.TypeFor[string](), sortedKeys(n.names.Facts.Release))
}

// factValues are the facts by the names that expressions have for them.
func factValues(f *runbook.Facts, into map[string]any) {
	v := reflect.ValueOf(*f)
	for i := range v.NumField() {
		into[v.Type().Field(i).Tag.Get("expr")] = v.Field(i).Interface()
	}
}

// Fact is the value of a path as JSON, the text that approval of a plan is
// about; "null" where there is nothing.
func Fact(f *runbook.Facts, p Path) string {
	if f == nil {
		return "null"
	}
	b, err := json.Marshal(f)
	var v any
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	for _, key := range p {
		m, ok := v.(map[string]any)
		if !ok || err != nil {
			return "null"
		}
		v = m[key]
	}
	if b, err = json.Marshal(v); err != nil {
		return "null"
	}
	return string(b)
}

// Look reads the facts of a machine that paths name. Names, kernel and user
// cost one question, interfaces and routes another one.
func Look(ctx context.Context, o executors.Observer, paths []Path) (*runbook.Facts, error) {
	wants := func(keys ...string) bool {
		for _, p := range paths {
			if len(p) == 0 || contains(keys, p[0]) {
				return true
			}
		}
		return false
	}
	info, err := o.Info(ctx)
	if err != nil {
		return nil, err
	}
	f := &runbook.Facts{Hostname: info.Hostname, OS: info.OS, Arch: info.Arch, Kernel: info.Kernel, User: info.User, UID: info.UID}
	q := netstate.Query{Links: wants("links"), Routes: wants("default4", "default6")}
	if q.Links || q.Routes {
		s, err := o.Observe(ctx, q)
		if err != nil {
			return nil, err
		}
		machineLinks(f, s)
		f.Default4, f.Default6 = defaultRoute(s, 4), defaultRoute(s, 6)
	}
	if wants("release") {
		f.Release, err = release(ctx, o)
	}
	return f, err
}

func machineLinks(f *runbook.Facts, s *netstate.State) {
	for _, l := range linksOf(s) {
		m := runbook.FactLink{Name: l.Name, Type: l.Type, State: l.State, MTU: l.MTU, MAC: l.MAC, Controller: l.Controller, Alias: l.Alias,
			Addresses: []runbook.FactAddress{}}
		for _, a := range l.Addresses {
			m.Addresses = append(m.Addresses, runbook.FactAddress{IP: a.IP, Prefix: a.Prefix, Network: a.Network, Length: a.Length, Family: a.Family, Scope: a.Scope})
		}
		if f.Links == nil {
			f.Links = map[string]runbook.FactLink{}
		}
		f.Links[l.Name] = m
	}
}

// mainTable is RT_TABLE_MAIN of linux/rtnetlink.h.
const mainTable = 254

// defaultRoute is the one of a family that the kernel takes first.
func defaultRoute(s *netstate.State, family int) runbook.FactRoute {
	var best *route
	for _, r := range routesOf(s) {
		if r.Default && r.Family == family && r.Table == mainTable && r.Type == "unicast" && len(r.NextHops) > 0 && (best == nil || r.Metric < best.Metric) {
			best = &r
		}
	}
	if best == nil {
		return runbook.FactRoute{}
	}
	return runbook.FactRoute{Dev: best.NextHops[0].Dev, Via: best.NextHops[0].Via, Source: best.Source, Metric: best.Metric}
}

// release reads os-release(5).
func release(ctx context.Context, o executors.Observer) (map[string]string, error) {
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		reply, err := o.Probe(ctx, executors.Probe{File: &executors.File{Path: path, Read: 16 << 10}})
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		if content, _ := reply.Values["content"].(string); content != "" {
			return parseRelease(content), nil
		}
	}
	return map[string]string{}, nil
}

// parseRelease reads lines of KEY=value, quoted as a shell does it.
func parseRelease(content string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(content) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			quote := value[0]
			value = value[1 : n-1]
			if quote == '"' {
				value = strings.NewReplacer(`\"`, `"`, `\$`, `$`, "\\`", "`", `\\`, `\`).Replace(value)
			}
		}
		values[strings.ToLower(key)] = value
	}
	return values
}

// IsFact reports whether a machine has a fact of this name.
func IsFact(name string) bool { return contains(factKeys(), name) }

// FactText is a fact as ${target.NAME} gives it; "" if it is not known.
func FactText(f *runbook.Facts, name string) string {
	if f == nil {
		return ""
	}
	values := map[string]any{}
	factValues(f, values)
	text, err := scalar(values[name])
	if err != nil {
		return ""
	}
	return text
}

// Whole turns JSON's numbers into whole ones where they are: a variable that
// was kept in a journal is the variable that it was.
func Whole(v any) any { return wholeNumbers(v, 0) }
