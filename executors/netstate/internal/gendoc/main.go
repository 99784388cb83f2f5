// Gendoc writes docs/reference/netconfig.md, netconfig.schema.json and nmstate.md
// from the tables of kinds and attributes, and from what the decoder takes. Its
// arguments are the files to be written.
package main

import (
	"fmt"
	"os"
)

//go:generate go run . ../../../../docs/reference/netconfig.md ../../../../docs/reference/netconfig.schema.json ../../../../docs/reference/nmstate.md

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: gendoc PAGE SCHEMA NMSTATE")
		os.Exit(2) //nolint:forbidigo // a command of its own
	}
	compatibility, err := nmstatePage()
	for i, text := range []string{page(), schemaFile(), compatibility} {
		if err == nil {
			err = os.WriteFile(os.Args[i+1], []byte(text), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // a command of its own
	}
}
