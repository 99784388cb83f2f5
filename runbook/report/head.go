package report

import (
	"fmt"
	"slices"
	"strings"

	"stet/internal/names"
	"stet/runbook"
)

// Head writes the report for the head of the document: what the operation came
// to, who ran it, when, with what, and a table of its steps.
func Head(op *runbook.Operation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", sentence(op))
	if hint := hint(op); hint != "" {
		fmt.Fprintf(&b, "Hint: %s\n\n", escape(hint))
	}
	b.WriteString("| operator | host | start (UTC) | end (UTC) | tool | plan | run |\n|---|---|---|---|---|---|---|\n")
	end := ""
	if !op.End.IsZero() {
		end = stamp(op.End) + ", " + Duration(op.End.Sub(op.Start))
	}
	fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n",
		cell(op.Operator), cell(op.Host), stamp(op.Start), end, cell(op.Tool), cellCode(short(op.PlanHash)), cellCode(op.Run))
	leftOut(&b, op)
	steps(&b, op)
	hosts(&b, op)
	for i, n := range op.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "- %s\n", sentenceStart(escape(n)))
	}
	return b.String()
}

// leftOut names the targets that the operation went on without, and why.
func leftOut(b *strings.Builder, op *runbook.Operation) {
	if len(op.LeftOut) == 0 {
		return
	}
	b.WriteString("\n| left out | allowed by | why |\n|---|---|---|\n")
	for i, l := range op.LeftOut {
		if i == mostRows {
			fmt.Fprintf(b, "| … %s, in the journal | | |\n", count(len(op.LeftOut)-i, "more target"))
			return
		}
		why := cell(firstLine(l.Error))
		if l.Absent {
			why = "missing from the beginning: " + why
		}
		if l.Remedy != "" {
			why += "<br>Hint: " + cell(firstLine(l.Remedy))
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", cellCode(l.Target), cellCode(l.Step), why)
	}
}

// without says in a sentence which targets the operation went on without.
func without(op *runbook.Operation) string {
	if len(op.LeftOut) == 0 {
		return ""
	}
	all := make([]string, len(op.LeftOut))
	for i, l := range op.LeftOut {
		all[i] = l.Target
	}
	return " Left out: " + code(names.Short(all, mostNames)) + "."
}

// hosts says who the machines behind a network proved to be.
func hosts(b *strings.Builder, op *runbook.Operation) {
	if len(op.Hosts) == 0 {
		return
	}
	folded := len(op.Hosts) > few
	if folded {
		fmt.Fprintf(b, "\n<details>\n<summary>%s</summary>\n", count(len(op.Hosts), "host"))
	}
	b.WriteString("\n| target | address | host | host key |\n|---|---|---|---|\n")
	for _, h := range op.Hosts {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cellCode(h.Target), cellCode(h.Address), cell(h.Name), cellCode(h.Key))
	}
	if folded {
		b.WriteString("\n</details>\n")
	}
}

// few is how many targets of a step have a line each in the report's table, and
// a mention each in its sentences; more of them are put together.
const few = 4

// steps is the table of all steps.
func steps(b *strings.Builder, op *runbook.Operation) {
	if len(op.Outcomes) == 0 {
		return
	}
	b.WriteString("\n| step | kind | target | status | start | took |\n|---|---|---|---|---|---|\n")
	for _, g := range lines(op.Outcomes) {
		o := g.outcomes[0]
		start, took := g.when()
		o.Confirmed = g.confirmed()
		step := cellCode(o.Step)
		if o.Wave > 0 {
			step += fmt.Sprintf(", wave %d", o.Wave)
		}
		fmt.Fprintf(b, "| %s | %s | %s%s | %s | %s | %s |\n", step, o.Kind, cellCode(g.who()), g.number(), statusCell(o), start, took)
	}
}

// lines are the outcomes of the table's lines: one each, or, of a step on many
// targets, those of one wave and status.
func lines(outcomes []runbook.Outcome) []*alike {
	number := map[string]int{}
	for _, o := range outcomes {
		number[o.Step]++
	}
	var out []*alike
	by := map[string]*alike{}
	for _, o := range outcomes {
		key := fmt.Sprintf("%s %d %s", o.Step, o.Wave, o.Status)
		if g := by[key]; g != nil && number[o.Step] > few {
			g.outcomes = append(g.outcomes, o)
			continue
		}
		by[key] = &alike{outcomes: []runbook.Outcome{o}}
		out = append(out, by[key])
	}
	return out
}

// short is enough of a hash to tell plans apart by eye.
func short(hash string) string {
	if len(hash) > 16 {
		return hash[:16]
	}
	return hash
}

// sentence says what the operation came to.
func sentence(op *runbook.Operation) string {
	switch op.Status {
	case runbook.OK:
		return "**Done.** " + doneSentence(op)
	case runbook.Failed:
		return because("Failed", op) + without(op) + standing(op)
	case runbook.RolledBack:
		return rolledBack(op)
	case runbook.Incomplete:
		return because("Rollback incomplete", op) + unfinished(op) + stands(op) + keptEffects(op) + byHand(op)
	case runbook.Aborted:
		by := op.InterruptedBy
		if by == "" {
			by = "the operator"
		}
		return "**Interrupted by " + escape(by) + ".**" + standing(op)
	case runbook.Refused:
		return because("Refused", op)
	case runbook.Running:
		return "**Running** since " + stamp(op.Start) + "."
	case runbook.Unfinished:
		return "**Unfinished.** Stet, or its machine, died before the operation ended." + begun(op)
	}
	return "**" + word(op.Status) + "**"
}

// hint says what to do about what the sentence gives as the reason.
func hint(op *runbook.Operation) string {
	switch op.Status {
	case runbook.Failed, runbook.RolledBack, runbook.Incomplete, runbook.Refused:
		if cause, ok := Cause(op); ok {
			return cause.Remedy
		}
		return op.Remedy
	}
	return ""
}

// because says that, and why: the step that failed, or what no step says.
func because(that string, op *runbook.Operation) string {
	cause, ok := Cause(op)
	switch {
	case !ok && op.Error == "":
		return "**" + that + ".**"
	case !ok:
		return "**" + that + ":** " + strings.TrimSuffix(escape(firstLine(op.Error)), ".") + "."
	case cause.Error == "":
		return "**" + that + ".** " + where(cause) + "."
	}
	return "**" + that + ".** " + where(cause) + ": " + strings.TrimSuffix(escape(firstLine(cause.Error)), ".") + "."
}

// Cause is the outcome that made the operation fail: the first that failed by
// itself. A target that the operation went on without is the cause only where
// nothing else is, and so is a rollback block, which runs when something has failed.
func Cause(op *runbook.Operation) (runbook.Outcome, bool) {
	var second *runbook.Outcome
	for i := range op.Outcomes {
		o := &op.Outcomes[i]
		switch {
		case (o.Error == "" || o.Status == runbook.Skipped) && o.Status != runbook.Failed:
		case o.Kind != runbook.RollbackBlock && !slices.ContainsFunc(op.LeftOut, func(l runbook.LeftOut) bool { return l.Target == o.Target }):
			return *o, true
		case second == nil:
			second = o
		}
	}
	if second == nil || op.Error != "" {
		return runbook.Outcome{}, false
	}
	return *second, true
}

func where(o runbook.Outcome) string {
	s := "Step " + code(o.Step)
	if o.Target != "" {
		s += " on " + code(o.Target)
	}
	return s
}

// listed names the steps of the outcomes that keep wants, each with its targets.
func listed(op *runbook.Operation, keep func(runbook.Outcome) bool) []string {
	var steps []string
	targets := map[string][]string{}
	for _, o := range op.Outcomes {
		if !keep(o) {
			continue
		}
		if _, ok := targets[o.Step]; !ok {
			steps = append(steps, o.Step)
			targets[o.Step] = nil
		}
		if o.Target != "" && !slices.Contains(targets[o.Step], o.Target) {
			targets[o.Step] = append(targets[o.Step], o.Target)
		}
	}
	var out []string
	for _, step := range steps {
		if on := targets[step]; len(on) > few {
			out = append(out, code(step)+" on "+code(names.Short(on, mostNames)))
			continue
		}
		for _, t := range targets[step] {
			out = append(out, code(step)+" on "+code(t))
		}
		if len(targets[step]) == 0 {
			out = append(out, code(step))
		}
	}
	return out
}
