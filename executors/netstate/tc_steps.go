package netstate

import (
	"slices"
	"strings"
)

// TCStep is one message to the kernel on the way from one traffic control to
// another.
type TCStep struct {
	Op    Op
	Entry *TCEntry // what will be; of a deletion, what was
	Was   *TCEntry // of a Modify, what was. A qdisc's may have another handle: it is replaced
	// All is set for the deletion of all filters of a priority.
	All bool
}

// TCSteps are the messages of an edit of traffic control, in their order: new
// ones before old ones where both can be, and what goes along with its qdisc
// not at all.
func (e *Edit) TCSteps() []TCStep {
	before, after := e.Before.Traffic, e.After.Traffic
	if before == nil {
		before = &TrafficControl{}
	}
	if after == nil {
		after = &TrafficControl{}
	}
	s := &tcStepper{before: before, after: after, anew: map[string]bool{}}
	s.remade()
	s.qdiscsGone()
	s.made()
	s.filters()
	s.classesGone()
	return s.steps
}

type tcStepper struct {
	before, after *TrafficControl
	anew          map[string]bool // places of qdiscs that are deleted and made again
	steps         []TCStep
}

func (s *tcStepper) step(op Op, entry, was *TCEntry) {
	s.steps = append(s.steps, TCStep{Op: op, Entry: entry, Was: was})
}

func of(t *TrafficControl, object string) []*TCEntry {
	var out []*TCEntry
	for i := range t.entries() {
		if t.Entries[i].Object == object {
			out = append(out, &t.Entries[i])
		}
	}
	return out
}

// remade finds the qdiscs that cannot be changed into what they are to be.
func (s *tcStepper) remade() {
	for _, q := range of(s.before, TCQdisc) {
		now := s.after.at(TCQdisc, q.Parent)
		if now == nil {
			s.lastOfQueue(q)
			continue
		}
		if other := qdiscOf(s.before.Entries, now.Handle); other != nil && other.Parent != q.Parent && s.after.at(TCQdisc, other.Parent) != nil {
			s.anew[s.top(q).Parent] = true // the handle is another one's
		}
		if q.Handle == now.Handle && (q.Kind != now.Kind || fixedDiffers(q, now)) {
			s.anew[q.Parent] = true
		}
	}
	inner := map[string]bool{}
	for _, c := range of(s.before, TCClass) {
		inner[c.Parent] = true
		if now := s.after.at(TCClass, c.Handle); now != nil && (now.Parent != c.Parent || now.Kind != c.Kind || fixedDiffers(c, now)) {
			s.remakeOwner(c.Handle)
		}
	}
	for _, q := range of(s.after, TCQdisc) {
		if inner[q.Parent] && s.after.at(TCClass, q.Parent) != nil && strings.Contains(q.Parent, ":") {
			s.remakeOwner(q.Parent) // the class has others below it until the end
		}
	}
}

// lastOfQueue has an mq made again when a qdisc below it goes: the kernel would
// leave that queue without any, which drops all it is given (mq_graft,
// dev_graft_qdisc of net/sched).
func (s *tcStepper) lastOfQueue(q *TCEntry) {
	if !strings.Contains(q.Parent, ":") || s.after.at(TCQdisc, q.Parent) != nil {
		return
	}
	if owner := qdiscOf(s.before.Entries, major(q.Parent)); owner != nil && owner.Kind == "mq" {
		s.anew[owner.Parent] = true
	}
}

// remakeOwner has the qdisc made again that a class belongs to.
func (s *tcStepper) remakeOwner(class string) {
	if q := qdiscOf(s.before.Entries, major(class)); q != nil {
		s.anew[q.Parent] = true
	}
}

// top is the qdisc at the root above q.
func (s *tcStepper) top(q *TCEntry) *TCEntry {
	for range s.before.Entries {
		above := qdiscOf(s.before.Entries, major(q.Parent))
		if !strings.Contains(q.Parent, ":") || above == nil {
			break
		}
		q = above
	}
	return q
}

func fixedDiffers(a, b *TCEntry) bool {
	k := a.table()
	if k == nil {
		return !sameTCContent(a, b)
	}
	for i := range k.Attrs {
		f := &k.Attrs[i]
		x, y := Entry(a.Options).Field(f), Entry(b.Options).Field(f)
		if f.Set == OnCreate && x != y && (!f.Untold || x != "" && y != "") {
			return true
		}
	}
	return false
}

// lives tells that the qdisc with a handle stays, with what hangs on it.
func (s *tcStepper) lives(handle string) bool {
	for range len(s.before.Entries) + 1 {
		q := qdiscOf(s.before.Entries, handle)
		if q == nil || s.anew[q.Parent] {
			return false
		}
		now := s.after.at(TCQdisc, q.Parent)
		if now == nil || now.Handle != q.Handle || now.Kind != q.Kind {
			return false
		}
		if !strings.Contains(q.Parent, ":") {
			return true
		}
		handle = major(q.Parent)
	}
	return false
}

// stays tells that what an entry of before hangs on stays.
func (s *tcStepper) stays(e *TCEntry) bool {
	if !strings.Contains(e.Parent, ":") && e.Object == TCQdisc {
		return true
	}
	if e.Object == TCClass {
		return s.lives(major(e.Handle))
	}
	return s.lives(major(e.Parent))
}

func (s *tcStepper) qdiscsGone() {
	for _, q := range of(s.before, TCQdisc) {
		if s.stays(q) && (s.anew[q.Parent] || s.after.at(TCQdisc, q.Parent) == nil) {
			s.step(Delete, q, nil)
		}
	}
}

// made adds and changes qdiscs and classes, what others hang on first.
func (s *tcStepper) made() {
	qdiscs := of(s.after, TCQdisc)
	done := map[string]bool{"root": true, "ingress": true}
	for range s.after.Entries {
		for _, q := range qdiscs {
			if done[q.Parent] && !done[q.Handle] || done[major(q.Parent)] && !done[q.Handle] {
				done[q.Handle] = true
				s.qdisc(q)
				s.classes(q.Handle)
			}
		}
	}
}

func (s *tcStepper) qdisc(q *TCEntry) {
	was := s.before.at(TCQdisc, q.Parent)
	switch {
	case was == nil || s.anew[q.Parent] || !s.stays(was):
		s.step(Add, q, nil)
	case !sameTCEntry(was, q):
		s.step(Modify, q, was)
	}
}

// classes adds and changes those of a qdisc.
func (s *tcStepper) classes(handle string) {
	list := of(s.after, TCClass)
	done := map[string]bool{handle: true}
	for range list {
		for _, c := range list {
			if major(c.Handle) != handle || done[c.Handle] || !done[c.Parent] {
				continue
			}
			done[c.Handle] = true
			was := s.before.at(TCClass, c.Handle)
			switch {
			case was == nil || !s.lives(handle):
				s.step(Add, c, nil)
			case !sameTCEntry(was, c):
				s.step(Modify, c, was)
			}
		}
	}
}

func (s *tcStepper) classesGone() {
	var gone []*TCEntry
	for _, c := range of(s.before, TCClass) {
		if s.lives(major(c.Handle)) && s.after.at(TCClass, c.Handle) == nil {
			gone = append(gone, c)
		}
	}
	for range len(gone) {
		for i, c := range gone {
			if c != nil && !slices.ContainsFunc(gone, func(o *TCEntry) bool { return o != nil && o.Parent == c.Handle }) {
				s.step(Delete, c, nil)
				gone[i] = nil
			}
		}
	}
}

// filters changes those of each priority.
func (s *tcStepper) filters() {
	groups := map[string]bool{}
	var names []string
	for _, t := range []*TrafficControl{s.before, s.after} {
		for _, f := range of(t, TCFilter) {
			if !groups[f.group()] {
				groups[f.group()] = true
				names = append(names, f.group())
			}
		}
	}
	for _, name := range names {
		in := func(t *TrafficControl) (list []*TCEntry) {
			for _, f := range of(t, TCFilter) {
				if f.group() == name {
					list = append(list, f)
				}
			}
			return list
		}
		before := slices.DeleteFunc(in(s.before), func(f *TCEntry) bool { return !s.stays(f) })
		s.group(before, in(s.after))
	}
}

// group changes the filters of one priority.
func (s *tcStepper) group(before, after []*TCEntry) {
	all := len(before) > 0 && (len(after) == 0 || before[0].Kind != after[0].Kind || before[0].Protocol != after[0].Protocol ||
		before[0].Kind == "fw" && fixedDiffers(before[0], after[0]))
	if all {
		s.steps = append(s.steps, TCStep{Op: Delete, Entry: before[0], All: true})
		before = nil
	}
	find := func(list []*TCEntry, handle string) *TCEntry {
		for _, f := range list {
			if f.Handle == handle {
				return f
			}
		}
		return nil
	}
	for _, f := range after {
		was := find(before, f.Handle)
		switch {
		case was == nil:
			s.step(Add, f, nil)
		case sameTCEntry(was, f):
		case f.Kind == "flower" || f.Kind == "fw":
			s.step(Modify, f, was)
		case len(before) == 1:
			s.steps = append(s.steps, TCStep{Op: Delete, Entry: was, All: true})
			s.step(Add, f, nil)
		default:
			s.step(Delete, was, nil)
			s.step(Add, f, nil)
		}
	}
	for _, f := range before {
		if find(after, f.Handle) == nil {
			s.step(Delete, f, nil)
		}
	}
}
