package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// archive writes the "newc" format that the kernel unpacks as its first file
// system (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w    io.Writer
	n    int // entries so far
	dirs map[string]bool
	err  error
}

const (
	modeDir  = 0o040000
	modeFile = 0o100000
)

// entry writes one file; data is nil for a folder.
func (a *archive) entry(name string, mode int, data []byte) {
	if a.err != nil {
		return
	}
	a.n++
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.n, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	for _, part := range [][]byte{padded([]byte(header)), padded(data)} {
		if _, err := a.w.Write(part); err != nil {
			a.err = err
			return
		}
	}
}

// padded fills up to a multiple of four bytes.
func padded(b []byte) []byte {
	return append(b[:len(b):len(b)], make([]byte, -len(b)&3)...)
}

// dir adds a folder and those above it.
func (a *archive) dir(name string) {
	if name == "." || name == "/" || a.dirs[name] {
		return
	}
	a.dir(path.Dir(name))
	if a.dirs == nil {
		a.dirs = map[string]bool{}
	}
	a.dirs[name] = true
	a.entry(name, modeDir|0o755, nil)
}

// file adds a copy of a file of this host.
func (a *archive) file(name, from string, perm int) {
	data, err := os.ReadFile(from)
	if err != nil && a.err == nil {
		a.err = err
	}
	name = strings.TrimPrefix(name, "/")
	a.dir(path.Dir(name))
	a.entry(name, modeFile|perm, data)
}

// close ends the archive.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}
