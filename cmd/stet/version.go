package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"stet/internal/version"
)

func versionCmd(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  stet version",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			c.out().Print("stet " + version.String() + " " + runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version() + "\n")
			return nil
		},
	}
}
