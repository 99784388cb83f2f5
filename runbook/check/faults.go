package check

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/file"
)

// parseFault is a syntax error.
func (c *compilation) parseFault(err error) fault {
	f := fault{code: "expr", summary: err.Error(), detail: reference}
	var fe *file.Error
	if !errors.As(err, &fe) {
		return f
	}
	f.from = fe.From
	f.to = wordEnd([]rune(c.source), f.from)
	f.summary = syntaxMessage(fe.Message)
	switch {
	case f.summary == endOfExpression:
		f.from = utf8.RuneCountInString(strings.TrimRight(c.source, " \t\n"))
		f.to = f.from
		f.detail = "Something is missing there. An assertion goes on over the next line after an operator, or while a bracket is open."
	case strings.HasPrefix(f.summary, "literal not terminated"):
		f.from, f.summary = openQuote([]rune(c.source)), "a string is not closed"
		f.to = f.from + 1
		f.detail = "Close it with the quote that opened it; a string ends on its line."
	case strings.Contains(f.summary, `"="`):
		f.detail = "Compare with ==."
	}
	return f
}

var tokenPattern = pattern(`unexpected token (\w+)(?:\((.*)\))?`)

const endOfExpression = "unexpected end of the expression"

// openQuote is where the string starts that is not closed, or 0.
func openQuote(text []rune) int {
	for i := 0; i < len(text); i++ {
		quote := text[i]
		if quote != '"' && quote != '\'' && quote != '`' {
			continue
		}
		from := i
		for i++; i < len(text) && text[i] != quote && (text[i] != '\n' || quote == '`'); i++ {
			if text[i] == '\\' && quote != '`' {
				i++
			}
		}
		if i >= len(text) || text[i] != quote {
			return from
		}
	}
	return 0
}

// syntaxMessage turns expr's words for tokens into the document's.
func syntaxMessage(message string) string {
	m := tokenPattern().FindStringSubmatch(message)
	switch {
	case m == nil:
		return message
	case m[1] == "EOF":
		return endOfExpression
	case m[2] == "":
		return "unexpected " + strings.ToLower(m[1])
	}
	return "unexpected " + m[2]
}

// wordEnd is the end of the word, or of the one character, at an offset.
func wordEnd(text []rune, from int) int {
	i := from
	for i < len(text) && (unicode.IsLetter(text[i]) || unicode.IsDigit(text[i]) || text[i] == '_') {
		i++
	}
	return max(i, min(from+1, len(text)))
}

var (
	unknownName   = pattern(`^unknown name (.+)$`)
	unknownField  = pattern(`^type (.+) has no (field|method) (.+)$`)
	unknownKey    = pattern(`^unknown field (.+)$`)
	notNumericKey = pattern(`^cannot use (\S+) as argument \(type (\S+)\) to call (\S+) $`)
)

// typeFault turns a type error into the document's words, with a suggestion.
func (c *compilation) typeFault(fe *file.Error, node *ast.Node) fault {
	f := fault{from: fe.From, to: wordEnd([]rune(c.source), fe.From), code: "expr", detail: reference}
	message := strings.TrimSpace(fe.Message)
	if m := unknownName().FindStringSubmatch(message); m != nil {
		return c.unknownName(f, m[1])
	}
	if m := unknownField().FindStringSubmatch(message); m != nil && node != nil {
		if member, ok := (*node).(*ast.MemberNode); ok {
			return c.unknownField(f, member, m[3])
		}
	}
	if m := unknownKey().FindStringSubmatch(message); m != nil {
		f.code = "unknown-name"
		var known []string
		if member := c.memberAt(fe.Location); member != nil {
			known = fieldsOf(member.Node.Nature())
		}
		f.summary = "there is no " + m[1] + " here" + didYouMean(m[1], known)
		f.detail = "Known: " + orNone(strings.Join(known, ", ")) + "."
		if member := c.memberAt(fe.Location); member != nil && c.ofLinks(member.Node) {
			f.summary = c.space.names.Target.Name + " has no interface " + m[1] + didYouMean(m[1], known)
			f.detail = "It has " + orNone(strings.Join(known, ", ")) + ". target.links are the interfaces as the plan found them; a check sees those of its own moment with link(…)."
		}
		return f
	}
	f.summary, f.detail = plainMessage(message)
	if m := notNumericKey().FindStringSubmatch(fe.Message); m != nil {
		f.summary = fmt.Sprintf("%s takes %s here, not %s", m[3], article(typeName(m[2])), article(typeName(m[1])))
		f.detail = exampleOf(m[3])
		if m[3] == "diff" {
			f.summary = "diff takes two snapshots, or the same list of two"
			f.detail = "Write diff(before, now), or diff(before.routes, now.routes)."
		}
	}
	return f
}

func (c *compilation) unknownName(f fault, name string) fault {
	f.code = "unknown-name"
	f.to = f.from + utf8.RuneCountInString(name)
	f.summary = "there is no " + name
	f.detail = "It is neither a variable, a register or a snapshot of an earlier step, nor a part of the language."
	for _, known := range c.space.known() {
		// a-b reads as a minus b
		if strings.Contains(known, "-") && (strings.HasPrefix(known, name+"-") || strings.HasSuffix(known, "-"+name)) && strings.Contains(c.source, known) {
			f.detail = `Names with other characters than letters, digits and _ are reached through vars["` + known + `"], registers["` + known + `"] or snapshots["` + known + `"].`
			return f
		}
	}
	if c.space.templates && Reserved(name) {
		f.summary = name + " is not available in ${…}"
		f.detail = "Facts of the moment and probes belong into check blocks; ${…} has variables, registers and target, with what the plan found: target.links, target.default4."
		return f
	}
	if best := closest(name, c.space.known()); best != "" {
		f.summary += "; did you mean " + best + "?"
		f.detail = "Write " + best + ", or declare " + name + " in the front matter's vars."
	}
	return f
}

func (c *compilation) unknownField(f fault, member *ast.MemberNode, name string) fault {
	f.code = "unknown-name"
	f.to = f.from + utf8.RuneCountInString(name)
	known := fieldsOf(member.Node.Nature())
	f.summary = article(typeName(member.Node.Nature().String())) + " has no " + name + didYouMean(name, known)
	f.detail = "It has " + strings.Join(known, ", ") + "."
	if len(known) == 0 {
		f.detail = "It has no fields."
		if hidden, ok := member.Node.(*ast.IdentifierNode); ok && c.space.hides(hidden.Value) != "" {
			f.detail = hidden.Value + " is the language's own here. Write " + c.space.hides(hidden.Value) + `["` + hidden.Value + `"], or choose another name.`
			return f
		}
		if member.Node.Nature().IsArray() {
			f.detail = "It is a list: look into it with any(…), all(…), filter(…), or take one with [0]."
		}
	}
	return f
}

// memberAt is the member whose property stands at a location.
func (c *compilation) memberAt(at file.Location) *ast.MemberNode {
	var found *ast.MemberNode
	visit(&c.tree.Node, func(n *ast.Node) {
		if m, ok := (*n).(*ast.MemberNode); ok && m.Property.Location() == at {
			found = m
		}
	})
	return found
}

// fieldsOf are the names that a value has, as the reference page lists them.
func fieldsOf(nt *nature.Nature) []string {
	if nt.Kind == reflect.Map && nt.TypeData != nil {
		return sortedKeys(nt.Fields)
	}
	if nt.Type == nil || nt.Type.Kind() != reflect.Struct {
		return nil
	}
	return structFields(nt.Type)
}

func structFields(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("expr"); name != "" && !strings.HasPrefix(name, "$") {
			names = append(names, name)
		}
	}
	return names
}

func sortFaults(faults []fault) []fault {
	sort.SliceStable(faults, func(i, j int) bool { return faults[i].from < faults[j].from })
	var unique []fault
	for _, f := range faults {
		if len(unique) == 0 || unique[len(unique)-1].from != f.from {
			unique = append(unique, f)
		}
	}
	return unique
}

// canonicalPrefix is an address or prefix as routes write it, or "".
func canonicalPrefix(text string) string {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked().String()
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String()
	}
	return ""
}
