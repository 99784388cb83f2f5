package check

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"stet/executors/netstate"
)

// role says when an operand is worth showing.
type role uint8

const (
	plain role = iota
	// base is what a member is taken from: shown when it explains the member
	// (a link that does not exist, a probe that failed).
	base
	// reason is the base of link(…).up and diff(…).empty: shown also when the
	// link is not up, and when something differs.
	reason
	// collection is what all(…), any(…) and their like go through: shown
	// unless the elements that matter are.
	collection
)

// operand is a part of an expression whose value is recorded.
type operand struct {
	text   string
	role   role
	start  int
	inside int // the predicate that it stands in, or -1
	// predicate is the one that a collection is gone through with.
	predicate int
	// measured is a side of <, <=, > or >=: shown also when the assertion holds.
	measured bool
}

// predicate is the body of all(…), any(…) and their like.
type predicate struct {
	builtin  string
	text     string
	start    int
	inside   int
	operands []int
}

// plan is what is known of an expression beyond its code.
type plan struct {
	operands   []operand
	predicates []predicate
	query      netstate.Query
	needs      []string
	facts      []Path

	texts  map[ast.Node]string
	starts map[ast.Node]int
	made   map[ast.Node]bool
}

func newPlan() *plan {
	return &plan{texts: map[ast.Node]string{}, starts: map[ast.Node]int{}, made: map[ast.Node]bool{}}
}

// name keeps the text of every node as it was written, before anything is
// rewritten.
func (p *plan) name(root ast.Node) {
	visit(&root, func(n *ast.Node) {
		if _, known := p.texts[*n]; known {
			return
		}
		p.texts[*n] = (*n).String()
		start := (*n).Location().From
		first := func(child ast.Node) {
			if s, ok := p.starts[child]; ok && s < start {
				start = s
			}
		}
		switch x := (*n).(type) {
		case *ast.BinaryNode:
			first(x.Left)
		case *ast.MemberNode:
			first(x.Node)
		case *ast.SliceNode:
			first(x.Node)
		case *ast.ChainNode:
			first(x.Node)
		case *ast.CallNode:
			first(x.Callee)
		case *ast.ConditionalNode:
			first(x.Cond)
		case *ast.BuiltinNode:
			for _, a := range x.Arguments { // a | len()
				first(a)
			}
		}
		p.starts[*n] = start
	})
}

// synthetic marks a node that was not written: its value is not shown.
func (p *plan) synthetic(n ast.Node) { p.made[n] = true }

// rename gives a node that replaces another one that one's text.
func (p *plan) rename(n, old ast.Node) {
	p.texts[n], p.starts[n] = p.texts[old], p.starts[old]
}

// width is the length of an operand's text, for the order of showing.
func (o operand) width() int { return utf8.RuneCountInString(o.text) }
