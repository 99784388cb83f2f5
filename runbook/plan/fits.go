package plan

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"stet/executors/netstate"
)

// Fits reports whether a change, computed on a target as it is, is the one that
// was planned. What a plan cannot know for certain is left open: the values that
// a link or its sysctls will have by themselves, when a step before makes the
// link.
func Fits(now, planned *netstate.Change) bool {
	if Same(now, planned) {
		return true
	}
	now, planned = now.Singly(), planned.Singly()
	want := byKey(planned)
	for e := range edits(now) {
		if !take(want, e) {
			return false
		}
	}
	for _, left := range want {
		if slices.ContainsFunc(left, func(p *netstate.Edit) bool { return !open(p) }) {
			return false // it was to change, and does not
		}
	}
	return true
}

// Within reports whether all that now does was planned: a part of it may hold
// already.
func Within(now, planned *netstate.Change) bool {
	now, planned = now.Singly(), planned.Singly()
	want := byKey(planned)
	for e := range edits(now) {
		if !take(want, e) {
			return false
		}
	}
	return true
}

// byKey are a change's edits by their objects, which may have several.
func byKey(c *netstate.Change) map[string][]*netstate.Edit {
	m := map[string][]*netstate.Edit{}
	for e := range edits(c) {
		key := Key(object(e))
		m[key] = append(m[key], e)
	}
	return m
}

// take finds the planned edit that e is, and takes it out.
func take(want map[string][]*netstate.Edit, e *netstate.Edit) bool {
	key := Key(object(e))
	at := slices.IndexFunc(want[key], func(p *netstate.Edit) bool { return fits(e, p) })
	if at < 0 {
		return false
	}
	want[key] = slices.Delete(want[key], at, at+1)
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
	if e.Op == p.Op && sameText(effect(e), effect(p)) {
		return true
	}
	if x, y := e.After.Xfrm, p.After.Xfrm; x != nil && y != nil {
		return e.Op == p.Op && sameTabled(x, y) && (e.Op == netstate.Add || sameTabled(e.Before.Xfrm, p.Before.Xfrm))
	}
	if s, q := e.After.Sysctl, p.After.Sysctl; s != nil && q != nil {
		return s.Value == q.Value && open(p)
	}
	if e.Op != netstate.Modify || p.Op != netstate.Modify || e.Replaces != p.Replaces || e.After.Link == nil || p.After.Link == nil ||
		e.Before.Link == nil || p.Before.Link == nil {
		return false
	}
	was, after := e.Before.Link.Attrs, e.After.Link.Attrs
	planned, asked := p.Before.Link.Attrs, p.After.Link.Attrs
	for k, v := range after {
		before, known := planned[k]
		known = known && !slices.Contains(p.Before.Link.Assumed, k)
		if was[k] != v && (!sameText(v, asked[k]) || known && before != was[k]) {
			return false
		}
	}
	for k, v := range asked {
		if planned[k] != v && !sameText(after[k], v) && !slices.Contains(p.After.Link.Assumed, k) {
			return false
		}
	}
	return true
}

// open reports whether the plan did not know, or only assumed, what there would
// be before.
func open(p *netstate.Edit) bool {
	if strings.Contains(effect(p), untold) {
		return true // the key may be the one that is there
	}
	if s := p.After.Sysctl; s != nil {
		return p.Before.Sysctl == nil || p.Before.Sysctl.Missing || p.Before.Sysctl.Assumed
	}
	if p.Op != netstate.Modify || p.After.Link == nil || p.Before.Link == nil || p.Replaces {
		return false
	}
	for k, v := range p.After.Link.Attrs {
		if before, known := p.Before.Link.Attrs[k]; known && before != v && !slices.Contains(p.Before.Link.Assumed, k) {
			return false
		}
	}
	return true
}

// untold begins what stands in a plan for a key whose value is not fetched yet:
// that of a command, which is run only once the plan is agreed to.
var untold = strings.TrimSuffix(netstate.Unknown(""), ">")

// placeholder finds them.
var placeholder = regexp.MustCompile(regexp.QuoteMeta(untold) + "[^>]*>")

// sameText compares texts, of which the planned one may have placeholders for
// keys. The other has their fingerprints there.
func sameText(now, planned string) bool {
	parts := placeholder.Split(planned, -1)
	for i, part := range parts {
		rest, ok := strings.CutPrefix(now, part)
		if !ok {
			return false
		}
		now = rest
		if i == len(parts)-1 {
			break
		}
		const length = len("sha256:") + 32
		if len(now) < length || !netstate.IsFingerprint(now[:length]) {
			return false
		}
		now = now[length:]
	}
	return now == ""
}

// sameTabled takes an endpoint of Multipath TCP as planned whatever its number, if
// the plan could not know that: the kernel had yet to choose it.
func sameTabled(now, planned *netstate.Xfrm) bool {
	if planned.Sort == netstate.MPTCPEndpoint && planned.Attrs["id"] == "" {
		known := maps.Clone(now.Attrs)
		delete(known, "id")
		return sameAttrs(known, planned.Attrs)
	}
	return sameAttrs(now.Attrs, planned.Attrs)
}

func sameAttrs(now, planned netstate.Attrs) bool {
	return maps.EqualFunc(now, planned, sameText)
}
