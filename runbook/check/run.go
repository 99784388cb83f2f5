package check

import (
	"context"
	"fmt"
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

// HeldFor begins the Error of an assertion that was evaluated, and held, though not
// for as long as it should have.
const HeldFor = "it held for "

// lost says of the failed assertions that they had held.
func (t *tries) lost(after time.Duration) {
	for i := range t.results {
		if a := &t.results[i]; !a.OK && a.Error == "" {
			a.Error = fmt.Sprintf(HeldFor+"%s of %s, then no longer", after.Round(time.Millisecond), t.options.Hold)
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
	e := &evaluator{round: newRound(t.session, t.program.query, t.options.Env), print: printer(t.options.Redact)}
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
	r.Operands = e.explain(r.OK, r.Error != "")
}
