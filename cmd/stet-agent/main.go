// Stet-agent serves sessions of its host over standard input and output, and
// keeps the promise to go back (see package agent).
package main

import (
	"context"
	"os"

	"stet/executors/agent"
)

func main() {
	os.Exit(agent.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
