package local

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"stet/executors"
)

// newSudo starts the helper as root.
func newSudo(ctx context.Context, o HostOptions) (executors.Opener, error) {
	const op = "becoming root with sudo"
	argv, err := program(o.Program)
	if err != nil {
		return nil, err
	}
	args, err := helperArgs(argv, "serve", o.Grace)
	if err != nil {
		return nil, err
	}
	sudo, err := exec.LookPath("sudo")
	if err != nil {
		return nil, &executors.Error{Code: "not-found", Op: op, Message: "there is no sudo here",
			Remedy: "install sudo, or run stet as root, or use a sandbox:// target"}
	}
	cmd := exec.Command(sudo, append([]string{"-n", "--", argv[0]}, args...)...)
	cmd.Env = append(os.Environ(), LanguageVar+"="+cmp.Or(os.Getenv("LC_ALL"), NoLanguage), "LC_ALL=C")
	// A process group of its own keeps ^C at the terminal from it; the session
	// stays, because sudo may remember the password by terminal.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h, err := startHelper(ctx, cmd, o.Stderr)
	if err == nil {
		return h, nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return nil, refusedBySudo(op, h.said.String(), err)
}

// refusedBySudo explains what sudo said.
func refusedBySudo(op, said string, err error) error {
	e := &executors.Error{Code: "permission", Op: op, Message: said, Err: err}
	switch {
	case strings.Contains(said, "password is required"):
		e.Message = "sudo wants a password"
		e.Remedy = "run `sudo -v` in this terminal first, or allow it without a password (NOPASSWD in sudoers)"
	case strings.Contains(said, "not in the sudoers"), strings.Contains(said, "not allowed"), strings.Contains(said, "may not run"):
		e.Remedy = "have the administrator allow it in sudoers, or use a sandbox:// target"
	case strings.Contains(said, "terminal is required"), strings.Contains(said, "have a tty"):
		e.Remedy = "the helper is started without a terminal: allow that with a line such as Defaults:USER !requiretty in sudoers"
	case said == "":
		e.Code, e.Message = "protocol", ""
	default: // another language, another plugin
		e.Remedy = "see what `sudo -n true` says for this user, or use a sandbox:// target"
	}
	return e
}
