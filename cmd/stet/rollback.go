package main

import (
	"github.com/spf13/cobra"

	"stet/runbook/apply"
)

func rollbackCmd(c *cli) *cobra.Command {
	return again(c, apply.Rollback, &cobra.Command{
		Use:   "rollback FILE",
		Short: "Undo the latest operation of a runbook",
		Long: `Undo the latest operation of a runbook that changed something, whether it ended
or not, group by group in reverse order, from what its journal recorded before
each change. The document's text does not matter for it.`,
		Example: `  stet rollback change.md
  stet rollback --run 01JD3… --yes change.md`,
	}, "undo the latest operation?")
}
