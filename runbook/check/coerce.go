package check

import (
	"reflect"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"stet/executors/netstate"
)

var noNature nature.Nature

// yesOrNo are the types that stand for their .ok where true or false is
// wanted.
var yesOrNo = map[reflect.Type]bool{
	reflect.TypeFor[pingReply](): true, reflect.TypeFor[tcpReply](): true, reflect.TypeFor[httpReply](): true,
	reflect.TypeFor[dnsReply](): true, reflect.TypeFor[routeReply](): true, reflect.TypeFor[processReply](): true,
	reflect.TypeFor[fileReply](): true, reflect.TypeFor[output](): true,
}

// interpolate turns "br${vlan}" into a concatenation.
func (c *compilation) interpolate() {
	visit(&c.tree.Node, func(n *ast.Node) {
		s, ok := (*n).(*ast.StringNode)
		if !ok || !strings.Contains(s.Value, "${") {
			return
		}
		from := s.Location().From
		raw := []rune(c.source)
		// Without escapes before it, a place in the value is the same place
		// in the source; else the string as a whole is pointed at.
		inner := from + 1
		if inner > len(raw) {
			inner = len(raw)
		}
		exact := strings.HasPrefix(string(raw[inner:]), s.Value)
		var whole ast.Node
		join := func(piece ast.Node) {
			if whole == nil {
				whole = piece
				return
			}
			whole = &ast.BinaryNode{Operator: "+", Left: whole, Right: piece}
			whole.SetLocation(s.Location())
		}
		empty := &ast.StringNode{}
		empty.SetLocation(s.Location())
		join(empty)
		for _, p := range parts([]rune(s.Value)) {
			shift := from
			if exact {
				shift = inner + p.from
			}
			var piece ast.Node
			if !p.expr {
				piece = &ast.StringNode{Value: p.text}
				piece.SetLocation(s.Location())
			} else if piece = c.inner(p, shift, exact); piece == nil {
				return
			}
			join(piece)
		}
		c.plan.synthetic(whole)
		*n = whole
	})
}

// inner compiles one ${…} of a string into string(…).
func (c *compilation) inner(p part, shift int, exact bool) ast.Node {
	if p.open || strings.TrimSpace(p.text) == "" {
		summary := "the ${ in the string is not closed"
		if !p.open {
			summary = "the ${} in the string is empty"
		}
		c.faults = append(c.faults, fault{from: shift, to: shift + 1, code: "template", summary: summary, detail: "Write $${ for a literal ${."})
		return nil
	}
	tree, err := parser.ParseWithConfig(unwrap(p.text), c.syntax)
	if err != nil {
		f := c.parseFault(err)
		f.from, f.to = f.from+shift, f.to+shift
		if !exact {
			f.from, f.to = shift, shift+1
		}
		c.faults = append(c.faults, f)
		return nil
	}
	visit(&tree.Node, func(n *ast.Node) {
		at := (*n).Location()
		if exact {
			(*n).SetLocation(file.Location{From: at.From + shift, To: at.To + shift})
		} else {
			(*n).SetLocation(file.Location{From: shift, To: shift})
		}
	})
	c.plan.name(tree.Node)
	call := &ast.BuiltinNode{Name: "string", Arguments: []ast.Node{tree.Node}}
	call.SetLocation(tree.Node.Location())
	c.plan.synthetic(call)
	return call
}

// coerce rewrites what types make clear: a probe where true or false is
// wanted, sysctl(…) compared with a number, attr with a literal key, and
// destinations of routes in other spellings.
func (c *compilation) coerce(isAssertion bool) {
	done := map[ast.Node]bool{}
	visit(&c.tree.Node, func(n *ast.Node) {
		if done[*n] {
			return
		}
		done[*n] = true
		switch x := (*n).(type) {
		case *ast.UnaryNode:
			if x.Operator == "!" || x.Operator == "not" {
				c.asBool(&x.Node)
			}
		case *ast.BinaryNode:
			c.coerceBinary(n, x)
		case *ast.ConditionalNode:
			c.asBool(&x.Cond)
		case *ast.BuiltinNode:
			switch x.Name {
			case "all", "none", "any", "one", "filter", "find", "findIndex", "findLast", "findLastIndex", "count":
				if len(x.Arguments) > 1 {
					if p, ok := x.Arguments[1].(*ast.PredicateNode); ok {
						c.asBool(&p.Node)
					}
				}
			}
		case *ast.CallNode:
			typedAttr(x)
			c.numbers(x)
		}
	})
	if isAssertion {
		c.resultAsBool(&c.tree.Node)
	}
}

// resultAsBool is asBool for what an expression comes to in the end.
func (c *compilation) resultAsBool(n *ast.Node) {
	switch x := (*n).(type) {
	case *ast.VariableDeclaratorNode:
		c.resultAsBool(&x.Expr)
	case *ast.SequenceNode:
		c.resultAsBool(&x.Nodes[len(x.Nodes)-1])
	case *ast.ConditionalNode:
		c.resultAsBool(&x.Exp1)
		c.resultAsBool(&x.Exp2)
	default:
		c.asBool(n)
	}
}

// asBool puts .ok behind a probe.
func (c *compilation) asBool(n *ast.Node) {
	if !yesOrNo[(*n).Nature().Type] {
		return
	}
	property := &ast.StringNode{Value: "ok"}
	property.SetLocation((*n).Location())
	member := &ast.MemberNode{Node: *n, Property: property}
	member.SetLocation((*n).Location())
	c.plan.rename(member, *n)
	c.plan.synthetic(member)
	*n = member
}

func (c *compilation) coerceBinary(n *ast.Node, x *ast.BinaryNode) {
	switch x.Operator {
	case "&&", "and", "||", "or":
		c.asBool(&x.Left)
		c.asBool(&x.Right)
	case "==", "!=", "<", ">", "<=", ">=":
		if x.Left.Nature().IsBool() {
			c.asBool(&x.Right)
		}
		if x.Right.Nature().IsBool() {
			c.asBool(&x.Left)
		}
		if x.Right.Nature().IsNumber() {
			c.sysctlAsNumber(&x.Left)
		}
		if x.Left.Nature().IsNumber() {
			c.sysctlAsNumber(&x.Right)
		}
		c.destination(n, x, x.Left, &x.Right)
		c.destination(n, x, x.Right, &x.Left)
	}
}

// sysctlAsNumber puts int(…) around a call of sysctl.
func (c *compilation) sysctlAsNumber(n *ast.Node) {
	call, ok := (*n).(*ast.CallNode)
	if !ok || !isCallOf(call, "sysctl") {
		return
	}
	c.convert(n, "int")
}

// numbers puts float(…) around arguments of percent whose type only their
// evaluation shows: parts of JSON.
func (c *compilation) numbers(call *ast.CallNode) {
	if !isCallOf(call, "percent") {
		return
	}
	for i := range call.Arguments {
		if nature := call.Arguments[i].Nature(); nature.IsUnknown(&c.config.NtCache) {
			c.convert(&call.Arguments[i], "float")
		}
	}
}

// convert puts a builtin around an operand that the reader did not write.
func (c *compilation) convert(n *ast.Node, builtin string) {
	call := &ast.BuiltinNode{Name: builtin, Arguments: []ast.Node{*n}}
	call.SetLocation((*n).Location())
	c.plan.rename(call, *n)
	c.plan.synthetic(call)
	*n = call
}

func isCallOf(call *ast.CallNode, name string) bool {
	id, ok := call.Callee.(*ast.IdentifierNode)
	return ok && id.Value == name
}

// destination lets .dst of a route be compared with "default", with an
// address, and with a prefix that has host bits.
func (c *compilation) destination(n *ast.Node, x *ast.BinaryNode, member ast.Node, other *ast.Node) {
	m, ok := member.(*ast.MemberNode)
	text, isText := (*other).(*ast.StringNode)
	if !ok || !isText || x.Operator != "==" && x.Operator != "!=" || m.Node.Nature().Type != reflect.TypeFor[route]() {
		return
	}
	if p, isName := m.Property.(*ast.StringNode); !isName || p.Value != "dst" {
		return
	}
	if text.Value != "default" {
		if canonical := canonicalPrefix(text.Value); canonical != "" {
			text.Value = canonical
		}
		return
	}
	property := &ast.StringNode{Value: "default"}
	property.SetLocation(m.Property.Location())
	isDefault := &ast.MemberNode{Node: m.Node, Property: property}
	isDefault.SetLocation(m.Location())
	c.plan.rename(isDefault, m)
	want := &ast.BoolNode{Value: true}
	want.SetLocation(text.Location())
	*n = &ast.BinaryNode{Operator: x.Operator, Left: isDefault, Right: want}
	(*n).SetLocation(x.Location())
	c.plan.rename(*n, x)
}

// typedAttr makes link(…).attr("mtu") a number, and so on, when its key is
// known at once.
func typedAttr(call *ast.CallNode) {
	if a := attrOf(call); a != nil {
		call.Callee.(*ast.MemberNode).Property.(*ast.StringNode).Value = string(kindOfAttr(a))
	}
}

// attrOf is the attribute that a call of attr with a literal key asks for.
func attrOf(call *ast.CallNode) *netstate.Attr {
	key, ok := attrKey(call)
	if !ok {
		return nil
	}
	return netstate.AttrByKey(key.Value)
}

// attrKey is the literal key of link(…).attr("key").
func attrKey(call *ast.CallNode) (*ast.StringNode, bool) {
	m, ok := call.Callee.(*ast.MemberNode)
	if !ok || len(call.Arguments) != 1 || m.Node.Nature().Type != reflect.TypeFor[link]() {
		return nil, false
	}
	p, ok := m.Property.(*ast.StringNode)
	if !ok || p.Value != "attr" {
		return nil, false
	}
	key, ok := call.Arguments[0].(*ast.StringNode)
	return key, ok
}
