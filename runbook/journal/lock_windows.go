package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile tries to take the file's lock, which ends with the open file. The
// byte locked lies far behind the content, which others may then still read.
func lockFile(f *os.File) (taken bool, err error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// unlockFile has nothing to do: the lock ends when the file is closed.
func unlockFile(*os.File) error { return nil }
