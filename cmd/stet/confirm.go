package main

import (
	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/runbook/apply"
)

func confirmCmd(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "confirm FILE",
		Short: "Confirm the changes that wait for the operator's word",
		Long: `Confirm the changes of the latest operation that wait for the operator's word
(confirm=manual), so that their guards do not take them back.`,
		Example:           `  stet confirm change.md`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, files []string) (err error) {
			o, err := c.beginAgain(cmd.Context(), files[0])
			if err != nil {
				return err
			}
			defer o.end(&err)
			options, err := o.options()
			if err != nil {
				return err
			}
			confirmed, err := apply.Confirm(cmd.Context(), o.d, options)
			if !c.json {
				c.out().Print(view.Guards(waitingOf(confirmed), "confirmed"))
			}
			return elsewhere(err)
		},
	}
	jsonFlag(c, cmd, jsonEvents)
	return cmd
}
