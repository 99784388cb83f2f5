package view

import (
	"fmt"
	"slices"
	"strings"

	"stet/runbook"
	"stet/runbook/plan"
	"stet/runbook/report"
)

// Plan is a plan for people: group by group, each step with what it would do,
// and the hash that approves it.
func Plan(p *runbook.Plan, d *runbook.Document, as Form) string {
	var b strings.Builder
	if as == AsIP {
		b.WriteString(planCommands(p))
		return b.String()
	}
	b.WriteString(planTitle(p, d))
	b.WriteString(missingLines(p))
	for _, g := range p.Groups {
		b.WriteString("\n" + groupTitle(g))
		for _, s := range g.Steps {
			b.WriteString(stepLines(there(p, s), as))
		}
	}
	b.WriteString("\n" + planFoot(p))
	return b.String()
}

func planTitle(p *runbook.Plan, d *runbook.Document) string {
	title := d.Meta.Title
	if title == "" {
		title = p.Document
	}
	title = bold(title) + suffix(d.Meta.Ticket)
	names := make([]string, 0, len(p.Targets))
	for i, t := range p.Targets {
		if i == each && len(p.Targets) > each+1 {
			names = append(names, fmt.Sprintf("and %d more", len(p.Targets)-i))
			break
		}
		names = append(names, t.Name+" = "+t.Place())
	}
	if len(names) > 0 {
		title += "\n" + faint(strings.Join(names, ", "))
	}
	return title + "\n"
}

// missingLines names the targets that the plan says nothing about, and why.
func missingLines(p *runbook.Plan) string {
	if len(p.Missing) == 0 {
		return ""
	}
	all := make([]string, len(p.Missing))
	for i, m := range p.Missing {
		all[i] = m.Target
	}
	return "\n" + yellow(fmt.Sprintf("without %d of %d targets", len(all), len(p.Targets))) + ": " + targetList(all) + "\n" + plan.Reasons(p.Missing, detail) + "\n"
}

// there is a step on the targets that are not missing.
func there(p *runbook.Plan, s runbook.Step) runbook.Step {
	s.Targets = slices.DeleteFunc(slices.Clone(s.Targets), func(t runbook.StepPlan) bool { return p.Lacks(t.Target) })
	return s
}

func groupTitle(g runbook.Group) string {
	if g.Change < 0 {
		return bold("before any change") + "\n"
	}
	return bold(g.Name) + faint(dot+"on failure: "+policyWords(g.Policy)) + "\n"
}

func policyWords(p runbook.Policy) string {
	switch p {
	case runbook.Stop:
		return "undo this, keep what went before, stop"
	case runbook.Continue:
		return "undo this, go on"
	case runbook.Ask:
		return "ask"
	}
	return "undo everything"
}

// stepLines is one step: its title, then what it does, once for all targets
// on which that is the same.
func stepLines(s runbook.Step, as Form) string {
	var b strings.Builder
	targets := make([]string, 0, len(s.Targets))
	for _, t := range s.Targets {
		if t.Target != "" {
			targets = append(targets, t.Target)
		}
	}
	fmt.Fprintf(&b, "  %s%s", label(string(s.Kind), cyan), s.Name)
	if len(targets) > 0 {
		b.WriteString(" on " + targetList(targets))
	}
	b.WriteString(faint(fmt.Sprintf("%sline %d", dot, s.Line)) + waves(s) + "\n")
	if s.Kind == runbook.Manual {
		b.WriteString(indent(detail, visible(s.Block.Body, nil)))
	}
	for _, same := range alike(s, as) {
		if len(same.targets) < len(s.Targets) {
			b.WriteString(detail + faint(targetList(same.targets)+":") + "\n")
		}
		b.WriteString(same.text)
	}
	return b.String()
}

// targetList names targets: few one by one, many in short.
func targetList(targets []string) string {
	if len(targets) <= each {
		return strings.Join(targets, ", ")
	}
	return fmt.Sprintf("%s (%d)", who(targets), len(targets))
}

// waves says in which waves a changing step goes over its targets, how many it
// runs on at once, and how many may fail.
func waves(s runbook.Step) string {
	var sizes []string
	last := 0
	for _, t := range s.Targets {
		last = max(last, t.Wave)
	}
	for n := 1; n <= min(last, each) && s.Kind.Changing(); n++ {
		size := 0
		for _, t := range s.Targets {
			if t.Wave == n {
				size++
			}
		}
		sizes = append(sizes, fmt.Sprint(size))
	}
	text := ""
	if len(sizes) > 0 {
		text += dot + "waves of " + strings.Join(sizes, ", ")
		if last > each {
			text += fmt.Sprintf(" and %d more", last-each)
		}
	}
	if s.Block.Parallel > 0 {
		text += fmt.Sprintf("%s%d at once", dot, s.Block.Parallel)
	}
	if s.Block.MaxFailures.N > 0 {
		text += dot + "up to " + s.Block.MaxFailures.String() + " may fail"
	}
	return text
}

type likeness struct {
	text    string
	targets []string
}

// alike groups a step's targets by what the step does on them.
func alike(s runbook.Step, as Form) []likeness {
	var found []likeness
next:
	for _, t := range s.Targets {
		text := stepText(s.Kind, t, as)
		for i := range found {
			if found[i].text == text {
				found[i].targets = append(found[i].targets, t.Target)
				continue next
			}
		}
		found = append(found, likeness{text, []string{t.Target}})
	}
	return found
}

func stepText(kind runbook.BlockKind, t runbook.StepPlan, as Form) string {
	switch {
	case t.Deferred != "":
		return detail + faint("known when it runs: "+t.Deferred) + "\n"
	case kind == runbook.Netconfig && t.Change.Empty():
		return detail + faint("holds already") + "\n"
	case kind == runbook.Netconfig:
		return changeText(detail, t.Change, as)
	case kind == runbook.Manual:
		return ""
	}
	text := indent(detail+faint("| "), visible(t.Body, nil))
	if kind == runbook.Check || kind == runbook.Run { // elsewhere the text has them
		for _, f := range t.Facts {
			text += detail + faint("with "+visible(f, nil)) + "\n"
		}
	}
	return text
}

func planFoot(p *runbook.Plan) string {
	if len(p.Groups) == 0 {
		return "no step to run\n" + faint("plan "+p.Hash) + "\n"
	}
	if p.Empty() {
		return green("nothing to change") + "\n" + faint("plan "+p.Hash) + "\n"
	}
	edits, commands, manual := tally(p)
	var parts []string
	if edits > 0 {
		parts = append(parts, count(edits, "edit"))
	}
	if commands > 0 {
		parts = append(parts, count(commands, "command"))
	}
	if manual > 0 {
		parts = append(parts, count(manual, "manual step"))
	}
	if len(parts) == 0 {
		parts = append(parts, "changes known when they run")
	}
	line := bold(strings.Join(parts, ", ")) + " on " + count(len(p.Targets)-len(p.Missing), "target")
	if p.Duration > 0 {
		line += dot + "at most " + report.Duration(p.Duration) + ", undoing included"
	}
	return line + "\nplan " + p.Hash + "\n"
}

func tally(p *runbook.Plan) (edits, commands, manual int) {
	for _, g := range p.Groups {
		for _, s := range g.Steps {
			switch s.Kind {
			case runbook.Manual:
				manual++
			case runbook.Run:
				commands += len(there(p, s).Targets)
			}
			for _, t := range s.Targets {
				edits += sent(t.Change)
			}
		}
	}
	return edits, commands, manual
}

// planCommands is the whole plan as commands of iproute2, with a comment where
// a step or a target begins.
func planCommands(p *runbook.Plan) string {
	var b strings.Builder
	for _, g := range p.Groups {
		for _, s := range g.Steps {
			for _, t := range s.Targets {
				if s.Kind != runbook.Netconfig {
					continue
				}
				fmt.Fprintf(&b, "# %s\n", place(s.Name, t.Target))
				switch {
				case p.Lacks(t.Target):
					b.WriteString("# left out: it is missing\n")
				case t.Deferred != "":
					fmt.Fprintf(&b, "# known when it runs: %s\n", t.Deferred)
				case t.Change.Empty():
					b.WriteString("# holds already\n")
				default:
					b.WriteString(changeText("", t.Change, AsIP))
				}
			}
		}
	}
	return b.String()
}
