package main

import (
	"github.com/spf13/cobra"

	"stet/runbook/apply"
)

func resumeCmd(c *cli) *cobra.Command {
	return again(c, apply.Resume, &cobra.Command{
		Use:   "resume FILE",
		Short: "Take up an operation that did not end",
		Long: `Take up the latest operation of a runbook that did not end: stet was killed, the
machine lost power, the connection died. What was confirmed stays, what was not
is undone, and the operation goes on from there. A command that stet did not see end
on another host is not run again: the host is asked what became of it.`,
		Example: `  stet resume change.md
  stet resume --yes --answers answers.yaml change.md`,
	}, "resume the latest operation?")
}
