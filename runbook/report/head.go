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
		if _, ok := Cause(op); !ok && op.Error == "" {
			return "**Rolled back.**" + undoneSentence(op)
		}
		return because("Failed and rolled back", op) + undoneSentence(op)
	case runbook.Incomplete:
		return because("Rollback incomplete", op) + unfinished(op) + keptEffects(op)
	case runbook.Aborted:
		by := op.InterruptedBy
		if by == "" {
			by = "the operator"
		}
		return "**Interrupted by " + escape(by) + ".**" + standing(op) + keptEffects(op)
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

// begun names what an operation that did not end had begun.
func begun(op *runbook.Operation) string {
	left := listed(op, func(o runbook.Outcome) bool {
		return changing(o) && (o.Status == runbook.OK || o.Status == runbook.Running)
	})
	if len(left) == 0 {
		return " Nothing had been changed."
	}
	return " It had begun: " + strings.Join(left, ", ") + ". Take it up with stet resume, or undo it with stet rollback."
}

// Cause is the outcome that made the operation fail: the first that failed by
// itself.
func Cause(op *runbook.Operation) (runbook.Outcome, bool) {
	for _, o := range op.Outcomes {
		if o.Error != "" && o.Status != runbook.Skipped || o.Status == runbook.Failed {
			return o, true
		}
	}
	return runbook.Outcome{}, false
}

func where(o runbook.Outcome) string {
	s := "Step " + code(o.Step)
	if o.Target != "" {
		s += " on " + code(o.Target)
	}
	return s
}

func doneSentence(op *runbook.Operation) string {
	if len(op.Outcomes) == 0 {
		return "Nothing was run."
	}
	changed, ran, byHand, held := 0, 0, 0, 0
	for _, o := range op.Outcomes {
		switch {
		case o.Status == runbook.Skipped:
		case o.Kind == runbook.Netconfig && o.Status == runbook.OK:
			changed++
		case o.Kind == runbook.Run:
			ran++
		case o.Kind == runbook.Manual:
			byHand++
		case o.Kind == runbook.Check && o.Status == runbook.OK:
			held++
		}
	}
	var parts []string
	if changed > 0 {
		parts = append(parts, count(changed, "change")+" applied")
	}
	if ran > 0 {
		parts = append(parts, count(ran, "command")+" run")
	}
	if byHand > 0 {
		parts = append(parts, count(byHand, "manual step")+" done")
	}
	if changed+ran+byHand == 0 {
		parts = append(parts, "nothing had to be changed")
	}
	if held > 0 {
		parts = append(parts, count(held, "check")+" held")
	}
	s := strings.Join(parts, ", ") + "."
	return strings.ToUpper(s[:1]) + s[1:]
}

// standing says what of a failed operation is still in place, and what is not.
func standing(op *runbook.Operation) string {
	stands := listed(op, func(o runbook.Outcome) bool { return changing(o) && o.Status == runbook.OK })
	undone := listed(op, func(o runbook.Outcome) bool { return o.Status == runbook.RolledBack })
	s := ""
	if len(undone) > 0 {
		s += " Undone: " + strings.Join(undone, ", ") + "."
	}
	if len(stands) > 0 {
		s += " Still in place: " + strings.Join(stands, ", ") + "."
	}
	if s == "" {
		return " Nothing was changed."
	}
	return s
}

func undoneSentence(op *runbook.Operation) string {
	if kept := keptEffects(op); kept != "" {
		return " What could be undone was undone." + kept
	}
	return " What had been changed was undone."
}

// keptEffects names the steps that cannot be undone, so that "rolled back" does
// not say more than what is true.
func keptEffects(op *runbook.Operation) string {
	kept := listed(op, func(o runbook.Outcome) bool { return o.Undo != nil && o.Undo.Status == runbook.Skipped })
	if len(kept) == 0 {
		return ""
	}
	return " Not undone, because there is no rollback block: " + strings.Join(kept, ", ") + "."
}

func unfinished(op *runbook.Operation) string {
	left := listed(op, func(o runbook.Outcome) bool { return o.Status == runbook.Incomplete && !o.Unseen() })
	unseen := listed(op, func(o runbook.Outcome) bool { return o.Status == runbook.Incomplete && o.Unseen() })
	s := ""
	if len(left) > 0 {
		s += " Not back to what it was before: " + strings.Join(left, ", ") + "."
	}
	if len(unseen) > 0 {
		s += " Nobody saw whether it is back to what it was before: " + strings.Join(unseen, ", ") + "."
	}
	if s == "" {
		return " Not everything is as it was before."
	}
	return s
}

func changing(o runbook.Outcome) bool {
	return o.Kind == runbook.Run || o.Kind == runbook.Netconfig && !o.Change.Empty()
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
