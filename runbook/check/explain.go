package check

import (
	"fmt"
	"sort"

	"stet/runbook"
)

// explain lists the values of what was evaluated, in reading order: all that
// tell something, or, of an assertion that holds, those that were measured
// against a limit.
func (e *evaluator) explain(held, failed bool) []runbook.Operand {
	type shown struct {
		start, width int
		runbook.Operand
	}
	var list []shown
	for id, o := range e.plan.operands {
		v, ok := e.trace.values[id]
		if !ok || o.inside >= 0 || !telling(o, v, failed) || held && !o.measured {
			continue
		}
		if t := e.trace.verdicts[o.predicate]; o.role == collection && t != nil && len(t.offenders) > 0 {
			continue
		}
		list = append(list, shown{o.start, o.width(), runbook.Operand{Text: e.print.cut(o.text, maxString), Value: e.print.render(v)}})
	}
	for id, p := range e.plan.predicates {
		t := e.trace.verdicts[id]
		if t == nil || held || p.inside >= 0 || len(t.offenders) == 0 {
			continue
		}
		list = append(list, shown{p.start, 0, runbook.Operand{Text: e.print.cut(p.text, maxString), Value: t.text(p.builtin)}})
	}
	sort.SliceStable(list, func(i, j int) bool {
		if list[i].start != list[j].start {
			return list[i].start < list[j].start
		}
		return list[i].width < list[j].width
	})
	var operands []runbook.Operand
	seen := map[runbook.Operand]bool{}
	for _, s := range list {
		if !seen[s.Operand] && len(operands) < maxOperands {
			seen[s.Operand] = true
			operands = append(operands, s.Operand)
		}
	}
	return operands
}

// text says for which elements a predicate went the wrong way.
func (t *tally) text(builtin string) string {
	word, number := "true", t.yes
	if builtin == "all" {
		word, number = "false", t.no
	}
	text := fmt.Sprintf("%s for %d of %d: ", word, number, t.yes+t.no)
	for i, o := range t.offenders {
		if i > 0 {
			text += "; "
		}
		text += o
	}
	if number > len(t.offenders) {
		text += "; …"
	}
	return short(text, 2*maxValue)
}
