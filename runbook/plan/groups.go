package plan

import (
	"fmt"
	"slices"

	"stet/runbook"
)

// Groups parts a document's blocks into step groups: the pre-checks before the
// first changing block, then each changing block with what follows it. A
// rollback block stands in the group of the step that it undoes.
func Groups(d *runbook.Document) []runbook.Group {
	var groups []runbook.Group
	home := map[string]int{}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if b.Kind == runbook.RollbackBlock && b.For != "" {
			continue
		}
		if len(groups) == 0 || b.Kind.Changing() {
			groups = append(groups, runbook.Group{Name: b.Name, Change: -1, Policy: b.OnFailure})
		}
		g := &groups[len(groups)-1]
		if b.Kind.Changing() {
			g.Change = len(g.Steps)
		}
		home[b.Name] = len(groups) - 1
		g.Steps = append(g.Steps, step(b))
	}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if at, ok := home[b.For]; ok && b.Kind == runbook.RollbackBlock && b.For != "" {
			groups[at].Steps = append(groups[at].Steps, step(b))
		}
	}
	for i := range groups {
		if groups[i].Policy == "" {
			groups[i].Policy = runbook.Rollback
		}
	}
	return groups
}

func step(b *runbook.Block) runbook.Step {
	s := runbook.Step{Block: *b, Name: b.Name, Kind: b.Kind, Line: b.Start.Line}
	if b.Kind == runbook.Manual {
		s.Targets = []runbook.StepPlan{{}}
		return s
	}
	for _, t := range b.On {
		s.Targets = append(s.Targets, runbook.StepPlan{Target: t, Body: b.Body})
	}
	return s
}

// Selected is Groups with what Only and From of the options select. A name that no
// step has is a fault.
func Selected(d *runbook.Document, o Options) ([]runbook.Group, runbook.Diagnostics) {
	groups := Groups(d)
	var diags runbook.Diagnostics
	for _, name := range append(slices.Clone(o.Only), o.From) {
		if name != "" && !slices.ContainsFunc(d.Blocks, func(b runbook.Block) bool { return b.Name == name }) {
			diags = append(diags, runbook.Diagnostic{
				Severity: runbook.Fault, Code: "unknown-step", Path: d.Path,
				Start: runbook.Position{Line: 1, Column: 1}, End: runbook.Position{Line: 1, Column: 1},
				Summary: fmt.Sprintf("no step is named %q", name),
				Detail:  "Select steps by the names that stet plan shows.",
			})
		}
	}
	var out []runbook.Group
	begun := o.From == ""
	for i, g := range groups {
		has := func(s runbook.Step) bool { return s.Name == o.From }
		begun = begun || slices.ContainsFunc(g.Steps, has)
		pre := i == 0 && g.Change < 0
		if !pre && !begun {
			continue
		}
		if !pre && len(o.Only) > 0 {
			g = only(g, o.Only)
		}
		if len(g.Steps) > 0 {
			out = append(out, g)
		}
	}
	return out, diags
}

// only keeps of a group what names select: all of it by its changing step,
// else the steps named.
func only(g runbook.Group, names []string) runbook.Group {
	if g.Change >= 0 && slices.Contains(names, g.Steps[g.Change].Name) {
		return g
	}
	g.Steps = slices.DeleteFunc(slices.Clone(g.Steps), func(s runbook.Step) bool {
		return !slices.Contains(names, s.Name) || s.Kind == runbook.RollbackBlock
	})
	g.Change = -1
	if len(g.Steps) > 0 {
		g.Name = g.Steps[0].Name
	}
	return g
}

// Rollbacks are the rollback blocks that undo the step of this name, in the
// document's order: those that name it and, for the changing step, those that
// name none.
func Rollbacks(g *runbook.Group, name string) []runbook.Step {
	changing := g.Change >= 0 && g.Steps[g.Change].Name == name
	var out []runbook.Step
	for _, s := range g.Steps {
		if s.Kind == runbook.RollbackBlock && (s.Block.For == name || s.Block.For == "" && changing) {
			out = append(out, s)
		}
	}
	return out
}
