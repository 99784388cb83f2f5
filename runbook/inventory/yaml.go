package inventory

import (
	"strings"

	"stet/internal/yaml"
)

// parse reads one file of an inventory.
func (g *graph) parse(path string, src []byte) {
	if isYAML(path) {
		if f, ok := g.document(path, src); ok && f.root != nil {
			g.tree(f)
		}
		return
	}
	g.ini(path, src)
}

func isYAML(path string) bool {
	for _, end := range []string{".yaml", ".yml", ".json"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}

// vaultTag marks a value that Ansible Vault has encrypted.
const vaultTag = "!vault"

// file is a parsed YAML file; sealed tells that some of its values are encrypted.
type file struct {
	path   string
	root   *yaml.Node
	sealed bool
}

// document parses YAML. Ansible's own tags are no faults: !unsafe is text, and
// what !vault seals is left out where it is used.
func (g *graph) document(path string, src []byte) (*file, bool) {
	if strings.HasPrefix(string(src), "$ANSIBLE_VAULT;") {
		g.warn(path, 0, "it is encrypted with Ansible Vault, and left out; name secrets in the document's front matter")
		return nil, false
	}
	f := &file{path: path}
	root, errs := yaml.Parse(string(src))
	bad := false
	for _, e := range errs {
		switch {
		case strings.Contains(e.Message, "the tag "+vaultTag+" "):
			f.sealed = true
		case strings.Contains(e.Message, "the tag !unsafe "):
		default:
			bad = true
			g.fault(path, e.Line, "%s", e.Message)
		}
	}
	f.root = root
	return f, !bad
}

// tree reads an inventory: groups by name at its top.
func (g *graph) tree(f *file) {
	if f.root.Kind != yaml.Mapping {
		g.fault(f.path, f.root.Line, "an inventory has groups by their names, not a %s", f.root.Kind)
		return
	}
	switch {
	case f.root.Get("plugin") != nil:
		g.fault(f.path, f.root.Get("plugin").Line, "this is the configuration of a plugin, which stet does not run; use what `ansible-inventory --list --yaml` prints")
		return
	case f.root.Get("_meta") != nil:
		g.fault(f.path, f.root.Get("_meta").Line, "this is the output of a dynamic inventory; use what `ansible-inventory --list --yaml` prints")
		return
	}
	for _, p := range f.root.Pairs {
		g.branch(f, p.Key, p.Value, 0)
	}
}

// branch reads a group with its hosts, variables and children.
func (g *graph) branch(f *file, key, n *yaml.Node, depth int) {
	name := key.Value
	if depth > maxDepth {
		g.fault(f.path, key.Line, "groups stand within each other deeper than %d levels", maxDepth)
		return
	}
	if strings.ContainsAny(name, ":[] \t\n") || name == "" {
		g.fault(f.path, key.Line, "%q is no name of a group", name)
		return
	}
	in := g.group(name, f.path, key.Line)
	in.declared = true
	if n.Null() {
		return
	}
	if n.Kind != yaml.Mapping {
		g.fault(f.path, n.Line, "the group %s must have hosts, children and vars, not a %s", name, n.Kind)
		return
	}
	for _, p := range n.Pairs {
		switch p.Key.Value {
		case "hosts":
			g.each(f, p.Value, "hosts", func(k, v *yaml.Node) {
				g.add(in, name, k.Value, g.vars(f, v), f.path, k.Line)
			})
		case "children":
			g.each(f, p.Value, "children", func(k, v *yaml.Node) {
				g.branch(f, k, v, depth+1)
				if g.groups[k.Value] != nil {
					g.child(name, k.Value)
				}
			})
		case "vars":
			for k, v := range g.vars(f, p.Value) {
				in.vars[k] = v
			}
		default:
			g.warn(f.path, p.Key.Line, "%s of the group %s is neither hosts, children nor vars, and left out", p.Key.Value, name)
		}
	}
}

// each visits a mapping; one word alone stands for a mapping with that key.
func (g *graph) each(f *file, n *yaml.Node, what string, visit func(k, v *yaml.Node)) {
	switch {
	case n.Null():
	case n.Kind == yaml.Mapping:
		for _, p := range n.Pairs {
			visit(p.Key, p.Value)
		}
	case n.Kind == yaml.Scalar:
		visit(n, nil)
	default:
		g.fault(f.path, n.Line, "%s must be names with a colon after each, not a %s", what, n.Kind)
	}
}

// vars reads variables.
func (g *graph) vars(f *file, n *yaml.Node) map[string]any {
	if n.Null() {
		return nil
	}
	if n.Kind != yaml.Mapping {
		g.fault(f.path, n.Line, "variables are keys with values, not a %s", n.Kind)
		return nil
	}
	out := make(map[string]any, len(n.Pairs))
	for _, p := range n.Pairs {
		if f.vault(p.Value) {
			g.warn(f.path, p.Key.Line, "%s is encrypted with Ansible Vault, and left out; name it under secrets in the document's front matter", p.Key.Value)
			continue
		}
		out[p.Key.Value] = p.Value.Any()
	}
	return out
}

// vault reports whether a value is encrypted, or a part of it.
func (f *file) vault(n *yaml.Node) bool {
	if n == nil || !f.sealed {
		return false
	}
	for _, p := range n.Pairs {
		if f.vault(p.Value) {
			return true
		}
	}
	for _, item := range n.Items {
		if f.vault(item) {
			return true
		}
	}
	return n.Unknown == vaultTag
}
