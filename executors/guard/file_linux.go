package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// entry is one guard's directory.
type entry string

func (e entry) path(name string) string { return filepath.Join(string(e), name) }

func (e entry) has(name string) bool {
	_, err := os.Lstat(e.path(name))
	return err == nil
}

// write makes a file that is complete whenever it is there, and on disk when
// write returns.
func (e entry) write(name string, v any) error {
	temporary, err := e.temporary(name, v)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, e.path(name)); err != nil {
		os.Remove(temporary)
		return err
	}
	return syncDir(string(e))
}

// reserved is the room that is kept from the beginning, in bytes, for what is
// written later: a guard on a disk that has become full must still be able to take
// a decision and to tell its outcome.
var reserved = map[string]int{"decision": 4 << 10, "outcome": 64 << 10}

// reserve keeps that room.
func (e entry) reserve() error {
	for name, size := range reserved {
		if err := os.WriteFile(e.path("room-for-"+name), make([]byte, size), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// temporary writes a file that is to be renamed. Where the disk is full, it takes
// the room that was kept for it.
func (e entry) temporary(name string, v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	path, err := e.create(name, b)
	if full(err) && os.Remove(e.path("room-for-"+name)) == nil {
		return e.create(name, b)
	}
	return path, err
}

func full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

func (e entry) create(name string, b []byte) (string, error) {
	f, err := os.CreateTemp(string(e), "."+name+"-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	// tmpfs and some network file systems have nothing to sync.
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

func (e entry) read(name string, v any) error {
	b, err := os.ReadFile(e.path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading %s: %w", e.path(name), err)
	}
	return nil
}

// decide makes the decision, unless there is one; it returns the one that
// stands. settle never replaces a file: of two that come at the same moment
// one wins, and both learn which.
func (e entry) decide(what string) (string, error) {
	temporary, err := e.temporary("decision", what)
	if err == nil {
		defer os.Remove(temporary)
		err = settle(temporary, e.path("decision"))
	}
	switch {
	case err == nil:
		return what, syncDir(string(e))
	case !errors.Is(err, fs.ErrExist) && !full(err):
		return "", err
	}
	// Somebody else has decided, perhaps with the room that was kept for it.
	made, derr := e.decision()
	if made == "" && derr == nil {
		return "", err
	}
	return made, derr
}

// settle gives a file its final name, unless there is one of that name. It needs
// no room, as link(2) does: a tmpfs counts each name of a file as an inode
// (shmem_link in the kernel's mm/shmem.c). File systems that do not know
// RENAME_NOREPLACE (renameat2(2)) have link(2).
func settle(temporary, path string) error {
	err := unix.Renameat2(unix.AT_FDCWD, temporary, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return os.Link(temporary, path)
	}
	if err != nil {
		return &os.LinkError{Op: "renameat2", Old: temporary, New: path, Err: err}
	}
	return nil
}

// decision is "" while nothing is decided.
func (e entry) decision() (string, error) {
	var what string
	err := e.read("decision", &what)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err == nil && what != confirm && what != revert {
		err = fmt.Errorf("reading %s: %q is no decision", e.path("decision"), what)
	}
	return what, err
}

// claim takes the lock that the guard's process holds while it lives. It fails
// with EWOULDBLOCK where somebody has it.
func (e entry) claim() (*os.File, error) {
	f, err := os.OpenFile(e.path("alive"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// alive reports whether a process holds the guard.
func (e entry) alive() bool {
	f, err := os.OpenFile(e.path("alive"), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	// A shared lock suffices to ask, and does not get into the way of others
	// who ask at the same moment.
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == unix.EWOULDBLOCK
}
