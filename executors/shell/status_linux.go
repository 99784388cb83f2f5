package shell

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// status turns a wait status into the shell's convention: 128 plus the signal's
// number for a process that a signal ended. It is nil for one that was never
// waited for.
func status(s *os.ProcessState) *executors.ExitStatus {
	if s == nil {
		return nil
	}
	w, ok := s.Sys().(syscall.WaitStatus)
	if !ok || !w.Signaled() {
		return &executors.ExitStatus{Code: s.ExitCode()}
	}
	name := unix.SignalName(w.Signal())
	if name == "" {
		name = "SIG" + strconv.Itoa(int(w.Signal()))
	}
	return &executors.ExitStatus{Code: 128 + int(w.Signal()), Signal: name}
}

// failure explains why a command could not be run.
func failure(c executors.Command, err error) error {
	e := &executors.Error{Code: "protocol", Op: "running " + c.Argv[0], Err: err}
	var path *fs.PathError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		e.Code, e.Message = "not-found", "no such program on the target's PATH"
		e.Remedy = "install it, or give its full path"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		e.Code = "not-found"
		if errors.As(err, &path) {
			e.Message = path.Path + ": " + path.Err.Error()
		}
	case errors.Is(err, fs.ErrPermission):
		e.Code = "permission"
	case errors.Is(err, syscall.E2BIG):
		e.Code, e.Message = "unsupported", "the arguments and the environment are longer than the kernel takes"
		e.Remedy = "pass large values through stdin"
	case errors.Is(err, syscall.ENOEXEC):
		e.Code, e.Message = "unsupported", "the file is neither a program nor a script with a #! line"
	}
	return e
}

// stopped is the error of a command that was ended because ctx was.
func stopped(ctx context.Context, c executors.Command) error {
	err := ctx.Err()
	e := &executors.Error{Code: "timeout", Op: "running " + c.Argv[0], Err: err}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Message = "the time is up; it was ended with all it had started"
	} else {
		e.Message = "it was ended with all it had started"
	}
	return e
}
