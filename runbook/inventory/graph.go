package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The groups that every inventory has.
const (
	all   = "all"
	loose = "ungrouped"
)

// graph is an inventory while it is read.
type graph struct {
	hosts      map[string]*host
	order      []string
	groups     map[string]*group
	groupOrder []string
	faults     []Fault
	full       bool
	up         map[string][]string // the groups above each group
	told       map[string]string   // the first host that a variable was left out on
}

type host struct {
	at     int             // its place in the order
	groups map[string]bool // that name it themselves, without all and ungrouped
	vars   map[string]any  // of the inventory
	extra  map[string]any  // of host_vars
}

type group struct {
	hosts    []string
	children []string
	vars     map[string]any // of the inventory
	extra    map[string]any // of group_vars
	path     string         // where it was named first
	line     int
	declared bool // by a section of its own, or as a key
	depth    int
}

func newGraph() *graph {
	g := &graph{hosts: map[string]*host{}, groups: map[string]*group{}}
	g.group(all, "", 0).declared = true
	g.group(loose, "", 0).declared = true
	return g
}

func (g *graph) fault(path string, line int, format string, args ...any) {
	g.say(Fault{Path: path, Line: line, Message: fmt.Sprintf(format, args...)})
}

func (g *graph) warn(path string, line int, format string, args ...any) {
	g.say(Fault{Path: path, Line: line, Message: fmt.Sprintf(format, args...), Warning: true})
}

func (g *graph) say(f Fault) {
	if len(g.faults) < maxFaults && !slices.Contains(g.faults, f) {
		g.faults = append(g.faults, f)
	}
}

// group is the group of a name, made when it is new.
func (g *graph) group(name, path string, line int) *group {
	if have := g.groups[name]; have != nil {
		return have
	}
	made := &group{vars: map[string]any{}, extra: map[string]any{}, path: path, line: line}
	g.groups[name] = made
	g.groupOrder = append(g.groupOrder, name)
	return made
}

// add puts hosts, by a name that may have ranges, into a group.
func (g *graph) add(in *group, name, pattern string, vars map[string]any, path string, line int) {
	hosts, port, err := expand(pattern, maxHosts-len(g.order))
	if err != nil {
		g.fault(path, line, "%s", err)
		return
	}
	for _, h := range hosts {
		have := g.hosts[h]
		if have == nil {
			if len(g.order) >= maxHosts {
				if !g.full {
					g.fault(path, line, "there are more than %d hosts", maxHosts)
				}
				g.full = true
				return
			}
			have = &host{at: len(g.order), groups: map[string]bool{}, vars: map[string]any{}, extra: map[string]any{}}
			g.hosts[h] = have
			g.order = append(g.order, h)
		}
		if name != all && name != loose && !have.groups[name] {
			have.groups[name] = true
			in.hosts = append(in.hosts, h)
		}
		if port > 0 {
			have.vars["ansible_port"] = port
		}
		maps.Copy(have.vars, vars)
	}
}

// settle takes out what leads in circles and finds how deep each group is.
func (g *graph) settle() {
	const open, closed = 1, 2
	state := map[string]int{}
	var visit func(name string)
	visit = func(name string) {
		state[name] = open
		in := g.groups[name]
		in.children = slices.DeleteFunc(in.children, func(c string) bool {
			if state[c] == open {
				g.fault(in.path, in.line, "the group %s contains itself, through %s", c, name)
			}
			return state[c] == open
		})
		for _, c := range in.children {
			if state[c] == 0 {
				visit(c)
			}
		}
		state[name] = closed
	}
	for _, name := range g.groupOrder {
		if state[name] == 0 {
			visit(name)
		}
	}
	g.depths()
}

// depths counts how many groups are above each, on the longest way; all is
// above every group.
func (g *graph) depths() {
	parents := map[string]int{}
	for _, name := range g.groupOrder {
		for _, c := range g.groups[name].children {
			parents[c]++
		}
	}
	var ready []string
	for _, name := range g.groupOrder {
		if name != all {
			g.groups[name].depth = 1
		}
		if parents[name] == 0 {
			ready = append(ready, name)
		}
	}
	for len(ready) > 0 {
		name := ready[0]
		ready = ready[1:]
		for _, c := range g.groups[name].children {
			child := g.groups[c]
			child.depth = max(child.depth, g.groups[name].depth+1)
			if parents[c]--; parents[c] == 0 {
				ready = append(ready, c)
			}
		}
	}
}

// ranked are the names of the groups, those first whose variables weigh least.
func (g *graph) ranked() []string {
	out := slices.Clone(g.groupOrder)
	priority := func(name string) int {
		if n, ok := g.groups[name].vars["ansible_group_priority"].(int); ok {
			return n
		}
		return 1
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(g.groups[a].depth, g.groups[b].depth), cmp.Compare(priority(a), priority(b)), strings.Compare(a, b))
	})
	return out
}

// above are the groups that a host is in, through others too.
func (g *graph) above(name string, parents map[string][]string) map[string]bool {
	in := map[string]bool{all: true}
	var visit func(string)
	visit = func(name string) {
		if in[name] {
			return
		}
		in[name] = true
		for _, p := range parents[name] {
			visit(p)
		}
	}
	for name := range g.hosts[name].groups {
		visit(name)
	}
	if len(in) == 1 {
		in[loose] = true
	}
	return in
}

func (g *graph) parents() map[string][]string {
	out := map[string][]string{}
	for _, name := range g.groupOrder {
		for _, c := range g.groups[name].children {
			out[c] = append(out[c], name)
		}
	}
	return out
}
