package check

import (
	"reflect"
	"slices"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/conf"

	"stet/executors/netstate"
)

// maxNodes and memoryBudget bound what one expression may be and use. The
// budget counts list elements, as expr does.
const (
	maxNodes     = 2000
	memoryBudget = 5_000_000
	maxLength    = 16 << 10 // characters of one expression
)

// namespace knows the types of all names that an expression may use.
type namespace struct {
	names     Names
	templates bool // no facts, probes and snapshots
	fields    map[string]nature.Nature
	made      *conf.Config
	bare      *conf.Config
}

// config is expr's configuration for these names, made once. It must not be
// used by two goroutines.
func (n *namespace) config() *conf.Config {
	if n.made == nil {
		n.made = n.newConfig()
	}
	return n.made
}

func (n *namespace) newConfig() *conf.Config {
	c := conf.CreateNew()
	c.Optimize = false
	c.MaxNodes = maxNodes
	c.Strict = true
	// now is the facts of this moment here; in templates a clock would make
	// every plan another one.
	c.Disabled["now"] = true
	delete(c.Builtins, "now")
	n.fill(c)
	env := c.NtCache.NatureOf(map[string]any{})
	env.TypeData = &nature.TypeData{Fields: n.fields}
	env.Strict = true
	c.Env = env
	c.EnvObject = map[string]any{}
	return c
}

// fill sets the natures of all names, later ones hiding earlier ones:
// variables of the document, of the target, snapshots, registers, and what the
// language itself has.
func (n *namespace) fill(c *conf.Config) {
	n.fields = map[string]nature.Nature{}
	vars := c.NtCache.NatureOf(map[string]any{})
	vars.TypeData = &nature.TypeData{Fields: map[string]nature.Nature{}}
	vars.Strict = true
	set := func(values map[string]any) {
		for name, value := range values {
			nt := natureOf(&c.NtCache, value, 0)
			n.fields[name], vars.Fields[name] = nt, nt
		}
	}
	set(n.names.Vars)
	set(n.names.Target.Vars)
	if !n.templates {
		for name := range n.names.Snapshots {
			n.fields[name] = c.NtCache.FromType(reflect.TypeFor[recorded]())
		}
	}
	for _, name := range n.names.Registers {
		n.fields[name] = c.NtCache.FromType(reflect.TypeFor[output]())
	}
	n.fields["vars"] = vars
	n.fields["target"] = n.targetNature(c)
	n.fields["registers"] = tableOf(c, n.names.Registers, reflect.TypeFor[output]())
	if n.templates {
		n.functions(c)
		return
	}
	n.fields["snapshots"] = tableOf(c, sortedKeys(n.names.Snapshots), reflect.TypeFor[recorded]())
	for _, f := range factTable() {
		n.fields[f.name] = c.NtCache.FromType(reflect.TypeOf(f.bind(noEvaluator())).Out(0))
	}
	n.fields["now"] = c.NtCache.FromType(reflect.TypeFor[current]())
	c.Functions["diff"] = &builtin.Function{Name: "diff", Func: diff, Types: funcTypes(diffSignatures())}
	n.functions(c)
}

// syntax is the configuration to parse with: there a variable named like a
// builtin of expr (count, type, first) does not hide it, so that both work.
func (n *namespace) syntax() *conf.Config {
	if n.bare == nil {
		n.bare = (&namespace{templates: n.templates}).newConfig()
	}
	return n.bare
}

// noEvaluator is an evaluator that only lends the types of its methods.
func noEvaluator() *evaluator { return &evaluator{} }

func (n *namespace) functions(c *conf.Config) {
	for _, f := range functions() {
		if f.anywhere || !n.templates {
			n.fields[f.name] = c.NtCache.FromType(reflect.TypeOf(f.bind(noEvaluator())))
		}
	}
}

// targetNature is the target's, with the types of its variables when it is
// known.
func (n *namespace) targetNature(c *conf.Config) nature.Nature {
	t := c.NtCache.NatureOf(map[string]any{})
	text := c.NtCache.FromType(reflect.TypeFor[string]())
	vars := nature.Nature{}
	if n.names.Target.Name != "" {
		known := n.names.Target.Vars
		if known == nil {
			known = map[string]any{}
		}
		vars = natureOf(&c.NtCache, known, 0)
	}
	t.TypeData = &nature.TypeData{Fields: map[string]nature.Nature{"name": text, "address": text, "host": text, "vars": vars}}
	n.factNatures(c, t.Fields)
	t.Strict = true
	return t
}

// tableOf is a strict map of names to one type.
func tableOf(c *conf.Config, names []string, t reflect.Type) nature.Nature {
	nt := c.NtCache.NatureOf(map[string]any{})
	nt.TypeData = &nature.TypeData{Fields: map[string]nature.Nature{}}
	nt.Strict = true
	for _, name := range names {
		nt.Fields[name] = c.NtCache.FromType(t)
	}
	return nt
}

// natureOf is the type of a variable: maps with their keys, so that a wrong
// one is found.
func natureOf(c *nature.Cache, value any, depth int) nature.Nature {
	switch v := value.(type) {
	case nil:
		return nature.Nature{}
	case map[string]any:
		nt := c.NatureOf(v)
		if depth > 20 {
			return nature.Nature{}
		}
		nt.TypeData = &nature.TypeData{Fields: map[string]nature.Nature{}}
		nt.Strict = true
		for key, inner := range v {
			nt.Fields[key] = natureOf(c, inner, depth+1)
		}
		return nt
	}
	return c.NatureOf(value)
}

func funcTypes(pointers []any) []reflect.Type {
	types := make([]reflect.Type, len(pointers))
	for i, p := range pointers {
		types[i] = reflect.TypeOf(p).Elem()
	}
	return types
}

// known are the names to suggest.
func (n *namespace) known() []string {
	names := sortedKeys(n.fields)
	if !n.templates {
		names = append(names, "diff")
	}
	return append(names, builtin.Names...)
}

// Reserved reports whether a name belongs to the language: a variable, a
// register or a snapshot of that name is hidden by it, and is reached through
// vars, registers or snapshots only. The builtin functions of expr hide
// nothing.
func Reserved(name string) bool {
	for _, f := range functions() {
		if f.name == name {
			return true
		}
	}
	for _, f := range factTable() {
		if f.name == name {
			return true
		}
	}
	switch name {
	case "now", "diff", "vars", "target", "registers", "snapshots", "true", "false", "nil", "let", "in", "not", "and", "or", "if", "else",
		"matches", "contains", "startsWith", "endsWith":
		return true
	}
	return false
}

// hides is where what a name of the language hides is reached: "registers",
// "snapshots" or "vars"; "" if it hides nothing.
func (n *namespace) hides(name string) string {
	switch {
	case !Reserved(name):
		return ""
	case slices.Contains(n.names.Registers, name):
		return "registers"
	case slices.Contains(sortedKeys(n.names.Snapshots), name):
		return "snapshots"
	case slices.Contains(sortedKeys(n.names.Vars), name):
		return "vars"
	}
	return ""
}

// values are the values of all names but facts and functions of a target.
func (n *namespace) values(env Env) map[string]any {
	m := map[string]any{}
	vars := map[string]any{}
	for _, source := range []map[string]any{env.Vars, env.Target.Vars} {
		for name, value := range source {
			m[name], vars[name] = value, value
		}
	}
	snapshots, registers := map[string]any{}, map[string]any{}
	if !n.templates {
		for name, s := range env.Snapshots {
			if s != nil {
				r := recordedOf(name, s)
				m[name], snapshots[name] = r, r
			}
		}
	}
	for name, r := range env.Registers {
		if r != nil {
			o := newOutput(r.Out, r.Err, r.Exit, r.Truncated)
			m[name], registers[name] = o, o
		}
	}
	targetVars := env.Target.Vars
	if targetVars == nil {
		targetVars = map[string]any{}
	}
	m["vars"], m["registers"], m["snapshots"] = vars, registers, snapshots
	target := map[string]any{"name": env.Target.Name, "address": env.Target.Address, "host": env.Target.Host(), "vars": targetVars}
	if env.Facts != nil {
		factValues(env.Facts, target)
	}
	m["target"] = target
	return m
}

// missingValue tells names that a program was compiled with and that have no value
// now: a register of a step that did not run.
func missingValue(values map[string]any, names []string) string {
	for _, name := range names {
		if _, ok := values[name]; !ok {
			return name
		}
	}
	return ""
}

// queryOf is the query of a fact by name.
func queryOf(name string) (netstate.Query, bool) {
	for _, f := range factTable() {
		if f.name == name {
			return f.query, true
		}
	}
	return netstate.Query{}, false
}
