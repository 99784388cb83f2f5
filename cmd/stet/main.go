// Stet runs runbooks: Markdown documents that are the plan, the procedure and
// the report of a network change.
package main

import (
	"context"
	"io"
	"os"
	"runtime"

	"stet/executors/ssh"
	"stet/internal/mainthread"
)

func main() {
	runtime.MemProfileRate = 0 // nobody can ask for a profile; its table is 1.4 MiB, of which each entry touches another page
	collectLate()
	os.Exit(mainthread.Leave(func() int {
		if asked, code := ssh.Askpass(os.Args[1:], os.Stdout); asked {
			return code
		}
		return Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	}))
}

// Main runs the command line args and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &cli{stdin: stdin, stdout: stdout, stderr: stderr}
	ctx, stop := interruptible(context.Background(), stderr, c.begun.Load)
	defer stop()
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = c.written()
	}
	c.complain(told(ctx, err))
	return exitCode(err)
}
