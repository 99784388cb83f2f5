package kept

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// entry is one command's directory.
type entry string

func (s *Store) entry(id string) entry {
	sum := sha256.Sum256([]byte(id))
	return entry(filepath.Join(s.dir, hex.EncodeToString(sum[:12])))
}

func (e entry) path(name string) string { return filepath.Join(string(e), name) }

func (e entry) has(name string) bool {
	_, err := os.Lstat(e.path(name))
	return err == nil
}

// write makes a file that is complete whenever it is there. It need not survive
// a power cut: the command does not either.
func (e entry) write(name string, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(e.path("."+name), b, 0o600)
	}
	if err == nil {
		err = os.Rename(e.path("."+name), e.path(name))
	}
	return err
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

// begin makes the directory of a command that is about to be run, and takes the
// lock that says that its runner lives.
func (s *Store) begin(id string) (entry, *os.File, error) {
	op := "beginning the command " + id
	e := s.entry(id)
	err := os.MkdirAll(s.dir, 0o700)
	if err == nil {
		if s.begun.Add(1)%pruneEvery == 1 {
			s.prune()
		}
		err = os.Mkdir(string(e), 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return "", nil, &executors.Error{Code: "changed", Op: op, Message: "it was begun before, and is not begun twice"}
	}
	var alive *os.File
	if err == nil {
		alive, err = os.OpenFile(e.path("alive"), os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err == nil {
		err = unix.Flock(int(alive.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		err = e.write("began", began{ID: id, At: time.Now().UTC(), Boot: bootID()})
	}
	if err != nil {
		if alive != nil {
			alive.Close()
		}
		os.RemoveAll(string(e))
		return "", nil, fmt.Errorf("%s: keeping a record of it: %w", op, err)
	}
	return e, alive, nil
}

// alive reports whether the process that runs the command lives.
func (e entry) alive() bool {
	fd, err := unix.Open(e.path("alive"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) == unix.EWOULDBLOCK
}

var bootID = sync.OnceValue(func() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "" // the same at every question
	}
	return strings.TrimSpace(string(b))
})

// prune forgets commands that ended long ago, or are too many. Those that were
// lost count from when they were begun.
func (s *Store) prune() {
	dirs, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	type old struct {
		e  entry
		at time.Time
	}
	var ended []old
	for _, d := range dirs {
		e := entry(filepath.Join(s.dir, d.Name()))
		alive := e.alive() // before the question for the exit
		info, err := os.Stat(e.path("exit"))
		if err != nil {
			info, err = os.Stat(e.path("began"))
		}
		if err != nil || alive {
			continue // it is being begun, or runs
		}
		ended = append(ended, old{e, info.ModTime()})
	}
	sort.Slice(ended, func(i, j int) bool { return ended[i].at.After(ended[j].at) })
	for i, o := range ended {
		if i >= keepMost || time.Since(o.at) > keepFor {
			os.RemoveAll(string(o.e))
		}
	}
}

// Forget removes the records of commands whose fate is known to who began them.
func (s *Store) Forget(ids []string) {
	for _, id := range ids {
		if e := s.entry(id); !e.alive() {
			os.RemoveAll(string(e))
		}
	}
	_ = os.Remove(s.dir) // stays where others have commands in it
}
