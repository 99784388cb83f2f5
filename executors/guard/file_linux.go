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

func (e entry) temporary(name string, v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
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
// stands. link(2) never replaces a file: of two that come at the same moment
// one wins, and both learn which.
func (e entry) decide(what string) (string, error) {
	temporary, err := e.temporary("decision", what)
	if err != nil {
		return "", err
	}
	defer os.Remove(temporary)
	err = os.Link(temporary, e.path("decision"))
	if err == nil {
		return what, syncDir(string(e))
	}
	if !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return e.decision()
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
