package linux

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// within runs f on a thread that is in the namespace with descriptor fd; below
// 0 it is the current one and f simply runs. f must not start goroutines that
// rely on the namespace.
func within(fd int, f func() error) error {
	if fd < 0 {
		return f()
	}
	result := make(chan error, 1)
	go func() { result <- onThread(fd, f) }()
	return <-result
}

// apart runs f on a thread that is in a network namespace of its own, which ends
// with f.
func apart(f func() error) error {
	result := make(chan error, 1)
	go func() { result <- onThread(-1, f) }()
	return <-result
}

// enterError says that f did not run.
type enterError struct{ err error }

func (e *enterError) Error() string { return "entering the network namespace: " + e.err.Error() }
func (e *enterError) Unwrap() error { return e.err }

// onThread enters the namespace, or below 0 a new one, runs f and returns. A thread that cannot go
// back stays locked: it ends with its goroutine instead of serving others from
// the wrong namespace.
func onThread(fd int, f func() error) error {
	runtime.LockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("opening the thread's own network namespace: %w", err)
	}
	defer func() { _ = unix.Close(home) }()
	if fd < 0 {
		err = unix.Unshare(unix.CLONE_NEWNET)
	} else {
		err = unix.Setns(fd, unix.CLONE_NEWNET)
	}
	if err != nil {
		runtime.UnlockOSThread()
		return &enterError{err}
	}
	err = f()
	if unix.Setns(home, unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread()
	}
	return err
}
