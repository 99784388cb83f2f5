package check

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"stet/runbook"
)

// maxOffenders bounds the elements that an explanation shows.
const maxOffenders = 5

// maxStrings bounds the text that the steps of one evaluation may make.
const maxStrings = 64 << 20

// trace is what one evaluation recorded.
type trace struct {
	values   map[int]any
	verdicts map[int]*tally
}

// tally is what the steps of one predicate came to.
type tally struct {
	yes, no   int
	offenders []string // elements that went against it, at most maxOffenders
}

func newTrace() *trace {
	return &trace{values: map[int]any{}, verdicts: map[int]*tally{}}
}

// record keeps the value of an operand: (evaluator, id, value).
func record(params ...any) (any, error) {
	e := params[0].(*evaluator)
	e.trace.values[params[1].(int)] = params[2]
	return params[2], nil
}

// step is one evaluation of a predicate: (evaluator, id, result, element). It
// also ends an evaluation that has run out of time or makes too much text.
func step(params ...any) (any, error) {
	e, id, result := params[0].(*evaluator), params[1].(int), params[2]
	if e.ctx.Err() != nil {
		return nil, fmt.Errorf("evaluating: %w", context.Cause(e.ctx))
	}
	if s, ok := result.(string); ok {
		if e.spent += len(s); e.spent > maxStrings {
			return nil, fmt.Errorf("the expression makes more than %d MiB of text", maxStrings>>20)
		}
	}
	ok, isBool := result.(bool)
	if !isBool || e.plan == nil {
		return result, nil
	}
	p := &e.plan.predicates[id]
	t := e.trace.verdicts[id]
	if t == nil {
		t = &tally{}
		e.trace.verdicts[id] = t
	}
	if ok {
		t.yes++
	} else {
		t.no++
	}
	if p.against(ok) && len(t.offenders) < maxOffenders {
		t.offenders = append(t.offenders, e.offender(p, params[3]))
	}
	for _, o := range p.operands {
		delete(e.trace.values, o)
	}
	switch p.builtin {
	case "all":
		return true, nil
	case "none":
		return false, nil
	}
	return result, nil
}

// against reports whether a result goes against what the builtin asks for.
func (p *predicate) against(ok bool) bool {
	switch p.builtin {
	case "all":
		return !ok
	case "none", "one", "count":
		return ok
	}
	return false
}

// offender is an element with what the predicate looked at in it.
func (e *evaluator) offender(p *predicate, element any) string {
	text := e.print.render(element)
	var seen []string
	for _, id := range p.operands {
		o := e.plan.operands[id]
		v, ok := e.trace.values[id]
		if !ok || o.role == base || o.text == "#" || len(seen) == 3 {
			continue
		}
		seen = append(seen, o.text+" = "+e.print.render(v))
	}
	if len(seen) == 0 {
		return text
	}
	return e.print.subject(element) + " (" + strings.Join(seen, ", ") + ")"
}

// verdict is the result of all(…) and none(…), whose steps all ran so that
// every offender is known: (evaluator, id, result).
func verdict(params ...any) (any, error) {
	e, id := params[0].(*evaluator), params[1].(int)
	t := e.trace.verdicts[id]
	if t == nil || e.plan == nil {
		return params[2], nil
	}
	good := t.no == 0
	if e.plan.predicates[id].builtin == "none" {
		good = t.yes == 0
	}
	if good || e.plan.predicates[id].inside >= 0 {
		delete(e.trace.verdicts, id)
	}
	return good, nil
}

// have fails where a field holds nothing that can be answered from:
// (evaluator, value, field).
func have(params ...any) (any, error) {
	p, value, field := params[0].(*evaluator).print, params[1], params[2].(string)
	var problem error
	switch v := value.(type) {
	case recorded:
		problem = v.lacks(field)
	case difference:
		if kinds := v.parts(); !v.has[field] && (kinds[field] != nil || field == "neighbors") {
			problem = fmt.Errorf("the snapshot did not record %s", field)
		}
	case output:
		switch {
		case v.truncated && (field == "out" || field == "lines" || field == "json"):
			problem = fmt.Errorf("the output is longer than %d KiB: print less", maxOut>>10)
		case field == "json" && v.jsonError != nil:
			problem = fmt.Errorf("the output is not JSON: %w (it is %s)", v.jsonError, p.render(v.Out))
		}
	case httpReply:
		if field == "json" && v.jsonError != nil {
			problem = fmt.Errorf("the body is not JSON: %w (it is %s)", v.jsonError, p.render(v.Body))
		}
	case runbook.FactLink:
		if v.Name == "" {
			problem = errors.New("there was no such interface when the plan was made")
		}
	case runbook.FactRoute:
		if v.Dev == "" {
			problem = errors.New("there was no such default route when the plan was made")
		}
	case fileReply:
		if field == "content" && v.Size > len(v.Content) {
			problem = fmt.Errorf("the file has %d bytes, and only %d can be read: use .sha256, or run(…)", v.Size, len(v.Content))
		}
	}
	return value, problem
}

func (r recorded) lacks(field string) error {
	kind := strings.Replace(field, "neighbors", "neighbours", 1)
	for _, f := range r.snapshot.Facts {
		if f == kind {
			return nil
		}
	}
	return fmt.Errorf("snapshot %s did not record %s", r.name, field)
}

// bind puts functions and facts into the values that a program runs with.
func (e *evaluator) bind(env map[string]any, templates bool) {
	env[stateName] = e
	for _, f := range functions() {
		if f.anywhere || !templates {
			env[f.name] = f.bind(e)
		}
	}
	if templates {
		return
	}
	for _, f := range factTable() {
		env["$"+f.name] = f.bind(e)
	}
	env["$now"], env["$later"] = e.now, e.later
}

// telling reports whether a value explains a failed assertion: bases are shown
// only where they explain what was taken from them. With an error, what led to
// it is shown too.
func telling(o operand, v any, failed bool) bool {
	if o.role == plain || o.role == collection {
		return true
	}
	switch x := v.(type) {
	case link:
		return !x.Exists || o.role == reason && !x.Up
	case pingReply:
		return !x.OK
	case tcpReply:
		return !x.OK
	case httpReply:
		return !x.OK
	case dnsReply:
		return !x.OK
	case routeReply:
		return !x.OK
	case processReply:
		return !x.OK
	case fileReply:
		return !x.OK
	case output:
		return !x.OK
	case difference:
		return o.role == reason && !x.Empty
	case changes:
		return o.role == reason && !x.Empty
	case recorded, current:
		return false
	case nil:
		return true
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice:
		return failed
	}
	return true
}
