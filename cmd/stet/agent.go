package main

import (
	"github.com/spf13/cobra"

	"stet/executors/agent"
)

// agentCmd is what stet starts of itself: the process that holds sandboxes, the
// one behind sudo, the guard.
func agentCmd(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:                "agent",
		Short:              "Serve this host's namespaces over stdio",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := agent.Main(cmd.Context(), args, c.stdin, c.stdout, c.stderr); code != exitOK {
				return shown(code)
			}
			return nil
		},
	}
}
