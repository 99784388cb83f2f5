// Stet-agent serves sessions of its host over standard input and output, and
// keeps the promise to go back (see package agent).
//
// Looking for limits of its control group would cost each start a read of
// /proc/self/mountinfo, which is long on hosts with many mounts.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
package main

import (
	"context"
	"os"

	"stet/executors/agent"
	"stet/internal/mainthread"
)

func main() {
	os.Exit(mainthread.Leave(func() int {
		return agent.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	}))
}
