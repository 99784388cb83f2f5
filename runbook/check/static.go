package check

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker/nature"

	"stet/executors/netstate"
)

// staticChecks find what types do not show: keys of options, of sysctls and of
// attributes, prefixes, and facts that a snapshot did not record.
func (c *compilation) staticChecks() {
	c.plan.facts = treePaths(&c.tree.Node)
	visit(&c.tree.Node, func(n *ast.Node) {
		switch x := (*n).(type) {
		case *ast.CallNode:
			c.checkCall(x)
		case *ast.MemberNode:
			c.checkRecorded(x)
		case *ast.BuiltinNode:
			c.checkText(x)
		case *ast.BinaryNode:
			c.checkDestination(x)
		case *ast.IdentifierNode:
			c.use(x.Value)
		}
	})
}

// use notes what evaluating needs: which facts, registers and snapshots.
func (c *compilation) use(name string) {
	if q, ok := queryOf(name); ok && !c.space.templates {
		c.plan.query = merge(c.plan.query, q)
	}
	if name == "link" && !c.space.templates {
		c.plan.query = merge(c.plan.query, netstate.Query{Links: true})
	}
	if Reserved(name) {
		return
	}
	_, isSnapshot := c.space.names.Snapshots[name]
	if contains(c.space.names.Registers, name) || isSnapshot && !c.space.templates {
		c.plan.needs = append(c.plan.needs, name)
	}
}

// checkText refuses to write what has no text, such as a whole target, into a
// string: nobody would see what stands there, and what it names is never there.
func (c *compilation) checkText(call *ast.BuiltinNode) {
	if call.Name != "string" || len(call.Arguments) != 1 {
		return
	}
	nt := call.Arguments[0].Nature()
	t := nt.Type
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct && t.Kind() != reflect.Map || t.Implements(reflect.TypeFor[fmt.Stringer]()) {
		return
	}
	c.at(call.Arguments[0], "expr", article(typeName(nt.String()))+" has no text", "Name one of its values, as in ${target.name}.")
}

func (c *compilation) checkCall(call *ast.CallNode) {
	if len(call.Arguments) == 1 && !c.space.templates {
		// An attr, whatever the type that its call was given.
		if key, ok := call.Arguments[0].(*ast.StringNode); ok && (netstate.IsEthtool(key.Value) || key.Value == "driver") {
			c.plan.query = merge(c.plan.query, netstate.Query{Links: true, Ethtool: true})
		}
	}
	if key, ok := attrKey(call); ok && netstate.AttrByKey(key.Value) == nil {
		c.at(key, "unknown-name", "there is no attribute "+key.Value+didYouMean(key.Value, attributeKeys()),
			"Attributes have the keys of netconfig: mtu, bridge.options.stp.enabled, bridge-port.isolated, ….")
	}
	id, ok := call.Callee.(*ast.IdentifierNode)
	if !ok {
		return
	}
	for _, f := range functions() {
		if f.name == id.Value && f.options != nil {
			c.checkOptions(call, f)
		}
	}
	if len(call.Arguments) == 0 {
		return
	}
	first, ok := call.Arguments[0].(*ast.StringNode)
	if !ok {
		return
	}
	switch id.Value {
	case "sysctl":
		key := strings.ReplaceAll(first.Value, "/", ".")
		if problem := sysctlProblem(key); problem != "" {
			c.at(first, "expr", "sysctl key "+key+" "+problem, "Write it as sysctl(8) does: net.ipv4.ip_forward.")
			return
		}
		c.plan.query = merge(c.plan.query, netstate.Query{Sysctls: []string{key}})
	case "within":
		if _, err := netip.ParsePrefix(first.Value); err != nil {
			c.at(first, "expr", first.Value+" is no prefix", `within takes the prefix first, as in within("192.0.2.0/24", address).`)
		}
	case "tcp":
		if i := strings.LastIndexByte(first.Value, ':'); i < 0 || i == len(first.Value)-1 {
			c.at(first, "expr", "tcp needs a port", `Write host and port, as in tcp("192.0.2.1:22") or tcp("[2001:db8::1]:22").`)
		}
	}
}

func (c *compilation) at(node ast.Node, code, summary, detail string) {
	from := node.Location().From
	to := from + 1
	if s, ok := node.(*ast.StringNode); ok {
		to = from + utf8.RuneCountInString(s.Value)
		if text := []rune(c.source); from < len(text) && strings.ContainsRune("\"'`", text[from]) {
			to += 2
		}
	}
	c.faults = append(c.faults, fault{from: from, to: to, code: code, summary: summary, detail: detail})
}

// checkOptions looks at the keys of a literal {…} and at the types of their
// values.
func (c *compilation) checkOptions(call *ast.CallNode, f function) {
	seen := 0
	for _, argument := range call.Arguments[min(1, len(call.Arguments)):] {
		m, ok := argument.(*ast.MapNode)
		if !ok {
			if t := argument.Nature(); f.name == "dns" && t.Type != nil && t.Kind != reflect.String && t.Kind != reflect.Map && t.Kind != reflect.Interface {
				c.at(argument, "expr", "dns takes a record type and options here, not "+article(typeName(t.String())), `Write dns("name", "AAAA", {server: "192.0.2.53"}).`)
			}
			continue
		}
		if seen++; seen > 1 {
			c.at(argument, "expr", f.name+" takes one set of options", "Put all options into one pair of braces.")
		}
		for _, node := range m.Pairs {
			pair, ok := node.(*ast.PairNode)
			if !ok {
				continue
			}
			key, ok := pair.Key.(*ast.StringNode)
			if !ok {
				continue
			}
			want, known := f.options[key.Value]
			if !known {
				c.at(key, "unknown-name", f.name+" has no option "+key.Value+didYouMean(key.Value, sortedKeys(f.options)), "It has "+strings.Join(sortedKeys(f.options), ", ")+".")
				continue
			}
			if t := pair.Value.Nature(); !optionTakes(want, t) {
				c.at(pair.Value, "expr", "option "+key.Value+" of "+f.name+" takes "+optionWords(want)+", not "+article(typeName(t.String())), exampleOf(f.name))
			}
		}
	}
}

func optionTakes(want string, t *nature.Nature) bool {
	if t.Type == nil || t.Kind == reflect.Interface {
		return !t.Nil
	}
	switch want {
	case "number":
		return t.IsInteger || t.IsFloat
	case "bool":
		return t.Kind == reflect.Bool
	case "string":
		return t.Kind == reflect.String
	case "map":
		return t.Kind == reflect.Map
	}
	return t.IsInteger || t.IsFloat || t.Kind == reflect.String || t.IsDuration()
}

func optionWords(want string) string {
	switch want {
	case "number":
		return "a number"
	case "bool":
		return "true or false"
	case "map":
		return "names with values in braces"
	case "duration":
		return `seconds or a duration such as "500ms"`
	}
	return "a string"
}

// checkRecorded finds before.routes where before has no routes.
func (c *compilation) checkRecorded(m *ast.MemberNode) {
	property, ok := m.Property.(*ast.StringNode)
	if !ok {
		return
	}
	for _, name := range c.snapshotsIn(m.Node) {
		spec, known := c.space.names.Snapshots[name]
		parsed, problems := parseSnapshot(spec)
		if !known || spec == "" || len(problems) > 0 {
			continue
		}
		kind := strings.Replace(property.Value, "neighbors", "neighbours", 1)
		kinds := append(append(networkFacts(), namedFacts()...), "sysctl", "output")
		if contains(kinds, kind) && !contains(parsed.facts, kind) {
			c.at(property, "unknown-name", "snapshot "+name+" does not record "+property.Value, "It records "+strings.Join(parsed.facts, ", ")+": add "+property.Value+" to its block.")
		}
	}
}

// snapshotsIn are the snapshots that a node stands for: one by name, or those
// of a diff.
func (c *compilation) snapshotsIn(n ast.Node) []string {
	switch x := n.(type) {
	case *ast.IdentifierNode:
		if x.Nature().Type == reflect.TypeFor[recorded]() {
			return []string{x.Value}
		}
	case *ast.MemberNode:
		if p, ok := x.Property.(*ast.StringNode); ok && x.Nature().Type == reflect.TypeFor[recorded]() {
			return []string{p.Value}
		}
	case *ast.CallNode:
		if isCallOf(x, "diff") && x.Nature().Type == reflect.TypeFor[difference]() {
			var names []string
			for _, a := range x.Arguments {
				names = append(names, c.snapshotsIn(a)...)
			}
			return names
		}
	}
	return nil
}

// checkDestination finds .dst == "…" that no route can be equal to.
func (c *compilation) checkDestination(x *ast.BinaryNode) {
	if x.Operator != "==" && x.Operator != "!=" {
		return
	}
	for _, pair := range [][2]ast.Node{{x.Left, x.Right}, {x.Right, x.Left}} {
		m, ok := pair[0].(*ast.MemberNode)
		text, isText := pair[1].(*ast.StringNode)
		if !ok || !isText || m.Node.Nature().Type != reflect.TypeFor[route]() {
			continue
		}
		if p, is := m.Property.(*ast.StringNode); is && p.Value == "dst" && canonicalPrefix(text.Value) == "" {
			c.at(text, "expr", `"`+text.Value+`" is no destination of a route`, `Write "default", an address or a prefix.`)
		}
	}
}
