package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
	"stet/runbook"
	"stet/runbook/check"
	"stet/runbook/redact"
)

// builder simulates the steps of a document one upon another.
type builder struct {
	d      *runbook.Document
	scopes *scopes
	o      Options
	red    *redact.Redactor
	diags  runbook.Diagnostics
	// wanted has a netconfig step's configuration by step and target; a nil
	// one is deferred.
	wanted map[[2]string]*wish
	facts  map[string]*runbook.Facts // of the machines of targets, where used
	states map[string]*netstate.State
	ways   map[string]*executors.Way // of targets that are reached over a network
	ran    map[string]bool           // registers that steps of the plan fill
	// missing are the targets that nothing is known about; unfit are those that
	// a step does not fit, with why.
	missing map[string]runbook.Missing
	unfit   map[string]runbook.Diagnostics
}

// wish is a netconfig block's body for one target, decoded.
type wish struct {
	body     string
	config   *netstate.Config
	deferred string
}

// decode fills in and decodes all bodies; positions are the document's.
func (b *builder) decode(groups []runbook.Group) {
	b.wanted = map[[2]string]*wish{}
	for gi := range groups {
		for si := range groups[gi].Steps {
			s := &groups[gi].Steps[si]
			for ti := range s.Targets {
				b.take(s, &s.Targets[ti])
				b.decodeStep(s, &s.Targets[ti])
			}
			if s.Block.Register != "" {
				b.ran[s.Block.Register] = true
			}
		}
	}
}

func (b *builder) decodeStep(s *runbook.Step, t *runbook.StepPlan) {
	network := s.Kind == runbook.Netconfig || s.Kind == runbook.RollbackBlock && s.Block.Lang == "netconfig"
	if _, gone := b.missing[t.Target]; gone || !network && s.Kind != runbook.RollbackBlock {
		return
	}
	if why := b.deferred(&s.Block); why != "" {
		t.Deferred = why
		if network {
			b.wanted[[2]string{s.Name, t.Target}] = &wish{body: s.Block.Body, deferred: why}
		}
		return
	}
	target, _ := Target(b.d, t.Target)
	l := &linter{d: b.d}
	body, ps := check.Expand(s.Block.Body, check.Env{Vars: Vars(b.d, target, b.read()), Target: target, Facts: b.facts[t.Target]})
	if name := b.unread(s.Block.Body); len(ps) > 0 && name != "" && !network {
		t.Deferred = "it depends on the secret " + name
		return
	}
	l.problems(&s.Block, ps)
	if len(ps) == 0 && network {
		body = single(b.d, body)
		c, nps := netyaml.DecodeFiles(body, Files(b.d))
		t.Files = c.Files
		l.netProblems(&s.Block, body, nps)
		b.wanted[[2]string{s.Name, t.Target}] = &wish{body: body, config: c}
	}
	b.diags = append(b.diags, l.diags...)
	t.Body = b.red.String(body)
}

// read are the values of secrets that plans are made with. One that a command
// gives is not among them: making a plan runs no command of the document, and
// the plan that is run is the one that was shown.
func (b *builder) read() map[string]string {
	values := maps.Clone(b.o.Secrets)
	for _, s := range b.d.Meta.Secrets {
		if strings.HasPrefix(s.From, "cmd:") {
			delete(values, s.Name)
		}
	}
	return values
}

// unread is a secret in a text whose value plans are made without, or "".
func (b *builder) unread(text string) string {
	names := check.References(text)
	values := b.read()
	for _, s := range b.d.Meta.Secrets {
		if _, ok := values[s.Name]; !ok && slices.Contains(names, s.Name) {
			return s.Name
		}
	}
	return ""
}

// deferred says why a body can only be filled in while running. A register
// that no step of the plan fills is a fault.
func (b *builder) deferred(block *runbook.Block) string {
	registers := map[string]string{}
	for _, o := range b.d.Blocks {
		if o.Register != "" {
			registers[o.Register] = o.Name
		}
	}
	for _, r := range check.References(block.Body) {
		step, ok := registers[r]
		if !ok {
			continue
		}
		if !b.ran[r] && block.Kind != runbook.RollbackBlock {
			l := &linter{d: b.d}
			l.add(block.Start, "unknown-step", fmt.Sprintf("%s needs the output of %s, which is not selected", block.Name, step),
				"Select that step too.")
			b.diags = append(b.diags, l.diags...)
		}
		return fmt.Sprintf("it depends on the output of %s (%s)", step, r)
	}
	return ""
}

// Union asks for what either query asks for.
func Union(a, b netstate.Query) netstate.Query {
	merge := func(x, y []string) []string {
		all := append(slices.Clone(x), y...)
		slices.Sort(all)
		return slices.Compact(all)
	}
	return netstate.Query{
		Links: a.Links || b.Links, Routes: a.Routes || b.Routes, RouteSets: a.RouteSets || b.RouteSets, Rules: a.Rules || b.Rules,
		Neighbors: a.Neighbors || b.Neighbors, FDB: a.FDB || b.FDB, TrafficControl: a.TrafficControl || b.TrafficControl, Xfrm: a.Xfrm || b.Xfrm, MPTCP: a.MPTCP || b.MPTCP, DNS: a.DNS || b.DNS, DNSOwner: a.DNSOwner || b.DNSOwner, Ethtool: a.Ethtool || b.Ethtool, Unusual: a.Unusual || b.Unusual, Lost: a.Lost || b.Lost,
		Sysctls: merge(a.Sysctls, b.Sysctls), Namespaces: merge(a.Namespaces, b.Namespaces), Netns: merge(a.Netns, b.Netns), Going: merge(a.Going, b.Going), Elsewhere: merge(a.Elsewhere, b.Elsewhere), Kinds: merge(a.Kinds, b.Kinds),
	}
}

// simulate fills in what each netconfig step would change.
func (b *builder) simulate(groups []runbook.Group) {
	left := 0
	for range simulated(groups) {
		left++
	}
	for gi := range groups {
		for si := range groups[gi].Steps {
			s := &groups[gi].Steps[si]
			if s.Kind != runbook.Netconfig {
				continue
			}
			for ti := range s.Targets {
				left--
				b.simulateStep(s, &s.Targets[ti], left == 0)
			}
		}
	}
}

// simulateStep fills in what a step would change on a target. What it leads to
// is of no use after the last one.
func (b *builder) simulateStep(s *runbook.Step, t *runbook.StepPlan, last bool) {
	w := b.wanted[[2]string{s.Name, t.Target}]
	if w == nil || w.config == nil {
		return
	}
	was := b.states[t.Target]
	if was == nil || b.unfit[t.Target] != nil {
		return
	}
	next, foreign, problems := netstate.Simulate(was, w.config)
	if len(problems) > 0 {
		l := &linter{d: b.d}
		for _, p := range problems {
			detail := p.Detail
			if len(s.Targets) > 1 {
				detail = strings.TrimSpace(fmt.Sprintf("On %s. %s", t.Target, detail))
			}
			l.add(netPosition(b.d, &s.Block, w.body, p.Pos), p.Code, p.Summary, detail)
		}
		b.unfit[t.Target] = l.diags
		return
	}
	q := w.config.Query()
	t.Change = netstate.Diff(was.View(q), next.View(q))
	b.touches(s, t, was)
	b.unseen(s, t, was)
	b.foreignMACs(s, t, was)
	if last {
		return
	}
	netstate.Born(was, next)
	b.states[t.Target] = next
	b.carry(t.Target, foreign)
}

// carry brings what a step does elsewhere into the other targets' states: the
// far ends of veths into theirs, and this target's links into the views that
// others have of it.
func (b *builder) carry(from string, foreign []netstate.Foreign) {
	for _, f := range foreign {
		if s := b.states[f.Target]; s != nil && f.Target != from {
			place(s, f, "")
		}
		for name, s := range b.states {
			if name != f.Target && name != from && views(s, f.Target) {
				place(s, f, f.Target)
			}
		}
	}
	for name, s := range b.states {
		if name == from || !views(s, from) {
			continue
		}
		s.Interfaces = slices.DeleteFunc(s.Interfaces, func(i netstate.Interface) bool { return i.Netns == from })
		for _, i := range b.states[from].Interfaces {
			if i.Netns == "" {
				i.Netns = from
				s.Interfaces = append(s.Interfaces, i)
			}
		}
		sortLinks(s)
	}
	for name, s := range b.states {
		for other, there := range b.states {
			if name != other && views(s, other) {
				s.Elsewhere = maps.Clone(s.Elsewhere)
				if s.Elsewhere == nil {
					s.Elsewhere = map[string]*netstate.State{}
				}
				far := *there
				far.Elsewhere = nil // it may lead back here
				s.Elsewhere[other] = &far
			}
		}
	}
}

// views reports whether a state holds links of another target.
func views(s *netstate.State, target string) bool {
	return slices.ContainsFunc(s.Interfaces, func(i netstate.Interface) bool { return i.Netns == target })
}

func place(s *netstate.State, f netstate.Foreign, netns string) {
	before := &netstate.State{Interfaces: slices.Clone(s.Interfaces)}
	same := func(i netstate.Interface) bool { return i.Name == f.Interface.Name && i.Netns == netns }
	s.Interfaces = slices.DeleteFunc(s.Interfaces, same)
	if f.Gone {
		return
	}
	i := f.Interface
	i.Netns = netns
	i.Index = 0 // it is not there yet
	s.Interfaces = append(s.Interfaces, i)
	sortLinks(s)
	netstate.Born(before, s)
}

func sortLinks(s *netstate.State) {
	slices.SortStableFunc(s.Interfaces, func(a, b netstate.Interface) int {
		return cmp.Or(strings.Compare(a.Netns, b.Netns), strings.Compare(a.Name, b.Name))
	})
}
