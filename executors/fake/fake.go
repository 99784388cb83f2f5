// Package fake is a machine in memory. It holds a network state, changes it as
// netstate predicts, and keeps every edit as lines of ip(8): what a test reads
// to see what would have been done. It can be told to fail in the ways that a
// kernel and its users fail.
package fake

import (
	"context"
	"slices"
	"sync"
	"syscall"

	"stet/executors"
	"stet/executors/netstate"
)

// Machine is a machine in memory. Its methods may be called from several
// goroutines.
type Machine struct {
	mu    sync.Mutex
	state *netstate.State
	lines []string
	count int // of edits received, implied ones not counted
	marks map[int]mark
}

// mark is what happens at one edit.
type mark struct {
	errno   syscall.Errno
	text    string
	hang    bool
	drop    bool
	between func(*netstate.State)
}

// New makes a machine with a state, which is copied.
func New(s *netstate.State) *Machine {
	m := &Machine{state: &netstate.State{}, marks: map[int]mark{}}
	if s != nil {
		m.state = s.Clone()
	}
	m.state.Sort()
	return m
}

// State is a copy of the whole state.
func (m *Machine) State() *netstate.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Clone()
}

// Lines are the commands equivalent to the edits that were carried out.
func (m *Machine) Lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines)
}

// Count is the number of edits received, implied ones not counted, refused
// ones included.
func (m *Machine) Count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// Refuse makes the nth edit from now (the first is 1) fail once with an errno;
// text is what the kernel says in its extended acknowledgement, or "".
func (m *Machine) Refuse(n int, errno syscall.Errno, text string) {
	m.mark(n, mark{errno: errno, text: text})
}

// Hang makes the nth edit from now wait until its context ends.
func (m *Machine) Hang(n int) { m.mark(n, mark{hang: true}) }

// Drop makes the nth edit from now do nothing and report success.
func (m *Machine) Drop(n int) { m.mark(n, mark{drop: true}) }

// Between lets somebody else change the state right before the nth edit from
// now.
func (m *Machine) Between(n int, f func(*netstate.State)) { m.mark(n, mark{between: f}) }

// Meanwhile lets somebody else change the state now.
func (m *Machine) Meanwhile(f func(*netstate.State)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.state)
	m.state.Sort()
}

func (m *Machine) mark(n int, k mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.marks[m.count+n] = k
}

// Edit carries out edits in their order. Like the kernel it stops at the first
// that it refuses.
func (m *Machine) Edit(ctx context.Context, edits []netstate.Edit) (done int, err error) {
	for i := range edits {
		if err := ctx.Err(); err != nil {
			return i, context.Cause(ctx)
		}
		for _, one := range edits[i].Singly() {
			if err := m.edit(ctx, i, &one); err != nil {
				return i, err
			}
		}
	}
	return len(edits), nil
}

func (m *Machine) edit(ctx context.Context, index int, e *netstate.Edit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var k mark
	if !e.Implied {
		m.count++
		k = m.marks[m.count]
	}
	switch {
	case k.hang:
		m.mu.Unlock()
		<-ctx.Done()
		m.mu.Lock()
		return context.Cause(ctx)
	case k.errno != 0:
		return refusal(index, e, k.errno, k.text)
	case k.between != nil:
		k.between(m.state)
		m.state.Sort()
	}
	if errno := m.check(e); errno != 0 && !e.Implied {
		return refusal(index, e, errno, "")
	}
	change := &netstate.Change{Edits: []netstate.Edit{*e}}
	if !k.drop {
		m.state = netstate.Predict(m.state, change)
	}
	if !e.Implied {
		m.lines = append(m.lines, netstate.IP(change)...)
	}
	return nil
}

func refusal(index int, e *netstate.Edit, errno syscall.Errno, text string) error {
	r := &executors.EditError{Index: index, Edit: e.String(), Errno: int(errno), Message: errno.Error()}
	if text != "" {
		r.Message += ": " + text
	}
	return r
}
