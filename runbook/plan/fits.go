package plan

import (
	"stet/executors/netstate"
)

// Fits reports whether a change, computed on a target as it is, is the one that
// was planned. What a plan cannot know is left open: the values that a link or
// its sysctls will have by themselves, when a step before makes the link.
func Fits(now, planned *netstate.Change) bool {
	if Same(now, planned) {
		return true
	}
	want := map[string]*netstate.Edit{}
	for e := range edits(planned) {
		want[Key(object(e))] = e
	}
	for e := range edits(now) {
		key := Key(object(e))
		p := want[key]
		if p == nil || !fits(e, p) {
			return false
		}
		delete(want, key)
	}
	for _, p := range want {
		if !open(p) { // it was to change, and does not
			return false
		}
	}
	return true
}

// edits are those of a change that do not follow from others.
func edits(c *netstate.Change) func(yield func(*netstate.Edit) bool) {
	return func(yield func(*netstate.Edit) bool) {
		if c == nil {
			return
		}
		for i := range c.Edits {
			if e := &c.Edits[i]; !e.Implied && !yield(e) {
				return
			}
		}
	}
}

func object(e *netstate.Edit) netstate.Object {
	if e.Op == netstate.Delete {
		return e.Before
	}
	return e.After
}

func fits(e, p *netstate.Edit) bool {
	if e.Op == p.Op && effect(e) == effect(p) {
		return true
	}
	if s, q := e.After.Sysctl, p.After.Sysctl; s != nil && q != nil {
		return s.Value == q.Value && open(p)
	}
	if e.Op != netstate.Modify || p.Op != netstate.Modify || e.Replaces != p.Replaces || e.After.Link == nil || p.After.Link == nil {
		return false
	}
	was, after := e.Before.Link.Attrs, e.After.Link.Attrs
	planned, asked := p.Before.Link.Attrs, p.After.Link.Attrs
	for k, v := range after {
		before, known := planned[k]
		if was[k] != v && (asked[k] != v || known && before != was[k]) {
			return false
		}
	}
	for k, v := range asked {
		if planned[k] != v && after[k] != v {
			return false
		}
	}
	return true
}

// open reports whether the plan did not know what there would be before.
func open(p *netstate.Edit) bool {
	if s := p.After.Sysctl; s != nil {
		return p.Before.Sysctl == nil || p.Before.Sysctl.Missing
	}
	if p.Op != netstate.Modify || p.After.Link == nil || p.Replaces {
		return false
	}
	for k, v := range p.After.Link.Attrs {
		if before, known := p.Before.Link.Attrs[k]; known && before != v {
			return false
		}
	}
	return true
}
