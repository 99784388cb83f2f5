package check

import (
	"errors"
	"fmt"
	"sort"
	"time"
)

// callOptions reads the options of a call: each is taken once, then done
// tells what was wrong or left.
type callOptions struct {
	print    printer
	function string
	given    map[string]any
	taken    map[string]bool
	err      error
}

func (e *evaluator) optionsOf(function string, maps []map[string]any) (*callOptions, error) {
	if len(maps) > 1 {
		return nil, fmt.Errorf("%s takes one set of options, not %d", function, len(maps))
	}
	o := &callOptions{print: e.print, function: function, taken: map[string]bool{}}
	if len(maps) == 1 {
		o.given = maps[0]
	}
	return o, nil
}

func (o *callOptions) take(name string) (any, bool) {
	o.taken[name] = true
	v, ok := o.given[name]
	return v, ok
}

func (o *callOptions) fail(name, want string) {
	if o.err == nil {
		o.err = fmt.Errorf("option %s of %s takes %s, not %s", name, o.function, want, o.print.render(o.given[name]))
	}
}

func (o *callOptions) done() error {
	if o.err != nil {
		return o.err
	}
	var unknown, known []string
	for name := range o.given {
		if !o.taken[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	for name := range o.taken {
		known = append(known, name)
	}
	sort.Strings(unknown)
	return fmt.Errorf("%s has no option %s%s", o.function, unknown[0], didYouMean(unknown[0], known))
}

func (o *callOptions) int(name string) int {
	v, ok := o.take(name)
	if !ok {
		return 0
	}
	if !isNumber(v) {
		o.fail(name, "a number")
	}
	return toInt(v)
}

func (o *callOptions) bool(name string) bool {
	v, ok := o.take(name)
	b, is := v.(bool)
	if ok && !is {
		o.fail(name, "true or false")
	}
	return b
}

func (o *callOptions) string(name string) string {
	v, ok := o.take(name)
	s, is := v.(string)
	if ok && !is {
		o.fail(name, "a string")
	}
	return s
}

func (o *callOptions) strings(name string) map[string]string {
	v, ok := o.take(name)
	if !ok {
		return nil
	}
	if m, is := v.(map[string]any); is {
		return toTexts(m)
	}
	o.fail(name, "names with values in braces")
	return nil
}

// duration is a number of seconds, "2s", or a duration.
func (o *callOptions) duration(name string) time.Duration {
	v, ok := o.take(name)
	if !ok {
		return 0
	}
	d, err := toDuration(v)
	if err != nil || d < 0 {
		o.fail(name, `seconds or a duration such as "500ms"`)
	}
	return d
}

func toDuration(v any) (time.Duration, error) {
	switch x := v.(type) {
	case time.Duration:
		return x, nil
	case string:
		return time.ParseDuration(x)
	}
	if isNumber(v) {
		if s := toFloat(v); s >= 0 && s < 1e9 {
			return time.Duration(s * float64(time.Second)), nil
		}
	}
	return 0, errors.New("not a duration")
}
