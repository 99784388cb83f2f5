package plan

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/check"
)

// Facts looks at the machines of the targets on which a step of groups uses
// facts of them, many at once. A target that is not looked at is not in it; those
// that could not be are in the errors, by target.
func Facts(ctx context.Context, d *runbook.Document, groups []runbook.Group, observers map[string]executors.Observer) (map[string]*runbook.Facts, map[string]error) {
	wanted, sc := map[string][]check.Path{}, newScopes(d)
	for gi := range groups {
		for si := range groups[gi].Steps {
			s := &groups[gi].Steps[si]
			for _, t := range s.Targets {
				wanted[t.Target] = append(wanted[t.Target], sc.factPaths(&s.Block, t.Target)...)
			}
		}
	}
	found := map[string]*runbook.Facts{}
	var mu sync.Mutex
	faults := map[string]error{}
	room := make(chan struct{}, DefaultParallel)
	var all sync.WaitGroup
	for _, t := range d.Meta.Targets {
		paths := wanted[t.Name]
		if len(paths) == 0 {
			continue
		}
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			o, ok := observers[t.Name]
			err := errors.New("it was not opened")
			var f *runbook.Facts
			if ok {
				f, err = check.Look(ctx, o, paths)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				faults[t.Name] = fmt.Errorf("looking at the machine of %s: %w", t.Name, err)
				return
			}
			found[t.Name] = f
		})
	}
	all.Wait()
	return found, faults
}

// factPaths are the facts of its target's machine that a block uses.
func (sc *scopes) factPaths(b *runbook.Block, target string) []check.Path {
	texts := append([]string{b.Dir, b.Stdin}, b.Env...)
	var paths []check.Path
	switch b.Kind {
	case runbook.Check:
		texts = nil
		if !strings.Contains(b.Body, "target") {
			break
		}
		t, _ := Target(sc.d, target)
		if program, ps := check.Compile(b.Body, sc.namesOf(b, t)); len(ps) == 0 {
			paths = program.FactPaths()
		}
	case runbook.Netconfig, runbook.RollbackBlock:
		texts = append(texts, b.Body)
	case runbook.Run, runbook.Snapshot, runbook.Manual:
	}
	for _, text := range texts {
		paths = append(paths, check.FactPaths(text)...)
	}
	for _, name := range FactVariables(b) {
		paths = append(paths, check.Path{strings.ToLower(strings.TrimPrefix(name, factVariable))})
	}
	return paths
}

// factVariable begins the names of environment variables that hold facts:
// STET_TARGET_KERNEL is ${target.kernel}.
const factVariable = "STET_TARGET_"

var factVariablePattern = regexp.MustCompile(factVariable + `[A-Z0-9]+`)

// FactVariables are the environment variables with facts of the target's
// machine that the text of a command names, and that it therefore gets.
func FactVariables(b *runbook.Block) []string {
	if b.Kind == runbook.Netconfig || b.Kind == runbook.Manual || !strings.Contains(b.Body, factVariable) {
		return nil
	}
	names := factVariablePattern.FindAllString(b.Body, -1)
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return !check.IsFact(strings.ToLower(strings.TrimPrefix(name, factVariable)))
	})
}

// know looks at the machines, and finds which of them are missing.
func (b *builder) know(ctx context.Context, groups []runbook.Group, observers map[string]executors.Observer) error {
	facts, faults := Facts(ctx, b.d, groups, observers)
	b.facts = facts
	for name, err := range faults {
		if _, known := b.missing[name]; !known {
			b.missing[name] = Lost(name, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("looking at the targets: %w", err)
	}
	return nil
}

// take notes which facts a step uses on a target, and finds what is wrong with
// them now that they are known.
func (b *builder) take(s *runbook.Step, t *runbook.StepPlan) {
	paths := b.scopes.factPaths(&s.Block, t.Target)
	facts := b.facts[t.Target]
	if len(paths) == 0 || facts == nil {
		return
	}
	for _, p := range paths {
		t.Facts = append(t.Facts, b.red.String(p.String()+" = "+check.Fact(facts, p)))
	}
	slices.Sort(t.Facts)
	t.Facts = slices.Compact(t.Facts)
	target, _ := Target(b.d, t.Target)
	names := b.scopes.namesOf(&s.Block, target)
	names.Facts = facts
	l := &linter{d: b.d}
	switch s.Kind {
	case runbook.Check:
		_, ps := check.Compile(s.Block.Body, names)
		l.problems(&s.Block, ps)
	case runbook.Run:
		b.takeAttributes(l, s, names)
	case runbook.Netconfig, runbook.RollbackBlock, runbook.Snapshot, runbook.Manual:
	}
	b.diags = append(b.diags, l.diags...)
}

// takeAttributes fills the attributes of a command in, to see that it works.
func (b *builder) takeAttributes(l *linter, s *runbook.Step, names check.Names) {
	env := check.Env{Vars: names.Vars, Target: names.Target, Facts: names.Facts}
	for key, texts := range map[string][]string{"cwd": {s.Block.Dir}, "stdin": {s.Block.Stdin}, "env": s.Block.Env} {
		for _, text := range texts {
			if usesAny(text, names.Registers) {
				continue
			}
			_, ps := check.Expand(text, env)
			for _, p := range ps {
				l.add(attrPosition(&s.Block, key), p.Code, p.Summary, p.Detail)
			}
		}
	}
}
