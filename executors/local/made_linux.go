package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// made is the record of a namespace that stet made, kept where it survives the
// process. The open file holds a flock: a record that can be locked belongs to
// a process that is gone.
type made struct {
	Name string `json:"name"`
	// Key tells the namespace that was made from a later one of that name.
	Key  string    `json:"key"`
	Time time.Time `json:"time"`
	PID  int       `json:"pid"`

	file *os.File
	keep bool
}

// record writes that name is about to be made. It is called before, and again
// with the key after: a crash between leaves a record without one, and the
// namespace, if it got as far, is empty.
func (h *Host) record(name string) (*made, error) {
	dir := filepath.Join(h.state, "made")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return &made{Name: name, Time: time.Now(), PID: os.Getpid(), file: f}, nil
}

func (m *made) write() error {
	b, err := json.Marshal(m)
	if err == nil {
		err = m.file.Truncate(0)
	}
	if err == nil {
		_, err = m.file.WriteAt(b, 0)
	}
	if err == nil {
		err = m.file.Sync()
	}
	return err
}

// drop removes the record.
func (m *made) drop() {
	os.Remove(m.file.Name())
	m.file.Close()
}

// make makes the namespace and its record.
func (h *Host) make(name string) (*made, error) {
	m, err := h.record(name)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("another operation is making %s", name)
	}
	if err != nil {
		return nil, err
	}
	if err = m.write(); err == nil {
		err = addNamed(name)
	}
	if err != nil {
		m.drop()
		return nil, err
	}
	s, err := openNamed(name)
	if err == nil {
		m.Key = s.key
		s.close()
		err = m.write()
	}
	if err != nil {
		err = errors.Join(err, removeNamed(name))
		m.drop()
		return nil, err
	}
	return m, nil
}

// adopt takes over the record of a namespace that an earlier process made and
// did not remove. It returns nil where there is none, or its owner lives.
func (h *Host) adopt(name, key string) *made {
	path := filepath.Join(h.state, "made", name)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	m := &made{file: f}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		f.Close()
		return nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) { // removed between
		f.Close()
		return nil
	}
	if json.Unmarshal(b, m) != nil || m.Key != "" && m.Key != key {
		m.drop() // of a namespace that is gone
		return nil
	}
	m.file, m.Name, m.Key, m.PID = f, name, key, os.Getpid()
	if m.write() != nil {
		f.Close()
		return nil
	}
	return m
}
