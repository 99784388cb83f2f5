// Gendoc writes docs/reference/netconfig.md from the tables of kinds and
// attributes. Its argument is the file to be written.
package main

import (
	"fmt"
	"os"
)

//go:generate go run . ../../../../docs/reference/netconfig.md

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendoc FILE")
		os.Exit(2) //nolint:forbidigo // a command of its own
	}
	if err := os.WriteFile(os.Args[1], []byte(page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // a command of its own
	}
}
