package view

import (
	"fmt"
	"strings"
	"time"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/report"
)

const (
	detail = "    "
	dot    = " · "
)

// started says that a step begins; on a terminal the status line says it.
func (p *Page) started(e runbook.Event) string {
	return label("start", faint) + faint(place(e.Step, e.Target)) + "\n"
}

// eventLines is what an event looks like as lines; "" for those that say
// nothing to a person, or whose step runs on too many targets to tell of each.
func (p *Page) eventLines(e runbook.Event) string {
	text, handled := p.fleet.take(e)
	if handled {
		return text
	}
	return text + p.lines(e)
}

func (p *Page) lines(e runbook.Event) string {
	switch e.Kind {
	case runbook.EventStart:
		return startLines(e)
	case runbook.EventOutput:
		return indent(faint("  | "), e.Text)
	case runbook.EventGuard:
		return guardLine(e)
	case runbook.EventWait:
		return waitLine(e)
	case runbook.EventOutcome:
		return outcomeLines(e.Outcome)
	case runbook.EventConfirm:
		return label("stet", green) + first(e.Step, e.Group) + onTarget(e.Target) + " confirmed" + suffix(e.Text) + "\n"
	case runbook.EventUndo:
		return label("undoing", yellow) + place(first(e.Step, e.Group), e.Target) + suffix(e.Text) + "\n"
	case runbook.EventUndone:
		return undoneLines(e)
	case runbook.EventNote:
		return label("note", cyan) + e.Text + "\n"
	case runbook.EventDocument:
		p.wrote(e.Text)
	case runbook.EventEnd:
		if e.Operation != nil && e.Operation.Unwritten != "" {
			return ""
		}
		return p.wroteLine()
	case runbook.EventDiagnosis:
		if e.Diagnostic != nil {
			return NewSource(nil).Diagnostic(*e.Diagnostic)
		}
	}
	return ""
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func suffix(text string) string {
	if text == "" {
		return ""
	}
	return dot + text
}

func onTarget(target string) string {
	if target == "" {
		return ""
	}
	return " on " + target
}

func startLines(e runbook.Event) string {
	parts := []string{"run " + e.Run}
	if op := e.Operation; op != nil {
		for _, s := range []string{op.Title, op.Ticket, op.Operator + " at " + op.Host, op.Tool} {
			if s != "" {
				parts = append(parts, s)
			}
		}
	}
	if e.Text != "" {
		parts = append(parts, e.Text)
	}
	return label("run", bold) + strings.TrimPrefix(strings.Join(parts, dot), "run ") + "\n"
}

func guardLine(e runbook.Event) string {
	text := place(first(e.Step, e.Group), e.Target)
	if e.Deadline.IsZero() {
		return label("guard", cyan) + text + suffix(e.Text) + "\n"
	}
	text += " goes back at " + clock(e.Deadline)
	if !e.Time.IsZero() {
		text += " (in " + report.Duration(e.Deadline.Sub(e.Time).Round(time.Second)) + ")"
	}
	text += " unless confirmed"
	if e.Footing != nil {
		text += beware(*e.Footing)
	}
	if e.Target == "" { // all of its guards wait for the operator
		text += suffix(e.Text)
	}
	return label("guard", cyan) + text + "\n"
}

// waitLine says that a target is silent, and how long it is waited for at most.
func waitLine(e runbook.Event) string {
	text := label("waiting", yellow) + place(first(e.Step, e.Group), e.Target) + ", until " + clock(e.Deadline)
	if !e.Time.IsZero() {
		text += " (" + report.Duration(e.Deadline.Sub(e.Time).Round(time.Second)) + ")"
	}
	return text + " at the latest" + suffix(e.Text) + "\n"
}

// outcomeLines is how a step ended: one line, and below it whatever explains a
// failure.
func outcomeLines(o *runbook.Outcome) string {
	if o == nil {
		return ""
	}
	parts := []string{place(o.Step, o.Target)}
	if s := outcomeSummary(o); s != "" {
		parts = append(parts, s)
	}
	if o.Kind != runbook.Manual && !o.Start.IsZero() && !o.End.IsZero() {
		parts = append(parts, faint(report.Duration(o.End.Sub(o.Start))))
	}
	return label(string(o.Status), statusPaint(o.Status)) + strings.Join(parts, dot) + "\n" + explain(o)
}

// outcomeSummary says in a few words what a step did.
func outcomeSummary(o *runbook.Outcome) string {
	switch {
	case o.Status == runbook.Skipped:
		return ""
	case len(o.Checks) > 0:
		return checkSummary(o.Checks)
	case o.Change != nil && o.Status == runbook.OK:
		return count(sent(o.Change), "edit")
	case o.Exit != nil && o.Exit.Signal != "":
		return "ended by " + o.Exit.Signal
	case o.Exit != nil:
		return fmt.Sprintf("exit %d", o.Exit.Code)
	case o.Answer != nil:
		return answerSummary(o.Answer)
	case len(o.Facts) > 0:
		return factSummary(o.Facts)
	}
	return ""
}

func checkSummary(checks []runbook.Assertion) string {
	held := 0
	for _, c := range checks {
		if c.OK {
			held++
		}
	}
	return fmt.Sprintf("%d of %d hold", held, len(checks))
}

func answerSummary(a *runbook.Answer) string {
	word := "not done"
	if a.Done {
		word = "done"
	}
	text := word + " by " + a.By + ", " + clock(a.At)
	if a.Note != "" {
		text += ": " + a.Note
	}
	return text
}

func explain(o *runbook.Outcome) string {
	var b strings.Builder
	if o.Error != "" && o.Status != runbook.OK {
		b.WriteString(indent(detail, o.Error))
		if o.Remedy != "" {
			b.WriteString(indent(detail, "hint: "+o.Remedy))
		}
	}
	b.WriteString(failedChecks(o.Checks))
	b.WriteString(resultLines(o.Result))
	if o.Guard != nil {
		b.WriteString(guardWord(o.Guard))
	}
	return b.String()
}

// failedChecks shows each assertion that does not hold with the values of its
// operands.
func failedChecks(checks []runbook.Assertion) string {
	var b strings.Builder
	for _, c := range checks {
		if c.OK {
			continue
		}
		fmt.Fprintf(&b, "%s%s %s\n", detail, red(fmt.Sprintf("line %d:", c.Line)), c.Text)
		if c.Error != "" {
			b.WriteString(indent(detail+detail, c.Error))
		}
		for _, op := range c.Operands {
			fmt.Fprintf(&b, "%s%s%s is %s\n", detail, detail, op.Text, bold(op.Value))
		}
	}
	return b.String()
}

// resultLines shows what the kernel refused, and what differs from what was
// asked.
func resultLines(r *executors.Result) string {
	if r == nil {
		return ""
	}
	var b strings.Builder
	if r.Failed != nil {
		fmt.Fprintf(&b, "%sthe kernel refused: %s\n", detail, r.Failed)
	}
	for _, m := range r.Mismatches {
		fmt.Fprintf(&b, "%s%s: wanted %s, found %s\n", detail, object(m.Object, m.Key), m.Want, m.Got)
	}
	if r.Undone && !r.OK() {
		b.WriteString(detail + "what had been applied was undone at once, and read back: it is as before\n")
	}
	if r.UndoError != "" {
		b.WriteString(indent(detail, red("undoing: "+r.UndoError)))
	}
	for _, m := range r.Remains {
		fmt.Fprintf(&b, "%s%s: was %s, is %s\n", detail, red("still differs: "+object(m.Object, m.Key)), m.Want, m.Got)
	}
	return b.String()
}

func object(name, key string) string {
	if key == "" {
		return name
	}
	return name + " " + key
}

// beware says that a guard ends with the login that it was armed from.
func beware(f executors.Footing) string {
	if !f.EndsWithLogin {
		return ""
	}
	return "; " + red("beware") + ": it is " + report.FootingWords(f)
}

func guardWord(g *executors.GuardState) string {
	switch g.Phase {
	case executors.Reverted:
		return detail + "the guard went back at " + clock(g.Ended) + "\n"
	case executors.Incomplete:
		return detail + red("the guard could not go all the way back") + "\n" + resultLines(g.Result)
	case executors.Lost:
		why := ""
		if g.EndsWithLogin {
			why = ": it was " + report.FootingWords(g.Footing)
		}
		return detail + red("the guard's process died before it could act"+why) + "\n"
	}
	return ""
}

func undoneLines(e runbook.Event) string {
	if e.Outcome == nil {
		return label("undone", yellow) + place(first(e.Step, e.Group), e.Target) + suffix(e.Text) + "\n"
	}
	o := e.Outcome
	if o.Undo != nil {
		o = o.Undo
	}
	word, paint := "undone", green
	if o.Status != runbook.OK && o.Status != runbook.Unchanged && o.Status != runbook.RolledBack {
		word, paint = string(o.Status), statusPaint(o.Status)
	}
	if o.Status == runbook.Skipped {
		word = "kept"
	}
	line := label(word, paint) + place(first(e.Step, e.Outcome.Step, e.Group), first(e.Target, e.Outcome.Target))
	if o.Result != nil && o.Result.Undone && e.Text == "" {
		line += suffix("read back: as before")
	}
	switch {
	case o.Status == runbook.Skipped:
		return line + suffix(first(e.Text, o.Error)) + "\n"
	case e.Text == o.Error:
		return line + "\n" + explain(o)
	}
	return line + suffix(e.Text) + "\n" + explain(o)
}
