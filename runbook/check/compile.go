package check

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"stet/executors/netstate"
)

// Program is a compiled check block.
type Program struct {
	assertions []assertion
	query      netstate.Query
	space      *namespace
	// needs are the registers and snapshots that it uses.
	needs []string
	facts []Path
}

// Len is the number of assertions.
func (p *Program) Len() int { return len(p.assertions) }

// assertion is one line of a Program.
type assertion struct {
	line line
	expr *expression
}

// expression is one compiled expression.
type expression struct {
	program *vm.Program
	*plan
}

// fault is what is wrong with an expression: characters from its start.
type fault struct {
	from, to        int
	summary, detail string
	code            string
}

// Compile checks and compiles the body of a check block. Every assertion is
// looked at, so that all problems come at once; with any, the Program is nil.
// ${…} needs no expansion before: in a string it is filled in, elsewhere it is
// its expression.
func Compile(body string, names Names) (*Program, []Problem) {
	p := &Program{space: &namespace{names: names}}
	var problems []Problem
	for _, l := range split(body) {
		if l.open >= 0 {
			problems = append(problems, l.problem(fault{from: l.open, to: l.open + 1, code: "expr", summary: "the bracket is not closed",
				detail: "Close it; an assertion goes on over the next lines while a bracket is open."}))
			continue
		}
		x, faults := compile(l.text, p.space, true)
		for _, f := range faults {
			problems = append(problems, l.problem(f))
		}
		if len(faults) > 0 {
			continue
		}
		p.assertions = append(p.assertions, assertion{l, x})
		p.query = merge(p.query, x.query)
		p.needs = append(p.needs, x.needs...)
		p.facts = append(p.facts, x.facts...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return p, nil
}

// problem turns characters of an assertion into lines and columns of the body.
func (l line) problem(f fault) Problem {
	p := Problem{Line: l.row, Column: l.column, Summary: f.summary, Detail: f.detail, Code: f.code}
	at := 0
	for _, r := range l.text {
		if at == f.from {
			break
		}
		at++
		p.Column++
		if r == '\n' {
			p.Line, p.Column = p.Line+1, 1
		}
	}
	if f.to > f.from {
		p.EndColumn = p.Column + f.to - f.from
	}
	return p
}

// compile compiles one expression. An assertion must be true or false; in
// templates anything goes.
func compile(source string, space *namespace, isAssertion bool) (*expression, []fault) {
	if n := utf8.RuneCountInString(source); n > maxLength {
		return nil, []fault{{to: n, code: "expr", summary: fmt.Sprintf("the expression is longer than %d characters", maxLength), detail: "Split it into several."}}
	}
	c := &compilation{source: source, space: space, config: space.config(), syntax: space.syntax(), plan: newPlan()}
	return c.compile(isAssertion)
}

// compilation is the state of compiling one expression.
type compilation struct {
	source string
	space  *namespace
	config *conf.Config
	syntax *conf.Config // to parse with
	tree   *parser.Tree
	faults []fault
	plan   *plan
}

func (c *compilation) compile(isAssertion bool) (x *expression, faults []fault) {
	defer func() {
		// expr is a large library that panics inside: a document must not be
		// able to end the process.
		if p := recover(); p != nil {
			c.faults = append(c.faults, fault{code: "expr", summary: fmt.Sprintf("the expression cannot be compiled: %v", p), detail: "Write it in another way."})
			x, faults = nil, c.faults
		}
	}()
	tree, err := parser.ParseWithConfig(unwrap(c.source), c.syntax)
	if err != nil {
		return nil, []fault{c.parseFault(err)}
	}
	c.tree = tree
	c.plan.name(tree.Node)
	c.interpolate()
	c.forbidHidden()
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	_, _ = checker.Check(tree, c.config)
	c.coerce(isAssertion)
	c.typecheck()
	c.staticChecks()
	if isAssertion && len(c.faults) == 0 {
		c.wantBoolean()
	}
	if len(c.faults) > 0 {
		return nil, sortFaults(c.faults)
	}
	c.instrument()
	program, err := compiler.Compile(c.tree, c.config)
	if err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		return nil, []fault{{code: "expr", to: utf8.RuneCountInString(c.source), summary: message, detail: "Write it in another way."}}
	}
	return &expression{program: program, plan: c.plan}, nil
}

// typecheck collects all type errors: each part at fault is replaced by
// something of unknown type, and the rest is checked again.
func (c *compilation) typecheck() {
	for range 20 {
		resetTypes(c.tree.Node)
		_, err := checker.Check(c.tree, c.config)
		if err == nil {
			return
		}
		var fe *file.Error
		if !errors.As(err, &fe) {
			c.faults = append(c.faults, fault{code: "expr", summary: err.Error(), detail: reference})
			return
		}
		node := findAt(&c.tree.Node, fe.Location)
		c.faults = append(c.faults, c.typeFault(fe, node))
		if node == nil {
			return
		}
		hole := &ast.ConstantNode{}
		hole.SetLocation((*node).Location())
		*node = &ast.CallNode{Callee: &ast.IdentifierNode{Value: holeName}}
		(*node).SetLocation(hole.Location())
		c.hole()
	}
}

// holeName is what replaces a part at fault: it can be anything.
const holeName = "$any"

func (c *compilation) hole() {
	c.config.Env.Fields[holeName] = c.config.NtCache.FromType(reflect.TypeFor[func() any]())
}

// resetTypes forgets what an earlier check found: the checker does not look
// again at calls whose type it knows.
func resetTypes(root ast.Node) {
	visit(&root, func(n *ast.Node) { (*n).SetNature(noNature) })
}

// findAt is the outermost node at a location.
func findAt(root *ast.Node, at file.Location) *ast.Node {
	var found *ast.Node
	visit(root, func(n *ast.Node) {
		if (*n).Location() == at {
			found = n // children come first
		}
	})
	return found
}

// wantBoolean finds assertions that are neither true nor false.
func (c *compilation) wantBoolean() {
	nt := *c.tree.Node.Nature()
	if nt.IsBool() || nt.IsUnknown(&c.config.NtCache) {
		return
	}
	what := typeName(nt.String())
	if nt.Nil {
		what = "nil"
	}
	c.faults = append(c.faults, fault{
		code: "expr", to: utf8.RuneCountInString(c.source),
		summary: "the assertion is " + article(what) + ", not true or false",
		detail:  "Compare it with what it should be, as in `" + short(strings.Split(c.source, "\n")[0], 40) + " == …`.",
	})
}

// forbidHidden refuses the names that only compiled code uses.
func (c *compilation) forbidHidden() {
	visit(&c.tree.Node, func(n *ast.Node) {
		var name string
		switch x := (*n).(type) {
		case *ast.IdentifierNode:
			name = x.Value
			c.forbidUncalled(x)
		case *ast.StringNode:
			return
		case *ast.MemberNode:
			if p, ok := x.Property.(*ast.StringNode); ok {
				name = p.Value
			}
		case *ast.VariableDeclaratorNode:
			name = x.Name
		}
		if strings.HasPrefix(name, "$") {
			from := (*n).Location().From
			c.faults = append(c.faults, fault{from: from, to: from + len(name), code: "unknown-name", summary: "there is no " + name, detail: "Names start with a letter."})
		}
	})
}

// forbidUncalled refuses a builtin that is named and not called: it would be
// nil.
func (c *compilation) forbidUncalled(x *ast.IdentifierNode) {
	_, known := c.config.Env.Fields[x.Value]
	if _, is := builtin.Index[x.Value]; is && !known {
		from := x.Location().From
		c.faults = append(c.faults, fault{from: from, to: from + len(x.Value), code: "expr", summary: x.Value + " is a function", detail: "Call it, as in `" + x.Value + "(…)`."})
	}
}

// visit walks a tree, children first.
func visit(root *ast.Node, f func(*ast.Node)) { ast.Walk(root, visitor(f)) }

type visitor func(*ast.Node)

// Visit implements ast.Visitor.
func (v visitor) Visit(n *ast.Node) { v(n) }

// unwrap turns ${x} outside strings into (x) of the same length.
func unwrap(source string) string {
	if !strings.Contains(source, "${") {
		return source
	}
	text := []rune(source)
	for _, hole := range holes(text) {
		text[hole.from], text[hole.from+1], text[hole.to] = ' ', '(', ')'
	}
	return string(text)
}
