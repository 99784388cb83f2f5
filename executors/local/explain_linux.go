package local

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// explain gives an error of opening a target a code and a remedy.
func explain(op string, err error) error {
	var known *executors.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	e := &executors.Error{Code: "unreachable", Op: op, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNoNamespace):
		e.Code = "not-found"
		e.Remedy = "make the namespace with `ip netns add`, or set create: true on the target"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EPERM):
		e.Code = "permission"
		e.Remedy = "run stet as root, or set become: sudo on the target, or use a sandbox:// target"
	case errors.Is(err, os.ErrClosed):
		e.Message = "the host has been closed"
	}
	return e
}
