package plan

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
	"stet/runbook"
	"stet/runbook/check"
	"stet/runbook/markdown"
)

// Lint finds everything wrong with a document that can be found without its
// targets: the parser's diagnostics, and those of netconfig, expressions,
// templates, snapshots and of what needs a way back. Sorted by position.
// Files that blocks name are not read.
func Lint(d *runbook.Document) runbook.Diagnostics { return lint(d, nil) }

func lint(d *runbook.Document, open func(string) (io.ReadCloser, error)) runbook.Diagnostics {
	l := &linter{d: d, scopes: newScopes(d), open: open, diags: slices.Clone(d.Diagnostics)}
	l.names()
	for i := range d.Blocks {
		l.block(i)
	}
	return tidy(l.diags)
}

type linter struct {
	d      *runbook.Document
	scopes *scopes
	open   func(string) (io.ReadCloser, error) // nil: files are not read
	diags  runbook.Diagnostics
}

// tidy sorts by position and drops what was said already: once by the parser
// and once here, or once for each target.
func tidy(ds runbook.Diagnostics) runbook.Diagnostics {
	slices.SortStableFunc(ds, func(a, b runbook.Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Start.Line, b.Start.Line), cmp.Compare(a.Start.Column, b.Start.Column),
			strings.Compare(a.Code, b.Code), strings.Compare(a.Summary, b.Summary))
	})
	return slices.CompactFunc(ds, func(a, b runbook.Diagnostic) bool {
		return a.Start == b.Start && a.Code == b.Code && a.Summary == b.Summary
	})
}

// names finds registers that take a name which means something else already.
// The names of blocks are the parser's.
func (l *linter) names() {
	given := map[string]string{}
	for _, v := range l.d.Meta.Vars {
		given[v.Name] = "a variable"
	}
	for _, s := range l.d.Meta.Secrets {
		given[s.Name] = "a secret"
	}
	for i := range l.d.Blocks {
		b := &l.d.Blocks[i]
		if what, ok := given[b.Register]; ok {
			l.add(attrPosition(b, "register"), "duplicate-name",
				fmt.Sprintf("register=%s takes the name of %s", b.Register, what), "Choose another name.")
		}
	}
}

// allowance refuses max-failures where it means nothing: what looks at a change
// belongs to its group, which has one count of failures.
func (l *linter) allowance(i int) {
	b := &l.d.Blocks[i]
	given := slices.ContainsFunc(b.Attrs, func(a runbook.Attr) bool { return a.Key == "max-failures" })
	if !given || b.Kind.Changing() {
		return
	}
	for j := i - 1; j >= 0; j-- {
		if change := &l.d.Blocks[j]; change.Kind.Changing() {
			l.add(attrPosition(b, "max-failures"), "bad-value", fmt.Sprintf("%s belongs to the group of %s, which has one count of failures", b.Name, change.Name),
				fmt.Sprintf("Write max-failures on %s (line %d); a check or a snapshot has its own only before the first change.", change.Name, change.Start.Line))
			return
		}
	}
}

func (l *linter) block(i int) {
	b := &l.d.Blocks[i]
	targets := l.targets(b)
	l.allowance(i)
	l.empty(b)
	switch b.Kind {
	case runbook.Netconfig:
		l.netconfig(i, targets, b)
	case runbook.Check:
		l.check(i, targets)
	case runbook.Snapshot:
		l.problems(b, check.CheckSnapshot(b.Body))
	case runbook.RollbackBlock:
		l.rollback(i, targets)
	case runbook.Run:
		l.run(i, targets)
	case runbook.Manual:
	}
}

// targets are those of a block that exist; the parser faults the others.
// Without any there is one zero Target, so that the body is looked at all the
// same.
func (l *linter) targets(b *runbook.Block) []executors.Target {
	var out []executors.Target
	for _, name := range b.On {
		if t, ok := Target(l.d, name); ok {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		out = append(out, executors.Target{})
	}
	return out
}

func (l *linter) check(i int, targets []executors.Target) {
	b := &l.d.Blocks[i]
	for _, t := range targets {
		_, ps := check.Compile(b.Body, l.scopes.namesAt(i, t))
		l.problems(b, ps)
	}
}

// rollback checks a rollback block. It may use what the step that it undoes
// prints, also when it stands above it.
func (l *linter) rollback(i int, targets []executors.Target) {
	b := &l.d.Blocks[i]
	at := i
	for j := range l.d.Blocks {
		if l.d.Blocks[j].Name == b.For {
			at = max(at, j+1)
		}
	}
	if b.Lang == "netconfig" {
		l.netconfig(at, targets, b)
		return
	}
	for _, t := range targets {
		l.problems(b, check.CheckTemplate(b.Body, l.scopes.namesAt(at, t)))
	}
}

// run checks what of a command step is not the interpreter's business.
func (l *linter) run(i int, targets []executors.Target) {
	b := &l.d.Blocks[i]
	fields := map[string][]string{"cwd": {b.Dir}, "stdin": {b.Stdin}, "env": b.Env}
	for _, key := range []string{"cwd", "stdin", "env"} {
		for _, text := range fields[key] {
			for _, t := range targets {
				for _, p := range check.CheckTemplate(text, l.scopes.namesAt(i, t)) {
					l.add(attrPosition(b, key), p.Code, p.Summary, p.Detail)
				}
			}
		}
	}
	if !explicit(b, "confirm") || b.Confirm == 0 {
		return
	}
	for _, g := range Groups(l.d) {
		for _, r := range Rollbacks(&g, b.Name) {
			if r.Block.Lang != "netconfig" {
				return
			}
		}
	}
	l.add(attrPosition(b, "confirm"), "no-way-back", "confirm needs a way back, and this step has none",
		"Add a rollback block of shell commands after it, which the guard runs unless the step is confirmed.")
}

// netconfig checks a body of network state, which may use the names that the
// block at index i may.
func (l *linter) netconfig(i int, targets []executors.Target, b *runbook.Block) {
	if !strings.Contains(b.Body, "${") {
		_, ps := netyaml.DecodeFiles(b.Body, l.open)
		l.netProblems(b, b.Body, ps)
		return
	}
	for _, t := range targets {
		names := l.scopes.namesAt(i, t)
		ps := check.CheckTemplate(b.Body, names)
		l.problems(b, ps)
		if len(ps) > 0 || usesAny(b.Body, names.Registers) || len(check.FactPaths(b.Body)) > 0 || t.Name == "" {
			continue // what it will be is known later
		}
		body, ps := check.Expand(b.Body, check.Env{Vars: names.Vars, Target: t})
		l.problems(b, ps)
		if len(ps) > 0 {
			continue
		}
		body = single(l.d, body)
		c, nps := netyaml.DecodeFiles(body, l.open)
		l.netProblems(b, body, nps)
		l.noSecrets(b, c)
	}
}

// noSecrets refuses secrets in network state, but for keys: anywhere else they
// would end up in the kernel, in diffs and in the record of what was there, for
// anyone to read.
func (l *linter) noSecrets(b *runbook.Block, c *netstate.Config) {
	for _, s := range l.d.Meta.Secrets {
		if c.Shows(netstate.Unknown(s.Name)) {
			l.add(b.Start, "secret", fmt.Sprintf("the secret %s is used in netconfig where no key belongs", s.Name),
				"Only attributes that are keys keep a secret (docs/reference/netconfig.md says which); use a variable, or a run block.")
		}
	}
}

// single puts what YAML takes for a single value in the place of secrets that
// are not given.
func single(d *runbook.Document, body string) string {
	for _, s := range d.Meta.Secrets {
		body = strings.ReplaceAll(body, "[redacted:"+s.Name+"]", netstate.Unknown(s.Name))
	}
	return body
}

func usesAny(body string, registers []string) bool {
	return slices.ContainsFunc(check.References(body), func(r string) bool { return slices.Contains(registers, r) })
}

func (l *linter) add(at runbook.Position, code, summary, detail string) {
	if at.Line == 0 {
		at = runbook.Position{Line: 1, Column: 1}
	}
	l.diags = append(l.diags, runbook.Diagnostic{
		Severity: runbook.Fault, Code: code, Path: l.d.Path,
		Start: at, End: at, Summary: summary, Detail: detail,
	})
}

func (l *linter) problems(b *runbook.Block, ps []check.Problem) {
	for _, p := range ps {
		start := markdown.BodyPosition(l.d, b, p.Line, p.Column)
		end := start
		if p.EndColumn > p.Column {
			end.Column += p.EndColumn - p.Column
		}
		l.diags = append(l.diags, runbook.Diagnostic{
			Severity: runbook.Fault, Code: p.Code, Path: l.d.Path,
			Start: start, End: end, Summary: p.Summary, Detail: p.Detail,
		})
	}
}

func (l *linter) netProblems(b *runbook.Block, expanded string, ps []netstate.Problem) {
	for _, p := range ps {
		start := netPosition(l.d, b, expanded, p.Pos)
		l.add(start, p.Code, p.Summary, p.Detail)
		if p.Pos.Line > 0 {
			l.diags[len(l.diags)-1].End = markdown.BodyWord(l.d, b, p.Pos.Line, start)
		}
	}
}

// netPosition is the place in the document of a place in a block's body with
// ${…} filled in: the same line and, where the line was changed before it, the
// column where the change begins.
func netPosition(d *runbook.Document, b *runbook.Block, expanded string, p netstate.Pos) runbook.Position {
	if p.Line == 0 {
		return b.Start
	}
	if expanded != b.Body {
		was, is := lineOf(b.Body, p.Line), lineOf(expanded, p.Line)
		same := 0
		for same < len(was) && same < len(is) && was[same] == is[same] {
			same++
		}
		if same < len(was) || same < len(is) {
			p.Column = min(p.Column, same+1)
		}
	}
	return markdown.BodyPosition(d, b, p.Line, max(p.Column, 1))
}

func lineOf(s string, n int) []rune {
	for ; n > 1; n-- {
		_, rest, ok := strings.Cut(s, "\n")
		if !ok {
			return nil
		}
		s = rest
	}
	line, _, _ := strings.Cut(s, "\n")
	return []rune(line)
}

func attrPosition(b *runbook.Block, key string) runbook.Position {
	for _, a := range b.Attrs {
		if a.Key == key {
			return a.Start
		}
	}
	return b.Start
}

func explicit(b *runbook.Block, key string) bool {
	return slices.ContainsFunc(b.Attrs, func(a runbook.Attr) bool { return a.Key == key })
}
