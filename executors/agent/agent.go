// Package agent is what runs on a target in a process of its own: the program
// stet-agent, and the hidden verb "agent" of stet.
package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"

	"stet/executors"
	"stet/executors/local"
)

const usage = `usage: stet-agent serve             serve sessions on standard input and output
       stet-agent exec ADDRESS CMD…  run a command on a target of this host
       stet-agent sandbox, guard      are started by stet itself
`

// Main runs the entry that args name and returns the exit code: the command's
// for exec, 2 for wrong usage.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// Whoever starts a helper need not know whether the program is stet, which
	// has these entries below the verb "agent", or stet-agent.
	if len(args) > 0 && args[0] == "agent" {
		args = args[1:]
	}
	if len(args) == 0 {
		_, _ = io.WriteString(stderr, usage)
		return 2
	}
	ownLanguage()
	defer survivePipes()()
	var err error
	switch verb, rest := args[0], args[1:]; verb {
	case "serve":
		// Asked to end, it ends what it runs first.
		serving, stop := signal.NotifyContext(ctx, endSignals...)
		hangUp := make(chan os.Signal, 1)
		if len(hangUpSignals) > 0 { // none would be all
			signal.Notify(hangUp, hangUpSignals...)
		}
		err = local.Serve(serving, hangUp, rest, lean(stdin), stdout)
		stop()
		signal.Stop(hangUp)
	case "sandbox":
		err = local.ServeSandbox(ctx, rest, stdin, stdout)
	case "guard":
		err = local.ServeGuard(ctx, rest)
	case "exec":
		return run(ctx, rest, stdin, stdout, stderr)
	case "help", "-h", "--help":
		_, _ = io.WriteString(stdout, usage)
		return 0
	default:
		fmt.Fprintf(stderr, "stet-agent: unknown entry %q\n%s", verb, usage)
		return 2
	}
	if err != nil {
		fmt.Fprintf(stderr, "stet-agent: %v\n", err)
	}
	return local.ExitCode(err)
}

// lean makes this process one that mostly waits: one thread works at a time, and
// none is held by a read from a peer that says nothing. An agent runs on hosts
// that have other things to do, and there may be hundreds of its like on one.
func lean(stdin io.Reader) io.Reader {
	if stdin != os.Stdin {
		return stdin
	}
	if os.Getenv(leanVar) != "" { // who started it has seen to that, which costs less
		_ = os.Unsetenv(leanVar)
		_ = os.Unsetenv("GOMAXPROCS") // commands are none of that
	}
	if runtime.GOMAXPROCS(0) != 1 {
		runtime.GOMAXPROCS(1)
	}
	return waiting(os.Stdin)
}

// ownLanguage takes back the language that sudo was given for its own messages:
// commands have the user's. sudo lets variables through that are named LC_.
func ownLanguage() {
	switch was, ok := os.LookupEnv(local.LanguageVar); {
	case !ok:
		return
	case was == local.NoLanguage:
		_ = os.Unsetenv("LC_ALL")
	default:
		_ = os.Setenv("LC_ALL", was)
	}
	_ = os.Unsetenv(local.LanguageVar)
}

// leanVar tells that GOMAXPROCS was set for this process only.
const leanVar = "STET_LEAN"

// survivePipes makes a write to a closed standard output an error instead of
// the end (SIGPIPE): there may be a guard to wait for. Unlike an ignored signal
// this is not inherited by commands.
func survivePipes() (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, brokenPipe)
	return func() { signal.Stop(signals) }
}

// run is the entry exec.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) < 2 {
		_, _ = io.WriteString(stderr, usage)
		return 2
	}
	status, err := command(ctx, args[0], args[1:], stdin, executors.Output{Stdout: stdout, Stderr: stderr})
	if err != nil {
		fmt.Fprintf(stderr, "stet-agent: %v\n", err)
	}
	if status == nil {
		return 1
	}
	return status.Code
}

// maxStdin bounds what exec reads for the command's input.
const maxStdin = 64 << 20

func command(ctx context.Context, address string, argv []string, stdin io.Reader, out executors.Output) (*executors.ExitStatus, error) {
	h, err := local.NewHost(local.HostOptions{})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	s, err := h.Open(ctx, executors.Target{Name: address, Address: address})
	if err != nil {
		return nil, err
	}
	in, err := io.ReadAll(io.LimitReader(stdin, maxStdin+1))
	if err == nil && len(in) > maxStdin {
		err = fmt.Errorf("it is larger than %d bytes", maxStdin)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the input of %s: %w", strings.Join(argv, " "), err)
	}
	return s.Run(ctx, executors.Command{Argv: argv, Stdin: in}, out)
}
