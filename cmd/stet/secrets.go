package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/redact"
)

// secrets reads the values of the document's secrets that want chooses, beside
// those that are known. From then on they are hidden in messages.
func (c *cli) secrets(ctx context.Context, d *runbook.Document, known map[string]string, want func(runbook.Secret) bool) (map[string]string, error) {
	var missing []runbook.Secret
	for _, s := range d.Meta.Secrets {
		if _, have := known[s.Name]; !have && want(s) {
			missing = append(missing, s)
		}
	}
	values, err := redact.Load(ctx, missing)
	if err != nil {
		return nil, usage(err, "see secrets in the front matter of "+d.Path)
	}
	maps.Copy(values, known)
	hide, err := redact.New(values)
	if err != nil {
		return nil, usage(err, "choose a longer secret")
	}
	c.hide = hide
	return values, nil
}

// all chooses every secret.
func all(runbook.Secret) bool { return true }

// harmless chooses the secrets that can be read before anybody has seen the
// plan. A command that the document gives is run then only where a login takes
// it.
func harmless(d *runbook.Document) func(runbook.Secret) bool {
	return func(s runbook.Secret) bool {
		return !strings.HasPrefix(s.From, "cmd:") || slices.ContainsFunc(d.Meta.Targets, func(t executors.Target) bool {
			return slices.ContainsFunc(logins(d, t), func(l login) bool { return l.secret == s.Name })
		})
	}
}
