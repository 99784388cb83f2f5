package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"stet/executors"
)

// LockedError says that another operation on the document is running.
type LockedError struct {
	Document string
	Holder   executors.Lock
}

// Error implements error.
func (e *LockedError) Error() string {
	switch {
	case e.Holder.Operator == "":
		return fmt.Sprintf("locking %s: another operation on it is running", e.Document)
	case e.Holder.Run == "":
		return fmt.Sprintf("locking %s: %s has been at work on it since %s", e.Document, e.Holder.Operator, e.Holder.Since)
	}
	return fmt.Sprintf("locking %s: %s has been running operation %s on it since %s",
		e.Document, e.Holder.Operator, e.Holder.Run, e.Holder.Since)
}

// patiently tries for a moment: a child of a process that has just ended holds
// its parent's lock between fork and exec.
func patiently(f *os.File) (taken bool, err error) {
	for range 10 {
		if taken, err = lockFile(f); taken || err != nil {
			return taken, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false, nil
}

// Lock takes a document for one operation, until release is called or the
// process ends, however it ends. A second taker gets a *LockedError.
func Lock(stateDir, document string, holder executors.Lock) (release func() error, err error) {
	id, err := identity(document)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(stateDir, "locks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of locks: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, id+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the document: %w", err)
	}
	taken, err := patiently(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the document: %w", err), f.Close())
	}
	if !taken {
		held := &LockedError{Document: document}
		if b, err := io.ReadAll(io.LimitReader(f, 1<<16)); err == nil {
			_ = json.Unmarshal(b, &held.Holder) // being written: then nobody is named
		}
		return nil, errors.Join(held, f.Close())
	}
	b, err := json.Marshal(holder)
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the document: %w", err), f.Close())
	}
	// Given back before it is closed: a child between fork and exec has it open,
	// too.
	return func() error { return errors.Join(unlockFile(f), f.Close()) }, nil
}

// Held reports whether an operation on the document that dir is an operation of
// is running now: whether somebody has what Lock gives.
func Held(dir string) (bool, error) {
	folder := filepath.Dir(dir)
	state := filepath.Dir(filepath.Dir(folder))
	f, err := os.OpenFile(filepath.Join(state, "locks", filepath.Base(folder)+".lock"), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the document's lock: %w", err)
	}
	defer f.Close()
	taken, err := patiently(f)
	if err != nil {
		return false, fmt.Errorf("looking at the document's lock: %w", err)
	}
	return !taken, nil
}
