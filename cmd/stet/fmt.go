package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"stet/runbook/markdown"
)

func fmtCmd(c *cli) *cobra.Command {
	var check bool
	var o markdown.FormatOptions
	cmd := &cobra.Command{
		Use:   "fmt FILE…",
		Short: "Tidy what stet owns in runbooks: result regions, never prose",
		Long: `Tidy what stet owns in runbooks: the report and the results, and, with
--attributes, the attributes of blocks. Prose and code are never touched. - is
stdin, and then the result goes to stdout.`,
		Example: `  stet fmt change.md
  stet fmt --attributes change.md
  stet fmt --check *.md             # exit 1 when one would change`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, files []string) error {
			untidy := false
			for _, file := range files {
				changed, err := c.format(file, check, o)
				if err != nil {
					return err
				}
				untidy = untidy || changed
			}
			if check && untidy {
				return shown(exitFailed)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only name the files that would change")
	cmd.Flags().BoolVar(&o.Attributes, "attributes", false, "tidy the attributes of blocks too")
	cmd.Flags().BoolVar(&o.Spellings, "spellings", false, "turn other spellings of attributes into braces")
	return cmd
}

func (c *cli) format(file string, check bool, o markdown.FormatOptions) (changed bool, err error) {
	src, err := c.read(file)
	if err != nil {
		return false, err
	}
	out := markdown.Format(src, o)
	changed = !bytes.Equal(src, out)
	switch {
	case file == "-" && !check:
		c.out().Verbatim(string(out))
		return changed, nil
	case changed && !check:
		if err := markdown.Rewrite(file, func(src []byte) []byte { return markdown.Format(src, o) }); err != nil {
			return false, err
		}
	}
	if changed {
		c.out().Print(file + "\n")
	}
	return changed, nil
}
