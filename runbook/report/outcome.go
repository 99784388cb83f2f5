package report

import (
	"fmt"
	"sort"
	"strings"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

// Bounds of what stands in a document; the journal has all of it.
const (
	wholeLines = 60 // a diff or an output up to this is shown whole
	shownLines = 20 // else so much of its head, and of an output's tail
	shownRows  = 20 // of a table of mismatches
)

// details writes all that an outcome has beside its status, a blank line
// before each part.
func details(b *strings.Builder, o runbook.Outcome) {
	why(b, o)
	if o.Answer != nil {
		answer(b, o.Answer)
	}
	if !o.Change.Empty() {
		change(b, o.Change)
	}
	if o.Result != nil {
		result(b, o.Result, o.Error)
		if o.Result.Undone {
			b.WriteString("\n")
			if o.Result.Done > 0 {
				b.WriteString("What had been applied was undone at once. ")
			}
			b.WriteString("It was read back: it is as it was before.\n")
		}
	}
	rest(b, o)
}

// why writes the reason of a failure, and what to do about it.
func why(b *strings.Builder, o runbook.Outcome) {
	if o.Error != "" {
		paragraph(b, o.Error)
	}
	if o.Remedy != "" {
		paragraph(b, "Hint: "+o.Remedy)
	}
}

// rest is what does not belong to the change itself.
func rest(b *strings.Builder, o runbook.Outcome) {
	if o.Exit != nil && (o.Exit.Code != 0 || o.Exit.Signal != "") && !strings.Contains(o.Error, exit(o)) {
		fmt.Fprintf(b, "\n%s\n", exit(o))
	}
	if o.Output != nil {
		output(b, o.Output)
	}
	if len(o.Checks) > 0 {
		checks(b, o.Checks)
	}
	if len(o.Facts) > 0 {
		facts(b, o.Facts)
	}
	if o.Guard != nil && !settled(o) {
		guard(b, o.Guard)
	}
	if o.Undo != nil {
		undo(b, o.Undo)
	}
}

// settled reports whether the undoing has the last word on the guard: it did
// the work, or what was learnt of it before is overtaken.
func settled(o runbook.Outcome) bool {
	if o.Undo == nil {
		return false
	}
	g := o.Undo.Guard
	return g != nil && g.ID == o.Guard.ID || o.Guard.Phase == executors.Armed || o.Guard.Phase == executors.Reverting
}

func answer(b *strings.Builder, a *runbook.Answer) {
	said := "Done"
	if !a.Done {
		said = "Not done"
	}
	fmt.Fprintf(b, "\n%s: %s, %s", said, escape(a.By), stamp(a.At))
	if a.Note != "" {
		fmt.Fprintf(b, ": %s", escape(a.Note))
	}
	b.WriteString("\n")
}

// change writes a diff. A long one is cut, with what is left out counted.
func change(b *strings.Builder, c *netstate.Change) {
	lines := splitLines(netstate.Text(c))
	if len(lines) > wholeLines {
		more := len(lines) - shownLines
		lines = append(lines[:shownLines:shownLines], fmt.Sprintf("… %s more, in the journal", thousands(int64(more))))
	}
	fence(b, "diff", strings.Join(lines, "\n"))
}

// result writes what the kernel did not do as asked, as far as said does not
// say it. Nothing to say is nothing written: that a state was read back as
// asked is what "ok" means.
func result(b *strings.Builder, r *executors.Result, said string) {
	if r.Failed != nil && !strings.Contains(said, r.Failed.Error()) {
		paragraph(b, fmt.Sprintf("Edit %d was refused: %s", r.Failed.Index+1, r.Failed.Error()))
	}
	if len(r.Mismatches) > 0 {
		b.WriteString("\nAfter the change the kernel holds something else than was asked:\n")
		mismatches(b, "wanted", r.Mismatches)
	}
	if r.UndoError != "" && !strings.Contains(said, r.UndoError) {
		paragraph(b, "It could not be undone completely: "+r.UndoError)
	}
	if len(r.Remains) > 0 {
		b.WriteString("\nWhat still differs from before:\n")
		mismatches(b, "before", r.Remains)
	}
}

// mismatches is a table of what is found instead of what was wanted, or was
// there before.
func mismatches(b *strings.Builder, want string, ms []netstate.Mismatch) {
	fmt.Fprintf(b, "\n| object | | %s | found |\n|---|---|---|---|\n", want)
	for i, m := range ms {
		if i == shownRows {
			fmt.Fprintf(b, "| … %s more, in the journal | | | |\n", thousands(int64(len(ms)-i)))
			break
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cellCode(m.Object), cell(m.Key), cellCode(m.Want), cellCode(m.Got))
	}
}

func exit(o runbook.Outcome) string {
	if o.Exit.Signal != "" {
		return "ended by " + o.Exit.Signal
	}
	return fmt.Sprintf("exit code %d", o.Exit.Code)
}

// output writes what a command printed, its middle left out when it is long.
func output(b *strings.Builder, o *runbook.Output) {
	if o.Bytes == 0 {
		return
	}
	head, tail := splitLines(o.Head), splitLines(o.Tail)
	if o.OmittedBytes == 0 {
		head, tail = append(head, tail...), nil
		if len(head) > wholeLines {
			head, tail = head[:shownLines], head[len(head)-shownLines:]
		}
	} else {
		head, tail = head[:min(len(head), shownLines)], tail[max(0, len(tail)-shownLines):]
	}
	if len(tail) == 0 {
		fence(b, "text", strings.Join(head, "\n"))
		return
	}
	fence(b, "text", strings.Join(head, "\n"))
	more := o.Lines - int64(len(head)+len(tail))
	fmt.Fprintf(b, "\n… %s and, at the end:\n", countOf(max(more, 0), "more line"))
	fence(b, "text", strings.Join(tail, "\n"))
	fmt.Fprintf(b, "\n%s in all", countOf(o.Bytes, "byte"))
	if o.File != "" {
		fmt.Fprintf(b, ", in the journal as %s", code(o.File))
	}
	b.WriteString(".\n")
}

// checks writes the assertions with their verdicts and the values that explain
// them: why one does not hold, or by how much a limit was kept.
func checks(b *strings.Builder, as []runbook.Assertion) {
	b.WriteString("\n| assertion | verdict | |\n|---|---|---|\n")
	for _, a := range as {
		fmt.Fprintf(b, "| %s | %s | %s |\n", cellCode(a.Text), verdict(a), explain(a))
	}
}

func verdict(a runbook.Assertion) string {
	s := "held"
	if !a.OK {
		s = "**failed**"
	}
	if a.Tries > 1 {
		s += fmt.Sprintf(" (%s tries, %s)", thousands(int64(a.Tries)), Duration(a.Took))
	}
	return s
}

func explain(a runbook.Assertion) string {
	var parts []string
	if a.Error != "" {
		parts = append(parts, cell(a.Error))
	}
	for _, o := range a.Operands {
		parts = append(parts, cellCode(o.Text)+" = "+cellCode(o.Value))
	}
	return strings.Join(parts, "<br>")
}

func facts(b *strings.Builder, counts map[string]int) {
	kinds := make([]string, 0, len(counts))
	for k := range counts {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	parts := make([]string, len(kinds))
	for i, k := range kinds {
		parts[i] = fmt.Sprintf("%s %s", thousands(int64(counts[k])), escape(k))
	}
	fmt.Fprintf(b, "\nRecorded: %s.\n", strings.Join(parts, ", "))
}

// guard writes a guard's last word, unless the step's status says it already.
func guard(b *strings.Builder, g *executors.GuardState) {
	switch g.Phase {
	case executors.Reverted:
		fmt.Fprintf(b, "\nThe guard reverted the change%s.\n", at(g))
	case executors.Incomplete:
		fmt.Fprintf(b, "\nThe guard reverted the change%s, and not everything is as before.\n", at(g))
	case executors.Lost:
		fmt.Fprintf(b, "\nThe guard's process died before it could act.%s\n", footing(g, "was"))
	case executors.Armed, executors.Reverting:
		deadline := ""
		if !g.Deadline.IsZero() {
			deadline = " at " + stamp(g.Deadline)
		}
		fmt.Fprintf(b, "\nA guard is %s: it reverts the change%s unless it is confirmed.%s\n", g.Phase, deadline, footing(g, "is"))
	case executors.Confirmed:
		return
	}
	if g.Result != nil && len(g.Result.Remains) > 0 {
		mismatches(b, "before", g.Result.Remains)
	}
	if g.Output != "" {
		fence(b, "text", g.Output)
	}
}

// footing says what keeps a guard's process, as far as its target told.
func footing(g *executors.GuardState, is string) string {
	if words := FootingWords(g.Footing); words != "" {
		return " It " + is + " " + words + "."
	}
	return ""
}

// FootingWords are what keeps a guard's process from ending with the login that it was
// armed from, or that nothing does; "" is not known.
func FootingWords(f executors.Footing) string {
	words, ends := "", ""
	switch f.Kept {
	case executors.SystemScope:
		return "in a scope of systemd"
	case executors.UserScope:
		words, ends = "in a scope of the user's systemd", ", which ends with the user's last login there (it does not linger)"
	case executors.OwnSession:
		words, ends = "in a session of its own (setsid)", ", and logind ends it with the login that it was armed from (KillUserProcesses)"
	}
	if f.EndsWithLogin && words != "" {
		words += ends
	}
	return words
}

func at(g *executors.GuardState) string {
	if g.Ended.IsZero() {
		return ""
	}
	return " at " + clock(g.Ended)
}

// undo writes how a step was undone, and whether that was proven: network state
// is read back; what a command did is undone by what its rollback block does.
func undo(b *strings.Builder, u *runbook.Outcome) {
	how := ""
	switch u.Status {
	case runbook.Skipped:
		fmt.Fprintf(b, "\nNot undone: %s\n", escape(u.Error))
		return
	case runbook.RolledBack, runbook.OK, runbook.Unchanged:
		b.WriteString("\nUndone")
		switch {
		case u.Result != nil && u.Result.Undone:
			how = " · read back: it is as it was before"
		case u.Error == "" && (u.Kind == runbook.Run || u.Kind == runbook.Manual):
			how = " · by what its rollback block does"
		}
	default:
		b.WriteString("\n**Not undone completely**")
	}
	if !u.Start.IsZero() {
		fmt.Fprintf(b, " · %s", clock(u.Start))
		if !u.End.IsZero() {
			fmt.Fprintf(b, ", %s", Duration(u.End.Sub(u.Start)))
		}
	}
	b.WriteString(how + "\n")
	why(b, *u)
	if u.Result != nil {
		result(b, u.Result, u.Error)
	}
	rest(b, *u)
}
