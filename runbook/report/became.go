package report

import (
	"strings"

	"stet/runbook"
)

// What the steps came to, in sentences. Each one says of what was done and
// undone no more than is known.

func doneSentence(op *runbook.Operation) string {
	if len(op.Outcomes) == 0 {
		return "Nothing was run."
	}
	changed, ran, byHand, held, skipped := 0, 0, 0, 0, 0
	for _, o := range op.Outcomes {
		switch {
		case o.Status == runbook.Skipped && (o.Kind.Changing() || o.Kind == runbook.Manual):
			skipped++
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
	switch {
	case changed+ran+byHand > 0:
	case skipped > 0: // who knows whether it had to be
		parts = append(parts, "nothing was changed")
	default:
		parts = append(parts, "nothing had to be changed")
	}
	if held > 0 {
		parts = append(parts, count(held, "check")+" held")
	}
	s := strings.Join(parts, ", ") + "."
	return strings.ToUpper(s[:1]) + s[1:]
}

// rolledBack is said of an operation of which nothing that can be undone is left.
func rolledBack(op *runbook.Operation) string {
	_, failed := Cause(op)
	failed = failed || op.Error != ""
	left := keptEffects(op)
	became := " What had been changed was undone."
	switch {
	case left != "":
		became = " What could be undone was undone." + left
	case len(listed(op, byRollback)) > 0:
		became = " What had been changed was undone; what was not network state, by its rollback blocks."
	}
	became += byHand(op)
	switch back := len(listed(op, undone)) > 0; {
	case failed && back:
		return because("Failed and rolled back", op) + became
	case failed:
		return because("Failed", op) + left + byHand(op)
	case back:
		return "**Rolled back.**" + became
	case left != "":
		return "**Nothing could be rolled back.**" + left + byHand(op)
	}
	return "**Rolled back.** Nothing had been changed." + byHand(op)
}

// standing says what of a failed operation is still in place, and what is not.
func standing(op *runbook.Operation) string {
	s := ""
	if back := listed(op, undone); len(back) > 0 {
		s += " Undone: " + strings.Join(back, ", ") + "."
	}
	s += stands(op) + keptEffects(op)
	if left := listed(op, unknown); len(left) > 0 {
		s += " Begun, and not undone: " + strings.Join(left, ", ") + "."
	}
	if s == "" {
		s = " Nothing was changed."
	}
	return s + byHand(op)
}

// stands names what is still in place.
func stands(op *runbook.Operation) string {
	if left := listed(op, inPlace); len(left) > 0 {
		return " Still in place: " + strings.Join(left, ", ") + "."
	}
	return ""
}

// keptEffects names the steps that cannot be undone, so that "rolled back" does
// not say more than what is true.
func keptEffects(op *runbook.Operation) string {
	if left := listed(op, kept); len(left) > 0 {
		return " Not undone, because there is no rollback block: " + strings.Join(left, ", ") + "."
	}
	return ""
}

// byHand names what a person did, and nobody took back: stet cannot.
func byHand(op *runbook.Operation) string {
	did := listed(op, func(o runbook.Outcome) bool {
		return o.Kind == runbook.Manual && o.Answer != nil && o.Answer.Done && o.Undo == nil
	})
	if len(did) == 0 {
		return ""
	}
	return " Done by hand, and not undone: " + strings.Join(did, ", ") + "."
}

// unfinished says what undoing came to where it did not lead all the way back:
// network state was read back, or could not be; of what commands and people did
// nobody knows more than that its way back failed.
func unfinished(op *runbook.Operation) string {
	incomplete := func(which func(runbook.Outcome) bool) string {
		return strings.Join(listed(op, func(o runbook.Outcome) bool { return o.Status == runbook.Incomplete && which(o) }), ", ")
	}
	s := ""
	if left := incomplete(func(o runbook.Outcome) bool { return o.Differs() }); left != "" {
		s += " Not back to what it was before: " + left + "."
	}
	if left := incomplete(func(o runbook.Outcome) bool { return !o.Unseen() && !o.Differs() }); left != "" {
		s += " The way back failed: " + left + "."
	}
	if left := incomplete(func(o runbook.Outcome) bool { return o.Unseen() }); left != "" {
		s += " Nobody saw whether it is back to what it was before: " + left + "."
	}
	if s == "" { // see apply: the pre-checks are asked again
		return " What could be undone was undone, but a pre-check that had held before fails now."
	}
	return s
}

// begun names what an operation that did not end had begun.
func begun(op *runbook.Operation) string {
	left := listed(op, func(o runbook.Outcome) bool { return inPlace(o) || unknown(o) || o.Status == runbook.Incomplete })
	back := listed(op, undone)
	s := ""
	switch {
	case len(left) > 0:
		s = " It had begun: " + strings.Join(left, ", ") + ". Take it up with stet resume, or undo it with stet rollback."
	case len(back) > 0:
		s = " Undone before that: " + strings.Join(back, ", ") + "."
	case keptEffects(op) == "":
		s = " Nothing had been changed."
	}
	return s + keptEffects(op) + byHand(op)
}

// acted reports whether a step may have changed something, whatever became of it.
func acted(o runbook.Outcome) bool {
	if o.Untouched || o.Status == runbook.Skipped || o.Status == runbook.Unchanged {
		return false
	}
	return o.Kind == runbook.Run || o.Kind == runbook.Netconfig && !o.Change.Empty()
}

// inPlace reports whether a step was done and stands.
func inPlace(o runbook.Outcome) bool {
	return acted(o) && o.Status == runbook.OK && o.Undo == nil
}

// kept reports whether a step was to be undone and has no way back.
func kept(o runbook.Outcome) bool { return o.Undo != nil && o.Undo.Status == runbook.Skipped }

// undone reports whether a step was undone, afterwards or by its own transaction.
func undone(o runbook.Outcome) bool {
	return o.Status == runbook.RolledBack || acted(o) && o.Undo == nil && o.Status != runbook.OK && readBack(&o)
}

// byRollback reports whether a step was undone by what its rollback blocks do, which
// nobody read back.
func byRollback(o runbook.Outcome) bool {
	return o.Status == runbook.RolledBack && o.Kind != runbook.Netconfig && o.Undo != nil && o.Undo.Error == ""
}

// readBack reports whether a target was found as it had been before.
func readBack(o *runbook.Outcome) bool {
	return o.Result != nil && o.Result.Undone && len(o.Result.Remains) == 0
}

// unknown reports whether a step was begun and neither went well nor was undone.
func unknown(o runbook.Outcome) bool {
	return acted(o) && o.Status != runbook.OK && o.Undo == nil && !undone(o) && o.Status != runbook.Incomplete
}
