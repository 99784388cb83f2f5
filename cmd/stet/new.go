package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stet/runbook"
	"stet/runbook/markdown"
	"stet/runbook/plan"
	"stet/templates"
)

func newCmd(c *cli) *cobra.Command {
	var set []string
	var list bool
	cmd := &cobra.Command{
		Use:   "new [TEMPLATE [FILE]]",
		Short: "Start a runbook from a template",
		Long: `Start a runbook from a template: one of stet's own (see --list; without a name,
change), or the path of a Markdown file whose front matter has params. On a
terminal the parameters are asked for; otherwise those that --set does not give
have their defaults. Without FILE, the runbook goes to stdout. A FILE that is
there already is left alone.`,
		Example: `  stet new change change.md
  stet new --list
  stet new bridge --set bridge=br0 --set uplink=eth1 bridge.md
  stet new ./our-own-template.md change.md`,
		Args:              args(cobra.MaximumNArgs(2)),
		ValidArgsFunction: completeTemplates,
		RunE: func(cmd *cobra.Command, given []string) error {
			if list {
				c.listTemplates()
				return nil
			}
			name, file := "change", ""
			if len(given) > 0 {
				name = given[0]
			}
			if len(given) > 1 {
				file = given[1]
			}
			return c.create(cmd.Context(), name, file, set)
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "`name=value` of a parameter (repeat for more)")
	cmd.Flags().BoolVar(&list, "list", false, "list the templates and their parameters")
	return cmd
}

func (c *cli) listTemplates() {
	for _, name := range templates.Names() {
		t, ok := templates.Named(name)
		if !ok {
			continue
		}
		c.out().Print(name + "\n    " + t.Summary + "\n")
		for _, p := range t.Document.Meta.Params {
			c.out().Print(fmt.Sprintf("    --set %-24s %s\n", p.Name+"="+p.Default, p.Doc))
		}
	}
}

func (c *cli) create(ctx context.Context, name, file string, set []string) error {
	if file != "" {
		// Looked at before questions are asked; made anew only at the end.
		if _, err := os.Lstat(file); err == nil {
			return usage(fmt.Errorf("writing %s: it is there already", file), "choose another name, or remove it")
		}
	}
	t, err := c.template(name)
	if err != nil {
		return err
	}
	given, err := assignments(set)
	if err != nil {
		return err
	}
	if c.terminal() {
		if err := c.askParams(ctx, t, given); err != nil {
			return err
		}
	}
	values, missing, err := t.Complete(given)
	if err != nil {
		return usage(err, "see stet new --list")
	}
	if len(missing) > 0 {
		return usage(fmt.Errorf("filling in %s: no value for %s", name, strings.Join(missing, ", ")), "give them with --set name=value")
	}
	text := t.Fill(values)
	if err := c.proofread(file, text); err != nil {
		return err
	}
	return c.deliver(file, text)
}

// template finds an embedded template, or reads the file that name is the path
// of.
func (c *cli) template(name string) (*templates.Template, error) {
	t, ok := templates.Named(name)
	if !ok {
		if !strings.ContainsAny(name, "./"+string(os.PathSeparator)) {
			return nil, usage(fmt.Errorf("there is no template %s", name), "there are "+strings.Join(templates.Names(), ", ")+"; a file's path has a dot or slash in it")
		}
		src, err := c.read(name)
		if err != nil {
			return nil, err
		}
		t = templates.Parse(name, src)
	}
	// A placeholder makes odd YAML here and there; what matters is the text
	// that is made from it. Faults of the front matter matter now.
	if ds := frontMatter(t.Document); ds.Faults() {
		return nil, c.invalid(t.Document, ds)
	}
	return t, nil
}

func frontMatter(d *runbook.Document) runbook.Diagnostics {
	var ds runbook.Diagnostics
	for _, diag := range d.Diagnostics {
		if diag.Code == "yaml" && diag.Span.Start < d.Head {
			ds = append(ds, diag)
		}
	}
	return ds
}

func assignments(set []string) (map[string]string, error) {
	given := map[string]string{}
	for _, entry := range set {
		name, value, ok := strings.Cut(entry, "=")
		if !ok {
			return nil, usage(fmt.Errorf("reading --set %s: it is no name=value", entry), "write --set bridge=br0")
		}
		given[name] = value
	}
	return given, nil
}

// askParams asks for each parameter that is not given, until it is valid.
func (c *cli) askParams(ctx context.Context, t *templates.Template, given map[string]string) error {
	p := &person{c: c}
	for _, param := range t.Document.Meta.Params {
		if _, ok := given[param.Name]; ok {
			continue
		}
		value, err := c.askParam(ctx, p, param)
		if err != nil {
			return err
		}
		given[param.Name] = value
	}
	return nil
}

func (c *cli) askParam(ctx context.Context, p *person, param runbook.Param) (string, error) {
	question := param.Name
	if param.Doc != "" {
		question = param.Doc + " (" + param.Name + ")"
	}
	if len(param.Enum) > 0 {
		question += ", one of " + strings.Join(param.Enum, ", ")
	}
	if param.Default != "" {
		question += " [" + param.Default + "]"
	}
	for {
		c.msg().Print(question + ": ")
		value, err := p.line(ctx)
		if err != nil {
			c.msg().Print("\n")
			return "", fmt.Errorf("asking for %s: %w", param.Name, err)
		}
		if value == "" {
			value = param.Default
		}
		if value == "" {
			continue
		}
		if err := templates.Valid(param, value); err != nil {
			c.msg().Print(err.Error() + "\n")
			continue
		}
		return value, nil
	}
}

// proofread refuses to hand out a runbook that lint would refuse.
func (c *cli) proofread(file string, text []byte) error {
	if file == "" {
		file = "runbook.md"
	}
	d := markdown.Parse(file, text)
	ds := plan.Lint(d)
	if !ds.Faults() {
		return nil
	}
	return c.invalid(d, ds)
}

func (c *cli) deliver(file string, text []byte) error {
	if file == "" {
		c.out().Verbatim(string(text))
		return nil
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage(fmt.Errorf("writing %s: it is there already", file), "choose another name, or remove it")
	}
	if err != nil {
		return fmt.Errorf("writing the runbook: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the runbook: %w", err)
	}
	c.msg().Print("wrote " + file + "; next: stet plan " + file + "\n")
	return nil
}

func completeTemplates(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(given) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return slices.Clone(templates.Names()), cobra.ShellCompDirectiveDefault
}
