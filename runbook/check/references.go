package check

import (
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// References are the names that the ${expr} of a template may take from
// registers: every name that is neither the language's own nor declared in the
// expression, and registers["NAME"]. Sorted, without duplicates.
func References(text string) []string {
	seen := map[string]bool{}
	for _, p := range parts([]rune(text)) {
		if p.expr && !p.open {
			referencesOf(p.text, seen)
		}
	}
	return sortedKeys(seen)
}

// References are the registers and snapshots that the program uses.
func (p *Program) References() []string {
	seen := map[string]bool{}
	for _, n := range p.needs {
		seen[n] = true
	}
	return sortedKeys(seen)
}

func referencesOf(source string, seen map[string]bool) {
	if utf8.RuneCountInString(source) > maxLength {
		return
	}
	tree, err := parser.ParseWithConfig(unwrap(source), (&namespace{templates: true}).config())
	if err != nil {
		return
	}
	declared := map[string]bool{}
	visit(&tree.Node, func(n *ast.Node) {
		if d, ok := (*n).(*ast.VariableDeclaratorNode); ok {
			declared[d.Name] = true
		}
	})
	visit(&tree.Node, func(n *ast.Node) {
		switch x := (*n).(type) {
		case *ast.IdentifierNode:
			if !declared[x.Value] && !Reserved(x.Value) {
				seen[x.Value] = true
			}
		case *ast.MemberNode:
			base, isName := x.Node.(*ast.IdentifierNode)
			key, isText := x.Property.(*ast.StringNode)
			if isName && isText && base.Value == "registers" {
				seen[key.Value] = true
			}
		case *ast.StringNode:
			if strings.Contains(x.Value, "${") {
				for _, p := range parts([]rune(x.Value)) {
					if p.expr && !p.open {
						referencesOf(p.text, seen)
					}
				}
			}
		}
	})
}
