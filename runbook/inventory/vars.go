package inventory

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// maxText bounds what templates may grow to.
const maxText = 64 << 10

var (
	reference = pattern(`\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)
	password  = pattern(`^ansible_(.*_)?(pass|password|passphrase)$`)
)

// pattern is a regular expression that is compiled when it is first used: most
// documents have no inventory.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// merged are the variables of a host, in Ansible's order of precedence: groups
// of the inventory, the nearer over the farther; group_vars of all, then of the
// groups; the host's own in the inventory; host_vars.
func (g *graph) merged(name string, ranked []string) map[string]any {
	if g.up == nil {
		g.up = g.parents()
	}
	in := g.above(name, g.up)
	vars := map[string]any{}
	for _, group := range ranked {
		if in[group] {
			maps.Copy(vars, g.groups[group].vars)
		}
	}
	maps.Copy(vars, g.groups[all].extra)
	for _, group := range ranked {
		if in[group] && group != all {
			maps.Copy(vars, g.groups[group].extra)
		}
	}
	maps.Copy(vars, g.hosts[name].vars)
	maps.Copy(vars, g.hosts[name].extra)
	delete(vars, "ansible_group_priority")
	for key := range vars {
		if password().MatchString(key) {
			delete(vars, key)
			g.warn(key, 0, "passwords are not taken from inventories; name it under secrets in the document's front matter")
		}
	}
	return g.filled(name, vars)
}

// filled resolves "{{ name }}". Any other template needs Jinja: the variable is
// left out, so that using it is a fault and not a template sent to a machine.
func (g *graph) filled(host string, vars map[string]any) map[string]any {
	short, _, _ := strings.Cut(host, ".")
	f := &filler{
		vars: vars, own: map[string]any{"inventory_hostname": host, "inventory_hostname_short": short},
		done: map[string]any{}, failed: map[string]error{},
	}
	out := make(map[string]any, len(vars))
	for _, key := range slices.Sorted(maps.Keys(vars)) {
		v, err := f.named(key, 0)
		if err != nil {
			g.warn(key, 0, "%v; it is left out, on %s and maybe others", err, g.firstTold(key, host))
			continue
		}
		out[key] = v
	}
	return out
}

// firstTold is the first host on which a variable was left out: it is said
// once, not for each of a thousand.
func (g *graph) firstTold(key, host string) string {
	if g.told == nil {
		g.told = map[string]string{}
	}
	if _, ok := g.told[key]; !ok {
		g.told[key] = host
	}
	return g.told[key]
}

// filler fills the variables of one host in. Each is filled in once, however
// often others refer to it.
type filler struct {
	vars, own map[string]any
	done      map[string]any
	failed    map[string]error
}

func (f *filler) value(v any, depth int) (any, error) {
	switch v := v.(type) {
	case string:
		return f.text(v, depth)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			x, err := f.value(v[i], depth)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			x, err := f.value(v[k], depth)
			if err != nil {
				return nil, err
			}
			out[k] = x
		}
		return out, nil
	}
	return v, nil
}

func (f *filler) text(text string, depth int) (any, error) {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
		return text, nil
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("its templates refer to each other more than %d times", maxDepth)
	}
	if m := reference().FindStringSubmatch(text); m != nil && m[0] == strings.TrimSpace(text) {
		return f.named(m[1], depth)
	}
	var fault error
	out := reference().ReplaceAllStringFunc(text, func(s string) string {
		v, err := f.named(reference().FindStringSubmatch(s)[1], depth)
		if err != nil && fault == nil {
			fault = err
		}
		return fmt.Sprint(v)
	})
	switch {
	case fault != nil:
		return nil, fault
	case len(out) > maxText:
		return nil, fmt.Errorf("its templates make more than %d KiB of it", maxText>>10)
	case strings.Contains(reference().ReplaceAllString(text, ""), "{{") || strings.Contains(text, "{%"):
		return nil, fmt.Errorf("%.60q is Jinja, which stet does not evaluate", text)
	}
	return out, nil
}

func (f *filler) named(name string, depth int) (any, error) {
	if v, ok := f.own[name]; ok {
		return v, nil
	}
	if v, ok := f.done[name]; ok {
		return v, nil
	}
	if err := f.failed[name]; err != nil {
		return nil, err
	}
	raw, ok := f.vars[name]
	if !ok {
		return nil, fmt.Errorf("its template needs %s, which is not set", name)
	}
	f.failed[name] = errors.New("its templates lead in a circle") // while it is being filled in
	v, err := f.value(raw, depth+1)
	if err == nil && small(v, maxText) < 0 {
		err = fmt.Errorf("its templates make more than %d KiB of it", maxText>>10)
	}
	if err != nil {
		f.failed[name] = err
		return nil, err
	}
	delete(f.failed, name)
	f.done[name] = v
	return v, nil
}

// small is what a value leaves of a budget of bytes; below 0 it is too large.
func small(v any, budget int) int {
	budget -= 8
	switch v := v.(type) {
	case string:
		budget -= len(v)
	case []any:
		for i := 0; i < len(v) && budget >= 0; i++ {
			budget = small(v[i], budget)
		}
	case map[string]any:
		for k := range v {
			if budget -= len(k); budget >= 0 {
				budget = small(v[k], budget)
			}
		}
	}
	return budget
}
