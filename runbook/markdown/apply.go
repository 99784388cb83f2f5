package markdown

import (
	"fmt"
	"slices"
	"sort"

	"stet/executors"
	"stet/runbook"
)

// apply fills in what the attributes of each block mean, and what holds where
// they say nothing.
func (r *reading) apply(meta *runbook.Meta) {
	for i := range r.blocks {
		b := &r.blocks[i]
		r.defaults(b, meta)
		r.settings(b, meta)
		r.complete(b, meta)
	}
	r.references()
}

// defaults are set before the attributes, which may change them.
func (r *reading) defaults(b *block, meta *runbook.Meta) {
	b.OnFailure = runbook.Rollback
	if meta.Default.OnFailure != "" {
		b.OnFailure = meta.Default.OnFailure
	}
	if b.Kind.Changing() {
		b.Confirm = meta.Default.Confirm
	}
	if slices.Contains(targeted, b.Kind) {
		b.Parallel, b.MaxFailures = meta.Default.Parallel, meta.Default.MaxFailures
	}
	if b.Kind == runbook.RollbackBlock {
		b.Lang = "sh"
	}
}

func (r *reading) settings(b *block, meta *runbook.Meta) {
	first := map[string]runbook.Position{}
	for i := range b.attrs {
		a := &b.attrs[i]
		s := &setting{reading: r, meta: meta, b: b, a: a}
		m, ok := s.meaning()
		if !ok {
			continue
		}
		if at, twice := first[a.Key]; twice && a.Key != "env" {
			r.fault("duplicate-attribute", a.Span, fmt.Sprintf("%s is given twice; it already stands on line %d", a.Key, at.Line), "Keep one of them.")
			continue
		}
		first[a.Key] = a.Start
		if a.Bare && a.Key != "run" {
			r.fault("bad-value", a.Span, a.Key+" has no value", "Write "+a.Key+"=VALUE.")
			continue
		}
		m.set(s)
	}
}

// meaning finds the attribute's meaning for the block's kind.
func (s *setting) meaning() (meaning, bool) {
	var names []string
	other := false
	for _, m := range vocabulary {
		if slices.Contains(m.kinds, s.b.Kind) {
			if m.key == s.a.Key {
				return m, true
			}
			names = append(names, m.key)
		} else if m.key == s.a.Key {
			other = true
		}
	}
	here := span{Start: s.a.Span.Start, End: min(s.a.Span.Start+len(s.a.Key), s.a.Span.End)}
	switch {
	case s.a.class || other && s.a.Key == "run": // for a renderer; on a kind that runs anyway
		if other {
			s.warn("attribute", here, "run has no effect on a "+string(s.b.Kind)+" block", "Remove it.")
		}
	case other:
		s.fault("attribute", here, fmt.Sprintf("%s has no meaning on a %s block", s.a.Key, s.b.Kind), s.remedy("", names))
	default:
		s.fault("unknown-attribute", here, fmt.Sprintf("the attribute %q is not known", s.a.Key), s.remedy(s.a.Key, names))
	}
	return meaning{}, false
}

// complete sets what depends on the attributes.
func (r *reading) complete(b *block, meta *runbook.Meta) {
	given := func(key string) bool {
		return slices.ContainsFunc(b.attrs, func(a attr) bool { return a.Key == key })
	}
	if !given("timeout") && b.Kind != runbook.Manual {
		b.Timeout = DefaultTimeout
		if meta.Default.Timeout > 0 {
			b.Timeout = meta.Default.Timeout
		}
		b.Timeout = max(b.Timeout, b.Within+b.Hold)
	}
	if b.Kind == runbook.Check && b.Every == 0 && (b.Within > 0 || b.Hold > 0) {
		b.Every = DefaultEvery
	}
	if b.Kind == runbook.Run || b.Kind == runbook.RollbackBlock && b.Lang != string(runbook.Netconfig) {
		if b.Interp == "" {
			b.Interp = meta.Default.Interpreter[b.Lang]
		}
		if b.Interp == "" {
			b.Interp = b.Lang
		}
		if b.Interp == "" {
			r.fault("no-language", r.line(b.Span.Start), "this block does not say what runs it", "Name the language after the fence: ```sh { run }.")
		}
		if b.ExpectExit == nil {
			b.ExpectExit = []int{0}
		}
	}
	if len(b.On) == 0 && !given("on") && b.Kind != runbook.Manual && b.Kind != runbook.RollbackBlock {
		r.defaultTarget(b, meta)
	}
	if b.Kind == runbook.Netconfig && b.Confirm == 0 && !given("confirm") && remote(b, meta) {
		b.Confirm = DefaultConfirm
	}
}

// remote reports whether a block is for a host that is reached over a network,
// where a change can cut the way in.
func remote(b *block, meta *runbook.Meta) bool {
	on := make(map[string]bool, len(b.On))
	for _, name := range b.On {
		on[name] = true
	}
	return slices.ContainsFunc(meta.Targets, func(t executors.Target) bool {
		return t.Machine() != "" && t.Scheme() != "sandbox" && on[t.Name]
	})
}

func (r *reading) defaultTarget(b *block, meta *runbook.Meta) {
	switch {
	case len(meta.Default.On) > 0:
		for _, name := range meta.Default.On {
			found, _ := r.resolve(meta, name)
			b.On = union(b.On, found)
		}
	case len(meta.Targets) == 1:
		b.On = []string{meta.Targets[0].Name}
	case r.unread: // it may well name some
	case len(meta.Targets) == 0:
		r.fault("no-target", r.line(b.Span.Start), "there is no target to run this on",
			"Name one in the front matter: \"targets: {here: local}\".")
	default:
		r.fault("no-target", r.line(b.Span.Start), "this block does not say which target it is for",
			"Add on=NAME to it, or \"defaults: {on: NAME}\" to the front matter.")
	}
}

// references checks what blocks say of each other: names are unique, and a
// rollback undoes a block that is there.
func (r *reading) references() {
	byName := map[string]*block{}
	var names []string
	for i := range r.blocks {
		b := &r.blocks[i]
		if other := byName[b.Name]; other != nil {
			r.fault("duplicate-name", b.nameSpan(), fmt.Sprintf("the name %q is already used on line %d", b.Name, other.Start.Line), "Rename one of the blocks.")
			continue
		}
		byName[b.Name] = b
		if b.Kind.Changing() || b.Kind == runbook.Manual {
			names = append(names, b.Name)
		}
	}
	sort.Strings(names)
	var change *block
	for i := range r.blocks {
		b := &r.blocks[i]
		if b.Kind.Changing() {
			change = b
		}
		if b.Kind == runbook.RollbackBlock {
			r.undoes(b, change, byName, names)
		}
	}
}

// undoes finds the block that a rollback undoes; where it says no targets, it
// runs on those of that block.
func (r *reading) undoes(b, change *block, byName map[string]*block, names []string) {
	if b.For != "" {
		change = byName[b.For]
		i := slices.IndexFunc(b.attrs, func(a attr) bool { return a.Key == "for" })
		switch {
		case change == nil:
			r.fault("unknown-block", b.attrs[i].value, fmt.Sprintf("there is no block %q", b.For), r.remedy(b.For, names))
			return
		case !change.Kind.Changing() && change.Kind != runbook.Manual:
			r.fault("unknown-block", b.attrs[i].value, fmt.Sprintf("%s is a %s block, which changes nothing", b.For, change.Kind), r.remedy("", names))
			return
		}
	}
	if change == nil {
		r.fault("unknown-block", r.line(b.Span.Start), "there is no change before this rollback", "Put it after the block that it undoes, or add for=NAME.")
		return
	}
	if len(b.On) == 0 {
		b.On = slices.Clone(change.On)
	}
}

// nameSpan is where the block's name stands, or its first line.
func (b *block) nameSpan() span {
	for _, a := range b.attrs {
		if a.Key == "name" {
			return a.value
		}
	}
	return b.Span
}
