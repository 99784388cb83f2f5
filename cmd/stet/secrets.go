package main

import (
	"context"

	"stet/runbook"
	"stet/runbook/redact"
)

// secrets reads the values of the document's secrets. From then on they are
// hidden in messages.
func (c *cli) secrets(ctx context.Context, d *runbook.Document) (map[string]string, error) {
	if len(d.Meta.Secrets) == 0 {
		return nil, nil
	}
	values, err := redact.Load(ctx, d.Meta.Secrets)
	if err != nil {
		return nil, usage(err, "see secrets in the front matter of "+d.Path)
	}
	hide, err := redact.New(values)
	if err != nil {
		return nil, usage(err, "choose a longer secret")
	}
	c.hide = hide
	return values, nil
}
