package apply

import (
	"context"
	"errors"
	"slices"

	"stet/runbook"
	"stet/runbook/journal"
)

// fail undoes what the policy says after a group has failed, and reports
// whether the operation goes on with the next group.
func (x *operation) fail(ctx context.Context, g *runbook.Group, cause error) bool {
	if interrupted(ctx, cause) || ctx.Err() != nil {
		x.aborted = true
	}
	x.stale = errors.Is(cause, errStale) || errors.Is(cause, errClosed)
	policy, back := g.Policy, true
	if x.between(g, cause) {
		policy = x.kept(ctx, g)
	} else if policy == runbook.Ask {
		policy = runbook.Rollback
		if x.o.Ask != nil && ctx.Err() == nil {
			// What failed does not stand while somebody thinks.
			back = x.failed(ctx, g, runbook.Ask, cause)
			policy = x.asked(ctx, g)
		}
	}
	back = x.failed(ctx, g, policy, cause) && back
	if g.Change >= 0 {
		x.writer.put(&g.Steps[g.Change]) // it says now what was never reached
	}
	return policy == runbook.Continue && back && !x.aborted && x.journalWorks()
}

// failed journals the decision and undoes what it says.
func (x *operation) failed(ctx context.Context, g *runbook.Group, policy runbook.Policy, cause error) bool {
	d := &failingData{Group: g.Name, Policy: policy, Error: x.red.String(runbook.Told(ctx, cause)), Aborted: x.aborted}
	d.Remedy = x.red.String(remedy(cause, d.Error))
	if d.Aborted {
		d.By = runbook.InterruptedBy(ctx)
	}
	x.mu.Lock()
	standing := x.h.standing()
	again := x.h.failing != nil && x.h.failing.Policy == runbook.Ask && x.h.failing.Group == g.Name
	x.mu.Unlock()
	for _, name := range standing {
		if policy == runbook.Rollback || name == g.Name && !x.between(g, cause) {
			d.Undo = append(d.Undo, name)
		}
	}
	x.note(journal.Failing, d)
	if ctx.Err() != nil && len(d.Undo) > 0 {
		x.emit(runbook.Event{Kind: runbook.EventNote, Group: g.Name, Text: interruptedError(d.By, ": undoing what has to be undone").Error()})
	}
	if again && len(d.Undo) == 0 {
		return true // all of it was undone before the question
	}
	return x.undo(ctx, d.Undo)
}

// asked is the policy that the operator chooses, now that the group that failed
// is undone. Without an answer everything is.
func (x *operation) asked(ctx context.Context, g *runbook.Group) runbook.Policy {
	choices := []string{string(runbook.Rollback), string(runbook.Stop), string(runbook.Continue)}
	a, err := x.o.Ask(ctx, Question{
		Kind: AskPolicy, Step: g.Name, Choices: choices,
		Text: "It failed, and was undone as far as it goes. Undo the earlier groups too (rollback), keep them and stop, or keep them and continue?",
	})
	if ctx.Err() != nil {
		x.aborted = true
	}
	if err != nil || !slices.Contains(choices, a.Choice) {
		return runbook.Rollback
	}
	return runbook.Policy(a.Choice)
}

// between reports whether a group ended between two of its waves, because the
// window closed.
func (x *operation) between(g *runbook.Group, cause error) bool {
	if !errors.Is(cause, errClosed) {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.h.waves[g.Name] > 0 && !x.h.done[g.Name]
}

// kept is the policy of a group whose window closed between two of its waves.
// Nothing failed on those that were confirmed, and to undo them would change
// machines once more, after the window. Only the operator can want that.
func (x *operation) kept(ctx context.Context, g *runbook.Group) runbook.Policy {
	policy := g.Policy
	if policy == runbook.Ask && x.o.Ask != nil && ctx.Err() == nil {
		a, err := x.o.Ask(ctx, Question{
			Kind: AskPolicy, Step: g.Name, Choices: []string{string(runbook.Stop), string(runbook.Rollback)},
			Text: "The window closed between two of its waves. Keep what was confirmed (stop), or undo everything (rollback)?",
		})
		if err == nil && a.Choice == string(runbook.Rollback) {
			return runbook.Rollback
		}
	}
	x.tell("What was confirmed of %s stays; stet rollback undoes it.", g.Name)
	if policy == runbook.Continue {
		return policy
	}
	return runbook.Stop
}

func (x *operation) journalWorks() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.broken == nil
}
