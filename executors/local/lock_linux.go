package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// takeLock takes the lock of a namespace: a flock, which ends with the process
// whatever ends it, on a file that tells who holds it.
func takeLock(dir, target string, l holder) (*os.File, error) {
	op := "locking " + target
	f, err := claim(dir)
	if errors.Is(err, unix.EWOULDBLOCK) {
		defer f.Close()
		return nil, held(op, f, l.Lock)
	}
	if err == nil {
		err = sign(f, l)
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return nil, &executors.Error{Code: "no-space", Op: op, Err: err, Message: "the disk is full there: " + err.Error(),
			Remedy: "make room in " + dir}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return f, nil
}

// claim opens and locks the file; with EWOULDBLOCK the file is that of the
// holder. One that its holder removed in between is not the lock any more: two
// would hold "the" lock, each on an inode of its own.
func claim(dir string) (f *os.File, err error) {
	const tries = 1000
	for range tries {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			f, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
			continue // the directory went in between
		}
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return f, err
		}
		if err == nil && sameFile(f) {
			return f, nil
		}
		f.Close()
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
	}
	return nil, errors.Join(errors.New("its file comes and goes"), err)
}

// sameFile reports whether f still is what its name leads to.
func sameFile(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(f.Name())
	return err == nil && os.SameFile(mine, named)
}

// sign writes who holds the lock; f is closed when that fails.
func sign(f *os.File, l holder) error {
	b, err := json.Marshal(l)
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err != nil {
		f.Close()
	}
	return err
}

// held explains who holds a lock.
func held(op string, f *os.File, mine executors.Lock) error {
	var l executors.Lock
	for range 10 { // who has just taken it is about to sign
		b, err := io.ReadAll(io.NewSectionReader(f, 0, 64<<10))
		if err == nil && json.Unmarshal(b, &l) == nil && l.Run != "" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return mine.Refused(op, l)
}

// releaseLock gives the lock back, and leaves nothing behind but guards.
func releaseLock(f *os.File) error {
	var err error
	if sameFile(f) {
		err = os.Remove(f.Name())
		_ = os.Remove(filepath.Dir(f.Name())) // stays where it holds guards
	}
	return errors.Join(err, f.Close())
}
