package shell

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// Cookie is the name of the environment variable that marks a command's tree.
const Cookie = "STET_COMMAND"

// Place is where a command starts: Enter runs f on a thread that is in the
// namespaces that the command shall have. A nil Enter is this process's own.
type Place struct {
	Enter func(f func() error) error
}

func (p Place) do(f func() error) error {
	if p.Enter == nil {
		return f()
	}
	return p.Enter(f)
}

// Options bound the end of a command. Zero values mean the defaults.
type Options struct {
	Place Place
	// Grace is the time from SIGTERM to SIGKILL; 0 is 2 s.
	Grace time.Duration
	// Drain is how long output is still awaited after the command itself
	// has ended while others hold its output open; 0 is 250 ms.
	Drain time.Duration
}

func (o Options) grace() time.Duration {
	if o.Grace > 0 {
		return o.Grace
	}
	return 2 * time.Second
}

func (o Options) drain() time.Duration {
	if o.Drain > 0 {
		return o.Drain
	}
	return 250 * time.Millisecond
}

// Run runs c and returns when it has ended. When ctx ends first, the whole tree
// is ended (SIGTERM, then SIGKILL after the grace) and the error wraps
// context.Canceled or context.DeadlineExceeded; the status is then that of the
// ended process. A program that is missing or may not be executed is an
// *executors.Error of code "not-found" or "permission".
func Run(ctx context.Context, c executors.Command, out executors.Output, o Options) (*executors.ExitStatus, error) {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return nil, &executors.Error{Code: "not-found", Op: "running a command", Message: "no program is given"}
	}
	if err := ctx.Err(); err != nil {
		return nil, stopped(ctx, c)
	}
	cookie := cookie(c.ID)
	cmd := command(c, cookie, o)
	pipes, err := openPipes(cmd, out)
	if err != nil {
		return nil, failure(c, err)
	}
	defer pipes.stop()
	err = o.Place.do(func() error { return start(cmd, c.Argv[0]) })
	pipes.started()
	if err != nil {
		return nil, failure(c, err)
	}
	pipes.copy()
	return wait(ctx, c, cmd, pipes, tree{root: cmd.Process.Pid, cookie: cookie}, o)
}

// wait waits for the process, or ends its tree, then for the output.
func wait(ctx context.Context, c executors.Command, cmd *exec.Cmd, pipes *pipes, t tree, o Options) (*executors.ExitStatus, error) {
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		disown(t.root)
		ended <- err
	}()
	select {
	case err := <-ended:
		// Descendants may be writing what belongs to the command (a
		// pipeline's last stage), or be daemons that never close it.
		pipes.wait(ctx, o.drain())
		return status(cmd.ProcessState), reap(c, err, pipes)
	case <-ctx.Done():
	}
	t.end(ended, o.grace())
	pipes.wait(context.Background(), o.drain())
	return status(cmd.ProcessState), stopped(ctx, c)
}

// reap tells a failure of waiting or of the output from a mere exit code.
func reap(c executors.Command, err error, p *pipes) error {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return failure(c, err)
	}
	if err := p.failed(); err != nil {
		return &executors.Error{Code: "protocol", Op: "reading the output of " + c.Argv[0], Err: err}
	}
	return nil
}

func command(c executors.Command, cookie string, o Options) *exec.Cmd {
	// WaitDelay: a daemon that inherits the input must not hold up Wait.
	cmd := &exec.Cmd{Args: c.Argv, Dir: c.Dir, WaitDelay: o.drain()}
	if len(c.Stdin) > 0 {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	cmd.Env = environment(c, cookie)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// environment is this process's, with c's added: of two values for a key the
// last one stands.
func environment(c executors.Command, cookie string) []string {
	env := append(os.Environ(), c.Env...)
	if c.Dir != "" && !has(c.Env, "PWD") {
		env = append(env, "PWD="+c.Dir)
	}
	return dedupe(append(env, Cookie+"="+cookie))
}

func has(env []string, key string) bool {
	for _, kv := range env {
		if strings.HasPrefix(kv, key+"=") {
			return true
		}
	}
	return false
}

func dedupe(env []string) []string {
	last := make(map[string]int, len(env))
	for i, kv := range env {
		key, _, _ := strings.Cut(kv, "=")
		last[key] = i
	}
	kept := env[:0:0]
	for i, kv := range env {
		key, _, found := strings.Cut(kv, "=")
		// A NUL would end the value early, or the whole environment.
		if found && last[key] == i && !strings.ContainsRune(kv, 0) {
			kept = append(kept, kv)
		}
	}
	return kept
}

// cookie is unique a run of the command, even where its ID is not.
func cookie(id string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '-'
		}
		return r
	}, id)
	return clean + "." + hex.EncodeToString(b[:])
}

// start looks the program up where the command will run, and starts it.
func start(cmd *exec.Cmd, program string) error {
	path, err := lookup(program, cmd.Dir, value(cmd.Env, "PATH"))
	if err != nil {
		return err
	}
	if cmd.Dir != "" {
		if info, err := os.Stat(cmd.Dir); err != nil {
			return err
		} else if !info.IsDir() {
			return &fs.PathError{Op: "chdir", Path: cmd.Dir, Err: syscall.ENOTDIR}
		}
	}
	cmd.Path = path
	return own(cmd, true)
}

func value(env []string, key string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], key+"="); ok {
			return v
		}
	}
	return ""
}

// lookup is execvp(3)'s search: a name with a slash is relative to dir, any
// other is looked for on path.
func lookup(program, dir, path string) (string, error) {
	if strings.Contains(program, "/") {
		full := program
		if !filepath.IsAbs(full) && dir != "" {
			full = filepath.Join(dir, program)
		}
		return full, executable(full)
	}
	if path == "" {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	var refused error
	for _, d := range filepath.SplitList(path) {
		if !filepath.IsAbs(d) {
			continue // never from the current directory
		}
		full := filepath.Join(d, program)
		if _, err := os.Stat(full); err != nil {
			continue // a folder that this user may not see has nothing for them
		}
		err := executable(full)
		if err == nil {
			return full, nil
		}
		refused = err
	}
	if refused != nil {
		return "", refused
	}
	return "", &exec.Error{Name: program, Err: exec.ErrNotFound}
}

// executable asks whether this user may execute the file.
func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) != nil {
		return &fs.PathError{Op: "exec", Path: path, Err: syscall.EACCES}
	}
	return nil
}
