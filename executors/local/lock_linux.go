package local

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// takeLock takes the lock of a namespace: a flock, which ends with the process
// whatever ends it, on a file that tells who holds it.
func takeLock(dir, target string, l executors.Lock) (*os.File, error) {
	op := "locking " + target
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if err != unix.EWOULDBLOCK {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		return nil, held(op, f)
	}
	b, err := json.Marshal(l)
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return f, nil
}

// held explains who holds a lock.
func held(op string, f *os.File) error {
	e := &executors.Error{Code: "locked", Op: op, Message: "another operation holds it",
		Remedy: "wait until it has ended, or end it"}
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	var l executors.Lock
	if err == nil && json.Unmarshal(b, &l) == nil && l.Run != "" {
		e.Message = fmt.Sprintf("%s holds it since %s for %s (run %s)", l.Operator, l.Since, l.Document, l.Run)
	}
	return e
}

// releaseLock empties the file and gives the lock back. The file stays:
// removing it would let two hold "the" lock, each on its own inode.
func releaseLock(f *os.File) error {
	_ = f.Truncate(0)
	return f.Close()
}
