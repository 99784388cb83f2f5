package markdown

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"stet/executors"
	"stet/internal/yaml"
	"stet/runbook"
	"stet/runbook/inventory"
)

// from reads the inventories that the key "from" of targets names. What is
// wrong in them is told where they are named, with their own line.
func (d *decoder) from(n *yaml.Node) {
	for _, item := range d.list(n, "from") {
		path := item.Value
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(d.path), path)
		}
		if path = filepath.Clean(path); !d.ownInventory(item, path) {
			d.ansible(item, path)
		}
	}
}

// ownInventory reads a YAML file with targets as the front matter has them, and
// variables of all of them. It returns false when the file is something else.
func (d *decoder) ownInventory(n *yaml.Node, path string) bool {
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		return false
	}
	text, err := inventory.ReadFile(path)
	if err != nil {
		return false // a folder, or a fault that is told then
	}
	root, errs := yaml.Parse(string(text))
	targets := root.Get("targets")
	if targets == nil {
		return false
	}
	// The file is read as if it were a front matter between its two lines.
	src := []byte("---\n" + string(text) + "\n---\n")
	inner := decoder{&reading{path: path, src: src, index: newIndex(src)}, &runbook.Meta{
		Groups: map[string][]string{}, Places: map[string]runbook.Position{},
	}}
	for _, e := range errs {
		d.wrong(n, "inventory", fmt.Sprintf("%s:%d: %s", path, e.Line, e.Message), "Put the inventory right.")
	}
	inner.entries(root, "", map[string]func(*yaml.Node){
		"targets": func(n *yaml.Node) {
			if from := n.Get("from"); from != nil {
				inner.wrong(from, "inventory", "an inventory names no other one", "Name all of them in the document: from: [one.yaml, two.yaml].")
				return
			}
			inner.targets(n)
		},
		"vars": inner.vars,
	})
	for _, f := range inner.faults {
		d.diagnose(f.Severity, f.Code, d.node(n), fmt.Sprintf("%s:%d: %s", path, f.Start.Line-1, f.Summary), f.Detail)
	}
	for i := range inner.meta.Targets {
		t := &inner.meta.Targets[i]
		for _, v := range inner.meta.Vars {
			if _, own := t.Vars[v.Name]; own {
				continue
			}
			if t.Vars == nil {
				t.Vars = map[string]any{}
			}
			t.Vars[v.Name] = v.Value
		}
	}
	d.adopt(n, path, inner.meta.Targets, inner.meta.Groups)
	return true
}

// ansible reads one of Ansible's inventories.
func (d *decoder) ansible(n *yaml.Node, path string) {
	inv, faults := inventory.Load(path)
	for _, f := range faults {
		if f.Warning {
			d.warn("inventory", d.node(n), f.Error(), "Nothing needs to be done if the document does not use it.")
		} else {
			d.wrong(n, "inventory", f.Error(), "Put the inventory right.")
		}
	}
	targets, groups, warnings := inv.Targets()
	for _, w := range warnings {
		d.warn("inventory", d.node(n), path+": "+w, "Nothing needs to be done if the document does not use it.")
	}
	out := map[string]string{} // hosts left out, by name
	kept := make([]executors.Target, 0, len(targets))
	for _, t := range targets {
		if why := unreachable(t); why != "" {
			out[t.Name] = why
			continue
		}
		kept = append(kept, t)
	}
	d.leftOut(n, path, out)
	for name, members := range groups {
		groups[name] = slices.DeleteFunc(members, func(m string) bool { return out[m] != "" })
	}
	d.adopt(n, path, kept, groups)
}

// unreachable says why a host of an inventory cannot be a target.
func unreachable(t executors.Target) string {
	if fault := nameFault(t.Name); fault != "" {
		return "its name " + fault + ", so give it another one and its own as ansible_host"
	}
	probe := decoder{&reading{index: newIndex(nil)}, &runbook.Meta{}}
	probe.address(&yaml.Node{Tag: "!!str", Value: t.Address})
	if len(probe.faults) == 0 {
		return ""
	}
	why := probe.faults[0].Summary
	if how, ok := t.Vars["ansible_connection"]; ok && strings.HasSuffix(why, "has an unknown scheme") {
		return fmt.Sprintf("stet has no way to reach a host by ansible_connection=%v", how)
	}
	return why
}

// leftOut tells which hosts are no targets, once for each reason.
func (d *decoder) leftOut(n *yaml.Node, path string, out map[string]string) {
	by := map[string][]string{}
	for name, why := range out {
		by[why] = append(by[why], name)
	}
	reasons := make([]string, 0, len(by))
	for why := range by {
		slices.Sort(by[why])
		reasons = append(reasons, why)
	}
	slices.SortFunc(reasons, func(a, b string) int { return cmp.Compare(by[a][0], by[b][0]) })
	for _, why := range reasons {
		who := by[why][0]
		if more := len(by[why]) - 1; more > 0 {
			who += fmt.Sprintf(" (and %d more)", more)
		}
		d.warn("inventory", d.node(n), fmt.Sprintf("%s: %s is left out: %s", path, who, why), "Nothing needs to be done if the document does not use it.")
	}
}

// adopt takes targets and groups of an inventory over. A document's own group
// may take the name of one of them; otherwise a name means one thing.
func (d *decoder) adopt(n *yaml.Node, path string, targets []executors.Target, groups map[string][]string) {
	taken := map[string]bool{}
	for _, t := range d.meta.Targets {
		taken[t.Name] = true
	}
	for _, t := range targets {
		if taken[t.Name] {
			d.wrong(n, "duplicate-name", fmt.Sprintf("%s: the target %s is there already", path, t.Name), "Remove one of them.")
			continue
		}
		taken[t.Name] = true
		d.meta.Targets = append(d.meta.Targets, t)
	}
	for _, name := range sorted(keys(groups)) {
		members := groups[name]
		switch {
		case nameFault(name) != "" || len(members) == 0:
		case taken[name]:
			d.warn("inventory", d.node(n), fmt.Sprintf("%s: the group %s is left out: a target has its name", path, name), "Rename one of them if the document needs the group.")
		default:
			d.meta.Groups[name] = union(d.meta.Groups[name], members)
		}
	}
}

// union appends what is not there yet; groups may be large.
func union(to, more []string) []string {
	have := make(map[string]bool, len(to)+len(more))
	for _, x := range to {
		have[x] = true
	}
	for _, x := range more {
		if !have[x] {
			have[x] = true
			to = append(to, x)
		}
	}
	return to
}

func keys(m map[string][]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// stands is what a name in a group stands for: the members of a group of an
// inventory, or a target.
func (d *decoder) stands(name string) []string {
	if members, ok := d.meta.Groups[name]; ok {
		return members
	}
	return []string{name}
}

// grouped reads a group with variables: {members: [r1, r2], vars: {…}}. It
// returns the node of its members.
func (d *decoder) grouped(name string, n *yaml.Node, vars map[string]map[string]any) *yaml.Node {
	var members *yaml.Node
	d.entries(n, "targets."+name, map[string]func(*yaml.Node){
		"members": func(n *yaml.Node) { members = n },
		"vars": func(n *yaml.Node) {
			if !d.mapping(n, "targets."+name+".vars") {
				return
			}
			vars[name] = map[string]any{}
			for _, p := range n.Pairs {
				if d.name(p.Key, "variable") {
					vars[name][p.Key.Value] = p.Value.Any()
				}
			}
		},
	})
	return members
}

// groupVars gives targets the variables of their groups: the group that stands
// last in the document comes first, and the target's own before all.
func (d *decoder) groupVars(order []string, vars map[string]map[string]any) {
	at := map[string]int{}
	for i, t := range d.meta.Targets {
		at[t.Name] = i
	}
	for _, name := range slices.Backward(order) {
		if vars[name] == nil {
			continue
		}
		for _, member := range d.meta.Groups[name] {
			i, ok := at[member]
			if !ok {
				continue
			}
			t := &d.meta.Targets[i]
			if t.Vars == nil {
				t.Vars = map[string]any{}
			}
			for key, v := range vars[name] {
				if _, own := t.Vars[key]; !own {
					t.Vars[key] = v
				}
			}
		}
	}
}

// isGroup tells a group with variables from a target.
func isGroup(n *yaml.Node) bool { return n.Get("members") != nil }
