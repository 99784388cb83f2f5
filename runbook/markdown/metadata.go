package markdown

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"stet/internal/yaml"
	"stet/runbook"
)

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// root reads the front matter's own keys.
func (d *decoder) root(n *yaml.Node) {
	var defaults, targets *yaml.Node
	d.entries(n, "", map[string]func(*yaml.Node){
		"title":    func(n *yaml.Node) { d.meta.Title, _ = d.text(n, "title") },
		"ticket":   func(n *yaml.Node) { d.meta.Ticket, _ = d.text(n, "ticket") },
		"window":   d.window,
		"targets":  func(n *yaml.Node) { targets = n },
		"defaults": func(n *yaml.Node) { defaults = n },
		"vars":     func(n *yaml.Node) { d.vars(n) },
		"secrets":  d.secrets,
		"params":   d.params,
	})
	if targets != nil {
		d.targets(targets)
	}
	at := ""
	if defaults != nil { // after the targets that it names
		at = d.defaults(defaults)
	}
	d.moved(at)
	d.twice()
}

// twice finds names that are both a variable and a secret.
func (d *decoder) twice() {
	vars := map[string]bool{}
	for _, v := range d.meta.Vars {
		vars[v.Name] = true
	}
	for _, s := range d.meta.Secrets {
		if vars[s.Name] {
			at := d.index.at(s.Pos)
			d.fault("duplicate-name", span{Start: at, End: at + len(s.Name)}, fmt.Sprintf("%s is a variable, too", s.Name), "Rename one of them.")
		}
	}
}

func (d *decoder) window(n *yaml.Node) {
	w := &runbook.Window{}
	var end *yaml.Node
	d.entries(n, "window", map[string]func(*yaml.Node){
		"start": func(n *yaml.Node) { w.Start = d.time(n, "start") },
		"end":   func(n *yaml.Node) { w.End = d.time(n, "end"); end = n },
	})
	if n.Kind != yaml.Mapping {
		return
	}
	d.meta.Window = w
	if !w.Start.IsZero() && !w.End.IsZero() && !w.End.After(w.Start) {
		d.wrong(end, "bad-window", "the window ends before it starts", "Set end to a time after start.")
	}
}

// time reads a moment. It needs its zone: at 02:00, whose 02:00 matters.
func (d *decoder) time(n *yaml.Node, what string) time.Time {
	text, ok := d.text(n, what)
	if !ok {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04 Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	d.wrong(n, "bad-time", fmt.Sprintf("%q is not a time with its zone", text), "Write it like 2026-11-21T22:00:00Z or 2026-11-21T23:00:00+01:00.")
	return time.Time{}
}

// vars reads variables: any value that YAML has.
func (d *decoder) vars(n *yaml.Node) {
	if !d.mapping(n, "vars") {
		return
	}
	for _, p := range n.Pairs {
		d.place("vars", p.Key)
		if d.name(p.Key, "variable") {
			d.meta.Vars = append(d.meta.Vars, runbook.Var{Name: p.Key.Value, Value: p.Value.Any()})
		}
	}
}

// name checks a name that expressions and the environment use.
func (d *decoder) name(key *yaml.Node, what string) bool {
	if identifier.MatchString(key.Value) {
		return true
	}
	d.wrong(key, "bad-name", fmt.Sprintf("%q cannot be the name of a %s", key.Value, what), "Use letters, digits and _, and no digit first.")
	return false
}

func (d *decoder) secrets(n *yaml.Node) {
	if !d.mapping(n, "secrets") {
		return
	}
	for _, p := range n.Pairs {
		d.place("secrets", p.Key)
		if !d.name(p.Key, "secret") {
			continue
		}
		from, ok := d.text(p.Value, "a secret")
		if !ok {
			continue
		}
		scheme, rest, _ := strings.Cut(from, ":")
		if !slices.Contains([]string{"env", "file", "cmd"}, scheme) || strings.TrimSpace(rest) == "" {
			d.wrong(p.Value, "bad-secret", "a secret does not stand in the document", "Say where it comes from: env:NAME, file:PATH or cmd:COMMAND.")
			continue
		}
		d.meta.Secrets = append(d.meta.Secrets, runbook.Secret{Name: p.Key.Value, From: from, Pos: d.index.position(d.node(p.Key).Start)})
	}
}

// defaults reads what holds for every block that does not say otherwise, and
// returns the host that targets are on.
func (d *decoder) defaults(n *yaml.Node) (at string) {
	out := &d.meta.Default
	d.entries(n, "defaults", map[string]func(*yaml.Node){
		"on": func(n *yaml.Node) {
			for _, item := range d.list(n, "on") {
				if d.target(item) {
					out.On = append(out.On, item.Value)
				}
			}
		},
		"at":           func(n *yaml.Node) { at = d.machine(n) },
		"passphrase":   func(n *yaml.Node) { out.Passphrase, _ = d.text(n, "passphrase") },
		"pin":          func(n *yaml.Node) { out.PIN, _ = d.text(n, "pin") },
		"timeout":      func(n *yaml.Node) { out.Timeout = d.duration(n, "timeout") },
		"parallel":     func(n *yaml.Node) { out.Parallel = d.parallel(n) },
		"max-failures": func(n *yaml.Node) { out.MaxFailures = d.maxFailures(n) },
		"confirm":      func(n *yaml.Node) { out.Confirm = d.duration(n, "confirm") },
		"on-failure": func(n *yaml.Node) {
			text, ok := d.text(n, "on-failure")
			if ok && !slices.Contains(policies, runbook.Policy(text)) {
				d.wrong(n, "bad-value", fmt.Sprintf("%q is no policy", text), d.remedy(text, policyNames()))
				return
			}
			out.OnFailure = runbook.Policy(text)
		},
		"interpreter": func(n *yaml.Node) {
			if !d.mapping(n, "defaults.interpreter") {
				return
			}
			out.Interpreter = map[string]string{}
			for _, p := range n.Pairs {
				d.place("defaults.interpreter", p.Key)
				if text, ok := d.text(p.Value, "an interpreter"); ok {
					out.Interpreter[p.Key.Value] = text
				}
			}
		},
	})
	return at
}

func (d *decoder) duration(n *yaml.Node, what string) time.Duration {
	text, ok := d.text(n, what)
	if !ok {
		return 0
	}
	out, fault := duration(text)
	if fault != "" {
		d.wrong(n, "bad-duration", fmt.Sprintf("%s: %q %s", what, text, fault), "Write it like 90s, 5m or 1h30m.")
	}
	return out
}

// duration reads a length of time with its unit; fault says what is wrong.
func duration(text string) (out time.Duration, fault string) {
	out, err := time.ParseDuration(text)
	switch {
	case err != nil && text != "" && strings.Trim(text, "0123456789") == "":
		return 0, "has no unit"
	case err != nil:
		return 0, "is not a duration"
	case out < 0:
		return 0, "is negative"
	case out > 366*24*time.Hour:
		return 0, "is longer than a year"
	}
	return out, ""
}
