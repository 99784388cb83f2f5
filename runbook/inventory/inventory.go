// Package inventory reads the inventories of Ansible as they are: INI and YAML
// files, folders of them, and the group_vars and host_vars beside them. What
// comes out is hosts with their merged variables, and groups.
//
// The format has no description but Ansible's own code: a line of a host is
// split like a shell's, its values are literals of Python, and names hold
// ranges. Readers of ordinary INI files know none of that, and those made for
// it keep neither order, nor types, nor places for error messages.
package inventory

import (
	"cmp"
	"fmt"
	"slices"

	"stet/executors"
)

// Bounds of what is read.
const (
	maxFile   = 16 << 20 // bytes of one file
	maxHosts  = 100_000
	maxFaults = 50
	maxDepth  = 50 // folders and templates within each other
)

// Inventory is what an inventory holds.
type Inventory struct {
	// Hosts are in the order in which they are named first.
	Hosts []Host
	// Groups are in the order in which they are named first; the last ones are
	// "ungrouped", unless it is empty, and "all".
	Groups []Group
}

// Host is a machine with all its variables: those of its groups, the nearer
// group's over the farther one's, and its own over them.
type Host struct {
	Name string
	Vars map[string]any
}

// Group is a set of hosts.
type Group struct {
	Name string
	// Hosts are those of the group and of all groups in it.
	Hosts []string
}

// Fault is what is wrong with an inventory, or a warning: something of it that
// is not used.
type Fault struct {
	Path string
	// Line counts from 1; 0 stands for the file as a whole.
	Line    int
	Message string
	Warning bool
}

// Error implements error: "hosts.ini:12: message".
func (f Fault) Error() string {
	if f.Line == 0 {
		return f.Path + ": " + f.Message
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Message)
}

// Load reads the inventory at path: a file, or a folder of files. It reads what
// can be read; all faults are returned, not only the first.
func Load(path string) (*Inventory, []Fault) {
	g := newGraph()
	g.load(path)
	return g.inventory(), g.faults
}

// Parse reads an inventory from memory, without the folders beside it. path
// tells its format by its ending, as for Load.
func Parse(path string, src []byte) (*Inventory, []Fault) {
	g := newGraph()
	g.parse(path, src)
	return g.inventory(), g.faults
}

// Targets are the hosts as targets, and the members of each group by its name.
// The warnings are about variables that say how to reach a host in a way that
// stet does not have.
func (inv *Inventory) Targets() (targets []executors.Target, groups map[string][]string, warnings []string) {
	groups = make(map[string][]string, len(inv.Groups))
	for _, h := range inv.Hosts {
		t, ws := h.target()
		targets = append(targets, t)
		for _, w := range ws {
			if !slices.Contains(warnings, w) && len(warnings) < maxFaults {
				warnings = append(warnings, w)
			}
		}
	}
	for _, g := range inv.Groups {
		groups[g.Name] = g.Hosts
	}
	return targets, groups, warnings
}

// inventory merges variables and flattens groups.
func (g *graph) inventory() *Inventory {
	g.settle()
	inv := &Inventory{}
	ranked := g.ranked()
	for _, name := range g.order {
		inv.Hosts = append(inv.Hosts, Host{Name: name, Vars: g.merged(name, ranked)})
	}
	var ungrouped []string
	for _, name := range g.order {
		if len(g.hosts[name].groups) == 0 {
			ungrouped = append(ungrouped, name)
		}
	}
	for _, name := range g.groupOrder {
		if name != all && name != loose {
			inv.Groups = append(inv.Groups, Group{name, g.members(name)})
		}
	}
	if len(ungrouped) > 0 {
		inv.Groups = append(inv.Groups, Group{loose, ungrouped})
	}
	inv.Groups = append(inv.Groups, Group{all, slices.Clone(g.order)})
	return inv
}

// members are the hosts of a group and of the groups in it, in the inventory's
// order.
func (g *graph) members(name string) []string {
	found := map[string]bool{}
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, h := range g.groups[name].hosts {
			found[h] = true
		}
		for _, c := range g.groups[name].children {
			visit(c)
		}
	}
	visit(name)
	out := make([]string, 0, len(found))
	for h := range found {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(g.hosts[a].at, g.hosts[b].at) })
	return out
}
