package apply

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
	"stet/runbook"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

var (
	// errUntouched marks a failure that came before the step acted.
	errUntouched = errors.New("nothing was touched")
	// errStale marks a change that is no longer the one that was planned.
	errStale = fmt.Errorf("the plan no longer fits: %w", errUntouched)
)

// netconfig looks again, compares with the plan, and makes the change.
func (x *operation) netconfig(ctx context.Context, g *runbook.Group, s *runbook.Step, t *runbook.StepPlan) (runbook.Outcome, error) {
	var o runbook.Outcome
	whole := ctx
	ctx, cancel := bounded(ctx, &s.Block)
	defer cancel()
	sess, err := x.session(t.Target)
	if err != nil {
		return o, err
	}
	change, files, err := x.wanted(ctx, sess, s.Block.Body, t.Target)
	if err != nil {
		return o, late(ctx, err)
	}
	if t.Deferred == "" && !plan.SameFiles(files, t.Files) {
		return o, fmt.Errorf("%w: a file that %s names was changed since it was planned. Plan it again", errStale, s.Name)
	}
	if err := x.asPlanned(s, t, change); err != nil {
		return o, err
	}
	if change.Empty() {
		o.Status = runbook.Unchanged
		return o, nil
	}
	o.Change = change
	in := &intentData{Group: g.Name, Step: s.Name, Target: t.Target, Kind: s.Kind, Change: change}
	if t.Deferred != "" {
		x.loosen()
	}
	if in.AsPlanned = reflect.DeepEqual(change, t.Change); in.AsPlanned {
		in.Change = nil
	}
	if err := x.lockout(ctx, sess, s, change); err != nil {
		return o, err
	}
	if err := x.announce(ctx, sess, g, s, in, change); err != nil {
		return o, err
	}
	res, err := sess.Apply(ctx, change)
	res, err = x.settle(whole, sess, place{s.Name, t.Target}, change, res, late(ctx, err))
	o.Result = res
	switch {
	case code(err) == "changed":
		err = fmt.Errorf("%w: %w", errStale, err)
	case err == nil && !res.OK():
		err = resultError(res)
	}
	return o, err
}

// wanted is the change that a netconfig body asks for on a target as it is now,
// and the files that it was read from.
func (x *operation) wanted(ctx context.Context, sess executors.Session, raw, target string) (*netstate.Change, []netstate.File, error) {
	body, err := x.expand(raw, target)
	if err != nil {
		return nil, nil, err
	}
	c, problems := netyaml.DecodeFiles(body, plan.Files(x.d))
	if len(problems) > 0 {
		return nil, nil, problemsError(problems)
	}
	now, err := sess.Observe(ctx, c.Query())
	if err != nil {
		return nil, nil, fmt.Errorf("observing %s: %w", target, err)
	}
	next, _, problems := netstate.Simulate(now, c)
	if len(problems) > 0 {
		return nil, nil, problemsError(problems)
	}
	return netstate.Diff(now, next), c.Files, nil
}

func problemsError(ps []netstate.Problem) error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = fmt.Errorf("line %d: %s", p.Pos.Line, p.Summary)
	}
	return errors.Join(errs...)
}

// asPlanned refuses a change that does something else than was planned and
// approved. After a step whose effects no plan can foresee, it may also do less.
func (x *operation) asPlanned(s *runbook.Step, t *runbook.StepPlan, change *netstate.Change) error {
	if t.Deferred != "" || plan.Fits(change, t.Change) {
		return nil
	}
	if x.loosened() && plan.Within(change, t.Change) {
		x.tell("A part of what %s was to change on %s held already, after the steps before it.", s.Name, t.Target)
		return nil
	}
	return fmt.Errorf("%w: %s was changed by somebody else since it was planned; the plan was\n%s\nand it would be\n%s\nPlan it again",
		errStale, t.Target, excerpt(t.Change), excerpt(change))
}

// excerpt is the beginning of a diff, for an error.
func excerpt(c *netstate.Change) string {
	if c.Empty() {
		return "  (no change)"
	}
	const most = 12
	lines := strings.Split(strings.TrimRight(netstate.Text(c), "\n"), "\n")
	if len(lines) > most {
		lines = append(lines[:most:most], fmt.Sprintf("… %d more", len(lines)-most))
	}
	return "  " + strings.Join(lines, "\n  ")
}

// resultError puts a result that is not well into words.
func resultError(r *executors.Result) error {
	switch {
	case r == nil:
		return errors.New("the target gave no result")
	case r.Failed != nil:
		return r.Failed
	case r.UndoError != "":
		return fmt.Errorf("undoing: %s", r.UndoError)
	case len(r.Mismatches) > 0:
		return mismatchError("the kernel holds something else than was asked", r.Mismatches)
	case len(r.Remains) > 0:
		return mismatchError("it is not as it was before", r.Remains)
	}
	return nil
}

func mismatchError(what string, ms []netstate.Mismatch) error {
	m := ms[0]
	text := strings.TrimSpace(m.Object + " " + m.Key)
	more := ""
	if len(ms) > 1 {
		more = fmt.Sprintf(", and %d more", len(ms)-1)
	}
	return fmt.Errorf("%s: %s is %q instead of %q%s", what, text, m.Got, m.Want, more)
}

// announce journals the intent of a changing step and arms its guard. After an
// error the step has not acted, and must not.
func (x *operation) announce(ctx context.Context, sess executors.Session, g *runbook.Group, s *runbook.Step, in *intentData, change *netstate.Change) error {
	ways, err := x.waysBack(g, s, in.Target)
	if err != nil {
		return fmt.Errorf("%w: %w", errUntouched, err)
	}
	for _, w := range ways {
		in.Rollback = append(in.Rollback, w.rollbackData)
	}
	guard := x.guard(s, in, change, ways)
	if guard != nil {
		in.Guard, in.Timeout = guard.ID, guard.Timeout
	}
	if err := x.record(journal.Intent, in); err != nil {
		return fmt.Errorf("%w: %w", errUntouched, err)
	}
	if guard == nil {
		return nil
	}
	for _, w := range ways {
		if w.late && w.Target == in.Target {
			return fmt.Errorf("%w: the guard cannot run %s, which needs what this step prints", errUntouched, w.Step)
		}
	}
	return x.arm(ctx, sess, g, s, in.Target, guard)
}
