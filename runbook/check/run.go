package check

import (
	"context"
	"fmt"
	"sort"
	"time"

	"stet/executors"
	"stet/runbook"
)

// Run evaluates all assertions against a target, in rounds: each round sees
// one set of facts and asks each question once. It ends when all hold in one
// round (and did so for o.Hold), or when o.Within has passed. Lines are those
// of the body. An assertion that could not be evaluated is a failed one with
// its Error; the error that Run returns is that of ctx.
func (p *Program) Run(ctx context.Context, s executors.Session, env Env, o Options) ([]runbook.Assertion, error) {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	t := &tries{program: p, session: s, options: o, values: p.space.values(env), results: p.blank()}
	t.start = time.Now()
	for {
		held := t.round(ctx)
		if err := ctx.Err(); err != nil {
			return t.results, context.Cause(ctx)
		}
		next, done := t.next(held)
		if done {
			return t.results, nil
		}
		if !held {
			t.tell()
		}
		if !sleep(ctx, next) {
			return t.results, context.Cause(ctx)
		}
	}
}

// blank are the assertions before any was evaluated.
func (p *Program) blank() []runbook.Assertion {
	list := make([]runbook.Assertion, len(p.assertions))
	for i, a := range p.assertions {
		list[i] = runbook.Assertion{Text: a.line.flat(), Line: a.line.row, Pos: runbook.Position{Line: a.line.row, Column: a.line.column}, Error: "not evaluated"}
	}
	return list
}

// tries is the state of one Run.
type tries struct {
	program *Program
	session executors.Session
	options Options
	values  map[string]any
	results []runbook.Assertion
	start   time.Time
	holding time.Time // since when all hold; zero when they do not
}

// next says how long to wait for the next round, or that there is none.
func (t *tries) next(held bool) (time.Duration, bool) {
	now := time.Now()
	if held {
		if t.holding.IsZero() {
			t.holding = now
		}
		left := t.options.Hold - now.Sub(t.holding)
		return min(t.options.Every, left), left <= 0
	}
	if !t.holding.IsZero() {
		t.lost(now.Sub(t.holding))
	}
	t.holding = time.Time{}
	left := t.options.Within - now.Sub(t.start)
	return min(t.options.Every, left), left <= 0
}

// lost says of the failed assertions that they had held.
func (t *tries) lost(after time.Duration) {
	for i := range t.results {
		if a := &t.results[i]; !a.OK && a.Error == "" {
			a.Error = fmt.Sprintf("it held for %s of %s, then no longer", after.Round(time.Millisecond), t.options.Hold)
		}
	}
}

func (t *tries) tell() {
	if t.options.Retry == nil {
		return
	}
	for _, a := range t.results {
		if !a.OK {
			t.options.Retry(a)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// round evaluates every assertion once and reports whether all hold.
func (t *tries) round(ctx context.Context) bool {
	e := &evaluator{round: newRound(t.session, t.program.query), print: printer(t.options.Redact)}
	env := make(map[string]any, len(t.values)+32)
	for k, v := range t.values {
		env[k] = v
	}
	e.bind(env, false)
	held := true
	for i, a := range t.program.assertions {
		if ctx.Err() != nil {
			return false
		}
		r := &t.results[i]
		began := time.Now()
		t.evaluate(ctx, e, env, a, r)
		r.Tries++
		r.Took += time.Since(began)
		held = held && r.OK
	}
	return held
}

// evaluate evaluates one assertion, within its time.
func (t *tries) evaluate(ctx context.Context, e *evaluator, env map[string]any, a assertion, r *runbook.Assertion) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.options.Timeout, timeout{t.options.Timeout})
	defer cancel()
	e.ctx, e.trace, e.plan, e.spent = ctx, newTrace(), a.expr.plan, 0
	r.OK, r.Error, r.Operands = false, "", nil
	if name := missingValue(t.values, a.expr.needs); name != "" {
		r.Error = name + " has no value: its step has not run"
		return
	}
	v, err := runProgram(a.expr, env)
	switch result := v.(type) {
	case bool:
		r.OK = result && err == nil
	default:
		if err == nil {
			err = fmt.Errorf("the assertion came to %s, not to true or false", e.print.render(v))
		}
	}
	if err != nil {
		r.Error = e.print.cut(runtimeMessage(err), 2*maxValue)
	}
	if !r.OK {
		r.Operands = e.explain(r.Error != "")
	}
}

// explain lists the values of what was evaluated, in reading order.
func (e *evaluator) explain(failed bool) []runbook.Operand {
	type shown struct {
		start, width int
		runbook.Operand
	}
	var list []shown
	for id, o := range e.plan.operands {
		v, ok := e.trace.values[id]
		if !ok || o.inside >= 0 || !telling(o, v, failed) {
			continue
		}
		if t := e.trace.verdicts[o.predicate]; o.role == collection && t != nil && len(t.offenders) > 0 {
			continue
		}
		list = append(list, shown{o.start, o.width(), runbook.Operand{Text: e.print.cut(o.text, maxString), Value: e.print.render(v)}})
	}
	for id, p := range e.plan.predicates {
		t := e.trace.verdicts[id]
		if t == nil || p.inside >= 0 || len(t.offenders) == 0 {
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
