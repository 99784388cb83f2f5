package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/vm"
)

// Expand fills ${expr} in; "$${" is a literal "${". Text goes in as it is,
// numbers and booleans as YAML and shells read them, lists and maps as JSON.
// All problems are found; with any, the text comes back unchanged.
func Expand(text string, env Env) (string, []Problem) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	space := &namespace{names: env.Names(), templates: true}
	values := space.values(env)
	var b strings.Builder
	problems := eachPart(text, space, func(p part, x *expression) *fault {
		if !p.expr {
			b.WriteString(p.text)
			return nil
		}
		v, err := evaluateTemplate(x, values)
		if err == nil {
			var s string
			if s, err = scalar(v); err == nil {
				b.WriteString(s)
				return nil
			}
		}
		return &fault{to: utf8.RuneCountInString(p.text), code: "template", summary: err.Error(), detail: "See what ${" + short(p.text, 60) + "} gives, or leave it out."}
	})
	if len(problems) > 0 {
		return text, problems
	}
	return b.String(), nil
}

// CheckTemplate finds the faults of the ${expr} in a text without their
// values.
func CheckTemplate(text string, names Names) []Problem {
	if !strings.Contains(text, "${") {
		return nil
	}
	return eachPart(text, &namespace{names: names, templates: true}, func(part, *expression) *fault { return nil })
}

// eachPart compiles the expressions of a template and calls f with each part
// that has no fault.
func eachPart(text string, space *namespace, f func(part, *expression) *fault) []Problem {
	var problems []Problem
	at := newPlaces(text)
	for _, p := range parts([]rune(text)) {
		if p.open {
			problems = append(problems, at.problem(p.from-2, fault{to: 2, code: "template", summary: "the ${ is not closed",
				detail: "Close it with }, or write $${ for a literal ${."}))
			continue
		}
		var x *expression
		if p.expr {
			var faults []fault
			if strings.TrimSpace(p.text) == "" {
				faults = []fault{{from: -2, to: utf8.RuneCountInString(p.text) + 1, code: "template", summary: "the ${} is empty", detail: "Name a variable in it, or write $${ for a literal ${."}}
			} else {
				x, faults = compile(p.text, space, false)
			}
			for _, fault := range faults {
				problems = append(problems, at.problem(p.from, fault))
			}
			if len(faults) > 0 {
				continue
			}
		}
		if fault := f(p, x); fault != nil {
			problems = append(problems, at.problem(p.from, *fault))
		}
	}
	return problems
}

// places turns offsets in characters into lines and columns.
type places struct{ starts []int }

func newPlaces(text string) places {
	p := places{starts: []int{0}}
	at := 0
	for _, r := range text {
		at++
		if r == '\n' {
			p.starts = append(p.starts, at)
		}
	}
	return p
}

func (p places) problem(base int, f fault) Problem {
	offset := base + f.from
	row := sort.SearchInts(p.starts, offset+1)
	column := offset - p.starts[row-1] + 1
	r := Problem{Line: row, Column: column, Summary: f.summary, Detail: f.detail, Code: f.code}
	if f.to > f.from {
		r.EndColumn = column + f.to - f.from
	}
	return r
}

func evaluateTemplate(x *expression, values map[string]any) (any, error) {
	if name := missingValue(values, x.needs); name != "" {
		return nil, fmt.Errorf("%s has no value: its step has not run", name)
	}
	env := make(map[string]any, len(values)+16)
	for k, v := range values {
		env[k] = v
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 5*time.Second, timeout{5 * time.Second})
	defer cancel()
	e := &evaluator{ctx: ctx, trace: newTrace(), plan: x.plan}
	e.bind(env, true)
	v, err := runProgram(x, env)
	if err != nil {
		return nil, errors.New(runtimeMessage(err))
	}
	return v, nil
}

// runProgram runs a compiled expression within its memory.
func runProgram(x *expression, env map[string]any) (any, error) {
	machine := vm.VM{MemoryBudget: memoryBudget}
	return machine.Run(x.program, env)
}

// scalar renders a value for YAML and shells alike.
func scalar(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", fmt.Errorf("it has no value (nil)")
	case string:
		if strings.ContainsRune(x, 0) {
			return "", fmt.Errorf("it holds a NUL character")
		}
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return "", fmt.Errorf("it is no number (%v)", x)
		}
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	case float32:
		return scalar(float64(x))
	case time.Duration:
		return x.String(), nil
	case time.Time:
		return x.Format(time.RFC3339Nano), nil
	case output:
		return "", fmt.Errorf("it is a register: use .out, .err, .exit, .lines or .json of it")
	}
	if isNumber(v) {
		return fmt.Sprint(v), nil
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("it cannot be written as text: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
