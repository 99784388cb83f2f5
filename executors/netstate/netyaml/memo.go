package netyaml

import (
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

// memo holds what was decoded last, the latest at its end. What was read from
// files is never in it.
type memo struct {
	mu   sync.Mutex
	list []decoded
	size int
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
	return d, false
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
