package main

import (
	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/internal/version"
	"stet/runbook/markdown"
	"stet/runbook/plan"
	"stet/templates"
)

func lintCmd(c *cli) *cobra.Command {
	format := lintFlag(view.LintText)
	cmd := &cobra.Command{
		Use:   "lint FILE…",
		Short: "Find everything wrong with runbooks, without their targets",
		Long: `Find everything wrong with runbooks that can be found without their targets:
front matter, attributes, names, targets, netconfig, expressions, templates.
All faults are reported, each at its place in the document. A template is read with the
defaults of its parameters. - is stdin.

Formats: text, for people; json, one diagnostic a line; github, workflow
commands that GitHub and Forgejo show at the line; sarif, SARIF 2.1.0 as GitLab,
GitHub, Azure and editors read it.`,
		Example: `  stet lint change.md
  stet lint --format github *.md
  stet lint --format sarif *.md > stet.sarif`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, files []string) error {
			var docs []view.Linted
			faults := false
			for _, file := range files {
				d, err := c.load(file, choice{})
				if err != nil {
					return err
				}
				if len(d.Meta.Params) > 0 {
					d = markdown.Parse(file, templates.Parse(file, d.Source).Preview())
				}
				ds := plan.LintFiles(d)
				faults = faults || ds.Faults()
				docs = append(docs, view.Linted{Source: d.Source, Diagnostics: ds})
			}
			if err := view.WriteLint(c.stdout, c.out(), view.LintFormat(format), version.String(), docs); err != nil {
				return err
			}
			if faults {
				return shown(exitUsage)
			}
			return nil
		},
	}
	cmd.Flags().Var(&format, "format", "how diagnostics are printed")
	return cmd
}
