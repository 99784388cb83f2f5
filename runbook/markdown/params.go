package markdown

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"stet/internal/yaml"
	"stet/runbook"
)

// paramTypes are what a template can ask for.
var paramTypes = []string{"string", "int", "bool", "duration", "address", "prefix", "mac", "interface", "enum", "target"}

// params reads a template's questions: NAME: TYPE, or a mapping.
func (d *decoder) params(n *yaml.Node) {
	if !d.mapping(n, "params") {
		return
	}
	for _, entry := range n.Pairs {
		d.place("params", entry.Key)
		if !d.name(entry.Key, "parameter") {
			continue
		}
		p := runbook.Param{Name: entry.Key.Value, Type: "string", Pos: d.index.position(d.node(entry.Key).Start)}
		if entry.Value.Kind == yaml.Mapping {
			d.param(&p, entry.Value)
		} else if !entry.Value.Null() {
			d.paramType(&p, entry.Value)
		}
		d.meta.Params = append(d.meta.Params, p)
	}
}

func (d *decoder) paramType(p *runbook.Param, n *yaml.Node) {
	text, ok := d.text(n, "type")
	if !ok {
		return
	}
	if !slices.Contains(paramTypes, text) {
		d.wrong(n, "bad-value", fmt.Sprintf("%q is no type of parameter", text), d.remedy(text, paramTypes))
		return
	}
	p.Type = text
}

func (d *decoder) param(p *runbook.Param, n *yaml.Node) {
	d.entries(n, "params."+p.Name, map[string]func(*yaml.Node){
		"doc":  func(n *yaml.Node) { p.Doc, _ = d.text(n, "doc") },
		"type": func(n *yaml.Node) { d.paramType(p, n) },
		"default": func(n *yaml.Node) {
			if !n.Null() {
				p.Default, _ = d.text(n, "default")
			}
		},
		"enum": func(n *yaml.Node) {
			for _, item := range d.list(n, "enum") {
				p.Enum = append(p.Enum, item.Value)
			}
		},
		"min": func(n *yaml.Node) { p.Min = d.integer(n, "min") },
		"max": func(n *yaml.Node) { p.Max = d.integer(n, "max") },
		"pattern": func(n *yaml.Node) {
			p.Pattern, _ = d.text(n, "pattern")
			if _, err := regexp.Compile(p.Pattern); err != nil {
				d.wrong(n, "bad-value", "the pattern is not a regular expression: "+err.Error(), "Use Go's syntax (RE2).")
				p.Pattern = ""
			}
		},
	})
	if p.Enum != nil && n.Get("type") == nil {
		p.Type = "enum"
	}
	if p.Type == "enum" && len(p.Enum) == 0 {
		d.wrong(n, "bad-value", "the choices of "+p.Name+" are missing", "Add enum: [one, two].")
	}
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		d.wrong(n.Get("max"), "bad-value", "max is below min", "Exchange them.")
	}
}

func (d *decoder) integer(n *yaml.Node, what string) *int64 {
	i, err := strconv.ParseInt(n.Value, 0, 64)
	if n.Kind != yaml.Scalar || n.Tag != "!!int" || err != nil {
		d.wrong(n, "type", what+" must be a whole number", "Write it in digits.")
		return nil
	}
	return &i
}
