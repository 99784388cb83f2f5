package check

import (
	"reflect"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/file"

	"stet/executors/netstate"
	"stet/runbook"
)

// Names of what instrumented code calls. No document can use them.
const (
	recordName  = "$record"
	stepName    = "$step"
	verdictName = "$verdict"
	haveName    = "$have"
	stateName   = "$evaluator"
)

// instrumenter rewrites a checked tree so that evaluating it records values.
type instrumenter struct {
	*compilation
	done   map[ast.Node]ast.Node
	inside int
}

// instrument makes facts lazy and values recorded. It comes after the last
// type check, so it sets the types of what it makes itself.
func (c *compilation) instrument() {
	add := func(name string, f func(...any) (any, error), t reflect.Type) {
		c.config.Functions[name] = &builtin.Function{Name: name, Func: f, Types: []reflect.Type{t}}
	}
	add(recordName, record, reflect.TypeFor[func(any, any, any) any]())
	add(stepName, step, reflect.TypeFor[func(any, any, any, any) any]())
	add(verdictName, verdict, reflect.TypeFor[func(any, any, any) any]())
	add(haveName, have, reflect.TypeFor[func(any, any, any) any]())
	i := &instrumenter{compilation: c, done: map[ast.Node]ast.Node{}, inside: -1}
	i.walk(&c.tree.Node, plain)
}

// walk instruments a node and what is below it. A node that stands in two
// places (b in a < b < c) is done once.
func (i *instrumenter) walk(n *ast.Node, r role) {
	if *n == nil {
		return
	}
	if done, ok := i.done[*n]; ok {
		*n = done
		return
	}
	old := *n
	i.children(n, r)
	i.done[old] = *n
	i.done[*n] = *n
}

func (i *instrumenter) children(n *ast.Node, r role) {
	switch x := (*n).(type) {
	case *ast.IdentifierNode:
		i.identifier(n, x, r)
	case *ast.UnaryNode:
		i.walk(&x.Node, plain)
	case *ast.BinaryNode:
		i.walk(&x.Left, plain)
		i.walk(&x.Right, plain)
		switch x.Operator {
		case "+", "-", "*", "/", "%", "**", "^", "??":
			i.record(n, r)
		case "<", "<=", ">", ">=":
			i.measured(x.Left)
			i.measured(x.Right)
		}
	case *ast.ChainNode:
		i.chain(x.Node)
		i.record(n, r)
	case *ast.MemberNode:
		i.member(n, x, r)
	case *ast.CallNode:
		i.call(n, x, r)
	case *ast.BuiltinNode:
		i.builtin(n, x, r)
	case *ast.PointerNode:
		i.record(n, r)
	case *ast.SliceNode:
		i.walk(&x.Node, plain)
		i.walk(&x.From, plain)
		i.walk(&x.To, plain)
		i.record(n, r)
	case *ast.ConditionalNode:
		i.walk(&x.Cond, plain)
		i.walk(&x.Exp1, plain)
		i.walk(&x.Exp2, plain)
	case *ast.VariableDeclaratorNode:
		i.walk(&x.Value, plain)
		i.walk(&x.Expr, plain)
	case *ast.SequenceNode:
		i.all(x.Nodes)
	case *ast.ArrayNode:
		i.all(x.Nodes)
	case *ast.MapNode:
		i.all(x.Pairs)
	case *ast.PairNode:
		i.walk(&x.Value, plain)
	}
}

func (i *instrumenter) all(nodes []ast.Node) {
	for k := range nodes {
		i.walk(&nodes[k], plain)
	}
}

// identifier makes facts calls, and records variables.
func (i *instrumenter) identifier(n *ast.Node, x *ast.IdentifierNode, r role) {
	if x.Nature().Kind == reflect.Func {
		return
	}
	if !i.space.templates {
		if _, isFact := queryOf(x.Value); isFact {
			i.lazy(n, "$"+x.Value)
		} else if x.Value == "now" {
			i.lazy(n, "$now")
		}
	}
	i.record(n, r)
}

// lazy replaces a node by a call of a function without arguments.
func (i *instrumenter) lazy(n *ast.Node, name string) {
	old := *n
	out := old.Nature().Type
	callee := &ast.IdentifierNode{Value: name}
	callee.SetLocation(old.Location())
	callee.SetType(reflect.FuncOf(nil, []reflect.Type{out, reflect.TypeFor[error]()}, false))
	call := &ast.CallNode{Callee: callee}
	call.SetLocation(old.Location())
	call.SetNature(*old.Nature())
	i.plan.rename(call, old)
	*n = call
}

// chain goes through a?.b: its links must stay together, so only what is
// called or indexed with is instrumented.
func (i *instrumenter) chain(n ast.Node) {
	switch x := n.(type) {
	case *ast.MemberNode:
		i.chain(x.Node)
		i.walk(&x.Property, plain)
	case *ast.CallNode:
		i.chain(x.Callee)
		i.all(x.Arguments)
	case *ast.ChainNode:
		i.chain(x.Node)
	case *ast.SliceNode:
		i.chain(x.Node)
	}
}

func (i *instrumenter) member(n *ast.Node, x *ast.MemberNode, r role) {
	property, isName := x.Property.(*ast.StringNode)
	if id, ok := x.Node.(*ast.IdentifierNode); ok && isName && id.Value == "now" && !i.space.templates {
		if _, isFact := queryOf(property.Value); isFact {
			i.plan.query = merge(i.plan.query, mustQuery(property.Value))
			i.lazy(n, "$"+property.Value)
			i.record(n, r)
			return
		}
	}
	of := base
	switch {
	case i.plan.made[x]: // .ok that was not written
		of = plain
	case isName && (property.Value == "up" || property.Value == "empty" || property.Value == "count"):
		of = reason
	}
	i.walk(&x.Node, of)
	if !isName {
		i.walk(&x.Property, plain)
	} else if partial[x.Node.Nature().Type] {
		i.guard(&x.Node, property.Value)
	}
	if x.Nature().Kind != reflect.Func {
		i.record(n, r)
	}
}

func mustQuery(name string) netstate.Query { q, _ := queryOf(name); return q }

// partial are the types some of whose fields may hold nothing to answer from.
var partial = map[reflect.Type]bool{
	reflect.TypeFor[recorded](): true, reflect.TypeFor[difference](): true, reflect.TypeFor[output](): true,
	reflect.TypeFor[httpReply](): true, reflect.TypeFor[fileReply](): true,
	reflect.TypeFor[runbook.FactLink](): true, reflect.TypeFor[runbook.FactRoute](): true,
}

// guard makes taking a field fail where an answer would be a guess.
func (i *instrumenter) guard(n *ast.Node, field string) {
	old := *n
	name := &ast.StringNode{Value: field}
	name.SetLocation(old.Location())
	*n = i.wrap(haveName, old, old.Nature(), i.state(), old, name)
}

func (i *instrumenter) call(n *ast.Node, x *ast.CallNode, r role) {
	if m, ok := x.Callee.(*ast.MemberNode); ok {
		i.walk(&m.Node, base)
	}
	for k := range x.Arguments {
		if id, ok := x.Arguments[k].(*ast.IdentifierNode); ok && id.Value == "now" && isCallOf(x, "diff") {
			i.lazy(&x.Arguments[k], "$later")
			continue
		}
		argument := plain
		if isCallOf(x, "diff") {
			argument = base
		}
		i.walk(&x.Arguments[k], argument)
	}
	i.record(n, r)
}

func (i *instrumenter) builtin(n *ast.Node, x *ast.BuiltinNode, r role) {
	for k := range x.Arguments {
		p, ok := x.Arguments[k].(*ast.PredicateNode)
		if !ok {
			i.walk(&x.Arguments[k], plain)
			continue
		}
		id := i.predicate(x, p)
		i.goesThrough(x, id)
		if x.Name == "all" || x.Name == "none" {
			old := *n
			*n = i.wrap(verdictName, old, old.Nature(), i.state(), i.number(id), old)
			i.plan.rename(*n, old)
			i.plan.synthetic(*n)
		}
	}
	if (*n).Nature().Kind != reflect.Bool {
		i.record(n, r)
	}
}

// goesThrough ties the collection to the predicate, if it was recorded.
func (i *instrumenter) goesThrough(x *ast.BuiltinNode, id int) {
	call, ok := x.Arguments[0].(*ast.CallNode)
	if !ok || !isCallOf(call, recordName) {
		return
	}
	o := &i.plan.operands[call.Arguments[1].(*ast.IntegerNode).Value]
	o.role, o.predicate = collection, id
}

// predicate makes each evaluation of a predicate's body a step.
func (i *instrumenter) predicate(x *ast.BuiltinNode, p *ast.PredicateNode) int {
	id := len(i.plan.predicates)
	body := p.Node
	i.plan.predicates = append(i.plan.predicates, predicate{builtin: x.Name, text: i.plan.texts[body], start: i.plan.starts[body], inside: i.inside})
	outer := i.inside
	i.inside = id
	i.walk(&p.Node, plain)
	i.inside = outer
	pointer := &ast.PointerNode{}
	pointer.SetLocation(body.Location())
	inner := p.Node
	p.Node = i.wrap(stepName, inner, inner.Nature(), i.state(), i.number(id), inner, pointer)
	return id
}

// record wraps a node so that its value is kept. Constants and what was not
// written are not shown.
func (i *instrumenter) record(n *ast.Node, r role) {
	old := *n
	if i.plan.made[old] || constant(old) {
		return
	}
	text, ok := i.plan.texts[old]
	if !ok {
		return
	}
	id := len(i.plan.operands)
	i.plan.operands = append(i.plan.operands, operand{text: text, role: r, start: i.plan.starts[old], inside: i.inside})
	if i.inside >= 0 {
		i.plan.predicates[i.inside].operands = append(i.plan.predicates[i.inside].operands, id)
	}
	*n = i.wrap(recordName, old, old.Nature(), i.state(), i.number(id), old)
}

// measured marks what a limit is compared with, if it was recorded.
func (i *instrumenter) measured(n ast.Node) {
	if call, ok := n.(*ast.CallNode); ok && isCallOf(call, recordName) {
		i.plan.operands[call.Arguments[1].(*ast.IntegerNode).Value].measured = true
	}
}

// constant reports whether a node is made of literals only.
func constant(n ast.Node) bool {
	is := true
	visit(&n, func(x *ast.Node) {
		switch (*x).(type) {
		case *ast.IdentifierNode, *ast.CallNode, *ast.PointerNode:
			is = false
		}
	})
	return is
}

// wrap makes a call of an instrument around a node, with the node's type.
func (i *instrumenter) wrap(name string, old ast.Node, nt *nature.Nature, arguments ...ast.Node) ast.Node {
	callee := &ast.IdentifierNode{Value: name}
	callee.SetLocation(old.Location())
	callee.SetType(i.config.Functions[name].Types[0])
	call := &ast.CallNode{Callee: callee, Arguments: arguments}
	call.SetLocation(old.Location())
	call.SetNature(*nt)
	return call
}

func (i *instrumenter) state() ast.Node {
	n := &ast.IdentifierNode{Value: stateName}
	n.SetLocation(file.Location{})
	return n
}

func (i *instrumenter) number(v int) ast.Node { return &ast.IntegerNode{Value: v} }
