// Gendoc writes docs/reference/netconfig.md and netconfig.schema.json from the
// tables of kinds and attributes, and from what the decoder takes. Its arguments
// are the files to be written.
package main

import (
	"fmt"
	"os"
)

//go:generate go run . ../../../../docs/reference/netconfig.md ../../../../docs/reference/netconfig.schema.json

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gendoc PAGE SCHEMA")
		os.Exit(2) //nolint:forbidigo // a command of its own
	}
	for i, text := range []string{page(), schemaFile()} {
		if err := os.WriteFile(os.Args[i+1], []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // a command of its own
		}
	}
}
