package netyaml

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"

	"stet/executors/netstate"
)

// A block is decoded when its document is checked, when it is planned and when
// it is applied, and on each of its hosts: mostly the same text.
const (
	memoBlocks = 16
	memoBytes  = 4 << 20
)

type decoded struct {
	body     string
	config   *netstate.Config
	problems []netstate.Problem
}

// holds tells that the files that were read are still what they were, byte by byte.
func (d *decoded) holds(open func(path string) (io.ReadCloser, error)) bool {
	for _, file := range d.config.Files {
		if open == nil || !same(file, open) {
			return false
		}
	}
	return true
}

func same(file netstate.File, open func(path string) (io.ReadCloser, error)) bool {
	f, err := open(file.Name)
	if err != nil {
		return false // whoever reads it says so
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return f.Close() == nil && err == nil && hex.EncodeToString(sum.Sum(nil)) == file.SHA256
}

// memo holds what was decoded last, the latest at its end. Of those that name
// files, which may be large, it holds one.
type memo struct {
	mu    sync.Mutex
	list  []decoded
	size  int
	table decoded
}

var latest memo

func (m *memo) get(body string) (d decoded, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.list {
		if d.body == body {
			return d, true
		}
	}
	return m.table, m.table.config != nil && m.table.body == body
}

func (m *memo) putTable(d decoded) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.table = d
}

func (m *memo) put(d decoded) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(d.body) > memoBytes {
		return
	}
	m.list = append(m.list, d)
	m.size += len(d.body)
	for len(m.list) > memoBlocks || m.size > memoBytes {
		m.size -= len(m.list[0].body)
		m.list[0] = decoded{}
		m.list = m.list[1:]
	}
}
